//! Tables of programs that are no product of their own: each row is read like a JSON object.

use ingest::{Format, Options};
use inventory::logon::Source;
use jiff::tz::TimeZone;

use crate::support::{Collected, options, read_bytes, read_bytes_with};

fn csv(rows: &[&[&str]]) -> String {
    let cell = |cell: &&str| format!("\"{}\"", cell.replace('"', "\"\""));
    let row = |row: &&[&str]| row.iter().map(cell).collect::<Vec<_>>().join(",");
    rows.iter().map(row).collect::<Vec<_>>().join("\r\n") + "\r\n"
}

fn read(text: &str) -> Collected {
    let read = read_bytes(text.as_bytes());
    assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{text}");
    read
}

fn berlin() -> Options {
    Options { timezone: TimeZone::get("Europe/Berlin").ok(), ..options() }
}

const MESSAGE: &str = "An account was successfully logged on.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n\tAccount Name:\t\tWS-1$\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0x3E7\r\n\r\nLogon Information:\r\n\tLogon Type:\t\t10\r\n\tRestricted Admin Mode:\tNo\r\n\r\nNew Logon:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1104\r\n\tAccount Name:\t\tann\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0xA1B2C\r\n\r\nProcess Information:\r\n\tProcess ID:\t\t0x2f0\r\n\r\nNetwork Information:\r\n\tWorkstation Name:\tLAPTOP-7\r\n\tSource Network Address:\t192.0.2.7\r\n\tSource Port:\t\t0\r\n";

const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";

/// Of ann's logon what the text above says.
fn is_ann(read: &Collected, time: &str) {
    assert_eq!((read.users(), read.times()), (vec!["ann"], vec![time.to_owned()]));
    let logon = &read.logons[0];
    assert_eq!(logon.account.domain, "corp");
    assert_eq!(logon.machine.name, "WS-1.corp.example");
    assert_eq!((logon.logon_type.number(), logon.key.session), (10, 0xa1b2c));
    assert_eq!(logon.remote_address, "192.0.2.7".parse().ok());
    assert!(matches!(logon.source, Source::EventJson | Source::Sentinel));
}

#[test]
fn what_powershell_exports_is_read() {
    let header = ["Message", "Id", "LogName", "ProviderName", "MachineName", "RecordId"];
    let row = [MESSAGE, "4624", "Security", PROVIDER, "WS-1.corp.example", "77"];
    let properties =
        "System.Collections.Generic.List`1[System.Diagnostics.Eventing.Reader.EventProperty]";
    let with = |time: &str| {
        let header = [&header[..], &["TimeCreated", "Properties"]].concat();
        csv(&[&header, &[&row[..], &[time, properties]].concat()])
    };
    let local = with("02.03.2026 09:15:30");
    for text in [
        local.clone(),
        format!("#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n{local}"),
        local.replace("\",\"", "\";\""),
        with("3/2/2026 9:15:30 AM"),
        with("2026-03-02 09:15:30"),
        with("2026/03/02 9:15:30"),
    ] {
        let read = read_bytes_with(text.as_bytes(), &berlin());
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]));
        is_ann(&read, "2026-03-02T08:15:30Z");
        assert_eq!(read.logons[0].key.record, Some(77));
        assert_eq!(read.files[0].format, Format::EventJson);
    }
    // Without a zone it is UTC, which is told, and so is the order of numbers.
    let read = self::read(&local);
    is_ann(&read, "2026-03-02T09:15:30Z");
    assert_eq!(read.warnings.len(), 2, "{:?}", read.warnings);
    assert!(read.warnings[0].contains("--timezone") && read.warnings[1].contains("day first"));
    // Windows PowerShell's older command.
    let old = csv(&[
        &[
            "EventID",
            "MachineName",
            "Index",
            "EntryType",
            "Message",
            "Source",
            "InstanceId",
            "TimeGenerated",
        ],
        &[
            "4624",
            "WS-1.corp.example",
            "77",
            "SuccessAudit",
            MESSAGE,
            PROVIDER,
            "4624",
            "3/2/2026 9:15:30 AM",
        ],
    ]);
    is_ann(&read_bytes_with(old.as_bytes(), &berlin()), "2026-03-02T08:15:30Z");
}

#[test]
fn what_the_event_viewer_saves_is_read() {
    let device = Options { device: Some("WS-1.corp.example".to_owned()), ..berlin() };
    for (header, level, time) in [
        (
            "Keywords,Date and Time,Source,Event ID,Task Category",
            "Audit Success",
            "3/2/2026 9:15:30 AM",
        ),
        ("Level,Date and Time,Source,Event ID,Task Category", "Information", "3/2/2026 9:15:30 AM"),
        (
            "Schl\u{fc}sselw\u{f6}rter,Datum und Uhrzeit,Quelle,Ereignis-ID,Aufgabenkategorie",
            "\u{dc}berwachung erfolgreich",
            "02.03.2026 09:15:30",
        ),
    ] {
        let rows = format!(
            "{header}\r\n{level},{time},{PROVIDER},4624,Logon,\"{MESSAGE}\"\r\n\
             {level},{time},{PROVIDER},4672,Special Logon,\"Special privileges\"\r\n"
        );
        for text in [rows.clone(), rows.replace(',', "\t")] {
            let read = read_bytes_with(text.as_bytes(), &device);
            assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{text}");
            is_ann(&read, "2026-03-02T08:15:30Z");
            assert_eq!(read.tally().records, 2);
        }
        let read = read_bytes_with(rows.as_bytes(), &berlin());
        assert_eq!(read.rejects[0].reason, "the machine's name is missing; --device gives it");
    }
}

#[test]
fn what_dumps_of_event_logs_write_is_read() {
    let data = r#"{"TargetUserName":"ann","TargetDomainName":"CORP","TargetUserSid":"S-1-5-21-1-2-3-1104","TargetLogonId":"0xa1b2c","LogonType":"10","IpAddress":"192.0.2.7"}"#;
    let system = r#"{"Provider":{"Name":"Microsoft-Windows-Security-Auditing"},"EventID":{"Value":4624},"TimeCreated":{"SystemTime":1772439330.5},"EventRecordID":77,"Channel":"Security","Computer":"WS-1.corp.example"}"#;
    // Velociraptor.
    let text = csv(&[&["System", "EventData", "Message"], &[system, data, ""]]);
    is_ann(&read(&text), "2026-03-02T08:15:30.5Z");
    // EvtxECmd.
    let payload = r##"{"EventData":{"Data":[{"@Name":"TargetUserName","#text":"ann"},{"@Name":"TargetDomainName","#text":"CORP"},{"@Name":"TargetLogonId","#text":"0xa1b2c"},{"@Name":"LogonType","#text":"10"},{"@Name":"IpAddress","#text":"192.0.2.7"}]}}"##;
    let header = [
        "RecordNumber",
        "EventRecordId",
        "TimeCreated",
        "EventId",
        "Provider",
        "Channel",
        "Computer",
        "ChunkNumber",
        "Payload",
    ];
    for time in ["2026-03-02 08:15:30.5000000", "02.03.2026 08:15:30.5"] {
        let row =
            ["1", "77", time, "4624", PROVIDER, "Security", "WS-1.corp.example", "0", payload];
        is_ann(
            &read_bytes_with(csv(&[&header, &row]).as_bytes(), &berlin()),
            "2026-03-02T08:15:30.5Z",
        );
    }
    // Columns that are an event's fields.
    let header = [
        "Event.System.EventID",
        "Event.System.Channel",
        "Event.System.Computer",
        "Event.System.TimeCreated.#attributes.SystemTime",
        "Event.EventData.TargetUserName",
        "Event.EventData.TargetDomainName",
        "Event.EventData.TargetLogonId",
        "Event.EventData.LogonType",
        "Event.EventData.IpAddress",
    ];
    let row = [
        "4624",
        "Security",
        "WS-1.corp.example",
        "2026-03-02T08:15:30Z",
        "ann",
        "CORP",
        "0xa1b2c",
        "10",
        "192.0.2.7",
    ];
    is_ann(&read(&csv(&[&header, &row])), "2026-03-02T08:15:30Z");
}

#[test]
fn what_kibana_reports_is_read() {
    let header = [
        "@timestamp",
        "winlog.event_id",
        "winlog.channel",
        "winlog.computer_name",
        "winlog.record_id",
        "winlog.event_data.TargetUserName",
        "winlog.event_data.TargetDomainName",
        "winlog.event_data.LogonType",
        "winlog.event_data.TargetLogonId",
        "winlog.event_data.IpAddress",
        "host.name",
    ];
    let row = [
        "Mar 2, 2026 @ 08:15:30.123",
        "4,624",
        "Security",
        "WS-1.corp.example",
        "1,234,077",
        "ann",
        "CORP",
        "10",
        "0xa1b2c",
        "192.0.2.7",
        "WEC01",
    ];
    let read = read(&csv(&[&header, &row]));
    assert_eq!(
        (read.users(), read.times()),
        (vec!["ann"], vec!["2026-03-02T08:15:30.123Z".to_owned()])
    );
    assert_eq!(
        (read.logons[0].source, read.logons[0].key.record),
        (Source::Winlogbeat, Some(1_234_077))
    );
    assert!(read.warnings[0].contains("--timezone"));
    // Documents of the schema that are not Windows'.
    let header = [
        "@timestamp",
        "event.category",
        "event.type",
        "event.outcome",
        "event.action",
        "user.name",
        "host.name",
        "source.ip",
    ];
    let row = [
        "Mar 2, 2026 @ 08:15:30.123",
        "authentication, session",
        "start",
        "success",
        "ssh_login",
        "ann",
        "web-1",
        "192.0.2.7",
    ];
    let read = self::read(&csv(&[&header, &row]));
    assert_eq!((read.users(), read.logons[0].source), (vec!["ann"], Source::Ecs));
}

#[test]
fn what_a_workspace_of_log_analytics_exports_is_read() {
    let data = "<DataItem type=\"System.XmlData\" time=\"x\"><EventData xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><Data Name=\"TargetUserName\">ann</Data><Data Name=\"TargetDomainName\">CORP</Data><Data Name=\"TargetLogonId\">0xa1b2c</Data><Data Name=\"LogonType\">10</Data><Data Name=\"IpAddress\">192.0.2.7</Data></EventData></DataItem>";
    let text = csv(&[
        &["TimeGenerated [UTC]", "Source", "EventLog", "Computer", "EventID", "EventData", "Type"],
        &[
            "3/2/2026, 8:15:30.000 AM",
            PROVIDER,
            "Security",
            "WS-1.corp.example",
            "4624",
            data,
            "Event",
        ],
    ]);
    is_ann(&read(&text), "2026-03-02T08:15:30Z");
    // The same as JSON.
    let json = serde_json::json!({"TimeGenerated": "2026-03-02T08:15:30Z", "Source": PROVIDER,
        "EventLog": "Security", "Computer": "WS-1.corp.example", "EventID": 4624, "EventData": data,
        "Type": "Event"});
    is_ann(&read(&json.to_string()), "2026-03-02T08:15:30Z");
    // Tables of Defender beside their own time.
    let text = csv(&[
        &[
            "TenantId",
            "TimeGenerated [UTC]",
            "Timestamp [UTC]",
            "DeviceId",
            "DeviceName",
            "ActionType",
            "LogonType",
            "AccountName",
            "AccountDomain",
            "ReportId",
            "Type",
        ],
        &[
            "0",
            "3/2/2026, 9:00:00.000 AM",
            "3/2/2026, 8:15:30.000 AM",
            "00000000000000000000000000000000000000a0",
            "ws-1",
            "LogonSuccess",
            "Interactive",
            "ann",
            "corp",
            "7",
            "DeviceLogonEvents",
        ],
    ]);
    let read = self::read(&text);
    assert_eq!(
        (read.times(), read.logons[0].source),
        (vec!["2026-03-02T08:15:30Z".to_owned()], Source::Defender)
    );
    // Sign-ins.
    let device = r#"{"deviceId":"8bfc5f0e-0000-4000-8000-000000000001","displayName":"LAPTOP-7","trustType":"Azure AD joined"}"#;
    let text = csv(&[
        &[
            "TimeGenerated [UTC]",
            "CreatedDateTime [UTC]",
            "Id",
            "UserPrincipalName",
            "UserId",
            "AppDisplayName",
            "DeviceDetail",
            "ResultType",
            "IsInteractive",
            "Type",
        ],
        &[
            "3/2/2026, 8:16:30.000 AM",
            "3/2/2026, 8:15:30.000 AM",
            "a1",
            "ann@corp.example",
            "",
            "Windows Sign In",
            device,
            "0",
            "true",
            "SigninLogs",
        ],
        &[
            "3/2/2026, 8:16:30.000 AM",
            "3/2/2026, 8:15:30.000 AM",
            "a2",
            "bob@corp.example",
            "",
            "Windows Sign In",
            device,
            "50126",
            "true",
            "SigninLogs",
        ],
        &[
            "3/2/2026, 8:16:30.000 AM",
            "3/2/2026, 8:15:30.000 AM",
            "a3",
            "cy@corp.example",
            "",
            "Azure Portal",
            device,
            "0",
            "true",
            "SigninLogs",
        ],
    ]);
    let read = self::read(&text);
    assert_eq!((read.users().len(), read.tally().failures, read.tally().records), (1, 1, 3));
    assert_eq!(
        (read.times(), read.logons[0].source),
        (vec!["2026-03-02T08:15:30Z".to_owned()], Source::Entra)
    );
    assert_eq!(read.logons[0].machine.name, "LAPTOP-7");
}

#[test]
fn lines_of_logs_come_out_of_tables() {
    let said = "Accepted password for hans from 198.51.100.20 port 50113 ssh2";
    let line = format!("Mar  2 08:15:30 web-9 sshd[3122]: {said}");
    for text in [
        csv(&[
            &[
                "TenantId",
                "TimeGenerated [UTC]",
                "Computer",
                "EventTime [UTC]",
                "HostName",
                "SyslogMessage",
                "ProcessID",
                "ProcessName",
                "Type",
            ],
            &[
                "0",
                "3/2/2026, 8:15:31.002 AM",
                "relay",
                "3/2/2026, 8:15:30.000 AM",
                "web-9",
                said,
                "3122",
                "sshd",
                "Syslog",
            ],
            &[
                "0",
                "3/2/2026, 8:15:31.002 AM",
                "relay",
                "3/2/2026, 8:15:30.000 AM",
                "web-9",
                "Connection closed",
                "3122",
                "sshd",
                "Syslog",
            ],
        ]),
        csv(&[
            &[
                "TimeGenerated",
                "Computer",
                "EventTime",
                "SyslogMessage",
                "ProcessID",
                "ProcessName",
            ],
            &["2026-03-02T08:15:31Z", "web-9", "2026-03-02T08:15:30Z", said, "3122", "sshd"],
        ]),
        csv(&[&["_time", "_raw", "host"], &["2026-03-02T08:15:30.000+0000", &line, "relay"]]),
        csv(&[
            &["@timestamp", "message", "host.name"],
            &["Mar 2, 2026 @ 08:15:30.000", &line, "relay"],
        ]),
    ] {
        let read = read_bytes_with(text.as_bytes(), &Options { year: Some(2026), ..options() });
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{text}");
        assert_eq!(
            (read.users(), read.times()),
            (vec!["hans"], vec!["2026-03-02T08:15:30Z".to_owned()]),
            "{text}"
        );
        assert_eq!(read.logons[0].machine.name, "web-9");
        assert_eq!(read.logons[0].source, Source::Sshd);
    }
}

#[test]
fn a_table_of_nothing_that_is_read_is_refused_by_its_columns() {
    for (text, word) in [
        ("name,mail\nann,ann@x\n", "a table whose columns (`name`, `mail`) are of no kind"),
        ("a;b;c;d;e;f;g\n1;2;3;4;5;6;7\n", "(`a`, `b`, `c`, `d`, `e`, `f`, ...)"),
        ("time,message\n2026-03-02,hello\n", "a table, but none of its 1 records is of a kind"),
        ("Dear all,\nthis is prose, with a comma\n", "not a known format"),
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(read.skipped.len(), 1, "{text}");
        assert!(read.skipped[0].reason.contains(word), "{:?}", read.skipped);
    }
}

#[test]
fn an_event_that_lacks_something_says_what() {
    let header = ["TimeCreated", "Id", "LogName", "ProviderName", "MachineName", "Message"];
    for (row, word) in [
        (["2026-03-02T08:15:30Z", "4624", "Security", PROVIDER, "WS-1", "cut"], "LogonType"),
        (["", "4624", "Security", PROVIDER, "WS-1", MESSAGE], "TimeCreated"),
        (["soon", "4624", "Security", PROVIDER, "WS-1", MESSAGE], "TimeCreated: `soon`"),
        (["2026-03-02T08:15:30Z", "4624", "Security", PROVIDER, "", MESSAGE], "machine's name"),
    ] {
        let read = read_bytes(csv(&[&header, &row]).as_bytes());
        assert_eq!(read.logons, []);
        assert!(read.rejects[0].reason.contains(word), "{:?} {:?}", read.rejects, read.skipped);
    }
}

#[test]
fn all_rows_decide_in_which_order_dates_are() {
    let table = |dates: &[&str]| {
        let mut text =
            "Timestamp,DeviceName,ActionType,LogonType,AccountName,ReportId\n".to_owned();
        for (number, date) in dates.iter().enumerate() {
            text += &format!("\"{date}\",ws,LogonSuccess,Interactive,ann,{number}\n");
        }
        text
    };
    for (dates, first, order) in [
        (&["3/2/2026 8:15:30", "3/21/2026 8:15:30"][..], "2026-03-02T08:15:30Z", None),
        (&["3/2/2026 8:15:30", "21/2/2026 8:15:30"], "2026-02-03T08:15:30Z", None),
        (
            &["3/2/2026 8:15:30 AM", "3/2/2026 9:15:30 PM"],
            "2026-03-02T08:15:30Z",
            Some("month first"),
        ),
        (&["3.2.2026, 8:15:30"], "2026-02-03T08:15:30Z", Some("day first")),
        (&["2026-03-02 8:15:30"], "2026-03-02T08:15:30Z", None),
    ] {
        let read = self::read(&table(dates));
        assert_eq!(read.times()[0], first, "{dates:?}");
        let told = read.warnings.iter().find(|text| text.contains("first,"));
        assert_eq!(told.is_some(), order.is_some(), "{dates:?} {:?}", read.warnings);
        assert!(told.is_none_or(|text| text.contains(order.unwrap())));
    }
}
