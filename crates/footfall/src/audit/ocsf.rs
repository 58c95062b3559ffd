//! Entries as events of the Open Cybersecurity Schema Framework, version 1.6.0
//! (<https://schema.ocsf.io/1.6.0/>): what its classes require, and of the rest what is known.

use inventory::access::audit::{Deed, Entry};
use inventory::time::TICKS_PER_SECOND;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const SCHEMA_VERSION: &str = "1.6.0";
const TICKS_PER_MS: i64 = TICKS_PER_SECOND / 1000;
/// `severity_id`: Informational.
const INFORMATIONAL: u8 = 1;
/// `auth_protocol_id`: OAuth 2.0.
const OAUTH_2: u8 = 6;

/// A class of events.
struct Class {
    category: u32,
    uid: u32,
}

const API_ACTIVITY: Class = Class { category: 6, uid: 6003 };
const AUTHENTICATION: Class = Class { category: 3, uid: 3002 };
const ENTITY_MANAGEMENT: Class = Class { category: 3, uid: 3004 };

/// `activity_id` of API Activity and Entity Management.
#[derive(Clone, Copy)]
enum Activity {
    Create = 1,
    Read = 2,
    Update = 3,
    Delete = 4,
}

/// `activity_id` of Authentication.
const LOGON: u32 = 1;
const LOGOFF: u32 = 2;

/// The event of an entry. `tenant` is the tenant's id.
pub(super) fn event(entry: &Entry, tenant: Option<Uuid>) -> Value {
    let mut event = match entry.deed {
        Deed::Call => {
            let mut event = base(&API_ACTIVITY, activity(&entry.operation) as u32, entry, tenant);
            event.insert("api".to_owned(), json!({"operation": entry.operation}));
            event.insert("http_response".to_owned(), json!({"code": entry.status}));
            event
        }
        Deed::SignIn => authentication(entry, tenant),
        Deed::Administration => {
            let activity = activity(&entry.operation) as u32;
            let mut event = base(&ENTITY_MANAGEMENT, activity, entry, tenant);
            let name = if entry.detail.is_empty() { &entry.operation } else { &entry.detail };
            let entity = json!({"name": name, "type": entity_type(&entry.operation)});
            event.insert("entity".to_owned(), entity);
            event
        }
    };
    if let Some((method, _)) = over_http(entry) {
        let (path, query) = match entry.detail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (entry.detail.split(' ').next().unwrap_or_default(), None),
        };
        let mut url = json!({"path": path});
        if let Some(query) = query {
            url["query_string"] = json!(query);
        }
        event.insert("http_request".to_owned(), json!({"http_method": method, "url": url}));
    }
    Value::Object(event)
}

/// What every event has.
fn base(class: &Class, activity: u32, entry: &Entry, tenant: Option<Uuid>) -> Map<String, Value> {
    let mut metadata = json!({
        "version": SCHEMA_VERSION,
        "product": {
            "name": "Footfall",
            "vendor_name": "Footfall",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "uid": entry.correlation,
    });
    if let Some(tenant) = tenant {
        metadata["tenant_uid"] = json!(tenant);
    }
    let event = json!({
        "activity_id": activity,
        "category_uid": class.category,
        "class_uid": class.uid,
        "type_uid": class.uid * 100 + activity,
        "time": entry.time.ticks().div_euclid(TICKS_PER_MS),
        "duration": entry.latency_us / 1000,
        "severity_id": INFORMATIONAL,
        "status_id": status_id(entry),
        "status_code": entry.status.to_string(),
        "metadata": metadata,
        "actor": actor(entry),
        "src_endpoint": match entry.address {
            Some(address) => json!({"ip": address}),
            None => json!({"name": "unknown"}),
        },
        "unmapped": {"detail": entry.detail, "rows": entry.rows, "latency_us": entry.latency_us},
    });
    match event {
        Value::Object(event) => event,
        // Braces were written above.
        _ => Map::new(),
    }
}

fn authentication(entry: &Entry, tenant: Option<Uuid>) -> Map<String, Value> {
    let ends = ["logout", "signout", "sign-out"].iter().any(|word| entry.operation.contains(word));
    let mut event = base(&AUTHENTICATION, if ends { LOGOFF } else { LOGON }, entry, tenant);
    event.insert("user".to_owned(), user(entry));
    event.insert("service".to_owned(), json!({"name": "Footfall"}));
    event.insert("is_remote".to_owned(), json!(true));
    if entry.operation.contains("/oauth2/") {
        event.insert("auth_protocol_id".to_owned(), json!(OAUTH_2));
    }
    // The path, then what became of it.
    if let Some((_, note)) = entry.detail.split_once(' ') {
        event.insert("status_detail".to_owned(), json!(note));
    }
    event
}

fn actor(entry: &Entry) -> Value {
    let mut actor = Map::new();
    if let Some(app) = entry.app {
        actor.insert("app_uid".to_owned(), json!(app));
    }
    if entry.person.is_some() || entry.app.is_none() {
        actor.insert("user".to_owned(), user(entry));
    }
    Value::Object(actor)
}

/// The person, else the app as the user that it is to the tenant.
fn user(entry: &Entry) -> Value {
    match (&entry.person, entry.app) {
        (Some(person), _) => json!({"name": person}),
        (None, Some(app)) => json!({"uid": app}),
        (None, None) => json!({"name": "unknown", "type_id": 0}),
    }
}

/// Method and route of an entry that came by HTTP.
fn over_http(entry: &Entry) -> Option<(&str, &str)> {
    entry.operation.split_once(' ').filter(|(_, route)| route.starts_with('/'))
}

/// 1 for success, 2 for failure, 0 where nobody knows.
fn status_id(entry: &Entry) -> u8 {
    match entry.status {
        // Changes by the command line have no status and are recorded once they were made.
        0 if over_http(entry).is_none() => 1,
        0 => 0,
        status if status < 400 => 1,
        _ => 2,
    }
}

/// What a method or the name of a change does.
fn activity(operation: &str) -> Activity {
    let is = |verbs: &[&str]| {
        let verb = match operation.split_once(' ') {
            Some((method, _)) => method,
            None => operation.rsplit('.').next().unwrap_or_default(),
        };
        verbs.contains(&verb)
    };
    if is(&["GET", "HEAD", "OPTIONS", "list", "show"]) {
        Activity::Read
    } else if is(&["POST", "add"]) {
        Activity::Create
    } else if is(&["DELETE", "remove", "delete", "revoke"]) {
        Activity::Delete
    } else {
        Activity::Update
    }
}

/// `app` of `app.add`, `roles` of `PUT /admin/v1/roles/{id}`.
fn entity_type(operation: &str) -> &str {
    match operation.split_once("/admin/v1/") {
        Some((_, route)) => route.split('/').next().unwrap_or_default(),
        None => operation.split('.').next().unwrap_or_default(),
    }
}
