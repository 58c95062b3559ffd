//! Secrets: shown in the answer that makes them, and nowhere after it.

use axum::http::Method;
use inventory::access::Permission;
use serde_json::{Value, json};
use server::router::routes;

use super::{Pair, ask, done};

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn a_secret_is_in_the_answer_that_made_it_and_nowhere_else() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let server = &pair.one;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let app = json!({"name": "playbook", "permissions": ["Machine.Read.All"], "secret": {}});
    let app = done(server, &token, Method::POST, "apps", app).await;
    let (id, first) = (text(&app["clientId"]), text(&app["secret"]["clientSecret"]));
    let path = format!("apps/{id}/secrets");
    let second = text(&done(server, &token, Method::POST, &path, json!({})).await["clientSecret"]);
    assert!(first.starts_with("footfall_") && second.starts_with("footfall_") && first != second);
    let anna = json!({"userName": "anna", "password": PASSWORD});
    let made = done(server, &token, Method::POST, "operators", anna).await;
    assert!(!made.to_string().contains(PASSWORD));
    let totp = done(server, &token, Method::POST, "operators/anna/totp", Value::Null).await;
    let totp = text(&totp["secret"]);
    // Shown where a secret is wrong, too: in what the audit says of the sign-in and of the refusal.
    for secret in [&first, &second] {
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}&resource=x"
        );
        server.post(&format!("/{}/oauth2/token", server.tenant.id), &form).await;
    }
    let taken = json!({"userName": "anna", "password": PASSWORD});
    ask(server, &token, Method::POST, "operators", taken).await;
    let wrong = json!({"userName": "ben", "pasword": PASSWORD});
    let answer = ask(server, &token, Method::POST, "operators", wrong).await;
    assert!(!answer.text().contains(PASSWORD), "{}", answer.text());

    let secrets = [first.as_str(), &second, &totp, PASSWORD];
    let mut read = 0;
    for route in routes() {
        if !route.path.starts_with("/admin/v1/") || !route.methods.contains(&"GET") {
            continue;
        }
        for thing in [id.as_str(), "anna"] {
            let path = route.path.replace("{id}", thing);
            let answer = pair.other.get(&path, &token).await;
            for secret in secrets {
                assert!(!answer.text().contains(secret), "{path}");
            }
            read += usize::from(answer.status.is_success());
        }
    }
    assert!(read >= 12, "{read}");

    server.service.flush_audit().await.unwrap();
    for file in std::fs::read_dir(server.folder.path()).unwrap() {
        let file = file.unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{:?}", file.file_name());
        }
    }
}

#[tokio::test]
async fn who_only_reads_the_administration_changes_nothing() {
    let pair = Pair::start().await;
    let reader = pair.one.token(&[Permission::AdminReadAll]).await;
    for route in routes().iter().filter(|route| route.path.starts_with("/admin/v1/")) {
        for method in route.methods.iter().filter(|method| **method != "GET") {
            let path = route.path.replace("{id}", "x").replace("{member}", "x");
            let method = method.parse().unwrap();
            let answer = pair.other.ask(method, &path, &reader, Some(&json!({}))).await;
            assert_eq!(answer.status.as_u16(), 403, "{path}: {}", answer.text());
        }
    }
}
