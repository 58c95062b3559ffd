//! What products other than Windows and Linux themselves write (telemetry.md §3, §5, §6).

use std::io::{self, Write};

use serde_json::json;

use crate::fleet::{Fleet, moment, sid};
use crate::line;

fn time(millisecond: i64) -> String {
    format!("{:.7}", moment(millisecond))
}

fn device_id(machine: u32) -> String {
    format!("{:040x}", u128::from(machine) * 0x1_0000_0001_0000_0001 + 0x1111)
}

fn name(machine: u32) -> String {
    format!("ws-{machine:05}.corp.example")
}

pub(crate) fn defender(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let is_logon = fleet.is_logon();
    let logon = fleet.logon();
    let time = time(logon.millisecond);
    let (category, properties) = match is_logon {
        true => (
            "AdvancedHunting-DeviceLogonEvents",
            json!({
                "Timestamp": time, "DeviceId": device_id(logon.machine),
                "DeviceName": name(logon.machine), "ActionType": "LogonSuccess",
                "LogonType": "Interactive", "AccountDomain": "corp", "AccountName": logon.user,
                "AccountSid": sid(logon.rid), "LogonId": logon.number, "RemoteIP": logon.remote,
                "RemoteDeviceName": "", "ReportId": logon.number, "IsLocalAdmin": false,
                "InitiatingProcessFileName": "lsass.exe", "AdditionalFields": "{\"IsLocalLogon\":true}",
            }),
        ),
        false => (
            "AdvancedHunting-DeviceProcessEvents",
            json!({
                "Timestamp": time, "DeviceId": device_id(logon.machine),
                "DeviceName": name(logon.machine), "ActionType": "ProcessCreated",
                "FileName": "worker.exe", "FolderPath": "C:\\Program Files\\App\\worker.exe",
                "SHA1": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "ProcessId": 4242,
                "ProcessCommandLine": "worker.exe --verbose", "AccountDomain": "corp",
                "AccountName": logon.user, "AccountSid": sid(logon.rid), "LogonId": logon.number,
                "InitiatingProcessFileName": "explorer.exe", "ReportId": logon.number,
            }),
        ),
    };
    let record = json!({
        "time": time, "tenantId": "00000000-0000-4000-8000-000000000001", "operationName": "Publish",
        "category": category, "_TimeReceivedBySvc": time, "properties": properties,
    });
    line(&record, out)
}

pub(crate) const DEFENDER_HEADER: &str = "Timestamp,DeviceId,DeviceName,ActionType,LogonType,\
     AccountDomain,AccountName,AccountSid,LogonId,RemoteIP,ReportId\n";

pub(crate) fn defender_row(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let action = if fleet.is_logon() { "LogonSuccess" } else { "LogonFailed" };
    let logon = fleet.logon();
    writeln!(
        out,
        "{},{},{},{action},Interactive,corp,{},{},{},{},{}",
        time(logon.millisecond),
        device_id(logon.machine),
        name(logon.machine),
        logon.user,
        sid(logon.rid),
        logon.number,
        logon.remote,
        logon.number,
    )
}

pub(crate) fn osquery(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let is_logon = fleet.is_logon();
    let logon = fleet.logon();
    let second = logon.millisecond / 1000;
    let (query, columns) = match is_logon {
        true => (
            "pack_logons_logged_in_users",
            json!({"type": "user", "user": logon.user, "tty": "pts/0", "host": logon.remote,
                   "time": second.to_string(), "pid": "4242"}),
        ),
        false => (
            "pack_it_processes",
            json!({"pid": "4242", "name": "worker", "path": "/usr/bin/worker", "cmdline": "worker --verbose",
                   "state": "S", "uid": "1000", "start_time": second.to_string()}),
        ),
    };
    let record = json!({
        "name": query, "hostIdentifier": name(logon.machine),
        "calendarTime": moment(logon.millisecond).strftime("%a %b %e %H:%M:%S %Y UTC").to_string(),
        "unixTime": second, "epoch": 0, "counter": 1, "numerics": false,
        "decorations": {"hostname": name(logon.machine)}, "columns": columns, "action": "added",
    });
    line(&record, out)
}

pub(crate) fn entra(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let app = if fleet.is_logon() { "Windows Sign In" } else { "One Outlook Web" };
    let logon = fleet.logon();
    let number = logon.number;
    let record = json!({
        "id": format!("d70d10b6-221a-4840-899d-{number:012x}"), "createdDateTime": time(logon.millisecond),
        "userPrincipalName": format!("{}@corp.example", logon.user),
        "userId": format!("00000000-0000-4000-8000-{:012x}", logon.rid), "appDisplayName": app,
        "ipAddress": logon.remote, "clientAppUsed": "Browser", "isInteractive": true,
        "correlationId": format!("845e7924-e581-7853-4d9d-{number:012x}"),
        "status": {"errorCode": 0, "failureReason": "Other."},
        "deviceDetail": {"deviceId": format!("00000000-0000-4000-9000-{:012x}", logon.machine),
                         "displayName": name(logon.machine), "operatingSystem": "Windows",
                         "trustType": "Azure AD joined"},
        "location": {"city": "Ankara", "countryOrRegion": "TR"},
    });
    line(&record, out)
}

pub(crate) fn ecs(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let is_logon = fleet.is_logon();
    let logon = fleet.logon();
    let host = json!({"name": name(logon.machine), "hostname": name(logon.machine)});
    let event = match is_logon {
        true => json!({"category": ["authentication"], "action": "ssh_login", "outcome": "success",
                       "type": ["info"], "kind": "event"}),
        false => {
            json!({"category": ["process"], "action": "fork", "type": ["start"], "kind": "event"})
        }
    };
    let record = json!({
        "@timestamp": time(logon.millisecond), "ecs": {"version": "8.0.0"}, "event": event,
        "host": host, "agent": {"type": "filebeat", "version": "8.13.0", "hostname": "shipper"},
        "user": {"name": logon.user, "id": logon.rid.to_string()},
        "source": {"ip": logon.remote, "port": 50_000}, "process": {"pid": 4242, "name": "sshd"},
        "service": {"type": "system"}, "log": {"file": {"path": "/var/log/auth.log"}},
    });
    line(&record, out)
}

pub(crate) fn ocsf(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let (class, class_name) =
        if fleet.is_logon() { (3002, "Authentication") } else { (1007, "Process Activity") };
    let logon = fleet.logon();
    let record = json!({
        "class_uid": class, "class_name": class_name, "category_uid": class / 1000,
        "activity_id": 1, "activity_name": "Logon", "type_uid": class * 100 + 1, "status_id": 1,
        "status": "Success", "severity_id": 1, "time": logon.millisecond,
        "metadata": {"version": "1.3.0", "product": {"name": "Sensor", "vendor_name": "Example"}},
        "user": {"name": logon.user, "domain": "corp", "uid": sid(logon.rid), "type_id": 1},
        "device": {"hostname": name(logon.machine), "type_id": 2},
        "src_endpoint": {"ip": logon.remote}, "logon_type_id": 10, "logon_type": "Remote Interactive",
        "session": {"uid": logon.number.to_string()}, "is_remote": true,
    });
    line(&record, out)
}

/// Footfall's own form has nothing but what matters, so the rest are reports of machines.
pub(crate) fn own(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let is_logon = fleet.is_logon();
    let logon = fleet.logon();
    let (time, device) = (time(logon.millisecond), name(logon.machine));
    let record = match is_logon {
        true => json!({"footfall": "logon", "time": time, "user": logon.user, "domain": "corp",
                       "sid": sid(logon.rid), "device": device, "logonType": 2,
                       "sessionId": logon.number.to_string()}),
        false => json!({"footfall": "machine", "time": time, "device": device,
                        "osPlatform": "Windows11", "osBuild": 22631, "lastIpAddress": logon.remote}),
    };
    line(&record, out)
}

pub(crate) const OWN_HEADER: &str =
    "footfall,time,user,domain,sid,device,logonType,sessionId,osPlatform,osBuild,lastIpAddress\n";

pub(crate) fn own_row(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let is_logon = fleet.is_logon();
    let logon = fleet.logon();
    let (time, device) = (time(logon.millisecond), name(logon.machine));
    match is_logon {
        true => writeln!(
            out,
            "logon,{time},{},corp,{},{device},2,{},,,",
            logon.user,
            sid(logon.rid),
            logon.number
        ),
        false => writeln!(out, "machine,{time},,,,{device},,,Windows11,22631,{}", logon.remote),
    }
}
