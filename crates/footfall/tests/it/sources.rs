//! What products report of machines and people, as it comes out at the other end.

use serde_json::json;

use super::*;

/// What `query machines` says of the machine with a name.
fn machine(program: &Program, name: &str) -> Value {
    let filter = format!("computerDnsName eq '{name}'");
    let rows = program.run(&["query", "machines", "--filter", &filter, "--json"]);
    serde_json::from_str(rows.lines().next().unwrap()).unwrap()
}

fn write(program: &Program, name: &str, text: &str) -> PathBuf {
    let path = program.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn an_inventory_comes_back_from_the_answers_of_its_own_api() {
    let program = Program::new();
    let lines = nxlog_lines(500, 1);
    program.import(&[&write(&program, "nxlog.json", &lines)]);
    let server = program.serve(&[]);
    let token = program.token(&["Machine.Read.All", "User.Read.All"]);
    let (status, machines) = server.get("/api/machines", &token);
    assert_eq!(status, 200);
    let mut paths = vec![write(&program, "machines.json", &machines.to_string())];
    for machine in machines["value"].as_array().unwrap() {
        let id = machine["id"].as_str().unwrap();
        let (status, users) = server.get(&format!("/api/machines/{id}/logonusers"), &token);
        assert_eq!(status, 200);
        paths.push(write(&program, &format!("users-{id}.json"), &users.to_string()));
    }
    let other = Program::new();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let summary = other.import(&paths);
    assert_eq!(summary["formats"]["defender"]["rejects"], 0, "{summary}");
    let again = other.import(&paths);
    assert_eq!(again["formats"]["defender"]["logons"], 0, "{again}");
    let relations = |program: &Program| {
        let rows = program.run(&["relations", "--csv"]);
        let mut rows: Vec<String> =
            rows.lines().map(|row| row.rsplit_once(',').unwrap().0.to_owned()).collect();
        rows.sort();
        rows
    };
    let before = relations(&program);
    assert!(before.len() > 100, "{before:?}");
    assert_eq!(relations(&other), before);
}

/// The same machine of Defender's API, of osquery and of Intune.
#[test]
fn facts_do_not_get_worse_in_any_order_and_have_the_vendors_words() {
    let defender = json!({
        "id": "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90", "computerDnsName": "ws-9",
        "firstSeen": "2026-03-01T00:00:00Z", "lastSeen": "2026-04-02T00:00:00Z",
        "osPlatform": "Windows11", "version": "23H2", "osBuild": 22631, "machineTags": ["tier 1"],
    });
    let older = json!({
        "id": "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90", "computerDnsName": "ws-9.old",
        "firstSeen": "2026-02-01T00:00:00Z", "lastSeen": "2026-03-02T00:00:00Z",
        "osPlatform": "Windows10", "version": "22H2", "osArchitecture": "64-bit",
        "machineTags": ["lab"],
    });
    let empty = json!({
        "id": "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90", "computerDnsName": "ws-9",
        "firstSeen": "2026-03-01T00:00:00Z", "lastSeen": "2026-04-03T00:00:00Z",
        "osPlatform": null, "version": "", "osBuild": null, "machineTags": [],
    });
    let texts = [defender, older, empty].map(|machine| machine.to_string());
    let mut seen = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let program = Program::new();
        for at in order {
            program.import(&[&write(&program, "machines.json", &texts[at])]);
        }
        let machine = machine(&program, "ws-9");
        assert_eq!(machine["osPlatform"], "Windows11");
        assert_eq!(machine["version"], "23H2");
        assert_eq!(machine["osBuild"], 22631);
        assert_eq!(machine["osArchitecture"], "64-bit");
        assert_eq!(machine["firstSeen"], "2026-02-01T00:00:00Z");
        assert_eq!(machine["lastSeen"], "2026-04-03T00:00:00Z");
        let mut tags: Vec<_> =
            machine["machineTags"].as_array().unwrap().iter().map(Value::to_string).collect();
        tags.sort();
        assert_eq!(tags, ["\"lab\"", "\"tier 1\""]);
        seen.push(machine["id"].clone());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1);
}

#[test]
fn every_product_gives_the_same_word_for_a_platform() {
    let osquery = json!({
        "name": "os", "hostIdentifier": "rocky-1", "calendarTime": "x", "unixTime": 1_775_000_000,
        "decorations": {"hostname": "rocky-1"}, "action": "added",
        "columns": {"name": "Rocky Linux", "version": "9.5", "platform": "rocky", "arch": "x86_64"},
    });
    let intune = json!({
        "deviceName": "ws-2", "lastSyncDateTime": "2026-04-01T00:00:00Z",
        "operatingSystem": "Windows", "osVersion": "10.0.22631.1",
    });
    let hunting = json!({
        "Timestamp": "2026-04-01T00:00:00Z", "DeviceName": "web-3",
        "DeviceId": "4f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90",
        "OSPlatform": "Linux", "OSDistribution": "Red Hat Enterprise Linux", "OSVersion": "9.5",
    });
    let program = Program::new();
    for (name, record, platform) in [
        ("rocky-1", osquery, "RockyLinux"),
        ("ws-2", intune, "Windows11"),
        ("web-3", hunting, "RedHatEnterpriseLinux"),
    ] {
        program.import(&[&write(&program, name, &record.to_string())]);
        assert_eq!(machine(&program, name)["osPlatform"], platform);
    }
}
