//! The domain of Footfall: machines, accounts, logons, and the relation between them.
//!
//! Pure and synchronous: nothing here reads a file, a socket, a database or the clock, so that
//! every rule of the product can be tested with plain values. Wire names and JSON live in the
//! `server` crate, SQL in `store`, file formats in `ingest`.
//!
//! Reading order follows the data: [`time`] and [`ids`], then what telemetry says
//! ([`account`], [`logon`], [`machine`]), the rule that decides what counts ([`rule`]), what is
//! kept ([`relation`]), what may be asked ([`query`], [`filter`]) and who may ask it ([`access`]).

pub mod access;
pub mod account;
pub mod filter;
pub mod ids;
pub mod logon;
pub mod machine;
pub mod query;
pub mod relation;
pub mod rule;
pub mod time;

/// Text as it is compared everywhere in Footfall: without regard to case.
///
/// Each character is mapped to lower case on its own (no context such as the Greek final sigma),
/// which keeps the mapping independent of what stands around a name.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}
