//! Answers of the Log Analytics API: tables whose rows are lists.

use inventory::logon::Source;

use crate::support::read_bytes;

#[test]
fn answers_of_kusto_are_read() {
    let column = |name: &&str| serde_json::json!({"name": name, "type": "string"});
    let answer = |names: &[&str], rows: serde_json::Value| {
        let columns: Vec<_> = names.iter().map(column).collect();
        serde_json::json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})
    };
    let events = answer(
        &["TimeGenerated", "Computer", "EventID", "Account", "TargetUserName", "LogonType", "Type"],
        serde_json::json!([
            ["2026-03-02T08:15:30Z", "WS-1", 4624, "x", "ann", 10, "SecurityEvent"],
            ["2026-03-02T08:15:30Z", "WS-1", 4688, "x", "", null, "SecurityEvent"],
            ["2026-03-02T08:16:30Z", "WS-1", 4624, "x", "bob", 2, "SecurityEvent"],
            ["2026-03-02T08:16:30Z", "", 4624, "x", "cy", 2, "SecurityEvent"],
        ]),
    );
    for text in [events.to_string(), serde_json::to_string_pretty(&events).unwrap()] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.users(), ["ann", "bob"]);
        assert_eq!(read.rejects.len(), 1, "{:?}", read.rejects);
        assert!(read.rejects[0].reason.contains("machine's name"));
        assert_eq!(read.logons[0].source, Source::Sentinel);
    }
    let said = "Accepted password for hans from 198.51.100.20 port 50113 ssh2";
    let syslog = answer(
        &[
            "TimeGenerated",
            "EventTime",
            "Computer",
            "HostName",
            "SyslogMessage",
            "ProcessName",
            "ProcessID",
        ],
        serde_json::json!([[
            "2026-03-02T08:15:31Z",
            "2026-03-02T08:15:30Z",
            "relay",
            "web-9",
            said,
            "sshd",
            7
        ]]),
    );
    let read = read_bytes(syslog.to_string().as_bytes());
    assert_eq!(
        (read.users(), read.times()),
        (vec!["hans"], vec!["2026-03-02T08:15:30Z".to_owned()])
    );
    let other = answer(&["a", "b"], serde_json::json!([[1, 2]])).to_string();
    assert!(read_bytes(other.as_bytes()).skipped[0].reason.contains("Kusto"));
}
