//! Whose accounts are whose, from real files to answers.

use super::*;

fn logged_on() -> Program {
    let program = Program::new();
    let file = program.folder.path().join("small.json");
    std::fs::write(&file, nxlog_lines(3, 7)).unwrap();
    program.import(&[&file]);
    program
}

#[test]
fn accounts_are_linked_and_parted_again() {
    let program = logged_on();
    let config = program.folder.path().join("footfall.toml");
    std::fs::write(&config, "[users]\nresolve = \"person\"\n").unwrap();
    let count = |user: &str| {
        let mut command = program.command();
        command.env("FOOTFALL_CONFIG", &config).args(["machines", user, "--csv"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().skip(1).count()
    };
    assert_eq!(count("user7"), 1);
    program.run(&["person", "link", "user7", "CORP\\user8", "S-1-5-21-1-2-3-1109"]);
    for user in ["user7", "user8", "CORP\\user9", "S-1-5-21-1-2-3-1107"] {
        assert_eq!(count(user), 3, "{user}");
    }
    assert_eq!(program.run(&["machines", "user7", "--csv"]).lines().count(), 2, "by name");
    let shown = program.json(&["person", "show", "user8", "--json"]);
    assert_eq!(shown.as_array().unwrap().len(), 3);
    assert_eq!(shown[1]["linkedWith"], "user7 (S-1-5-21-1-2-3-1107)");
    program.run(&["person", "unlink", "user8"]);
    assert_eq!((count("user8"), count("user7")), (1, 2));
    // The one with whom the others were linked, too.
    program.run(&["person", "unlink", "user7"]);
    assert_eq!((count("user7"), count("user9")), (1, 1));
    program.run(&["person", "unlink", "--undo", "user7"]);
    assert_eq!((count("user7"), count("user9")), (2, 2));
    program.run(&["person", "unlink", "--undo", "user8"]);
    program.run(&["person", "link", "--undo", "user9"]);
    assert_eq!((count("user8"), count("user7")), (1, 1));
    let audit = program.run(&["audit", "--kind", "admin", "--json"]);
    assert!(audit.contains("person.link") && audit.contains("person.unlink"), "{audit}");
    for (arguments, expected) in [
        (&["person", "show", "nobody"][..], "there is no user `nobody`"),
        (&["person", "link", "user7", "CORP\\user7"], "is the same account"),
        (&["person", "link", "--undo", "user7"], "nobody decided that"),
        (&["person", "unlink", "--undo", "user7"], "nobody decided that"),
    ] {
        let output = program.command().args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
}

/// IdentityLogonEvents say which UPN, object id and account name are one person's.
#[test]
fn sign_ins_of_an_identity_provider_join_accounts() {
    let Some(data) = shared_data() else { return };
    let program = Program::new();
    let file = program.folder.path().join("own.json");
    let own = nxlog_lines(1, 7).replace("user7", "rob").replace("\"CORP\"", "\"example.org\"");
    std::fs::write(&file, own).unwrap();
    program.import(&[&file, &data.join("defender/real-IdentityLogonEvents.json")]);
    let query = |user: &str| {
        program.run(&["query", &format!("users/{user}/machines?resolve=person"), "--csv"])
    };
    for user in ["00000000-0000-4000-8000-00000000000b", "rob@example.org", "rob"] {
        assert_eq!(query(user).lines().count(), 2, "{user}");
    }
}
