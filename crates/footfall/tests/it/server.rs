//! The server as it is started: ready line, health, TLS, live data, limits, revocation.

use super::*;

#[test]
fn an_import_beside_the_server_shows_in_its_next_answer() {
    let program = Program::new();
    let server = program.serve(&["--limits", "off"]);
    let token = program.token(&["Machine.Read.All", "User.Read.All"]);
    let count = |path: &str| {
        let (status, body) = server.get(path, &token);
        assert_eq!(status, 200, "{body}");
        body["value"].as_array().unwrap().len()
    };
    assert_eq!(server.get("/healthz", "").0, 200);
    assert_eq!(count("/api/users/user7/machines"), 0);
    let file = program.folder.path().join("logons.json");
    for (first, expected) in [(7, 1), (47, 2), (47, 2), (87, 3)] {
        std::fs::write(&file, nxlog_lines(1, first)).unwrap();
        program.import(&[&file]);
        assert_eq!(count("/api/users/user7/machines"), expected);
    }
    assert_eq!(count("/api/machines"), 3);
    assert_eq!(count("/api/v1.0/Machines/ws7/logonusers"), 1);
}

#[test]
fn a_revoked_app_is_refused_at_once() {
    let program = Program::new();
    let server = program.serve(&[]);
    let token = program.token(&["Machine.Read.All"]);
    assert_eq!(server.get("/api/machines", &token).0, 200);
    let apps = program.json(&["app", "list", "--json"]);
    program.run(&["app", "revoke", apps[0]["clientId"].as_str().unwrap()]);
    assert_eq!(server.get("/api/machines", &token).0, 401);
    assert!(program.run(&["app", "list"]).contains("Machine.Read.All"));
}

#[test]
fn the_vendors_limits_hold_unless_they_are_off() {
    let program = Program::new();
    let token = program.token(&["Machine.Read.All"]);
    let statuses = |arguments: &[&str]| {
        let server = program.serve(arguments);
        (0..101).map(|_| server.get("/api/machines", &token).0).collect::<Vec<_>>()
    };
    let limited = statuses(&[]);
    assert!(limited[..100].iter().all(|&status| status == 200));
    assert_eq!(limited[100], 429);
    assert!(statuses(&["--limits", "off"]).iter().all(|&status| status == 200));
}

#[test]
fn other_addresses_than_loopback_speak_tls_unless_told_otherwise() {
    let program = Program::new();
    let start = |arguments: &[&str]| {
        let mut command = program.command();
        command.args(["serve", "--listen", "0.0.0.0:0"]).args(arguments);
        Server::start(command).origin.clone()
    };
    assert!(start(&[]).starts_with("https://"));
    assert!(start(&["--tls", "off"]).starts_with("http://"));
    let certificate = program.run(&["certificate"]);
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(certificate, program.run(&["certificate"]), "it stays the same");
}

#[test]
fn a_taken_port_and_a_bad_certificate_are_told() {
    let program = Program::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let failed = |arguments: &[&str]| {
        let output = program.command().arg("serve").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(failed(&["--listen", &address]).contains(&address));
    let key = program.folder.path().join("key.pem");
    std::fs::write(&key, "no key").unwrap();
    let key = key.to_str().unwrap();
    let stderr = failed(&["--listen", "127.0.0.1:0", "--tls-cert", key, "--tls-key", key]);
    assert!(stderr.contains("key.pem"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_terminated_server_ends_well() {
    let program = Program::new();
    let mut server = program.serve(&[]);
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_is_told_and_ends_nothing() {
    let program = Program::new();
    let file = program.folder.path().join("auth.log");
    std::fs::write(&file, "").unwrap();
    let log = program.folder.path().join("footfall.log");
    let mut watch = program.command();
    watch.args(["watch", file.to_str().unwrap()]);
    let mut serve = program.command();
    serve.args(["serve", "--listen", "127.0.0.1:0"]);
    let mut sync = program.command();
    sync.args(["sync", "defender", "--every", "1h", "--tenant-id", "t", "--client-id"])
        .args(["8a5a7f6a-0000-4000-8000-000000000000", "--url", "http://127.0.0.1:9"])
        .args(["--authority", "http://127.0.0.1:9"])
        .env("FOOTFALL_SYNC_SECRET", "x");
    for (mut command, name) in [(serve, "the server"), (watch, "the watch"), (sync, "the sync")] {
        let stderr = std::fs::File::create(&log).unwrap();
        let mut child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        let pid = child.id().to_string();
        // Once it takes signals: it has opened its database by then.
        let told = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            let text = std::fs::read_to_string(&log).unwrap();
            if takes_hangups(&pid) && !text.contains("SIGHUP") {
                assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
            }
            text.contains(&format!("SIGHUP: {name} goes on as it is"))
        });
        let ended = child.try_wait().unwrap();
        let _ = child.kill();
        let _ = child.wait();
        assert!(told, "{name}: {}", std::fs::read_to_string(&log).unwrap());
        assert_eq!(ended, None, "{name}");
    }
    let server = program.serve(&[]);
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(server.get("/api/machines", "x").0, 401, "it goes on answering");
}

/// Whether a process has a handler for SIGHUP, which is the first signal.
#[cfg(target_os = "linux")]
fn takes_hangups(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & 1 != 0)
}
