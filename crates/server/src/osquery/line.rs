//! Lines of results, each given the identity of the node that sent it.
//!
//! Only results of queries pass: a node may not send records of other products, in which it could
//! speak for other machines. The name that a line tells of its machine stands, for machines are given
//! other names; the UUID of the hardware is the enrolled one always, and joins what both say.

use std::collections::BTreeMap;

use bytes::Bytes;
use inventory::node::Node;
use inventory::time::Timestamp;
use serde::Serialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// Bytes of a line at most; osquery drops longer ones itself.
const MAX_LINE_BYTES: usize = 1024 * 1024;
/// Lines at once at most; osquery sends 1,024.
pub(super) const MAX_LINES: usize = 50_000;

/// The members of an object, each as it stands there.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// What lines become on their way to the intake.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) records: Vec<Bytes>,
    /// What osquery says of itself.
    pub(super) statuses: u64,
    /// Lines that are no results, or too long.
    pub(super) others: u64,
}

impl Lines {
    /// Takes a line of a log.
    pub(super) fn add(&mut self, line: &str, node: &Node) {
        match (line.len() <= MAX_LINE_BYTES).then(|| identified(line, node)).flatten() {
            Some(record) => self.records.push(record),
            None => self.others += 1,
        }
    }

    /// Takes rows, a JSON array, that a query found just now.
    pub(super) fn add_rows(&mut self, name: &str, rows: &RawValue, node: &Node, now: Timestamp) {
        let line = Snapshot {
            name,
            host_identifier: &node.enrollment.host_identifier,
            unix_time: now.seconds(),
            decorations: decorations(Map::new(), node, true),
            snapshot: rows,
        };
        match serde_json::to_vec(&line) {
            Ok(record) => self.records.push(record.into()),
            Err(_) => self.others += 1,
        }
    }
}

/// A whole result, as osquery writes it.
#[derive(Serialize)]
struct Snapshot<'a> {
    name: &'a str,
    #[serde(rename = "hostIdentifier")]
    host_identifier: &'a str,
    #[serde(rename = "unixTime")]
    unix_time: i64,
    decorations: Map<String, Value>,
    snapshot: &'a RawValue,
}

/// A line with the node's identity; `None` for what is no result.
fn identified(line: &str, node: &Node) -> Option<Bytes> {
    let mut members: Members<'_> = serde_json::from_str(line).ok()?;
    let is_result = members.contains_key("unixTime")
        && ["columns", "diffResults", "snapshot"].iter().any(|rows| members.contains_key(*rows));
    if !is_result {
        return None;
    }
    let own = members.get("decorations").and_then(|own| serde_json::from_str(own.get()).ok());
    let is_named = ["hostname", "computer_name"].iter().any(|name| members.contains_key(*name));
    let decorated = to_raw_value(&decorations(own.unwrap_or_default(), node, !is_named)).ok()?;
    let identifier = to_raw_value(&node.enrollment.host_identifier).ok()?;
    // It may stand beside the decorations, too (decorations_top_level).
    members.remove("host_uuid");
    members.insert("decorations".to_owned(), &decorated);
    members.entry("hostIdentifier".to_owned()).or_insert(&identifier);
    serde_json::to_vec(&members).ok().map(Bytes::from)
}

/// Decorations that say who it is: the name where none is told, the hardware always.
fn decorations(mut own: Map<String, Value>, node: &Node, name: bool) -> Map<String, Value> {
    let has = |key: &str| own.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if name && !has("hostname") && !has("computer_name") {
        own.insert("hostname".to_owned(), node.enrollment.host_name.clone().into());
    }
    own.remove("host_uuid");
    if let Some(hardware) = node.enrollment.hardware {
        own.insert("host_uuid".to_owned(), hardware.to_string().into());
    }
    own
}

/// Hands each element of an array on, so many at most; whether there were no more.
pub(super) fn each(
    array: &RawValue,
    mut element: impl FnMut(&RawValue),
) -> Result<bool, serde_json::Error> {
    struct Elements<'f>(&'f mut dyn FnMut(&RawValue));
    impl<'de> Visitor<'de> for Elements<'_> {
        type Value = bool;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<bool, A::Error> {
            for _ in 0..MAX_LINES {
                match elements.next_element::<&RawValue>()? {
                    Some(found) => (self.0)(found),
                    None => return Ok(true),
                }
            }
            let mut more = false;
            while elements.next_element::<IgnoredAny>()?.is_some() {
                more = true;
            }
            Ok(!more)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(array.get());
    deserializer.deserialize_seq(Elements(&mut element))
}
