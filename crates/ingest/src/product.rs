//! Records of products that report logons and machines in shapes of their own.
//!
//! The one idea: whatever a record is wrapped in (a line, a message of many, an answer of an API,
//! a row of a table), it is judged by its members alone, and its product's file reads it.

use std::ops::ControlFlow;

use aws_lc_rs::digest::{SHA256, digest};
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::rule::Rule;
use inventory::time::Timestamp;

use crate::object::{Object, elements};
use crate::reject::Position;
use crate::session::{Outcome, Part};
use crate::windows::{FieldError, MAX_NAME_BYTES};
use crate::{Format, defender, ecs, entra, laurel, native, ocsf, osquery};

/// How deep wrappers may be inside one another: a shipper's array around its objects around an
/// API's answer with its array.
const MAX_WRAPPERS: usize = 6;
/// The members in which records come: of Event Hubs, Microsoft Graph, advanced hunting (Defender's
/// API and Graph's), of osquery's TLS logger and shippers, and of Elasticsearch.
pub(crate) const WRAPPERS: [&str; 7] =
    ["records", "value", "Results", "results", "data", "_source", "hits"];

/// The products whose records are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Defender,
    Osquery,
    Entra,
    Ecs,
    Ocsf,
    Laurel,
    Own,
}

impl Product {
    /// Whose record it is.
    pub(crate) fn of(record: &Object<'_>) -> Option<Self> {
        if native::is_record(record) {
            return Some(Product::Own);
        }
        if defender::is_record(record) {
            return Some(Product::Defender);
        }
        if osquery::is_record(record) {
            return Some(Product::Osquery);
        }
        if entra::is_record(record) {
            return Some(Product::Entra);
        }
        if ecs::is_record(record) {
            return Some(Product::Ecs);
        }
        if ocsf::is_record(record) {
            return Some(Product::Ocsf);
        }
        if laurel::is_record(record) {
            return Some(Product::Laurel);
        }
        None
    }

    pub(crate) fn format(self) -> Format {
        match self {
            Product::Defender => Format::Defender,
            Product::Osquery => Format::Osquery,
            Product::Entra => Format::Entra,
            Product::Ecs => Format::Ecs,
            Product::Ocsf => Format::Ocsf,
            Product::Laurel => Format::Auditd,
            Product::Own => Format::Own,
        }
    }

    /// Whether records of a format are read here.
    pub(crate) fn reads(format: Format) -> bool {
        const FORMATS: [Format; 7] = [
            Format::Defender,
            Format::Osquery,
            Format::Entra,
            Format::Ecs,
            Format::Ocsf,
            Format::Auditd,
            Format::Own,
        ];
        FORMATS.contains(&format)
    }

    /// Tells of everything that a record holds.
    fn read(self, record: &Object<'_>, context: &Context<'_>, tell: &mut Tell<'_>) {
        match self {
            Product::Defender => defender::read(record, context, tell),
            Product::Osquery => osquery::read(record, context, tell),
            Product::Entra => entra::read(record, context, tell),
            Product::Ecs => tell(ecs::read(record, context)),
            Product::Ocsf => tell(ocsf::read(record, context)),
            Product::Laurel => laurel::read(record, context, tell),
            Product::Own => native::read(record, context, tell),
        }
    }
}

/// What reading needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) rule: &'a Rule,
    /// The machine of records that do not name theirs.
    pub(crate) device: Option<&'a str>,
    /// The file's name, which may tell whose answer of an API it holds.
    pub(crate) file: &'a str,
}

/// What a record, or a row of it, was.
#[derive(Debug)]
pub(crate) enum Found {
    /// A successful logon; `None` when it is noise.
    Logon(Option<Logon>),
    Failure,
    Report(MachineReport),
    /// One more logon of a record that told one.
    Another(Logon),
    /// A moment more at which the machine of a record's report was there.
    Sighting(MachineReport),
    /// Beside what else the record is: which identifiers are one account's.
    Identity(IdentityReport, Timestamp),
    /// Nothing that relates anybody to a machine.
    Other,
}

/// Takes what is found, one by one.
pub(crate) type Tell<'f> = dyn FnMut(Result<Found, FieldError>) + 'f;

impl Found {
    pub(crate) fn count(self, part: &mut Part) {
        match self {
            Found::Logon(logon) => part.count(logon),
            Found::Report(report) => part.report(report),
            Found::Another(logon) => part.count_waited(logon),
            Found::Sighting(report) => part.reports.push(report),
            Found::Identity(identity, time) => part.identities.push((identity, time)),
            Found::Failure => {
                part.tally.records += 1;
                part.tally.failures += 1;
            }
            Found::Other => part.tally.records += 1,
        }
    }
}

/// Reads a record into the outcome; what of it cannot be read is told at `position`.
pub(crate) fn read(
    product: Product,
    record: &Object<'_>,
    context: &Context<'_>,
    outcome: &mut Outcome,
    position: (Position, Option<u64>),
) {
    product.read(record, context, &mut |found| match (found, position) {
        (Ok(found), _) => found.count(outcome.part(product.format())),
        (Err(error), (position, None)) => outcome.rejects.push(position, error),
        (Err(error), (position, Some(number))) => {
            outcome.rejects.push(position, format_args!("its record {number}: {error}"));
        }
    });
}

/// A record as it stands in a text.
pub(crate) struct Record<'a> {
    /// Whose it is, where that is known.
    pub(crate) known: Option<(Product, Object<'a>)>,
    pub(crate) bytes: usize,
    /// It is one of those that something around them holds.
    pub(crate) is_wrapped: bool,
}

/// Takes the records of a text one by one.
type Each<'f, 'a> = dyn FnMut(Record<'a>) -> ControlFlow<()> + 'f;

/// Calls `each` with every record in a JSON text, until it breaks; whether one of a known product
/// is among them, or the answer of one, which may be empty.
pub(crate) fn records<'a>(json: &'a str, each: &mut Each<'_, 'a>) -> serde_json::Result<bool> {
    unwrap(json, 0, each).map(|(known, _)| known)
}

/// The format of the first record that is known.
pub(crate) fn format(json: &str) -> Option<Format> {
    let mut first = None;
    let known = records(json, &mut |record| {
        first = record.known.map(|(product, _)| product.format());
        if first.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    // Only Defender's answers are known without records.
    first.or_else(|| known.is_ok_and(|known| known).then_some(Format::Defender))
}

/// The same within so many wrappers, with whether to go on.
fn unwrap<'a>(
    json: &'a str,
    depth: usize,
    each: &mut Each<'_, 'a>,
) -> serde_json::Result<(bool, ControlFlow<()>)> {
    let json = json.trim_ascii();
    let as_record = |known| Record { known, bytes: json.len(), is_wrapped: depth > 0 };
    if json.starts_with('[') && depth < MAX_WRAPPERS {
        return unwrap_each(json, depth, each);
    }
    if !json.starts_with('{') {
        return Ok((false, each(as_record(None))));
    }
    let object = Object::parse(json)?;
    if let Some(product) = Product::of(&object) {
        return Ok((true, each(as_record(Some((product, object))))));
    }
    match WRAPPERS.iter().find_map(|key| object.nested(key)) {
        Some(wrapped) if depth < MAX_WRAPPERS => {
            let (known, flow) = unwrap(wrapped, depth + 1, each)?;
            Ok((known || defender::is_answer(&object), flow))
        }
        _ => Ok((false, each(as_record(None)))),
    }
}

fn unwrap_each<'a>(
    array: &'a str,
    depth: usize,
    each: &mut Each<'_, 'a>,
) -> serde_json::Result<(bool, ControlFlow<()>)> {
    let (mut known, mut flow, mut failed) = (false, ControlFlow::Continue(()), None);
    elements(array, &mut |element| {
        match unwrap(element, depth + 1, each) {
            Ok((found, next)) => (known, flow) = (known || found, next),
            Err(error) => failed = Some(error),
        }
        failed.is_none() && flow.is_continue()
    })?;
    failed.map_or(Ok((known, flow)), Err)
}

/// Stands for a logon session's id, made of what tells a record from every other: the first 8
/// bytes of SHA-256, the top bit set. It is stored, so it must stay what it is.
pub(crate) fn session_of(parts: &[&str]) -> u64 {
    let hash = digest(&SHA256, parts.join("\n").as_bytes());
    let first = hash.as_ref().iter().take(8);
    first.fold(0, |value, &byte| value << 8 | u64::from(byte)) | 1 << 63
}

/// Holds names to their length.
pub(crate) fn bounded(names: &[(&'static str, &str)]) -> Result<(), FieldError> {
    match names.iter().find(|(_, text)| text.len() > MAX_NAME_BYTES) {
        Some(&(field, _)) => Err(FieldError::TooLong { field }),
        None => Ok(()),
    }
}
