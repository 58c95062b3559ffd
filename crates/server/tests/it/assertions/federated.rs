//! Tokens of other issuers in the place of secrets: an issuer vouches for a workload, and an app
//! trusts one subject of it for one audience.

use std::sync::Arc;

use inventory::access::{Credential, Proof};
use inventory::time::TICKS_PER_SECOND;
use serde_json::{Value, json};
use server::config::Config;
use server::outside::{ClaimNames, Kind, OutsideIssuer};
use uuid::Uuid;

use super::holder::Holder;
use super::{bent, opens, outcome, show};
use crate::harness::{Server, unlimited};
use crate::people::after;
use crate::provider::{Key, Provider};

/// What the issuer calls itself; where its keys are, the configuration says.
const ISSUER: &str = "https://ci.example";
const SUBJECT: &str = "repo:soc/playbooks:ref:refs/heads/main";
const EXCHANGE: &str = "api://AzureADTokenExchange";

async fn provider(key: &Key) -> Provider {
    let provider = Provider::start().await;
    provider.said.lock().unwrap().issuer = ISSUER.to_owned();
    provider.show(&[key]);
    provider
}

/// A server that knows where the issuer's keys are.
async fn server_beside(provider: &Provider) -> Server {
    let discovery = format!("http://{}/.well-known/openid-configuration", provider.address);
    let issuer = OutsideIssuer {
        kind: Kind::OpenId { issuer: ISSUER.to_owned(), claims: ClaimNames::default() },
        tenant: None,
        audiences: Vec::new(),
        discovery_url: Some(discovery),
        ca: None,
    };
    let server = Server::start(Config { issuers: vec![issuer], ..unlimited() }).await;
    crate::inventory::fill(&server).await;
    server
}

/// What the issuer says of the workload.
fn claims(server: &Server) -> Value {
    let now_s = server.now().seconds();
    json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": EXCHANGE, "iat": now_s, "nbf": now_s,
        "exp": now_s + 600,
    })
}

#[tokio::test]
async fn an_issuer_vouches_for_a_workload_as_often_as_it_likes() {
    let (rsa, p256) = (Key::rsa("r"), Key::p256("e"));
    let provider = provider(&rsa).await;
    provider.show(&[&rsa, &p256]);
    let server = server_beside(&provider).await;
    let holder = Holder::new(&server).await;
    holder.add_federated(&server, ISSUER, SUBJECT).await;
    let assertion = rsa.sign(&claims(&server));
    // Issuers hand the same assertion out until it expires.
    for _ in 0..3 {
        opens(&server, &show(&server, &holder, &assertion).await).await;
    }
    let several = bent(&claims(&server), json!({"aud": ["other", EXCHANGE], "jti": "1"}));
    for _ in 0..2 {
        assert_eq!(outcome(&show(&server, &holder, &p256.sign(&several)).await), "200");
    }
    // The app's certificate holds beside it.
    assert_eq!(outcome(&show(&server, &holder, &holder.assertion(&server)).await), "200");
    assert_eq!(provider.requests(), [1, 1]);
}

#[tokio::test]
async fn what_the_issuer_did_not_say_is_refused() {
    let key = Key::rsa("r");
    let provider = provider(&key).await;
    let server = server_beside(&provider).await;
    let holder = Holder::new(&server).await;
    holder.add_federated(&server, ISSUER, SUBJECT).await;
    let other = Holder::new(&server).await;
    other.add_federated(&server, ISSUER, "repo:soc/other").await;
    let good = claims(&server);
    let now_s = server.now().seconds();
    let mut table = String::new();
    for (what, assertion) in [
        ("another subject", key.sign(&bent(&good, json!({"sub": "repo:soc/other"})))),
        ("a subject of other case", key.sign(&bent(&good, json!({"sub": SUBJECT.to_uppercase()})))),
        ("no subject", key.sign(&bent(&good, json!({"sub": null})))),
        ("another audience", key.sign(&bent(&good, json!({"aud": "api://other"})))),
        ("no audience", key.sign(&bent(&good, json!({"aud": null})))),
        ("another issuer", key.sign(&bent(&good, json!({"iss": "https://evil.example"})))),
        ("a longer issuer", key.sign(&bent(&good, json!({"iss": format!("{ISSUER}/")})))),
        ("no issuer", key.sign(&bent(&good, json!({"iss": null})))),
        ("expired", key.sign(&bent(&good, json!({"exp": now_s - 300})))),
        ("too early", key.sign(&bent(&good, json!({"nbf": now_s + 301})))),
        ("no exp", key.sign(&bent(&good, json!({"exp": null})))),
        ("another key of its id", Key::rsa("r").sign(&good)),
        ("a key that the issuer does not show", Key::rsa("x").sign(&good)),
        ("no key id", key.sign_with(&json!({"alg": "RS256"}), &good)),
        ("the app's own key", holder.sign(&good)),
    ] {
        let said = outcome(&show(&server, &holder, &assertion).await);
        assert_ne!(said, "200", "{what}");
        table += &format!("{what}\n    {said}\n");
    }
    insta::assert_snapshot!(table);
    assert_eq!(outcome(&show(&server, &holder, &key.sign(&good)).await), "200");
    let said = outcome(&show(&server, &other, &key.sign(&good)).await);
    assert!(said.starts_with("401 invalid_client [700213]"), "{said}");
}

#[tokio::test]
async fn trust_ends_when_it_is_taken_away_or_expires() {
    let key = Key::rsa("r");
    let provider = provider(&key).await;
    let server = server_beside(&provider).await;
    let holder = Holder::new(&server).await;
    let credential = holder.add_federated(&server, ISSUER, SUBJECT).await;
    let assertion = key.sign(&claims(&server));
    assert_eq!(outcome(&show(&server, &holder, &assertion).await), "200");
    holder.remove_credential(&server, &credential).await;
    let said = outcome(&show(&server, &holder, &assertion).await);
    assert!(said.starts_with("401 invalid_client [700213]"), "{said}");
    assert!(said.contains("No matching federated identity record"), "{said}");

    // Nothing gives one an end yet but the database.
    let until = after(server.now(), 60);
    add_to_the_database(&server, &holder, ISSUER, Some(60)).await;
    assert_eq!(outcome(&show(&server, &holder, &assertion).await), "200");
    server.clock.advance(60 * TICKS_PER_SECOND);
    assert_eq!(server.now(), until);
    let said = outcome(&show(&server, &holder, &assertion).await);
    assert!(said.starts_with("401 invalid_client [700213]"), "{said}");
}

/// Adds a credential past the administration, whose issuers are reached over https alone.
async fn add_to_the_database(server: &Server, holder: &Holder, issuer: &str, for_s: Option<i64>) {
    let (store, tenant) = (Arc::clone(&server.store), server.tenant.number);
    let known = store.app(tenant, holder.client_id).await.unwrap().unwrap();
    let mut app = known.clone();
    app.credentials.push(Credential {
        id: Uuid::new_v4(),
        proof: Proof::Federated {
            issuer: issuer.to_owned(),
            subject: SUBJECT.to_owned(),
            audience: EXCHANGE.to_owned(),
        },
        created: server.now(),
        expires: for_s.map(|seconds| after(server.now(), seconds)),
    });
    assert!(store.save_app(tenant, &known, &app).await.unwrap());
}

#[tokio::test]
async fn an_issuer_that_is_named_by_a_credential_alone_is_asked_for_its_keys() {
    let key = Key::p256("e");
    let mut provider = Provider::start().await;
    provider.show(&[&key]);
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let issuer = provider.issuer();
    let assertion = key.sign(&bent(&claims(&server), json!({"iss": issuer})));
    // Nobody is asked whom no credential names.
    let said = outcome(&show(&server, &holder, &assertion).await);
    assert!(said.starts_with("401 invalid_client [700213]"), "{said}");
    assert_eq!(provider.requests(), [0, 0]);

    add_to_the_database(&server, &holder, &issuer, None).await;
    provider.stop().await;
    let said = outcome(&show(&server, &holder, &assertion).await);
    assert!(said.starts_with("401 invalid_client [700027]"), "{said}");
    assert!(said.contains("could not be fetched"), "{said}");
    provider.start_again().await;
    server.clock.advance(30 * TICKS_PER_SECOND);
    opens(&server, &show(&server, &holder, &assertion).await).await;
    // Its keys are known now.
    provider.stop().await;
    assert_eq!(outcome(&show(&server, &holder, &assertion).await), "200");
    // It vouches for the app and opens nothing itself.
    assert_eq!(server.get("/api/machines", &assertion).await.status.as_u16(), 401);
    let said = outcome(&show(&server, &Holder::new(&server).await, &assertion).await);
    assert!(said.contains("[700213]"), "{said}");
}
