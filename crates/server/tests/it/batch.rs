//! Many requests in one.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use serde_json::{Value, json};
use server::config::Config;
use server::limits::{Limit, Limits};

use crate::harness::{Answer, Server, request};

async fn send(server: &Server, token: &str, prefer: &str, requests: Value) -> Answer {
    let asked = request(Method::POST, "/api/$batch")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("prefer", prefer);
    let body = json!({"requests": requests}).to_string();
    server.call(asked.body(Body::from(body)).unwrap()).await
}

fn responses(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["responses"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_request_is_answered_as_if_it_had_come_alone() {
    let server = Server::with_inventory().await;
    let permissions = [Permission::MachineReadWriteAll, Permission::UserReadAll];
    let token = server.token(&permissions).await;
    let paths = [
        "/api/users/jdoe/machines",
        "/api/users/nobody/machines",
        "/api/machines?$filter=osPlatform%20eq%20'Windows11'&$select=id",
        "/api/machines/ws-014",
        "/api/machines/ws-014/logonusers",
        "/api/users?$expand=machines",
        "/api/deviceGroups",
        "/api/$metadata?$format=json",
    ];
    let requests: Vec<_> = paths
        .iter()
        .enumerate()
        .map(|(number, path)| json!({"id": number.to_string(), "method": "GET", "url": path}))
        .collect();
    let answered = responses(&send(&server, &token, "", Value::Array(requests)).await);
    assert_eq!(answered.len(), paths.len());
    for (number, (path, answer)) in paths.iter().zip(&answered).enumerate() {
        let alone = server.get(path, &token).await;
        assert_eq!(answer["id"], number.to_string());
        assert_eq!(answer["status"], 200, "{path}");
        assert_eq!(answer["body"], alone.json(), "{path}");
        let headers = &answer["headers"];
        assert_eq!(headers["content-type"], alone.header("content-type"), "{path}");
        assert_eq!(headers["mise-correlation-id"].as_str().unwrap().len(), 36);
    }
    // As people write them, with headers of their own, and with a body.
    let requests = json!([
        {"id": "1", "method": "get", "url": "machines?$filter=computerDnsName eq 'srv-01'"},
        {"id": "2", "method": "GET", "url": "users", "headers": {"Accept": "text/csv"}},
        {"id": "3", "method": "GET", "url": "http://footfall.example/api/machines/$count"},
        {"id": "4", "method": "POST", "url": "/machines/srv-01/tags",
         "body": {"Action": "Add", "Value": "seen"}},
        {"id": "5", "method": "GET", "url": "machines/findbytag?tag=seen&$select=computerDnsName",
         "dependsOn": ["4"]},
        {"id": "6", "method": "GET", "url": "machines?pageSize=1",
         "headers": {"authorization": "Bearer x", "host": "elsewhere.example"}},
    ]);
    let answered = responses(&send(&server, &token, "", requests).await);
    let statuses: Vec<_> = answered.iter().map(|answer| answer["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200], "{answered:?}");
    assert_eq!(answered[0]["body"]["value"][0]["computerDnsName"], "srv-01");
    assert!(answered[1]["body"].as_str().unwrap().starts_with("id,accountName,"));
    assert_eq!(answered[2]["body"], "3");
    assert_eq!(answered[3]["body"]["machineTags"], json!(["seen"]));
    assert_eq!(answered[4]["body"]["value"], json!([{"computerDnsName": "srv-01"}]));
    let link = answered[5]["body"]["@odata.nextLink"].as_str().unwrap();
    assert!(
        link.starts_with("http://footfall.example/api/machines?pageSize=1&$skiptoken="),
        "{link}"
    );
    // Each is in the audit, and the batch.
    let filter = inventory::access::audit::Filter::default();
    server.service.flush_audit().await.unwrap();
    let mut operations = Vec::new();
    let mut visit = |entry: inventory::access::audit::Entry| {
        operations.push(entry.operation);
        Ok(())
    };
    server.store.audit(&filter, &mut visit).await.unwrap();
    for operation in
        ["POST /api/$batch", "POST /api/machines/{id}/tags", "GET /api/machines/findbytag"]
    {
        assert!(operations.iter().any(|known| known == operation), "{operation} {operations:?}");
    }
}

#[tokio::test]
async fn a_failure_stops_what_follows_unless_the_caller_prefers_otherwise() {
    let server = Server::with_inventory().await;
    let token = server.token(&[Permission::MachineReadAll]).await;
    let requests = json!([
        {"id": "a", "method": "GET", "url": "machines/ws-014"},
        {"id": "b", "method": "GET", "url": "machines/none"},
        {"id": "c", "method": "GET", "url": "machines/srv-01"},
        {"id": "d", "method": "GET", "url": "machines", "dependsOn": ["b"]},
        {"id": "e", "method": "GET", "url": "users"},
        {"id": "f", "method": "GET", "url": "https://example.org/api/machines"},
        {"id": "g", "method": "POST", "url": "$batch", "body": {"requests": []}},
        {"id": "h", "method": "GET", "url": "nothing"},
        {"id": "i", "method": "DELETE", "url": "machines"},
    ]);
    let statuses = async |prefer| {
        let answered = responses(&send(&server, &token, prefer, requests.clone()).await);
        answered.iter().map(|answer| answer["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(statuses("").await, [200, 404, 424, 424, 424, 424, 424, 424, 424]);
    let all = [200, 404, 200, 424, 403, 400, 400, 404, 405];
    assert_eq!(statuses("continue-on-error").await, all);
    assert_eq!(statuses("respond-async, odata.continue-on-error=true").await, all);
    assert!(responses(&send(&server, &token, "", json!([])).await).is_empty());
}

#[tokio::test]
async fn a_batch_that_makes_no_sense_is_refused_whole() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let one = |id: &str| json!({"id": id, "method": "GET", "url": "machines"});
    let many: Vec<_> = (0..101).map(|number| one(&number.to_string())).collect();
    for (requests, code, message) in [
        (
            json!([one("1"), one("1")]),
            "InvalidRequestBody",
            "requests[1]: the id `1` is there twice",
        ),
        (json!([{"id": "1", "url": "machines"}]), "InvalidRequestBody", "missing field `method`"),
        (
            json!([{"id": 1, "method": "GET", "url": "x"}]),
            "InvalidRequestBody",
            "requests[0]: invalid type",
        ),
        (json!({}), "InvalidRequestBody", "invalid type: map"),
        (json!([{"id": "", "method": "GET", "url": "x"}]), "InvalidRequestBody", "1 to 128"),
        (
            json!([{"id": "1", "method": "GET", "url": "x", "atomicityGroup": "g"}]),
            "InvalidRequestBody",
            "atomicityGroup and if are not supported",
        ),
        (
            json!([{"id": "1", "method": "GET", "url": "x", "dependsOn": ["2"]}, one("2")]),
            "InvalidRequestBody",
            "dependsOn names `2`, which does not come before",
        ),
        (Value::Array(many), "MaximumBatchSizeExceeded", "Received: 101, allowed: 100"),
    ] {
        let answer = send(&server, &token, "", requests).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let (found, said) = answer.error();
        assert!(found == code && said.contains(message), "{said}");
    }
    let multipart = request(Method::POST, "/api/v1.0/%24Batch")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "multipart/mixed; boundary=x");
    let answer = server.call(multipart.body(Body::from("--x--")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().1.contains("application/json"), "{}", answer.text());
}

#[tokio::test]
async fn a_batch_does_not_go_around_the_limits() {
    let mut limits = Limits::off();
    limits.set("get-machine-by-id", Some(Limit::new(2, 100).unwrap())).unwrap();
    let server = Server::start(Config { limits, ..Config::default() }).await;
    crate::inventory::fill(&server).await;
    let token = server.reader().await;
    let requests: Vec<_> = (0..4)
        .map(|id| json!({"id": id.to_string(), "method": "GET", "url": "machines/srv-01"}))
        .collect();
    let answer = send(&server, &token, "continue-on-error", Value::Array(requests)).await;
    let answered = responses(&answer);
    let statuses: Vec<_> = answered.iter().map(|answer| answer["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    assert!(answered[3]["headers"]["retry-after"].is_string(), "{answered:?}");
}
