//! A row of `/api/users` says what its id answers, and no two rows have one id: with accounts that share a
//! name, that are told with and without their SID, and whose names are hard to write in a path.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use inventory::account::Account;
use inventory::logon::Logon;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::harness::{Server, time, unlimited};
use crate::inventory::logon;

/// User, domain and SID as logs have them, and the machine.
const LOGONS: &[(&str, &str, &str, &str)] = &[
    // One domain, in both forms, and told without the SID in either.
    ("jdoe", "CORP", "S-1-5-21-1-1-1-1104", "ws-1"),
    ("jdoe", "corp.example", "S-1-5-21-1-1-1-1104", "ws-2"),
    ("jdoe", "CORP", "", "ws-2"),
    ("jdoe", "corp.example", "", "ws-3"),
    // A domain that was built anew.
    ("jdoe", "LAB", "S-1-5-21-2-2-2-1104", "ws-1"),
    ("jdoe", "LAB", "S-1-5-21-3-3-3-1104", "ws-4"),
    ("jdoe", "LAB", "S-1-5-21-3-3-3-1104", "ws-1"),
    // Another forest with the same short name, which its long name tells apart.
    ("anna", "CORP", "S-1-5-21-1-1-1-1105", "ws-1"),
    ("anna", "CORP", "S-1-5-21-4-4-4-1105", "ws-2"),
    ("anna", "corp.other", "S-1-5-21-4-4-4-1105", "ws-3"),
    // Without a domain, beside others and alone.
    ("jdoe", "", "", "linux-1"),
    ("jdoe", "", "S-1-5-21-5-5-5-1000", "linux-2"),
    ("root", "", "", "linux-1"),
    // Local accounts of one name.
    ("admin", "ws-1", "S-1-5-21-6-6-6-500", "ws-1"),
    ("admin", "ws-2", "S-1-5-21-7-7-7-500", "ws-2"),
    ("admin", "ws-2", "S-1-5-21-8-8-8-500", "ws-2"),
    ("carl@cloud.example", "AzureAD", "S-1-12-1-1-2-3-4", "ws-1"),
    // Names that are hard to write in a path.
    ("a/b", "corp", "", "ws-1"),
    ("50%", "corp", "", "ws-1"),
    ("%2e", "", "", "ws-1"),
    ("..", "", "", "ws-1"),
    ("chris phillips", "", "", "ws-1"),
    ("o'neil(1)", "corp", "", "ws-1"),
    ("a+b&c=d#e?f;g", "c/d", "", "ws-1"),
    ("müller", "bÜro\\unter", "", "ws-1"),
    ("x\"y", "d@e", "", "ws-1"),
    ("s-1-5-21-9-9-9-1104", "", "", "ws-1"),
];

async fn server() -> Server {
    let server = Server::start(unlimited()).await;
    let at = time("2026-11-20T08:00:00Z");
    let logons = LOGONS.iter().zip(0..).map(|(&(user, domain, sid, machine), number)| Logon {
        account: Account::from_log(user, domain, sid).unwrap(),
        ..logon("x", "", machine, [2, 3, 10][number % 3], at.plus_seconds(number as i64).unwrap())
    });
    server.store.record(server.tenant.number, logons.collect()).await.unwrap();
    server
}

fn path(id: &str) -> String {
    format!("/api/users/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

/// Every row of a list, page by page.
async fn walk(server: &Server, token: &str, query: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = Some(format!("/api/users?{query}"));
    while let Some(path) = next {
        let answer = server.get(&path, token).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let body = answer.json();
        rows.extend(body["value"].as_array().unwrap().clone());
        let link = body["@odata.nextLink"].as_str();
        next = link.map(|link| link.strip_prefix("http://footfall.example").unwrap().to_owned());
    }
    rows
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_row_says_what_its_id_answers() {
    let server = server().await;
    let token = server.reader().await;
    let rows = walk(&server, &token, "").await;
    let ids: BTreeSet<&str> = rows.iter().map(id).collect();
    assert_eq!(ids.len(), rows.len(), "{ids:?}");
    for row in &rows {
        let answer = server.get(&path(id(row)), &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", id(row));
        let mut entity = answer.json();
        entity.as_object_mut().unwrap().remove("@odata.context");
        assert_eq!(entity, *row);
        let machines = server.get(&format!("{}/machines", path(id(row))), &token).await.names();
        assert_eq!(Value::from(machines.len()), row["logOnMachinesCount"], "{}", id(row));
        let quoted = id(row).replace('\'', "''");
        let quoted = utf8_percent_encode(&quoted, NON_ALPHANUMERIC);
        let found =
            walk(&server, &token, &format!("$filter=id+eq+'{quoted}'&$expand=machines")).await;
        assert_eq!(found.len(), 1, "{}", id(row));
        let expanded: Vec<_> = found[0]["machines"].as_array().unwrap().iter().collect();
        let named: Vec<_> =
            expanded.iter().map(|it| it["computerDnsName"].as_str().unwrap()).collect();
        assert_eq!(named, machines, "{}", id(row));
        let count = format!(
            "/api/users/$count?$filter=id+eq+'{quoted}'+and+machines/$count+eq+{}",
            machines.len()
        );
        assert_eq!(server.get(&count, &token).await.text(), "1", "{}", id(row));
    }
    for query in ["pageSize=1", "pageSize=2", "pageSize=3", "pageSize=4&$orderby=lastSeen+desc"] {
        let mut walked = walk(&server, &token, query).await;
        walked.sort_by_key(|row| rows.iter().position(|one| one == row));
        assert_eq!(walked, rows, "{query}");
    }
    for skip in 0..rows.len() {
        let page = walk(&server, &token, &format!("$skip={skip}&$top=2")).await;
        assert_eq!(page, rows[skip..rows.len().min(skip + 2)]);
    }
    let count = server.get("/api/users/$count", &token).await;
    assert_eq!(count.text(), rows.len().to_string());
}

#[tokio::test]
async fn accounts_of_one_name_are_the_users_that_their_domains_make() {
    let server = server().await;
    let token = server.reader().await;
    let rows = walk(&server, &token, "$filter=accountName+in+('jdoe','anna','admin','root')").await;
    let said: Vec<_> = rows
        .iter()
        .map(|row| {
            (id(row), row["logOnMachinesCount"].as_u64().unwrap(), row["accountSid"].as_str())
        })
        .collect();
    let corp = Some("S-1-5-21-1-1-1-1104");
    assert_eq!(
        said,
        [
            ("ws-1\\admin", 1, Some("S-1-5-21-6-6-6-500")),
            ("ws-2\\admin", 1, None),
            ("corp\\anna", 3, None),
            ("\\jdoe", 2, Some("S-1-5-21-5-5-5-1000")),
            ("corp\\jdoe", 3, corp),
            ("lab\\jdoe", 2, None),
            ("root", 1, None),
        ]
    );
    let machines =
        async |id: &str| server.get(&format!("{}/machines", path(id)), &token).await.names();
    // The bare name is everybody of it, as with the vendor; another form of the domain who has it.
    assert_eq!(machines("jdoe").await.len(), 6);
    assert_eq!(machines("corp.other\\anna").await, ["ws-2", "ws-3"]);
    // What is told of part of a user has an id that answers that part.
    for asked in ["jdoe", "corp.other\\anna", "S-1-5-21-3-3-3-1104", "anna@corp.other", "admin"] {
        let entity = server.get(&path(asked), &token).await.json();
        let again = server.get(&path(id(&entity)), &token).await.json();
        assert_eq!(entity, again, "{asked}");
        let machines = machines(id(&entity)).await;
        assert_eq!(Value::from(machines.len()), entity["logOnMachinesCount"], "{asked}");
        assert_eq!(machines, self::names(&server, &token, asked).await, "{asked}");
    }
}

/// Nobody is merged without a word, for who asks for it.
#[tokio::test]
async fn a_user_tells_which_accounts_share_the_name() {
    let server = server().await;
    let token = server.reader().await;
    let told = async |asked: &str| -> Vec<(Value, bool)> {
        let entity = server.get(&format!("{}?accounts=true", path(asked)), &token).await.json();
        let accounts = entity["@footfall.accounts"].as_array().unwrap().clone();
        let one = |it: &Value| (it["accountDomain"].clone(), it["isMeant"].as_bool().unwrap());
        accounts.iter().map(one).collect()
    };
    assert_eq!(told("jdoe").await.len(), 7);
    assert!(told("jdoe").await.iter().all(|(_, is_meant)| *is_meant));
    let of_lab = told("LAB\\jdoe").await;
    assert_eq!(of_lab.iter().filter(|(_, is_meant)| *is_meant).count(), 2);
    assert!(of_lab[..2].iter().all(|(domain, _)| domain == "lab"), "{of_lab:?}");
    assert_eq!(told("root").await, [(Value::Null, true)]);
    let plain = server.get(&path("jdoe"), &token).await.json();
    assert_eq!(plain.get("@footfall.accounts"), None);
}

async fn names(server: &Server, token: &str, asked: &str) -> Vec<String> {
    server.get(&format!("{}/machines", path(asked)), token).await.names()
}

#[tokio::test]
async fn the_users_of_a_machine_have_ids_of_their_own_too() {
    let server = server().await;
    let token = server.reader().await;
    for machine in ["ws-1", "ws-2", "ws-3", "ws-4", "linux-1", "linux-2"] {
        let users = server.get(&format!("/api/machines/{machine}/logonusers"), &token).await.json();
        let users = users["value"].as_array().unwrap().clone();
        let ids: BTreeSet<&str> = users.iter().map(id).collect();
        assert_eq!(ids.len(), users.len(), "{machine}: {ids:?}");
        let expand =
            format!("/api/machines?$filter=computerDnsName+eq+'{machine}'&$expand=logOnUsers");
        let expanded = server.get(&expand, &token).await.json();
        let expanded: BTreeSet<String> = expanded["value"][0]["logOnUsers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| id(user).to_owned())
            .collect();
        assert_eq!(expanded.iter().map(String::as_str).collect::<BTreeSet<_>>(), ids);
        for user in &users {
            let on = names(&server, &token, id(user)).await;
            assert!(on.contains(&machine.to_owned()), "{} on {machine}: {on:?}", id(user));
        }
    }
}
