//! Values of OpenTelemetry's protocol (opentelemetry-proto, `common/v1/common.proto`, in its JSON):
//! each says its type, and objects are lists of keys and values.

use serde_json::{Map, Value};

/// The plain JSON that an `AnyValue` or a list of `KeyValue` stands for: `{"kvlistValue":{"values":[{"key":
/// "a","value":{"intValue":"1"}}]}}` is `{"a":"1"}`. What is neither stays as it is.
///
/// serde_json bounds the depth of what it parses, so that nothing recurses without a bound.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(is_pair) => pairs(items),
        Value::Object(mut object) if object.len() == 1 => {
            let Some(key) = object.keys().next().cloned() else { return Value::Object(object) };
            let inner = object.remove(&key).unwrap_or_default();
            match key.as_str() {
                "stringValue" | "intValue" | "doubleValue" | "boolValue" | "bytesValue" => inner,
                "kvlistValue" => pairs(items(inner)),
                "arrayValue" => Value::Array(items(inner).into_iter().map(plain).collect()),
                _ => {
                    object.insert(key, inner);
                    Value::Object(object)
                }
            }
        }
        value => value,
    }
}

/// The log records of a request of the protocol as an array of plain objects, each with the attributes of
/// its resource, its own, and its `body`.
pub(crate) fn records(json: &str) -> serde_json::Result<String> {
    let mut request: Value = serde_json::from_str(json)?;
    let mut records = Vec::new();
    for mut resource in list(&mut request, "resourceLogs") {
        let of_resource = resource.get_mut("resource").map(attributes).unwrap_or_default();
        for mut scope in list(&mut resource, "scopeLogs") {
            for mut record in list(&mut scope, "logRecords") {
                let mut plain_record = of_resource.clone();
                plain_record.extend(attributes(&mut record));
                for key in ["timeUnixNano", "observedTimeUnixNano"] {
                    let time = record.get_mut(key).map(Value::take);
                    if let Some(time) = time.filter(|time| !matches!(time.as_str(), Some("" | "0")))
                    {
                        plain_record.entry("timestamp").or_insert(time);
                    }
                }
                let body = record.get_mut("body").map(Value::take).unwrap_or_default();
                plain_record.insert("body".to_owned(), plain(body));
                records.push(Value::Object(plain_record));
            }
        }
    }
    Ok(Value::Array(records).to_string())
}

fn list(object: &mut Value, key: &str) -> Vec<Value> {
    match object.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn attributes(of: &mut Value) -> Map<String, Value> {
    match of.get_mut("attributes").map(Value::take).map(plain) {
        Some(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    }
}

fn is_pair(value: &Value) -> bool {
    value.get("key").is_some_and(Value::is_string)
        && value
            .as_object()
            .is_some_and(|object| object.keys().all(|key| key == "key" || key == "value"))
}

fn items(mut list: Value) -> Vec<Value> {
    match list.get_mut("values").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn pairs(items: Vec<Value>) -> Value {
    let mut object = Map::new();
    for mut item in items {
        let value = item.get_mut("value").map(Value::take).unwrap_or_default();
        if let Some(key) = item.get("key").and_then(Value::as_str) {
            object.insert(key.to_owned(), plain(value));
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_lose_their_types() {
        let body = json!({"kvlistValue": {"values": [
            {"key": "a", "value": {"stringValue": "x"}},
            {"key": "b", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"boolValue": true}]}}},
            {"key": "c", "value": {"kvlistValue": {"values": []}}},
            {"key": "d"},
        ]}});
        assert_eq!(plain(body), json!({"a": "x", "b": ["1", true], "c": {}, "d": null}));
        let attributes = json!([{"key": "a", "value": {"doubleValue": 1.5}}]);
        assert_eq!(plain(attributes), json!({"a": 1.5}));
        for other in [json!({"a": 1}), json!([1]), json!("x"), json!([])] {
            assert_eq!(plain(other.clone()), other);
        }
    }
}
