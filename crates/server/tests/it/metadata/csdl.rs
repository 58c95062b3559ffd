//! CSDL, read as far as the tests need it.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

/// The XML namespace of all but the wrapping.
pub(super) const EDM: &str = "http://docs.oasis-open.org/odata/ns/edm";

/// The schema of a document.
pub(super) fn schema<'a>(document: &'a Document<'a>) -> Node<'a, 'a> {
    document.descendants().find(|node| node.has_tag_name((EDM, "Schema"))).unwrap()
}

/// The elements in one.
pub(super) fn parts<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(Node::is_element)
}

pub(super) fn find<'a>(within: Node<'a, 'a>, tag: &str, name: &str) -> Option<Node<'a, 'a>> {
    parts(within).find(|node| node.has_tag_name((EDM, tag)) && self::name(*node) == name)
}

/// What an element is known by among those of its kind.
pub(super) fn name<'a>(node: Node<'a, 'a>) -> &'a str {
    node.attribute("Name").or_else(|| node.attribute("Path")).unwrap_or_default()
}

pub(super) fn attributes<'a>(node: Node<'a, 'a>) -> BTreeMap<&'a str, &'a str> {
    node.attributes().map(|attribute| (attribute.name(), attribute.value())).collect()
}

/// Compares all within our element with theirs; what theirs has not is given back.
pub(super) fn compare(our: Node<'_, '_>, their: Node<'_, '_>, place: &str) -> Vec<String> {
    let mut added = Vec::new();
    for part in our.children().filter(Node::is_element) {
        let same = |other: &Node<'_, '_>| {
            other.tag_name() == part.tag_name()
                && other.attribute("Name") == part.attribute("Name")
                && other.attribute("Path") == part.attribute("Path")
        };
        let place = format!("{place}/{}", part.attribute("Name").unwrap_or_default());
        let Some(other) = their.children().find(same) else {
            added.push(place);
            continue;
        };
        let shown = |node: Node<'_, '_>| {
            node.attributes().map(|it| format!("{}={}", it.name(), it.value())).collect::<Vec<_>>()
        };
        let (mut shown_ours, mut shown_theirs) = (shown(part), shown(other));
        shown_ours.sort();
        shown_theirs.sort();
        assert_eq!(shown_ours, shown_theirs, "{place}");
        added.extend(compare(part, other, &place));
    }
    added
}

/// The same schema as CSDL JSON 4.01 (OData CSDL JSON §4 to §14).
pub(super) fn json(schema: Node<'_, '_>) -> Value {
    let namespace = schema.attribute("Namespace").unwrap();
    let members: Map<_, _> = schema
        .children()
        .filter(Node::is_element)
        .map(|node| (node.attribute("Name").unwrap().to_owned(), element(node)))
        .collect();
    json!({
        "$Version": "4.01",
        "$EntityContainer": format!("{namespace}.Container"),
        namespace: members,
    })
}

fn element(node: Node<'_, '_>) -> Value {
    let tag = node.tag_name().name();
    let mut members = Map::new();
    members.insert("$Kind".to_owned(), tag.into());
    if let Some(kind) = node.attribute("UnderlyingType") {
        members.insert("$UnderlyingType".to_owned(), kind.into());
    }
    let (mut key, mut parameters) = (Vec::new(), Vec::new());
    for part in node.children().filter(Node::is_element) {
        let text = |name: &str| part.attribute(name).unwrap();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        match part.tag_name().name() {
            "Key" => {
                let names = part.children().filter_map(|node| node.attribute("Name"));
                key.extend(names.map(Value::from));
                put("$Key", key.clone().into());
            }
            "Property" => drop(put(text("Name"), typed(part, json!({})))),
            "NavigationProperty" => {
                put(text("Name"), typed(part, json!({"$Kind": "NavigationProperty"})));
            }
            "Member" => drop(put(text("Name"), text("Value").parse::<i64>().unwrap().into())),
            "Parameter" => parameters.push(typed(part, json!({"$Name": text("Name")}))),
            "ReturnType" => {
                put("$IsBound", true.into());
                put("$Parameter", parameters.clone().into());
                put("$ReturnType", typed(part, json!({})));
            }
            "EntitySet" => drop(put(text("Name"), entity_set(part))),
            tag => panic!("{tag}"),
        }
    }
    let overloads = ["Function", "Action"].contains(&tag);
    if overloads { json!([members]) } else { members.into() }
}

fn entity_set(node: Node<'_, '_>) -> Value {
    let mut set = json!({"$Collection": true, "$Type": node.attribute("EntityType").unwrap()});
    for binding in node.children().filter(Node::is_element) {
        let text = |name: &str| binding.attribute(name).unwrap();
        set["$NavigationPropertyBinding"][text("Path")] = text("Target").into();
    }
    set
}

/// Adds the type: a text that is not null is what JSON does not write.
fn typed(node: Node<'_, '_>, mut members: Value) -> Value {
    let name = node.attribute("Type").unwrap();
    let item = name.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'));
    if item.is_some() {
        members["$Collection"] = true.into();
    }
    let kind = item.unwrap_or(name);
    if kind != "Edm.String" {
        members["$Type"] = kind.into();
    }
    // XML leaves open whether items may be null; none of ours are.
    if item.is_none() && node.attribute("Nullable") != Some("false") {
        members["$Nullable"] = true.into();
    }
    members
}
