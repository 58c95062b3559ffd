//! Who is who among machines, as a person sees and decides it.

use super::*;

const OLD: &str = "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";
const NEW: &str = "4f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";

/// A row of DeviceLogonEvents.
fn row(id: &str, day: u32) -> String {
    format!(
        "{{\"Timestamp\":\"2026-04-{day:02}T08:00:00Z\",\"DeviceId\":\"{id}\",\
         \"DeviceName\":\"ws-9.corp.example\",\"ActionType\":\"LogonSuccess\",\
         \"LogonType\":\"Interactive\",\"AccountDomain\":\"corp\",\"AccountName\":\"ann\",\
         \"AccountSid\":\"S-1-5-21-1-2-3-1104\",\"ReportId\":{day}}}\n"
    )
}

impl Program {
    fn import_text(&self, name: &str, text: &str) {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        self.import(&[&file]);
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn reinstalled() -> Program {
    let program = Program::new();
    program.import_text("defender.json", &(row(OLD, 1) + &row(NEW, 9)));
    program
}

#[test]
fn a_reinstalled_machine_is_merged_and_parted_again() {
    let program = reinstalled();
    let columns = "id,mergedIntoMachineId,isPotentialDuplication";
    let machines = || program.run(&["query", "machines", "--csv", "--select", columns]);
    let before = machines();
    assert!(before.contains(&format!("{OLD},,true")), "{before}");
    let shown = program.json(&["machine", "identities", "ws-9", "--json"]);
    assert_eq!(shown["machine"]["id"], NEW);
    assert_eq!(shown["lookalikes"][0]["id"], OLD);
    assert_eq!(shown["lookalikes"][0]["kind"], "dnsName");

    let merged = program.json(&["machine", "merge", NEW, OLD, "--json"]);
    assert_eq!(merged["records"].as_array().unwrap().len(), 2);
    assert!(machines().contains(&format!("{OLD},{NEW},false")));
    assert_eq!(program.run(&["machines", "ann", "--csv"]).lines().count(), 2);
    let audit = program.run(&["audit", "--kind", "admin", "--json"]);
    assert!(audit.contains("machine.merge") && audit.contains(OLD), "{audit}");

    program.run(&["machine", "merge", "--undo", OLD]);
    assert_eq!(machines(), before);
    assert_eq!(program.run(&["machines", "ann", "--csv"]).lines().count(), 3);
    // The other way round, and back.
    program.run(&["machine", "merge", OLD, NEW]);
    assert!(machines().contains(&format!("{NEW},{OLD},false")));
    program.run(&["machine", "merge", NEW, OLD]);
    assert!(machines().contains(&format!("{OLD},{NEW},false")));
}

#[test]
fn a_split_wins_over_what_is_told_later() {
    let program = reinstalled();
    // The log of the machine itself: one with what Defender tells, if there is one of it.
    program.run(&["machine", "split", OLD]);
    let own = nxlog_lines(1, 9).replace("ws9.corp", "WS-9.corp");
    program.import_text("own.json", &own);
    let shown = program.json(&["machine", "identities", "ws-9.corp.example", "--json"]);
    let ids: Vec<_> = shown["records"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!((ids.len(), ids[0]), (2, &Value::from(NEW)));
    assert_eq!(shown["records"][1]["identifiers"][0]["isShared"], true);
    let table = program.run(&["machine", "identities", "ws-9.corp.example"]);
    assert!(table.contains("same DNS name"), "{table}");
    program.run(&["machine", "split", "--undo", OLD]);
    let shown = program.json(&["machine", "identities", NEW, "--json"]);
    assert_eq!(shown["records"].as_array().unwrap().len(), 1);
    assert_eq!(shown["lookalikes"].as_array().unwrap().len(), 2);
}

#[test]
fn what_makes_no_sense_is_refused_with_advice() {
    let program = reinstalled();
    program.run(&["machine", "merge", NEW, OLD]);
    program.import_text("other.json", &nxlog_lines(1, 3));
    for (arguments, expected) in [
        (&["machine", "merge", NEW, NEW][..], "are one machine already"),
        (&["machine", "merge", OLD, "ws3"], "is merged into"),
        (&["machine", "merge", NEW, "nothing"], "there is no machine `nothing`"),
        (&["machine", "merge", "--undo", NEW], "nobody decided that"),
        (&["machine", "split", "ws3.corp.example"], "is one with no other"),
        (&["machine", "split", "--undo", "ws3.corp.example"], "nobody decided that"),
        (&["machine", "split", "ws-9.corp.example"], "name one by its id"),
        (&["machine", "merge", "nothing", "ws3.corp.example"], "there is no machine"),
    ] {
        let said = program.refused(arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

/// A journal tells the machine-id: the host under its short and its full name is one machine, and what
/// both tell is told once.
#[test]
fn a_journal_is_of_one_machine_under_both_its_names() {
    let Some(data) = shared_data() else { return };
    let journal = data.join("linux/capture/lab-web01.sshd.journal.json");
    let once = Program::new();
    once.import(&[&journal]);
    let counts = |program: &Program| {
        let columns = ["user", "domain", "logonCount"];
        let rows = program.run(&["relations", "--json"]);
        let row = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            columns.map(|column| row[column].to_string())
        };
        rows.lines().map(row).collect::<Vec<_>>()
    };
    let text = std::fs::read_to_string(&journal).unwrap();
    let full =
        text.replace("\"_HOSTNAME\":\"lab-web01\"", "\"_HOSTNAME\":\"lab-web01.lab.example\"");
    assert_ne!(full, text);
    for order in [[&text, &full], [&full, &text]] {
        let program = Program::new();
        for (number, journal) in order.into_iter().enumerate() {
            program.import_text(&format!("{number}.json"), journal);
        }
        let machines = program.run(&["query", "machines", "--csv", "--select", "computerDnsName"]);
        assert_eq!(machines, "computerDnsName\nlab-web01.lab.example\n");
        assert_eq!(counts(&program), counts(&once));
        assert!(!counts(&program).is_empty());
        // By the short name too, which is a record of it.
        let shown = program.json(&["machine", "identities", "lab-web01", "--json"]);
        assert_eq!(shown["records"].as_array().unwrap().len(), 2);
        assert_eq!(shown["machine"]["computerDnsName"], "lab-web01.lab.example");
    }
    // Without it the short name alone joins nothing.
    let log = data.join("linux/capture/lab-web01.auth-iso.log");
    let program = Program::new();
    program.import(&[&log]);
    program.run(&["import", "--device", "lab-web01.lab.example", log.to_str().unwrap()]);
    let more =
        std::fs::read_to_string(&log).unwrap().replace(" lab-web01 ", " lab-web01.lab.example ");
    program.import_text("full.log", &more);
    let machines = program.run(&["query", "machines", "--csv", "--select", "computerDnsName"]);
    assert_eq!(machines.lines().count(), 3, "{machines}");
}
