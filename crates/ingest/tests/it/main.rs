//! The crate through its surface: what comes out of files, real ones and broken ones.

// A helper of a test may fail as the test may.
#![allow(clippy::unwrap_used)]

mod archives;
mod clocks;
mod damage;
mod defender;
mod defender_api;
mod entra;
mod event_json;
mod identifiers;
mod inputs;
mod json;
mod kusto;
mod lines;
mod linux;
mod live;
mod osquery;
mod own;
mod rows;
mod schemas;
mod sevenz;
mod shapes;
mod support;
mod tables;
mod truth;
mod utf16;
mod xml;
mod zones;
