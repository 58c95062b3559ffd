//! Records of products that report logons and machines in shapes of their own.
//!
//! The one idea: whatever a record is wrapped in (a line, a message of many, an answer of an API,
//! a row of a table), it is judged by its members alone, and its product's file reads it.

use aws_lc_rs::digest::{SHA256, digest};
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::rule::Rule;
use inventory::time::Timestamp;

use crate::object::Object;
use crate::reject::Position;
use crate::session::{Outcome, Part};
use crate::windows::{FieldError, MAX_NAME_BYTES};
use crate::{Format, defender, ecs, entra, laurel, native, ocsf, osquery};

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
    fn count(self, part: &mut Part, rule: &Rule) -> Result<(), FieldError> {
        match self {
            Found::Logon(logon) => return part.count(rule, logon),
            Found::Report(report) => return part.report(rule, report),
            Found::Another(logon) => return part.another(rule, logon),
            Found::Sighting(report) => return part.sighting(rule, report),
            Found::Identity(identity, time) => part.identities.push((identity, time)),
            Found::Failure => {
                part.tally.records += 1;
                part.tally.failures += 1;
            }
            Found::Other => part.tally.records += 1,
        }
        Ok(())
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
    // It is known whose it is, whatever is wrong with it.
    outcome.part(product.format());
    product.read(record, context, &mut |found| {
        let counted =
            found.and_then(|found| found.count(outcome.part(product.format()), context.rule));
        match (counted, position) {
            (Ok(()), _) => {}
            (Err(error), (position, None)) => outcome.rejects.push(position, error),
            (Err(error), (position, Some(number))) => {
                outcome.rejects.push(position, format_args!("its record {number}: {error}"));
            }
        }
    });
}

/// Whether an object is a product's answer that may hold no record.
pub(crate) fn is_answer(object: &Object<'_>) -> bool {
    defender::is_answer(object)
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
