//! `footfall watch`: logs that grow, rotate, are cut and packed, and a program that is ended at any time.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::listeners::{events, said, wait_for_events};
use super::*;

/// A log that somebody writes.
struct Log {
    path: PathBuf,
    file: File,
    next: u32,
}

impl Log {
    fn new(path: PathBuf) -> Self {
        let file = Self::open(&path);
        Self { path, file, next: 0 }
    }

    fn open(path: &Path) -> File {
        OpenOptions::new().append(true).create(true).open(path).unwrap()
    }

    /// Writes so many lines more.
    fn write(&mut self, count: u32) {
        let lines = (self.next..self.next + count).map(|n| said(n, true) + "\n");
        self.file.write_all(lines.collect::<String>().as_bytes()).unwrap();
        self.next += count;
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path.display()))
    }

    /// Gives the log another name; the writer goes on with a new file.
    fn rename(&mut self, suffix: &str) {
        fs::rename(&self.path, self.beside(suffix)).unwrap();
        self.file = Self::open(&self.path);
    }

    /// What logrotate's `copytruncate` does.
    fn copy_and_truncate(&mut self, suffix: &str) {
        fs::copy(&self.path, self.beside(suffix)).unwrap();
        self.file.set_len(0).unwrap();
    }

    fn pack(&self, from: &str, to: &str) {
        let bytes = fs::read(self.beside(from)).unwrap();
        let mut packed =
            GzEncoder::new(File::create(self.beside(to)).unwrap(), Compression::fast());
        packed.write_all(&bytes).unwrap();
        packed.finish().unwrap();
        fs::remove_file(self.beside(from)).unwrap();
    }
}

/// Runs once; the sums, and the events before them.
fn once(program: &Program, path: &Path) -> (Value, Vec<Value>) {
    let text = program.run(&["watch", "--once", "--json", path.to_str().unwrap()]);
    let mut events: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sums = events.pop().unwrap();
    assert_eq!(sums["event"], "ended");
    (sums, events)
}

/// A watch that goes on until it is ended.
struct Watch(Child);

impl Watch {
    fn start(program: &Program, arguments: &[&str]) -> Self {
        let mut command = program.command();
        command.arg("watch").args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn terminate(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The database is there, so that a test can look into it.
fn program() -> Program {
    let program = Program::new();
    let file = program.folder.path().join("first.json");
    fs::write(&file, "{}\n").unwrap();
    let _ = program.command().arg("import").arg(&file).output().unwrap();
    fs::remove_file(file).unwrap();
    program
}

fn logs(program: &Program) -> PathBuf {
    let folder = program.folder.path().join("logs");
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn each_run_goes_on_where_the_last_one_ended() {
    let program = program();
    let mut log = Log::new(logs(&program).join("auth.log"));
    log.write(20);
    log.file.write_all(b"<86>1 2026-03-01T10:00:00Z web-1 sshd 7").unwrap();
    let (sums, told) = once(&program, &log.path);
    assert_eq!((sums["records"].clone(), sums["accepted"].clone()), (20.into(), 20.into()));
    assert_eq!(told[0]["event"], "following");
    // The line is whole now, and others came.
    log.file.write_all(b" - - Accepted password for zoe from 192.0.2.1 port 2 ssh2\n").unwrap();
    log.write(5);
    let (sums, _) = once(&program, &log.path);
    assert_eq!((sums["records"].clone(), sums["accepted"].clone()), (6.into(), 6.into()));
    assert_eq!(once(&program, &log.path).0["records"], 0);

    // Rotated while nobody looked, once by name and once as a copy.
    log.write(5);
    log.rename(".1");
    log.write(5);
    assert_eq!(once(&program, &log.path).0["accepted"], 10);
    log.write(3);
    log.copy_and_truncate(".0");
    log.write(2);
    let (sums, told) = once(&program, &log.path);
    assert_eq!(sums["accepted"], 5);
    assert!(told.iter().any(|event| event["event"] == "truncated"), "{told:?}");
    assert_eq!(events(&program), 41);
    let output = program.command().args(["watch", "--once", "/nowhere/auth.log"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn packed_logs_of_a_folder_are_read_if_they_never_were() {
    let program = program();
    let folder = logs(&program);
    let mut log = Log::new(folder.join("auth.log"));
    log.write(50);
    log.rename(".2");
    log.pack(".2", ".2.gz");
    log.write(50);
    let (sums, _) = once(&program, &folder);
    assert_eq!(sums["records"], 100);
    // Packed after it was read to its end: it is known.
    log.rename(".1");
    log.pack(".1", ".1.gz");
    log.write(1);
    assert_eq!(once(&program, &folder).0["records"], 1);
    // Packed with lines that were not read.
    log.write(7);
    log.rename(".0");
    log.pack(".0", ".0.gz");
    let (sums, _) = once(&program, &folder);
    assert_eq!((sums["records"].clone(), sums["accepted"].clone()), (8.into(), 7.into()));
    assert_eq!(once(&program, &folder).0["records"], 0);
    assert_eq!(events(&program), 108);
}

#[test]
fn a_log_is_followed_through_all_that_rotation_does() {
    let program = program();
    let folder = logs(&program);
    let link = program.folder.path().join("link.log");
    std::os::unix::fs::symlink(folder.join("auth.log"), &link).unwrap();
    // It does not exist yet.
    let watch = Watch::start(&program, &[link.to_str().unwrap()]);
    std::thread::sleep(Duration::from_millis(300));
    let mut log = Log::new(folder.join("auth.log"));
    log.write(10);
    wait_for_events(&program, 10);
    let mut old = log.file.try_clone().unwrap();
    log.rename(".1");
    // Its writer was not told yet.
    old.write_all((said(9_999, true) + "\n").as_bytes()).unwrap();
    log.write(10);
    wait_for_events(&program, 21);
    log.file.set_len(0).unwrap();
    log.write(10);
    wait_for_events(&program, 31);
    watch.terminate();
}

#[test]
fn what_is_written_while_it_ends_is_read_by_the_next() {
    let program = program();
    let folder = logs(&program);
    let mut log = Log::new(folder.join("auth.log"));
    let watch = Watch::start(&program, &[folder.to_str().unwrap()]);
    for _ in 0..40 {
        log.write(100);
        std::thread::sleep(Duration::from_millis(10));
    }
    watch.terminate();
    let kept = events(&program);
    assert!(kept > 0);
    log.write(100);
    let (sums, _) = once(&program, &folder);
    assert_eq!(sums["accepted"].as_i64().unwrap(), 4_100 - kept);
    assert_eq!(sums["duplicates"], 0, "what was read was kept with its place");
}

#[test]
fn a_watch_of_a_log_that_is_killed_at_any_moment_loses_nothing_and_counts_nothing_twice() {
    kill_at_any_moment(|log| log.to_owned());
}

#[test]
fn a_watch_of_a_folder_that_is_killed_at_any_moment_loses_nothing_and_counts_nothing_twice() {
    kill_at_any_moment(|log| log.parent().unwrap().to_owned());
}

fn kill_at_any_moment(watched: fn(&Path) -> PathBuf) {
    let program = program();
    let folder = logs(&program);
    let mut log = Log::new(folder.join("auth.log"));
    let path = watched(&log.path);
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let start = Instant::now();
    let mut generation = 0;
    while start.elapsed() < Duration::from_secs(8) {
        let mut watch = Watch::start(&program, &[path.to_str().unwrap()]);
        let until = Instant::now() + Duration::from_millis(random.u64(50..1_500));
        while Instant::now() < until {
            log.write(random.u32(1..200));
            if random.u32(..).is_multiple_of(20) {
                generation += 1;
                log.rename(&format!(".{generation}"));
            }
            std::thread::sleep(Duration::from_millis(random.u64(0..30)));
        }
        watch.0.kill().unwrap();
        watch.0.wait().unwrap();
    }
    // What was renamed twice between two looks is beside it.
    let (sums, _) = once(&program, &path);
    assert_eq!(events(&program), i64::from(log.next), "seed {seed}: {sums}");
    // The same lines, imported by another program into another database.
    let other = Program::new();
    let mut command = other.command();
    assert!(command.arg("import").arg(&folder).output().unwrap().status.success());
    let relations = |program: &Program| {
        let mut lines: Vec<String> =
            program.run(&["relations", "--json"]).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(relations(&program), relations(&other), "seed {seed}");
}

#[test]
fn files_that_change_in_place_are_read_again() {
    let Some(data) = shared_data() else { return };
    let program = program();
    let folder = logs(&program);
    let path = folder.join("wtmp");
    let whole = fs::read(data.join("linux/capture/lab-web01.wtmp")).unwrap();
    // The last record is not there yet.
    fs::write(&path, &whole[..whole.len() - 384]).unwrap();
    let arguments = ["watch", "--once", "--device", "lab-web01", path.to_str().unwrap()];
    program.run(&arguments);
    let before = events(&program);
    let watch = Watch::start(&program, &["--device", "lab-web01", path.to_str().unwrap()]);
    fs::write(&path, &whole).unwrap();
    std::thread::sleep(Duration::from_secs(4));
    watch.terminate();
    let other = Program::new();
    other.run(&[
        "import",
        "--device",
        "lab-web01",
        data.join("linux/capture/lab-web01.wtmp").to_str().unwrap(),
    ]);
    assert_eq!(events(&program), events(&other));
    assert!(before <= events(&program));
}

/// journald does not run everywhere; what it writes is real.
#[test]
fn the_journal_is_followed_from_its_cursor() {
    let Some(data) = shared_data() else { return };
    let program = program();
    let folder = program.folder.path();
    let journal = folder.join("journal.json");
    let text = fs::read_to_string(data.join("linux/capture/lab-web01.sshd.journal.json")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let write = |count: usize| fs::write(&journal, lines[..count].join("\n") + "\n").unwrap();
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    let script = bin.join("journalctl");
    // It ends by itself, as when journald is restarted.
    let body = r#"#!/bin/sh
cursor=""
for argument in "$@"; do
    case "$argument" in --after-cursor=*) cursor="${argument#--after-cursor=}" ;; esac
done
echo "$@" >> "$JOURNAL.calls"
awk -v c="$cursor" 'c == "" || found { print; next } index($0, "\"__CURSOR\":\"" c "\"") { found = 1 }' "$JOURNAL"
"#;
    fs::write(&script, body).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let watch = |arguments: &[&str]| {
        let mut command = program.command();
        command.arg("watch").args(arguments).env("PATH", &path).env("JOURNAL", &journal);
        command
    };
    let records = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let sums: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        sums["records"].as_u64().unwrap()
    };
    write(20);
    assert_eq!(records(&mut watch(&["--journal", "--once", "--json"])), 20);
    assert_eq!(records(&mut watch(&["--journal", "--once", "--json"])), 0);
    let mut following = watch(&["--journal"]);
    following.stdout(Stdio::null()).stderr(Stdio::null());
    let following = Watch(following.spawn().unwrap());
    write(lines.len());
    let other = Program::new();
    other
        .run(&["import", data.join("linux/capture/lab-web01.sshd.journal.json").to_str().unwrap()]);
    wait_for_events(&program, events(&other));
    following.terminate();
    let calls = fs::read_to_string(folder.join("journal.json.calls")).unwrap();
    assert!(
        calls.lines().any(|call| call.contains("--follow") && call.contains("--after-cursor=s="))
    );
}
