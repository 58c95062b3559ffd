//! What nodes are told to look for is what is read: rows with the columns of each query, and no other.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Columns of osquery 5.23's tables, where the queries may take them from, with a value each.
fn tables() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        (
            "logged_in_users",
            json!({"type": "user", "user": "sessions", "tty": "pts/0", "host": "192.0.2.1",
                "time": "1767600000", "pid": "1", "sid": "", "registry_hive": ""}),
        ),
        (
            "last",
            json!({"username": "history", "tty": "pts/0", "pid": "1", "type": "7",
                "type_name": "user-process", "time": "1767600000", "host": "192.0.2.1"}),
        ),
        (
            "logon_sessions",
            json!({"logon_id": "7", "user": "logons", "logon_domain": "CORP",
                "authentication_package": "Kerberos", "logon_type": "Interactive", "session_id": "1",
                "logon_sid": "S-1-5-21-1-2-3-1001", "logon_time": "1767600000", "logon_server": "",
                "dns_domain_name": "", "upn": "logons@corp.example"}),
        ),
        (
            "system_info",
            json!({"hostname": "node-1", "computer_name": "node-1", "uuid": HARDWARE,
                "cpu_type": "x86_64", "cpu_brand": "x", "hardware_serial": "1",
                "physical_memory": "1", "hardware_model": ""}),
        ),
        (
            "os_version",
            json!({"name": "Ubuntu", "version": "24.04.1 LTS (Noble Numbat)", "build": "",
                "platform": "ubuntu", "arch": "x86_64"}),
        ),
        ("osquery_info", json!({"version": "5.23.9", "build_platform": "linux"})),
        ("interface_addresses a", json!({"a.interface": "eth0", "a.address": "10.1.2.3"})),
        ("interface_details d", json!({"d.mac": "00:11:22:33:44:55", "d.interface": "eth0"})),
    ])
}

/// The row that a query finds: its columns, which must be of its tables.
fn row(sql: &str) -> Value {
    let (columns, from) = sql.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
    let from = from.split_whitespace().collect::<Vec<_>>().join(" ");
    let from = from.split(" ON ").next().unwrap();
    let tables = tables();
    let known: Vec<_> = from
        .split(" JOIN ")
        .map(|table| tables.get(table).unwrap_or_else(|| panic!("no table `{table}`")))
        .collect();
    let mut row = serde_json::Map::new();
    for column in columns.split(',').map(str::trim) {
        let value = known.iter().find_map(|table| table.get(column));
        let value = value.unwrap_or_else(|| panic!("no column `{column}` in {from}")).clone();
        row.insert(column.rsplit('.').next().unwrap().to_owned(), value);
    }
    Value::Object(row)
}

#[tokio::test]
async fn every_query_is_of_tables_that_there_are_and_finds_what_is_read() {
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "node-1", HARDWARE).await;
    let config = server.osquery("config", json!({"node_key": key}).to_string()).await;
    assert_taken(&config);
    let config = config.json();
    let schedule = config["schedule"].as_object().unwrap();
    assert_eq!(schedule.len(), 8);
    let decorator = config["decorators"]["load"][0].as_str().unwrap();
    assert_eq!(decorator, "SELECT uuid AS host_uuid, hostname FROM system_info");
    let mut read = BTreeSet::new();
    for (name, query) in schedule {
        assert!(query["interval"].as_u64().unwrap() >= 60, "{name}");
        let row = row(query["query"].as_str().unwrap());
        let mut line = json!({
            "name": name, "hostIdentifier": "node-1", "unixTime": 1_767_700_000,
            "decorations": {"hostname": "node-1", "host_uuid": HARDWARE},
        });
        if query["snapshot"] == json!(true) {
            line["action"] = "snapshot".into();
            line["snapshot"] = json!([row]);
        } else {
            assert_eq!(query["removed"], json!(false), "{name}");
            line["action"] = "added".into();
            line["columns"] = row;
        }
        let accepted = || async {
            let senders = server.store.senders(server.tenant.number).await.unwrap();
            senders.iter().map(|one| one.counts.accepted + one.counts.duplicates).sum::<u64>()
        };
        let before = accepted().await;
        assert_taken(&server.osquery("log", log(&key, &[line])).await);
        // Each row is a logon or a report.
        assert_eq!(accepted().await, before + 1, "{name}");
        read.insert(name.as_str());
    }
    for user in ["sessions", "history", "logons"] {
        assert_eq!(server.machines_of(user).await, ["node-1"], "{user}");
    }
    let machine = server.get("/api/machines", &server.reader().await).await.json();
    let machine = &machine["value"][0];
    assert_eq!(machine["lastIpAddress"], "10.1.2.3");
    assert_eq!(machine["ipAddresses"][0]["macAddress"], "001122334455");
}

#[tokio::test]
async fn intervals_are_the_settings() {
    let seconds = std::time::Duration::from_secs;
    let settings = Settings {
        sessions_interval: seconds(61),
        history_interval: seconds(62),
        addresses_interval: seconds(63),
        facts_interval: seconds(64),
        distributed_interval: Some(seconds(65)),
        ..Settings::default()
    };
    let server = Server::start(Config { osquery: settings, ..unlimited() }).await;
    let secret = server.enroll_secret("all").await;
    let key = server.enroll(&secret, "node-1", HARDWARE).await;
    let config = server.osquery("config", json!({"node_key": key}).to_string()).await.json();
    let interval = |name: &str| config["schedule"][name]["interval"].clone();
    for (name, expected) in [
        ("footfall_sessions", 61),
        ("footfall_sessions_windows", 61),
        ("footfall_logons", 61),
        ("footfall_last", 62),
        ("footfall_addresses", 63),
        ("footfall_system_info", 64),
    ] {
        assert_eq!(interval(name), json!(expected), "{name}");
    }
    let expected = json!({"disable_distributed": false, "distributed_interval": 65});
    assert_eq!(config["options"], expected);
    assert_eq!(config["schedule"]["footfall_last"]["platform"], "posix");
}
