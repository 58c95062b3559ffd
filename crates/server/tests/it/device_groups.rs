//! `/api/deviceGroups`: what apps see of all groups. What people see of theirs is in `visibility`.

use axum::http::StatusCode;
use inventory::access::device_group::{AutomationLevel, Condition, Operator, OsCondition, Rules};
use inventory::access::directory::{DeviceGroupSettings, RolePermission, RoleSettings};
use inventory::time::TICKS_PER_SECOND;

use crate::harness::Server;

/// Workstations for the first line, servers for everybody.
async fn with_groups() -> Server {
    let server = Server::with_inventory().await;
    let now = server.now();
    let starts_with =
        |value: &str| vec![Condition { condition: Operator::StartsWith, value: value.to_owned() }];
    let settings = |name: &str, rules| DeviceGroupSettings {
        name: name.to_owned(),
        description: format!("All {name}"),
        automation_level: AutomationLevel::SemiRequireApprovalForCoreFolders,
        rules,
    };
    server
        .change_directory(|directory| {
            directory.add_directory_group("4f2d", "First line").unwrap();
            let role = RoleSettings {
                name: "Viewer".to_owned(),
                description: String::new(),
                permissions: vec![RolePermission::ViewData],
            };
            directory.add_role(role).unwrap();
            directory.assign("Viewer", "4f2d").unwrap();
            let workstations = Rules {
                devices_names_conditions: starts_with("ws-"),
                devices_os_conditions: vec![OsCondition {
                    condition: Operator::In,
                    values_list: vec!["Windows10".to_owned(), "Windows11".to_owned()],
                }],
                ..Rules::default()
            };
            let workstations = settings("workstations", workstations);
            directory.add_device_group(workstations, now).unwrap();
            directory.set_access("workstations", &["4f2d".to_owned()], now).unwrap();
            let servers =
                Rules { devices_names_conditions: starts_with("srv-"), ..Rules::default() };
            directory.add_device_group(settings("servers", servers), now).unwrap();
        })
        .await;
    server
}

#[tokio::test]
async fn all_groups_by_rank() {
    let server = with_groups().await;
    let token = server.reader().await;
    let answer = server.get("/api/deviceGroups", &token).await;
    insta::assert_snapshot!(server.show(&answer));
    for path in ["/api/devicegroups/", "/api/v1.0/DeviceGroups"] {
        assert_eq!(server.get(path, &token).await.text(), answer.text(), "{path}");
    }
    let machines = server.get("/api/machines", &token).await.json();
    for group in answer.json()["value"].as_array().unwrap() {
        let is_in = |machine: &&serde_json::Value| machine["rbacGroupId"] == group["id"];
        let count = machines["value"].as_array().unwrap().iter().filter(is_in).count();
        assert_eq!(group["deviceCount"], count, "{group}");
    }
}

#[tokio::test]
async fn one_group() {
    let server = with_groups().await;
    let token = server.reader().await;
    let answer =
        server.get("/api/deviceGroups/2?$select=deviceCount,DEVICEGROUPNAME", &token).await;
    insta::assert_snapshot!(server.show(&answer));
    for path in ["/api/DeviceGroups/2", "/api/v1.0/deviceGroups/%202/"] {
        assert_eq!(server.get(path, &token).await.json()["deviceGroupName"], "servers", "{path}");
    }
    for id in ["3", "-1", "02", "+2", "2.0", "99999999999", "servers", "%20"] {
        let answer = server.get(&format!("/api/deviceGroups/{id}"), &token).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
        assert_eq!(answer.error().0, "ResourceNotFound", "{id}");
    }
    let long = server.get(&format!("/api/deviceGroups/{}", "x".repeat(5000)), &token).await;
    assert_eq!(long.error().1, format!("Device group {} was not found", "x".repeat(256)));
}

#[tokio::test]
async fn pages_of_groups() {
    let server = with_groups().await;
    let token = server.reader().await;
    let ids = async |query: &str| {
        let answer = server.get(&format!("/api/deviceGroups?{query}"), &token).await.json();
        let rows = answer["value"].as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [1, 2, 0]);
    assert_eq!(ids("$top=2").await, [1, 2]);
    assert_eq!(ids("$skip=1&$top=1&$select=id").await, [2]);
    for query in ["$skip=9223372036854775807", "$top=0"] {
        assert!(ids(query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_changed_group_shows_in_the_next_answer() {
    let server = with_groups().await;
    let token = server.reader().await;
    let group = async || server.get("/api/deviceGroups/2", &token).await.json();
    assert_eq!(group().await["deviceCount"], 1);
    server.clock.advance(TICKS_PER_SECOND);
    let now = server.now();
    let everything = vec![Condition { condition: Operator::Contains, value: "0".to_owned() }];
    let rules = Rules { devices_names_conditions: everything, ..Rules::default() };
    server
        .change_directory(|directory| {
            let settings = DeviceGroupSettings {
                name: "all".to_owned(),
                description: String::new(),
                automation_level: AutomationLevel::default(),
                rules,
            };
            directory.change_device_group("2", settings, now).unwrap();
        })
        .await;
    let group = group().await;
    assert_eq!((&group["deviceGroupName"], &group["deviceCount"]), (&"all".into(), &2.into()));
    assert_eq!(group["lastUpdateTime"], now.to_string());
}
