//! Whichever way a record comes, it means the same: every shape through every door (file, `/api/ingest`,
//! Splunk's collector, Elasticsearch's bulk, listeners, `watch`) gives the same relations, and what nobody
//! understands is refused by each.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use ::server::clock::{Clock, SystemClock};
use samples::{Fleet, Shape};

use super::cases::{folder, relations};
use super::*;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An object a line.
    Json,
    /// A line of a log, or an event in XML, a line.
    Lines,
    /// A file that has no records on lines of their own.
    Whole,
}

struct Input {
    name: String,
    kind: Kind,
    bytes: Vec<u8>,
}

impl Input {
    fn lines(&self) -> impl Iterator<Item = &str> {
        let text = std::str::from_utf8(&self.bytes).unwrap();
        text.lines().filter(|line| !line.trim().is_empty())
    }
}

/// Files of cases that need no word of a person's.
const CASES: [(&str, &str, Kind); 20] = [
    ("audit-node-with-blanks", "audit.log", Kind::Lines),
    ("elasticsearch-export-raw-sshd", "filebeat.ndjson", Kind::Json),
    ("elasticsearch-export-raw-sshd", "exported.ndjson", Kind::Json),
    ("evtxecmd-json", "evtxecmd.json", Kind::Json),
    ("journal-bytes-with-blank", "journal.json", Kind::Json),
    ("lists-in-values", "lists.ndjson", Kind::Json),
    ("lists-in-values", "hit-fields.ndjson", Kind::Json),
    ("relay-headers", "relay-bsd.log", Kind::Lines),
    ("relay-headers", "relay-pri.log", Kind::Lines),
    ("t-aix-facility", "mixed.log", Kind::Lines),
    ("t-azure-diagnostics", "lines.ndjson", Kind::Json),
    ("t-azure-diagnostics", "records.ndjson", Kind::Json),
    ("t-event-as-json", "evtx-dump.jsonl", Kind::Json),
    ("t-event-as-json", "data-list.jsonl", Kind::Json),
    ("t-event-as-json", "system-value.jsonl", Kind::Json),
    ("t-filebeat-journald", "filebeat-journald.ndjson", Kind::Json),
    ("t-sentinel-syslog", "syslog.ndjson", Kind::Json),
    ("t-sentinel-syslog", "syslog.csv", Kind::Whole),
    ("t-solaris-message-id", "authlog", Kind::Lines),
    ("t-winlogbeat6-other-time", "events.ndjson", Kind::Json),
];

/// Of every shape some logons, each of other people.
fn inputs() -> Vec<Input> {
    let mut inputs = Vec::new();
    for (seed, shape) in (1..).zip(Shape::ALL) {
        let mut bytes = Vec::new();
        shape.write(&mut Fleet::new(seed), 60_000, &mut bytes).unwrap();
        let kind = match shape {
            // Its records do not name their machine.
            Shape::Auditd | Shape::Wtmp => continue,
            Shape::AuthLog => Kind::Lines,
            shape if shape.is_json() => Kind::Json,
            _ => Kind::Whole,
        };
        inputs.push(Input { name: shape.name().to_owned(), kind, bytes });
    }
    inputs.push(Input {
        name: "carriers.ndjson".to_owned(),
        kind: Kind::Json,
        bytes: std::fs::read(carriers()).unwrap(),
    });
    for (case, file, kind) in CASES {
        let bytes = std::fs::read(folder().join(case).join(file)).unwrap();
        inputs.push(Input { name: format!("{case}/{file}"), kind, bytes });
    }
    inputs
}

/// A logon of each shipper that carries lines and entries of Linux hosts in JSON.
fn carriers() -> PathBuf {
    folder().with_file_name("carriers.ndjson")
}

/// The relations after a file of each input is imported.
fn by_file(inputs: &[&Input]) -> Vec<String> {
    let program = Program::new();
    for input in inputs {
        let path = program.folder.path().join(input.name.replace('/', "-"));
        std::fs::write(&path, &input.bytes).unwrap();
        let sums = program.import(&[&path]);
        assert!(sums["machines"].as_u64().unwrap() > 0, "{}: {sums}", input.name);
    }
    relations(&program)
}

/// A running server that takes telemetry, over HTTP and from a socket.
struct Receiver {
    program: Program,
    server: Server,
    secret: String,
    listener: String,
}

impl Receiver {
    fn start() -> Self {
        let program = Program::new();
        let arguments = ["app", "add", "relay", "--permission", "Telemetry.Write", "--json"];
        let app = program.json(&arguments);
        let of = |key: &str| app[key].as_str().unwrap();
        let secret = format!("{}:{}", of("clientId"), of("clientSecret"));
        let listener = format!("127.0.0.1:{}", free_port());
        let config = program.folder.path().join("footfall.toml");
        let settings = format!(
            "[[listener]]\naddress = \"{listener}\"\nkind = \"lines\"\nprotocol = \"tcp\"\n\
             timezone = \"UTC\"\n"
        );
        std::fs::write(&config, settings).unwrap();
        let server = program.serve(&["--config", config.to_str().unwrap()]);
        Self { program, server, secret, listener }
    }

    fn post(&self, path: &str, body: impl AsRef<[u8]>) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut answer = agent
            .post(format!("{}{path}", self.server.origin))
            .header("Authorization", format!("Splunk {}", self.secret))
            .header("Content-Type", "application/x-ndjson")
            .send(body.as_ref())
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    fn hec(&self, input: &Input) -> (u16, Value) {
        let event = |line: &str| match input.kind {
            Kind::Json => format!("{{\"event\":{line}}}"),
            _ => serde_json::json!({"event": line}).to_string(),
        };
        self.post("/services/collector/event", input.lines().map(event).collect::<String>())
    }

    fn bulk(&self, input: &Input) -> (u16, Value) {
        let item = |line: &str| format!("{{\"create\":{{\"_index\":\"x\"}}}}\n{line}\n");
        self.post("/_bulk", input.lines().map(item).collect::<String>())
    }

    fn lines(&self, input: &Input) {
        let mut stream = TcpStream::connect(&self.listener).unwrap();
        for line in input.lines() {
            stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Received and rejected of the listener's sender.
    fn counts(&self) -> (u64, u64) {
        let status = self.program.json(&["status", "--json"]);
        let senders = status["senders"].as_array().unwrap().iter();
        let senders: Vec<_> =
            senders.filter(|sender| sender["kind"].as_str().unwrap().ends_with("tcp")).collect();
        let sum = |key: &str| senders.iter().map(|sender| sender[key].as_u64().unwrap()).sum();
        (sum("received"), sum("rejected"))
    }
}

/// What of two lists is in one alone.
fn differ(name: &str, got: &[String], expected: &[String]) {
    let missing: Vec<_> = expected.iter().filter(|row| !got.contains(row)).take(5).collect();
    let extra: Vec<_> = got.iter().filter(|row| !expected.contains(row)).take(5).collect();
    assert!(got == expected, "{name}: missing {missing:#?}, more {extra:#?}");
}

#[test]
fn every_shape_means_the_same_through_every_door() {
    let inputs = inputs();
    let of = |kinds: &[Kind]| -> Vec<&Input> {
        inputs.iter().filter(|input| kinds.contains(&input.kind)).collect()
    };
    let (all, records, objects) = (
        of(&[Kind::Json, Kind::Lines, Kind::Whole]),
        of(&[Kind::Json, Kind::Lines]),
        of(&[Kind::Json]),
    );
    let (of_all, of_records, of_objects) = (by_file(&all), by_file(&records), by_file(&objects));

    let receiver = Receiver::start();
    for input in &all {
        let (status, said) = receiver.post("/api/ingest", &input.bytes);
        assert_eq!((status, &said["rejected"]), (200, &0.into()), "{}: {said}", input.name);
    }
    differ("/api/ingest", &relations(&receiver.program), &of_all);

    let receiver = Receiver::start();
    for input in &records {
        let (status, said) = receiver.hec(input);
        assert_eq!(status, 200, "{}: {said}", input.name);
    }
    differ("/services/collector/event", &relations(&receiver.program), &of_records);

    let receiver = Receiver::start();
    for input in &records {
        let (status, said) = receiver.post("/services/collector/raw", &input.bytes);
        assert_eq!(status, 200, "{}: {said}", input.name);
    }
    differ("/services/collector/raw", &relations(&receiver.program), &of_records);

    let receiver = Receiver::start();
    for input in &objects {
        let (_, said) = receiver.bulk(input);
        assert_eq!(said["errors"], false, "{}: {said}", input.name);
    }
    differ("/_bulk", &relations(&receiver.program), &of_objects);

    let receiver = Receiver::start();
    for input in &records {
        receiver.lines(input);
    }
    let start = Instant::now();
    while relations(&receiver.program) != of_records && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    differ("a listener", &relations(&receiver.program), &of_records);
    assert_eq!(receiver.counts().1, 0);

    let program = Program::new();
    for input in &records {
        let path = program.folder.path().join(input.name.replace('/', "-") + ".log");
        std::fs::write(&path, &input.bytes).unwrap();
        program.run(&["watch", "--once", path.to_str().unwrap()]);
    }
    differ("watch", &relations(&program), &of_records);
}

/// Nobody's records, and what they are called.
const UNKNOWN: [(&str, &str); 5] = [
    (r#"{"some":"other","number":4624}"#, "kind that is read"),
    (r#"{"event_simpleName":"UserLogon","UserName":"ann","aid":"1"}"#, "CrowdStrike"),
    (
        r#"{"log_name":"Security","event_id":4624,"computer_name":"a","event_data":{"TargetUserName":"ann","LogonType":"2"}}"#,
        "@timestamp",
    ),
    (r#"{"message":"good morning","host":"web-1"}"#, "text"),
    ("good morning", "syslog"),
];

#[test]
fn what_nobody_understands_is_refused_at_every_door() {
    let receiver = Receiver::start();
    for (number, (record, word)) in UNKNOWN.into_iter().enumerate() {
        let is_json = record.starts_with('{');
        let kind = if is_json { Kind::Json } else { Kind::Lines };
        let input = Input { name: "x".to_owned(), kind, bytes: record.as_bytes().to_vec() };

        let program = Program::new();
        let path = program.folder.path().join("x.log");
        std::fs::write(&path, record).unwrap();
        let output = program.command().arg("import").arg(&path).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{record}: {stderr}");
        assert!(!is_json || stderr.contains(word), "{record}: {stderr}");

        let (status, said) = receiver.post("/api/ingest", record);
        assert_eq!(status, 400, "{record}: {said}");
        assert!(!is_json || said.to_string().contains(word), "{record}: {said}");

        for (status, said) in
            [receiver.hec(&input), receiver.post("/services/collector/raw", record)]
        {
            assert_eq!((status, &said["code"]), (400, &6.into()), "{record}: {said}");
            assert_eq!(said["invalid-event-number"], 0);
            assert!(
                !is_json || said["reason"].as_str().unwrap().contains(word),
                "{record}: {said}"
            );
        }
        if is_json {
            let (_, said) = receiver.bulk(&input);
            let reason = &said["items"][0]["create"]["error"]["reason"];
            assert!(reason.as_str().unwrap().contains(word), "{record}: {said}");
        }
        let before = receiver.counts();
        receiver.lines(&input);
        let start = Instant::now();
        while receiver.counts() == before && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
        let after = receiver.counts();
        assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1), "{record}, the {number}th");

        // Behind what is read, since a log of nothing known is not followed.
        let known = "Mar  1 10:00:00 web-1 sshd[7]: Server listening on 0.0.0.0 port 22.\n";
        let (known, log) = if is_json {
            ("{\"_HOSTNAME\":\"a\",\"SYSLOG_IDENTIFIER\":\"cron\",\"MESSAGE\":\"x\"}\n", "j.json")
        } else {
            (known, "auth.log")
        };
        let path = program.folder.path().join(log);
        std::fs::write(&path, format!("{}{record}\n", known.repeat(3))).unwrap();
        let sums = program.run(&["watch", "--once", "--json", path.to_str().unwrap()]);
        let sums: Value = serde_json::from_str(sums.lines().last().unwrap()).unwrap();
        assert_eq!((&sums["records"], &sums["rejected"]), (&4.into(), &1.into()), "{record}");
    }
}

/// The journal's own word on who wrote an entry is heeded, whoever passes it on.
#[test]
fn nobody_writes_others_into_the_journal() {
    let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
    for (path, file) in [
        ("/_bulk", "t-forged-journal-entry/bulk.ndjson"),
        ("/services/collector/event", "t-forged-journal-entry/hec.json"),
    ] {
        let receiver = Receiver::start();
        let (status, said) = receiver.post(path, read(file));
        assert_eq!(status, 200, "{said}");
        let expected = "clerk||db-7|2026-03-02t09:01:00z|2026-03-02t09:01:00z|remoteinteractive|1";
        assert_eq!(relations(&receiver.program), [expected], "{path}");
    }
    let program = Program::new();
    program.import(&[&folder().join("t-forged-journal-entry/journal.json")]);
    assert!(relations(&program).is_empty());
    for (path, file) in [
        ("/_bulk", "fluent-bit-lowercase/bulk.ndjson"),
        ("/services/collector/event", "fluent-bit-lowercase/hec.json"),
    ] {
        let receiver = Receiver::start();
        let (status, said) = receiver.post(path, read(file));
        assert_eq!(status, 200, "{said}");
        let row = "lea.orr||app-48.corp.example|2026-03-02t10:30:55z|2026-03-02t10:30:55z|remoteinteractive|1";
        assert_eq!(relations(&receiver.program), [row], "{path}");
    }
}

/// A sender whose clock is off is seen, and what it tells of the future is not kept.
#[test]
fn a_clock_that_is_ahead_shows_in_the_status() {
    let receiver = Receiver::start();
    let now = SystemClock.now();
    let line = |hours: i64, pid: u32| {
        let time = now.plus_seconds(hours * 3600).unwrap().whole_second();
        format!("{time} web-1 sshd[{pid}]: Accepted publickey for ann from 192.0.2.7 port 1 ssh2\n")
    };
    let (status, said) = receiver.post("/api/ingest", line(3, 1) + &line(400 * 24, 2));
    let counts = (status, &said["accepted"], &said["rejected"]);
    assert_eq!(counts, (200, &1.into(), &1.into()), "{said}");
    assert!(said["rejections"][0]["reason"].as_str().unwrap().contains("rule.max_ahead"), "{said}");
    let status = receiver.program.json(&["status", "--json"]);
    let ahead = status["senders"][0]["clockAheadS"].as_i64().unwrap();
    assert!((399 * 86_400..=400 * 86_400).contains(&ahead), "{status}");
    assert!(receiver.program.run(&["status"]).contains("clock 399 d ahead"));
    assert_eq!(relations(&receiver.program).len(), 1);
}

/// Each shipper's record gives its person, machine and time (`carriers.csv`).
#[test]
fn lines_are_read_in_whatever_carries_them() {
    let program = Program::new();
    let sums = program.import(&[&carriers()]);
    let expected = std::fs::read_to_string(folder().with_file_name("carriers.csv")).unwrap();
    let expected: Vec<String> = expected
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            let [user, machine, time, how] = cells[..] else { panic!("{line}") };
            format!("{user}||{machine}|{time}|{time}|{how}|1").to_lowercase()
        })
        .collect();
    differ(&sums.to_string(), &relations(&program), &expected);
}
