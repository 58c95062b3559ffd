//! What real clients do to a server (defender-api.md §11 and §13).

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use serde_json::{Value, json};

use crate::harness::{Server, request};

#[tokio::test]
async fn spellings_of_one_request_get_one_answer() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let expected = server.get("/api/users/jdoe/machines?$top=2&$skip=1", &token).await;
    assert_eq!(expected.names().len(), 2);
    for path in [
        "/api/users/jdoe/machines?$top=2&$skip=1&",
        "/api/users/jdoe/machines?&&$skip=1&$top=2",
        "/api/users/jdoe/machines?%24top=2&%24skip=1",
        "/api/users/jdoe/machines/?$top=2&$skip=1",
        "/api/v1.0/users/jdoe/machines?$top=2&$skip=1",
        "/api/V1.0/Users/JDOE/Machines/?$TOP=2&$Skip=1",
        "/API/USERS/jdoe/MACHINES?$top=+2&$skip=1+",
        "/api/Users('jdoe')/machines?$top=2&$skip=1",
        "/api/v1.0/Users(id=%27jdoe%27)/machines/?$top=2&$skip=1",
        "/api/users/jdoe/machines?$top=2&$skip=1&top=9&filter=x&pageSize=10000&useStartsWithFilter=False",
    ] {
        let answer = server.get(path, &token).await;
        assert_eq!(answer.text(), expected.text(), "{path}");
    }
}

#[tokio::test]
async fn clients_made_from_the_metadata_spell_keys_and_operations_in_full() {
    let server = Server::with_inventory().await;
    let token = server.token(&[Permission::MachineReadWriteAll, Permission::UserReadAll]).await;
    let untagged = "/api/Machines/microsoft.windowsDefenderATP.api.UnTaggedMachines()";
    let expected = server.get("/api/machines/unTaggedMachines", &token).await;
    assert_eq!(server.get(untagged, &token).await.text(), expected.text());
    let id = expected.json()["value"][0]["id"].as_str().unwrap().to_owned();
    let machine = format!("/api/Machines('{id}')");
    let expected = server.get(&format!("/api/machines/{id}"), &token).await;
    assert_eq!(server.get(&machine, &token).await.text(), expected.text());
    let expected = server.get(&format!("/api/machines/{id}/logonusers"), &token).await;
    assert_eq!(server.get(&format!("{machine}/logOnUsers"), &token).await.text(), expected.text());
    let tags = format!("{machine}/microsoft.windowsDefenderATP.api.Tags");
    let asked = request(Method::POST, &tags)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(r#"{"Value": "odata", "Action": "Add"}"#))
        .unwrap();
    assert_eq!(server.call(asked).await.json()["machineTags"], json!(["odata"]));
    for (id, shown) in [("$count", "$count"), ("o''neil", "o'neil"), ("findbytag", "findbytag")] {
        let answer = server.get(&format!("/api/Machines('{id}')"), &token).await;
        assert_eq!(answer.error().1, format!("Machine {shown} was not found"), "{id}");
    }
}

#[tokio::test]
async fn reserved_characters_in_a_path_reach_the_handler() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for (id, shown) in [
        ("a@b'c+d(e)=,f;g:h!*$", "a@b'c+d(e)=,f;g:h!*$"),
        ("%41%20%2B%2F%5C%25", "A +/\\%"),
        ("a%zzb%", "a%zzb%"),
        ("\u{e4}\u{1f600}", "\u{e4}\u{1f600}"),
        ("%C3%A4", "\u{e4}"),
        ("a|b~\"{}", "a|b~\"{}"),
        (r"CORP\ws", r"CORP\ws"),
    ] {
        let answer = server.get(&format!("/api/machines/{id}"), &token).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
        assert_eq!(answer.error().1, format!("Machine {shown} was not found"), "{id}");
    }
}

#[tokio::test]
async fn a_get_may_carry_a_content_type_or_a_body() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for body in ["", "{}", "{\"a\": ", "x"] {
        let asked = request(Method::GET, "/api/machines")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        assert_eq!(server.call(asked).await.names().len(), 3, "{body:?}");
    }
}

#[tokio::test]
async fn the_word_bearer_is_read_in_any_case() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
        let asked = request(Method::GET, "/api/machines")
            .header(header::AUTHORIZATION, format!("{scheme} {token}"));
        assert_eq!(server.send(asked).await.status, StatusCode::OK, "{scheme}");
    }
}

#[tokio::test]
async fn a_request_without_a_host_gets_the_listeners_address() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let asked = axum::http::Request::get("/api/machines?$top=0")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let context = server.send(asked).await.json()["@odata.context"].clone();
    assert_eq!(context, "http://127.0.0.1:8080/api/$metadata#Machines");
    // HTTP/2 and proxies name the host in the request line.
    let asked = axum::http::Request::get("http://proxied.example/api/machines?$top=0")
        .header(header::HOST, "other.example")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let context = server.send(asked).await.json()["@odata.context"].clone();
    assert_eq!(context, "http://proxied.example/api/$metadata#Machines");
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let plain = server.get("/api/machines", &token).await;
    assert!(plain.headers.get(header::CONTENT_ENCODING).is_none());
    assert_eq!(plain.header("vary"), "Accept-Encoding");
    for (asked, expected) in [
        ("gzip, deflate", Some("gzip")),
        ("deflate", Some("deflate")),
        ("gzip;q=0, deflate", Some("deflate")),
        ("br", None),
        ("identity", None),
        ("identity;q=0", None),
        ("*;q=0.1, identity;q=1", None),
    ] {
        let request = request(Method::GET, "/api/machines")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::ACCEPT_ENCODING, asked);
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{asked}");
        let encoding = answer.headers.get(header::CONTENT_ENCODING);
        assert_eq!(encoding.map(|value| value.to_str().unwrap()), expected, "{asked}");
        assert_eq!(answer.headers.get_all(header::VARY).iter().count(), 1, "{asked}");
        let mut body = Vec::new();
        let read = match expected {
            Some("gzip") => {
                std::io::copy(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut body)
            }
            Some(_) => {
                std::io::copy(&mut flate2::read::ZlibDecoder::new(&answer.body[..]), &mut body)
            }
            None => std::io::copy(&mut &answer.body[..], &mut body),
        };
        read.unwrap();
        assert_eq!(body, plain.body, "{asked}");
    }
}

#[tokio::test]
async fn types_on_the_wire_are_the_vendors() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let list = server.get("/api/machines", &token).await.json();
    let machines = list["value"].as_array().unwrap();
    assert_eq!(machines.len(), 3);
    for machine in machines {
        let machine = machine.as_object().unwrap();
        assert_eq!(machine.len(), 30);
        assert!(machine["osBuild"].is_i64() || machine["osBuild"].is_null());
        assert!(machine["rbacGroupId"].is_i64());
        for key in ["isAadJoined", "isExcluded", "isPotentialDuplication"] {
            assert!(machine[key].is_boolean(), "{key}");
        }
        for key in ["machineTags", "ipAddresses"] {
            assert!(machine[key].is_array(), "{key}");
        }
        for address in machine["ipAddresses"].as_array().unwrap() {
            assert_eq!(address.as_object().unwrap().len(), 4);
        }
        for key in ["id", "firstSeen", "lastSeen", "healthStatus", "managedBy", "managedByStatus"] {
            assert!(machine[key].is_string(), "{key}");
        }
        for key in ["firstSeen", "lastSeen"] {
            let text = machine[key].as_str().unwrap();
            assert!(text.ends_with('Z') && !text.contains(".0Z") && text.len() <= 28, "{text}");
        }
        let id = machine["id"].as_str().unwrap();
        let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(id.len() == 40 && id.chars().all(lower_hex), "{id}");
    }
}

/// Some clients read the raw text, so the order and spelling of the keys is a contract.
#[tokio::test]
async fn keys_stand_in_the_order_of_the_captures() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let answer = server.get("/api/machines?$top=1", &token).await;
    let mut at = 0;
    for key in [
        "@odata.context",
        "value",
        "id",
        "mergedIntoMachineId",
        "isPotentialDuplication",
        "isExcluded",
        "exclusionReason",
        "computerDnsName",
        "firstSeen",
        "lastSeen",
        "osPlatform",
        "osProcessor",
        "version",
        "lastIpAddress",
        "lastExternalIpAddress",
        "agentVersion",
        "osBuild",
        "healthStatus",
        "deviceValue",
        "rbacGroupId",
        "rbacGroupName",
        "riskScore",
        "exposureLevel",
        "isAadJoined",
        "aadDeviceId",
        "machineTags",
        "onboardingStatus",
        "osArchitecture",
        "managedBy",
        "managedByStatus",
        "ipAddresses",
        "vmMetadata",
    ] {
        let found = answer.text()[at..].find(&format!("\"{key}\":"));
        at += found.unwrap_or_else(|| panic!("{key} is missing or too early"));
    }
}

/// `$select` of every property, one by one and all at once, gives what the whole entity has.
#[tokio::test]
async fn every_property_can_be_selected() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for path in ["/api/machines", "/api/machines/srv-01/logonusers"] {
        let whole = server.get(path, &token).await.json();
        let first = whole["value"][0].as_object().unwrap();
        for (name, value) in first {
            let asked = format!("{path}?$select={}", name.to_uppercase());
            let selected = server.get(&asked, &token).await.json();
            let expected = Value::Object([(name.clone(), value.clone())].into_iter().collect());
            assert_eq!(selected["value"][0], expected, "{name}");
        }
        let names: Vec<_> = first.keys().rev().cloned().collect();
        let asked = format!("{path}?$select={}", names.join(","));
        assert_eq!(server.get(&asked, &token).await.json()["value"], whole["value"]);
        let asked = format!("{path}?$select=*");
        assert_eq!(server.get(&asked, &token).await.text(), server.get(path, &token).await.text());
    }
}
