//! Whom a name means, what is said of others who share it, and how a question ends that finds nothing.

use super::*;

/// The exit codes that `footfall help` names.
const FOUND: i32 = 0;
const FAILED: i32 = 1;
const NOTHING_FOUND: i32 = 3;

/// Accounts of one name in two domains, of which one is known by its NetBIOS name, its DNS name and the
/// realm of somebody's UPN; a name near another; all on machines of their own.
fn inventory() -> Program {
    let program = Program::new();
    let file = program.folder.path().join("logons.json");
    let logon = |user: &str, domain: &str, sid: &str, more: &str, device: &str| {
        format!(
            "{{\"footfall\":\"logon\",\"time\":\"2026-03-01T08:00:00Z\",\"user\":\"{user}\",\
             \"domain\":\"{domain}\",\"sid\":\"{sid}\",\"device\":\"{device}.corp.example\",\
             \"logonType\":2{more}}}\n"
        )
    };
    let upn = ",\"upn\":\"ben@corp.example\"";
    let lines = [
        logon("anna.meier", "CORP", "S-1-5-21-1-2-3-1104", "", "ws-1"),
        // The same domain without a SID, as a flat export has it.
        logon("anna.meier", "corp.example", "", "", "ws-2"),
        logon("anna.meier", "LAB", "S-1-5-21-7-8-9-1104", "", "lab-1"),
        logon("ben", "CORP", "S-1-5-21-1-2-3-1105", upn, "ws-1"),
        logon("cleo", "corp.example", "S-1-5-21-1-2-3-1106", "", "ws-3"),
        logon(
            "fritz",
            "SALES-DOM",
            "S-1-5-21-4-4-4-1101",
            ",\"upn\":\"fritz@sales.example\"",
            "ws-6",
        ),
        logon("emil", "SALES-DOM", "S-1-5-21-4-4-4-1102", "", "ws-6"),
        logon("emil", "LAB", "S-1-5-21-7-8-9-1105", "", "lab-1"),
        // Entra's domain is the same for every organisation.
        logon("dora", "AzureAD", "S-1-12-1-1-2-3-4", ",\"upn\":\"dora@partner.example\"", "ws-4"),
        logon("dora", "CORP", "S-1-5-21-1-2-3-1107", "", "ws-5"),
    ];
    std::fs::write(&file, lines.concat()).unwrap();
    program.import(&[&file]);
    program
}

/// Exit code, stdout, stderr.
fn ran(program: &Program, arguments: &[&str]) -> (i32, String, String) {
    let output = program.command().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The short names of a user's machines, and what was said.
fn machines(program: &Program, user: &str) -> (Vec<String>, String) {
    let (code, stdout, stderr) = ran(program, &["machines", user, "--json"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    let short = |row: &Value| {
        let name = row["machine"]["computerDnsName"].as_str().unwrap();
        name.split('.').next().unwrap().to_owned()
    };
    let mut found: Vec<_> = found.as_array().unwrap().iter().map(short).collect();
    found.sort();
    assert_eq!(code, if found.is_empty() { NOTHING_FOUND } else { FOUND }, "{user}: {stderr}");
    (found, stderr)
}

#[test]
fn a_domain_or_realm_that_is_known_decides() {
    let program = inventory();
    for (user, expected, said) in [
        ("anna.meier", &["lab-1", "ws-1", "ws-2"][..], "anna.meier is the name of 3 accounts"),
        ("CORP\\anna.meier", &["ws-1"], "not here is"),
        ("corp.example\\Anna.Meier", &["ws-2"], "not here is"),
        ("anna.meier@corp.example", &["ws-1", "ws-2"], "not here is lab\\anna.meier"),
        ("LAB\\anna.meier", &["lab-1"], "Here is lab\\anna.meier; not here is"),
        ("S-1-5-21-7-8-9-1104", &["lab-1"], "Here is lab\\anna.meier; not here is"),
        ("s-1-5-21-1-2-3-1105", &["ws-1"], ""),
        ("ben@corp.example", &["ws-1"], ""),
        // The realm is known by the UPN of somebody else.
        ("emil@sales.example", &["ws-6"], "not here is lab\\emil"),
        ("cleo@corp.example", &["ws-3"], ""),
        ("dora@partner.example", &["ws-4"], "Here is azuread\\dora; not here is corp\\dora"),
        // A realm of which nothing is known means every domain, and it is said.
        (
            "anna.meier@elsewhere.example",
            &["lab-1", "ws-1", "ws-2"],
            "Nothing is known of the realm",
        ),
        // One that is known does not, and whom else there is is said.
        ("cleo@lab", &[], "of that name there is corp.example\\cleo"),
        ("LAB\\ben", &[], "of that name there is corp\\ben"),
        ("S-1-5-21-9-9-9-1104", &[], "there is no user"),
        ("anna.mayer", &[], "did you mean anna.meier?"),
        ("CORP\\anna.mayer", &[], "did you mean anna.meier?"),
        ("somebody else", &[], "footfall query users lists"),
        ("@", &[], "there is no user"),
    ] {
        let (found, stderr) = machines(&program, user);
        assert_eq!(found, expected, "{user}: {stderr}");
        assert!(stderr.contains(said), "{user}: {stderr}");
        assert!(!said.is_empty() || stderr.is_empty(), "{user}: {stderr}");
    }
    let config = program.folder.path().join("nobody.toml");
    std::fs::write(&config, "[answers]\nupn = \"nobody\"\n").unwrap();
    let arguments =
        ["--config", config.to_str().unwrap(), "machines", "anna.meier@elsewhere.example"];
    let (code, _, stderr) = ran(&program, &arguments);
    assert_eq!(code, NOTHING_FOUND);
    assert!(stderr.contains("does not say whom"), "{stderr}");
}

#[test]
fn every_list_says_how_many_accounts_share_the_name() {
    let program = inventory();
    for (arguments, key) in [
        (&["machines", "CORP\\anna.meier"][..], "domain"),
        (&["users", "ws-1"], "domain"),
        (&["relations"], "domain"),
        (&["users", "ws-1", "--at", "2026-03-01T08:30:00Z"], "domain"),
        (&["machines", "LAB\\anna.meier", "--at", "2026-03-01T08:30:00Z"], "domain"),
    ] {
        let with = |form: &str| program.run(&[arguments, &[form][..]].concat());
        let table = program.run(arguments);
        let head = table.lines().next().unwrap();
        assert!(head.contains("DOMAIN") && head.contains("ACCOUNTS"), "{arguments:?}: {table}");
        let csv = with("--csv");
        let head: Vec<_> = csv.lines().next().unwrap().split(',').collect();
        let at = |name: &str| head.iter().position(|column| *column == name).unwrap();
        let row: Vec<_> =
            csv.lines().find(|row| row.contains("anna.meier")).unwrap().split(',').collect();
        assert_eq!((row[at("user")], row[at("accounts")]), ("anna.meier", "3"), "{csv}");
        assert!(!row[at("domain")].is_empty());
        let json = with("--json");
        let rows: Vec<Value> = match serde_json::from_str(&json) {
            Ok(Value::Array(rows)) => rows,
            _ => json.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        };
        let of_anna = |row: &&Value| row.to_string().contains("anna.meier");
        let row = rows.iter().find(of_anna).unwrap();
        assert_eq!(row["accounts"], 3, "{row}");
        assert!(row[key].is_string(), "{row}");
        let ben = rows.iter().find(|row| row.to_string().contains("\\\\ben\""));
        assert!(ben.is_none_or(|row| row["accounts"] == 1));
    }
}

#[test]
fn nothing_found_is_one_exit_code_of_every_question() {
    let program = inventory();
    for (arguments, expected) in [
        (&["machines", "ben"][..], FOUND),
        (&["machines", "nobody"], NOTHING_FOUND),
        (&["machines", "nobody", "--json"], NOTHING_FOUND),
        (&["machines", "nobody", "--csv"], NOTHING_FOUND),
        (&["machines", "nobody", "--at", "2h ago"], NOTHING_FOUND),
        (&["machines", "ben", "--logon-type", "Network"], NOTHING_FOUND),
        (&["machines", "ben", "--at", "2h ago"], NOTHING_FOUND),
        (&["machines", "ben", "--at", "2026-03-01T08:30:00Z"], FOUND),
        (&["users", "ws-1"], FOUND),
        (&["users", "nowhere"], NOTHING_FOUND),
        (&["users", "nowhere", "--json"], NOTHING_FOUND),
        (&["users", "nowhere", "--at", "2h ago"], NOTHING_FOUND),
        (&["users", "ws-1", "--logon-type", "Network", "--csv"], NOTHING_FOUND),
        (&["users", "ws-1", "--at", "2h ago", "--json"], NOTHING_FOUND),
        (&["relations"], FOUND),
        (&["relations", "--look-back", "1d", "--json"], NOTHING_FOUND),
        (&["query", "users/ben"], FOUND),
        (&["query", "users/S-1-5-21-1-2-3-1105"], FOUND),
        (&["query", "users/S-1-5-21-1-2-3-1105/machines"], FOUND),
        (&["query", "users/nobody"], NOTHING_FOUND),
        (&["query", "users/nobody/machines"], NOTHING_FOUND),
        (&["query", "users/nobody/machines", "--json"], NOTHING_FOUND),
        (&["query", "users/nobody/machines", "--csv"], NOTHING_FOUND),
        (&["query", "machines/nowhere"], NOTHING_FOUND),
        (&["query", "machines/nowhere/logonusers"], NOTHING_FOUND),
        (&["query", "machines", "--filter", "computerDnsName eq 'x'"], NOTHING_FOUND),
        (&["query", "machines/$count", "--filter", "computerDnsName eq 'x'"], FOUND),
        (&["query", "nothing"], FAILED),
        (&["query", "machines", "--filter", "foo eq 1"], FAILED),
        (&["person", "show", "ben"], FOUND),
        (&["person", "show", "S-1-5-21-1-2-3-1105"], FOUND),
        (&["person", "show", "nobody"], NOTHING_FOUND),
        (&["person", "show", "nobody", "--json"], NOTHING_FOUND),
        (&["machine", "identities", "ws-1"], FOUND),
        (&["machine", "identities", "nowhere"], NOTHING_FOUND),
        (&["audit", "--person", "nobody"], NOTHING_FOUND),
        (&["audit", "--person", "nobody", "--json"], NOTHING_FOUND),
        (&["audit", "--person", "nobody", "--csv"], NOTHING_FOUND),
        (&["forget", "nobody", "--yes"], NOTHING_FOUND),
        (&["forget", "nobody", "--yes", "--json"], NOTHING_FOUND),
        // A change is no question.
        (&["machine", "exclude", "nowhere"], FAILED),
        (&["machine", "tag", "nowhere", "--add", "x"], FAILED),
        (&["person", "unlink", "nobody"], FAILED),
    ] {
        let (code, stdout, stderr) = ran(&program, arguments);
        assert_eq!(code, expected, "{arguments:?}: {stderr}");
        let is_csv_head = arguments.contains(&"--csv") && stdout.lines().count() == 1;
        let is_table_head = arguments[0] == "audit" && stdout.lines().count() == 1;
        let is_empty = ["", "[]\n"].contains(&stdout.as_str()) || is_csv_head || is_table_head;
        assert_eq!(is_empty, expected != FOUND, "{arguments:?}: {stdout}");
        assert!(expected == FOUND || !stderr.is_empty(), "{arguments:?}");
    }
    let help = program.run(&["help"]);
    assert!(help.contains("3    nothing found"), "{help}");
}

#[test]
fn names_that_are_nearly_known_are_suggested() {
    let program = inventory();
    for (arguments, expected) in [
        (&["machines", "anna.mier"][..], "did you mean anna.meier?"),
        (&["machines", "ANNA.MEIRE"], "did you mean anna.meier?"),
        (&["users", "wss-3"], "did you mean ws-3?"),
        (&["users", "ws3.corp.example"], "ws-3.corp.example"),
        (&["query", "users/cloe"], "did you mean cleo?"),
        (&["query", "users/cloe/machines"], "did you mean cleo?"),
        (&["query", "machines/lab1"], "did you mean lab-1?"),
        (&["person", "show", "anna.maier"], "did you mean anna.meier?"),
        (&["forget", "anna.maier", "--yes"], "did you mean anna.meier?"),
        (&["machine", "identities", "lab1"], "did you mean lab-1?"),
        (&["machine", "tag", "lab1", "--add", "x"], "did you mean lab-1?"),
        (&["machine", "exclude", "lab1"], "did you mean lab-1?"),
    ] {
        let (_, stdout, stderr) = ran(&program, arguments);
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        assert_eq!(stdout, "", "{arguments:?}");
    }
}

#[test]
fn whom_to_forget_is_named_exactly() {
    let program = inventory();
    let (code, _, stderr) = ran(&program, &["forget", "anna.meier@elsewhere.example", "--yes"]);
    assert_eq!(code, NOTHING_FOUND, "a guess erases nobody: {stderr}");
    let report = program.json(&["forget", "S-1-5-21-7-8-9-1104", "--yes", "--json"]);
    assert_eq!((&report["accounts"], &report["left"]), (&1.into(), &0.into()));
    assert_eq!(machines(&program, "anna.meier").0, ["ws-1", "ws-2"]);
    let report = program.json(&["forget", "anna.meier@corp.example", "--yes", "--json"]);
    assert_eq!(report["accounts"], 2);
    assert_eq!(machines(&program, "anna.meier").0, [""; 0]);
}
