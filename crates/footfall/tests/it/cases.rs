//! Cases from public reports (`tests/cases`): each `footfall import` of an `expect.md` gives the relations
//! that stand below it.

use super::*;

/// What the table of relations begins with, without the machines' ids.
const HEAD: &str = "user,domain,machine,first_seen,last_seen,how,count";

/// Commands, each into the database of those before, and the relations that are right after them.
#[derive(Debug, Default)]
struct Step {
    commands: Vec<String>,
    relations: Vec<String>,
}

/// The folder of cases.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// The steps of a case; a table ends one.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = vec![Step::default()];
    let mut in_table = false;
    for raw in text.lines() {
        let line = raw.trim_start().trim_start_matches("$ ");
        let step = steps.last_mut().unwrap();
        if line.starts_with("footfall import ") {
            if step.relations.is_empty() {
                step.commands.push(line.to_owned());
            } else {
                let commands = vec![line.to_owned()];
                steps.push(Step { commands, relations: Vec::new() });
            }
            in_table = false;
        } else if line == HEAD && !step.commands.is_empty() {
            in_table = true;
        } else if in_table && line.matches(',').count() >= 6 {
            step.relations.push(line.to_owned());
        } else {
            in_table = false;
        }
    }
    steps.retain(|step| !step.relations.is_empty());
    steps
}

/// The relations of a database as lines of a table, in order.
pub(crate) fn relations(program: &Program) -> Vec<String> {
    let text = program.run(&["relations", "--csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let places: Vec<usize> = HEAD
        .split(',')
        .map(|name| header.iter().position(|column| column == name).unwrap())
        .collect();
    rows(reader.records().map(|row| {
        let row = row.unwrap();
        places.iter().map(|&place| row[place].to_owned()).collect()
    }))
}

/// Rows in one order; names of machines know no case.
fn rows(rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut lines: Vec<String> = rows.map(|row| row.join("|").to_lowercase()).collect();
    lines.sort();
    lines
}

fn expected(step: &Step) -> Vec<String> {
    let text = step.relations.join("\n");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    rows(reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()))
}

#[test]
fn every_case_gives_the_relations_that_are_right() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    let mut folders: Vec<_> =
        std::fs::read_dir(folder()).unwrap().map(|it| it.unwrap().path()).collect();
    folders.sort();
    for case in folders {
        let Ok(text) = std::fs::read_to_string(case.join("expect.md")) else { continue };
        for step in steps(&text) {
            tried += 1;
            let program = Program::new();
            for command in &step.commands {
                let mut import = program.command();
                import.current_dir(&case).args(command.split_whitespace().skip(1));
                import.output().unwrap();
            }
            let (got, expected) = (relations(&program), expected(&step));
            if got != expected {
                wrong.push(format!(
                    "{}: {:?}: {got:#?}, not {expected:#?}",
                    case.display(),
                    step.commands
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 32, "only {tried} tables were found");
}

/// Of these the right answer is no table alone.
#[test]
fn what_a_case_must_not_lose_is_told() {
    let import = |case: &str, arguments: &[&str]| {
        let program = Program::new();
        let mut command = program.command();
        command.current_dir(folder().join(case)).args(["import", "--json"]).args(arguments);
        let output = command.output().unwrap();
        let sums: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (program, sums, output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // A logon whose time stands elsewhere is read, or told.
    let (program, ..) = import("t-winlogbeat6-other-time", &["events.ndjson"]);
    assert!(
        relations(&program)
            .iter()
            .any(|row| row.starts_with("jörn|corp|pc-81.corp.example|2026-03-02t08:16:30z"))
    );
    // ESXi's files name no machine.
    let (program, sums, ..) = import("t-esxi-severity", &["auth.log", "auth-older.log"]);
    let rejects = &sums["formats"]["syslog"]["rejects"];
    assert_eq!((relations(&program).len(), rejects), (0, &2.into()), "{sums}");
    // Records of no person are counted.
    let (_, sums, ..) = import("resolved-sids", &["resolved.xml"]);
    assert_eq!(
        (&sums["formats"]["wef-xml"]["records"], &sums["formats"]["wef-xml"]["noise"]),
        (&10.into(), &9.into()),
        "{sums}"
    );
    let (_, _, code, _) = import("relay-headers", &["--year", "2026", "with-good-lines.log"]);
    assert_eq!(code, Some(0));
}
