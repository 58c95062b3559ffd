//! The query language over HTTP: the vendor's own examples, clients' habits, expansions, counts, walks.

use axum::http::StatusCode;
use inventory::access::Permission;
use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::machine::{ExposureLevel, MachineFacts, MachineReport, RiskScore};
use serde_json::{Value, json};

use crate::harness::{Answer, Server, time, unlimited};

/// Four machines and who was on them.
async fn fleet() -> Server {
    let server = Server::start(unlimited()).await;
    let (store, tenant) = (&server.store, server.tenant.number);
    let machines = [
        (
            "ws-1.corp.example",
            "2026-11-22T08:00:00.5Z",
            "Windows11",
            RiskScore::High,
            &["vip", "laptop"][..],
        ),
        ("ws-2.corp.example", "2026-11-23T08:00:00Z", "Windows10", RiskScore::Low, &["laptop"]),
        ("srv-1.lab.example", "2026-11-01T08:00:00Z", "WindowsServer2022", RiskScore::Medium, &[]),
        ("MÜLLER-PC", "2026-11-23T09:00:00Z", "Windows11", RiskScore::None, &["Büro"]),
    ];
    for (name, at, platform, risk, tags) in machines {
        let facts = MachineFacts {
            os_platform: Some(platform.to_owned()),
            risk_score: Some(risk),
            exposure_level: (name == "ws-1.corp.example").then_some(ExposureLevel::High),
            os_build: Some(22631),
            ..MachineFacts::default()
        };
        let machine = MachineRef::named(name);
        let report = MachineReport { machine, time: time(at), facts };
        store.describe(tenant, vec![report]).await.unwrap();
        let selector = inventory::query::MachineSelector::parse(name).unwrap();
        let scope = inventory::access::scope::Scope::whole(tenant);
        let id = store.machine(&scope, &selector).await.unwrap().unwrap().id;
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        crate::harness::set_tags(&**store, &scope, id, tags).await;
    }
    let logon = |user: &str, machine: &str, at: &str, kind: u32, session: u64| Logon {
        account: Account::from_log(user, "", "").unwrap(),
        machine: MachineRef::named(machine),
        time: time(at),
        logon_type: LogonType::new(kind).unwrap(),
        remote_address: None,
        remote_name: None,
        source: Source::Evtx,
        key: EventKey { session, record: Some(session) },
    };
    let logons = vec![
        logon("corp\\jdoe", "ws-1.corp.example", "2026-11-20T08:00:00Z", 2, 1),
        logon("corp\\jdoe", "ws-1.corp.example", "2026-11-21T08:00:00Z", 2, 2),
        logon("corp\\jdoe", "srv-1.lab.example", "2026-10-31T08:00:00Z", 10, 3),
        logon("lab\\anna", "srv-1.lab.example", "2026-10-30T08:00:00Z", 3, 4),
        logon("corp\\anna", "ws-2.corp.example", "2026-11-22T08:00:00Z", 2, 5),
    ];
    store.record(tenant, logons).await.unwrap();
    server
}

async fn names(server: &Server, token: &str, query: &str) -> Vec<String> {
    let mut names = server.get(&format!("/api/machines?{query}"), token).await.names();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn filters_as_the_vendor_and_its_clients_write_them() {
    let server = fleet().await;
    let token = server.reader().await;
    let (one, two, lab, odd) =
        ("ws-1.corp.example", "ws-2.corp.example", "srv-1.lab.example", "MÜLLER-PC");
    for (query, expected) in [
        // The vendor's page (§5.2).
        ("$filter=riskScore+eq+'High'", &[one][..]),
        ("$filter=healthStatus%20ne%20'Active'&$top=10", &[lab]),
        ("$filter=lastSeen gt 2026-11-20Z".replace(' ', "%20").leak(), &[odd, one, two]),
        ("$filter=machineTags/any(tag:+tag+eq+'LAPTOP')", &[one, two]),
        ("$filter=startswith(computerDnsName,'WS-')", &[one, two]),
        ("$filter=startswith(computerDnsName,+'ws-1')+and+riskScore+eq+'high'", &[one]),
        // Members of enumerations without quotes, on either side.
        ("$filter=riskScore+eq+high+and+healthStatus+ne+Inactive", &[one]),
        ("$filter=None+lt+exposureLevel", &[one]),
        ("$filter=ipAddresses/any(a:a/type+eq+Ethernet)", &[]),
        ("$filter=riskScore+in+(high,'Low')", &[one, two]),
        ("$filter=riskScore+in+[High,Low]+and+riskScore+has+Low", &[two]),
        ("$filter=logOnUsers/any(u:u/logonTypes+has+RemoteInteractive)", &[lab]),
        // Clients' spellings (§11, §13.9, §13.12).
        ("%24filter=ComputerDNSName+eq+%27ws-1.corp.example%27&", &[one]),
        ("%24FILTER=riskscore%20in%20('High','Low')", &[one, two]),
        ("$filter=lastSeen%20ge%202026-11-23T08:00:00.000Z", &[odd, two]),
        ("$filter=lastSeen+lt+2026-11-22T09:00:00%2B01:00", &[lab]),
        ("$filter=not+contains(osPlatform,'server')+and+exposureLevel+ne+'None'", &[one]),
        (
            "$filter=endswith(computerDnsName,'.LAB.example')+or+osPlatform+eq+'windows10'",
            &[lab, two],
        ),
        ("$filter=computerDnsName+eq+'m%C3%BCller-pc'", &[odd]),
        ("$filter=machineTags/any(t:t+eq+'b%C3%9Cro')", &[odd]),
        ("$filter=machineTags/$count+gt+1", &[one]),
        ("$filter=not+machineTags/any()", &[lab]),
        ("$filter=year(lastSeen)+eq+2026+and+day(lastSeen)+lt+22", &[lab]),
        ("$filter=osBuild+sub+22000+gt+600+and+riskScore+gt+'Low'", &[lab, one]),
        ("$filter=tolower(concat(osPlatform,'!'))+eq+'windows11!'", &[odd, one]),
        (
            "$filter=aadDeviceId+eq+null+and+isAadJoined+eq+false+and+rbacGroupId+eq+0",
            &[odd, lab, one, two],
        ),
        (
            "$filter=logOnUsers/any(u:u/accountName+eq+'JDOE'+and+u/logonTypes+has+'RemoteInteractive')",
            &[lab],
        ),
        ("$search=corp+NOT+ws-2", &[one]),
        ("$search=%22ws-1.corp%22+OR+lab", &[lab, one]),
    ] {
        assert_eq!(names(&server, &token, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn orders_counts_and_pages() {
    let server = fleet().await;
    let token = server.reader().await;
    let order =
        async |query: &str| server.get(&format!("/api/machines?{query}"), &token).await.names();
    assert_eq!(order("").await[0], "MÜLLER-PC", "the last seen first");
    assert_eq!(
        order("$orderby=riskScore+desc,computerDnsName").await,
        ["ws-1.corp.example", "srv-1.lab.example", "ws-2.corp.example", "MÜLLER-PC"]
    );
    assert_eq!(order("$orderby=logOnUsers/$count+desc&$top=1").await, ["srv-1.lab.example"]);
    let counted = server.get("/api/machines?$count=true&$top=1&$filter=osBuild+gt+1", &token).await;
    assert_eq!(counted.json()["@odata.count"], 4);
    assert_eq!(counted.names().len(), 1);
    assert!(counted.text().find("odata.count") < counted.text().find("\"value\""));
    let bare = server.get("/api/machines/$count?$filter=riskScore+eq+'High'", &token).await;
    assert_eq!((bare.text(), bare.header("content-type")), ("1", "text/plain; charset=utf-8"));
    let selected = server.get("/api/machines?$select=ID,lastSeen&$top=1", &token).await;
    let row = selected.json()["value"][0].as_object().unwrap().clone();
    assert_eq!(row.keys().collect::<Vec<_>>(), ["id", "lastSeen"]);
    assert!(selected.text().contains("$metadata#Machines(id,lastSeen)"), "{}", selected.text());
}

#[tokio::test]
async fn how_and_when_a_user_was_on_a_machine() {
    let server = fleet().await;
    let token = server.reader().await;
    let path = "/api/users/jdoe/machines?$expand=logOnUsers($filter=accountName+eq+'jdoe')\
                &$select=computerDnsName&$orderby=lastSeen+desc";
    let answer = server.get(path, &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["value"][0]["computerDnsName"], "ws-1.corp.example");
    let user = &body["value"][0]["logOnUsers"][0];
    assert_eq!(user["id"], "corp\\jdoe");
    assert_eq!(user["firstSeen"], "2026-11-20T08:00:00Z");
    assert_eq!(user["lastSeen"], "2026-11-21T08:00:00Z");
    assert_eq!(user["logonTypes"], "Interactive");
    assert_eq!(user["@footfall.logonCount"], 2);
    assert_eq!(body["value"][1]["logOnUsers"].as_array().unwrap().len(), 1);
    let context = body["@odata.context"].as_str().unwrap();
    assert!(context.ends_with("#Machines(computerDnsName,logOnUsers())"), "{context}");
    // Options inside.
    let path = "/api/machines?$filter=startswith(computerDnsName,'srv')\
                &$expand=logOnUsers($select=accountName;$orderby=accountName+desc;$top=1;$count=true)";
    let row = server.get(path, &token).await.json()["value"][0].clone();
    assert_eq!(row["logOnUsers@odata.count"], 2);
    assert_eq!(row["logOnUsers"], json!([{"accountName": "jdoe", "@footfall.logonCount": 1}]));
    // The machine's users themselves.
    let users = async |query: &str| -> Vec<Value> {
        let path = format!("/api/machines/srv-1.lab.example/logonusers?{query}");
        let answer = server.get(&path, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["value"].as_array().unwrap().iter().map(|user| user["id"].clone()).collect()
    };
    assert_eq!(users("").await, ["corp\\jdoe", "lab\\anna"]);
    assert_eq!(users("$filter=isOnlyNetworkUser").await, ["lab\\anna"]);
    assert_eq!(users("$orderby=id+desc&$top=1").await, ["lab\\anna"]);
    assert_eq!(users("$search=jdoe").await, ["corp\\jdoe"]);
}

/// Whether somebody is on a machine is for those who may read users.
#[tokio::test]
async fn users_are_asked_about_by_those_who_may_read_them() {
    let server = fleet().await;
    let token = server.token(&[Permission::MachineReadAll]).await;
    for query in [
        "$expand=logOnUsers",
        "$filter=logOnUsers/any(u:u/accountName+eq+'jdoe')",
        "$filter=not+(osBuild+eq+5+or+logOnUsers/$count+gt+1)",
        "$orderby=logOnUsers/$count",
    ] {
        for path in
            ["machines", "machines/$count", "users/jdoe/machines", "machines/unTaggedMachines"]
        {
            let answer = server.get(&format!("/api/{path}?{query}"), &token).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {query}");
            assert!(answer.error().1.contains("User.Read.All"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn machines_are_found_by_tag_and_domain() {
    let server = fleet().await;
    let token = server.reader().await;
    let found = async |path: &str| -> Vec<String> {
        let answer: Answer = server.get(&format!("/api/{path}"), &token).await;
        let mut names = answer.names();
        names.sort_unstable();
        names
    };
    let laptops = ["ws-1.corp.example", "ws-2.corp.example"];
    assert_eq!(found("machines/findbytag?tag=laptop&useStartsWithFilter=False").await, laptops);
    assert_eq!(found("machines/FindByTag?tag=LAP&useStartsWithFilter=True").await, laptops);
    assert_eq!(found("machines/findbytag?tag=lap").await, [""; 0]);
    assert_eq!(found("machines/findbytag?tag=b%C3%BCro").await, ["MÜLLER-PC"]);
    assert_eq!(
        found("machines/findbytag?tag=laptop&$filter=riskScore+eq+'High'").await,
        ["ws-1.corp.example"]
    );
    assert_eq!(found("v1.0/machines/untaggedmachines/").await, ["srv-1.lab.example"]);
    assert_eq!(found("domains/CORP.example/machines").await, laptops);
    assert_eq!(found("domains/nowhere.example/machines").await, [""; 0]);
}

/// A walk by key: machines that come, are seen again or go meanwhile neither repeat nor make others
/// vanish.
#[tokio::test]
async fn a_walk_loses_nothing_while_machines_come_move_and_go() {
    for (page_rows, machines) in [(1, 40), (7, 200), (1_000, 4_500), (10_000, 20_500)] {
        for order in ["", "&$orderby=osBuild+desc,firstSeen"] {
            walk(page_rows, machines, order).await;
        }
    }
}

async fn walk(page_rows: u64, machines: i64, order: &str) {
    let server = Server::start(unlimited()).await;
    let report = |number: i64, at: &str| MachineReport {
        machine: MachineRef::named(format!("pc-{number:05}")),
        time: time(at).plus_seconds(number).unwrap(),
        facts: MachineFacts { os_build: Some(number % 7), ..MachineFacts::default() },
    };
    let (store, tenant) = (&server.store, server.tenant.number);
    // Every tenth was last seen in October, and goes while the walk goes on.
    let goes = |number: i64| number % 10 == 3;
    let at = |number| if goes(number) { "2026-10-01T00:00:00Z" } else { "2026-11-01T00:00:00Z" };
    let first = (0..machines).map(|number| report(number, at(number))).collect();
    store.describe(tenant, first).await.unwrap();
    let token = server.reader().await;
    let mut seen = Vec::new();
    let mut pages = 0;
    let mut next =
        Some(format!("/api/machines?$select=computerDnsName{order}&pageSize={page_rows}"));
    while let Some(path) = next {
        let page = server.get(&path, &token).await;
        let names = page.names();
        let link = page.json()["@odata.nextLink"].as_str().map(str::to_owned);
        assert!(link.is_none() || names.len() as u64 == page_rows, "a short page before the last");
        seen.extend(names);
        next = link.map(|link| link.strip_prefix("http://footfall.example").unwrap().to_owned());
        pages += 1;
        // Of these some come before the place of the walk and some after it.
        let come = (0..2).map(|new| report(90_000 - pages * 2 - new, "2026-11-20T00:00:00Z"));
        let seen_again = (0..machines)
            .filter(|number| number % 401 == pages % 401 && !goes(*number))
            .map(|number| report(number, "2026-11-20T00:00:00Z"));
        // Who is asked for by a key that moves cannot be walked by it; first sight never moves.
        store.describe(tenant, seen_again.chain(come).take(50).collect()).await.unwrap();
        if pages == 2 {
            store.prune(tenant, time("2026-10-15T00:00:00Z").day()).await.unwrap();
        }
        assert!(pages < 500, "the walk ends");
    }
    assert!(pages >= 3, "{page_rows}");
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all, "none comes twice, {page_rows}{order}");
    let stays = |name: &String| {
        let number: i64 = name["pc-".len()..].parse().unwrap();
        number < machines && !goes(number)
    };
    let stayed = seen.iter().filter(|name| stays(name)).count() as i64;
    assert_eq!(stayed, (0..machines).filter(|&number| !goes(number)).count() as i64);
}

#[tokio::test]
async fn a_thousand_users_are_one_question() {
    let server = fleet().await;
    let token = server.reader().await;
    let mut names: Vec<_> = (0..998).map(|number| format!("'somebody-{number}'")).collect();
    names.extend(["'jdoe'".to_owned(), "'ANNA'".to_owned()]);
    let path = format!(
        "/api/users?$filter=accountName+in+({})&$expand=machines($select=computerDnsName)",
        names.join(",")
    );
    let answer = server.get(&path, &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    let rows = body["value"].as_array().unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["corp\\anna", "lab\\anna", "corp\\jdoe"]);
    let jdoe = &rows[2];
    assert_eq!(jdoe["logOnMachinesCount"], 2);
    assert_eq!(jdoe["logonTypes"], "Interactive, RemoteInteractive");
    assert_eq!(jdoe["firstSeen"], "2026-10-31T08:00:00Z");
    let machine = &jdoe["machines"][0];
    assert_eq!(machine["computerDnsName"], "ws-1.corp.example");
    assert_eq!(machine["@footfall.firstLogon"], "2026-11-20T08:00:00Z");
    assert_eq!(machine["@footfall.lastLogon"], "2026-11-21T08:00:00Z");
    assert_eq!(machine["@footfall.logonTypes"], "Interactive");
    assert_eq!(machine["@footfall.logonCount"], 2);
    let all = server.get("/api/machines", &token).await.json();
    let id_of = |name: &str| {
        let rows = all["value"].as_array().unwrap();
        rows.iter().find(|row| row["computerDnsName"] == name).unwrap()["id"].clone()
    };
    assert_eq!(jdoe["mostPrevalentMachineId"], id_of("ws-1.corp.example"));
    assert_eq!(jdoe["leastPrevalentMachineId"], id_of("srv-1.lab.example"));
    let context = body["@odata.context"].as_str().unwrap();
    assert!(context.ends_with("#Users(machines(computerDnsName))"), "{context}");
}

#[tokio::test]
async fn users_are_filtered_ordered_counted_and_found() {
    let server = fleet().await;
    let token = server.reader().await;
    let ids = async |query: &str| -> Vec<String> {
        let answer = server.get(&format!("/api/users?{query}"), &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        let body = answer.json();
        let rows = body["value"].as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let (anna, lab, jdoe) = ("corp\\anna", "lab\\anna", "corp\\jdoe");
    assert_eq!(ids("").await, [anna, lab, jdoe]);
    assert_eq!(ids("$orderby=logOnMachinesCount+desc,id").await, [jdoe, anna, lab]);
    assert_eq!(ids("$filter=isOnlyNetworkUser").await, [lab]);
    assert_eq!(
        ids("$filter=logonTypes+has+'Interactive'+and+lastSeen+gt+2026-11-21Z").await,
        [anna, jdoe]
    );
    assert_eq!(
        ids("$filter=machines/any(m:startswith(m/osPlatform,'windowsserver'))").await,
        [lab, jdoe]
    );
    assert_eq!(ids("$filter=machines/$count+gt+1+or+accountDomain+eq+'LAB'").await, [lab, jdoe]);
    assert_eq!(ids("$filter=mostPrevalentMachineId+ne+null&$top=1&$skip=1").await, [lab]);
    assert_eq!(ids("$search=corp+NOT+anna").await, [jdoe]);
    let count = server.get("/api/users/$count?$filter=accountName+eq+'anna'", &token).await;
    assert_eq!(count.text(), "2");
    let one = server.get("/api/users/CORP%5Cjdoe", &token).await.json();
    assert_eq!(one["id"], jdoe);
    assert!(one["@odata.context"].as_str().unwrap().ends_with("#Users/$entity"));
    // Two of a name are one user, as their machines are.
    let both = server.get("/api/users/anna", &token).await.json();
    assert_eq!((both["id"].as_str(), both["logOnMachinesCount"].as_u64()), (Some("anna"), Some(2)));
    assert_eq!(both["logonTypes"], "Interactive, Network");
    let nobody = server.get("/api/users/nobody", &token).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert_eq!(
        nobody.error(),
        ("ResourceNotFound".to_owned(), "User nobody was not found".to_owned())
    );
    // Which machines are a user's is for those who may read machines.
    let token = server.token(&[Permission::UserReadAll]).await;
    for query in ["$expand=machines", "$filter=machines/any()", "$orderby=machines/$count"] {
        let answer = server.get(&format!("/api/users?{query}"), &token).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{query}");
        assert!(answer.error().1.contains("Machine.Read.All"), "{}", answer.text());
    }
}

#[tokio::test]
async fn expansions_say_from_where_logons_came_to_who_asks() {
    let server = Server::with_inventory().await;
    let from = |machine: &str, at: &str, address: &str, name: &str| inventory::logon::Logon {
        remote_address: address.parse().ok(),
        remote_name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        ..crate::inventory::logon("jdoe", "CORP", machine, 10, time(at))
    };
    let logons = vec![
        from("ws-014.corp.example", "2026-11-21T08:00:00Z", "10.1.1.1", "JUMP01"),
        from("ws-014.corp.example", "2026-11-22T08:00:00Z", "fe80::5", ""),
        from("srv-01", "2026-11-22T09:00:00Z", "10.1.1.2", ""),
    ];
    server.store.record(server.tenant.number, logons).await.unwrap();
    let token = server.reader().await;
    let user = "$filter=id+eq+'corp\\jdoe'&$select=id&$expand=machines($select=computerDnsName)";
    let machine = "$filter=computerDnsName+eq+'WS-014.corp.example'&$select=id\
        &$expand=logOnUsers($select=id)";
    for (path, inside, name) in [
        (format!("/api/users?{user}"), "machines", "computerDnsName"),
        (format!("/api/machines?{machine}"), "logOnUsers", "id"),
    ] {
        let plain = server.get(&path, &token).await.json();
        assert_eq!(plain["value"][0][inside][0]["@footfall.remoteAddresses"], Value::Null);
        let answer = server.get(&format!("{path}&RemoteAddresses=True"), &token).await.json();
        let rows = answer["value"][0][inside].as_array().unwrap();
        let row = rows.iter().find(|row| row[name].as_str().unwrap().contains("o")).unwrap();
        assert_eq!(row["@footfall.remoteAddresses"], json!(["fe80::5", "10.1.1.1"]), "{answer}");
        assert_eq!(row["@footfall.remoteNames"], json!(["JUMP01"]));
    }
}

#[tokio::test]
async fn a_moment_leaves_who_was_there_with_the_sessions() {
    use inventory::session::{SessionChange, SessionEvent};
    let server = fleet().await;
    let token = server.reader().await;
    let change = |session: u64, at: &str, change| SessionEvent {
        machine: MachineRef::named("WS-1.corp.example"),
        session,
        time: time(at),
        change,
    };
    let changes = vec![
        change(2, "2026-11-21T09:00:00Z", SessionChange::Locked),
        change(2, "2026-11-21T17:00:00.25Z", SessionChange::LoggedOff),
    ];
    server.store.note_sessions(server.tenant.number, changes).await.unwrap();

    let path =
        "/api/users/jdoe/machines?at=2026-11-21T12:00:00Z&$count=true&$select=computerDnsName";
    let answer = server.get(path, &token).await;
    let session = json!({
        "since": "2026-11-21T08:00:00Z", "until": "2026-11-21T17:00:00.25Z", "state": "Locked",
        "logonType": "Interactive", "remoteAddress": null, "remoteName": null,
    });
    let row = json!({ "computerDnsName": "ws-1.corp.example", "@footfall.sessions": [session] });
    assert_eq!(answer.json()["value"], json!([row]));
    assert_eq!(answer.json()["@odata.count"], 1);

    let users = "/api/machines/ws-1/logonusers";
    let there = server.get(&format!("{users}?at=2026-11-21T18:00:00%2B01:00"), &token).await;
    assert_eq!(there.json()["value"][0]["id"], "corp\\jdoe");
    assert_eq!(there.json()["value"][0]["@footfall.sessions"][0]["state"], "Locked");
    for gone in ["2026-11-21T17:00:01Z", "2026-11-20T07:00:00Z", "2026-10-01Z"] {
        let answer = server.get(&format!("{users}?at={gone}"), &token).await;
        assert_eq!(answer.json()["value"], json!([]), "{gone}");
    }
    // Without a session's end: the logon of the day before.
    let before = server.get("/api/users/jdoe/machines?at=2026-11-20T20:00:00Z", &token).await;
    assert_eq!(before.json()["value"][0]["@footfall.sessions"][0]["until"], Value::Null);
    assert_eq!(server.get("/api/users/who/machines?at=2026-11-20Z", &token).await.names().len(), 0);

    for wrong in [
        "/api/users/jdoe/machines?at=yesterday",
        "/api/users/jdoe/machines?at=2026-11-20Z&$expand=logOnUsers",
        "/api/machines?at=2026-11-20Z",
        "/api/users?at=2026-11-20Z",
    ] {
        assert_eq!(server.get(wrong, &token).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}
