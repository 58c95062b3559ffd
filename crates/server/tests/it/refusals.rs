//! Every route of the API refuses every kind of caller that it must.
//!
//! The list of routes is the router's own, so that a new route without a case here fails.

use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use inventory::access::device_group::{AutomationLevel, Condition, Operator, Rules};
use inventory::access::directory::{DeviceGroupSettings, RolePermission, RoleSettings};
use serde_json::json;
use server::router::{Callers, Route, routes};
use server::unsupported::{ACTIONS, COLLECTIONS};
use uuid::Uuid;

use crate::harness::{Answer, Server, new_key, request, sign, unsigned};
use crate::people::Rank;

/// A path of the route with which a permitted caller gets 200, and a permission that does not
/// open it.
fn case(path: &str) -> Option<(&'static str, Option<Permission>)> {
    Some(match path {
        "/api/users" => ("/api/users", Some(Permission::MachineReadAll)),
        "/api/users/$count" => ("/api/users/$count", Some(Permission::MachineReadAll)),
        "/api/users/{id}" => ("/api/users/jdoe", Some(Permission::MachineReadAll)),
        "/api/users/{id}/machines" => ("/api/users/jdoe/machines", Some(Permission::UserReadAll)),
        "/api/machines" => ("/api/machines", Some(Permission::AlertReadWriteAll)),
        "/api/machines/$count" => ("/api/machines/$count", Some(Permission::UserReadAll)),
        "/api/machines/bigPageSize" => {
            ("/api/machines/bigPageSize", Some(Permission::AlertReadWriteAll))
        }
        "/api/machines/findbytag" => {
            ("/api/machines/findbytag?tag=x", Some(Permission::UserReadAll))
        }
        "/api/machines/unTaggedMachines" => {
            ("/api/machines/unTaggedMachines", Some(Permission::UserReadAll))
        }
        "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})" => (
            "/api/machines/findbyip(ip='10.20.30.40',timestamp=2026-11-23T09:30:00Z)",
            Some(Permission::UserReadAll),
        ),
        "/api/machines/find(timestamp={timestamp},key='{ip}')" => (
            "/api/machines/find(timestamp=2026-11-23T09:30:00Z,key='10.20.30.40')",
            Some(Permission::UserReadAll),
        ),
        "/api/domains/{domain}/machines" => {
            ("/api/domains/corp.example/machines", Some(Permission::UserReadAll))
        }
        "/api/machines/{id}" => ("/api/machines/srv-01", Some(Permission::UserReadAll)),
        "/api/machines/{id}/logonusers" => {
            ("/api/machines/srv-01/logonusers", Some(Permission::MachineReadWriteAll))
        }
        // Any permission opens them.
        "/api/alerts" => ("/api/alerts", None),
        "/api/alerts/$count" => ("/api/alerts/$count", None),
        "/api/users/{id}/alerts/$count" => ("/api/users/jdoe/alerts/$count", None),
        "/api/machines/{id}/alerts/$count" => ("/api/machines/srv-01/alerts/$count", None),
        "/api/users/{id}/alerts" => ("/api/users/jdoe/alerts", None),
        "/api/machines/{id}/alerts" => ("/api/machines/srv-01/alerts", None),
        "/api/deviceGroups" => ("/api/deviceGroups", Some(Permission::UserReadAll)),
        "/api/deviceGroups/{id}" => ("/api/deviceGroups/0", Some(Permission::AlertReadAll)),
        "/api" => ("/api", None),
        "/api/$metadata" => ("/api/$metadata", None),
        "/admin/v1/limits" => ("/admin/v1/limits", Some(Permission::MachineReadWriteAll)),
        _ => return None,
    })
}

#[tokio::test]
async fn every_route_refuses_every_kind_of_caller() {
    let server = Server::with_inventory().await;
    let cast = Cast::of(&server).await;
    let mut table = String::new();
    for route in routes() {
        let Callers::Permitted { application, delegated, role } = route.callers else {
            let who = if route.callers == Callers::Anyone { "anyone" } else { "senders" };
            table += &format!("{}\n    {who}\n", route.path);
            continue;
        };
        if let Some(methods) = is_not_done(&route) {
            table += &by_permission(&server, &route, &methods).await;
            continue;
        }
        let (path, wrong) =
            case(route.path).unwrap_or_else(|| panic!("{} has no case in this test", route.path));
        table += &format!("{}\n", route.path);

        for &permission in Permission::ALL {
            let token = server.token(&[permission]).await;
            let opens = application.contains(&permission);
            let expected = if opens { StatusCode::OK } else { StatusCode::FORBIDDEN };
            let status = server.get(path, &token).await.status;
            assert_eq!(status, expected, "{path} with {permission:?}");
            table += &format!("    {:<24} {}\n", permission.as_str(), status.as_u16());
        }
        for (caller, token) in refused_callers(&server, application[0], wrong).await {
            let answer = match token {
                None => server.get_open(path).await,
                Some(token) => server.get(path, &token).await,
            };
            check(&answer, caller, path);
            table += &format!("    {caller:<24} {}\n", answer.status.as_u16());
        }
        let (expected, may, title) = match path.starts_with("/admin/") {
            false => (RolePermission::ViewData, VIEWERS, "'View Data'"),
            true => (RolePermission::ManagePortalSettings, ADMINISTRATORS, "portal"),
        };
        assert_eq!(role, expected, "{path}");
        table += &people(&server, &cast, path, delegated, (may, title)).await;
    }
    insta::assert_snapshot!(table);
}

/// It takes what it is sent.
const INGEST: &str = "/api/ingest";
/// Its requests are refused one by one.
const BATCH: &str = "/api/$batch";

/// The methods of a route whose deed is not to be seen here: of the administration, but for the one
/// that [`case`] knows, and of what is refused by name.
fn is_not_done(route: &Route) -> Option<Vec<Method>> {
    let methods = route.methods.iter().map(|method| method.parse().unwrap()).collect();
    let is_found = is_unsupported(route) || route.path.starts_with("/admin/");
    let is_batch = route.path == BATCH;
    (is_batch || is_change(route) || is_found && case(route.path).is_none()).then_some(methods)
}

/// A change of machines, whose answers are in `changes`.
fn is_change(route: &Route) -> bool {
    route.path.starts_with("/api/")
        && route.path != BATCH
        && !is_unsupported(route)
        && route.methods.iter().all(|method| ["POST", "PATCH"].contains(method))
}

fn is_unsupported(route: &Route) -> bool {
    ACTIONS.contains(&route.path) || COLLECTIONS.contains(&route.path)
}

/// Refuses, at each method of a route, whoever does not hold its permission: before a body is read or
/// anything is looked for, so that none of it has to exist.
async fn by_permission(server: &Server, route: &Route, methods: &[Method]) -> String {
    let Callers::Permitted { application, role, .. } = route.callers else { unreachable!() };
    let expected = match (is_unsupported(route), is_change(route)) {
        _ if route.path == BATCH || route.path == INGEST => RolePermission::ViewData,
        (true, _) => RolePermission::ViewData,
        (_, true) if methods == [Method::PATCH] => RolePermission::AlertsInvestigation,
        (_, true) => RolePermission::ManageSecuritySettings,
        _ => RolePermission::ManagePortalSettings,
    };
    assert_eq!(role, expected, "{}", route.path);
    let place = |part: &str| if part.starts_with('{') { "7" } else { part }.to_owned();
    let path = route.path.split('/').map(place).collect::<Vec<_>>().join("/");
    let mut table = String::new();
    for method in methods {
        let ask = async |token: Option<&str>| {
            let mut asked = request(method.clone(), &path);
            if let Some(token) = token {
                asked = asked.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            server.send(asked).await.status
        };
        assert_eq!(ask(None).await, StatusCode::UNAUTHORIZED, "{method} {path}");
        let mut opened = Vec::new();
        for &permission in Permission::ALL {
            let token = server.token(&[permission]).await;
            let status = ask(Some(&token)).await;
            let opens = application.contains(&permission);
            assert_eq!(status != StatusCode::FORBIDDEN, opens, "{method} {path} {permission:?}");
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path} {permission:?}");
            if opens {
                opened.push(permission.as_str());
            }
        }
        table += &format!("{method} {}\n    {}\n", route.path, opened.join(", "));
    }
    table
}

/// People of every kind, each an operator.
struct Cast {
    /// In a group that sees the devices, with View Data.
    insider: Uuid,
    /// With View Data, but in no group that sees a device.
    outsider: Uuid,
    /// In a group that sees the devices, with a role that permits something else.
    auditor: Uuid,
    /// Without any role.
    nobody: Uuid,
    administrator: Uuid,
}

impl Cast {
    async fn of(server: &Server) -> Self {
        let add = async |name: &str, rank| server.operator(name, rank).await.id;
        let cast = Self {
            insider: add("insider", Rank::Ordinary).await,
            outsider: add("outsider", Rank::Ordinary).await,
            auditor: add("auditor", Rank::Ordinary).await,
            nobody: add("nobody", Rank::Ordinary).await,
            administrator: add("administrator", Rank::Administrator).await,
        };
        let now = server.now();
        let members = [
            ("insiders", "Viewer", RolePermission::ViewData, cast.insider),
            ("outsiders", "Guest", RolePermission::ViewData, cast.outsider),
            ("auditors", "Baselines", RolePermission::SecurityBaselines, cast.auditor),
        ];
        server
            .change_directory(|directory| {
                for (group, role, permission, member) in members {
                    directory.add_local_group(Uuid::new_v4(), group).unwrap();
                    directory.add_member(group, member).unwrap();
                    let settings = RoleSettings {
                        name: role.to_owned(),
                        description: String::new(),
                        permissions: vec![permission],
                    };
                    directory.add_role(settings).unwrap();
                    directory.assign(role, group).unwrap();
                }
                let rules = Rules {
                    devices_names_conditions: vec![Condition {
                        condition: Operator::StartsWith,
                        value: "srv".to_owned(),
                    }],
                    ..Rules::default()
                };
                let settings = DeviceGroupSettings {
                    name: "Servers".to_owned(),
                    description: String::new(),
                    automation_level: AutomationLevel::default(),
                    rules,
                };
                directory.add_device_group(settings, now).unwrap();
                let seen_by = ["insiders".to_owned(), "auditors".to_owned()];
                directory.set_access("Servers", &seen_by, now).unwrap();
                directory.set_access("0", &seen_by, now).unwrap();
            })
            .await;
        cast
    }
}

/// Who may read the API, and who may administer.
const VIEWERS: &[&str] = &["insider", "outsider", "administrator"];
const ADMINISTRATORS: &[&str] = &["administrator"];

/// Calls by people: with each scope, and with a right one by everybody. `may` are those whose role
/// permits it; what the others are told names the permission.
async fn people(
    server: &Server,
    cast: &Cast,
    path: &str,
    delegated: &[Permission],
    (may, title): (&[&str], &str),
) -> String {
    let mut table = String::new();
    let scopes = Permission::ALL.iter().filter(|permission| permission.is_delegated());
    for permission in scopes {
        let scope = permission.as_str();
        let answer = server.get(path, &server.person_token(cast.insider, scope).await).await;
        let opens = delegated.contains(permission);
        let permitted = opens && may.contains(&"insider");
        let expected = if permitted { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{path} for an insider with {scope}");
        if !opens {
            let (_, message) = answer.error();
            assert!(message.starts_with("Missing application scopes. API required"), "{message}");
            assert!(message.ends_with(&format!(", application scopes: {scope}.")), "{message}");
        }
        table += &format!("    insider, {scope:<27} {}\n", answer.status.as_u16());
    }
    for (who, operator) in [
        ("insider", cast.insider),
        ("outsider", cast.outsider),
        ("auditor", cast.auditor),
        ("nobody", cast.nobody),
        ("administrator", cast.administrator),
    ] {
        let none = server.get(path, &server.person_token(operator, "").await).await;
        assert_eq!(none.status, StatusCode::FORBIDDEN, "{path} for {who} without a scope");
        assert!(none.error().1.ends_with("application scopes: ."), "{}", none.text());
        // What is for apps alone opens to nobody.
        let Some(scope) = delegated.first() else { continue };
        let token = server.person_token(operator, scope.as_str()).await;
        let answer = server.get(path, &token).await;
        let sees = match answer.header("content-type").contains("json") {
            true => answer.json()["value"].as_array().map(Vec::len),
            false => None,
        };
        let sees = sees.map_or_else(String::new, |rows| format!(" {rows} rows"));
        table += &format!("    {who:<36} {}{sees}\n", answer.status.as_u16());
        if ["auditor", "nobody"].contains(&who) || !may.contains(&who) {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} for {who}");
            assert!(answer.error().1.contains(title), "{}", answer.text());
        }
    }
    table
}

fn check(answer: &Answer, caller: &str, path: &str) {
    let forbidden = ["no permission", "wrong permission"].contains(&caller);
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
        // A person must be named.
        ("delegated, for nobody", bent(&|claims| claims["scp"] = right.as_str().into()).await),
    ];
    if let Some(wrong) = wrong {
        callers.push(("wrong permission", Some(server.token(&[wrong]).await)));
    }
    callers
}
