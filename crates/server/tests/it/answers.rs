//! The answers themselves.

use axum::http::{Method, StatusCode, header};
use inventory::ids::MachineId;
use inventory::logon::{LogonTypes, MachineRef};
use inventory::machine::{MachineFacts, MachineReport};
use inventory::query::UpnLookup;
use server::config::Config;

use crate::harness::{HOST, Server, request, time, unlimited};
use crate::inventory::{AAD_DEVICE, logon};

#[tokio::test]
async fn a_users_machines() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let answer = server.get("/api/users/jdoe/machines", &token).await;
    insta::assert_snapshot!(server.show(&answer));
}

#[tokio::test]
async fn a_user_whom_nobody_knows_has_no_machines() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let answer = server.get("/api/users/nobody/machines", &token).await;
    insta::assert_snapshot!(server.show(&answer));
    for id in ["%20", "@corp.example", "CORP%5C", &"x".repeat(5000)] {
        let path = format!("/api/users/{id}/machines");
        assert!(server.get(&path, &token).await.names().is_empty(), "{id}");
    }
}

#[tokio::test]
async fn every_form_of_a_users_id() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let (ws14, ws20, srv) = ("WS-014.corp.example", "ws-020.corp.example", "srv-01");
    for (id, expected) in [
        ("jdoe", vec![ws14, srv, ws20]),
        ("JDoe", vec![ws14, srv, ws20]),
        ("%20jdoe%20", vec![ws14, srv, ws20]),
        ("CORP%5Cjdoe", vec![ws14, ws20]),
        ("corp\\JDOE", vec![ws14, ws20]),
        ("LAB%5cjdoe", vec![srv]),
        ("jdoe@corp.example", vec![ws14, ws20]),
        ("jdoe@nowhere.example", vec![ws14, srv, ws20]),
        ("jdoe%40corp.example", vec![ws14, ws20]),
        ("chris%20phillips", vec![srv]),
        ("srv-01%5Cchris%20phillips", vec![srv]),
        ("root", vec![srv]),
        // A plus in a path is a plus.
        ("chris+phillips", vec![]),
        ("other%5Cjdoe", vec![]),
    ] {
        let path = format!("/api/users/{id}/machines");
        assert_eq!(server.get(&path, &token).await.names(), expected, "{id}");
    }
}

#[tokio::test]
async fn a_principal_name_can_be_made_to_mean_nobody() {
    let server = Server::start(Config { upn: UpnLookup::Nobody, ..unlimited() }).await;
    crate::inventory::fill(&server).await;
    let token = server.reader().await;
    let machines = async |id: &str| {
        server.get(&format!("/api/users/{id}/machines"), &token).await.names().len()
    };
    assert_eq!(machines("jdoe@corp.example").await, 0);
    assert_eq!(machines("jdoe").await, 3);
}

#[tokio::test]
async fn the_window_narrows_answers() {
    let names = async |config: Config| {
        let server = Server::start(config).await;
        crate::inventory::fill(&server).await;
        let token = server.reader().await;
        server.get("/api/users/jdoe/machines", &token).await.names()
    };
    assert_eq!(
        names(Config { look_back_days: Some(30), ..unlimited() }).await,
        ["WS-014.corp.example", "srv-01"]
    );
    assert_eq!(
        names(Config { look_back_days: Some(0), ..unlimited() }).await,
        ["WS-014.corp.example"]
    );
    assert_eq!(
        names(Config { logon_types: LogonTypes::INTERACTIVE, ..unlimited() }).await,
        ["WS-014.corp.example"]
    );
    assert_eq!(names(Config { look_back_days: Some(u32::MAX), ..unlimited() }).await.len(), 3);
}

#[tokio::test]
async fn options_page_and_select() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let names = async |query: &str| {
        server.get(&format!("/api/users/jdoe/machines?{query}"), &token).await.names()
    };
    assert_eq!(names("$top=1").await, ["WS-014.corp.example"]);
    assert_eq!(names("$top=1&$skip=1").await, ["srv-01"]);
    assert_eq!(names("$skip=2").await, ["ws-020.corp.example"]);
    assert!(names("$top=0").await.is_empty());
    assert!(names("$skip=9223372036854775807").await.is_empty());
    let path = "/api/users/jdoe/machines?$select=ComputerDnsName,id,ISAADJOINED&$top=2";
    insta::assert_snapshot!(server.show(&server.get(path, &token).await));
    let path = "/api/machines/srv-01?$select=osBuild,id";
    insta::assert_snapshot!(server.show(&server.get(path, &token).await));
    let path = "/api/machines/srv-01/logonusers?$select=logonTypes,id&$top=1&$skip=1";
    insta::assert_snapshot!(server.show(&server.get(path, &token).await));
}

#[tokio::test]
async fn all_machines() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let names = server.get("/api/machines", &token).await.names();
    assert_eq!(names, ["WS-014.corp.example", "srv-01", "ws-020.corp.example"]);
    let names = server.get("/api/machines?$top=1&$skip=2", &token).await.names();
    assert_eq!(names, ["ws-020.corp.example"]);
}

#[tokio::test]
async fn one_machine_by_each_of_its_names() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let id = MachineId::derived_from_name("ws-014.corp.example").to_string();
    let answer = server.get(&format!("/api/machines/{id}"), &token).await;
    insta::assert_snapshot!(server.show(&answer));
    for name in [
        id.to_uppercase().as_str(),
        "WS-014.corp.example",
        "ws-014.CORP.example",
        "ws-014",
        AAD_DEVICE,
        &AAD_DEVICE.to_uppercase(),
    ] {
        let same = server.get(&format!("/api/machines/{name}"), &token).await;
        assert_eq!(same.text(), answer.text(), "{name}");
    }
}

#[tokio::test]
async fn every_listed_machine_is_found_by_its_id() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let list = server.get("/api/machines", &token).await.json();
    for machine in list["value"].as_array().unwrap() {
        let id = machine["id"].as_str().unwrap();
        let mut single = server.get(&format!("/api/machines/{id}"), &token).await.json();
        single.as_object_mut().unwrap().remove("@odata.context");
        assert_eq!(&single, machine);
    }
}

#[tokio::test]
async fn a_machines_logon_users() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let answer = server.get("/api/machines/srv-01/logonusers", &token).await;
    insta::assert_snapshot!(server.show(&answer));
    let answer = server.get("/api/machines/ws-014/logonusers", &token).await;
    insta::assert_snapshot!(server.show(&answer));
}

#[tokio::test]
async fn alerts_are_an_empty_set() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let answer = server.get("/api/alerts?$top=1", &token).await;
    insta::assert_snapshot!(server.show(&answer));
    let path = "/api/alerts?$filter=alertCreationTime+gt+2026-01-01Z&$orderby=id&$expand=evidence";
    assert_eq!(server.get(path, &token).await.text(), answer.text());
    for path in
        ["/api/users/jdoe/alerts", "/api/users/nobody/alerts", "/api/machines/ws-014/alerts"]
    {
        assert_eq!(server.get(path, &token).await.text(), answer.text(), "{path}");
    }
    // Whatever is asked of no rows has no rows; where their number is asked for it is there.
    for set in ["/api/alerts", "/api/users/jdoe/alerts", "/api/machines/ws-014/alerts"] {
        for query in [
            "$select=id,title&$skip=5",
            "$search=x&$expand=evidence($select=sha1)",
            "$skiptoken=x&pageSize=5&unknown=1",
            "$count=false&$compute=a+as+b",
        ] {
            let asked = server.get(&format!("{set}?{query}"), &token).await;
            assert_eq!(asked.text(), answer.text(), "{set}?{query}");
        }
        let counted = server.get(&format!("{set}?$count=true&$top=0"), &token).await;
        let expected = answer.text().replace(",\"value\"", ",\"@odata.count\":0,\"value\"");
        assert_eq!(counted.text(), expected, "{set}");
        for query in ["", "?$filter=severity+eq+'High'", "?$search=x"] {
            let count = server.get(&format!("{set}/$count{query}"), &token).await;
            assert_eq!((count.status, count.text()), (StatusCode::OK, "0"), "{set}{query}");
            assert_eq!(count.header("content-type"), "text/plain; charset=utf-8");
        }
    }
    let missing = server.get("/api/machines/none/alerts/$count", &token).await;
    assert_eq!(missing.error().0, "ResourceNotFound");
    let missing = server.get("/api/machines/none/alerts", &token).await;
    assert_eq!(missing.error().0, "ResourceNotFound");
    assert_eq!(server.get("/api/alerts?$top=x", &token).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn more_than_a_page_has_a_next_link_without_top() {
    let server = Server::start(unlimited()).await;
    let reports = (0..10_050).map(|number| MachineReport {
        machine: MachineRef::named(format!("pc-{number:05}")),
        time: time("2026-11-01T00:00:00Z").plus_seconds(number).unwrap(),
        facts: MachineFacts::default(),
    });
    server.store.describe(server.tenant.number, reports.collect()).await.unwrap();
    let token = server.reader().await;

    let path = "/api/v1.0/Machines?$select=computerDnsName&client=x%20y&";
    let page = server.get(path, &token).await;
    assert_eq!(page.names().len(), 10_000);
    let link = page.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    let start = format!("http://{HOST}{path}$skiptoken=");
    assert!(link.starts_with(&start), "{link}");
    let follow = link.strip_prefix("http://footfall.example").unwrap();
    let rest = server.get(follow, &token).await;
    assert_eq!(rest.names().len(), 50);
    assert!(rest.json().get("@odata.nextLink").is_none());
    // In order of their ids, each once.
    let mut all = [page.names(), rest.names()].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10_050);
    // A link is for its own question and of this server's making.
    for bent in [
        follow.replace("Machines?", "Machines?$filter=osBuild+ne+5&"),
        follow.replace("/Machines", "/users/jdoe/machines"),
        format!("{follow}&$top=5"),
        follow[..follow.len() - 2].to_owned(),
    ] {
        let answer = server.get(&bent, &token).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bent}");
        assert_eq!(answer.error().0, "ODataError", "{bent}");
    }

    // With `$top` there is never a link, and never a short page while more remain.
    let page = server.get("/api/machines?$top=10000&$skip=1", &token).await;
    assert_eq!(page.names().len(), 10_000);
    assert!(page.json().get("@odata.nextLink").is_none());
    // Exactly a page has none either.
    let page = server.get("/api/machines?%24skip=50", &token).await;
    assert_eq!(page.names().len(), 10_000);
    assert!(page.json().get("@odata.nextLink").is_none());
    // A page that began further on goes on from there.
    let page = server.get("/api/machines?%24SKIP=10&x=1&$orderby=computerDnsName", &token).await;
    assert_eq!(page.names()[0], "pc-00010");
    let link = page.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    assert!(!link.to_lowercase().contains("skip=10"), "{link}");
    let rest = server.get(link.strip_prefix("http://footfall.example").unwrap(), &token).await;
    assert_eq!(rest.names().len(), 40);
    assert_eq!(rest.names()[0], "pc-10010");

    // Pages of any size, put together, are the whole, each machine once.
    for size in [1_999, 3_350] {
        let mut walked = Vec::new();
        loop {
            let path = format!("/api/machines?$top={size}&$skip={}", walked.len());
            let names = server.get(&path, &token).await.names();
            walked.extend_from_slice(&names);
            if names.len() < size {
                break;
            }
        }
        assert_eq!(walked.len(), 10_050);
        assert!(walked.is_sorted_by(|a, b| a > b));
    }
}

#[tokio::test]
async fn a_change_of_the_store_shows_in_the_next_answer() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let machines = async || server.get("/api/users/jdoe/machines", &token).await.names();
    assert_eq!(machines().await.len(), 3);
    assert_eq!(machines().await.len(), 3);
    // Another process writes: another connection to the same file.
    let url = format!("sqlite:{}", server.folder.path().join("test.db").display());
    let other = store::open(&url).unwrap();
    let logon = logon("jdoe", "CORP", "new-pc", 2, time("2026-11-23T10:00:00Z"));
    other.record(server.tenant.number, vec![logon]).await.unwrap();
    assert_eq!(machines().await[0], "new-pc");
}

#[tokio::test]
async fn health_follows_the_clock_and_not_the_cache() {
    let server = Server::with_inventory().await;
    let idle_for = |seconds| time("2026-11-22T01:00:00Z").plus_seconds(seconds).unwrap();
    let week = 7 * 24 * 3600;
    server.clock.set(idle_for(week));
    let token = server.reader().await;
    for (seconds, expected) in [
        (week, "Active"),
        // Answers know the time by the minute.
        (week + 59, "Active"),
        (week + 60, "Inactive"),
        (week, "Active"),
    ] {
        server.clock.set(idle_for(seconds));
        let answer = server.get("/api/machines/srv-01", &token).await.json();
        assert_eq!(answer["healthStatus"], expected, "{seconds}");
    }
}

#[tokio::test]
async fn answers_of_one_origin_are_not_given_to_another() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for host in ["a.example", "b.example:8443", "a.example"] {
        let request = axum::http::Request::get("/api/machines?$top=0")
            .header(header::HOST, host)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let context = server.send(request).await.json()["@odata.context"].clone();
        assert_eq!(context, format!("http://{host}/api/$metadata#Machines"));
    }
}

#[tokio::test]
async fn a_public_url_stands_in_answers_except_under_the_vendors_names() {
    let public = Some("https://footfall.corp.example".parse().unwrap());
    let server = Server::start(Config { public_url: public, ..unlimited() }).await;
    let token = server.reader().await;
    for (host, origin) in [
        ("10.0.0.1:8080", "https://footfall.corp.example"),
        ("api-eu.securitycenter.microsoft.com", "https://api-eu.securitycenter.microsoft.com"),
    ] {
        let request = axum::http::Request::get("/api/machines")
            .header(header::HOST, host)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let context = server.send(request).await.json()["@odata.context"].clone();
        assert_eq!(context, format!("{origin}/api/$metadata#Machines"));
    }
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for (path, token) in
        [("/api/machines", token.as_str()), ("/api/machines/none", &token), ("/api/machines", "x")]
    {
        let got = server.get(path, token).await;
        let asked =
            request(Method::HEAD, path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let head = server.send(asked).await;
        assert_eq!(head.status, got.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(head.header("content-length"), got.body.len().to_string(), "{path}");
        assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn health_check_is_open() {
    let server = Server::start(Config::default()).await;
    let answer = server.get_open("/healthz").await;
    insta::assert_snapshot!(server.show(&answer));
}
