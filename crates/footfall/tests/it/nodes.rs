//! osquery's nodes with the real program: the command line beside a running server, and a server that
//! is killed.
//!
//! Where `FOOTFALL_TEST_OSQUERYD` names an `osqueryd`, it takes the place of the test's own client.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

impl Server {
    fn post(&self, path: &str, body: &Value) -> Value {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent
            .post(format!("{}{path}", self.origin))
            .header("Content-Type", "application/json")
            .header("User-Agent", "osquery/5.23.1")
            .send(body.to_string())
            .unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn enroll(&self, secret: &str, host: &str) -> Value {
        self.post(
            "/osquery/enroll",
            &json!({"enroll_secret": secret, "host_identifier": host, "platform_type": "9",
                "host_details": {"osquery_info": {"version": "5.23.1", "build_platform": "linux"}}}),
        )
    }
}

fn log(key: &Value, user: &str, count: i64) -> Value {
    let line = |second: i64| {
        json!({"name": "x", "hostIdentifier": "lnx-1", "unixTime": 1_767_600_060, "action": "added",
            "columns": {"type": "user", "user": user, "tty": "pts/0", "host": "",
                "time": (1_767_600_000 + second).to_string()}})
    };
    let lines: Vec<_> = (0..count).map(line).collect();
    json!({"node_key": key, "log_type": "result", "data": lines})
}

#[test]
fn nodes_are_administered_beside_a_running_server() {
    let program = Program::new();
    let secret = program.run(&["node", "secret", "add", "servers"]);
    let secret = secret.trim();
    assert!(secret.starts_with("footfall_enroll_"));
    let server = program.serve(&[]);
    let key = server.enroll(secret, "lnx-1")["node_key"].clone();
    assert_eq!(server.post("/osquery/log", &log(&key, "alice", 3)), json!({"node_invalid": false}));
    assert!(program.run(&["machines", "alice"]).contains("lnx-1"));
    let nodes = program.json(&["node", "list", "--json"]);
    assert_eq!(nodes[0]["hostName"], "lnx-1");
    assert_eq!((&nodes[0]["secret"], &nodes[0]["asked"]), (&json!("servers"), &Value::Null));
    assert!(program.run(&["node", "list"]).contains("5.23.1"));

    let key = json!({"node_key": key});
    program.run(&["node", "refresh"]);
    assert_eq!(program.json(&["node", "list", "--json"])[0]["asked"].as_str().unwrap().len(), 28);
    let asked = server.post("/osquery/distributed/read", &key);
    assert!(asked["queries"].as_object().unwrap().len() > 3, "{asked}");

    program.run(&["node", "revoke", "lnx-1"]);
    assert_eq!(server.post("/osquery/config", &key), json!({"node_invalid": true}));
    assert_eq!(server.enroll(secret, "lnx-1"), json!({"node_invalid": true}));
    program.run(&["node", "remove", "lnx-1"]);
    program.run(&["node", "secret", "revoke", "servers"]);
    assert_eq!(server.enroll(secret, "lnx-1"), json!({"node_invalid": true}));
    let secrets = program.run(&["node", "secret", "list", "--json"]);
    assert!(!secrets.contains(secret) && secrets.contains("servers"), "{secrets}");

    let failed = program.command().args(["node", "revoke", "lnx-1"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let stderr = String::from_utf8(failed.stderr).unwrap();
    assert!(stderr.contains("there is no node `lnx-1`") && stderr.contains("hint: "), "{stderr}");
    let audit = program.run(&["audit", "--json"]);
    for operation in ["node.secret.add", "node.refresh", "node.revoke", "node.remove"] {
        assert!(audit.contains(operation), "{operation}: {audit}");
    }
    assert!(!audit.contains(secret));
    // No file holds a secret or a key as it is.
    let key = key["node_key"].as_str().unwrap();
    for entry in std::fs::read_dir(program.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for text in [secret, key] {
                let found = bytes.windows(text.len()).any(|part| part == text.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let program = Program::new();
    let secret = program.run(&["node", "secret", "add", "servers"]);
    let mut server = program.serve(&[]);
    let key = server.enroll(secret.trim(), "lnx-1")["node_key"].clone();
    let body = log(&key, "alice", 1000);
    assert_eq!(server.post("/osquery/log", &body), json!({"node_invalid": false}));
    // SIGKILL.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let relations = program.run(&["relations", "--json"]);
    assert!(relations.contains("\"alice\"") && relations.contains("1000"), "{relations}");
    // The node is known to the next server, and what it sends again counts once.
    let server = program.serve(&[]);
    assert_eq!(server.post("/osquery/log", &body), json!({"node_invalid": false}));
    assert_eq!(program.run(&["relations", "--json"]), relations);
}

/// A real osqueryd, where there is one, from its enrolling to a question's answer.
#[test]
fn a_real_osqueryd_enrolls_reports_and_answers() {
    let Some(osqueryd) = std::env::var_os("FOOTFALL_TEST_OSQUERYD") else {
        eprintln!("SKIPPED: FOOTFALL_TEST_OSQUERYD names no osqueryd");
        return;
    };
    let program = Program::new();
    let folder = program.folder.path();
    let secret = program.run(&["node", "secret", "add", "servers"]);
    std::fs::write(folder.join("secret"), secret.trim()).unwrap();
    let config = folder.join("footfall.toml");
    std::fs::write(&config, "[osquery]\ndistributed_interval = \"2s\"\nfacts_interval = \"5s\"\n")
        .unwrap();
    let mut command = program.command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--tls", "self-signed", "--config"]);
    command.arg(&config);
    let server = Server::start(command);
    std::fs::write(folder.join("ca.pem"), program.run(&["certificate"])).unwrap();
    let host = server.origin.strip_prefix("https://").unwrap().replace("127.0.0.1", "localhost");
    let at = |name: &str| folder.join(name).display().to_string();
    let child = Command::new(osqueryd)
        .args(["--ephemeral", "--disable_database", "--config_plugin=tls", "--logger_plugin=tls"])
        .args(["--disable_distributed=false", "--distributed_plugin=tls", "--logger_tls_compress"])
        .args(["--enroll_tls_endpoint=/osquery/enroll", "--config_tls_endpoint=/osquery/config"])
        .args(["--logger_tls_endpoint=/osquery/log", "--force", "--host_identifier=uuid"])
        .arg("--distributed_tls_read_endpoint=/osquery/distributed/read")
        .arg("--distributed_tls_write_endpoint=/osquery/distributed/write")
        .arg(format!("--tls_hostname={host}"))
        .arg(format!("--tls_server_certs={}", at("ca.pem")))
        .arg(format!("--enroll_secret_path={}", at("secret")))
        .arg(format!("--pidfile={}", at("osquery.pid")))
        .arg(format!("--extensions_socket={}", at("osquery.em")))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Ended when dropped.
    let _osqueryd = Server { child, origin: String::new(), _stdout: None };
    let wait = |what: &str, is_so: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_secs(120), "{what}");
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    let node = || program.json(&["node", "list", "--json"])[0].clone();
    wait("it enrolls", &|| node()["hostName"].is_string());
    let machines = program.run(&["query", "machines", "--json"]);
    assert!(machines.contains(node()["osqueryVersion"].as_str().unwrap()), "{machines}");
    program.run(&["node", "refresh"]);
    wait("it answers", &|| node()["asked"].is_null());
}
