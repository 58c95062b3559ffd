//! Several tenants on one server: each one's administrators see and change their own.

use axum::http::{Method, StatusCode};
use inventory::access::{Permission, Tenant};
use serde_json::{Value, json};
use server::router::{Callers, routes};
use uuid::Uuid;

use super::{Pair, ask, done, read, viewers};
use crate::harness::{NewApp, Server, add_app};
use crate::people::Rank;

/// A second tenant, an administrator's token of it, and the app that has it.
async fn second(pair: &Pair, token: &str) -> (Tenant, NewApp, String) {
    let new = json!({"name": "Contoso", "domains": ["contoso.com"]});
    let added = done(&pair.one, token, Method::POST, "tenants", new).await;
    let id: Uuid = added["id"].as_str().unwrap().parse().unwrap();
    let tenants = pair.one.store.tenants().await.unwrap();
    let tenant = tenants.into_iter().find(|tenant| tenant.id == id).unwrap();
    let permissions = [Permission::AdminReadWriteAll, Permission::MachineReadAll];
    let app = add_app(&*pair.one.store, &tenant, &permissions, pair.one.now()).await;
    // Its token is from the other replica, which was told of the tenant by nobody.
    let token = pair.other.token_of(&app).await;
    (tenant, app, token)
}

#[tokio::test]
async fn a_new_tenants_app_sees_nothing_of_another() {
    let pair = Pair::start().await;
    let ours = pair.app_token().await;
    let (tenant, app, theirs) = second(&pair, &ours).await;
    for server in [&pair.one, &pair.other] {
        assert_eq!(server.get("/api/machines", &theirs).await.names(), [""; 0]);
        let machine = server.get("/api/machines/srv-01", &theirs).await;
        assert_eq!(machine.status, StatusCode::NOT_FOUND);
        assert_eq!(read(server, &theirs, "me").await["tenantId"], json!(tenant.id));
    }
    // By its domain it is found too, and no other tenant has its app.
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&resource={}",
        app.client_id,
        app.client_secret,
        crate::harness::AUDIENCE
    );
    let by_domain = pair.other.post("/Contoso.com/oauth2/token", &form).await;
    assert_eq!(by_domain.status, StatusCode::OK, "{}", by_domain.text());
    let elsewhere = format!("/{}/oauth2/token", pair.one.tenant.id);
    let answer = pair.other.post(&elsewhere, &form).await;
    assert_eq!(answer.json()["error_codes"], json!([700_016]));
    // Its token says another tenant than the key that signed it has.
    let mut claims = pair.one.claims(&app);
    claims["tid"] = json!(tenant.id);
    claims["iss"] = json!(format!("https://sts.windows.net/{}/", tenant.id));
    let forged = pair.one.mint(&claims).await;
    assert_eq!(pair.other.get("/api/machines", &forged).await.status, StatusCode::UNAUTHORIZED);
}

/// One of everything in the first tenant; what names each.
async fn everything(server: &Server, token: &str) -> Vec<(&'static str, String)> {
    let person = json!({"userName": "anna", "password": "correct horse battery"});
    done(server, token, Method::POST, "operators", person).await;
    viewers(server, token, "soc", &["anna"]).await;
    let rules = json!({"devicesNamesConditions": [{"condition": "Equals", "value": "srv-01"}]});
    let group = json!({"name": "Servers", "access": ["soc"], "rules": rules});
    done(server, token, Method::POST, "device-groups", group).await;
    let app = json!({"name": "ours", "permissions": [], "secret": {}});
    let app = done(server, token, Method::POST, "apps", app).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    vec![
        ("apps", text(&app["clientId"])),
        ("operators", "anna".to_owned()),
        ("user-groups", "soc".to_owned()),
        ("roles", "soc".to_owned()),
        ("device-groups", "Servers".to_owned()),
    ]
}

/// What the first tenant's administrator reads.
async fn all(server: &Server, token: &str) -> Vec<Value> {
    let mut read_all = Vec::new();
    for path in ["apps", "operators", "user-groups", "roles", "device-groups", "signing-keys"] {
        read_all.push(read(server, token, path).await);
    }
    read_all
}

/// A body that each route takes, so that what is refused is not the body.
fn body(method: &Method, path: &str) -> Value {
    let rules = json!({"devicesNamesConditions": []});
    match (method.as_str(), path.rsplit('/').next().unwrap()) {
        ("PATCH", _) if path.contains("user-groups") => json!({"displayName": "Taken over"}),
        ("PATCH", _) if path.contains("operators") => json!({"displayName": "Taken over"}),
        ("PATCH", _) => json!({"name": "Taken over"}),
        (_, "password") => json!({"password": "correct horse battery"}),
        (_, "rank") => json!({"rank": 1}),
        (_, "access") => json!({"userGroups": []}),
        (_, "preview") => json!({"rules": rules}),
        (_, "secrets") => json!({}),
        (_, "federated-credentials") => json!({"issuer": "https://x.example", "subject": "x"}),
        (_, "certificates") => json!({"certificate": "x"}),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn administrators_see_and_change_what_is_their_tenants_and_nothing_else() {
    let pair = Pair::start().await;
    let ours = pair.app_token().await;
    let (_, _, theirs) = second(&pair, &ours).await;
    let things = everything(&pair.one, &ours).await;
    let before = all(&pair.one, &ours).await;
    let audit = read(&pair.other, &theirs, "audit?last=1000").await;
    for row in audit["value"].as_array().unwrap() {
        assert!(things.iter().all(|(_, id)| !row["detail"].to_string().contains(id)), "{row}");
    }
    let mut tried = 0;
    for route in routes().iter().filter(|route| route.path.starts_with("/admin/v1/")) {
        assert_ne!(route.callers, Callers::Anyone, "{}", route.path);
        let path = route.path.trim_start_matches("/admin/v1/");
        let Some((_, id)) =
            things.iter().find(|(kind, _)| path.starts_with(&format!("{kind}/{{id}}")))
        else {
            continue;
        };
        let member =
            if path.contains("credentials") { Uuid::nil().to_string() } else { "soc".into() };
        let path = path.replace("{id}", id).replace("{member}", &member);
        for method in &route.methods {
            let method: Method = method.parse().unwrap();
            let answer =
                ask(&pair.other, &theirs, method.clone(), &path, body(&method, &path)).await;
            let said = format!("{method} {path}: {} {}", answer.status, answer.text());
            // A certificate is read before its app is looked for.
            let expected = if path.ends_with("certificates") { 400 } else { 404 };
            assert_eq!(answer.status.as_u16(), expected, "{said}");
            tried += 1;
        }
    }
    assert!(tried >= 25, "{tried}");
    assert_eq!(all(&pair.one, &ours).await, before);

    let listed = all(&pair.other, &theirs).await;
    for (list, (kind, id)) in listed.iter().zip(&things) {
        assert!(!list.to_string().contains(&format!("{id}\"")), "{kind}: {list}");
    }
    let keys = |read: &[Value]| read[5]["value"][0]["kid"].clone();
    assert_ne!(keys(&listed), keys(&before));
}

#[tokio::test]
async fn tenants_are_the_business_of_the_first_ones_administrators() {
    let pair = Pair::start().await;
    let ours = pair.app_token().await;
    let (tenant, _, theirs) = second(&pair, &ours).await;
    let new = json!({"name": "Fabrikam"});
    for (method, body) in [(Method::GET, Value::Null), (Method::POST, new)] {
        let answer = ask(&pair.other, &theirs, method, "tenants", body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
        assert_eq!(answer.error().0, "DisallowedOperation");
    }
    let own = format!("tenants/{}", tenant.id);
    let change = json!({"domains": []});
    let changed = done(&pair.other, &theirs, Method::PATCH, &own, change).await;
    assert_eq!(changed, json!({"id": tenant.id, "name": "Contoso", "domains": []}));
    assert_eq!(pair.one.get_open("/contoso.com/discovery/keys").await.status, 400);
    let first = format!("tenants/{}", pair.one.tenant.id);
    for (token, path) in [(&theirs, &first), (&ours, &own)] {
        let answer = ask(&pair.one, token, Method::PATCH, path, json!({"name": "Mine"})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    }
    let taken = json!({"name": pair.one.tenant.name});
    let answer = ask(&pair.one, &theirs, Method::PATCH, &own, taken).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
    let tenants = read(&pair.one, &ours, "tenants").await;
    assert_eq!(tenants["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_person_of_one_tenant_is_nobody_in_another() {
    let pair = Pair::start().await;
    let ours = pair.app_token().await;
    let (tenant, app, _) = second(&pair, &ours).await;
    let root = pair.one.operator("root", Rank::Administrator).await;
    // Signed with the first tenant's key, and with the second's.
    let mut claims = pair.one.person_claims(&app, root.id, super::ADMINISTERS);
    claims["tid"] = json!(tenant.id);
    claims["iss"] = json!(format!("https://sts.windows.net/{}/", tenant.id));
    let key = pair.one.store.signing_keys(tenant.number).await.unwrap().remove(0);
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": key.kid});
    for token in [pair.one.mint(&claims).await, crate::harness::sign(&header, &claims, &key.key.0)]
    {
        let answer = pair.other.get("/admin/v1/me", &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
    }
}
