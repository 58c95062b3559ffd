//! Windows events as each shipper writes them (telemetry.md §2.3).

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::fleet::{Event, moment};
use crate::line;

const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";
const GUID: &str = "{54849625-5478-4994-A5BA-3E3B0328C30D}";
const COLLECTOR: &str = "WEC01";

fn utc(event: &Event) -> String {
    format!("{:.3}", moment(event.millisecond))
}

fn data(event: &Event) -> Map<String, Value> {
    event.data.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

fn values(event: &Event) -> Vec<&str> {
    event.data.iter().map(|(_, value)| value.as_str()).collect()
}

pub(crate) fn nxlog(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let local = moment(event.millisecond).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let mut record = json!({
        "EventTime": local, "Hostname": event.computer, "Keywords": -9_214_364_837_600_034_816_i64,
        "EventType": "AUDIT_SUCCESS", "SeverityValue": 2, "Severity": "INFO", "EventID": event.id,
        "SourceName": PROVIDER, "ProviderGuid": GUID, "Version": 2, "Task": 12544,
        "OpcodeValue": 0, "RecordNumber": event.record, "ProcessID": 568, "ThreadID": 1276,
        "Channel": "Security", "Message": event.message,
    });
    if let Value::Object(record) = &mut record {
        record.extend(data(event));
        record.insert("EventReceivedTime".to_owned(), json!(local));
        record.insert("@timestamp".to_owned(), json!(utc(event)));
        record.insert("SourceModuleType".to_owned(), json!("im_msvistalog"));
    }
    line(&record, out)
}

pub(crate) fn flat(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let mut record = json!({
        "SourceName": PROVIDER, "ProviderGuid": GUID, "Level": "0", "Channel": "Security",
        "Hostname": event.computer, "TimeCreated": utc(event), "@timestamp": utc(event),
        "EventID": event.id, "Message": event.message, "Task": "12544",
    });
    if let Value::Object(record) = &mut record {
        record.extend(data(event));
    }
    line(&record, out)
}

pub(crate) fn xml(event: &Event, out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
         <Provider Name='{PROVIDER}' Guid='{GUID}'/><EventID>{}</EventID><Version>2</Version>\
         <Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>\
         <TimeCreated SystemTime='{}'/><EventRecordID>{}</EventRecordID><Correlation/>\
         <Execution ProcessID='568' ThreadID='1276'/><Channel>Security</Channel>\
         <Computer>{}</Computer><Security/></System><EventData>",
        event.id,
        utc(event),
        event.record,
        event.computer,
    )?;
    for (name, value) in &event.data {
        write!(out, "<Data Name='{name}'>{}</Data>", value.replace('&', "&amp;"))?;
    }
    out.write_all(b"</EventData></Event>")
}

pub(crate) fn winlogbeat_6(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let record = json!({
        "@timestamp": utc(event), "@metadata": {"beat": "winlogbeat", "version": "6.7.0"},
        "host": {"name": COLLECTOR}, "beat": {"hostname": COLLECTOR, "version": "6.7.0"},
        "event_id": event.id, "log_name": "Security", "computer_name": event.computer,
        "record_number": event.record.to_string(), "source_name": PROVIDER, "level": "Information",
        "message": event.message, "event_data": data(event),
    });
    line(&record, out)
}

pub(crate) fn winlogbeat(event: &Event, ecs: bool, out: &mut impl Write) -> io::Result<()> {
    let mut data = data(event);
    let mut record = json!({
        "@timestamp": utc(event),
        "@metadata": {"beat": "winlogbeat", "type": "_doc", "version": "8.13.0"},
        "event": {"code": event.id.to_string(), "kind": "event", "provider": PROVIDER,
                  "created": utc(event)},
        "host": {"name": event.computer},
        "agent": {"type": "winlogbeat", "version": "8.13.0", "hostname": COLLECTOR},
        "ecs": {"version": "8.0.0"}, "message": event.message,
        "winlog": {"api": "wineventlog", "channel": "Security", "computer_name": event.computer,
                   "event_id": event.id.to_string(), "provider_name": PROVIDER,
                   "provider_guid": GUID, "record_id": event.record, "version": 2,
                   "process": {"pid": 568, "thread": {"id": 1276}}},
    });
    if ecs && event.id == 4624 {
        let mut take = |name: &str| data.remove(name).unwrap_or_default();
        let user = json!({"id": take("TargetUserSid"), "name": take("TargetUserName"),
                          "domain": take("TargetDomainName")});
        record["source"] = json!({"ip": take("IpAddress"), "port": take("IpPort")});
        record["user"] = user;
        record["event"]["category"] = json!(["authentication"]);
        record["event"]["outcome"] = json!("success");
        record["winlog"]["logon"] = json!({"id": "0x3e7", "type": "Network"});
    }
    record["winlog"]["event_data"] = Value::Object(data);
    line(&record, out)
}

pub(crate) fn fluent_bit(event: &Event, as_map: bool, out: &mut impl Write) -> io::Result<()> {
    let mut record = json!({
        "ProviderName": PROVIDER, "ProviderGuid": GUID, "Qualifiers": "", "EventID": event.id,
        "Version": 2, "Level": 0, "Task": 12544, "Opcode": 0, "Keywords": "0x8020000000000000",
        "TimeCreated": moment(event.millisecond).strftime("%Y-%m-%d %H:%M:%S +0000").to_string(),
        "EventRecordID": event.record, "ActivityID": "", "RelatedActivityID": "",
        "ProcessID": 568, "ThreadID": 1276, "Channel": "Security", "Computer": event.computer,
        "UserID": "", "Message": "",
    });
    match as_map {
        true => record["EventData"] = Value::Object(data(event)),
        false => record["StringInserts"] = json!(values(event)),
    }
    line(&record, out)
}

pub(crate) fn vector(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let record = json!({
        "source_type": "windows_event_log", "timestamp": utc(event), "host": COLLECTOR,
        "channel": "Security", "computer": event.computer, "event_id": event.id,
        "record_id": event.record, "level": "Information", "provider_name": PROVIDER,
        "process_id": 568, "thread_id": 1276, "task": 12544, "version": 2,
        "string_inserts": values(event), "event_data": data(event),
    });
    line(&record, out)
}

pub(crate) fn openwec(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let record = json!({
        "System": {"Provider": {"Name": PROVIDER, "Guid": GUID}, "EventID": event.id, "Version": 2,
                   "Level": 0, "Task": 12544, "Opcode": 0, "TimeCreated": utc(event),
                   "EventRecordID": event.record, "Channel": "Security",
                   "Computer": event.computer},
        "EventData": data(event),
        "OpenWEC": {"IpAddress": "192.0.2.10", "TimeReceived": utc(event),
                    "Subscription": {"Name": "Logons", "Version": "1"}},
    });
    line(&record, out)
}

/// As the crate `evtx` dumps a log, and every third as the xml2js library does.
pub(crate) fn event_json(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let attributes = |attributes: Value| json!({"#attributes": attributes});
    let mut record = json!({"Event": {
        "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
        "System": {
            "Provider": attributes(json!({"Name": PROVIDER, "Guid": GUID})), "EventID": event.id,
            "Version": 2, "Level": 0, "Task": 12544, "Opcode": 0, "Keywords": "0x8020000000000000",
            "TimeCreated": attributes(json!({"SystemTime": utc(event)})),
            "EventRecordID": event.record, "Correlation": null,
            "Execution": attributes(json!({"ProcessID": 568, "ThreadID": 1276})),
            "Channel": "Security", "Computer": event.computer, "Security": null},
        "EventData": data(event),
    }});
    if event.record.is_multiple_of(3) {
        let named = event.data.iter().map(|(name, value)| json!({"$": {"Name": name}, "_": value}));
        record["Event"]["EventData"] = json!({"Data": named.collect::<Vec<_>>()});
    }
    line(&record, out)
}

pub(crate) fn splunk(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let mut text = Vec::new();
    xml(event, &mut text)?;
    let record = json!({
        "time": format!("{}.{:03}", event.millisecond / 1000, event.millisecond % 1000),
        "host": event.computer, "source": "XmlWinEventLog:Security",
        "sourcetype": "XmlWinEventLog", "event": String::from_utf8_lossy(&text),
    });
    line(&record, out)
}

pub(crate) fn sentinel(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let mut record = json!({
        "TenantId": "00000000-0000-0000-0000-000000000000", "SourceSystem": "OpsManager",
        "TimeGenerated": utc(event), "Computer": event.computer, "EventID": event.id,
        "EventSourceName": PROVIDER, "Channel": "Security", "Task": 12544, "Type": "SecurityEvent",
        "Activity": event.message.lines().next().unwrap_or_default(),
    });
    if let Value::Object(record) = &mut record {
        record.extend(data(event));
    }
    line(&record, out)
}

pub(crate) const SENTINEL_HEADER: &str = "TenantId,TimeGenerated [UTC],Computer,EventID,Channel,\
     TargetUserName,TargetDomainName,TargetUserSid,TargetLogonId,LogonType,IpAddress,\
     WorkstationName,ProcessName,CommandLine,Type\n";

pub(crate) fn sentinel_row(event: &Event, out: &mut impl Write) -> io::Result<()> {
    let find = |name: &str| {
        let found = event.data.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let cells =
        ["TargetUserName", "TargetDomainName", "TargetUserSid", "TargetLogonId", "LogonType"]
            .map(find)
            .join(",");
    let more = ["IpAddress", "WorkstationName", "ProcessName", "CommandLine"].map(find).join(",");
    writeln!(
        out,
        "00000000-0000-0000-0000-000000000000,{},{},{},Security,{cells},{more},SecurityEvent",
        utc(event),
        event.computer,
        event.id,
    )
}
