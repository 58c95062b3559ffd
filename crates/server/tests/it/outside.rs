//! Tokens of other identity providers: a real one that speaks HTTP on this machine.

use axum::http::StatusCode;
use inventory::access::directory::{RolePermission, RoleSettings};
use inventory::time::TICKS_PER_SECOND;
use serde_json::{Value, json};
use server::config::Config;
use server::outside::{ClaimNames, Cloud, Kind, OutsideIssuer};
use uuid::{Uuid, uuid};

use crate::harness::{AUDIENCE, Server, unlimited};
use crate::people::EVERY_SCOPE;
use crate::provider::{Key, Provider};

const MACHINES: &str = "/api/machines";
const TID: Uuid = uuid!("11111111-2222-4333-8444-555555555555");
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";

fn openid(provider: &Provider, claims: ClaimNames) -> OutsideIssuer {
    OutsideIssuer {
        kind: Kind::OpenId { issuer: provider.issuer(), claims },
        tenant: None,
        audiences: Vec::new(),
        discovery_url: None,
        ca: None,
    }
}

fn entra(provider: &Provider, cloud: Cloud, tenants: Vec<Uuid>) -> OutsideIssuer {
    let discovery =
        format!("http://{}/{{tenant}}/.well-known/openid-configuration", provider.address);
    OutsideIssuer {
        kind: Kind::Entra { cloud, tenants },
        tenant: Some("default".to_owned()),
        audiences: Vec::new(),
        discovery_url: Some(discovery),
        ca: None,
    }
}

async fn server_with(issuers: Vec<OutsideIssuer>) -> Server {
    let server = Server::start(Config { issuers, ..unlimited() }).await;
    crate::inventory::fill(&server).await;
    server
}

/// Claims of an app's token as providers write it (RFC 9068).
fn app_claims(server: &Server, issuer: &str) -> Value {
    let now_s = server.now().seconds();
    json!({
        "iss": issuer, "aud": AUDIENCE, "exp": now_s + 600, "iat": now_s,
        "sub": "collector", "client_id": "collector", "roles": ["Machine.Read.All"],
    })
}

fn person_claims(server: &Server, issuer: &str) -> Value {
    let now_s = server.now().seconds();
    json!({
        "iss": issuer, "aud": [AUDIENCE, "account"], "exp": now_s + 600, "iat": now_s, "sub": "17",
        "azp": "desk", "preferred_username": "anna", "scope": format!("openid {EVERY_SCOPE}"),
        "groups": ["/soc"],
    })
}

fn entra_claims(server: &Server, v: u8, tid: Uuid) -> Value {
    let now_s = server.now().seconds();
    let common = json!({
        "aud": AUDIENCE, "exp": now_s + 3600, "iat": now_s - 300, "nbf": now_s - 300, "tid": tid,
        "oid": "aaaaaaaa-0000-4000-8000-000000000001", "sub": "aaaaaaaa-0000-4000-8000-000000000001",
        "roles": ["Machine.Read.All"],
    });
    let mut claims = common;
    let client = "bbbbbbbb-0000-4000-8000-000000000001";
    if v == 1 {
        claims["iss"] = json!(format!("https://sts.windows.net/{tid}/"));
        claims["appid"] = json!(client);
        claims["ver"] = json!("1.0");
    } else {
        claims["iss"] = json!(format!("https://login.microsoftonline.com/{tid}/v2.0"));
        claims["azp"] = json!(client);
        claims["aud"] = json!("fc780465-2017-40d4-a0c5-307022471b92");
        claims["ver"] = json!("2.0");
    }
    claims
}

fn entra_person(server: &Server, tid: Uuid) -> Value {
    let mut claims = entra_claims(server, 1, tid);
    claims["sub"] = json!("pairwise");
    claims["upn"] = json!("anna@corp.example");
    claims["scp"] = json!(EVERY_SCOPE);
    claims["roles"] = json!(["Machine.ReadWrite.All"]);
    claims
}

async fn status(server: &Server, token: &str) -> StatusCode {
    server.get(MACHINES, token).await.status
}

/// Gives a directory's group a role with View Data.
async fn viewers(server: &Server, group: &str) {
    server
        .change_directory(|directory| {
            directory.add_directory_group(group, "viewers of a provider").unwrap();
            let permissions = vec![RolePermission::ViewData];
            let settings =
                RoleSettings { name: "Viewer".into(), description: String::new(), permissions };
            directory.add_role(settings).unwrap();
            directory.assign("Viewer", group).unwrap();
        })
        .await;
}

#[tokio::test]
async fn apps_and_people_of_a_provider_are_believed() {
    let provider = Provider::start().await;
    let keys = [Key::rsa("r"), Key::p256("e")];
    provider.show(&[&keys[0], &keys[1]]);
    let server = server_with(vec![openid(&provider, ClaimNames::default())]).await;
    let issuer = provider.issuer();
    let app = app_claims(&server, &issuer);
    for key in &keys {
        assert_eq!(status(&server, &key.sign(&app)).await, StatusCode::OK);
    }
    let ps256 = json!({"typ": "at+jwt", "alg": "PS256", "kid": "r"});
    assert_eq!(status(&server, &keys[0].sign_with(&ps256, &app)).await, StatusCode::OK);
    assert_eq!(provider.requests(), [1, 1]);

    let person = keys[1].sign(&person_claims(&server, &issuer));
    let answer = server.get(MACHINES, &person).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.error().1.contains("View Data"), "{}", answer.text());
    // From the next call on.
    viewers(&server, "/SOC").await;
    assert_eq!(server.get(MACHINES, &person).await.names().len(), 3);

    let mut without = person_claims(&server, &issuer);
    without["scope"] = json!("openid profile");
    let answer = server.get(MACHINES, &keys[1].sign(&without)).await;
    assert_eq!(
        answer.error().1,
        "Missing application scopes. API required scopes: Machine.Read,Machine.ReadWrite, \
         application scopes: openid,profile."
    );
    // Roles of a person are not their app's.
    without["roles"] = json!(["Machine.Read.All"]);
    without.as_object_mut().unwrap().remove("scope");
    let answer = server.get(MACHINES, &keys[1].sign(&without)).await;
    assert!(answer.error().1.starts_with("Missing application scopes."), "{}", answer.text());
}

#[tokio::test]
async fn claims_have_other_names_elsewhere() {
    let provider = Provider::start().await;
    let key = Key::p256("e");
    provider.show(&[&key]);
    let text = |text: &str| Some(text.to_owned());
    let names = ClaimNames {
        roles: text("resource_access.footfall.roles"),
        scopes: text("permissions"),
        groups: text("https://corp.example/groups"),
        user: text("email"),
        app: text("gty=client-credentials"),
    };
    let server = server_with(vec![openid(&provider, names)]).await;
    viewers(&server, "soc").await;
    let mut app = app_claims(&server, &provider.issuer());
    let roles = app.as_object_mut().unwrap().remove("roles").unwrap();
    app["resource_access"] = json!({"footfall": {"roles": roles}});
    app["gty"] = json!("client-credentials");
    assert_eq!(status(&server, &key.sign(&app)).await, StatusCode::OK);
    // Its subject is its client, but this provider says it otherwise.
    app["gty"] = json!("password");
    app["email"] = json!("anna@corp.example");
    assert_eq!(status(&server, &key.sign(&app)).await, StatusCode::FORBIDDEN);
    let mut person = person_claims(&server, &provider.issuer());
    person["permissions"] = json!(["Machine.Read"]);
    person["https://corp.example/groups"] = json!(["soc"]);
    assert_eq!(status(&server, &key.sign(&person)).await, StatusCode::UNAUTHORIZED);
    person["email"] = json!("anna@corp.example");
    assert_eq!(status(&server, &key.sign(&person)).await, StatusCode::OK);
}

#[tokio::test]
async fn keys_rotate_and_strangers_cannot_make_the_server_ask() {
    let provider = Provider::start().await;
    let (old, new) = (Key::p256("old"), Key::p256("new"));
    provider.show(&[&old]);
    let server = server_with(vec![openid(&provider, ClaimNames::default())]).await;
    let mut claims = app_claims(&server, &provider.issuer());
    claims["exp"] = json!(server.now().seconds() + 200_000);
    let (by_old, by_new) = (old.sign(&claims), new.sign(&claims));
    assert_eq!(status(&server, &by_old).await, StatusCode::OK);
    assert_eq!(provider.requests(), [1, 1]);

    // A flood of ids that nobody has, all at once: one fetch in half a minute.
    server.clock.advance(30 * TICKS_PER_SECOND);
    let flood = (0..200).map(|count| {
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": format!("kid-{count}")});
        let token = new.sign_with(&header, &claims);
        let service = &server;
        async move { status(service, &token).await }
    });
    for status in join_all(flood).await {
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(provider.requests(), [2, 2]);

    // A new key beside the old one: known after the pause, and the old one goes on.
    provider.show(&[&old, &new]);
    assert_eq!(status(&server, &by_new).await, StatusCode::UNAUTHORIZED);
    server.clock.advance(30 * TICKS_PER_SECOND);
    assert_eq!(status(&server, &by_new).await, StatusCode::OK);
    assert_eq!(status(&server, &by_old).await, StatusCode::OK);
    assert_eq!(provider.requests(), [3, 3]);

    // The old key is withdrawn: renewed within a day, it is believed no more, remembered or not.
    provider.show(&[&new]);
    server.clock.advance(24 * 3600 * TICKS_PER_SECOND);
    assert_eq!(status(&server, &new.sign(&claims)).await, StatusCode::OK);
    for _ in 0..500 {
        if provider.requests() == [4, 4] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(status(&server, &by_old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&server, &by_new).await, StatusCode::OK);
    assert_eq!(provider.requests(), [4, 4]);
}

/// All of some futures at once, on this thread.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut pending {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        match pending.iter().all(|(_, done)| done.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    pending.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn a_provider_that_is_down_stops_no_key_that_is_known() {
    let mut provider = Provider::start().await;
    let key = Key::p256("e");
    provider.show(&[&key]);
    provider.stop().await;
    // It need not be up when the server starts.
    let server = server_with(vec![openid(&provider, ClaimNames::default())]).await;
    let mut claims = app_claims(&server, &provider.issuer());
    claims["exp"] = json!(server.now().seconds() + 1_000_000);
    let answer = server.get(MACHINES, &key.sign(&claims)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.error().1.contains("cannot be reached"), "{}", answer.text());
    provider.start_again().await;
    server.clock.advance(15 * TICKS_PER_SECOND);
    assert_eq!(status(&server, &key.sign(&claims)).await, StatusCode::OK);
    provider.stop().await;
    for days in 0..3 {
        claims["jti"] = json!(days);
        assert_eq!(status(&server, &key.sign(&claims)).await, StatusCode::OK, "after {days} days");
        server.clock.advance(24 * 3600 * TICKS_PER_SECOND);
    }
}

#[tokio::test]
async fn a_provider_speaks_for_its_own_issuer_alone() {
    for (issuer, jwks_uri) in [
        ("https://other.example", ""),
        ("", "file:///etc/passwd"),
        ("", "http://keys.example/keys"),
        ("", "https://127.0.0.1:1/keys"),
    ] {
        let provider = Provider::start().await;
        let key = Key::p256("e");
        provider.show(&[&key]);
        let server = server_with(vec![openid(&provider, ClaimNames::default())]).await;
        let claims = app_claims(&server, &provider.issuer());
        {
            let mut said = provider.said.lock().unwrap();
            said.jwks_uri = jwks_uri.to_owned();
            if !issuer.is_empty() {
                said.issuer = issuer.to_owned();
            }
        }
        assert_eq!(status(&server, &key.sign(&claims)).await, StatusCode::UNAUTHORIZED);
        assert_eq!(provider.requests(), [1, 0], "{issuer} {jwks_uri}");
    }
}

#[tokio::test]
async fn tokens_of_a_provider_are_checked_as_any() {
    let provider = Provider::start().await;
    let (rsa, p256) = (Key::rsa("r"), Key::p256("e"));
    provider.show(&[&rsa, &p256]);
    let server = server_with(vec![openid(&provider, ClaimNames::default())]).await;
    let good = app_claims(&server, &provider.issuer());
    let now_s = server.now().seconds();
    for (claim, value, expected) in [
        ("exp", json!(now_s - 299), StatusCode::OK),
        ("exp", json!(now_s - 300), StatusCode::UNAUTHORIZED),
        ("exp", Value::Null, StatusCode::UNAUTHORIZED),
        ("nbf", json!(now_s + 300), StatusCode::OK),
        ("nbf", json!(now_s + 301), StatusCode::UNAUTHORIZED),
        ("aud", json!(["x", format!("http://{}", crate::harness::HOST)]), StatusCode::OK),
        ("aud", json!("https://graph.microsoft.com"), StatusCode::UNAUTHORIZED),
        ("aud", json!([]), StatusCode::UNAUTHORIZED),
        ("aud", json!([5]), StatusCode::UNAUTHORIZED),
        ("iss", json!("https://other.example"), StatusCode::UNAUTHORIZED),
        ("iss", json!(format!("{}/", provider.issuer())), StatusCode::UNAUTHORIZED),
        ("roles", json!("Machine.Read.All"), StatusCode::UNAUTHORIZED),
        ("roles", json!([]), StatusCode::FORBIDDEN),
        ("client_id", json!(5), StatusCode::UNAUTHORIZED),
    ] {
        let mut claims = good.clone();
        claims[claim] = value.clone();
        let got = status(&server, &p256.sign(&claims)).await;
        assert_eq!(got, expected, "{claim}: {value}");
    }
    for (kid, algorithm, key) in [
        ("r", "ES256", &p256),
        ("e", "RS256", &rsa),
        ("r", "RS512", &rsa),
        ("e", "RS256", &p256),
        ("r", "none", &rsa),
        ("r", "HS256", &rsa),
    ] {
        let header = json!({"typ": "JWT", "alg": algorithm, "kid": kid});
        let got = status(&server, &key.sign_with(&header, &good)).await;
        assert_eq!(got, StatusCode::UNAUTHORIZED, "{kid} {algorithm}");
    }
    // Whoever signs for one issuer signs for no other, this server's tenants first of all.
    let own = server.signing_key().await;
    let mut theirs = server.claims(&server.app(&[]).await);
    for kid in [&own.kid, "r"] {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": kid});
        assert_eq!(
            status(&server, &rsa.sign_with(&header, &theirs)).await,
            StatusCode::UNAUTHORIZED
        );
    }
    theirs["iss"] = json!(provider.issuer());
    assert_eq!(status(&server, &server.mint(&theirs).await).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn audiences_of_the_configuration_take_the_place_of_the_usual_ones() {
    let provider = Provider::start().await;
    let key = Key::p256("e");
    provider.show(&[&key]);
    let audiences = vec!["api://footfall/".to_owned()];
    let issuer = OutsideIssuer { audiences, ..openid(&provider, ClaimNames::default()) };
    let server = server_with(vec![issuer]).await;
    let mut claims = app_claims(&server, &provider.issuer());
    assert_eq!(status(&server, &key.sign(&claims)).await, StatusCode::UNAUTHORIZED);
    claims["aud"] = json!("api://footfall");
    assert_eq!(status(&server, &key.sign(&claims)).await, StatusCode::OK);
}

#[tokio::test]
async fn tokens_of_entra_id_in_both_versions() {
    let provider = Provider::start().await;
    provider.said.lock().unwrap().issuer =
        "https://login.microsoftonline.com/{tenant}/v2.0".to_owned();
    let key = Key::rsa("r");
    provider.show(&[&key]);
    let server = server_with(vec![entra(&provider, Cloud::Commercial, vec![TID])]).await;
    for version in [1, 2] {
        let claims = entra_claims(&server, version, TID);
        assert_eq!(status(&server, &key.sign(&claims)).await, StatusCode::OK, "{version}");
    }
    let other = Uuid::from_u128(5);
    let mut mixed = entra_claims(&server, 1, TID);
    mixed["tid"] = json!(other);
    // An id token: its `roles` would be its person's.
    let mut id_token = entra_claims(&server, 2, TID);
    id_token["sub"] = json!("pairwise");
    let mut government = entra_claims(&server, 2, TID);
    government["iss"] = json!(format!("https://login.microsoftonline.us/{TID}/v2.0"));
    for (what, claims) in [
        ("a tenant that is not in the list", entra_claims(&server, 1, other)),
        ("another tid", mixed),
        ("an id token", id_token),
        ("another cloud", government),
    ] {
        assert_eq!(status(&server, &key.sign(&claims)).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    // An app that was revoked here.
    let mut claims = entra_claims(&server, 1, TID);
    let app = server.app(&[]).await;
    claims["appid"] = json!(app.client_id);
    let token = key.sign(&claims);
    assert_eq!(status(&server, &token).await, StatusCode::OK);
    server.store.revoke_app(server.tenant.number, app.client_id, server.now()).await.unwrap();
    assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_own_tenant_and_one_of_entra_id_share_an_issuer() {
    let provider = Provider::start().await;
    let key = Key::rsa("r");
    provider.show(&[&key]);
    // The tenant's id is known when its store is made, and the issuer's name follows from it.
    let first = Server::start(unlimited()).await;
    let id = first.tenant.id;
    provider.said.lock().unwrap().issuer = format!("https://login.microsoftonline.com/{id}/v2.0");
    let issuer = OutsideIssuer { tenant: None, ..entra(&provider, Cloud::Commercial, vec![id]) };
    let server = first.with_config(Config { issuers: vec![issuer], ..unlimited() }).await;
    let theirs = key.sign(&entra_claims(&server, 1, id));
    assert_eq!(status(&server, &theirs).await, StatusCode::OK);
    let ours = server.reader().await;
    assert_eq!(status(&server, &ours).await, StatusCode::OK);
    // What an app of this server must be, a provider's need not; but each by its own key.
    let mut claims = entra_claims(&server, 1, id);
    assert_eq!(status(&server, &server.mint(&claims).await).await, StatusCode::UNAUTHORIZED);
    claims["scp"] = json!("Machine.Read");
    assert_eq!(status(&server, &server.mint(&claims).await).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn roles_of_entra_id_and_groups_that_do_not_fit() {
    let provider = Provider::start().await;
    provider.said.lock().unwrap().issuer = format!("https://sts.windows.net/{TID}/");
    let key = Key::rsa("r");
    provider.show(&[&key]);
    let server = server_with(vec![entra(&provider, Cloud::Commercial, vec![TID])]).await;
    let get = async |claims: &Value| server.get(MACHINES, &key.sign(claims)).await;
    let plain = entra_person(&server, TID);
    let with = |name: &str, value: Value| {
        let mut claims = plain.clone();
        claims[name] = value;
        claims
    };
    let administrator = with("wids", json!([GLOBAL_ADMINISTRATOR]));
    let reader = with("wids", json!([SECURITY_READER, "no guid"]));
    assert_eq!(get(&plain).await.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&administrator).await.names().len(), 3);
    assert_eq!(get(&reader).await.names().len(), 3);

    // Role-based access is switched on: readers lose theirs.
    viewers(&server, "cccccccc-0000-4000-8000-000000000001").await;
    assert_eq!(get(&administrator).await.names().len(), 3);
    assert_eq!(get(&reader).await.status, StatusCode::FORBIDDEN);
    let member = with("groups", json!(["CCCCCCCC-0000-4000-8000-000000000001"]));
    assert_eq!(get(&member).await.names().len(), 3);

    for (claim, value) in [("_claim_names", json!({"groups": "src1"})), ("hasgroups", json!(true))]
    {
        let answer = get(&with(claim, value.clone())).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        let (code, message) = answer.error();
        assert_eq!(code, "Forbidden");
        assert!(message.contains("Groups assigned to the application"), "{message}");
        let mut administrator = administrator.clone();
        administrator[claim] = value;
        assert_eq!(get(&administrator).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_provider_speaks_for_the_tenant_that_the_configuration_names() {
    let provider = Provider::start().await;
    let key = Key::p256("e");
    provider.show(&[&key]);
    let issuer = OutsideIssuer {
        tenant: Some("Branch".to_owned()),
        ..openid(&provider, ClaimNames::default())
    };
    let server = server_with(vec![issuer]).await;
    let token = key.sign(&app_claims(&server, &provider.issuer()));
    // No tenant of that name yet.
    assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED);
    server.store.add_tenant(Uuid::new_v4(), "branch", &[]).await.unwrap().unwrap();
    assert_eq!(server.get(MACHINES, &token).await.names(), [""; 0]);
}
