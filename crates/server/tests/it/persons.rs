//! `resolve=person`: any identifier of a person leads to the machines of all their accounts.

use axum::http::StatusCode;
use inventory::access::Permission;
use inventory::account::Account;
use inventory::person::IdentityReport;
use inventory::query::UserLookup;
use uuid::Uuid;

use crate::harness::{Server, time, unlimited};
use crate::inventory::logon;
use server::config::Config;

const SID: &str = "S-1-5-21-1-2-3-1104";

async fn server(config: Config) -> Server {
    let server = Server::start(config).await;
    let tenant = server.tenant.number;
    let mut logons = vec![
        logon("jdoe", "CORP", "ws-1.corp.example", 2, time("2026-11-20T08:00:00Z")),
        logon("john.doe", "LAB", "ws-2.corp.example", 2, time("2026-11-21T08:00:00Z")),
        logon("jdoe", "OTHER", "ws-3.corp.example", 2, time("2026-11-22T08:00:00Z")),
    ];
    logons[0].account = Account::from_log("jdoe", "CORP", SID).unwrap();
    server.store.record(tenant, logons).await.unwrap();
    let upn = Some("john@contoso.example".to_owned());
    let report = |name: Option<&str>, domain: Option<&str>| IdentityReport {
        name: name.map(str::to_owned),
        domain: domain.map(str::to_owned),
        upn: upn.clone(),
        ..IdentityReport::default()
    };
    let told = vec![
        IdentityReport {
            sid: Some(SID.to_owned()),
            object_id: Some(Uuid::from_u128(7)),
            mail: Some("mail@contoso.example".to_owned()),
            ..report(None, None)
        },
        report(Some("john.doe"), Some("lab")),
    ];
    let told = told.into_iter().map(|one| (one, time("2026-11-22T08:00:00Z"))).collect();
    server.store.identify(tenant, told).await.unwrap();
    server
}

#[tokio::test]
async fn any_identifier_of_a_person_works_where_it_is_asked_for() {
    let server = server(unlimited()).await;
    let token = server.token(&[Permission::MachineReadAll, Permission::UserReadAll]).await;
    let of = async |path: String| server.get(&path, &token).await;
    let both = ["ws-2.corp.example", "ws-1.corp.example"];
    let object_id = Uuid::from_u128(7).to_string();
    let ids = [
        SID,
        "john@contoso.example",
        "Mail@Contoso.Example",
        object_id.as_str(),
        "CORP%5Cjdoe",
        "jdoe@corp",
        "john.doe",
    ];
    for id in ids {
        let answer = of(format!("/api/users/{id}/machines?resolve=person")).await;
        assert_eq!(
            (answer.status, answer.names()),
            (StatusCode::OK, both.map(str::to_owned).into()),
            "{id}"
        );
        // With conditions, expansions and other forms it is the same people.
        let counted =
            of(format!("/api/users/{id}/machines?resolve=person&$count=true&$top=1")).await;
        assert_eq!(counted.json()["@odata.count"], 2, "{id}");
        let expanded =
            of(format!("/api/users/{id}/machines?resolve=Person&$expand=logOnUsers")).await;
        assert_eq!(expanded.names().len(), 2, "{id}");
        let csv = of(format!("/api/users/{id}/machines?resolve=person&$format=csv")).await;
        assert_eq!(csv.text().lines().count(), 3, "{id}");
        let user = of(format!("/api/users/{id}?resolve=person")).await;
        assert_eq!((user.status, &user.json()["logOnMachinesCount"]), (StatusCode::OK, &2.into()));
    }
    // A bare name is everybody's who has it: of John, and of the other.
    assert_eq!(of("/api/users/jdoe/machines?resolve=person".to_owned()).await.names().len(), 3);
    // Without it the id is the name alone.
    for (id, expected) in [(SID, 1), ("john@contoso.example", 0), ("jdoe", 2), ("CORP%5Cjdoe", 1)] {
        for query in ["", "?resolve=name", "?resolve=Name"] {
            let answer = of(format!("/api/users/{id}/machines{query}")).await;
            assert_eq!((answer.status, answer.names().len()), (StatusCode::OK, expected), "{id}");
        }
    }
    // A slip of the pen is told, lest it look like a person with few machines.
    for path in ["/api/users/jdoe/machines?resolve=persons", "/api/users/jdoe?resolve="] {
        assert_eq!(of(path.to_owned()).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    // Whom nobody knows has no machines.
    for id in ["nobody", "nobody@contoso.example", "S-1-5-21-9-9-9-9"] {
        let answer = of(format!("/api/users/{id}/machines?resolve=person")).await;
        assert_eq!((answer.status, answer.names().len()), (StatusCode::OK, 0), "{id}");
        let user = of(format!("/api/users/{id}?resolve=person")).await;
        assert_eq!(user.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_setting_makes_it_the_rule() {
    let server = server(Config { resolve: UserLookup::Person, ..unlimited() }).await;
    let token = server.reader().await;
    let count = async |path: &str| server.get(path, &token).await.names().len();
    assert_eq!(count(&format!("/api/users/{SID}/machines")).await, 2);
    assert_eq!(count(&format!("/api/users/{SID}/machines?resolve=name")).await, 1);
}
