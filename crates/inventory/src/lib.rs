//! The domain of Footfall: machines, accounts, logons, and the relation between them.
//!
//! Pure and synchronous: nothing here reads a file, a socket, a database or the clock, so that
//! every rule of the product can be tested with plain values. Wire names and JSON live in the
//! `server` crate, SQL in `store`, file formats in `ingest`.
//!
//! Reading order follows the data: [`time`] and [`ids`], then what telemetry says
//! ([`account`], [`logon`], [`session`], [`machine`]), who is who ([`identity`], [`person`]), the rule
//! that decides what counts ([`rule`]), what is kept ([`relation`]), what may be asked ([`query`],
//! [`filter`]) and who may ask it ([`access`]). [`node`] is machines that report by themselves.

pub mod access;
pub mod account;
pub mod change;
pub mod filter;
pub mod identity;
pub mod ids;
pub mod logon;
pub mod machine;
pub mod node;
pub mod person;
pub mod query;
pub mod relation;
pub mod rule;
pub mod session;
pub mod time;

/// Text as it is compared everywhere in Footfall: without regard to case.
///
/// Each character is mapped to one character of lower case on its own, as Windows maps account names:
/// no context such as the Greek final sigma, no character that becomes several, and none from outside
/// ASCII that becomes one of ASCII (the Kelvin sign is no k). So text of ASCII alone equals only text of
/// ASCII, which databases compare by themselves.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(fold_char).collect()
}

fn fold_char(char: char) -> char {
    if char.is_ascii() {
        return char.to_ascii_lowercase();
    }
    let mut lower = char.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if !one.is_ascii() => one,
        _ => char,
    }
}
