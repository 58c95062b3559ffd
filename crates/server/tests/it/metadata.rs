//! The service document and `$metadata`, held to the program, to the vendor's own document, and its two forms to each other.

mod csdl;

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::{Method, StatusCode, header};
use inventory::access::device_group::{AutomationLevel, Operator};
use inventory::filter::{EntityKind, Kind, NAMESPACE, properties};
use roxmltree::{Document, Node};

use self::csdl::{find, parts, schema};
use crate::harness::{HOST, Server, request};

/// The files that the server is built with.
pub(crate) const XML: &str = include_str!("../../src/metadata.xml");
const JSON: &str = include_str!("../../src/metadata.json");

/// What we have and the vendor has not, as `kind name` or `kind name/part`.
const ADDED: &[&str] = &[];

/// Enumerations that no property of a query has, and their members.
fn other_choices() -> [(&'static str, Vec<&'static str>); 3] {
    [
        ("AutomationLevelEnum", AutomationLevel::ALL.iter().map(|one| one.as_str()).collect()),
        ("OperatorType", Operator::ALL.iter().map(|one| one.as_str()).collect()),
        ("TagAction", vec!["Add", "Remove"]),
    ]
}

#[tokio::test]
async fn both_forms_are_served() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    for path in ["/api/$metadata", "/API/v1.0/%24Metadata/", "/api/$metadata?$format=xml&x=1"] {
        let answer = server.get(path, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), "application/xml", "{path}");
        assert_eq!(answer.header("odata-version"), "4.0", "{path}");
        assert_eq!(answer.header("vary"), "Accept, Accept-Encoding, OData-MaxVersion", "{path}");
        assert_eq!(answer.text(), XML, "{path}");
    }
    for (query, accept) in
        [("", "application/json"), ("?$format=application/json;IEEE754Compatible=true", "*/*")]
    {
        let asked = request(Method::GET, &format!("/api/$metadata{query}"))
            .header(header::ACCEPT, accept)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let answer = server.send(asked).await;
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{query}");
        assert_eq!(answer.header("odata-version"), "4.01", "{query}");
        assert_eq!(answer.text(), JSON, "{query}");
    }
    for query in ["$format=atom", "$top=1", "$select=x", "$filter=id+eq+'x'", "$format="] {
        let answer = server.get(&format!("/api/$metadata?{query}"), &token).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.error().0, "ODataError", "{query}");
    }
}

#[tokio::test]
async fn the_service_document_names_the_sets() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let answer = server.get("/api", &token).await;
    insta::assert_snapshot!(server.show(&answer));
    for path in ["/api/", "/API/v1.0", "/api/V1.0/", "/api?$format=json"] {
        assert_eq!(server.get(path, &token).await.text(), answer.text(), "{path}");
    }
    for query in ["$format=xml", "$format=atom", "$top=1"] {
        let refused = server.get(&format!("/api?{query}"), &token).await;
        assert_eq!(refused.error().0, "ODataError", "{query}");
    }
    let document = Document::parse(XML).unwrap();
    let container = find(schema(&document), "EntityContainer", "Container").unwrap();
    let named: Vec<_> = parts(container).map(csdl::name).collect();
    let sets = answer.json()["value"].as_array().unwrap().clone();
    assert_eq!(sets.iter().map(|set| &set["name"]).collect::<Vec<_>>(), named);
}

#[tokio::test]
async fn contexts_of_answers_name_what_is_in_it() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let document = Document::parse(XML).unwrap();
    let container = find(schema(&document), "EntityContainer", "Container").unwrap();
    for path in [
        "machines",
        "machines/srv-01",
        "machines/srv-01/logonusers",
        "deviceGroups",
        "deviceGroups/0",
        "alerts",
    ] {
        let answer = server.get(&format!("/api/{path}"), &token).await.json();
        let context = answer["@odata.context"].as_str().unwrap();
        let context = context.strip_prefix(&format!("http://{HOST}/api/$metadata#")).unwrap();
        let set = context.split('/').next().unwrap();
        assert!(find(container, "EntitySet", set).is_some(), "{path}: {set}");
    }
}

/// Queries do not bind device groups, so that the answer itself is compared.
#[tokio::test]
async fn a_device_group_has_the_properties_of_its_type() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let answer = server.get("/api/deviceGroups/0?$select=*", &token).await.json();
    let keys: Vec<_> = answer.as_object().unwrap().keys().skip(1).collect();
    let document = Document::parse(XML).unwrap();
    for (tag, name, keys) in [
        ("EntityType", "DeviceGroup", keys),
        (
            "ComplexType",
            "DeviceGroupRules",
            answer["deviceGroupRules"].as_object().unwrap().keys().collect(),
        ),
    ] {
        let written = find(schema(&document), tag, name).unwrap();
        let written = parts(written).filter(|part| part.has_tag_name((csdl::EDM, "Property")));
        assert_eq!(written.map(csdl::name).collect::<Vec<_>>(), keys, "{name}");
    }
}

/// A part as name, type, whether it may be null, and whether it is navigation.
type Shown = (String, String, bool, bool);

fn shown(part: Node<'_, '_>) -> Shown {
    let text = |name: &str| part.attribute(name).unwrap_or_default().to_owned();
    let is_navigation = part.has_tag_name((csdl::EDM, "NavigationProperty"));
    (text("Name"), text("Type"), text("Nullable") != "false", is_navigation)
}

#[test]
fn types_are_those_of_queries() {
    let document = Document::parse(XML).unwrap();
    let schema = schema(&document);
    assert_eq!(schema.attribute("Namespace"), Some(NAMESPACE));
    let mut choices: Vec<(&str, Vec<&str>)> = other_choices().into();
    for (kind, tag) in [
        (EntityKind::Machine, "EntityType"),
        (EntityKind::User, "EntityType"),
        (EntityKind::IpAddress, "ComplexType"),
        (EntityKind::VmMetadata, "ComplexType"),
    ] {
        let name = kind.type_name().strip_prefix(NAMESPACE).unwrap().trim_start_matches('.');
        let written = find(schema, tag, name).unwrap_or_else(|| panic!("{tag} {name}"));
        let written = parts(written).filter(|part| !part.has_tag_name((csdl::EDM, "Key")));
        let known = properties(kind).iter();
        let known = known.map(|property| {
            if let Kind::Choice(name, members) = property.kind {
                choices.push((name, members.to_vec()));
            }
            let name = property.name.to_owned();
            (name, property.type_name(), property.is_nullable, property.is_navigation)
        });
        assert_eq!(written.map(shown).collect::<Vec<_>>(), known.collect::<Vec<_>>(), "{name}");
    }
    for (name, members) in &choices {
        let written = find(schema, "EnumType", name).unwrap_or_else(|| panic!("EnumType {name}"));
        let written: Vec<_> = parts(written).filter_map(|part| part.attribute("Name")).collect();
        assert_eq!(&written, members, "{name}");
    }
    let known: BTreeSet<_> = choices.iter().map(|(name, _)| *name).collect();
    let written = parts(schema).filter(|part| part.has_tag_name((csdl::EDM, "EnumType")));
    assert_eq!(written.map(|part| part.attribute("Name").unwrap()).collect::<BTreeSet<_>>(), known);
}

#[test]
fn what_is_named_is_there() {
    let document = Document::parse(XML).unwrap();
    let schema = schema(&document);
    let known: BTreeSet<_> = parts(schema).map(csdl::name).collect();
    for node in schema.descendants().filter(Node::is_element) {
        for attribute in ["Type", "EntityType"] {
            let Some(text) = node.attribute(attribute) else { continue };
            let text =
                text.strip_prefix("Collection(").map_or(text, |rest| &rest[..rest.len() - 1]);
            let Some(name) = text.strip_prefix(NAMESPACE) else {
                assert!(text.starts_with("Edm."), "{text}");
                continue;
            };
            assert!(known.contains(&name[1..]), "{text}");
        }
    }
}

#[test]
fn the_json_says_what_the_xml_says() {
    let document = Document::parse(XML).unwrap();
    let expected = serde_json::to_string_pretty(&csdl::json(schema(&document))).unwrap();
    // The files themselves are compared, so the order too.
    assert_eq!(JSON.trim_end(), expected);
}

/// The vendor's own document, where it is beside the checkout.
pub(crate) fn vendors() -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec");
    let found = std::fs::read_to_string(folder.join("mde_metadata.xml")).ok();
    if found.is_none() {
        eprintln!("SKIPPED: there is no metadata of the vendor's at {}", folder.display());
    }
    found
}

#[test]
fn what_the_vendor_has_is_the_same_there() {
    let Some(text) = vendors() else { return };
    let (ours, theirs) = (Document::parse(XML).unwrap(), Document::parse(&text).unwrap());
    let mut added = Vec::new();
    for our in parts(schema(&ours)) {
        let place = format!("{} {}", our.tag_name().name(), csdl::name(our));
        let Some(their) = find(schema(&theirs), our.tag_name().name(), csdl::name(our)) else {
            added.push(place);
            continue;
        };
        assert_eq!(csdl::attributes(our), csdl::attributes(their), "{place}");
        added.extend(csdl::compare(our, their, &place));
        // What is read must be known whole; what is refused need not be.
        let is_part =
            csdl::name(our) == "Alert" || our.has_tag_name((csdl::EDM, "EntityContainer"));
        let count = |node| {
            parts(node).filter(|part| !part.has_tag_name((csdl::EDM, "NavigationProperty"))).count()
        };
        assert!(is_part || count(our) == count(their), "{place} lacks parts");
    }
    assert_eq!(added, ADDED);
}
