//! The token endpoint, in every dress of a request, and what its tokens are good for.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use inventory::access::Permission;
use inventory::time::TICKS_PER_SECOND;
use serde_json::{Value, json};
use server::config::Config;

use crate::harness::{
    AUDIENCE, Answer, HOST, NewApp, Server, new_key, request, sign, unlimited, unsigned,
};

fn form(app: &NewApp, rest: &str) -> String {
    format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&{rest}",
        app.client_id, app.client_secret
    )
}

fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// The audience of the token in an answer.
fn audience(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    claims_of(&token)["aud"].as_str().unwrap().to_owned()
}

fn show(server: &Server, app: &NewApp, answer: &Answer) -> String {
    let mut shown = server.show(answer).replace(&app.client_id.to_string(), "<app>");
    if let Some(token) = answer.json()["access_token"].as_str() {
        shown = shown.replace(token, "<token>");
        let length = format!("content-length: {}", answer.body.len());
        shown = shown.replace(&length, "content-length: <length>");
    }
    shown
}

#[tokio::test]
async fn both_versions_answer_in_their_own_types() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let v1 = format!("/{}/oauth2/token", app.tenant_id);
    let answer = server.post(&v1, &form(&app, &format!("resource={AUDIENCE}"))).await;
    insta::assert_snapshot!("token_v1", show(&server, &app, &answer));
    let v2 = format!("/{}/oauth2/v2.0/token", app.tenant_id);
    let answer = server.post(&v2, &form(&app, &format!("scope={AUDIENCE}/.default"))).await;
    insta::assert_snapshot!("token_v2", show(&server, &app, &answer));
}

#[tokio::test]
async fn the_token_holds_the_vendors_claims() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll, Permission::UserReadAll]).await;
    let token = server.token_of(&app).await;
    let mut claims = claims_of(&token);
    let ids: Vec<_> = ["oid", "sub", "uti"].map(|key| claims[key].take()).into();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], json!(app.client_id));
    let again = claims_of(&server.token_of(&app).await);
    assert_eq!(ids[0], again["oid"]);
    assert_ne!(ids[2], again["uti"]);
    let shown = serde_json::to_string_pretty(&claims)
        .unwrap()
        .replace(&app.client_id.to_string(), "<app>")
        .replace(&server.tenant.id.to_string(), "<tenant>");
    insta::assert_snapshot!(shown);
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    insta::assert_snapshot!("token_header", String::from_utf8(header).unwrap());
}

#[tokio::test]
async fn requests_come_in_every_dress() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let scope = format!("scope={AUDIENCE}%2F.default");
    let whole = form(&app, &scope);
    let v2 = format!("/{}/oauth2/v2.0/token", app.tenant_id);
    let send = async |method: Method, path: &str, kind: Option<&str>, body: &str| {
        let mut asked = request(method, path);
        if let Some(kind) = kind {
            asked = asked.header(header::CONTENT_TYPE, kind);
        }
        audience(&server.call(asked.body(Body::from(body.to_owned())).unwrap()).await)
    };
    let urlencoded = Some("application/x-www-form-urlencoded");
    let with_charset = Some("application/x-www-form-urlencoded;charset=utf-8");
    let noisy =
        format!("client_info=1&x-client-SKU=Python&redirectUri=urn:x&resource={AUDIENCE}&{whole}&");
    for (method, path, kind, body) in [
        (Method::POST, v2.clone(), urlencoded, &whole),
        (Method::POST, v2.clone(), with_charset, &whole),
        (Method::POST, v2.clone(), None, &whole),
        (Method::POST, v2.clone(), Some("text/plain"), &format!("{whole}\r\n")),
        (Method::POST, format!("{v2}?client-request-id=1"), urlencoded, &whole),
        (Method::POST, format!("{}/", v2.to_uppercase()), urlencoded, &whole),
        (Method::POST, v2.clone(), urlencoded, &noisy),
        (Method::GET, v2.clone(), urlencoded, &whole),
        (Method::GET, v2.clone(), None, &whole),
        (Method::GET, format!("{v2}?{whole}"), None, &String::new()),
        (Method::POST, format!("{v2}?{whole}"), None, &String::new()),
    ] {
        assert_eq!(send(method.clone(), &path, kind, body).await, AUDIENCE, "{method} {path}");
    }
}

#[tokio::test]
async fn the_client_may_show_itself_by_http_basic() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let v1 = format!("/{}/oauth2/token", app.tenant_id);
    let body = format!("grant_type=client_credentials&resource={AUDIENCE}");
    let basic = async |id: &str, secret: &str, scheme: &str| {
        let shown = STANDARD.encode(format!("{id}:{secret}"));
        let asked = request(Method::POST, &v1)
            .header(header::AUTHORIZATION, format!("{scheme} {shown}"))
            .body(Body::from(body.clone()))
            .unwrap();
        server.call(asked).await
    };
    let id = app.client_id.to_string();
    assert_eq!(audience(&basic(&id, &app.client_secret, "Basic").await), AUDIENCE);
    assert_eq!(audience(&basic(&id, &app.client_secret, "basic").await), AUDIENCE);
    let encoded = app.client_secret.replace('-', "%2D").replace('_', "%5F");
    assert_eq!(audience(&basic(&id.replace('-', "%2d"), &encoded, "Basic").await), AUDIENCE);
    assert_eq!(basic(&id, "wrong", "Basic").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_name_of_the_api_is_an_audience_and_its_token_opens_the_api() {
    let public = Some("https://footfall.corp.example".parse().unwrap());
    let server = Server::start(Config { public_url: public, ..unlimited() }).await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    for name in [
        "https://api.securitycenter.microsoft.com",
        "https://api.securitycenter.windows.com",
        "https://api.security.microsoft.com",
        "https://securitycenter.onmicrosoft.com/windowsatpservice",
        "https://api-gcc.securitycenter.microsoft.us",
        "https://api-gov.securitycenter.microsoft.us",
        "https://us.api.security.microsoft.com",
        "https://aea.api.security.microsoft.com",
        "https://api-uk.securitycenter.microsoft.com",
        "https://api-gov.security.microsoft.us",
        "https://securitycenter.microsoft.com/mtp",
        "https://SecurityCenter.microsoft.com/mtp",
        "https://security.microsoft.com/mtp",
        "fc780465-2017-40d4-a0c5-307022471b92",
        "8ee8fdad-f234-4243-8f3b-15c294843740",
        "https://footfall.corp.example",
        "HTTPS://API.securitycenter.microsoft.com",
    ] {
        for (field, path, asked, expected) in [
            ("resource", "token", name.to_owned(), name.to_owned()),
            ("resource", "token", format!("{name}/"), format!("{name}/")),
            ("resource", "token", format!("{name}/.default"), name.to_owned()),
            ("scope", "v2.0/token", format!("{name}/.default"), name.to_owned()),
            ("scope", "v2.0/token", format!("{name}//.default"), format!("{name}/")),
            ("scope", "v2.0/token", name.to_owned(), name.to_owned()),
            ("scope", "v2.0/token", format!("openid {name}/.default profile"), name.to_owned()),
        ] {
            let path = format!("/{}/oauth2/{path}", app.tenant_id);
            let answer = server.post(&path, &form(&app, &format!("{field}={asked}"))).await;
            assert_eq!(audience(&answer), expected, "{field}={asked}");
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            let status = server.get("/api/machines", &token).await.status;
            assert_eq!(status, StatusCode::OK, "{field}={asked}");
        }
    }
}

#[tokio::test]
async fn the_servers_own_origin_is_an_audience_there() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let path = format!("/{}/oauth2/v2.0/token", app.tenant_id);
    let answer = server.post(&path, &form(&app, &format!("scope=http://{HOST}/.default"))).await;
    assert_eq!(audience(&answer), format!("http://{HOST}"));
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
    // Twice, since the second time the token is known.
    for _ in 0..2 {
        let elsewhere = axum::http::Request::get("/api/machines")
            .header(header::HOST, "other.example")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        assert_eq!(server.send(elsewhere).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_tenant_is_named_by_id_or_domain() {
    let config = Config { tenant_domains: vec!["Contoso.com".to_owned()], ..unlimited() };
    let server = Server::start(config).await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let body = form(&app, &format!("resource={AUDIENCE}"));
    let id = app.tenant_id.to_string();
    for tenant in [&id, &id.to_uppercase(), "contoso.COM", "common", "organizations"] {
        let answer = server.post(&format!("/{tenant}/oauth2/token"), &body).await;
        assert_eq!(audience(&answer), AUDIENCE, "{tenant}");
    }
}

#[tokio::test]
async fn refusals() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let revoked = server.app(&[Permission::MachineReadAll]).await;
    let now = inventory::time::Timestamp::from_seconds(0, 0).unwrap();
    server.store.revoke_app(server.tenant.number, revoked.client_id, now).await.unwrap();
    let tenant = app.tenant_id.to_string();
    let resource = format!("resource={AUDIENCE}");
    let good = form(&app, &resource);
    let mut table = String::new();
    for (what, tenant, body) in [
        ("nothing", tenant.as_str(), String::new()),
        ("no client", &tenant, format!("grant_type=client_credentials&{resource}")),
        (
            "no secret",
            &tenant,
            format!("{}&{resource}", &good[..good.find("&client_secret").unwrap()]),
        ),
        ("other grant", &tenant, good.replace("client_credentials", "password")),
        (
            "unknown client",
            &tenant,
            good.replace(&app.client_id.to_string(), &uuid::Uuid::nil().to_string()),
        ),
        ("client id that is none", &tenant, good.replace(&app.client_id.to_string(), "me")),
        ("wrong secret", &tenant, good.replace(&app.client_secret, "wrong")),
        ("revoked app", &tenant, form(&revoked, &resource)),
        (
            "revoked app, wrong secret",
            &tenant,
            form(&revoked, &resource).replace(&revoked.client_secret, "x"),
        ),
        ("no resource", &tenant, good.replace("&resource=", "&other=")),
        ("unknown resource", &tenant, good.replace(AUDIENCE, "https://graph.microsoft.com")),
        ("unknown tenant", "fabrikam.com", good.clone()),
    ] {
        let answer = server.post(&format!("/{tenant}/oauth2/token"), &body).await;
        let json = answer.json();
        let description = json["error_description"].as_str().unwrap();
        let (text, _) = description.split_once(" Trace ID: ").unwrap();
        table += &format!(
            "{what}\n    {} {} {}\n    {text}\n",
            answer.status.as_u16(),
            json["error"].as_str().unwrap(),
            json["error_codes"],
        );
        assert_eq!(json["trace_id"], answer.header("mise-correlation-id"));
    }
    let names = [(&app, "<app>"), (&revoked, "<revoked>")];
    for (app, name) in names {
        table = table.replace(&app.client_id.to_string(), name);
    }
    insta::assert_snapshot!(table.replace(&tenant, "<tenant>"));

    let body = format!(
        "{}&client-request-id=00000000-0000-0000-0000-000000000009",
        good.replace(AUDIENCE, "x")
    );
    let answer = server.post(&format!("/{tenant}/oauth2/token"), &body).await;
    insta::assert_snapshot!("token_refusal", show(&server, &app, &answer));
    let answer = server.post("/fabrikam.com/oauth2/v2.0/token", &form(&app, "")).await;
    assert_eq!(answer.json()["error_codes"], json!([90002]));
}

#[tokio::test]
async fn a_form_without_end_is_refused() {
    let server = Server::start(Config::default()).await;
    let path = format!("/{}/oauth2/token", server.tenant.id);
    let answer = server.post(&path, &"x".repeat(100_000)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["error_codes"], json!([90015]));
}

#[tokio::test]
async fn a_token_is_good_for_an_hour() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let token = server.token_of(&app).await;
    let status = async || server.get("/api/machines", &token).await.status;
    assert_eq!(status().await, StatusCode::OK);
    server.clock.advance(3599 * TICKS_PER_SECOND);
    assert_eq!(status().await, StatusCode::OK);
    server.clock.advance(TICKS_PER_SECOND);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    let (_, message) = server.get("/api/machines", &token).await.error();
    assert_eq!(message, "The access token has expired.");
}

#[tokio::test]
async fn a_revocation_holds_from_the_next_call_on_whoever_made_it() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let token = server.token_of(&app).await;
    for _ in 0..2 {
        assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
    }
    let url = format!("sqlite:{}", server.folder.path().join("test.db").display());
    let other = store::open(&url).unwrap();
    let now = inventory::time::Timestamp::from_seconds(0, 0).unwrap();
    assert!(other.revoke_app(server.tenant.number, app.client_id, now).await.unwrap());
    for _ in 0..2 {
        let answer = server.get("/api/machines", &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

/// Tokens that look right but are not; one that is right shows that the rest is what matters.
#[tokio::test]
async fn forgeries_are_refused() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let claims = server.claims(&app);
    let key = server.signing_key().await;
    let good = server.mint(&claims).await;
    assert_eq!(server.get("/api/machines", &good).await.status, StatusCode::OK);

    let header = |alg: &str, kid: &str| json!({"typ": "JWT", "alg": alg, "kid": kid});
    let (parts, signature) = good.rsplit_once('.').unwrap();
    let mut other_claims = claims.clone();
    other_claims["roles"] = json!(["Machine.ReadWrite.All"]);
    let with_claims = unsigned(&header("RS256", &key.kid), &other_claims);
    let public = {
        let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(&key.key.0).unwrap();
        aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_vec()
    };
    let hs256 = {
        let text = unsigned(&header("HS256", &key.kid), &claims);
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public);
        let tag = aws_lc_rs::hmac::sign(&secret, text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    };
    let own = new_key();
    let injected = json!({
        "typ": "JWT", "alg": "RS256", "kid": key.kid,
        "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "jku": "https://evil.example/keys",
    });
    let huge = {
        let mut claims = claims.clone();
        claims["pad"] = "x".repeat(100_000).into();
        server.mint(&claims).await
    };
    let mut crit = header("RS256", &key.kid);
    crit["crit"] = json!(["x"]);
    let no_kid = json!({"typ": "JWT", "alg": "RS256"});
    for (what, token) in [
        ("signature of other claims", format!("{with_claims}.{signature}")),
        ("signature cut", format!("{parts}.{}", &signature[..100])),
        ("no signature", format!("{parts}.")),
        ("two parts", parts.to_owned()),
        ("five parts", format!("{good}.a.b")),
        ("alg none", format!("{}.", unsigned(&header("none", &key.kid), &claims))),
        (
            "alg None, signed",
            format!("{}.{signature}", unsigned(&header("None", &key.kid), &claims)),
        ),
        ("HS256 with the public key", hs256),
        ("RS512 named", sign(&header("RS512", &key.kid), &claims, &key.key.0)),
        ("PS256 named", sign(&header("PS256", &key.kid), &claims, &key.key.0)),
        ("another key", sign(&header("RS256", &key.kid), &claims, &own)),
        ("a key in the header", sign(&injected, &claims, &own)),
        ("unknown kid", sign(&header("RS256", "x"), &claims, &key.key.0)),
        ("kid of a path", sign(&header("RS256", "../../dev/null"), &claims, &own)),
        ("kid of SQL", sign(&header("RS256", "' OR 1=1 --"), &claims, &own)),
        ("no kid", sign(&no_kid, &claims, &key.key.0)),
        ("100 kB", huge),
        ("not base64", "%%%.%%%.%%%".to_owned()),
        ("claims that are no object", sign(&header("RS256", &key.kid), &json!([]), &key.key.0)),
        ("no claims", sign(&header("RS256", &key.kid), &json!({}), &key.key.0)),
    ] {
        let status = server.get("/api/machines", &token).await.status;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}");
    }
    for (claim, value) in [
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("nbf", json!(-1e300)),
        ("aud", json!([AUDIENCE])),
        ("aud", json!("")),
        ("tid", json!("x")),
        ("appid", json!("x")),
        ("roles", json!("Machine.Read.All")),
    ] {
        let mut claims = claims.clone();
        claims[claim] = value.clone();
        let token = server.mint(&claims).await;
        let status = server.get("/api/machines", &token).await.status;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{claim}: {value}");
    }
}

#[tokio::test]
async fn tokens_of_version_2_are_believed_too() {
    let server = Server::with_inventory().await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let mut claims = server.claims(&app);
    let object = claims.as_object_mut().unwrap();
    object.remove("appid");
    object.insert("azp".to_owned(), json!(app.client_id));
    object.insert("aud".to_owned(), json!("fc780465-2017-40d4-a0c5-307022471b92"));
    object.insert("ver".to_owned(), json!("2.0"));
    let issuer = format!("https://login.microsoftonline.com/{}/v2.0", server.tenant.id);
    object.insert("iss".to_owned(), json!(issuer));
    let token = server.mint(&claims).await;
    assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_first_key_is_made_at_first_need() {
    let folder = tempfile::tempdir().unwrap();
    let store = store::open(&format!("sqlite:{}", folder.path().join("x.db").display())).unwrap();
    let tenant = store.default_tenant().await.unwrap();
    let now = crate::harness::time(crate::harness::NOW);
    let permissions = [Permission::MachineReadAll];
    let app = crate::harness::add_app(store.as_ref(), &tenant, &permissions, now).await;
    assert!(store.signing_keys(tenant.number).await.unwrap().is_empty());
    let claim = server::issuer::Claim {
        client_id: &app.client_id.to_string(),
        client_secret: &app.client_secret,
        resource: server::issuer::audience::DEFAULT_RESOURCE,
        own: &[],
    };
    let token = server::issuer::issue(store.as_ref(), &tenant, claim, now).await.unwrap();
    assert_eq!(claims_of(&token.access_token)["aud"], AUDIENCE);
    assert_eq!(store.signing_keys(tenant.number).await.unwrap().len(), 1);
    let wrong = server::issuer::Claim { client_secret: "x", ..claim };
    let refusal = server::issuer::issue(store.as_ref(), &tenant, wrong, now).await.unwrap_err();
    assert!(refusal.to_string().starts_with("AADSTS7000215: "), "{refusal}");
    // The secret is kept nowhere.
    let kept = format!("{:?}", store.apps(tenant.number).await.unwrap());
    assert!(!kept.contains(&app.client_secret));
}
