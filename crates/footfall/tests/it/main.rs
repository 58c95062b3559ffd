//! The program as a person runs it: the real binary, real files, real HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod access;
mod audit;
mod cases;
mod command_line;
mod crash;
mod demo;
#[cfg(target_os = "linux")]
mod documents;
mod doors;
#[cfg(target_os = "linux")]
mod hostile;
mod identities;
mod layering;
mod listeners;
mod live;
mod naming;
mod nodes;
mod persons;
mod query;
mod server;
mod sources;
mod sync;
#[cfg(unix)]
mod this_machine;
mod truth;
#[cfg(unix)]
mod watch;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A database in a folder of its own, and the program to use it with.
struct Program {
    folder: tempfile::TempDir,
}

impl Program {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("footfall.sqlite")
    }

    /// The program with its database, deaf to the settings of the person who runs the tests.
    fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("footfall"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("FOOTFALL_") || name.starts_with("XDG_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", self.folder.path())
            .env("FOOTFALL_DATABASE", format!("sqlite:{}", self.database().display()));
        command
    }

    /// Runs to the end; what it wrote to stdout. Nothing found (3) is an answer, too.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(arguments)).unwrap()
    }

    fn import(&self, paths: &[&Path]) -> Value {
        let mut arguments = vec!["import", "--json"];
        arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
        self.json(&arguments)
    }

    /// An app's token with the permissions.
    fn token(&self, permissions: &[&str]) -> String {
        let mut arguments = vec!["app", "add", "test", "--json"];
        for permission in permissions {
            arguments.extend(["--permission", permission]);
        }
        let app = self.json(&arguments);
        let of = |key: &str| app[key].as_str().unwrap().to_owned();
        let (id, secret) = (of("clientId"), of("clientSecret"));
        let token = self.run(&["token", "--client-id", &id, "--client-secret", &secret]);
        token.trim().to_owned()
    }

    fn serve(&self, arguments: &[&str]) -> Server {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Server::start(command)
    }
}

/// A server on a free port, ended when dropped.
struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    origin: String,
    /// What it says later must find somebody.
    _stdout: Option<BufReader<std::process::ChildStdout>>,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let start = line.find("http").unwrap_or_else(|| panic!("not ready: {line}"));
        let origin = line[start..].split("/api").next().unwrap().to_owned();
        Self { child, origin, _stdout: Some(stdout) }
    }

    /// The status and body of a GET.
    fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent
            .get(format!("{}{path}", self.origin))
            .header("Authorization", format!("Bearer {token}"))
            .call()
            .unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&body).unwrap_or(Value::Null))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has, outside of those that the system gives away by itself, so that no other test
/// gets it before it is used.
fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    loop {
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let port = FIRST + (std::process::id() * 101 + next) % COUNT;
        let port = u16::try_from(port).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The folder of telemetry with ground truth, where it is beside the checkout.
fn shared_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.join("sources.tsv").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no ground truth at {}", folder.display());
    None
}

/// NXLog lines of logons that never were.
fn nxlog_lines(count: u32, first_record: u32) -> String {
    (0..count)
        .map(|n| {
            let record = first_record + n;
            let (minute, second) = (record / 60 % 60, record % 60);
            format!(
                "{{\"EventTime\":\"2025-06-02T{:02}:{minute:02}:{second:02}Z\",\
                 \"Hostname\":\"ws{}.corp.example\",\"EventID\":4624,\"Channel\":\"Security\",\
                 \"RecordNumber\":{record},\"TargetUserSid\":\"S-1-5-21-1-2-3-{}\",\
                 \"TargetUserName\":\"user{}\",\"TargetDomainName\":\"CORP\",\
                 \"TargetLogonId\":\"0x{record:x}\",\"LogonType\":\"2\",\"IpAddress\":\"-\"}}\n",
                record / 3600 % 24,
                record % 50,
                1100 + record % 40,
                record % 40,
            )
        })
        .collect()
}
