//! `import --this-machine`: what a host has, under a root that a test makes.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// A root with these files.
fn root(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

const AUTH_LOG: &str = "\
Mar  1 09:00:00 web-7 sshd[77]: Accepted publickey for ann from 192.0.2.7 port 48274 ssh2: RSA x\n\
Mar  1 09:05:00 web-7 sshd[78]: Failed password for ben from 192.0.2.8 port 5 ssh2\n";

/// The status, stdout and stderr of `import --this-machine --root`.
fn import(program: &Program, root: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = program.command();
    command.args(["import", "--this-machine", "--root"]).arg(root).args(more);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn relations(program: &Program) -> Vec<String> {
    let rows = program.run(&["relations", "--csv"]);
    let mut rows: Vec<String> = rows.lines().skip(1).map(str::to_owned).collect();
    rows.sort();
    rows
}

#[test]
fn every_log_of_a_captured_host_is_found_and_read() {
    let Some(data) = shared_data() else { return };
    let capture = data.join("linux/capture");
    let file = |ending: &str| std::fs::read(capture.join(format!("lab-web01.{ending}"))).unwrap();
    let (wtmp, btmp, lastlog) = (file("wtmp"), file("btmp"), file("lastlog"));
    let (wtmpdb, lastlog2) = (file("wtmp.db"), file("lastlog2.db"));
    let (auth, passwd) = (file("auth-iso.log"), file("passwd"));
    let root = root(&[
        ("etc/hostname", b"# set by hand\nlab-web01\n"),
        ("etc/passwd", &passwd),
        ("var/log/wtmp", &wtmp),
        ("var/log/wtmp.1", b""),
        ("var/log/btmp", &btmp),
        ("var/log/lastlog", &lastlog),
        ("var/log/auth.log", &auth),
        ("var/log/authors.txt", b"nobody"),
        ("var/lib/wtmpdb/wtmp.db", &wtmpdb),
        ("var/lib/lastlog/lastlog2.db", &lastlog2),
    ]);
    let program = Program::new();
    let (status, summary, told) = import(&program, root.path(), &["--json"]);
    assert_eq!(status, 0, "{told}");
    assert!(told.contains("is lab-web01."), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("found: ")).count(), 6, "{told}");
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let formats = summary["formats"].as_object().unwrap();
    let keys: Vec<&str> = formats.keys().map(String::as_str).collect();
    assert_eq!(keys, ["utmp", "lastlog", "wtmpdb", "lastlog2", "syslog"]);
    assert_eq!(summary["skipped"], Value::Array(vec![]));
    assert_eq!(summary["machines"], 1, "{summary}");
    // The same, file by file.
    let by_hand = Program::new();
    let folder = root.path().join("var");
    let passwd = root.path().join("etc/passwd");
    by_hand.run(&[
        "import",
        "--device",
        "lab-web01",
        "--passwd",
        passwd.to_str().unwrap(),
        folder.join("log/wtmp").to_str().unwrap(),
        folder.join("log/btmp").to_str().unwrap(),
        folder.join("log/lastlog").to_str().unwrap(),
        folder.join("log/auth.log").to_str().unwrap(),
        folder.join("lib").to_str().unwrap(),
    ]);
    assert_eq!(relations(&program), relations(&by_hand));
    assert!(!relations(&program).is_empty());
}

/// What a collector has of the host's journal is of the machine whose disk this is.
#[test]
fn the_hosts_logs_are_of_its_own_installation() {
    let id = "0f4b6e1c2d3a4c5b8e9fa0b1c2d3e4f5";
    let line = format!(
        "{{\"__CURSOR\":\"s=1\",\"__REALTIME_TIMESTAMP\":\"1772366401000000\",\"_HOSTNAME\":\"web-7.corp.example\",\
         \"_MACHINE_ID\":\"{id}\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"_COMM\":\"sshd\",\"_PID\":\"7\",\
         \"MESSAGE\":\"Accepted publickey for ann from 192.0.2.7 port 50000 ssh2\"}}\n"
    );
    let records = |machine_id: &str| {
        let root = root(&[
            ("etc/hostname", b"web-7"),
            ("etc/machine-id", machine_id.as_bytes()),
            ("var/log/auth.log", AUTH_LOG.as_bytes()),
        ]);
        let program = Program::new();
        let journal = root.path().join("journal.json");
        std::fs::write(&journal, &line).unwrap();
        program.import(&[&journal]);
        let (status, _, told) = import(&program, root.path(), &["--year", "2026"]);
        assert_eq!(status, 0, "{told}");
        let shown = program.json(&["machine", "identities", "web-7.corp.example", "--json"]);
        shown["records"].as_array().unwrap().len()
    };
    assert_eq!(records(&format!("{id}\n")), 2);
    // An image that was never started has none.
    assert_eq!(records("uninitialized\n"), 1);
}

#[test]
fn the_clock_of_the_host_tells_its_zone() {
    let root = root(&[("etc/hostname", b"web-7"), ("var/log/auth.log", AUTH_LOG.as_bytes())]);
    let first_seen = |more: &[&str]| {
        let program = Program::new();
        let (status, _, told) =
            import(&program, root.path(), &[&["--year", "2026"], more].concat());
        assert_eq!(status, 0, "{told}");
        let rows = program.run(&["machines", "ann", "--json"]);
        let rows: Value = serde_json::from_str(&rows).unwrap_or(Value::Null);
        rows.to_string()
    };
    assert!(first_seen(&[]).contains("2026-03-01T09:00:00Z"), "{}", first_seen(&[]));
    symlink("/usr/share/zoneinfo/Asia/Tokyo", root.path().join("etc/localtime")).unwrap();
    assert!(first_seen(&[]).contains("2026-03-01T00:00:00Z"), "{}", first_seen(&[]));
    assert!(first_seen(&["--timezone", "+01:00"]).contains("2026-03-01T08:00:00Z"));
}

#[test]
fn windows_logs_are_found_on_an_image_of_windows() {
    let Some(data) = shared_data() else { return };
    let list = std::fs::read_to_string(data.join("sources.tsv")).unwrap();
    let line = list.lines().find(|line| line.contains("\tevtx\t")).unwrap();
    let bytes = std::fs::read(data.join(line.split('\t').next().unwrap())).unwrap();
    let root = root(&[("Windows/System32/winevt/Logs/Security.evtx", &bytes)]);
    let program = Program::new();
    let (status, summary, told) = import(&program, root.path(), &["--json"]);
    assert_eq!(status, 0, "{told}");
    assert!(told.contains("does not say its name"), "{told}");
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert!(summary["formats"]["evtx"]["records"].as_u64().unwrap() > 0, "{summary}");
}

#[test]
fn nothing_to_read_is_an_error_that_says_so() {
    let program = Program::new();
    let root = root(&[("etc/hostname", b"web-7"), ("var/log/wtmp", b"")]);
    let (status, _, told) = import(&program, root.path(), &[]);
    assert_eq!(status, 1, "{told}");
    assert!(told.contains("there is no log") && told.contains("hint: "), "{told}");
    let (status, _, told) = import(&program, &root.path().join("nowhere"), &[]);
    assert_eq!(status, 1, "{told}");
    assert!(told.contains("is no folder"), "{told}");
    for arguments in [&["import", "--root", "/"][..], &["import", "--this-machine", "x"]] {
        let output = program.command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn what_only_root_may_read_is_told() {
    let root = root(&[
        ("etc/hostname", b"web-7"),
        ("var/log/auth.log", AUTH_LOG.as_bytes()),
        ("var/log/secure", AUTH_LOG.as_bytes()),
    ]);
    let path = root.path().join("var/log/secure");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o0)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        eprintln!("SKIPPED: who runs this may read everything");
        return;
    }
    let program = Program::new();
    let (status, _, told) = import(&program, root.path(), &["--year", "2026"]);
    assert_eq!(status, 0, "{told}");
    assert!(told.contains("secure") && told.contains("run it as root"), "{told}");
    assert_eq!(relations(&program).len(), 1);
}

/// An image may be an attacker's: it must not lead to what the investigator has.
#[test]
fn a_link_out_of_an_image_is_not_followed() {
    let outside = root(&[("auth.log", AUTH_LOG.as_bytes()), ("hostname", b"mine")]);
    let root = root(&[("var/log/secure", AUTH_LOG.as_bytes()), ("etc/passwd", b"")]);
    let link = |to: &Path, at: &str| symlink(to, root.path().join(at)).unwrap();
    link(&outside.path().join("auth.log"), "var/log/auth.log");
    link(&outside.path().join("hostname"), "etc/hostname");
    link(outside.path(), "var/log/audit");
    link(Path::new("secure"), "var/log/secure-inside");
    let program = Program::new();
    let (status, summary, told) = import(&program, root.path(), &["--json", "--year", "2026"]);
    assert_eq!(status, 0, "{told}");
    assert!(told.contains("does not say its name"), "{told}");
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["formats"]["syslog"]["files"], 2, "{summary}");
    let skipped = summary["skipped"].to_string();
    assert!(skipped.contains("auth.log") && skipped.contains("out of the root"), "{skipped}");
}

/// A program in the journal's place: what is asked of it, and what becomes of its answer.
#[test]
fn the_journal_is_asked_of_its_own_program() {
    let root = root(&[("etc/hostname", b"web-7"), ("var/log/journal/5e6d/system.journal", b"x")]);
    let programs = tempfile::tempdir().unwrap();
    let program = Program::new();
    let run = |script: &str| {
        let path = programs.path().join("journalctl");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = program.command();
        command.args(["import", "--json", "--this-machine", "--root"]).arg(root.path());
        let output =
            command.env("PATH", format!("{}:/usr/bin:/bin", programs.path().display())).output();
        let output = output.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code().unwrap(), summary, told)
    };
    let entry = "__CURSOR=s=1\\n__REALTIME_TIMESTAMP=1772352757863000\\n_HOSTNAME=web-7\\n\
         SYSLOG_IDENTIFIER=sshd\\n_COMM=sshd\\n_PID=77\\n\
         MESSAGE=Accepted password for ann from 192.0.2.7 port 5 ssh2\\n\\n";
    let (status, summary, told) =
        run(&format!("echo \"$@\" >{}/asked; printf '{entry}'", programs.path().display()));
    assert_eq!(status, 0, "{told}");
    assert_eq!(summary["formats"]["journal"]["logons"], 1, "{summary} {told}");
    let asked = std::fs::read_to_string(programs.path().join("asked")).unwrap();
    assert!(asked.contains("var/log/journal") && asked.contains("-t sshd "), "{asked}");
    let (status, summary, told) = run("echo 'No such journal' >&2; exit 1");
    assert_eq!(status, 1, "{summary} {told}");
    assert!(told.contains("journalctl: it ended with"), "{told}");
    let (_, summary, _) = run(&format!("echo 'Hint: not all of it' >&2; printf '{entry}'"));
    assert!(summary["warnings"].to_string().contains("not all of it"), "{summary}");
}
