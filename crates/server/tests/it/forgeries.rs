//! Tokens made by people who would like to be somebody else: JSON that two readers understand
//! differently, keys that the header brings along, keys of another issuer. All are 401.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::{Permission, PrivateKey, SigningKey};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Server, add_app, new_key, sign};
use crate::people::{EVERY_SCOPE, Rank};

/// A token of texts as they are, signed with a private key.
fn sign_text(header: &str, claims: &str, key: &[u8]) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let pair = KeyPair::from_pkcs8(key).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn status(server: &Server, token: &str) -> StatusCode {
    server.get("/api/machines", token).await.status
}

#[tokio::test]
async fn a_name_that_stands_twice_is_refused_though_it_is_signed() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let key = server.signing_key().await;
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": key.kid}).to_string();
    let claims = server.claims(&app).to_string();
    assert_eq!(status(&server, &sign_text(&header, &claims, &key.key.0)).await, StatusCode::OK);
    let twice = |text: &str, more: &str| format!("{{{more},{}", &text[1..]);
    for (header, claims) in [
        (header.clone(), twice(&claims, r#""roles":["Machine.ReadWrite.All"]"#)),
        (header.clone(), twice(&claims, r#""tid":"00000000-0000-0000-0000-000000000000""#)),
        (header.clone(), twice(&claims, r#""\u0065xp":9999999999"#)),
        (header.clone(), twice(&claims, r#""other":{"a":1,"a":2}"#)),
        (twice(&header, r#""alg":"none""#), claims.clone()),
        (twice(&header, r#""kid":"other""#), claims.clone()),
        (header.clone(), format!("{claims} {claims}")),
        (header.clone(), format!("\u{feff}{claims}")),
    ] {
        let token = sign_text(&header, &claims, &key.key.0);
        assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED, "{header} {claims}");
    }
}

#[tokio::test]
async fn nothing_in_the_header_brings_its_own_key() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let claims = server.claims(&app);
    let (own, key) = (new_key(), server.signing_key().await);
    let address = "http://127.0.0.1:9/keys";
    for (name, value) in [
        ("jku", json!(address)),
        ("x5u", json!(address)),
        ("x5c", json!(["MIIB"])),
        ("jwk", json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
        ("kid", json!(address)),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("x' UNION SELECT 'key")),
        ("kid", json!("")),
        ("kid", json!(null)),
        ("kid", json!(["key-of-the-tests"])),
        ("crit", json!(["exp"])),
        ("typ", json!("dpop+jwt")),
        ("alg", json!("ES256")),
        ("alg", json!("PS256")),
        ("alg", json!("RS384")),
        ("alg", json!("rs256")),
        ("alg", json!("none")),
        ("alg", json!("")),
        ("alg", json!(null)),
    ] {
        let mut header = json!({"typ": "JWT", "alg": "RS256", "kid": key.kid});
        header[name] = value;
        let forged = sign(&header, &claims, &own);
        assert_eq!(status(&server, &forged).await, StatusCode::UNAUTHORIZED, "{header}");
        // Where the key is right, the header must be too.
        if ["kid", "alg", "crit", "typ"].contains(&name) {
            let bent = sign(&header, &claims, &key.key.0);
            assert_eq!(status(&server, &bent).await, StatusCode::UNAUTHORIZED, "{header}");
        }
    }
    let good = server.mint(&claims).await;
    let parts: Vec<_> = good.split('.').collect();
    for parts in [
        vec!["", "", ""],
        vec!["", parts[1], parts[2]],
        vec![parts[0], "", parts[2]],
        vec![parts[0], parts[1], ""],
        vec![parts[0], parts[1]],
        vec![parts[0], parts[1], parts[2], ""],
        vec!["", parts[0], parts[1], parts[2]],
        vec![parts[0], parts[1], &parts[2][4..]],
    ] {
        let token = parts.join(".");
        assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED, "{token}");
    }
    assert_eq!(status(&server, &format!("{good}=")).await, StatusCode::UNAUTHORIZED);
    let mut large = claims.clone();
    large["pad"] = "x".repeat(100_000).into();
    assert_eq!(status(&server, &server.mint(&large).await).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_of_one_tenant_is_none_of_another() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let other = server.store.add_tenant(Uuid::new_v4(), "Branch", &[]).await.unwrap().unwrap();
    let theirs = SigningKey {
        kid: "key-of-the-branch".to_owned(),
        key: PrivateKey(new_key()),
        created: server.now(),
        verifies_until: None,
    };
    server.store.add_first_signing_key(other.number, &theirs).await.unwrap();
    let permissions = [Permission::MachineReadAll];
    let their_app = add_app(server.store.as_ref(), &other, &permissions, server.now()).await;
    let ours = server.signing_key().await;
    let token = |tenant: Uuid, issuer: Uuid, app: Uuid, key: &SigningKey| {
        let mut claims = server.claims(&their_app);
        claims["tid"] = json!(tenant);
        claims["iss"] = json!(format!("https://sts.windows.net/{issuer}/"));
        claims["appid"] = json!(app);
        sign(&json!({"typ": "JWT", "alg": "RS256", "kid": key.kid}), &claims, &key.key.0)
    };
    let (own, branch) = (server.tenant.id, other.id);
    let (app, their_app) = (app.client_id, their_app.client_id);
    // Each of its own, and the branch has no machines.
    let answer = server.get("/api/machines", &token(own, own, app, &ours)).await;
    assert_eq!(answer.names().len(), 3);
    let answer = server.get("/api/machines", &token(branch, branch, their_app, &theirs)).await;
    assert_eq!(answer.names(), [""; 0]);
    let answer =
        server.get("/api/machines/srv-01", &token(branch, branch, their_app, &theirs)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    for (what, forged) in [
        ("our tenant, their key", token(own, own, app, &theirs)),
        ("their tenant, our key", token(branch, branch, their_app, &ours)),
        ("our tid, their issuer", token(own, branch, app, &theirs)),
        ("their tid, our issuer", token(branch, own, their_app, &ours)),
        ("our app in their tenant", token(branch, branch, app, &theirs)),
        ("their app in our tenant", token(own, own, their_app, &ours)),
        ("a tenant of nobody", token(Uuid::nil(), Uuid::nil(), app, &ours)),
    ] {
        assert_eq!(status(&server, &forged).await, StatusCode::UNAUTHORIZED, "{what}");
    }
}

#[tokio::test]
async fn a_person_must_be_in_force_at_every_call() {
    let server = Server::with_inventory().await;
    let number = server.tenant.number;
    let anna = server.operator("anna", Rank::Administrator).await;
    let app = server.app(&[]).await;
    let claims = server.person_claims(&app, anna.id, EVERY_SCOPE);
    let token = server.mint(&claims).await;
    assert_eq!(status(&server, &token).await, StatusCode::OK);
    for (claim, value) in [
        ("oid", json!(null)),
        ("oid", json!(Uuid::nil())),
        ("oid", json!(app.client_id)),
        ("uti", json!(null)),
        ("iat", json!(null)),
        ("iat", json!(server.now().seconds())),
        ("scp", json!(["Machine.Read"])),
        ("scp", json!(null)),
    ] {
        let mut claims = claims.clone();
        claims[claim] = value.clone();
        let token = server.mint(&claims).await;
        assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED, "{claim}: {value}");
    }
    // Each change holds from the next call on, and what is undone lets in again.
    let save = async |operator: &inventory::access::operator::Operator| {
        let known = server.store.operator(number, operator.id).await.unwrap().unwrap();
        assert!(server.store.save_operator(number, &known, operator).await.unwrap());
    };
    let mut changed = anna.clone();
    changed.is_administrator = false;
    save(&changed).await;
    assert_eq!(status(&server, &token).await, StatusCode::FORBIDDEN);
    changed = anna.clone();
    changed.disabled = Some(server.now());
    save(&changed).await;
    assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED);
    save(&anna).await;
    assert_eq!(status(&server, &token).await, StatusCode::OK);
    // Signed out everywhere a second later.
    changed = anna.clone();
    changed.tokens_valid_from = crate::people::after(server.now(), 1);
    save(&changed).await;
    assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED);
    save(&anna).await;
    assert_eq!(status(&server, &token).await, StatusCode::OK);
    // This token alone is revoked.
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        claims["uti"].as_str().unwrap().as_bytes(),
    );
    let ticket = inventory::access::ticket::Ticket {
        kind: inventory::access::ticket::TicketKind::RevokedToken,
        key: digest.as_ref().try_into().unwrap(),
        expires: crate::people::after(server.now(), 3600),
        operator: Some(anna.id),
        app: None,
        family: None,
        data: String::new(),
    };
    assert!(server.store.add_ticket(number, &ticket, server.now()).await.unwrap());
    assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED);
    let another = server.person_token(anna.id, EVERY_SCOPE).await;
    assert_eq!(status(&server, &another).await, StatusCode::OK);
    assert!(server.store.remove_operator(number, anna.id).await.unwrap());
    assert_eq!(status(&server, &another).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_rotated_key_is_believed_until_its_time_is_over() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    assert_eq!(status(&server, &token).await, StatusCode::OK);
    let next = SigningKey {
        kid: "next".to_owned(),
        key: PrivateKey(new_key()),
        created: server.now(),
        verifies_until: None,
    };
    let until = crate::people::after(server.now(), 60);
    server.store.rotate_signing_key(server.tenant.number, &next, until).await.unwrap();
    assert_eq!(status(&server, &token).await, StatusCode::OK);
    let by_next = server.reader().await;
    assert_eq!(status(&server, &by_next).await, StatusCode::OK);
    server.clock.advance(60 * inventory::time::TICKS_PER_SECOND);
    assert_eq!(status(&server, &token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&server, &by_next).await, StatusCode::OK);
}

#[test]
fn no_token_with_a_changed_byte_is_believed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::with_inventory());
    let good = runtime.block_on(server.reader());
    assert_eq!(runtime.block_on(status(&server, &good)), StatusCode::OK);
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let byte = prop_oneof!["[A-Za-z0-9_.=-]", "[ -~]"];
    TestRunner::new(config)
        .run(&(0..good.len(), byte), |(at, byte)| {
            let mut forged = good.clone();
            forged.replace_range(at..=at, &byte);
            // A blank at an end is not the token's.
            prop_assume!(forged != good && forged.trim() == forged);
            let status = runtime.block_on(status(&server, &forged));
            prop_assert_eq!(status, StatusCode::UNAUTHORIZED, "{}", forged);
            Ok(())
        })
        .unwrap();
}
