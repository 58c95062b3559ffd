//! Windows events that some program turned into JSON: one made logon in each way that programs write it.

mod outcomes;

use inventory::logon::{Logon, Source};
use jiff::tz::{TimeZone, offset};
use serde_json::{Map, Value, json};

use crate::support::{Collected, options, other, read_bytes, read_bytes_with};

const NAMES: [&str; 21] = [
    "SubjectUserSid",
    "SubjectUserName",
    "SubjectDomainName",
    "SubjectLogonId",
    "TargetUserSid",
    "TargetUserName",
    "TargetDomainName",
    "TargetLogonId",
    "LogonType",
    "LogonProcessName",
    "AuthenticationPackageName",
    "WorkstationName",
    "LogonGuid",
    "TransmittedServices",
    "LmPackageName",
    "KeyLength",
    "ProcessId",
    "ProcessName",
    "IpAddress",
    "IpPort",
    "ImpersonationLevel",
];
const VALUES: [&str; 21] = [
    "S-1-5-18",
    "WS-1$",
    "CORP",
    "0x3e7",
    "S-1-5-21-1-2-3-1104",
    "Ann",
    "CORP",
    "0xa1b2c",
    "10",
    "User32 ",
    "Negotiate",
    "LAPTOP-7",
    "{00000000-0000-0000-0000-000000000000}",
    "-",
    "-",
    "0",
    "0x2f0",
    "C:\\Windows\\System32\\svchost.exe",
    "192.0.2.7",
    "0",
    "%%1833",
];
const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";
const COMPUTER: &str = "WS-1.corp.example";
const MESSAGE: &str = "An account was successfully logged on.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n\tAccount Name:\t\tWS-1$\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0x3E7\r\n\r\nLogon Information:\r\n\tLogon Type:\t\t10\r\n\tRestricted Admin Mode:\tNo\r\n\tVirtual Account:\t\tNo\r\n\tElevated Token:\t\tYes\r\n\r\nImpersonation Level:\t\tImpersonation\r\n\r\nNew Logon:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1104\r\n\tAccount Name:\t\tAnn\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0xA1B2C\r\n\tLogon GUID:\t\t{00000000-0000-0000-0000-000000000000}\r\n\r\nProcess Information:\r\n\tProcess ID:\t\t0x2f0\r\n\tProcess Name:\t\tC:\\Windows\\System32\\svchost.exe\r\n\r\nNetwork Information:\r\n\tWorkstation Name:\tLAPTOP-7\r\n\tSource Network Address:\t192.0.2.7\r\n\tSource Port:\t\t0\r\n";

/// Reads records behind one that makes the file a known one.
fn read(records: &[Value]) -> Collected {
    let mut lines = vec![other(1)];
    lines.extend(records.iter().map(Value::to_string));
    read_bytes(lines.join("\n").as_bytes())
}

/// Reads a record that must be Ann's logon to WS-1 at 08:00 UTC, with all its values.
fn ann(record: &Value) -> Logon {
    let read = read(std::slice::from_ref(record));
    assert_eq!((read.rejects, read.skipped), (vec![], vec![]), "{record}");
    let [logon] = read.logons.as_slice() else { panic!("{record}: {:?}", read.logons) };
    assert_eq!(logon.account.name, "ann", "{record}");
    assert_eq!(logon.account.domain, "corp", "{record}");
    assert_eq!(logon.account.sid.as_deref(), Some("S-1-5-21-1-2-3-1104"), "{record}");
    assert_eq!(logon.machine.name, COMPUTER, "{record}");
    assert_eq!(logon.time.whole_second().to_string(), "2026-03-02T08:00:00Z", "{record}");
    assert_eq!(logon.logon_type.number(), 10, "{record}");
    assert_eq!(logon.remote_address, "192.0.2.7".parse().ok(), "{record}");
    assert_eq!(logon.remote_name.as_deref(), Some("LAPTOP-7"), "{record}");
    assert_eq!(logon.key.session, 0xa1b2c, "{record}");
    assert_eq!(logon.key.record, Some(77), "{record}");
    assert_eq!(logon.source, Source::EventJson, "{record}");
    logon.clone()
}

/// The same, to the last 100 ns.
fn ann_exactly(record: &Value) {
    assert_eq!(ann(record).time.to_string(), "2026-03-02T08:00:00.1234567Z", "{record}");
}

fn event_data() -> Value {
    let named = NAMES.iter().zip(VALUES).map(|(name, value)| ((*name).to_owned(), value.into()));
    Value::Object(named.collect::<Map<_, _>>())
}

/// The values in a list, each as `item` writes it.
fn list(item: impl Fn(&str, &str) -> Value) -> Value {
    NAMES.iter().zip(VALUES).map(|(name, value)| item(name, value)).collect()
}

/// The System part; `attributes` writes an element with attributes, and perhaps a text.
fn system(attributes: impl Fn(Value, Option<Value>) -> Value) -> Value {
    json!({
        "Provider": attributes(json!({"Name": PROVIDER, "Guid": "54849625"}), None),
        "EventID": attributes(json!({"Qualifiers": ""}), Some(json!("4624"))),
        "Version": 1, "Level": 0, "Task": 12544, "Keywords": "0x8020000000000000",
        "TimeCreated": attributes(json!({"SystemTime": "2026-03-02T08:00:00.1234567Z"}), None),
        "EventRecordID": 77, "Correlation": null,
        "Execution": attributes(json!({"ProcessID": 632, "ThreadID": 904}), None),
        "Channel": "Security", "Computer": COMPUTER, "Security": null,
    })
}

#[test]
fn xml_as_json_is_read_in_every_spelling() {
    let evtx = |attributes: Value, text: Option<Value>| match text {
        Some(text) => json!({"#attributes": attributes, "#text": text}),
        None => json!({"#attributes": attributes}),
    };
    let xmltodict = |attributes: Value, text: Option<Value>| {
        let mut object = Map::new();
        for (name, value) in attributes.as_object().unwrap() {
            object.insert(format!("@{name}"), value.clone());
        }
        object.extend(text.map(|text| ("#text".to_owned(), text)));
        Value::Object(object)
    };
    let xml2js = |attributes: Value, text: Option<Value>| match text {
        Some(text) => json!({"$": attributes, "_": text}),
        None => json!({"$": attributes}),
    };
    let plain = |attributes: Value, text: Option<Value>| text.unwrap_or(attributes);
    let xmlns = "http://schemas.microsoft.com/win/2004/08/events/event";
    let event = |system: Value, data: Value| json!({"Event": {"xmlns": xmlns, "System": system, "EventData": data}});
    // The crate evtx, xmltodict, xml2js, MaxPatrol, evtxtoelk, a list of one as xml2js makes each.
    for record in [
        event(system(evtx), event_data()),
        event(
            system(evtx),
            json!({"Data": list(|name, value| {
                json!({"#attributes": {"Name": name}, "#text": value})
            })}),
        ),
        event(
            system(xmltodict),
            json!({"Data": list(|name, value| {
                json!({"@Name": name, "#text": value})
            })}),
        ),
        event(
            system(xml2js),
            json!({"Data": list(|name, value| {
                json!({"$": {"Name": name}, "_": value})
            })}),
        ),
        event(
            system(xml2js),
            json!([{"Data": list(|name, value| {
                json!({"$": {"Name": name}, "_": value})
            })}]),
        ),
        event(
            system(plain),
            json!({"Data": list(|name, value| {
                json!({"Name": name, "text": value})
            })}),
        ),
        event(system(plain), json!({"Data": VALUES})),
        event(system(xmltodict), json!({"Data": event_data()})),
        // Chainsaw's wrapper, and a hit of an index.
        json!({"group": "Sigma", "kind": "individual", "name": "x", "timestamp": "2026-03-03T00:00:00Z",
            "document": {"kind": "evtx", "path": "Security.evtx",
                "data": event(system(evtx), event_data())}}),
        json!({"_index": "evtx", "_id": "1",
            "_source": {"@timestamp": "2026-03-02T09:00:00Z", "Event": event(system(plain), event_data())}}),
    ] {
        ann_exactly(&record);
    }
    // --separate-json-attributes
    ann_exactly(&json!({"Event_attributes": {"xmlns": xmlns}, "Event": {
        "System": {"Provider_attributes": {"Name": PROVIDER}, "EventID": 4624,
            "EventID_attributes": {"Qualifiers": ""},
            "TimeCreated_attributes": {"SystemTime": "2026-03-02T08:00:00.1234567Z"},
            "EventRecordID": 77, "Channel": "Security", "Computer": COMPUTER},
        "EventData": event_data()}}));
}

#[test]
fn rows_of_velociraptor_are_read() {
    ann_exactly(&json!({"System": {"Provider": {"Name": PROVIDER}, "EventID": {"Value": 4624},
        "TimeCreated": {"SystemTime": 1_772_438_400.123_456_7}, "EventRecordID": 77,
        "Channel": "Security", "Computer": COMPUTER, "Security": {}},
        "EventData": event_data(), "Message": "An account was successfully logged on."}));
    // EvtxHunter, and Evtx before it.
    ann(&json!({"EventTime": "2026-03-02T08:00:00Z", "Computer": COMPUTER, "Channel": "Security",
        "Provider": PROVIDER, "EventID": 4624, "EventRecordID": 77, "UserSID": null, "Username": null,
        "EventData": event_data(), "UserData": null, "Message": MESSAGE,
        "OSPath": "C:\\Windows\\System32\\winevt\\Logs\\Security.evtx", "ClientId": "C.1", "Fqdn": "other"}));
    // RDPAuth has a column for what it shows, and the text for the rest.
    let row = json!({"EventTime": "2026-03-02T08:00:00Z", "Computer": COMPUTER, "Channel": "Security",
        "EventID": 4624, "DomainName": "CORP", "UserName": "Ann", "LogonType": 10,
        "SourceIP": "192.0.2.7", "Description": "RDP_LOGON_SUCCESSFUL_NEW", "Message": MESSAGE,
        "EventRecordID": 77, "OSPath": "Security.evtx"});
    ann(&row);
    let mut short = row;
    short["Message"] = Value::Null;
    let read = read(&[short]);
    assert_eq!((read.users(), read.rejects.len()), (vec!["ann"], 0));
}

#[test]
fn evtxecmd_is_read() {
    let payload = json!({"EventData": {"Data": list(|name, value| {
        json!({"@Name": name, "#text": value})
    })}});
    for time in ["2026-03-02T08:00:00.1234567+00:00", "2026-03-02 08:00:00.1234567"] {
        let record = json!({"PayloadData1": "Target: CORP\\Ann", "UserName": "CORP\\WS-1$",
            "RemoteHost": "LAPTOP-7 (192.0.2.7)", "ChunkNumber": 0, "Computer": COMPUTER,
            "Payload": payload.to_string(), "Channel": "Security", "Provider": PROVIDER,
            "EventId": 4624, "EventRecordId": "77", "ProcessId": 632, "Keywords": "Audit success",
            "SourceFile": "C:\\case\\Security.evtx", "TimeCreated": time, "RecordNumber": 1});
        ann_exactly(&record);
        assert_eq!(read(&[record]).warnings, Vec::<String>::new());
    }
}

#[test]
fn what_powershell_prints_is_read() {
    let event = |time: Value, properties: Value, message: Value| {
        json!({"Id": 4624, "Version": 2, "Level": 0, "Task": 12544, "RecordId": 77,
            "ProviderName": PROVIDER, "LogName": "Security", "ProcessId": 632,
            "MachineName": COMPUTER, "UserId": null, "TimeCreated": time,
            "ContainerLog": "C:\\Security.evtx", "LevelDisplayName": "Information",
            "Properties": properties, "Message": message})
    };
    // Windows PowerShell 5.1 looks no deeper than two levels, so that the text has the values.
    let type_name = "System.Diagnostics.Eventing.Reader.EventProperty";
    let names = list(|_, _| type_name.into());
    ann(&event("/Date(1772438400123)/".into(), names.clone(), MESSAGE.into()));
    let date =
        json!({"value": "/Date(1772438400123)/", "DateTime": "Montag, 2. März 2026 09:00:00"});
    ann(&event(date, names, MESSAGE.into()));
    // PowerShell 7, whose values have their types.
    let typed = |name: &str, value: &str| match name {
        "TargetLogonId" => json!({"Value": 0xa1b2c}),
        "LogonType" => json!({"Value": 10}),
        "TargetUserSid" => {
            json!({"Value": {"BinaryLength": 28, "AccountDomainSid": "S-1-5-21-1-2-3",
            "Value": value}})
        }
        _ => json!({"Value": value}),
    };
    ann_exactly(&event("2026-03-02T09:00:00.1234567+01:00".into(), list(typed), Value::Null));
    ann_exactly(&event("2026-03-02T09:00:00.1234567+01:00".into(), Value::Null, MESSAGE.into()));
    // Get-EventLog
    ann(&json!({"MachineName": COMPUTER, "Data": [], "Index": 77, "Category": "(12544)",
        "CategoryNumber": 12544, "EventID": 4624, "EntryType": 8, "Message": MESSAGE,
        "Source": PROVIDER, "ReplacementStrings": VALUES, "InstanceId": 4624,
        "TimeGenerated": "/Date(1772438400000)/", "TimeWritten": "/Date(1772438401000)/",
        "UserName": null, "Site": null, "Container": null}));
}

#[test]
fn wmis_events_are_read() {
    let event = |time: &str| {
        json!({"Category": 12544, "ComputerName": COMPUTER, "Data": null, "EventCode": 4624,
            "EventIdentifier": 4624, "EventType": 4, "InsertionStrings": VALUES, "Logfile": "Security",
            "Message": "-", "RecordNumber": 77, "SourceName": PROVIDER, "TimeGenerated": time,
            "TimeWritten": "20260302090001.000000-000", "Type": "Audit Success", "User": null})
    };
    let logon = ann(&event("20260302080000.123456-000"));
    assert_eq!(logon.time.to_string(), "2026-03-02T08:00:00.123456Z");
    ann(&event("20260302090000.000000+060"));
    // A time without a zone is one of the file's, with a word about it.
    let lines = [other(1), event("2026-03-02 09:00:00").to_string()].join("\n");
    let mut options = options();
    let read = read_bytes_with(lines.as_bytes(), &options);
    assert_eq!((read.times(), read.warnings.len()), (vec!["2026-03-02T09:00:00Z".to_owned()], 1));
    options.timezone = Some(TimeZone::fixed(offset(1)));
    let read = read_bytes_with(lines.as_bytes(), &options);
    assert_eq!((read.times(), read.warnings.len()), (vec!["2026-03-02T08:00:00Z".to_owned()], 0));
}

#[test]
fn what_shippers_send_is_read() {
    let lower = |name: &str| {
        let mut letters = name.chars();
        let first = letters.next().unwrap();
        first.to_lowercase().chain(letters).collect::<String>()
    };
    let named = |key: &dyn Fn(&str) -> String| {
        let named = NAMES.iter().zip(VALUES).map(|(name, value)| (key(name), value.into()));
        named.collect::<Map<String, Value>>()
    };
    // Wazuh
    ann_exactly(&json!({"timestamp": "2026-03-02T08:00:02.000+0000",
        "rule": {"id": "92653", "level": 6, "description": "User logged using Remote Desktop"},
        "agent": {"id": "004", "name": "agent-4", "ip": "192.0.2.99"}, "manager": {"name": "wazuh"},
        "id": "1772438402.1", "decoder": {"name": "windows_eventchannel"},
        "data": {"win": {"system": {"providerName": PROVIDER, "eventID": "4624", "version": "2",
            "systemTime": "2026-03-02T08:00:00.1234567Z", "eventRecordID": "77", "processID": "632",
            "channel": "Security", "computer": COMPUTER, "severityValue": "AUDIT_SUCCESS",
            "message": "\"An account was successfully logged on.\""},
            "eventdata": named(&lower)}}, "location": "EventChannel"}));
    // Fluentd's in_windows_eventlog2
    let fluentd = |values: Value| {
        let mut record = json!({"ProviderName": PROVIDER, "ProviderGUID": "{54849625}", "EventID": "4624",
            "Level": "0", "Task": "12544", "Keywords": "0x8020000000000000",
            "TimeCreated": "2026-03-02T08:00:00.1234567Z", "EventRecordID": "77", "ThreadID": "904",
            "Channel": "Security", "Computer": COMPUTER, "Version": "2"});
        record.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
        record
    };
    ann_exactly(&fluentd(json!({"EventData": VALUES, "Description": MESSAGE})));
    ann_exactly(&fluentd(json!({"DescriptionTitle": "An account was successfully logged on.",
        "subject.security_id": "S-1-5-18", "subject.account_name": "WS-1$",
        "subject.account_domain": "CORP", "subject.logon_id": "0x3E7",
        "logon_information.logon_type": "10", "new_logon.security_id": "S-1-5-21-1-2-3-1104",
        "new_logon.account_name": "Ann", "new_logon.account_domain": "CORP",
        "new_logon.logon_id": "0xA1B2C", "network_information.workstation_name": "LAPTOP-7",
        "network_information.source_network_address": "192.0.2.7"})));
    // Fluent Bit's winevtlog in small letters
    let small = json!({"providername": PROVIDER, "eventid": 4624,
        "timecreated": "2026-03-02 09:00:00 +0100", "eventrecordid": 77, "channel": "Security",
        "computer": COMPUTER, "message": "An account was", "stringinserts": VALUES});
    ann(&small);
    // and its older input
    ann(&json!({"RecordNumber": 77, "TimeGenerated": "2026-03-02 09:00:00 +0100", "EventID": 4624,
        "EventType": "SuccessAudit", "Channel": "Security", "SourceName": PROVIDER, "Sid": "",
        "ComputerName": COMPUTER, "Data": "", "StringInserts": VALUES}));
    // NXLog's GELF
    let mut gelf = named(&|name| format!("_{name}"));
    let around = json!({"version": "1.1", "host": COMPUTER, "short_message": "An account was",
        "full_message": MESSAGE, "timestamp": 1_772_438_400.5, "level": 6, "_EventID": 4624,
        "_Channel": "Security", "_SourceName": PROVIDER, "_RecordNumber": 77,
        "_SourceModuleName": "eventlog", "_SourceModuleType": "im_msvistalog"});
    gelf.extend(around.as_object().unwrap().clone());
    let logon = ann(&Value::Object(gelf));
    assert_eq!(logon.time.to_string(), "2026-03-02T08:00:00.5Z");
    // HarfangLab keeps Winlogbeat 6's words, and its own time.
    let logon = ann(&json!({"log_name": "Security", "event_id": 4624, "computer_name": COMPUTER,
        "record_number": 77, "source_name": PROVIDER, "event_data": event_data(),
        "agent": {"hostname": "WS-1", "domainname": "CORP"}, "timestamp": "2026-03-02T08:00:09Z",
        "@event_create_date": "2026-03-02T08:00:00.123Z"}));
    assert_eq!(logon.time.to_string(), "2026-03-02T08:00:00.123Z");
}

#[test]
fn opentelemetry_is_read_alone_and_in_its_protocol() {
    let body = |data: Value| {
        json!({"channel": "Security", "computer": COMPUTER, "event_id": {"id": 4624, "qualifiers": 0},
            "system_time": "2026-03-02T08:00:00.1234567Z", "record_id": 77, "level": "Information",
            "provider": {"name": PROVIDER, "guid": "{54849625}", "event_source": ""},
            "message": "An account was successfully logged on.", "event_data": data,
            "details": {"New Logon": {"Account Name": "Ann"}, "Subject": {"Account Name": "WS-1$"}}})
    };
    ann_exactly(&body(event_data()));
    let listed = body(json!({"data": list(|name, value| json!({name: value})), "name": ""}));
    ann_exactly(&listed);
    ann_exactly(
        &json!({"time": 1_772_438_401.5, "host": "collector", "sourcetype": "x", "event": listed}),
    );
    fn typed(value: &Value) -> Value {
        match value {
            Value::String(text) => json!({"stringValue": text}),
            Value::Number(number) => json!({"intValue": number.to_string()}),
            Value::Array(items) => {
                json!({"arrayValue": {"values": items.iter().map(typed).collect::<Vec<_>>()}})
            }
            Value::Object(members) => {
                let pair =
                    |(key, value): (&String, &Value)| json!({"key": key, "value": typed(value)});
                json!({"kvlistValue": {"values": members.iter().map(pair).collect::<Vec<_>>()}})
            }
            other => other.clone(),
        }
    }
    for body in [body(event_data()), listed.clone()] {
        let record = json!({"timeUnixNano": "1772438401000000000", "severityText": "", "body": typed(&body)});
        ann_exactly(&json!({"resourceLogs": [{"resource": {"attributes": [
            {"key": "host.name", "value": {"stringValue": "collector"}}]},
            "scopeLogs": [{"scope": {}, "logRecords": [record]}]}]}));
    }
}

#[test]
fn the_xml_in_an_azure_export_is_read() {
    let data: String = NAMES
        .iter()
        .zip(VALUES)
        .map(|(name, value)| format!("<Data Name='{name}'>{value}</Data>"))
        .collect();
    let xml = format!(
        "<Event xmlns='x'><System><Provider Name='{PROVIDER}'/><EventID>4624</EventID>\
         <TimeCreated SystemTime='2026-03-02T08:00:00.1234567Z'/><EventRecordID>77</EventRecordID>\
         <Channel>Security</Channel><Computer>{COMPUTER}</Computer></System>\
         <EventData>{data}</EventData></Event>"
    );
    let record = json!({"time": "2026-03-02T09:00:00Z", "category": "WindowsEventLogsTable",
        "properties": {"Role": "IaaS", "RoleInstance": "_VM-5", "ProviderName": PROVIDER, "EventId": 4624,
            "Channel": "Security", "RawXml": xml}});
    ann_exactly(&record);
    ann_exactly(&json!({"records": [record]}));
}

#[test]
fn elasticsearchs_lists_of_one_are_read() {
    let hit = json!({"_index": "winlogbeat-8", "_id": "a", "fields": {
        "@timestamp": ["2026-03-02T08:00:00.123Z"], "winlog.channel": ["Security"],
        "winlog.computer_name": [COMPUTER], "winlog.record_id": ["77"], "winlog.event_id": ["4624"],
        "event.code": ["4624"], "event.provider": [PROVIDER],
        "winlog.event_data.TargetLogonId": ["0xa1b2c"], "winlog.event_data.SubjectUserName": ["WS-1$"],
        "winlog.user.name": ["SYSTEM"], "related.user": ["ann", "WS-1$"],
        "source.ip": ["192.0.2.7"], "source.domain": ["LAPTOP-7"], "user.name": ["ann"],
        "user.domain": ["CORP"], "user.id": ["S-1-5-21-1-2-3-1104"],
        "host.name": ["collector"], "agent.name": ["collector"], "winlog.logon.type": ["RemoteInteractive"],
        "winlog.logon.id": ["0x3e7"]}, "sort": [1]});
    let of_hit = read(&[hit]);
    assert_eq!((of_hit.users(), of_hit.rejects.len()), (vec!["ann"], 0));
    assert_eq!(
        (of_hit.logons[0].source, of_hit.logons[0].key.record),
        (Source::Winlogbeat, Some(77))
    );
    // A shape that is known has them, too.
    let record = json!({"@timestamp": "2026-03-02T08:00:00.123Z", "winlog": {"channel": ["Security"],
        "computer_name": [COMPUTER], "record_id": ["77"], "event_id": ["4624"],
        "event_data": {"TargetUserName": ["ann"], "LogonType": ["2"], "TargetLogonId": ["0xd42"]}}});
    let read = read(&[record]);
    assert_eq!((read.users(), read.rejects.len()), (vec!["ann"], 0));
    assert_eq!((read.logons[0].source, read.logons[0].key.record), (Source::Winlogbeat, Some(77)));
}

#[test]
fn a_shape_that_lacks_a_part_is_read_as_far_as_it_tells() {
    // Winlogbeat without a channel: the provider says whose it is.
    ann(&json!({"@timestamp": "2026-03-02T08:00:00.5Z", "host": {"name": "collector"},
        "winlog": {"computer_name": COMPUTER, "record_id": 77, "event_id": 4624,
            "provider_name": PROVIDER, "event_data": event_data()}}));
}

#[test]
fn columns_with_the_event_data_in_xml_are_read() {
    let data: String = NAMES
        .iter()
        .zip(VALUES)
        .map(|(name, value)| format!("<Data Name='{name}'>{value}</Data>"))
        .collect();
    // Alloy, whose lines Loki keeps.
    let alloy = |event_data: &str, message: &str| {
        json!({"source": PROVIDER, "channel": "Security", "computer": COMPUTER, "event_id": 4624,
            "version": 2, "levelText": "Information", "keywords": "Audit Success",
            "timeCreated": "2026-03-02T08:00:00.123456700Z", "eventRecordID": 77,
            "execution": {"processId": 632, "threadId": 904, "processName": "lsass.exe"},
            "event_data": event_data, "message": message})
    };
    ann_exactly(&alloy(&data, ""));
    ann_exactly(&alloy(&format!("<EventData xmlns='x'>{data}</EventData>"), ""));
    ann_exactly(&alloy("", MESSAGE));
}

#[test]
fn graylogs_names_for_winlogbeat_are_read() {
    let mut record = json!({"source": "collector", "timestamp": "2026-03-02T08:00:00.123Z",
        "winlogbeat_winlog_channel": "Security", "winlogbeat_winlog_computer_name": COMPUTER,
        "winlogbeat_winlog_event_id": 4624, "winlogbeat_winlog_record_id": 77,
        "winlogbeat_winlog_provider_name": PROVIDER, "winlogbeat_event_code": 4624,
        "winlogbeat_host_name": "collector", "winlogbeat_agent_hostname": "collector"});
    for (name, value) in NAMES.iter().zip(VALUES) {
        record[format!("winlogbeat_winlog_event_data_{name}")] = value.into();
    }
    ann(&record);
}

/// Splunk's input without `renderXml`: what its collector is sent, and what a search exports.
#[test]
fn splunks_text_is_read() {
    let text = format!(
        "03/02/2026 09:00:00 AM\nLogName=Security\nEventCode=4624\nEventType=0\n\
         ComputerName={COMPUTER}\nSourceName=Microsoft Windows security auditing.\n\
         Type=Information\nRecordNumber=77\nKeywords=Audit Success\nTaskCategory=Logon\n\
         OpCode=Info\nMessage={MESSAGE}"
    );
    ann(&json!({"time": 1_772_438_400.5, "host": "forwarder", "source": "WinEventLog:Security",
        "sourcetype": "WinEventLog", "event": text}));
    let export = json!({"preview": false, "offset": 0, "lastrow": true,
        "result": {"_raw": text, "_time": "2026-03-02 09:00:00.000 CET", "host": "forwarder"}});
    let mut options = options();
    options.timezone = Some(TimeZone::fixed(offset(1)));
    let lines = [other(1), export.to_string()].join("\n");
    let read = read_bytes_with(lines.as_bytes(), &options);
    assert_eq!(read.times(), ["2026-03-02T08:00:00Z"]);
    assert_eq!(read.users(), ["ann"]);
}
