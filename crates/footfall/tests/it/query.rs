//! `footfall query` and `footfall export`: the language of the API from the command line.

use super::*;

fn inventory() -> Program {
    let program = Program::new();
    let file = program.folder.path().join("small.json");
    std::fs::write(&file, nxlog_lines(3, 7)).unwrap();
    program.import(&[&file]);
    program
}

#[test]
fn a_question_is_answered_in_each_form() {
    let program = inventory();
    let mut shown = String::new();
    for arguments in [
        &["machines", "--orderby", "computerDnsName"][..],
        &["machines?$select=computerDnsName,healthStatus&$orderby=computerDnsName desc"],
        &["/api/v1.0/Machines?orderby=computerDnsName&top=1", "--csv", "--select", "id,firstSeen"],
        &["users", "--filter", "endswith(accountName,'7') or accountName eq 'a&b+c%20d#e'"],
        &["users", "--expand", "machines($select=computerDnsName)", "--select", "id", "--json"],
        &["users/user7/machines", "--select", "computerDnsName", "--json"],
        &["users/user7"],
        &["users/user7", "--json"],
        &["machines/$count", "--filter", "healthStatus eq 'Inactive'"],
        &["machines", "--search", "nothing of that name", "--csv", "--select", "id"],
        &["deviceGroups"],
        &["alerts", "--json"],
    ] {
        shown += &format!("$ footfall query {}\n", arguments.join(" "));
        shown += &program.run(&[&["query"], arguments].concat());
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_question_that_makes_no_sense_says_what_to_do() {
    let program = inventory();
    for (arguments, expected) in [
        (&["machines?=x eq 1"][..], "single quotes or --filter"),
        (&["machines", "--filter", "foo eq 1"], "named 'foo' on type"),
        (&["machines", "--filter", "computerDnsName eq"], "Syntax error at position 18"),
        (&["nothing"], "there is no `nothing`"),
        (&["https://example.org/api/machines"], "the URL leads to another server"),
        (&["users/user7", "--csv"], "is one thing and no list"),
        (&["machines/none/isolate"], "the answer is 405"),
    ] {
        let output = program.command().arg("query").args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{stderr}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
    }
}

#[test]
fn an_export_holds_the_whole_inventory_in_files_for_the_owner_only() {
    let program = inventory();
    let folder = program.folder.path().join("export");
    let path = folder.to_str().unwrap();
    let summary: Value = serde_json::from_str(&program.run(&["export", path, "--json"])).unwrap();
    let lines = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for (name, of) in [
        ("machines.ndjson", "computerDnsName"),
        ("users.ndjson", "accountName"),
        ("device-groups.ndjson", "deviceGroupName"),
        ("relations.ndjson", "logonCount"),
    ] {
        let text = lines(name);
        let rows: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!rows.is_empty() && rows.iter().all(|row| !row[of].is_null()), "{name}: {text}");
        let file = summary.as_array().unwrap().iter();
        let file = file.filter(|file| file["file"].as_str().unwrap().ends_with(name));
        let counted: Vec<_> = file.map(|file| file["rows"].as_u64().unwrap()).collect();
        assert_eq!(counted, [rows.len() as u64], "{name}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    let relations = program.run(&["relations", "--json"]);
    assert_eq!(lines("relations.ndjson"), relations);

    // A second export does not touch what is there, unless it is told to.
    let again = program.command().args(["export", path]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"));
    program.run(&["export", path, "--force"]);
    program.run(&["export", path, "--csv"]);
    assert_eq!(lines("relations.csv"), program.run(&["relations", "--csv"]));
    assert_eq!(lines("machines.csv").lines().count(), lines("machines.ndjson").lines().count() + 1);
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 8, "{left:?}");
}

#[test]
fn a_machine_is_excluded_and_taken_in_again() {
    let program = inventory();
    let excluded = || {
        let arguments = ["query", "machines", "--filter", "isExcluded", "--csv"];
        program.run(&[&arguments[..], &["--select", "computerDnsName,exclusionReason"]].concat())
    };
    let head = "exclusionReason,computerDnsName\n";
    assert_eq!(excluded(), head);
    program.run(&["machine", "exclude", "WS8", "--reason", "inactivedevice"]);
    assert_eq!(excluded(), format!("{head}InactiveDevice,ws8.corp.example\n"));
    program.run(&["machine", "include", "ws8.corp.example"]);
    assert_eq!(excluded(), head);
    for arguments in [&["machine", "exclude", "none"][..], &["machine", "include", "none"]] {
        let output = program.command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
    let audit = program.run(&["audit", "--kind", "admin", "--json"]);
    assert!(audit.contains("machine.exclusion") && audit.contains("InactiveDevice"), "{audit}");
}

#[test]
fn the_retention_is_applied_when_it_is_asked_for() {
    let program = inventory();
    let keeps_all = program.command().arg("retention").output().unwrap();
    assert!(String::from_utf8_lossy(&keeps_all.stderr).contains("keeps all logons"));
    assert_eq!(program.run(&["query", "machines/$count"]), "3\n");
    let config = program.folder.path().join("retention.toml");
    std::fs::write(&config, "retention = \"30d\"\n").unwrap();
    let config = config.to_str().unwrap();
    let said = program.run(&["--config", config, "retention", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["logons"], 3, "{said}");
    assert_eq!(said["machines"], 3, "{said}");
    assert_eq!(program.run(&["query", "machines/$count"]), "0\n");
}

#[test]
fn a_person_is_forgotten_with_a_report() {
    let program = inventory();
    program.run(&["query", "users/user7/machines"]);
    let unasked = program.command().args(["forget", "user7"]).output().unwrap();
    assert_eq!(unasked.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unasked.stderr).into_owned();
    assert!(said.contains("corp\\user7") && said.contains("--yes"), "{said}");
    let report = program.run(&["forget", "USER7", "--yes", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["accounts"], &report["logons"], &report["left"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert!(!program.run(&["query", "users", "--json"]).contains("user7"));
    let audit = program.run(&["audit", "--kind", "admin", "--json"]);
    assert!(audit.contains("person.forget") && !audit.contains("user7"), "{audit}");
    assert!(audit.contains(report["pseudonym"].as_str().unwrap()));
    let again = program.command().args(["forget", "user7", "--yes"]).output().unwrap();
    assert_eq!(again.status.code(), Some(3), "there is nobody of that name");
}
