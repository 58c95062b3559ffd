//! Every operation, asked: its answers are the ones that the document promises.

mod refusals;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, header};
use inventory::access::Permission;
use serde_json::{Value, json};
use server::config::Config;
use server::router::{Callers, routes};

use super::contract::Contract;
use crate::harness::{AUDIENCE, Answer, Server, request};
use crate::people::Rank;

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// A server, and what of it was seen.
struct Probe {
    server: Server,
    contract: Contract,
    /// A token of an app that may do everything.
    token: String,
    /// Methods and paths that answered well.
    done: RefCell<BTreeSet<(String, String)>>,
}

/// A request to a path of the document.
struct Asked<'a> {
    method: Method,
    path: &'a str,
    /// What stands in its places, but for the tenant.
    ids: &'a [&'a str],
    query: &'a str,
    token: Option<&'a str>,
    accept: &'a str,
    body: String,
}

impl<'a> Asked<'a> {
    fn new(method: Method, path: &'a str, ids: &'a [&'a str]) -> Self {
        Self { method, path, ids, query: "", token: None, accept: "*/*", body: String::new() }
    }
}

impl Probe {
    async fn start(config: Config) -> Self {
        let server = Server::start(config).await;
        crate::inventory::fill(&server).await;
        let token = server.token(Permission::ALL).await;
        Self { server, contract: Contract::read(), token, done: RefCell::default() }
    }

    /// Sends a request and checks that the document knows its answer.
    async fn send(&self, asked: Asked<'_>) -> Answer {
        let mut ids = asked.ids.iter();
        let (start, parts) = asked.path.split_once('{').unwrap_or((asked.path, ""));
        let mut target = start.to_owned();
        for (name, literal) in parts.split('{').filter_map(|part| part.split_once('}')) {
            match name {
                "tenant" => target += &self.server.tenant.id.to_string(),
                _ => target += &ids.next().expect("an id").replace(' ', "%20"),
            }
            target += literal;
        }
        let mut sent = request(asked.method.clone(), &format!("{target}{}", asked.query))
            .header(header::ACCEPT, asked.accept)
            .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 15], 50_000))));
        if let Some(token) = asked.token {
            sent = sent.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let answer = self.server.call(sent.body(Body::from(asked.body)).unwrap()).await;
        self.contract.check(&asked.method, asked.path, &answer);
        if answer.status.is_success() {
            let operation = (asked.path.to_owned(), asked.method.to_string());
            self.done.borrow_mut().insert(operation);
        }
        answer
    }

    /// A call by an app that may do everything, with the body that is the document's example.
    async fn call(&self, method: Method, path: &str, ids: &[&str], status: u16) -> Answer {
        let body = self.contract.body(&method, path).map(Value::to_string).unwrap_or_default();
        self.call_with(method, path, ids, body, status).await
    }

    async fn call_with(
        &self,
        method: Method,
        path: &str,
        ids: &[&str],
        body: String,
        status: u16,
    ) -> Answer {
        let token = Some(self.token.as_str());
        let asked = Asked { body, token, ..Asked::new(method.clone(), path, ids) };
        let answer = self.send(asked).await;
        assert_eq!(answer.status, status, "{method} {path} {ids:?}: {}", answer.text());
        answer
    }

    async fn query(&self, path: &str, ids: &[&str], query: &str) -> Answer {
        let token = Some(self.token.as_str());
        let answer = self.send(Asked { query, token, ..Asked::new(GET, path, ids) }).await;
        assert_eq!(answer.status, 200, "{path}{query}: {}", answer.text());
        answer
    }

    /// A request of the sign-in side.
    async fn form(&self, path: &str, form: &str, status: u16) -> Answer {
        let asked = Asked { body: form.to_owned(), ..Asked::new(POST, path, &[]) };
        let answer = self.send(asked).await;
        assert_eq!(answer.status, status, "{path} {form}: {}", answer.text());
        answer
    }
}

#[tokio::test]
async fn every_operation_answers_as_documented() {
    let probe = Probe::start(Config { password_grant: true, ..Config::default() }).await;
    vendor(&probe).await;
    people_and_groups(&probe).await;
    sign_in(&probe).await;
    apps(&probe).await;
    rest(&probe).await;
    end(&probe).await;
    let mut missing = Vec::new();
    for route in routes().into_iter().filter(|route| route.callers != Callers::Senders) {
        for method in route.methods {
            let operation = (route.path.to_owned(), method.to_owned());
            if !probe.done.borrow().contains(&operation)
                && !is_page(&probe.contract, &operation)
                && !is_refused(&probe.contract, &operation)
            {
                missing.push(operation);
            }
        }
    }
    assert!(missing.is_empty(), "never seen to succeed: {missing:?}");
}

/// Pages and their files, which have no body with a schema.
fn is_page(contract: &Contract, (path, method): &(String, String)) -> bool {
    let operation = contract.operation(&method.parse().unwrap(), path);
    let content = &contract.resolve(&operation["responses"]["200"])["content"];
    content.as_object().is_some_and(|kinds| kinds.keys().all(|kind| kind.starts_with("text/")))
}

/// What is refused by name, whoever asks.
fn is_refused(contract: &Contract, (path, method): &(String, String)) -> bool {
    let responses = &contract.operation(&method.parse().unwrap(), path)["responses"];
    let statuses = responses.as_object().unwrap().keys();
    responses.get("501").is_some() && statuses.into_iter().all(|status| !status.starts_with('2'))
}

/// The vendor's API, with and without options.
async fn vendor(probe: &Probe) {
    let (user, machine) = (["jdoe"], ["ws-014"]);
    let schemas = "#/components/schemas";
    for (path, ids, select, entity) in [
        ("/api/users/{id}/machines", &user[..], "id,IPADDRESSES", "Machine"),
        ("/api/machines", &[], "vmMetadata", "Machine"),
        ("/api/machines/{id}/logonusers", &machine, "logonTypes,id", "User"),
        ("/api/deviceGroups", &[], "deviceCount,ID", "ApiDeviceGroup"),
    ] {
        let answer = probe.call(GET, path, ids, 200).await.json();
        let rows = answer["value"].as_array().unwrap();
        assert!(!rows.is_empty(), "{path}");
        for row in rows {
            let whole = json!({"$ref": format!("{schemas}/{entity}")});
            assert_eq!(probe.contract.faults(&whole, row), [""; 0], "{path}");
        }
        for query in ["?$top=1&$skip=1".to_owned(), format!("?$select={select}")] {
            probe.query(path, ids, &query).await;
        }
    }
    for (path, ids, query) in [
        ("/api/machines", &[][..], "?$expand=logOnUsers($count=true)&$count=true&$search=ws"),
        ("/api/machines", &[], "?$select=id&$expand=logOnUsers($select=id)&$filter=id+ne+null"),
        ("/api/users", &[], "?$expand=machines($expand=logOnUsers;$count=true)&$count=true"),
        ("/api/users", &[], "?$select=id&$orderby=id&$filter=id+ne+null&$top=1"),
        ("/api/users", &[], "?$expand=machines&remoteAddresses=true"),
        ("/api/machines", &[], "?$expand=logOnUsers&remoteAddresses=true"),
        ("/api/users/$count", &[], "?$search=j"),
        ("/api/users/{id}", &user, "?$select=id"),
        ("/api/users/{id}", &user, ""),
        ("/api/users/{id}", &user, "?accounts=true"),
        ("/api/machines/$count", &[], "?$filter=osBuild+eq+null"),
        ("/api/machines/findbytag", &[], "?tag=x&useStartsWithFilter=true&$orderby=id"),
        ("/api/machines/unTaggedMachines", &[], ""),
        ("/api/machines/bigPageSize", &[], "?pageSize=1&$select=id"),
        ("/api/machines", &[], "?$format=csv"),
        ("/api/users", &[], "?$format=ndjson"),
        ("/api/deviceGroups", &[], "?$format=csv"),
        ("/api/alerts", &[], "?$format=ndjson"),
        ("/api/domains/{domain}/machines", &["corp.example"], "?$top=1"),
        ("/api/machines/{id}/logonusers", &machine, "?$count=true&$orderby=id&$filter=id+ne+'x'"),
    ] {
        probe.query(path, ids, query).await;
    }
    let had = ["10.20.30.40", "2026-11-23T09:30:00Z"];
    let path = "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})";
    probe.query(path, &had, "?$select=id").await;
    probe.call(GET, path, &["here", had[1]], 400).await;
    let path = "/api/machines/find(timestamp={timestamp},key='{ip}')";
    probe.call(GET, path, &[had[1], had[0]], 200).await;
    probe.call(GET, path, &[had[1], "10.9.9.9"], 404).await;
    probe.call(GET, "/api/machines/findbytag", &[], 400).await;
    for path in ["tags", "setDeviceValue", "setExclusion"] {
        probe.call(POST, &format!("/api/machines/{{id}}/{path}"), &machine, 200).await;
    }
    probe.call(PATCH, "/api/machines/{id}", &machine, 200).await;
    probe.call(POST, "/api/machines/AddOrRemoveTagForMultipleMachines", &[], 200).await;
    probe.call(POST, "/api/$batch", &[], 200).await;
    let lines = concat!(
        r#"{"footfall":"machine","time":"2026-03-01T10:00:00Z","device":"told-1"}"#,
        "\n[1]\n"
    );
    probe.call_with(POST, "/api/ingest", &[], lines.to_owned(), 200).await;
    let group = "/api/deviceGroups/{id}";
    probe.call(GET, group, &["0"], 200).await;
    probe.query(group, &["0"], "?$select=deviceGroupName").await;
    probe.call(GET, "/api", &[], 200).await;
    probe.call(GET, "/api/$metadata", &[], 200).await;
    probe.query("/api/$metadata", &[], "?$format=json").await;
    for path in ["/api/alerts", "/api/users/{id}/alerts", "/api/machines/{id}/alerts"] {
        probe.query(path, &machine, "?$top=1&$filter=x&$orderby=y&$expand=z&$select=w").await;
        probe.query(path, &machine, "?$count=true&$search=v").await;
        probe.query(&format!("{path}/$count"), &machine, "?$filter=x&$search=v").await;
    }
    for id in ["WS-014.corp.example", "srv-01"] {
        let mut answer = probe.call(GET, "/api/machines/{id}", &[id], 200).await.json();
        answer.as_object_mut().unwrap().remove("@odata.context");
        let whole = json!({"$ref": format!("{schemas}/Machine")});
        assert_eq!(probe.contract.faults(&whole, &answer), [""; 0]);
        probe.query("/api/machines/{id}", &[id], "?$select=id,osBuild").await;
    }
    probe.call(GET, "/api/users/{id}/machines", &["nobody"], 200).await;
}

const ANNA: &str = "anna@corp.example";
const TIER: &str = "tier 1";

/// Operators, user groups, roles and device groups: made from the document's examples, twice.
async fn people_and_groups(probe: &Probe) {
    for path in ["user-groups", "operators", "roles", "device-groups"] {
        let path = format!("/admin/v1/{path}");
        probe.call(POST, &path, &[], 201).await;
        probe.call(POST, &path, &[], 409).await;
        if path.ends_with("operators") {
            let member = "/admin/v1/user-groups/{id}/members/{member}";
            probe.call(PUT, member, &[TIER, ANNA], 204).await;
        }
    }
    for (path, id) in [
        ("user-groups", TIER),
        ("operators", ANNA),
        ("roles", "first line"),
        ("device-groups", "Workstations"),
    ] {
        let (list, single) = (format!("/admin/v1/{path}"), format!("/admin/v1/{path}/{{id}}"));
        probe.call(GET, &list, &[], 200).await;
        probe.call(PATCH, &single, &[id], 200).await;
        probe.call(GET, &single, &[id], 200).await;
    }
    for (method, path, ids, status) in [
        (GET, "device-groups/{id}", &["0"][..], 200),
        (PUT, "device-groups/{id}/rank", &["Workstations"], 204),
        (PUT, "device-groups/{id}/access", &["0"], 204),
        (PUT, "roles/{id}/user-groups/{member}", &["1", TIER], 204),
        (DELETE, "roles/{id}/user-groups/{member}", &["1", TIER], 204),
        // The built-in role, the last role of a group with access, and the only group with access.
        (PATCH, "roles/{id}", &["1"], 409),
        (DELETE, "roles/{id}", &["first line"], 409),
        (DELETE, "user-groups/{id}", &[TIER], 409),
        (PUT, "operators/{id}/password", &[ANNA], 204),
        (POST, "operators/{id}/sign-out", &[ANNA], 204),
        (POST, "operators/{id}/unlock", &[ANNA], 204),
        (POST, "operators/{id}/totp", &[ANNA], 201),
        (GET, "operators/{id}", &[ANNA], 200),
        (DELETE, "operators/{id}/totp", &[ANNA], 204),
    ] {
        probe.call(method, &format!("/admin/v1/{path}"), ids, status).await;
    }
    // With rules, and with somebody who sees it.
    probe.call(GET, "/api/deviceGroups", &[], 200).await;
    let preview = probe.call(POST, "/admin/v1/device-groups/preview", &[], 200).await;
    assert_eq!(preview.names(), ["WS-014.corp.example"]);
}

/// Tokens for apps and people, by both versions, and what is asked before and after.
async fn sign_in(probe: &Probe) {
    let public = json!({
        "name": "console",
        "kind": "public",
        "permissions": ["Machine.Read"],
        "redirectUris": ["http://localhost"],
    });
    let added = probe.call_with(POST, "/admin/v1/apps", &[], public.to_string(), 201).await;
    let public = added.json()["clientId"].as_str().unwrap().to_owned();
    let app = probe.server.app(&[Permission::MachineReadAll]).await;
    let proof = format!("client_id={}&client_secret={}", app.client_id, app.client_secret);
    // A second later Anna's sign-in is after the sign-out above.
    probe.server.clock.advance(inventory::time::TICKS_PER_SECOND);
    for (base, api, scope) in [
        ("/{tenant}/oauth2", format!("resource={AUDIENCE}"), "scope=openid".to_owned()),
        (
            "/{tenant}/oauth2/v2.0",
            format!("scope={AUDIENCE}/.default"),
            format!("scope=openid+offline_access+{AUDIENCE}/Machine.Read"),
        ),
    ] {
        let token = format!("{base}/token");
        let own = format!("grant_type=client_credentials&{proof}&{api}");
        probe.form(&token, &own, 200).await;
        let by_get = format!("?{own}");
        let asked = Asked { query: &by_get, ..Asked::new(GET, &token, &[]) };
        assert_eq!(probe.send(asked).await.status, 200);
        probe.form(&token, &own.replace("client_secret=", "client_secret=x"), 401).await;
        probe.form(&token, "", 400).await;

        let person =
            format!("grant_type=password&client_id={public}&client_info=1&username={ANNA}");
        probe.form(&token, &format!("{person}&{scope}&password=wrong"), 400).await;
        let right = format!("{person}&{scope}&password=not+a+real+password");
        let answer = probe.form(&token, &right, 200).await.json();
        for name in ["scope", "id_token", "refresh_token", "client_info"] {
            assert!(answer[name].is_string(), "{token} {name}: {answer}");
        }
        let refresh = answer["refresh_token"].as_str().unwrap();
        let revoked = format!("client_id={public}&token={refresh}");
        probe.form("/{tenant}/oauth2/v2.0/revoke", &revoked, 200).await;

        let asks = format!("client_id={public}&{scope}+{AUDIENCE}/Machine.Read");
        let codes = probe.form(&format!("{base}/devicecode"), &asks, 200).await.json();
        let code = codes["device_code"].as_str().unwrap();
        let poll = format!("grant_type=device_code&client_id={public}&device_code={code}");
        assert_eq!(probe.form(&token, &poll, 400).await.json()["error"], "authorization_pending");
    }
    for path in [
        "/{tenant}/v2.0/.well-known/openid-configuration",
        "/{tenant}/.well-known/openid-configuration",
        "/{tenant}/discovery/v2.0/keys",
        "/{tenant}/discovery/keys",
        "/common/discovery/instance",
        "/healthz",
        "/openapi.json",
    ] {
        probe.query(path, &[], "").await;
    }
    probe.query("/common/userrealm/{user}", &["anna@corp.example"], "").await;
    nodes(probe).await;
    // Keys of nobody, which is told with 200.
    for call in ["enroll", "config", "log", "distributed/read", "distributed/write"] {
        let path = format!("/osquery/{call}");
        probe.call(POST, &path, &[], 200).await;
        probe.call_with(POST, &path, &[], "{".to_owned(), 400).await;
    }
}

/// A node, from the secret with which it enrolls to its end.
async fn nodes(probe: &Probe) {
    let secrets = "/admin/v1/enroll-secrets";
    let added = probe.call(POST, secrets, &[], 201).await.json();
    probe.call(POST, secrets, &[], 409).await;
    let enroll = "/osquery/enroll";
    let mut body = probe.contract.body(&POST, enroll).unwrap().clone();
    body["enroll_secret"] = added["secret"].clone();
    let key = probe.call_with(POST, enroll, &[], body.to_string(), 200).await.json();
    assert_eq!(probe.call(POST, "/admin/v1/nodes/refresh", &[], 200).await.json()["asked"], 1);
    probe.call(POST, "/admin/v1/nodes/{id}/refresh", &["lnx-1"], 200).await;
    for call in ["config", "log", "distributed/read", "distributed/write"] {
        let path = format!("/osquery/{call}");
        let mut body = probe.contract.body(&POST, &path).unwrap().clone();
        body["node_key"] = key["node_key"].clone();
        let answer = probe.call_with(POST, &path, &[], body.to_string(), 200).await.json();
        assert_eq!(answer["node_invalid"], false, "{call}");
    }
    let nodes = probe.call(GET, "/admin/v1/nodes", &[], 200).await.json();
    assert_eq!(nodes["value"][0]["hostName"], "lnx-1");
    probe.call(POST, "/admin/v1/nodes/{id}/revoke", &["lnx-1"], 204).await;
    probe.call(GET, "/admin/v1/nodes", &[], 200).await;
    probe.call(DELETE, "/admin/v1/nodes/{id}", &["lnx-1"], 204).await;
    probe.call(POST, "/admin/v1/nodes/{id}/refresh", &["lnx-1"], 404).await;
    probe.call(POST, "/admin/v1/enroll-secrets/{id}/revoke", &["servers"], 204).await;
    probe.call(POST, "/admin/v1/enroll-secrets/{id}/revoke", &["servers"], 404).await;
    probe.call(GET, secrets, &[], 200).await;
}

/// An app with a credential of every kind.
async fn apps(probe: &Probe) {
    let added = probe.call(POST, "/admin/v1/apps", &[], 201).await.json();
    assert!(added["secret"]["clientSecret"].is_string(), "{added}");
    let id = added["clientId"].as_str().unwrap();
    let app = "/admin/v1/apps/{id}";
    probe.call(PATCH, app, &[id], 200).await;
    let secret = probe.call(POST, "/admin/v1/apps/{id}/secrets", &[id], 201).await.json();
    probe.call(POST, "/admin/v1/apps/{id}/certificates", &[id], 201).await;
    probe.call(POST, "/admin/v1/apps/{id}/federated-credentials", &[id], 201).await;
    let kinds = probe.call(GET, app, &[id], 200).await.json()["credentials"].clone();
    let kinds: Vec<_> = kinds.as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["secret", "secret", "certificate", "federated"]);
    let secret = secret["id"].as_str().unwrap();
    let path = "/admin/v1/apps/{id}/credentials/{member}";
    probe.call(DELETE, path, &[id, secret], 204).await;
    probe.call(DELETE, path, &[id, secret], 404).await;
    probe.call(POST, "/admin/v1/apps/{id}/revoke", &[id], 204).await;
    probe.call(PATCH, app, &[id], 409).await;
    let list = probe.call(GET, "/admin/v1/apps", &[], 200).await.json();
    let list = list["value"].as_array().unwrap();
    assert!(list.iter().any(|app| app["revoked"].is_string()), "{list:?}");
}

/// Tenants, keys, and what the server says of itself and its callers.
async fn rest(probe: &Probe) {
    let keys = "/admin/v1/signing-keys";
    probe.call(POST, "/admin/v1/signing-keys/rotate", &[], 201).await;
    let keys = probe.call(GET, keys, &[], 200).await.json();
    assert!(keys["value"][1]["verifiesUntil"].is_string(), "{keys}");

    let administrator = probe.server.operator("root", Rank::Administrator).await.id;
    let token = probe.server.person_token(administrator, "Footfall.Admin.Read").await;
    let asked = Asked { token: Some(&token), ..Asked::new(GET, "/admin/v1/me", &[]) };
    assert_eq!(probe.send(asked).await.json()["person"], "root");
    probe.call(GET, "/admin/v1/me", &[], 200).await;

    probe.form("/{tenant}/oauth2/token", &failing(probe).await, 400).await;
    let limits = probe.call(GET, "/admin/v1/limits", &[], 200).await.json();
    for name in ["calls", "addresses", "accounts"] {
        assert_ne!(limits[name], json!([]), "{name}");
    }
    let audit = "/admin/v1/audit";
    let query = "?since=2026-01-01T00:00:00Z&deed=administration&last=1000";
    let entries = probe.query(audit, &[], query).await.json();
    assert!(entries["value"].as_array().unwrap().len() > 20);
    let accept = "application/x-ndjson";
    let asked = Asked { token: Some(&probe.token), accept, ..Asked::new(GET, audit, &[]) };
    let entry = json!({"$ref": "#/components/schemas/AuditEntry"});
    for line in probe.send(asked).await.text().lines() {
        let line = serde_json::from_str(line).unwrap();
        assert_eq!(probe.contract.faults(&entry, &line), [""; 0], "{line}");
    }

    probe.call(POST, "/admin/v1/tenants", &[], 201).await;
    probe.call(POST, "/admin/v1/tenants", &[], 409).await;
    let own = probe.server.tenant.id.to_string();
    let change = json!({"name": null, "domains": ["footfall.example"]}).to_string();
    probe.call_with(PATCH, "/admin/v1/tenants/{id}", &[&own], change, 200).await;
    probe.call(PATCH, "/admin/v1/tenants/{id}", &[&own], 409).await;
    probe.call(GET, "/admin/v1/tenants", &[], 200).await;
}

/// A sign-in of Anna's with a wrong password.
async fn failing(probe: &Probe) -> String {
    let apps = probe.call(GET, "/admin/v1/apps", &[], 200).await.json();
    let apps = apps["value"].as_array().unwrap();
    let public = apps.iter().find(|app| app["kind"] == "public").unwrap();
    let public = public["clientId"].as_str().unwrap();
    format!("grant_type=password&client_id={public}&username={ANNA}&password=wrong")
}

/// What was made is removed.
async fn end(probe: &Probe) {
    let open = json!({"userGroups": []}).to_string();
    let access = "/admin/v1/device-groups/{id}/access";
    probe.call_with(PUT, access, &["0"], open, 204).await;
    for (path, ids) in [
        ("device-groups/{id}", &["Workstations"][..]),
        ("user-groups/{id}/members/{member}", &[TIER, ANNA]),
        ("roles/{id}", &["first line"]),
        ("user-groups/{id}", &[TIER]),
        ("operators/{id}", &[ANNA]),
    ] {
        let path = format!("/admin/v1/{path}");
        probe.call(DELETE, &path, ids, 204).await;
        probe.call(DELETE, &path, ids, 404).await;
    }
}
