//! What telemetry tells of a machine beside its name.

use ingest::Format;
use inventory::identity::{Identifier, IdentifierKind};
use inventory::logon::MachineRef;

use crate::support::{Collected, read_bytes};

const UUID: &str = "4c4c4544-0051-3310-8052-b4c04f4a4d32";

fn machines(text: &str, format: Format) -> Vec<MachineRef> {
    let read: Collected = read_bytes(text.as_bytes());
    assert_eq!(read.rejects, []);
    assert!(read.files.iter().all(|file| file.format == format));
    let logons = read.logons.into_iter().map(|logon| logon.machine);
    logons.chain(read.reports.into_iter().map(|report| report.machine)).collect()
}

fn identifier(kind: IdentifierKind, text: &str) -> Identifier {
    Identifier::parse(kind, text).unwrap()
}

#[test]
fn a_journal_tells_the_machine_id() {
    let id = "0f4b6e1c2d3a4c5b8e9fa0b1c2d3e4f5";
    let line = format!(
        r#"{{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1772366401000000","_HOSTNAME":"web-1","_MACHINE_ID":"{id}","SYSLOG_IDENTIFIER":"sshd","_COMM":"sshd","_PID":"7","MESSAGE":"Accepted publickey for ann from 192.0.2.7 port 50000 ssh2"}}"#
    );
    let told = machines(&(line + "\n"), Format::Journal);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].identifiers, [identifier(IdentifierKind::MachineId, id)]);
}

/// The id of the host is read as what the agent is known to put there, and of the agent's own host alone.
#[test]
fn a_beat_tells_the_id_of_its_own_host() {
    let told = |id: &str, os: &str, agent: &str, host: &str| {
        let line = format!(
            r#"{{"@timestamp":"2026-04-01T08:00:00Z","ecs":{{"version":"8.0.0"}},"event":{{"category":["authentication"],"type":["start"],"outcome":"success","module":"system"}},"agent":{{"type":"{agent}","name":"web-1"}},"host":{{"id":"{id}","name":"web-1.corp.example","hostname":"{host}","os":{{"type":"{os}"}}}},"user":{{"name":"ann"}}}}"#
        );
        let machine = machines(&(line + "\n"), Format::Ecs).remove(0);
        machine.identifiers.into_iter().next()
    };
    let id = "0f4b6e1c2d3a4c5b8e9fa0b1c2d3e4f5";
    let machine_id = Some(identifier(IdentifierKind::MachineId, id));
    assert_eq!(told(id, "linux", "filebeat", "web-1"), machine_id);
    assert_eq!(told(id, "linux", "auditbeat", "WEB-1"), machine_id);
    let board = Some(identifier(IdentifierKind::HardwareUuid, UUID));
    assert_eq!(told(UUID, "macos", "filebeat", "web-1"), board);
    for (id, os, agent, host) in [
        (UUID, "windows", "filebeat", "web-1"),
        (UUID, "linux", "filebeat", "web-1"),
        (id, "macos", "filebeat", "web-1"),
        (id, "", "filebeat", "web-1"),
        (id, "linux", "endpoint", "web-1"),
        (id, "linux", "filebeat", "web-2"),
        ("web-1", "linux", "filebeat", "web-1"),
    ] {
        assert_eq!(told(id, os, agent, host), None, "{id} {os} {agent} {host}");
    }
}

#[test]
fn osquery_tells_the_hardware_and_its_own_uuid() {
    let host = "0a1b2c3d-0001-4002-8003-0000000000aa";
    let line = |uuid: &str| {
        format!(
            r#"{{"name":"i","hostIdentifier":"{host}","calendarTime":"x","unixTime":1772352600,"columns":{{"hostname":"ws-3","uuid":"{uuid}","cpu_brand":"x","hardware_serial":"1"}},"action":"added"}}"#
        )
    };
    let told = machines(&(line(UUID) + "\n"), Format::Osquery);
    let expected = [
        identifier(IdentifierKind::OsqueryHost, host),
        identifier(IdentifierKind::HardwareUuid, UUID),
    ];
    assert_eq!(told[0].identifiers, expected);
    assert_eq!(told[0].name, "ws-3");
    // A placeholder of a board's vendor is nobody's own.
    let told = machines(&(line("03000200-0400-0500-0006-000700080009") + "\n"), Format::Osquery);
    assert_eq!(told[0].identifiers, expected[..1]);
}

#[test]
fn defender_tells_the_hardware_uuid() {
    let line = format!(
        r#"{{"Timestamp":"2026-04-01T08:00:00Z","DeviceId":"3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90","DeviceName":"ws-9.corp.example","OSPlatform":"Windows11","HardwareUuid":"{UUID}"}}"#
    );
    let told = machines(&(line + "\n"), Format::Defender);
    assert_eq!(told[0].identifiers, [identifier(IdentifierKind::HardwareUuid, UUID)]);
}

/// A sign-in to a service is no logon, but it tells which names are one person's; a refused one does not.
#[test]
fn sign_ins_tell_whose_names_are_whose() {
    let line = |action: &str, upn: &str| {
        format!(
            r#"{{"category":"AdvancedHunting-IdentityLogonEvents","properties":{{"Timestamp":"2026-04-01T08:00:00Z","ActionType":"{action}","LogonType":"Login","AccountName":"Rob","AccountDomain":"CORP","AccountUpn":"{upn}","AccountObjectId":"{UUID}","DeviceName":null}}}}"#
        ) + "\n"
    };
    let text = line("LogonSuccess", "Rob@Example.org") + &line("LogonFailed", "other@example.org");
    let read = read_bytes(text.as_bytes());
    assert_eq!((read.logons.len(), read.tally().records, read.rejects.len()), (0, 2, 0));
    assert_eq!(read.identities.len(), 1);
    let (told, time) = &read.identities[0];
    assert_eq!(told.name.as_deref(), Some("rob"));
    assert_eq!(told.domain.as_deref(), Some("corp"));
    assert_eq!(told.upn.as_deref(), Some("rob@example.org"));
    assert_eq!(told.object_id.map(|id| id.to_string()).as_deref(), Some(UUID));
    assert_eq!(time.to_string(), "2026-04-01T08:00:00Z");
}

/// A query may have left out which device it was, of which a sign-in to a service has none anyway.
#[test]
fn sign_ins_tell_it_without_a_column_of_devices() {
    let row = format!(
        r#"{{"Timestamp":"2026-04-01T08:00:00Z","ActionType":"LogonSuccess","LogonType":"Login","Application":"x","AccountName":"Rob","AccountDomain":"CORP","AccountUpn":"rob@example.org","AccountObjectId":"{UUID}"}}"#
    );
    assert_eq!(read_bytes(row.as_bytes()).identities.len(), 1);
}
