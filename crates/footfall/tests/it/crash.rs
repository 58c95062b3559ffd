//! An import that is ended in its midst leaves what it committed, and a second one completes it.

use std::time::{Duration, Instant};

use super::*;

const LINES: u32 = 80_000;

fn relations(program: &Program) -> Vec<String> {
    let mut lines: Vec<String> =
        program.run(&["relations", "--json"]).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn check_integrity(program: &Program) {
    let connection = rusqlite::Connection::open(program.database()).unwrap();
    let answer: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(answer, "ok");
}

fn events(program: &Program) -> i64 {
    let connection = rusqlite::Connection::open(program.database()).unwrap();
    connection.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap_or(0)
}

/// Starts an import of a stream, and gives it half of its lines.
fn import_half(program: &Program, text: &str) -> (Child, std::process::ChildStdin) {
    use std::io::Write;
    let mut child = program
        .command()
        .args(["import", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&text.as_bytes()[..text.len() / 2]).unwrap();
    // Something was committed, and more is to come.
    let start = Instant::now();
    while !program.database().exists() || events(program) == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing was committed");
        std::thread::sleep(Duration::from_millis(20));
    }
    (child, stdin)
}

fn check_completion(program: &Program, file: &Path, text: &str) {
    check_integrity(program);
    let before = events(program);
    assert!(before > 0 && before < LINES.into(), "{before}");
    let summary = program.import(&[file]);
    let nxlog = &summary["formats"]["nxlog"];
    assert_eq!(nxlog["duplicates"], before);
    assert_eq!(nxlog["logons"], i64::from(LINES) - before);
    check_integrity(program);

    let whole = Program::new();
    let other = whole.folder.path().join("whole.json");
    std::fs::write(&other, text).unwrap();
    whole.import(&[&other]);
    assert_eq!(relations(program), relations(&whole));
}

#[test]
fn a_killed_import_is_completed_by_the_next() {
    let program = Program::new();
    let text = nxlog_lines(LINES, 1);
    let file = program.folder.path().join("logons.json");
    std::fs::write(&file, &text).unwrap();
    let (mut child, stdin) = import_half(&program, &text);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stdin);
    check_completion(&program, &file, &text);
}

#[cfg(unix)]
#[test]
fn an_interrupted_import_says_so_and_is_completed_by_the_next() {
    let program = Program::new();
    let text = nxlog_lines(LINES, 1);
    let file = program.folder.path().join("logons.json");
    std::fs::write(&file, &text).unwrap();
    // Its input stays open and silent: it must not wait for it.
    let (child, stdin) = import_half(&program, &text);
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(output.status.code(), Some(130));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["interrupted"], true);
    check_completion(&program, &file, &text);
}

#[test]
fn processes_that_make_a_database_at_once_wait_for_each_other() {
    for _ in 0..5 {
        let program = Program::new();
        let files: Vec<_> = (0..4)
            .map(|n| {
                let file = program.folder.path().join(format!("{n}.json"));
                std::fs::write(&file, nxlog_lines(2000, 1 + n * 2000)).unwrap();
                file
            })
            .collect();
        let imports: Vec<Child> = files
            .iter()
            .map(|file| {
                let mut command = program.command();
                command.args(["import", "--json"]).arg(file);
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for import in imports {
            let output = import.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{stderr}");
        }
        assert_eq!(events(&program), 8000);
    }
}
