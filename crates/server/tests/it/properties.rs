//! Whatever comes in, the server is never at fault.

use axum::http::{HeaderValue, Method, Request, header};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::{Server, request};

/// Paths and queries made of what could matter to a parser, and of anything else.
fn targets() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/api"),
        Just("/v1.0"),
        Just("/users"),
        Just("/machines"),
        Just("/logonusers"),
        Just("/alerts"),
        Just("/$metadata"),
        Just("/deviceGroups"),
        Just("/"),
        Just("//"),
        Just("/jdoe"),
        Just("/srv-01"),
        Just("/common"),
        Just("/oauth2"),
        Just("/token"),
        Just("/discovery"),
        Just("/keys"),
        Just("/.well-known"),
        Just("/openid-configuration"),
        Just("?"),
        Just("&"),
        Just("="),
        Just("$top"),
        Just("%24skip"),
        Just("$select"),
        Just("$filter"),
        Just("id"),
        Just(","),
        Just("1"),
        Just("99999999999999999999"),
        Just("+"),
        Just("%"),
        Just("%ff"),
        Just("%00"),
        Just("%2F"),
        Just("\\"),
        Just("'"),
        Just("("),
        Just(")"),
        Just("@"),
        Just("ä"),
        Just("%5C"),
        Just("*"),
    ];
    let likely = proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat());
    let deep = ("[ -~]{0,20}", "[ -~]{0,40}")
        .prop_map(|(id, query)| format!("/api/users/{id}/machines?{query}"));
    prop_oneof![likely, deep, "\\PC{0,60}"]
        .prop_map(|target| format!("/{}", target.trim_start_matches('/')))
}

#[test]
fn no_target_is_the_servers_fault() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::with_inventory());
    let token = runtime.block_on(server.reader());
    let config = Config { cases: 1_000, failure_persistence: None, ..Config::default() };
    let methods = prop_oneof![Just(Method::GET), Just(Method::HEAD), Just(Method::POST)];
    TestRunner::new(config)
        .run(&(methods, targets()), |(method, target)| {
            let asked = Request::builder()
                .method(method)
                .uri(&target)
                .header(header::AUTHORIZATION, format!("Bearer {token}"));
            // What is no URI never reaches a service.
            if asked.headers_ref().is_none() {
                return Ok(());
            }
            let answer = runtime.block_on(server.send(asked));
            prop_assert!(!answer.status.is_server_error(), "{} {target}", answer.status);
            let kind = answer.header("content-type").to_owned();
            let is_known = kind.contains("json")
                || kind == "application/xml"
                // What shippers of Elasticsearch's are refused with.
                || kind.starts_with("text/plain");
            prop_assert!(answer.body.is_empty() || is_known, "{kind} {target}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_header_and_no_form_is_the_servers_fault() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::with_inventory());
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let bytes = || proptest::collection::vec(any::<u8>(), 0..60);
    let field = prop_oneof![
        Just("grant_type=client_credentials&"),
        Just("client_id="),
        Just("&client_secret="),
        Just("&scope="),
        Just("&resource="),
        Just("%"),
        Just("+"),
        Just("/.default"),
        Just("%ff"),
        Just("00000000-0000-0000-0000-000000000000"),
        Just("\r\n"),
        Just("&"),
    ];
    let form =
        proptest::collection::vec(field, 0..10).prop_map(|fields| fields.concat().into_bytes());
    let body = prop_oneof![form, bytes()];
    TestRunner::new(config)
        .run(&(bytes(), bytes(), body), |(authorization, host, body)| {
            let mut asked = request(Method::POST, "/common/oauth2/v2.0/token");
            for (name, value) in [(header::AUTHORIZATION, authorization), (header::HOST, host)] {
                let headers = asked.headers_mut().unwrap();
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.insert(name, value);
                }
            }
            let asked = asked.body(axum::body::Body::from(body)).unwrap();
            let answer = runtime.block_on(server.call(asked));
            prop_assert!(answer.status.is_client_error(), "{}", answer.status);
            prop_assert!(answer.json()["error"].is_string());
            Ok(())
        })
        .unwrap();
}
