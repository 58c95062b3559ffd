//! Where the commands of a section are run: a home, an inventory in which they find what they name, the files
//! that they name, servers, and other programs' places taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use samples::{Fleet, Shape};

use super::super::{Server, free_port, shared_data};
use super::listed::{ROOTED, STANDS_FOR};

/// How long a lasting command may take to be at work, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Place {
    folder: tempfile::TempDir,
    servers: Vec<Server>,
    /// Names of the pages and of their shell, and what they are here.
    names: Vec<(&'static str, String)>,
}

/// A command that goes on.
pub(super) struct Lasting {
    child: Child,
    output: PathBuf,
}

impl Place {
    /// The first one, of which others are copies.
    pub(super) fn furnished() -> Self {
        let place =
            Self { folder: tempfile::tempdir().unwrap(), servers: Vec::new(), names: Vec::new() };
        for folder in [
            "work",
            "bin",
            "home/.config/footfall",
            "cases/117",
            "cases/2025-117",
            "var/log/audit",
            "var/lib/footfall",
            "srv/logs",
            "mnt/image/etc",
            "mnt/image/var/log",
            "etc/footfall",
        ] {
            fs::create_dir_all(place.at(folder)).unwrap();
        }
        place.write_programs();
        place.write_files();
        let mut place = place;
        let app = place.told(
            "footfall app add furnished --permission Machine.Read.All --permission User.Read.All \
            --permission Machine.ReadWrite.All --permission Telemetry.Write --json",
        );
        let of = |key: &str| app[key].as_str().unwrap().to_owned();
        place.names = vec![
            ("CLIENT_ID", of("clientId")),
            ("SECRET", of("clientSecret")),
            ("ID", of("clientId")),
        ];
        for line in [
            "footfall import furnished.ndjson",
            "footfall group add 'tier 2' --local",
            "footfall role add 'second line' --permission ViewData --group 'tier 2'",
            "footfall certificate > footfall.pem && cp footfall.pem $ROOT/etc/footfall/",
            "footfall machine merge spare.corp.example gone.corp.example",
            "footfall node secret add furnished > furnished_secret",
            "printf %s \"$SECRET\" > $ROOT/etc/footfall/sync-secret",
        ] {
            place.done(line);
        }
        place.let_somebody_sign_in();
        let old = place.told("footfall query machines/old.corp.example --json");
        let old = old["id"].as_str().unwrap().to_owned();
        let records = place.told("footfall machine identities spare.corp.example --json");
        let record =
            records["records"][1]["machineId"].as_str().or(records["records"][1]["id"].as_str());
        let record = record.unwrap().to_owned();
        place.names.extend([("OLD_ID", old), ("RECORD", record)]);
        let token = place.done("footfall token --client-id $ID --client-secret $SECRET");
        place.names.push(("TOKEN", token.trim().to_owned()));
        place
    }

    /// Leaves entries in the audit of a person who is no operator any more, nor yet.
    fn let_somebody_sign_in(&mut self) {
        let settings = self.at("home/grant.toml");
        fs::write(&settings, "[serve]\npassword_grant = true\n").unwrap();
        self.done("printf 'a long and good password\\n' | footfall operator add anna@corp.example --password-stdin");
        let app = self.told("footfall app add console --public --permission Machine.Read --json");
        let (tenant, client) =
            (app["tenantId"].as_str().unwrap(), app["clientId"].as_str().unwrap());
        let origin = self.serve(&["--config", settings.to_str().unwrap()]);
        let command = format!(
            "{{ curl -s {origin}/{tenant}/oauth2/v2.0/token -d grant_type=password -d client_id={client} \
             -d username=anna@corp.example -d password=wrong -d \
             scope=https://api.securitycenter.microsoft.com/.default || true; }}"
        );
        self.done(&command);
        self.servers.clear();
        self.done("footfall operator remove anna@corp.example");
        self.done(&format!("footfall app revoke {client}"));
    }

    /// A place for a section, with the servers that its text speaks of.
    pub(super) fn copy(&self, text: &str) -> Self {
        let mut place = Self {
            folder: tempfile::tempdir().unwrap(),
            servers: Vec::new(),
            names: self.names.clone(),
        };
        copy_folder(self.folder.path(), place.folder.path());
        place.write_programs();
        let mut config = String::new();
        if text.contains("sync defender") {
            let mut source = self.copy("");
            let settings = source.at("home/source.toml");
            fs::write(&settings, "[serve]\ntenant_names = [\"contoso.onmicrosoft.com\"]\n")
                .unwrap();
            let origin = source.serve(&["--config", settings.to_str().unwrap()]);
            let secret = source.at("etc/footfall/sync-secret");
            config += &format!(
                "[sync.defender]\nurl = \"{origin}\"\nauthority = \"{origin}\"\n\
                 tenant_id = \"contoso.onmicrosoft.com\"\nclient_id = \"{}\"\n\
                 client_secret_file = \"{}\"\n",
                self.named("ID"),
                secret.display()
            );
            place.servers.append(&mut source.servers);
            // It must stay as long as its server reads it.
            let _ = source.folder.keep();
        }
        if text.contains("footfall status") {
            let port = free_port();
            config += &format!("[metrics]\nlisten = \"127.0.0.1:{port}\"\n");
        }
        fs::write(place.at("home/.config/footfall/config.toml"), config).unwrap();
        let needs = [
            "127.0.0.1:8080",
            "footfall.corp.example",
            "footfall status",
            "footfall node",
            "```http",
            "$API",
        ];
        if needs.iter().any(|it| text.contains(it)) {
            place.start_servers(text);
        }
        place
    }

    fn start_servers(&mut self, text: &str) {
        let http = self.serve(&[]);
        let empty = self.at("home/empty.toml");
        fs::write(&empty, "").unwrap();
        let https = self.serve(&[
            "--config",
            empty.to_str().unwrap(),
            "--tls",
            "self-signed",
            "--tls-name",
            "footfall.corp.example",
        ]);
        let port = |origin: &str| origin.rsplit(':').next().unwrap().to_owned();
        let (plain, secure) = (port(&http), port(&https));
        let led = format!(
            "connect-to = \"127.0.0.1:8080:127.0.0.1:{plain}\"\n\
             connect-to = \"footfall.corp.example:443:127.0.0.1:{secure}\"\n"
        );
        fs::write(self.at("home/.curlrc"), led).unwrap();
        self.names.push(("API", http));
        if text.contains("footfall node") {
            for host in ["ws-014", "ws-024"] {
                self.done(&format!(
                    "curl -s $API/osquery/enroll -A osquery/5.23.1 -H 'Content-Type: application/json' -d \
                     '{{\"enroll_secret\":\"'$(cat furnished_secret)'\",\"host_identifier\":\"{host}\",\
                     \"platform_type\":\"9\",\"host_details\":{{\"system_info\":{{\"hostname\":\"{host}\"}}}}}}'"
                ));
            }
        }
        if text.contains("footfall status") {
            self.done("curl -s -u CLIENT_ID:SECRET $API/services/collector/raw --data-binary @$ROOT/var/log/auth.log");
        }
        if text.contains("machines.json") {
            self.done(
                "curl -sH \"Authorization: Bearer $TOKEN\" $API/api/machines > machines.json",
            );
        }
    }

    fn serve(&mut self, arguments: &[&str]) -> String {
        let mut command = self.shell("exec footfall serve --listen 127.0.0.1:0 \"$@\"");
        command.arg("serve").args(arguments);
        let server = Server::start(command);
        let origin = server.origin.clone();
        self.servers.push(server);
        origin
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn named(&self, name: &str) -> &str {
        &self.names.iter().rev().find(|(known, _)| *known == name).unwrap().1
    }

    /// A command of a page as it is run here.
    pub(super) fn adapted(&self, page: &str, command: &str) -> String {
        let mut command = command.to_owned();
        for (of, text, here) in STANDS_FOR {
            if of.is_empty() || *of == page {
                command = command.replace(text, &here.replace("{yesterday}", &yesterday()));
            }
        }
        for folder in ROOTED {
            let here = format!("{}{folder}", self.folder.path().display());
            command = command
                .replace(&format!(" {folder}"), &format!(" {here}"))
                .replace(&format!("={folder}"), &format!("={here}"));
        }
        for name in ["CLIENT_ID", "OLD_ID", "RECORD", "SECRET"] {
            if self.names.iter().any(|(known, _)| *known == name) {
                command = with_name(&command, name, self.named(name));
            }
        }
        command
    }

    /// A shell in which a page's command is run; what it sets is there for the next one.
    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        let keeping = "set -o pipefail; [ -f $ROOT/vars ] && . $ROOT/vars; trap 'declare -p TOKEN API ID SECRET > $ROOT/vars 2>/dev/null' EXIT; set -- \"$@\"\n";
        let text = if command.starts_with("exec ") {
            command.to_owned()
        } else {
            format!("{keeping}{command}\n")
        };
        let path = std::env::var("PATH").unwrap_or_default();
        shell
            .args(["-c", &text])
            .current_dir(self.at("work"))
            .env_clear()
            .env("PATH", format!("{}:{path}", self.at("bin").display()))
            .env("HOME", self.at("home"))
            .env("ROOT", self.folder.path())
            .env("LANG", "C.UTF-8")
            .env("USER", "tester")
            .stdin(Stdio::null());
        for (name, value) in &self.names {
            shell.env(name, value);
        }
        shell
    }

    pub(super) fn run(&mut self, command: &str) -> Output {
        let output = self.shell(command).output().unwrap();
        // Later commands of the page are about the app that was just added, if they can be.
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let after =
            |label: &str| stdout.lines().find_map(|line| line.strip_prefix(label)).map(str::trim);
        if let (Some(id), Some(secret)) = (after("Client id:"), after("Client secret:")) {
            let names = ["CLIENT_ID", "ID", "SECRET"];
            self.names.retain(|(known, _)| !names.contains(known));
            self.names.extend(names.into_iter().zip([id, id, secret].map(str::to_owned)));
            let _ = fs::remove_file(self.at("vars"));
        }
        output
    }

    fn done(&mut self, command: &str) -> String {
        let command = self.adapted("", command);
        let output = self.run(&command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command}: {}: {stdout}{stderr}", output.status);
        stdout
    }

    fn told(&mut self, command: &str) -> serde_json::Value {
        serde_json::from_str(&self.done(command)).unwrap()
    }

    /// Starts a command that goes on, and waits until it says that it is at work.
    pub(super) fn start(&self, command: &str, sign: &str) -> Result<Lasting, String> {
        let output = self.at("lasting");
        let file = fs::File::create(&output).unwrap();
        let bare = command.split(" #").next().unwrap_or_default();
        let mut shell = self.shell(&format!("exec {bare}"));
        let child = shell.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let mut lasting = Lasting { child, output };
        let start = Instant::now();
        while !lasting.printed().contains(sign) {
            let has_ended = lasting.child.try_wait().unwrap().is_some();
            if has_ended || start.elapsed() > PATIENCE {
                return Err(format!("it never said `{sign}`: {}", lasting.printed()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(lasting)
    }

    /// Programs whose place is taken: those that lead to another machine or user, those that need one of their
    /// own, and curl, which here fails where the answer is an error.
    fn write_programs(&self) {
        let journal = self.at("journal.json");
        for (name, script) in [
            ("sudo", "case \" $* \" in *' --root '*) ;; *' --this-machine '*|*' --this-machine') set -- \"$@\" --root $ROOT/mnt/image;; esac\nexec \"$@\"".to_owned()),
            ("ssh", "shift; exec \"$@\"".to_owned()),
            ("cargo", "while [ \"$1\" != -- ]; do shift; done; shift; exec footfall \"$@\"".to_owned()),
            ("journalctl", format!("cat '{}'\ncase \" $* \" in *' -f '*|*' --follow '*) exec sleep 600;; esac", journal.display())),
            ("curl", format!("fail=--fail-with-body\nfor it; do [ \"$it\" = --fail ] && fail=; done\nexec {} $fail \"$@\"", real("curl"))),
        ] {
            let path = self.at("bin").join(name);
            fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
            make_executable(&path);
        }
        let footfall = self.at("bin/footfall");
        let _ = fs::remove_file(&footfall);
        let program = assert_cmd::cargo::cargo_bin!("footfall");
        fs::write(&footfall, format!("#!/bin/bash\nexec '{}' \"$@\"\n", program.display()))
            .unwrap();
        make_executable(&footfall);
    }

    /// The files that pages name.
    fn write_files(&self) {
        let sample = |shape: Shape| {
            let mut bytes = Vec::new();
            shape.write(&mut Fleet::of_logons(7), 20_000, &mut bytes).unwrap();
            bytes
        };
        let write = |path: &str, bytes: &[u8]| fs::write(self.at(path), bytes).unwrap();
        write("journal.json", &sample(Shape::JournalJson));
        for path in ["work/wtmp", "work/wtmp.1", "work/btmp", "mnt/image/var/log/wtmp"] {
            write(path, &sample(Shape::Wtmp));
        }
        for path in ["work/audit.log", "var/log/audit/audit.log"] {
            write(path, &sample(Shape::Auditd));
        }
        for path in ["var/log/auth.log", "srv/logs/auth.log", "mnt/image/var/log/auth.log"] {
            write(path, &sample(Shape::AuthLog));
        }
        for path in ["cases/117/logons.json", "cases/2025-117/logons.json"] {
            write(path, &sample(Shape::NxLog));
        }
        let mut lastlog = vec![0; 292 * 1001];
        lastlog[292 * 1000..][..4].copy_from_slice(&1_767_600_000_u32.to_le_bytes());
        lastlog[292 * 1000 + 4..][..5].copy_from_slice(b"pts/0");
        write("work/lastlog", &lastlog);
        write("mnt/image/etc/hostname", b"image-1\n");
        let evtx = shared_data().map(|folder| folder.join("windows/evtx/forwarded-11-hosts.evtx"));
        match evtx.filter(|file| file.is_file()) {
            Some(file) => drop(fs::copy(file, self.at("work/forwarded-11-hosts.evtx")).unwrap()),
            None => write("work/forwarded-11-hosts.evtx", &sample(Shape::WefXml)),
        }
        write("work/playbook.pem", certificate().as_bytes());
        write("work/furnished.ndjson", inventory(&yesterday()).as_bytes());
    }
}

/// The people and machines of the pages.
fn inventory(yesterday: &str) -> String {
    let logon = |time: &str, user: &str, sid: &str, device: &str, more: &str| {
        format!(
            "{{\"footfall\":\"logon\",\"time\":\"{time}\",\"user\":\"{user}\",\"domain\":\"CORP\",\"sid\":\"{sid}\",\
                 \"device\":\"{device}.corp.example\",\"logonType\":2{more}}}\n"
        )
    };
    let jdoe = "S-1-5-21-1004336348-1177238915-682003330-1104";
    let other = |rid: u32| format!("S-1-5-21-1004336348-1177238915-682003330-{rid}");
    let machine = |time: &str, device: &str, more: &str| {
        format!(
            "{{\"footfall\":\"machine\",\"time\":\"{time}\",\"device\":\"{device}.corp.example\"{more}}}\n"
        )
    };
    let at = |time: &str| format!("{yesterday}T{time}Z");
    let mut text = logon("2026-11-20T08:00:00Z", "jdoe", jdoe, "ws-014", "");
    text += &logon(&at("09:00:00"), "jdoe", jdoe, "ws-014", ",\"remoteAddress\":\"192.0.2.7\"");
    text += &logon(&at("09:10:00"), "anna", &other(1105), "ws-014", "");
    text += &logon(&at("09:10:00"), "svc-backup", &other(1106), "ws-020", "");
    text += &logon("2026-01-02T09:10:00Z", "anna", &other(1105), "ws-020", "");
    text += &format!(
        "{{\"footfall\":\"logon\",\"time\":\"{}\",\"user\":\"john.doe\",\"domain\":\"CONTOSO\",\
        \"upn\":\"john.doe@contoso.com\",\"objectId\":\"0d2f6b1c-8a3e-4f57-9b60-7c1d2e3f4a5b\",\
        \"device\":\"ws-024.corp.example\",\"logonType\":2}}\n",
        at("09:20:00")
    );
    let windows = ",\"osPlatform\":\"Windows11\",\"riskScore\":\"High\",\"lastIpAddress\":\"10.20.30.40\",\
        \"ipAddresses\":[{\"ipAddress\":\"10.20.30.40\"}]";
    text += &machine(&at("09:30:00"), "ws-014", windows);
    for (device, time) in [
        ("old", "2026-01-05T08:00:00Z"),
        ("spare", "2026-02-05T08:00:00Z"),
        ("gone", "2026-02-04T08:00:00Z"),
    ] {
        text += &machine(time, device, ",\"osPlatform\":\"Windows10\"");
    }
    text
}

/// Of an app: its key is RSA.
fn certificate() -> String {
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let params = rcgen::CertificateParams::new(["playbook".to_owned()]).unwrap();
    params.self_signed(&key.unwrap()).unwrap().pem()
}

/// A name of a page, where it stands by itself and is no variable of the shell.
fn with_name(command: &str, name: &str, value: &str) -> String {
    let mut adapted = String::new();
    let mut rest = command;
    while let Some(at) = rest.find(name) {
        let end = at + name.len();
        let is_part = |char: char| char.is_ascii_alphanumeric() || "_$-{".contains(char);
        let before = rest[..at].chars().next_back().or(adapted.chars().next_back());
        let stands_alone = !before.is_some_and(is_part)
            && !rest[end..]
                .chars()
                .next()
                .is_some_and(|char| char.is_ascii_alphanumeric() || char == '_');
        adapted.push_str(&rest[..at]);
        adapted.push_str(if stands_alone { value } else { name });
        rest = &rest[end..];
    }
    adapted + rest
}

#[expect(clippy::disallowed_methods, reason = "the program under test reads the real clock")]
fn yesterday() -> String {
    let day = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    day.strftime("%Y-%m-%d").to_string()
}

fn real(program: &str) -> String {
    let found =
        Command::new("bash").args(["-c", &format!("command -v {program}")]).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    assert!(!found.is_empty(), "the pages' commands need {program}, which is not installed");
    found
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => {
                fs::create_dir_all(&to).unwrap();
                copy_folder(&entry.path(), &to);
            }
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

impl Lasting {
    pub(super) fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap_or_default()).into_owned()
    }

    /// Ends it as a service manager does; what is wrong with how it ended.
    pub(super) fn end(mut self) -> Option<String> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        let start = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) if status.success() => return None,
                Some(status) => return Some(format!("it ended with {status}: {}", self.printed())),
                None if start.elapsed() > PATIENCE => return Some("it does not end".to_owned()),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
