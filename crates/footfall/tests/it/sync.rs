//! `footfall sync defender`: another Footfall with the vendor's limits, and sources that misbehave.

mod misbehaviour;
mod script;

use std::time::{Duration, Instant};

use super::*;

/// The tenant of scripts.
const TENANT: &str = "contoso.example";
const CLIENT: &str = "6f1c2a52-6cf0-4f2c-8d0e-0c3a7f4f9b11";
const SECRET: &str = "hush-hush-secret";

/// Waits as short as they may be configured.
const IMPATIENT: &str = "attempts = 3\nfirst_wait = \"1s\"\nlongest_wait = \"1s\"\n";

/// The command, with settings of `[sync.defender]`.
fn sync(program: &Program, settings: &str, arguments: &[&str]) -> Command {
    let config = program.folder.path().join("sync.toml");
    std::fs::write(&config, format!("[sync.defender]\n{settings}")).unwrap();
    let mut command = program.command();
    command.arg("--config").arg(config).args(["sync", "defender", "--json"]).args(arguments);
    command.env("FOOTFALL_SYNC_SECRET", SECRET);
    command
}

/// What it printed, and how it ended.
struct Ended {
    code: Option<i32>,
    summary: Value,
    stderr: String,
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        summary: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The settings of a source that is another Footfall.
fn of_footfall(source: &Program, server: &Server, target: &Program) -> String {
    let permissions = ["--permission", "Machine.Read.All", "--permission", "User.Read.All"];
    let arguments = [&["app", "add", "sync", "--json"][..], &permissions].concat();
    let app = source.json(&arguments);
    let text = |key: &str| app[key].as_str().unwrap().to_owned();
    let secret = target.folder.path().join("secret");
    std::fs::write(&secret, format!("{}\n", text("clientSecret"))).unwrap();
    let (tenant, client, origin) = (text("tenantId"), text("clientId"), &server.origin);
    format!(
        "url = \"{origin}\"\nauthority = \"{origin}\"\ntenant_id = \"{tenant}\"\n\
         client_id = \"{client}\"\n"
    )
}

fn with_secret<'a>(command: &'a mut Command, target: &Program) -> &'a mut Command {
    command.arg("--client-secret-file").arg(target.folder.path().join("secret"))
}

/// 25 machines with 35 users, and one that says of itself what it is.
fn fleet() -> Program {
    let program = Program::new();
    let file = program.folder.path().join("logons.json");
    let lines = [1, 51, 101, 151, 201].map(|first| nxlog_lines(25, first));
    std::fs::write(&file, lines.concat()).unwrap();
    let facts = program.folder.path().join("facts.json");
    let machine = serde_json::json!({
        "id": "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90", "computerDnsName": "srv-1.corp.example",
        "firstSeen": "2025-03-01T00:00:00Z", "lastSeen": "2025-06-02T00:00:00Z",
        "osPlatform": "WindowsServer2022", "version": "21H2", "osBuild": 20348,
        "machineTags": ["tier 1"], "lastIpAddress": "10.0.0.9", "agentVersion": "10.8760",
        "ipAddresses": [{"ipAddress": "10.0.0.9", "macAddress": "00005E0053FF",
            "type": "Ethernet", "operationalStatus": "Up"}],
        "riskScore": "High", "exposureLevel": "Low", "isAadJoined": true,
        "aadDeviceId": "5b0c9f3e-6f0e-4a0b-9a6e-2f1d3c4b5a69", "onboardingStatus": "Onboarded",
    });
    std::fs::write(&facts, machine.to_string()).unwrap();
    program.import(&[&file, &facts]);
    program
}

/// What the API tells of who was where, without how often.
fn relations(program: &Program) -> Vec<String> {
    let rows = program.run(&["relations", "--csv"]);
    let mut rows: Vec<String> =
        rows.lines().map(|row| row.rsplit_once(',').unwrap().0.to_owned()).collect();
    rows.sort();
    rows
}

fn inventory(program: &Program) -> Vec<String> {
    let rows = program.run(&["query", "machines", "--json"]);
    let mut rows: Vec<String> = rows.lines().map(str::to_owned).collect();
    rows.sort();
    rows
}

/// How often each status was answered to calls of an operation.
fn answered(source: &Program, operation: &str) -> Vec<u64> {
    // Calls are written to the audit soon after they are answered.
    std::thread::sleep(Duration::from_millis(300));
    let audit = source.run(&["audit", "--kind", "call", "--json"]);
    let entries = audit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let entries = entries.filter(|entry| entry["operation"].as_str() == Some(operation));
    entries.map(|entry| entry["status"].as_u64().unwrap()).collect()
}

const USERS: &str = "GET /api/machines/{id}/logonusers";

fn integrity(program: &Program) {
    let sql = rusqlite::Connection::open(program.database()).unwrap();
    let answer: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(answer, "ok");
}

/// How many machines of the source were asked for their users.
fn asked(program: &Program) -> i64 {
    let Ok(sql) = rusqlite::Connection::open(program.database()) else { return 0 };
    let question = "SELECT count(*) FROM sync_machine WHERE asked IS NOT NULL";
    sql.query_row(question, [], |row| row.get(0)).unwrap_or(0)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn another_footfall_is_read_whole_and_then_what_changed() {
    let (source, target) = (fleet(), Program::new());
    // Its limits are the vendor's.
    let server = source.serve(&[]);
    let settings = of_footfall(&source, &server, &target);
    let run = |arguments: &[&str]| {
        let ended = ended(with_secret(&mut sync(&target, &settings, arguments), &target));
        assert_eq!(ended.code, Some(0), "{} {}", ended.summary, ended.stderr);
        ended.summary
    };
    let first = run(&[]);
    assert_eq!((&first["whole"], &first["listed"]), (&true.into(), &26.into()), "{first}");
    assert_eq!((&first["asked"], &first["left"]), (&26.into(), &0.into()), "{first}");
    assert_eq!((&first["rejects"], &first["repeated"]), (&0.into(), &0.into()), "{first}");
    assert_eq!(first["upTo"], "2025-06-02T00:03:45Z", "{first}");
    let before = relations(&source);
    assert!(before.len() > 100, "{before:?}");
    assert_eq!(relations(&target), before);
    assert_eq!(inventory(&target), inventory(&source));

    // Nothing has changed: a page of machines, and the one that says that there are no more.
    let second = run(&[]);
    assert_eq!((&second["whole"], &second["calls"]), (&false.into(), &2.into()), "{second}");
    assert_eq!((&second["asked"], &second["logons"]), (&0.into(), &0.into()), "{second}");
    // Two machines are seen again: they alone are asked.
    let file = source.folder.path().join("more.json");
    std::fs::write(&file, nxlog_lines(2, 610)).unwrap();
    source.import(&[&file]);
    let third = run(&[]);
    assert_eq!((&third["asked"], &third["calls"]), (&2.into(), &4.into()), "{third}");
    assert_eq!(relations(&target), relations(&source));
    assert_eq!(inventory(&target), inventory(&source));
    // What was had before is none the more for being had again.
    let full = run(&["--full"]);
    assert_eq!((&full["asked"], &full["logons"]), (&26.into(), &0.into()), "{full}");
    assert_eq!(relations(&target), relations(&source));

    // The source forgets, as the vendor does; what was read stays.
    let config = source.folder.path().join("retention.toml");
    std::fs::write(&config, "retention = \"30d\"\n").unwrap();
    let kept = relations(&target);
    source.run(&["--config", config.to_str().unwrap(), "retention"]);
    assert_eq!(run(&["--full"])["listed"], 0);
    assert_eq!(relations(&target), kept);
    let answers = answered(&source, USERS);
    assert_eq!((answers.len(), answers.iter().all(|status| *status == 200)), (54, true));
}

#[test]
fn a_source_that_has_had_enough_calls_is_left_in_peace_and_the_rest_is_had_later() {
    let (source, target) = (fleet(), Program::new());
    let limits = source.folder.path().join("limits.toml");
    let quota = "per_minute = 10\nper_hour = 10\n";
    std::fs::write(&limits, format!("[limits.api.get-machine-log-on-users]\n{quota}")).unwrap();
    let mut command = source.command();
    command.arg("--config").arg(&limits).args(["serve", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command);
    let settings = of_footfall(&source, &server, &target);
    // Without patience: it would have to wait for an hour.
    let impatient = format!("{settings}attempts = 1\n");
    let refused = ended(with_secret(&mut sync(&target, &impatient, &[]), &target));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    for said in
        ["the answer is 429: API calls quota exceeded", "goes on from there", "hint: others"]
    {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    assert_eq!(asked(&target), 10);
    let mut statuses = answered(&source, USERS);
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200; 10][..], &[429]].concat());
    let port = server.origin.rsplit(':').next().unwrap().to_owned();
    drop(server);
    let mut command = source.command();
    command.args(["serve", "--limits", "off", "--listen", &format!("127.0.0.1:{port}")]);
    let _server = Server::start(command);
    let rest = ended(with_secret(&mut sync(&target, &settings, &[]), &target));
    assert_eq!((rest.code, &rest.summary["asked"]), (Some(0), &16.into()), "{}", rest.stderr);
    assert_eq!(relations(&target), relations(&source));
    assert_eq!(answered(&source, USERS).len(), 11 + 16);
}

#[test]
fn limits_hold_over_a_new_start() {
    let (source, target) = (fleet(), Program::new());
    let server = source.serve(&[]);
    let settings = of_footfall(&source, &server, &target) + "per_minute = 5\nper_hour = 40\n";
    for _ in 0..2 {
        let mut command = sync(&target, &settings, &[]);
        let mut child = with_secret(&mut command, &target)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("five machines", || asked(&target) == 5);
        // It waits for its minute to end.
        std::thread::sleep(Duration::from_millis(700));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(answered(&source, USERS).len(), 5);
}

#[test]
fn a_killed_sync_goes_on_where_it_was() {
    let (source, target) = (fleet(), Program::new());
    let server = source.serve(&["--limits", "off"]);
    // Pages of the server's own, which end in links.
    let settings = of_footfall(&source, &server, &target) + "page_rows = 10\n";
    let start = || {
        let mut command = sync(&target, &settings, &[]);
        let command = with_secret(&mut command, &target);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for least in [0, 5, 12] {
        let mut child = start();
        wait_until("some machines", || match least {
            // In the midst of the pages.
            0 => {
                let sql = rusqlite::Connection::open(target.database());
                let rows = sql.and_then(|sql| {
                    sql.query_row("SELECT rows FROM sync_walk", [], |row| row.get::<_, i64>(0))
                });
                rows.is_ok()
            }
            _ => asked(&target) >= least,
        });
        child.kill().unwrap();
        child.wait().unwrap();
        integrity(&target);
    }
    let last = ended(with_secret(&mut sync(&target, &settings, &[]), &target));
    assert_eq!(last.code, Some(0), "{}", last.stderr);
    assert_eq!((&last.summary["left"], &last.summary["whole"]), (&0.into(), &false.into()));
    assert!(last.summary["asked"].as_u64().unwrap() <= 14, "{}", last.summary);
    assert_eq!(relations(&target), relations(&source));
    assert_eq!(inventory(&target), inventory(&source));
    // One of each kill may have been asked twice.
    let users = answered(&source, USERS).len();
    assert!((26..=29).contains(&users), "{users}");
    let again = ended(with_secret(&mut sync(&target, &settings, &[]), &target));
    assert_eq!((&again.summary["asked"], &again.summary["logons"]), (&0.into(), &0.into()));
}

#[cfg(unix)]
#[test]
fn it_goes_on_until_it_is_stopped_and_then_ends_well() {
    let (source, target) = (fleet(), Program::new());
    let server = source.serve(&[]);
    let settings = of_footfall(&source, &server, &target) + "every = \"1s\"\n";
    let mut command = sync(&target, &settings, &[]);
    let child = with_secret(&mut command, &target).stdout(Stdio::piped()).spawn().unwrap();
    wait_until("all machines", || asked(&target) == 26);
    let file = source.folder.path().join("more.json");
    std::fs::write(&file, nxlog_lines(1, 610)).unwrap();
    source.import(&[&file]);
    wait_until("the next round", || relations(&target) == relations(&source));
    assert!(
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let once = ended(with_secret(&mut sync(&target, &settings, &["--once"]), &target));
    assert_eq!((once.code, &once.summary["asked"]), (Some(0), &0.into()));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() >= 2 && lines[0]["asked"] == 26, "{lines:?}");
    assert_eq!(lines.iter().map(|line| line["asked"].as_u64().unwrap()).sum::<u64>(), 27);
}

#[test]
fn what_is_missing_or_wrong_is_told() {
    let program = Program::new();
    for (arguments, code, said) in [
        (&[][..], 2, "--tenant-id"),
        (&["--tenant-id", TENANT], 2, "--client-id"),
        (&["--tenant-id", "a/b", "--client-id", CLIENT], 2, "domain"),
        (
            &["--tenant-id", TENANT, "--client-id", CLIENT, "--url", "http://203.0.113.7"],
            2,
            "in clear",
        ),
        (
            &["--tenant-id", TENANT, "--client-id", CLIENT, "--client-secret-file", "/nowhere"],
            1,
            "/nowhere",
        ),
        (&["--tenant-id", TENANT, "--client-id", CLIENT, "--ca", "/nowhere"], 1, "/nowhere"),
    ] {
        let ended = ended(&mut sync(&program, "", arguments));
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
    let mut without = sync(&program, "", &["--tenant-id", TENANT, "--client-id", CLIENT]);
    let without = ended(without.env_remove("FOOTFALL_SYNC_SECRET"));
    assert_eq!(without.code, Some(2));
    assert!(without.stderr.contains("FOOTFALL_SYNC_SECRET"), "{}", without.stderr);
    assert!(!program.database().exists());
}
