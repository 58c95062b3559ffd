//! Every route of the API refuses every kind of caller that it must.
//!
//! The list of routes is the router's own, so that a new route without a case here fails.

use axum::http::StatusCode;
use inventory::access::Permission;
use serde_json::json;
use server::router::{Callers, routes};

use crate::harness::{Answer, Server, new_key, sign, unsigned};

/// A path of the route with which a permitted caller gets 200, and a permission that does not
/// open it.
fn case(path: &str) -> Option<(&'static str, Option<Permission>)> {
    Some(match path {
        "/api/users/{id}/machines" => ("/api/users/jdoe/machines", Some(Permission::UserReadAll)),
        "/api/machines" => ("/api/machines", Some(Permission::AlertReadWriteAll)),
        "/api/machines/{id}" => ("/api/machines/srv-01", Some(Permission::UserReadAll)),
        "/api/machines/{id}/logonusers" => {
            ("/api/machines/srv-01/logonusers", Some(Permission::MachineReadWriteAll))
        }
        // Any permission opens them.
        "/api/alerts" => ("/api/alerts", None),
        "/api/users/{id}/alerts" => ("/api/users/jdoe/alerts", None),
        "/api/machines/{id}/alerts" => ("/api/machines/srv-01/alerts", None),
        _ => return None,
    })
}

#[tokio::test]
async fn every_route_refuses_every_kind_of_caller() {
    let server = Server::with_inventory().await;
    let mut table = String::new();
    for route in routes() {
        let Callers::WithAnyOf(accepted) = route.callers else {
            table += &format!("{}\n    anyone\n", route.path);
            continue;
        };
        let (path, wrong) =
            case(route.path).unwrap_or_else(|| panic!("{} has no case in this test", route.path));
        table += &format!("{}\n", route.path);

        for &permission in Permission::ALL {
            let token = server.token(&[permission]).await;
            let expected =
                if accepted.contains(&permission) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            let status = server.get(path, &token).await.status;
            assert_eq!(status, expected, "{path} with {permission:?}");
            table += &format!("    {:<24} {}\n", permission.as_str(), status.as_u16());
        }
        for (caller, token) in refused_callers(&server, accepted[0], wrong).await {
            let answer = match token {
                None => server.get_open(path).await,
                Some(token) => server.get(path, &token).await,
            };
            check(&answer, caller, path);
            table += &format!("    {caller:<24} {}\n", answer.status.as_u16());
        }
    }
    insta::assert_snapshot!(table);
}

fn check(answer: &Answer, caller: &str, path: &str) {
    let forbidden = ["no permission", "wrong permission", "delegated"].contains(&caller);
    let (status, code) = if forbidden {
        (StatusCode::FORBIDDEN, "Forbidden")
    } else {
        (StatusCode::UNAUTHORIZED, "Unauthorized")
    };
    assert_eq!(answer.status, status, "{caller} at {path}");
    assert_eq!(answer.error().0, code, "{caller} at {path}");
    assert_eq!(answer.header("www-authenticate") == "Bearer", !forbidden, "{caller} at {path}");
    if forbidden {
        assert!(answer.error().1.starts_with("Missing application roles"), "{caller} at {path}");
    }
}

async fn refused_callers(
    server: &Server,
    right: Permission,
    wrong: Option<Permission>,
) -> Vec<(&'static str, Option<String>)> {
    let app = server.app(&[right]).await;
    let claims = server.claims(&app);
    let bent = async |change: &dyn Fn(&mut serde_json::Value)| {
        let mut claims = claims.clone();
        change(&mut claims);
        Some(server.mint(&claims).await)
    };
    let now_s = server.claims(&app)["iat"].as_i64().unwrap();
    let key = server.signing_key().await;
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": key.kid});
    let revoked = server.app(&[right]).await;
    let revoked_token = server.token_of(&revoked).await;
    let at = inventory::time::Timestamp::from_seconds(now_s, 0).unwrap();
    server.store.revoke_app(server.tenant.number, revoked.client_id, at).await.unwrap();
    let mut callers = vec![
        ("no token", None),
        ("garbage", Some("garbage".to_owned())),
        ("expired", bent(&|claims| claims["exp"] = now_s.into()).await),
        ("not yet valid", bent(&|claims| claims["nbf"] = (now_s + 61).into()).await),
        (
            "other audience",
            bent(&|claims| claims["aud"] = "https://graph.microsoft.com".into()).await,
        ),
        ("other tenant", {
            let other = uuid::Uuid::from_u128(7);
            bent(&|claims| {
                claims["tid"] = other.to_string().into();
                claims["iss"] = format!("https://sts.windows.net/{other}/").into();
            })
            .await
        }),
        ("other issuer", bent(&|claims| claims["iss"] = "https://issuer.example/".into()).await),
        (
            "unknown app",
            bent(&|claims| claims["appid"] = uuid::Uuid::nil().to_string().into()).await,
        ),
        ("revoked app", Some(revoked_token)),
        ("other key", Some(sign(&header, &claims, &new_key()))),
        ("no signature", Some(format!("{}.", unsigned(&header, &claims)))),
        ("alg none", {
            let header = json!({"typ": "JWT", "alg": "none", "kid": key.kid});
            Some(format!("{}.", unsigned(&header, &claims)))
        }),
        (
            "no permission",
            bent(&|claims| {
                claims.as_object_mut().unwrap().remove("roles");
            })
            .await,
        ),
        ("delegated", bent(&|claims| claims["scp"] = right.as_str().into()).await),
    ];
    if let Some(wrong) = wrong {
        callers.push(("wrong permission", Some(server.token(&[wrong]).await)));
    }
    callers
}
