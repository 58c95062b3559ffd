//! Telemetry that is sent while it happens: what was acknowledged outlives a kill, and people see who
//! sends.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::*;

/// An app that may send, in the form of Splunk's token.
fn sender(program: &Program) -> String {
    let app = program.json(&["app", "add", "relay", "--permission", "Telemetry.Write", "--json"]);
    format!(
        "Splunk {}:{}",
        app["clientId"].as_str().unwrap(),
        app["clientSecret"].as_str().unwrap()
    )
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

/// Sends lines to Splunk's collector; whether they were acknowledged.
fn send(agent: &ureq::Agent, origin: &str, authorization: &str, lines: &str) -> bool {
    let events: String = lines.lines().map(|line| format!("{{\"event\":{line}}}")).collect();
    let answer = agent
        .post(format!("{origin}/services/collector/event"))
        .header("Authorization", authorization)
        .send(events);
    answer.is_ok_and(|mut answer| {
        answer.status() == 200
            && answer.body_mut().read_to_string().is_ok_and(|text| text.contains("\"code\":0"))
    })
}

#[test]
fn what_was_acknowledged_outlives_kills() {
    const SENDERS: u32 = 6;
    const BATCH: u32 = 25;
    let program = Program::new();
    let authorization = sender(&program);
    let port = free_port();
    let start = || {
        let mut command = program.command();
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
        Server::start(command)
    };
    let mut server = start();
    let origin = server.origin.clone();
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let acknowledged = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for number in 0..SENDERS {
            let (stop, sent, acknowledged) = (&stop, &sent, &acknowledged);
            let (origin, authorization) = (&origin, &authorization);
            scope.spawn(move || {
                let agent = agent();
                let mut next = number * 10_000;
                while !stop.load(Ordering::Relaxed) {
                    let lines = nxlog_lines(BATCH, next);
                    // Like a shipper: the same again until it is acknowledged.
                    if send(&agent, origin, authorization, &lines) {
                        acknowledged.lock().unwrap().extend(next..next + BATCH);
                        sent.fetch_add(u64::from(BATCH), Ordering::Relaxed);
                        next += BATCH;
                    } else {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            });
        }
        for kill in 1..=3 {
            // In the midst of it, whenever that is.
            while sent.load(Ordering::Relaxed) < kill * 2_000 {
                std::thread::sleep(Duration::from_millis(5));
            }
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            server = start();
        }
        while sent.load(Ordering::Relaxed) < 8_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
    });
    drop(server);
    let acknowledged = acknowledged.into_inner().unwrap();
    let database = rusqlite::Connection::open(program.database()).unwrap();
    let numbers: Vec<u32> = database
        .prepare("SELECT record FROM event ORDER BY record")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let known: BTreeSet<u32> = numbers.iter().copied().collect();
    assert_eq!(numbers.len(), known.len(), "some count twice");
    let lost: Vec<_> = acknowledged.difference(&known).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let counted: i64 =
        database.query_row("SELECT sum(logon_count) FROM relation", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(counted).unwrap(), known.len());
    // The senders' counts are of what is kept.
    let status = program.json(&["status", "--json"]);
    assert_eq!(status["senders"][0]["accepted"], known.len());
}

#[test]
fn metrics_and_status_tell_who_sends() {
    let program = Program::new();
    let authorization = sender(&program);
    let config = program.folder.path().join("footfall.toml");
    let metrics = format!("127.0.0.1:{}", free_port());
    std::fs::write(&config, format!("[metrics]\nlisten = \"{metrics}\"\n")).unwrap();
    let config = config.to_str().unwrap();
    let mut child = program
        .command()
        .args(["serve", "--listen", "127.0.0.1:0", "--config", config])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let ready = stdout.next().unwrap();
    let origin = ready.split_whitespace().nth(2).unwrap().trim_end_matches("/api").to_owned();
    assert!(stdout.next().unwrap().ends_with(&format!("http://{metrics}/metrics")));
    let server = Server { child, origin, _stdout: None };

    let lines = nxlog_lines(20, 1) + &nxlog_lines(5, 1) + "{\"footfall\":\"logon\"}\n";
    let agent = agent();
    assert!(send(&agent, &server.origin, &authorization, &lines));
    let text = agent.get(format!("http://{metrics}/metrics")).call().unwrap();
    let text = text.into_body().read_to_string().unwrap();
    for line in [
        "footfall_intake_received_total{kind=\"hec\",sender=\"relay\"} 26",
        "footfall_intake_accepted_total{kind=\"hec\",sender=\"relay\"} 20",
        "footfall_intake_duplicates_total{kind=\"hec\",sender=\"relay\"} 5",
        "footfall_intake_rejected_total{kind=\"hec\",sender=\"relay\"} 1",
        "footfall_intake_lag_seconds_count{kind=\"hec\",sender=\"relay\"} 25",
        "footfall_intake_waiting 0",
        "footfall_intake_commit_seconds_count 1",
        "footfall_http_requests_total{route=\"/services/collector/event\",status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));

    let status = program.json(&["status", "--json", "--config", config]);
    assert_eq!(status["server"]["waiting"][0], 0);
    let relay = &status["senders"][0];
    assert_eq!((relay["kind"].as_str(), relay["name"].as_str()), (Some("hec"), Some("relay")));
    assert_eq!((&relay["accepted"], &relay["isSilent"]), (&20.into(), &false.into()));
    let table = program.run(&["status", "--config", config]);
    assert!(table.contains("relay") && table.contains("99 in a hundred"), "{table}");

    std::thread::sleep(Duration::from_millis(1_100));
    let check = ["status", "--silent-after", "1s", "--check"];
    let silent = program.command().args(check).output().unwrap();
    assert_eq!(silent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&silent.stdout).contains("(silent)"));
}
