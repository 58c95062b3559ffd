//! The document at `/openapi.json`, held to the program: the same routes, permissions and words here,
//! the same bodies in `live`.

mod contract;
mod live;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use inventory::access::Permission;
use inventory::access::device_group::{AutomationLevel, Operator};
use inventory::access::directory::RolePermission;
use inventory::machine::{
    AdapterType, DeviceValue, ExclusionReason, ExposureLevel, HealthStatus, ManagedBy,
    ManagedByStatus, OnboardingStatus, OperationalStatus, RiskScore,
};
use serde_json::{Value, json};
use server::config::Config;
use server::router::{Callers, routes};

use self::contract::Contract;
use crate::harness::Server;

/// The file that the server is built with.
const FILE: &str = include_str!("../../openapi.json");

#[tokio::test]
async fn the_file_is_served() {
    let server = Server::start(Config::default()).await;
    let answer = server.get_open("/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.text(), FILE);
    assert_eq!(answer.json()["openapi"], "3.1.0");
    assert_eq!(answer.json()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_document_and_the_router_know_the_same_routes_for_the_same_callers() {
    let contract = Contract::read();
    let mut documented: BTreeMap<_, _> = contract.operations().collect();
    for route in routes() {
        if route.callers == Callers::Senders {
            // Another product's words are that product's to document.
            continue;
        }
        for method in route.methods {
            let operation = documented
                .remove(&(route.path, method.to_owned()))
                .unwrap_or_else(|| panic!("{method} {} is not documented", route.path));
            check_callers(operation, route.callers);
        }
    }
    let unserved: Vec<_> = documented.keys().collect();
    assert!(unserved.is_empty(), "documented and not served: {unserved:?}");
}

/// Whom the document lets call an operation.
fn check_callers(operation: &Value, callers: Callers) {
    let id = &operation["operationId"];
    let Callers::Permitted { application, delegated, role } = callers else {
        assert_eq!(callers, Callers::Anyone);
        assert_eq!(operation["security"], json!([]), "{id}");
        assert_eq!(operation.get("x-permissions"), None, "{id}");
        return;
    };
    let names = |list: &[Permission]| list.iter().map(|one| one.as_str()).collect::<Vec<_>>();
    let (application, delegated) = (names(application), names(delegated));
    let permissions =
        json!({"application": application, "delegated": delegated, "role": role.as_str()});
    assert_eq!(operation["x-permissions"], permissions, "{id}");
    // Each alternative on its own: any one permission opens the operation.
    let of_apps = application.iter().map(|name| json!({"application": [name]}));
    let of_people = delegated.iter().map(|name| json!({"delegated": [name]}));
    let security: Vec<_> = of_apps.chain(of_people).chain([json!({"bearer": []})]).collect();
    assert_eq!(operation["security"], Value::from(security), "{id}");
}

#[test]
fn operations_have_names_of_their_own_and_known_tags() {
    let contract = Contract::read();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tags = contract.document["tags"].as_array().unwrap();
    let known: BTreeSet<_> = tags.iter().map(|tag| text(&tag["name"])).collect();
    let (mut ids, mut used) = (BTreeSet::new(), BTreeSet::new());
    for ((path, method), operation) in contract.operations() {
        let id = text(&operation["operationId"]);
        let is_camel = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(is_camel, "{method} {path}: `{id}`");
        assert!(ids.insert(id.clone()), "`{id}` twice");
        assert!(!text(&operation["summary"]).is_empty(), "{id}");
        let tags = operation["tags"].as_array().unwrap();
        assert_eq!(tags.len(), 1, "{id}");
        used.insert(text(&tags[0]));
        check_path_parameters(&contract, path, operation);
    }
    assert_eq!(used, known);
}

/// Each id in a path is described, and no other.
fn check_path_parameters(contract: &Contract, path: &str, operation: &Value) {
    let in_path: Vec<_> =
        path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let described: Vec<_> = parameters
        .iter()
        .map(|parameter| contract.resolve(parameter))
        .filter(|parameter| parameter["in"] == "path")
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect();
    assert_eq!(described, in_path, "{path}");
}

#[test]
fn references_lead_somewhere_and_components_are_used() {
    let contract = Contract::read();
    let mut used = BTreeSet::new();
    contract::walk(&contract.document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(contract.find(reference).is_some(), "{reference} leads nowhere");
            used.insert(reference.to_owned());
        }
    });
    for ((_, _), operation) in contract.operations() {
        for scheme in operation["security"].as_array().unwrap() {
            let name = scheme.as_object().unwrap().keys().next().unwrap();
            used.insert(format!("#/components/securitySchemes/{name}"));
        }
    }
    for (kind, components) in contract.document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(used.contains(&reference), "{reference} is not used");
        }
    }
}

#[test]
fn values_are_those_of_the_program() {
    let contract = Contract::read();
    let at = |place: &str| {
        let found = contract.document.pointer(&format!("/components{place}"));
        found.unwrap_or_else(|| panic!("{place} is not there"))
    };
    macro_rules! same {
        ($($place:literal $kind:ident),+ $(,)?) => { $({
            let names: Vec<_> = $kind::ALL.iter().map(|value| value.as_str()).collect();
            let listed = at($place).as_array().unwrap().iter().filter(|name| !name.is_null());
            assert_eq!(listed.collect::<Vec<_>>(), names, $place);
        })+ };
    }
    same! {
        "/schemas/Permission/enum" Permission,
        "/schemas/RolePermission/enum" RolePermission,
        "/schemas/AutomationLevel/enum" AutomationLevel,
        "/schemas/OsCondition/properties/condition/enum" Operator,
        "/schemas/MachineProperties/properties/exclusionReason/enum" ExclusionReason,
        "/schemas/MachineProperties/properties/healthStatus/enum" HealthStatus,
        "/schemas/MachineProperties/properties/deviceValue/enum" DeviceValue,
        "/schemas/MachineProperties/properties/riskScore/enum" RiskScore,
        "/schemas/MachineProperties/properties/exposureLevel/enum" ExposureLevel,
        "/schemas/MachineProperties/properties/onboardingStatus/enum" OnboardingStatus,
        "/schemas/MachineProperties/properties/managedBy/enum" ManagedBy,
        "/schemas/MachineProperties/properties/managedByStatus/enum" ManagedByStatus,
        "/schemas/MachineIpAddress/properties/type/enum" AdapterType,
        "/schemas/MachineIpAddress/properties/operationalStatus/enum" OperationalStatus,
    }
    for (scheme, flow, holds) in [
        ("application", "clientCredentials", Permission::is_application as fn(Permission) -> bool),
        ("delegated", "authorizationCode", Permission::is_delegated),
    ] {
        let scopes = at(&format!("/securitySchemes/{scheme}/flows/{flow}/scopes"));
        let listed: Vec<_> = scopes.as_object().unwrap().keys().collect();
        let held = Permission::ALL.iter().filter(|permission| holds(**permission));
        assert_eq!(listed, held.map(|permission| permission.as_str()).collect::<Vec<_>>());
    }
    for (select, entity) in [
        ("SelectOfMachine", "Machine"),
        ("SelectOfUser", "User"),
        ("SelectOfApiDeviceGroup", "ApiDeviceGroup"),
    ] {
        let names = at(&format!("/parameters/{select}/schema/items/enum")).as_array().unwrap();
        let properties = at(&format!("/schemas/{entity}Properties/properties"));
        let keys: Vec<_> = properties.as_object().unwrap().keys().collect();
        assert_eq!(names[0], "*");
        assert_eq!(names[1..].iter().collect::<Vec<_>>(), keys);
        let required = at(&format!("/schemas/{entity}/required")).as_array().unwrap();
        assert_eq!(required.iter().collect::<Vec<_>>(), keys);
    }
}

#[test]
fn examples_are_what_they_are_examples_of() {
    let contract = Contract::read();
    let mut count = 0;
    let mut check = |schema: &Value, example: &Value| {
        let faults = contract.faults(schema, example);
        assert!(faults.is_empty(), "{example}\nis no {schema}:\n{}", faults.join("\n"));
        count += 1;
    };
    contract::walk(&contract.document, &mut |value| {
        match (value.get("schema"), value.get("example"), value.get("examples")) {
            (Some(schema), Some(example), None) => check(schema, example),
            (Some(schema), None, Some(Value::Object(examples))) => {
                for example in examples.values() {
                    check(schema, &contract.resolve(example)["value"]);
                }
            }
            // A schema's own.
            (None, None, Some(Value::Array(examples))) => {
                examples.iter().for_each(|example| check(value, example));
            }
            // The examples that several places share are checked there.
            _ => {}
        }
    });
    assert!(count > 100, "{count} examples");
}
