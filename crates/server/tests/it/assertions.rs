//! Certificates in the place of secrets: which assertions the token endpoint believes, and what it
//! says of the others (defender-api.md §7.2, RFC 7523 §3).

mod federated;
pub(crate) mod holder;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use inventory::time::TICKS_PER_SECOND;
use serde_json::{Value, json};
use server::config::Config;

use self::holder::{Holder, certificate, key, other_key, public_key, signed, thumbprints};
use crate::harness::{AUDIENCE, Answer, HOST, Server, request, unlimited};

/// What a client sends with its assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const VENDOR: &str = "https://login.microsoftonline.com";
const DAY_S: i64 = 24 * 3600;

/// The fields that a client sends with an assertion, as a form.
fn form(client_id: impl std::fmt::Display, assertion: &str) -> String {
    format!(
        "grant_type=client_credentials&client_id={client_id}&scope={AUDIENCE}/.default\
         &client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
    )
}

/// Shows an assertion of an app.
async fn show(server: &Server, holder: &Holder, assertion: &str) -> Answer {
    let path = format!("/{}/oauth2/v2.0/token", server.tenant.id);
    server.post(&path, &form(holder.client_id, assertion)).await
}

/// Status, error, code and what is said, on one line.
fn outcome(answer: &Answer) -> String {
    if answer.status == StatusCode::OK {
        return "200".to_owned();
    }
    let json = answer.json();
    let description = json["error_description"].as_str().unwrap();
    let (text, _) = description.split_once(" Trace ID: ").unwrap();
    let (status, error) = (answer.status.as_u16(), json["error"].as_str().unwrap());
    let line = format!("{status} {error} {} {text}", json["error_codes"]);
    assert!(text.starts_with(&format!("AADSTS{}: ", json["error_codes"][0])), "{line}");
    line
}

/// A token of the answer opens the API.
async fn opens(server: &Server, answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
}

/// A change of good claims; null takes a claim away.
fn bent(claims: &Value, changes: Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

#[tokio::test]
async fn both_algorithms_and_both_thumbprints_are_believed() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let (sha1, sha256) = thumbprints(&holder.der);
    for header in [
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": sha256}),
        json!({"alg": "RS256", "typ": "JWT", "x5t": sha1}),
        json!({"alg": "RS256", "x5t#S256": sha256}),
        json!({"alg": "PS256", "x5t": sha1}),
        json!({"alg": "PS256", "x5t": "AAAA", "x5t#S256": format!("{sha256}=")}),
        json!({"alg": "RS256", "x5t": sha1, "kid": "whatever", "x5c": ["AAAA"]}),
    ] {
        let assertion = signed(key(), &header.to_string(), &holder.claims(&server).to_string());
        opens(&server, &show(&server, &holder, &assertion).await).await;
    }
    let token = show(&server, &holder, &holder.assertion(&server)).await;
    let token = token.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(holder::claims_of(&token)["appidacr"], "2");
}

#[tokio::test]
async fn the_form_of_the_client_id_does_not_matter() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let id = holder.client_id.to_string().to_uppercase();
    let claims = bent(&holder.claims(&server), json!({"iss": id, "sub": id}));
    let path = format!("/{}/oauth2/v2.0/token", server.tenant.id);
    let answer = server.post(&path, &form(&id, &holder.sign(&claims))).await;
    opens(&server, &answer).await;
}

#[tokio::test]
async fn times_are_whole_seconds_or_fractions() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let now_s = server.now().seconds();
    for (what, times, is_timely) in [
        ("whole", format!(r#""nbf":{now_s},"iat":{now_s},"exp":{}"#, now_s + 600), true),
        ("fractions", format!(r#""nbf":{now_s}.75,"exp":{}.25"#, now_s + 600), true),
        ("an exponent", format!(r#""exp":{:e}"#, (now_s + 600) as f64 + 0.25), true),
        ("no beginning", format!(r#""exp":{}"#, now_s + 600), true),
        ("expired within the skew", format!(r#""exp":{}"#, now_s - 299), true),
        ("early within the skew", format!(r#""nbf":{},"exp":{}"#, now_s + 300, now_s + 600), true),
        ("a day", format!(r#""exp":{}"#, now_s + DAY_S), true),
        ("expired", format!(r#""exp":{}"#, now_s - 300), false),
        ("expired long ago", r#""exp":1.5e9"#.to_owned(), false),
        ("expired by a fraction", format!(r#""exp":{}.9"#, now_s - 301), false),
        ("early", format!(r#""nbf":{},"exp":{}"#, now_s + 301, now_s + 600), false),
        ("issued in the future", format!(r#""iat":{},"exp":{}"#, now_s + 301, now_s + 900), false),
        ("more than a day", format!(r#""exp":{}"#, now_s + DAY_S + 1), false),
        ("for ever", format!(r#""exp":{}"#, i64::MAX), false),
        ("before all", format!(r#""exp":{}"#, i64::MIN), false),
        ("not before for ever", format!(r#""nbf":{},"exp":{}"#, i64::MAX, now_s + 600), false),
    ] {
        let rest = bent(&holder.claims(&server), json!({"nbf": null, "iat": null, "exp": null}));
        let claims = rest.to_string().replacen('{', &format!("{{{times},"), 1);
        let answer = show(&server, &holder, &signed(key(), &holder.header(), &claims)).await;
        match is_timely {
            true => assert_eq!(outcome(&answer), "200", "{what}"),
            false => assert_eq!(answer.json()["error_codes"], json!([700_024]), "{what}"),
        }
    }
}

#[tokio::test]
async fn the_audience_is_the_token_endpoint_by_any_of_its_names() {
    let public_url = Some("https://footfall.corp.example".parse().unwrap());
    let tenant_domains = vec!["contoso.com".to_owned()];
    let server = Server::start(Config { public_url, tenant_domains, ..unlimited() }).await;
    let holder = Holder::new(&server).await;
    let id = server.tenant.id.to_string();
    let ask = async |server: &Server, name: &str, audience: Value| {
        let claims = bent(&holder.claims(server), json!({"aud": audience}));
        let path = format!("/{name}/oauth2/v2.0/token");
        outcome(&server.post(&path, &form(holder.client_id, &holder.sign(&claims))).await)
    };
    let hosts = [
        VENDOR,
        "https://login.windows.net",
        "https://login.microsoftonline.us",
        "https://footfall.corp.example",
    ];
    for host in hosts {
        for path in ["oauth2/token", "oauth2/v2.0/token", "v2.0", "oauth2/v2.0/token/"] {
            for (name, tenant) in [
                (id.as_str(), id.clone()),
                (&id, id.to_uppercase()),
                ("contoso.com", "Contoso.com".to_owned()),
                ("contoso.com", id.clone()),
                ("common", "common".to_owned()),
            ] {
                let audience = format!("{host}/{tenant}/{path}");
                let said = ask(&server, name, json!(audience)).await;
                assert_eq!(said, "200", "{audience} at {name}");
            }
        }
    }
    let audience = format!("{VENDOR}/{id}/oauth2/v2.0/token");
    assert_eq!(ask(&server, &id, json!([AUDIENCE, audience])).await, "200");

    // Without a public address the origin is the one that was asked.
    let server = server.with_config(unlimited()).await;
    let audience = format!("http://{HOST}/{id}/oauth2/v2.0/token");
    assert_eq!(ask(&server, &id, json!(audience)).await, "200");
    for audience in [
        format!("https://{HOST}/{id}/oauth2/v2.0/token"),
        format!("https://footfall.corp.example/{id}/oauth2/v2.0/token"),
    ] {
        let said = ask(&server, &id, json!(audience)).await;
        assert!(said.contains("'aud' must be"), "{audience}: {said}");
    }
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let server = Server::with_inventory().await;
    let replica = server.replica().await;
    let holder = Holder::new(&server).await;
    let first = holder.assertion(&server);
    assert_eq!(outcome(&show(&server, &holder, &first).await), "200");
    for server in [&server, &replica, &server] {
        let said = outcome(&show(server, &holder, &first).await);
        assert!(said.contains("[700027]") && said.contains("used before"), "{said}");
    }
    // Until it expires, and then it is too late for it.
    let last_s = holder::claims_of(&first)["exp"].as_i64().unwrap() + 299;
    server.clock.advance((last_s - server.now().seconds()) * TICKS_PER_SECOND);
    server.store.forget_tickets(server.now()).await.unwrap();
    assert!(outcome(&show(&server, &holder, &first).await).contains("used before"));
    server.clock.advance(TICKS_PER_SECOND);
    server.store.forget_tickets(server.now()).await.unwrap();
    assert!(outcome(&show(&server, &holder, &first).await).contains("[700024]"));

    for _ in 0..5 {
        let racing = holder.assertion(&server);
        let (a, b, c, d) = tokio::join!(
            show(&server, &holder, &racing),
            show(&replica, &holder, &racing),
            show(&server, &holder, &racing),
            show(&replica, &holder, &racing),
        );
        let good = [a, b, c, d].iter().filter(|it| it.status == StatusCode::OK).count();
        assert_eq!(good, 1);
    }
    // The id is the app's own, and one that was refused is not used up.
    let other = Holder::new(&server).await;
    let claims = bent(&holder.claims(&server), json!({"jti": "one"}));
    let elsewhere = bent(&claims, json!({"aud": AUDIENCE}));
    assert_ne!(outcome(&show(&server, &holder, &holder.sign(&elsewhere)).await), "200");
    assert_eq!(outcome(&show(&server, &holder, &holder.sign(&claims)).await), "200");
    let same = bent(&other.claims(&server), json!({"jti": "one"}));
    assert_eq!(outcome(&show(&server, &other, &other.sign(&same)).await), "200");
}

#[tokio::test]
async fn assertions_that_prove_nothing_are_refused() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let (sha1, sha256) = thumbprints(&holder.der);
    let good = holder.claims(&server);
    let with = |header: Value| signed(key(), &header.to_string(), &good.to_string());
    let (parts, signature) = {
        let good = holder.sign(&good);
        let (parts, signature) = good.rsplit_once('.').unwrap();
        (parts.to_owned(), signature.to_owned())
    };
    let (_, of_other) = thumbprints(&certificate(other_key(), "other", 2030));
    let twice = good.to_string().replacen('{', r#"{"sub":"x","#, 1);
    let header_twice = holder.header().replacen('{', r#"{"alg":"none","#, 1);
    let mut table = String::new();
    let proofs = [
        ("another key", signed(other_key(), &holder.header(), &good.to_string())),
        ("signature of other claims", {
            let claims = bent(&good, json!({"jti": "other"}));
            let (others, _) = holder.sign(&claims).rsplit_once('.').map(own).unwrap();
            format!("{others}.{signature}")
        }),
        ("signature cut", format!("{parts}.{}", &signature[..100])),
        ("no signature", format!("{parts}.")),
        ("thumbprint of nothing", with(json!({"alg": "PS256", "x5t#S256": "AAAA"}))),
        ("thumbprint of another", with(json!({"alg": "PS256", "x5t#S256": of_other}))),
        ("wrong SHA-256, right SHA-1", {
            with(json!({"alg": "PS256", "x5t#S256": of_other, "x5t": sha1}))
        }),
        ("SHA-1 as SHA-256", with(json!({"alg": "PS256", "x5t#S256": sha1}))),
        ("SHA-256 as SHA-1", with(json!({"alg": "RS256", "x5t": sha256}))),
        ("thumbprint that is no text", with(json!({"alg": "RS256", "x5t": 5}))),
        ("no thumbprint", with(json!({"alg": "PS256", "kid": sha256}))),
        ("PS256 signed as RS256", {
            let header = json!({"alg": "PS256", "x5t#S256": sha256});
            holder::signed_as(key(), "RS256", &header.to_string(), &good.to_string())
        }),
        ("RS256 signed as PS256", {
            let header = json!({"alg": "RS256", "x5t": sha1});
            holder::signed_as(key(), "PS256", &header.to_string(), &good.to_string())
        }),
        ("a claim twice", signed(key(), &holder.header(), &twice)),
        ("a header twice", signed(key(), &header_twice, &good.to_string())),
        ("claims that are no object", signed(key(), &holder.header(), "[]")),
        ("no claims", signed(key(), &holder.header(), "{}")),
        ("a secret", "footfall_AAAA".to_owned()),
        ("garbage", "%00.%FF.%F0%9F".to_owned()),
        ("two parts", parts.clone()),
        ("five parts", format!("{parts}.{signature}.a.b")),
        ("20 kB", holder.sign(&bent(&good, json!({"pad": "x".repeat(20_000)})))),
        ("100 kB", holder.sign(&bent(&good, json!({"pad": "x".repeat(100_000)})))),
    ];
    for (what, assertion) in proofs.into_iter().chain(of_other_headers(&holder, &good)) {
        let said = outcome(&show(&server, &holder, &assertion).await);
        assert_ne!(said, "200", "{what}");
        table += &format!("{what}\n    {said}\n");
    }
    // None of it used the id up.
    assert_eq!(outcome(&show(&server, &holder, &holder.sign(&good)).await), "200");
    insta::assert_snapshot!(table);
}

/// Assertions of these claims whose headers nobody believes.
fn of_other_headers(holder: &Holder, good: &Value) -> Vec<(&'static str, String)> {
    let (sha1, _) = thumbprints(&holder.der);
    let with = |header: Value| signed(key(), &header.to_string(), &good.to_string());
    vec![
        ("none", format!("{}.", holder::unsigned(r#"{"alg":"none"}"#, &good.to_string()))),
        ("None, signed", with(json!({"alg": "None", "x5t": sha1}))),
        ("HS256 with the public key", {
            let header = json!({"alg": "HS256", "x5t": sha1}).to_string();
            holder::hs256(&public_key(), &header, &good.to_string())
        }),
        ("HS256 with the certificate", {
            let header = json!({"alg": "HS256", "x5t": sha1}).to_string();
            holder::hs256(&holder.der, &header, &good.to_string())
        }),
        ("ES256", with(json!({"alg": "ES256", "x5t": sha1}))),
        ("RS512", with(json!({"alg": "RS512", "x5t": sha1}))),
        ("no algorithm", with(json!({"x5t": sha1}))),
        ("an extension", with(json!({"alg": "RS256", "x5t": sha1, "crit": ["exp"]}))),
        ("another kind", with(json!({"alg": "RS256", "x5t": sha1, "typ": "dpop+jwt"}))),
        ("a key of its own", {
            let header = json!({"alg": "RS256", "x5t": sha1, "jwk": {"kty": "RSA"}, "jku": VENDOR});
            signed(other_key(), &header.to_string(), &good.to_string())
        }),
    ]
}

fn own((one, other): (&str, &str)) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

#[tokio::test]
async fn assertions_that_say_something_else_are_refused() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let other = Holder::new(&server).await;
    let good = holder.claims(&server);
    let (id, tenant) = (other.client_id.to_string(), server.tenant.id.to_string());
    let foreign = uuid::Uuid::nil();
    let mut table = String::new();
    for (what, changes) in [
        ("no jti", json!({"jti": null})),
        ("jti a number", json!({"jti": 5})),
        ("no exp", json!({"exp": null})),
        ("exp a text", json!({"exp": "1795428030"})),
        ("exp too great for a number", json!({"exp": 1e300})),
        ("nbf a text", json!({"nbf": "0"})),
        ("no sub", json!({"sub": null})),
        ("sub of another app", json!({"sub": id})),
        ("no iss", json!({"iss": null})),
        ("iss of another app", json!({"iss": id})),
        ("iss and sub of another app", json!({"iss": id, "sub": id})),
        ("iss a number", json!({"iss": 5})),
        ("no aud", json!({"aud": null})),
        ("aud of nothing", json!({"aud": []})),
        ("aud a number", json!({"aud": 5})),
        ("aud with a number", json!({"aud": [5]})),
        ("aud the API", json!({"aud": AUDIENCE})),
        ("aud another tenant", json!({"aud": format!("{VENDOR}/{foreign}/oauth2/v2.0/token")})),
        ("aud another host", json!({"aud": format!("https://evil.example/{tenant}/v2.0")})),
        ("aud a longer host", json!({"aud": format!("{VENDOR}.evil.example/{tenant}/v2.0")})),
        ("aud a user's host", json!({"aud": format!("{VENDOR}@evil.example/{tenant}/v2.0")})),
        ("aud in clear", json!({"aud": format!("http://login.windows.net/{tenant}/v2.0")})),
        ("aud the tenant alone", json!({"aud": format!("{VENDOR}/{tenant}")})),
        ("aud another endpoint", json!({"aud": format!("{VENDOR}/{tenant}/oauth2/authorize")})),
        ("aud a path", json!({"aud": format!("/{tenant}/oauth2/v2.0/token")})),
    ] {
        let assertion = holder.sign(&bent(&good, changes));
        let said = outcome(&show(&server, &holder, &assertion).await);
        assert_ne!(said, "200", "{what}");
        table += &format!("{what}\n    {said}\n");
    }
    insta::assert_snapshot!(table.replace(&id, "<other>").replace(&tenant, "<tenant>"));

    // Another app's certificate is none of this one's, whoever it says it is.
    let as_holder = signed(key(), &other.header(), &good.to_string());
    let said = outcome(&show(&server, &holder, &as_holder).await);
    assert!(said.contains("[700027]") && said.contains("thumbprint"), "{said}");
    let said = outcome(&show(&server, &holder, &other.assertion(&server)).await);
    assert!(said.contains("[700213]"), "{said}");
}

#[tokio::test]
async fn requests_that_show_an_assertion_otherwise_are_refused() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let app = server.app(&[Permission::MachineReadAll]).await;
    let path = format!("/{}/oauth2/v2.0/token", server.tenant.id);
    let ask = async |form: String| outcome(&server.post(&path, &form).await);
    let good = || form(holder.client_id, &holder.assertion(&server));

    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    let said = ask(good().replace(JWT_BEARER, saml)).await;
    assert!(said.starts_with("401 invalid_client [700027]"), "{said}");
    assert!(said.contains("'client_assertion_type'"), "{said}");
    // One proof a request (RFC 6749 §2.3), wherever the other one stands and whether it is right.
    let secret = holder.add_secret(&server).await;
    for secret in [secret.as_str(), "wrong"] {
        let said = ask(format!("{}&client_secret={secret}", good())).await;
        assert!(said.starts_with("400 invalid_request [90023]"), "{said}");
        assert!(said.contains("not both"), "{said}");
    }
    let basic = format!("Basic {}", holder::base64(format!("{}:{secret}", holder.client_id)));
    let asked = request(Method::POST, &path).header(header::AUTHORIZATION, basic);
    let answer = server.call(asked.body(Body::from(good())).unwrap()).await;
    assert!(outcome(&answer).contains("[90023]"), "{}", answer.text());
    let alone = good().replace("client_assertion", "other");
    assert_eq!(ask(format!("{alone}&client_secret={secret}")).await, "200");
    // An app with a secret has no certificate, and the other way round.
    let said = ask(form(app.client_id, &holder.assertion(&server))).await;
    assert!(said.starts_with("401 invalid_client [700213]"), "{said}");
    let said = ask(alone).await;
    assert!(said.starts_with("401 invalid_client [7000218]"), "{said}");

    let public = holder::add_public_app(&server).await;
    let said = ask(form(public, &holder.assertion(&server))).await;
    assert!(said.starts_with("401 invalid_client [700025]"), "{said}");
}

#[tokio::test]
async fn a_certificate_holds_until_it_expires_or_is_removed() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    // A year of its own, beside the one that stays.
    let short = certificate(key(), "short", 2027);
    let credential = holder.add_certificate(&server, &short).await;
    let (sha1, _) = thumbprints(&short);
    let header = json!({"alg": "RS256", "x5t": sha1}).to_string();
    let by_short = |server: &Server| signed(key(), &header, &holder.claims(server).to_string());
    assert_eq!(outcome(&show(&server, &holder, &by_short(&server)).await), "200");
    server.clock.advance(365 * DAY_S * TICKS_PER_SECOND);
    let said = outcome(&show(&server, &holder, &by_short(&server)).await);
    assert!(said.starts_with("401 invalid_client [700027]"), "{said}");
    assert!(said.contains("in force"), "{said}");
    assert_eq!(outcome(&show(&server, &holder, &holder.assertion(&server)).await), "200");

    holder.remove_credential(&server, &credential).await;
    let removed = holder.credential.clone();
    holder.remove_credential(&server, &removed).await;
    for server in [&server, &server.replica().await] {
        let said = outcome(&show(server, &holder, &holder.assertion(server)).await);
        assert!(said.starts_with("401 invalid_client [700027]"), "{said}");
    }
}

#[tokio::test]
async fn that_an_app_is_revoked_is_told_to_who_proves_to_be_it() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    holder.revoke(&server).await;
    let said = outcome(&show(&server, &holder, &holder.assertion(&server)).await);
    assert!(said.starts_with("400 unauthorized_client [7000112]"), "{said}");
    assert!(said.contains("is disabled"), "{said}");
    let forged = signed(other_key(), &holder.header(), &holder.claims(&server).to_string());
    let said = outcome(&show(&server, &holder, &forged).await);
    assert!(said.starts_with("401 invalid_client [700027]"), "{said}");
}

#[tokio::test]
async fn a_refusal_has_the_sign_in_services_whole_body() {
    let server = Server::with_inventory().await;
    let holder = Holder::new(&server).await;
    let path = format!("/{}/oauth2/v2.0/token", server.tenant.id);
    let asked = "00000000-0000-4000-8000-000000000009";
    let refused = form(holder.client_id, "x");
    let by_header = request(Method::POST, &path).header("client-request-id", asked);
    for answer in [
        server.call(by_header.body(Body::from(refused.clone())).unwrap()).await,
        server.post(&path, &format!("{refused}&client-request-id={asked}")).await,
        server.post(&format!("{path}?client-request-id={asked}"), &refused).await,
        server.post(&path, &refused).await,
    ] {
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let json = answer.json();
        let mut names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let known = ["correlation_id", "error", "error_codes", "error_description"];
        assert_eq!(names, [&known[..], &["timestamp", "trace_id"]].concat());
        assert_eq!(json["error"], "invalid_client");
        assert_eq!(json["error_codes"], json!([700_027]));
        assert_eq!(json["timestamp"], "2026-11-23 10:00:30Z");
        let trace = json["trace_id"].as_str().unwrap();
        assert_eq!(trace, answer.header("mise-correlation-id"));
        let correlation = json["correlation_id"].as_str().unwrap();
        assert!(correlation == asked || correlation == trace);
        let expected = format!(
            "AADSTS700027: Client assertion is not valid. It is no signed JWT. Trace ID: {trace} \
             Correlation ID: {correlation} Timestamp: 2026-11-23 10:00:30Z"
        );
        assert_eq!(json["error_description"], expected);
    }
    let answer = server.post(&path, &format!("{refused}&client-request-id={asked}")).await;
    assert_eq!(answer.json()["correlation_id"], asked);
}
