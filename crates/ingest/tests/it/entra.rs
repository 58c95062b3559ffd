//! Entra's sign-ins and Intune's devices.

use ingest::Format;
use inventory::logon::Source;
use inventory::machine::ManagedBy;
use proptest::prelude::*;

use crate::support::{data, read_bytes, read_file};

const DEVICE: &str = "6a2f1b7c-0d3e-4c5f-9a81-7b6c5d4e3f2a";
const USER: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// A sign-in at a Windows device; `extra` replaces or adds members.
fn sign_in(extra: &str) -> String {
    let comma = if extra.is_empty() { "" } else { "," };
    format!(
        "{{\"id\":\"s1\",\"createdDateTime\":\"2026-04-01T08:00:00Z\",\
         \"userPrincipalName\":\"Ann@corp.example\",\"userId\":\"{USER}\",\
         \"appDisplayName\":\"Windows Sign In\",\"ipAddress\":\"203.0.113.5\",\
         \"isInteractive\":true,\"status\":{{\"errorCode\":0}},\
         \"deviceDetail\":{{\"deviceId\":\"{DEVICE}\",\"displayName\":\"WS-7\"}}{comma}{extra}}}"
    )
}

fn managed(extra: &str) -> String {
    format!(
        "{{\"id\":\"m1\",\"deviceName\":\"WS-7\",\"lastSyncDateTime\":\"2026-04-01T09:00:00Z\",\
         \"operatingSystem\":\"Windows\",\"osVersion\":\"10.0.22631.3155\",\
         \"azureADDeviceId\":\"{DEVICE}\",\"userId\":\"{USER}\",\
         \"userPrincipalName\":\"ann@corp.example\"{extra}}}"
    )
}

#[test]
fn real_records_are_accepted() {
    let Some(data) = data() else { return };
    for (name, reports) in [
        ("real-signIn-interactive.json", 0),
        ("real-signIn-blob-failure.json", 0),
        ("real-managedDevices.json", 5),
        ("real-intune-Devices-blob.json", 1),
    ] {
        let read = read_file(&data.join("entra").join(name));
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{name}");
        assert_eq!(read.files[0].format, Format::Entra);
        assert_eq!((read.logons.len(), read.reports.len()), (0, reports), "{name}");
        assert_eq!(read.tally().records, reports.max(1) as u64);
        assert!(read.reports.iter().all(|it| it.facts.managed_by == Some(ManagedBy::Intune)));
    }
}

#[test]
fn a_sign_in_at_a_device_is_a_logon_to_it() {
    let row = sign_in("");
    let exported = format!("{{\"time\":\"x\",\"category\":\"SignInLogs\",\"properties\":{row}}}");
    for text in [
        row.clone(),
        exported.clone(),
        format!("{{\"records\":[{exported}]}}"),
        format!("{{\"@odata.context\":\"x\",\"value\":[{row}]}}"),
        format!("[\n{row}\n]"),
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.files[0].format, Format::Entra);
        assert_eq!(read.logons.len(), 1, "{text}");
        let logon = &read.logons[0];
        assert_eq!((logon.source, logon.logon_type.number()), (Source::Entra, 2));
        assert_eq!(logon.account.name, "ann");
        assert_eq!(logon.account.upn.as_deref(), Some("ann@corp.example"));
        assert_eq!(logon.account.object_id.unwrap().to_string(), USER);
        assert!(logon.account.authority().starts_with("S-1-12-1-"));
        assert_eq!(logon.machine.name, "WS-7");
        assert_eq!(logon.machine.aad_device_id.unwrap().to_string(), DEVICE);
        assert_eq!(logon.time.to_string(), "2026-04-01T08:00:00Z");
        assert_eq!(logon.remote_address, None);
    }
}

#[test]
fn other_sign_ins_relate_nobody() {
    let lines = [
        sign_in("\"appDisplayName\":\"One Outlook Web\""),
        sign_in("\"deviceDetail\":{\"deviceId\":\"\",\"displayName\":\"WS-7\"}"),
        sign_in("\"isInteractive\":false"),
        sign_in("\"status\":{}"),
        sign_in("\"status\":{\"errorCode\":50126}"),
        format!("{{\"category\":\"NonInteractiveUserSignInLogs\",\"properties\":{}}}", sign_in("")),
    ];
    let read = read_bytes(lines.join("\n").as_bytes());
    assert_eq!((read.logons.len(), read.rejects.len()), (0, 0));
    assert_eq!((read.tally().records, read.tally().failures), (6, 1));
}

#[test]
fn a_managed_device_describes_itself_and_names_its_own_user() {
    let users = format!(
        ",\"joinType\":\"azureADJoined\",\"usersLoggedOn\":[\
         {{\"userId\":\"{USER}\",\"lastLogOnDateTime\":\"2026-03-31T07:00:00Z\"}},\
         {{\"userId\":\"{DEVICE}\",\"lastLogOnDateTime\":\"2026-03-30T07:00:00Z\"}}]"
    );
    let text = format!("{{\"value\":[{},{}]}}", managed(&users), managed(""));
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.rejects, []);
    assert_eq!(read.users(), ["ann"]);
    assert_eq!(read.times(), ["2026-03-31T07:00:00Z"]);
    let facts = &read.reports[0].facts;
    assert_eq!(facts.os_platform.as_deref(), Some("Windows11"));
    assert_eq!(facts.os_build, Some(22631));
    assert_eq!(facts.is_aad_joined, Some(true));
    assert_eq!(facts.aad_device_id.unwrap().to_string(), DEVICE);
}

#[test]
fn broken_records_are_told_and_the_rest_is_read() {
    let text = format!(
        "{{\"value\":[{},{},{}]}}",
        sign_in("\"createdDateTime\":\"late\""),
        managed(",\"deviceName\":\"\""),
        sign_in("")
    );
    let read = read_bytes(text.as_bytes());
    assert_eq!(read.users(), ["ann"]);
    let told: Vec<_> = read
        .rejects
        .iter()
        .map(|reject| format!("{}: {}", reject.position, reject.reason))
        .collect();
    assert_eq!(
        told,
        [
            "record 1: createdDateTime: `late` is not a date and time",
            "record 2: deviceName is missing",
        ]
    );
}

/// What is left out for speed must be nothing that counts: of a document everything is parsed.
#[test]
fn lines_that_are_left_out_hold_nothing() {
    let blob = "{\"time\":\"x\",\"category\":\"Devices\",\"properties\":{\"DeviceName\":\"a\",\
                \"LastContact\":\"2026-04-01T08:00:00.1\",\"OS\":\"MacOS\"}}";
    let records = [sign_in(""), managed(""), blob.to_owned(), sign_in("\"status\":null")];
    let lines = read_bytes(records.join("\n").as_bytes());
    let document = read_bytes(format!("[{}]", records.join(",")).as_bytes());
    assert_eq!((lines.logons.len(), lines.reports.len()), (1, 2));
    assert_eq!(lines.logons, document.logons);
    assert_eq!(lines.reports, document.reports);
    assert_eq!(lines.tally(), document.tally());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_byte_never_panics(at in 0usize..2000, byte: u8, is_device: bool) {
        let text = if is_device {
            managed(&format!(",\"usersLoggedOn\":[{{\"userId\":\"{USER}\"}}]"))
        } else {
            sign_in("")
        };
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let read = read_bytes(&bytes);
        prop_assert!(read.logons.len() <= 1);
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
    }
}
