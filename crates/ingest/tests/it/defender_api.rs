//! Saved answers of Defender's API: machines, and who logged on to one.

use ingest::{Format, Options};
use inventory::logon::LogonType;
use inventory::machine::{AdapterType, ExposureLevel, ManagedBy, OnboardingStatus, RiskScore};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Collected, gzip, options, read_bytes, read_bytes_with, read_file, write};

const ID: &str = "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";

/// A machine as the service answers it (defender-api.md §2.1).
fn machine() -> Value {
    json!({
        "id": ID, "mergedIntoMachineId": null, "isPotentialDuplication": false,
        "isExcluded": false, "exclusionReason": null, "computerDnsName": "WS-9.corp.example",
        "firstSeen": "2026-01-07T08:11:02.1234567Z", "lastSeen": "2026-04-01T09:00:00.55Z",
        "osPlatform": "Windows11", "osProcessor": "x64", "version": "23H2",
        "lastIpAddress": "10.1.0.20", "lastExternalIpAddress": "198.51.100.7",
        "agentVersion": "10.8790.22631.5608", "osBuild": 22631, "healthStatus": "Inactive",
        "deviceValue": "High", "rbacGroupId": 140, "rbacGroupName": "tier 1",
        "riskScore": "Low", "exposureLevel": "Medium", "isAadJoined": true,
        "aadDeviceId": "80fe8ff8-2624-418e-9591-41f0491218f9", "machineTags": ["tier 1", " "],
        "onboardingStatus": "Onboarded", "osArchitecture": "64-bit", "managedBy": "Intune",
        "managedByStatus": "Unknown",
        "ipAddresses": [
            {"ipAddress": "10.1.0.20", "macAddress": "00155D01020A", "type": "Ethernet",
             "operationalStatus": "Up"},
            {"ipAddress": "127.0.0.1", "macAddress": null, "type": "SoftwareLoopback",
             "operationalStatus": "Up"},
        ],
        "vmMetadata": null,
    })
}

/// A user as `logonusers` answers it (defender-api.md §3).
fn user(name: &str, types: Value) -> Value {
    json!({
        "id": format!("corp\\{name}"), "accountName": name, "accountDomain": "corp",
        "accountSid": null, "firstSeen": "2026-03-04T07:11:02Z",
        "lastSeen": "2026-04-02T16:48:31Z", "mostPrevalentMachineId": null,
        "leastPrevalentMachineId": null, "logonTypes": types, "logOnMachinesCount": null,
        "isDomainAdmin": false, "isOnlyNetworkUser": null,
    })
}

fn answer(set: &str, value: &[Value]) -> Value {
    let context = format!("https://api.securitycenter.microsoft.com/api/$metadata#{set}");
    json!({"@odata.context": context, "value": value})
}

fn told(read: &Collected) -> Vec<(String, String, u8)> {
    let logons = read.logons.iter();
    let told =
        logons.map(|logon| (logon.account.id(), logon.time.to_string(), logon.logon_type.number()));
    told.collect()
}

#[test]
fn a_machine_is_read_whatever_holds_it() {
    let one = machine();
    let mut single = one.clone();
    single["@odata.context"] = "https://x/api/$metadata#Machines/$entity".into();
    let page = answer("Machines", std::slice::from_ref(&one));
    let pretty = serde_json::to_string_pretty(&page).unwrap();
    let mut other = one.clone();
    other["id"] = "4f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90".into();
    for (text, count) in [
        (one.to_string(), 1),
        (single.to_string(), 1),
        (page.to_string(), 1),
        (pretty.clone(), 1),
        (format!("{pretty}\n{pretty}"), 2),
        (format!("{page}\n{}\n", answer("Machines", std::slice::from_ref(&other))), 2),
        (format!("[{one},{other}]"), 2),
        (format!("{one}\n{other}\n"), 2),
    ] {
        for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
            let read = read_bytes(&bytes);
            assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{text}");
            assert_eq!(read.files[0].format, Format::Defender);
            let tally = read.tally();
            assert_eq!((tally.records, tally.reports, tally.logons), (count, count, 0), "{text}");
            let times: Vec<_> = read.reports.iter().map(|report| report.time.to_string()).collect();
            assert!(times.contains(&"2026-04-01T09:00:00.55Z".to_owned()), "{times:?}");
            assert!(times.contains(&"2026-01-07T08:11:02.1234567Z".to_owned()), "{times:?}");
        }
    }
}

#[test]
fn every_fact_of_a_machine_is_taken_over() {
    let read = read_bytes(machine().to_string().as_bytes());
    let report = &read.reports[0];
    assert_eq!(report.machine.name, "WS-9.corp.example");
    assert_eq!(report.machine.machine_id().to_string(), ID);
    let facts = &report.facts;
    assert_eq!(facts.os_platform.as_deref(), Some("Windows11"));
    assert_eq!(facts.os_processor.as_deref(), Some("x64"));
    assert_eq!(facts.version.as_deref(), Some("23H2"));
    assert_eq!(facts.last_ip_address, "10.1.0.20".parse().ok());
    assert_eq!(facts.last_external_ip_address, "198.51.100.7".parse().ok());
    assert_eq!(facts.agent_version.as_deref(), Some("10.8790.22631.5608"));
    assert_eq!(facts.os_build, Some(22_631));
    assert_eq!(facts.os_architecture.as_deref(), Some("64-bit"));
    assert_eq!(facts.is_aad_joined, Some(true));
    assert_eq!(facts.risk_score, Some(RiskScore::Low));
    assert_eq!(facts.exposure_level, Some(ExposureLevel::Medium));
    assert_eq!(facts.onboarding_status, Some(OnboardingStatus::Onboarded));
    assert_eq!((facts.managed_by, facts.managed_by_status), (Some(ManagedBy::Intune), None));
    assert_eq!(facts.tags, ["tier 1"]);
    assert_eq!(facts.ip_addresses.len(), 1);
    assert_eq!(facts.ip_addresses[0].adapter_type, AdapterType::Ethernet);
    assert_eq!(facts.ip_addresses[0].mac_address.as_deref(), Some("00155D01020A"));
    assert_eq!(facts.vm_metadata, None);
}

#[test]
fn a_user_was_there_first_and_last_in_each_way_told() {
    let mut network = user("dora", Value::Null);
    network["isOnlyNetworkUser"] = true.into();
    let users = answer(
        "Users",
        &[
            user("Ann", "Interactive, RemoteInteractive".into()),
            network,
            user("ws-9$", "Network".into()),
            user("system", "Service".into()),
            user("eve", "".into()),
        ],
    );
    let device = Options { device: Some(ID.to_owned()), ..options() };
    let read = read_bytes_with(users.to_string().as_bytes(), &device);
    assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]));
    let (first, last) = ("2026-03-04T07:11:02Z".to_owned(), "2026-04-02T16:48:31Z".to_owned());
    let row = |user: &str, time: &String, kind| (format!("corp\\{user}"), time.clone(), kind);
    let expected = [
        row("ann", &last, 2),
        row("ann", &last, 10),
        row("ann", &first, 2),
        row("ann", &first, 10),
        row("dora", &last, 3),
        row("dora", &first, 3),
        row("eve", &last, 1),
        row("eve", &first, 1),
    ];
    assert_eq!(told(&read), expected);
    assert!(read.logons.iter().all(|logon| logon.machine.machine_id().to_string() == ID));
    let tally = read.tally();
    assert_eq!((tally.records, tally.logons, tally.noise), (5, 8, 2));
    let again = read_bytes_with(users.to_string().as_bytes(), &device);
    assert_eq!(read.logons, again.logons, "what was read before is the same event");
}

#[test]
fn the_machine_of_users_is_told_by_link_name_or_person() {
    let users = answer("Users", &[user("ann", "Network".into())]);
    let mut linked = users.clone();
    linked["@odata.nextLink"] =
        format!("https://api.security.microsoft.com/api/machines/{ID}/logonusers?$skip=1").into();
    let mut beside = user("ann", "Network".into());
    beside["machineId"] = ID.into();
    let folder = tempfile::tempdir().unwrap();
    let by_name = read_file(&write(&folder, &format!("{ID}.json"), users.to_string().as_bytes()));
    let others = [linked.to_string(), beside.to_string(), format!("{beside}\n{beside}")];
    let others = others.iter().map(|text| read_bytes(text.as_bytes()));
    for read in others.chain([by_name]) {
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]));
        assert_eq!(read.logons[0].machine.machine_id().to_string(), ID);
    }
    let named = Options { device: Some("WS-9".to_owned()), ..options() };
    let read = read_bytes_with(users.to_string().as_bytes(), &named);
    assert_eq!(read.logons[0].machine.name, "WS-9");
    let read = read_bytes(users.to_string().as_bytes());
    assert!(read.logons.is_empty());
    assert!(read.rejects[0].reason.contains("--device"), "{:?}", read.rejects);
}

#[test]
fn users_inside_their_machine_need_no_name() {
    let mut one = machine();
    one["logOnUsers"] = json!([user("ann", "Interactive".into())]);
    let read = read_bytes(answer("Machines", &[one]).to_string().as_bytes());
    assert_eq!(read.rejects, []);
    assert_eq!(read.logons.len(), 2);
    assert_eq!(read.logons[0].machine, read.reports[0].machine);
    assert_eq!(read.logons[0].logon_type, LogonType::new(2).unwrap());
}

#[test]
fn what_is_broken_is_told_and_the_rest_is_read() {
    let mut bad_id = machine();
    bad_id["id"] = "x".into();
    let mut bad_time = machine();
    bad_time["lastSeen"] = "yesterday".into();
    let mut unknown_first = machine();
    unknown_first["firstSeen"] = "0001-01-01T00:00:00Z".into();
    let page = answer("Machines", &[bad_id, bad_time, unknown_first]);
    let read = read_bytes(page.to_string().as_bytes());
    let reasons: Vec<_> = read.rejects.iter().map(|reject| reject.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("40 hex digits") && reasons[1].starts_with("lastSeen"));
    assert_eq!(read.reports.len(), 1);
}

#[test]
fn an_empty_answer_is_known_and_other_sets_are_not() {
    let read = read_bytes(answer("Machines", &[]).to_string().as_bytes());
    assert_eq!(read.files[0].format, Format::Defender);
    let read = read_bytes(answer("Users", &[]).to_string().as_bytes());
    assert_eq!(read.files[0].format, Format::Defender);
    let alert = json!({"id": "da1", "computerDnsName": "ws-9", "machineId": ID});
    let reference = json!({"id": ID, "computerDnsName": "ws-9", "osPlatform": "Windows11"});
    let account = json!({"accountName": "ann", "lastSeen": "2026-04-01T00:00:00Z"});
    for other in [answer("Alerts", &[alert]), answer("Machines2", &[reference]), account] {
        let read = read_bytes(other.to_string().as_bytes());
        assert!(read.files.is_empty(), "{other}");
    }
}

proptest! {
    #[test]
    fn no_value_panics(
        field in prop::sample::select(vec!["id", "lastSeen", "firstSeen", "ipAddresses", "machineTags",
            "logOnUsers", "vmMetadata", "osPlatform", "@odata.context"]),
        text in "\\PC{0,40}",
        user_field in prop::sample::select(vec!["logonTypes", "accountName", "lastSeen", "machineId"]),
    ) {
        let mut one = machine();
        let mut other = user("ann", "Network".into());
        other[user_field] = text.clone().into();
        one["logOnUsers"] = json!([other]);
        one[field] = serde_json::from_str(&text).unwrap_or(Value::String(text));
        read_bytes(one.to_string().as_bytes());
        read_bytes(answer("Users", &[one["logOnUsers"][0].clone()]).to_string().as_bytes());
    }
}
