//! The document as a contract: which answers an operation may give.

use std::cell::RefCell;
use std::collections::BTreeMap;

use axum::http::Method;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::FILE;
use crate::harness::Answer;

/// The document.
pub(super) struct Contract {
    pub(super) document: Value,
    /// Its components, objects closed.
    components: Value,
    /// Made once for each schema, since that takes longer than all else.
    validators: RefCell<BTreeMap<String, Validator>>,
}

impl Contract {
    pub(super) fn read() -> Self {
        let document: Value = serde_json::from_str(FILE).unwrap();
        let mut components = document["components"].clone();
        for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
            close_parts(schema);
        }
        Self { document, components, validators: RefCell::default() }
    }

    /// Every operation by its path and method (`GET`).
    pub(super) fn operations(&self) -> impl Iterator<Item = ((&str, String), &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, it)| ((path.as_str(), method.to_ascii_uppercase()), it))
        })
    }

    pub(super) fn operation(&self, method: &Method, path: &str) -> &Value {
        let method = method.as_str().to_ascii_lowercase();
        let found = self.document["paths"].get(path).and_then(|item| item.get(&method));
        found.unwrap_or_else(|| panic!("{method} {path} is not documented"))
    }

    /// The example of an operation's JSON body.
    pub(super) fn body(&self, method: &Method, path: &str) -> Option<&Value> {
        self.operation(method, path).pointer("/requestBody/content/application~1json/example")
    }

    pub(super) fn find(&self, reference: &str) -> Option<&Value> {
        self.document.pointer(reference.strip_prefix('#')?)
    }

    /// The value, or what it refers to.
    pub(super) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.find(reference).unwrap(),
            None => value,
        }
    }

    /// What is wrong with a value by a schema of the document.
    pub(super) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut validators = self.validators.borrow_mut();
        let validator = validators.entry(schema.to_string());
        let validator = validator.or_insert_with(|| self.validator(schema));
        let fault =
            |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
        validator.iter_errors(value).map(fault).collect()
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        close(&mut schema);
        let root = json!({"allOf": [schema], "components": self.components});
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        options.should_validate_formats(true).build(&root).unwrap()
    }

    /// Checks status, headers and body of an answer.
    pub(super) fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let said = format!("{method} {path}: {} {}", answer.status, answer.text());
        let responses = &self.operation(method, path)["responses"];
        let response = responses
            .get(answer.status.as_str())
            .unwrap_or_else(|| panic!("{said}\nis a status that is not documented"));
        let response = self.resolve(response);
        for name in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            assert!(answer.headers.contains_key(name), "{said}\nhas no {name}");
        }
        let Some(content) = response.get("content") else {
            assert!(answer.body.is_empty(), "{said}\nhas a body");
            return;
        };
        let kind = answer.header("content-type").split(';').next().unwrap_or_default();
        let schema = &content[kind]["schema"];
        assert!(schema.is_object(), "{said}\nis `{kind}`, which is not documented");
        if kind == "application/json" {
            let faults = self.faults(schema, &answer.json());
            assert!(faults.is_empty(), "{said}\nis not as documented:\n{}", faults.join("\n"));
        }
    }
}

/// Visits a value and all in it.
pub(super) fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        _ => {}
    }
}

/// Forbids members that no schema names. The document leaves answers open to later ones; the tests
/// must see those that were forgotten. What is put together from several schemas is closed as one.
fn close(schema: &mut Value) {
    close_parts(schema);
    let Some(members) = schema.as_object_mut() else { return };
    let says_what = ["$ref", "properties", "allOf", "anyOf", "oneOf"];
    if says_what.iter().any(|key| members.contains_key(*key))
        && !members.contains_key("additionalProperties")
    {
        members.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

fn close_parts(schema: &mut Value) {
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(Value::Array(parts)) = schema.get_mut(key) {
            parts.iter_mut().for_each(close_parts);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(close);
    }
    if let Some(items) = schema.get_mut("items") {
        close(items);
    }
}
