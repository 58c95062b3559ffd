//! What sign-in libraries ask first.

use axum::http::{StatusCode, header};
use server::config::Config;

use crate::harness::{Server, unlimited};

async fn https_server() -> Server {
    let public_url = Some("https://footfall.corp.example:8443".parse().unwrap());
    Server::start(Config { public_url, ..unlimited() }).await
}

#[tokio::test]
async fn openid_metadata() {
    let server = https_server().await;
    let tenant = server.tenant.id;
    let path = format!("/{tenant}/v2.0/.well-known/openid-configuration");
    let answer = server.get_open(&path).await;
    insta::assert_snapshot!("metadata_v2", server.show(&answer));
    let common = server.get_open("/common/v2.0/.well-known/openid-configuration").await;
    assert_eq!(common.text(), answer.text());
    let answer = server.get_open(&format!("/{tenant}/.well-known/openid-configuration")).await;
    insta::assert_snapshot!("metadata_v1", server.show(&answer));
    for key in ["token_endpoint", "authorization_endpoint", "issuer", "jwks_uri"] {
        let url = common.json()[key].as_str().unwrap().to_owned();
        assert!(url.starts_with("https://footfall.corp.example:8443/"), "{key}: {url}");
    }
}

#[tokio::test]
async fn under_the_vendors_name_everything_points_there() {
    let server = https_server().await;
    let asked = axum::http::Request::get("/common/v2.0/.well-known/openid-configuration")
        .header(header::HOST, "login.microsoftonline.com");
    let json = server.send(asked).await.json();
    let tenant = server.tenant.id;
    assert_eq!(
        json["token_endpoint"],
        format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token")
    );
    assert_eq!(json["issuer"], format!("https://login.microsoftonline.com/{tenant}/v2.0"));
}

#[tokio::test]
async fn an_unknown_tenant_has_no_metadata() {
    let server = https_server().await;
    let answer = server.get_open("/fabrikam.com/v2.0/.well-known/openid-configuration").await;
    insta::assert_snapshot!(server.show(&answer));
    let answer = server.get_open("/fabrikam.com/discovery/v2.0/keys").await;
    assert_eq!(answer.json()["error"], "invalid_tenant");
}

#[tokio::test]
async fn the_key_set_verifies_tokens() {
    let server = https_server().await;
    let token = server.reader().await;
    for path in [
        format!("/{}/discovery/v2.0/keys", server.tenant.id),
        format!("/{}/discovery/keys", server.tenant.id),
        "/common/discovery/v2.0/keys".to_owned(),
        "/common/discovery/keys".to_owned(),
    ] {
        let answer = server.get_open(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_slice(&answer.body).unwrap();
        let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<serde_json::Value>(&token, &key, &validation).unwrap();
        // Public halves alone.
        let json = answer.json();
        let mut keys: Vec<_> = json["keys"][0].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, ["e", "kid", "kty", "n", "use", "x5t"]);
    }
}

#[tokio::test]
async fn instances() {
    let server = https_server().await;
    let path = "/common/discovery/instance?api-version=1.1&authorization_endpoint=\
                https%3A%2F%2Ffootfall.corp.example%2Fcontoso.com%2Foauth2%2Fv2.0%2Fauthorize";
    let answer = server.get_open(path).await;
    insta::assert_snapshot!(server.show(&answer));
    for query in
        ["", "?authorization_endpoint=x", "?authorization_endpoint=https://a/%22%3C", "?a=%ff"]
    {
        let answer = server.get_open(&format!("/common/discovery/instance{query}")).await;
        let endpoint = answer.json()["tenant_discovery_endpoint"].as_str().unwrap().to_owned();
        assert!(endpoint.contains("/common/"), "{query}: {endpoint}");
    }
}
