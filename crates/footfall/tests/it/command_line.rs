//! Commands, flags, exit codes, and the forms of what is printed.

use super::*;

/// One machine and one user, at a known time.
fn small() -> Program {
    let program = Program::new();
    let file = program.folder.path().join("small.json");
    std::fs::write(&file, nxlog_lines(3, 7)).unwrap();
    program.import(&[&file]);
    program
}

fn refused(program: &Program, arguments: &[&str], code: i32) -> String {
    let output = program.command().args(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    stderr
}

#[test]
fn every_command_explains_itself_with_examples() {
    let program = Program::new();
    let mut pages = String::new();
    for command in [
        "",
        "import",
        "sync",
        "sync defender",
        "serve",
        "demo",
        "machines",
        "users",
        "relations",
        "query",
        "export",
        "app",
        "app add",
        "app list",
        "app revoke",
        "token",
        "audit",
        "limits",
        "node",
        "node list",
        "node revoke",
        "node remove",
        "node refresh",
        "node secret",
        "node secret add",
        "node secret list",
        "node secret revoke",
        "certificate",
        "config",
        "config check",
    ] {
        let arguments: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
        pages.push_str(&format!("$ footfall {command} --help\n"));
        pages.push_str(&program.run(&[&arguments[..], &["--help"]].concat()));
        pages.push('\n');
    }
    insta::assert_snapshot!(pages);
}

#[test]
fn the_forms_of_an_answer() {
    let program = small();
    let mut forms = String::new();
    for arguments in [
        &["machines", "USER7"][..],
        &["machines", "corp\\user7", "--csv"],
        &["machines", "user7@corp.example", "--json"],
        &["users", "WS8"],
        &["users", "ws8.corp.example", "--csv"],
        &["users", "ws8", "--json"],
        &["relations"],
        &["relations", "--csv"],
        &["relations", "--json"],
        &["machines", "nobody", "--json"],
        &["machines", "user7", "--logon-type", "Network"],
    ] {
        forms.push_str(&format!(
            "$ footfall {}\n{}\n",
            arguments.join(" "),
            program.run(arguments)
        ));
    }
    // The health of a machine depends on the day of the test.
    insta::assert_snapshot!(forms);
}

#[test]
fn the_summary_of_an_import() {
    let program = Program::new();
    let folder = program.folder.path().join("case");
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    let mut lines = nxlog_lines(4, 1);
    lines.push_str(
        "{\"EventTime\":\"2025-06-02T00:00:01Z\",\"EventID\":4624,\"Channel\":\"Security\"}\n",
    );
    lines.push_str("{\"EventID\":4624, cut\n");
    lines.push_str(&nxlog_lines(1, 2));
    lines.push_str(&nxlog_lines(1, 50).replace("user10", "WS1$"));
    lines.push_str(&nxlog_lines(1, 51).replace("4624", "4625"));
    std::fs::write(folder.join("deep/logons.json"), lines).unwrap();
    std::fs::write(folder.join("notes.txt"), "nothing to see").unwrap();
    std::fs::write(folder.join("empty.evtx"), "").unwrap();
    let output = program
        .command()
        .args(["import", "case", "missing.evtx"])
        .current_dir(program.folder.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(format!("{}---\n{}", text(output.stdout), text(output.stderr)));

    let again = program
        .command()
        .args(["import", "--json", "case"])
        .current_dir(program.folder.path())
        .output()
        .unwrap();
    insta::assert_snapshot!(text(again.stdout));
}

#[test]
fn only_an_import_that_could_read_nothing_fails() {
    let program = Program::new();
    let file = program.folder.path().join("notes.txt");
    std::fs::write(&file, "nothing to see").unwrap();
    let stderr = refused(&program, &["import", file.to_str().unwrap()], 1);
    assert!(stderr.contains("notes.txt") && stderr.contains("hint:"), "{stderr}");
    refused(&program, &["import", "missing.evtx"], 1);
    // Of a known format, and every record of it rejected.
    let file = program.folder.path().join("logons.json");
    std::fs::write(&file, nxlog_lines(2, 7).replace("Hostname", "Host")).unwrap();
    let stderr = refused(&program, &["import", file.to_str().unwrap()], 1);
    assert!(stderr.contains("line 2") && stderr.contains("hint:"), "{stderr}");
}

#[test]
fn wrong_usage_is_told_with_what_to_do() {
    let program = small();
    refused(&program, &["import"], 2);
    refused(&program, &["app", "add", "x", "--permission", "Machine.Destroy"], 2);
    refused(&program, &["import", "--timezone", "Mars/Olympus", "x"], 2);
    refused(&program, &["machines", "x", "--json", "--csv"], 2);
    let stderr = refused(&program, &["users", "nothing"], 3);
    assert!(stderr.contains("hint:"), "{stderr}");
    let stderr = refused(&program, &["--database", "mysql://x", "app", "list"], 1);
    assert!(stderr.contains("sqlite:PATH"), "{stderr}");
    let unknown = "8a5a7f6a-0000-4000-8000-000000000000";
    let stderr = refused(&program, &["app", "revoke", unknown], 1);
    assert!(stderr.contains("`list` shows"), "{stderr}");
    let arguments = ["token", "--client-id", unknown, "--client-secret", "x"];
    let stderr = refused(&program, &arguments, 1);
    assert!(stderr.contains("AADSTS700016"), "{stderr}");
}

#[test]
fn the_configuration_is_checked_and_layered() {
    let program = Program::new();
    let file = program.folder.path().join("footfall.toml");
    let path = file.to_str().unwrap();
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        program.command().args(["--config", path, "config", "check"]).output().unwrap()
    };
    let output = check("retention = \"180d\"\n[answers]\nlook_back = \"30d\"\n");
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("retention = \"180d\"") && stdout.contains("look_back = \"30d\""));

    for (text, named) in [
        ("retentoin = \"180d\"", "retentoin"),
        ("[serve]\nlisten = \"here\"", "listen"),
        ("retention = 1 2", "line 1"),
    ] {
        let output = check(text);
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(named) && stderr.contains("footfall.toml"), "{stderr}");
    }
    let printed = program.run(&["config", "default"]);
    assert!(check(&printed).status.success(), "the default is a good file");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the program under test reads the real clock")]
fn retention_and_look_back_cut_at_days() {
    let program = Program::new();
    let (old, new) =
        (program.folder.path().join("old.json"), program.folder.path().join("new.json"));
    std::fs::write(&old, nxlog_lines(1, 7)).unwrap();
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    std::fs::write(&new, nxlog_lines(1, 47).replace("2025-06-02", &today)).unwrap();
    program.import(&[&old, &new]);
    let counts = |arguments: &[&str]| {
        program.run(&[&["relations", "--json"], arguments].concat()).lines().count()
    };
    assert_eq!(counts(&[]), 2);
    assert_eq!(counts(&["--look-back", "30d"]), 1);
    let config = program.folder.path().join("footfall.toml");
    std::fs::write(&config, "retention = \"180d\"").unwrap();
    program.run(&["--config", config.to_str().unwrap(), "import", new.to_str().unwrap()]);
    assert_eq!(counts(&[]), 1);
}

#[test]
fn the_rule_is_configured() {
    let program = Program::new();
    let config = program.folder.path().join("footfall.toml");
    std::fs::write(
        &config,
        "[rule]\nignore = [\"CORP\\\\user7\"]\nlogon_types = [\"Interactive\"]",
    )
    .unwrap();
    let file = program.folder.path().join("logons.json");
    let network = nxlog_lines(1, 9).replace("\"LogonType\":\"2\"", "\"LogonType\":\"3\"");
    std::fs::write(&file, nxlog_lines(2, 7) + &network).unwrap();
    let config = config.to_str().unwrap();
    let summary = program.json(&["--config", config, "import", "--json", file.to_str().unwrap()]);
    assert_eq!(summary["formats"]["nxlog"]["noise"], 2);
    assert_eq!(summary["formats"]["nxlog"]["logons"], 1);
    assert!(program.run(&["relations", "--json"]).contains("\"user8\""));
}

#[test]
fn a_domain_is_ignored_with_all_of_its_accounts() {
    let program = Program::new();
    let config = program.folder.path().join("footfall.toml");
    std::fs::write(&config, "[rule]\nignore = ['Kiosk Users\\*']").unwrap();
    let file = program.folder.path().join("logons.json");
    let lines = nxlog_lines(1, 7) + &nxlog_lines(1, 8).replace("\"CORP\"", "\"KIOSK USERS\"");
    std::fs::write(&file, lines).unwrap();
    let config = config.to_str().unwrap();
    let summary = program.json(&["--config", config, "import", "--json", file.to_str().unwrap()]);
    assert_eq!(summary["formats"]["nxlog"]["noise"], 1);
    assert_eq!(summary["formats"]["nxlog"]["logons"], 1);
}

#[test]
fn a_device_is_given_to_events_without_one() {
    let program = Program::new();
    let file = program.folder.path().join("logons.json");
    let lines = nxlog_lines(3, 7)
        .replace("\"Hostname\":\"ws7.corp.example\",", "")
        .replace("ws8.corp.example", "-");
    std::fs::write(&file, &lines).unwrap();
    let path = file.to_str().unwrap();
    let without = program.json(&["import", "--json", path]);
    assert_eq!(without["formats"]["nxlog"]["rejects"], 2);
    assert!(without["rejected"][0]["reason"].as_str().unwrap().contains("--device"));
    let with = program.json(&["import", "--json", "--device", "SRV9", path]);
    assert_eq!(with["formats"]["nxlog"]["logons"], 2);
    assert_eq!(program.json(&["users", "srv9", "--json"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_mistyped_database_is_no_empty_inventory() {
    let program = Program::new();
    let unknown = "8a5a7f6a-0000-4000-8000-000000000000";
    for arguments in [
        &["machines", "jdoe"][..],
        &["users", "ws1"],
        &["relations"],
        &["app", "list"],
        &["app", "revoke", unknown],
        &["token", "--client-id", unknown, "--client-secret", "x"],
    ] {
        let stderr = refused(&program, arguments, 1);
        assert!(stderr.contains("there is no database") && stderr.contains("hint:"), "{stderr}");
    }
    assert!(!program.database().exists());
}

#[test]
fn names_from_logs_cannot_touch_the_screen() {
    let program = Program::new();
    let file = program.folder.path().join("logons.json");
    let lines = nxlog_lines(1, 7).replace("user7", "evil\\u001b]0;x\\u0007\\nrow")
        + &nxlog_lines(1, 8).replace("user8", &"x".repeat(5000));
    std::fs::write(&file, lines).unwrap();
    let summary = program.import(&[&file]);
    assert_eq!(summary["formats"]["nxlog"]["rejects"], 1);
    let table = program.run(&["relations"]);
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(!table.contains('\u{1b}') && table.contains("evil\u{fffd}]0;x"), "{table}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let program = Program::new();
    let file = program.folder.path().join("logons.json");
    std::fs::write(&file, nxlog_lines(20_000, 1)).unwrap();
    program.import(&[&file]);
    for form in ["--json", "--csv"] {
        goes_away(&program, form);
    }
}

fn goes_away(program: &Program, form: &str) {
    let mut child = program
        .command()
        .args(["relations", form])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
