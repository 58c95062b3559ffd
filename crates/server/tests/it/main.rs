//! The server as its callers see it: requests in, bytes out.
//!
//! Most tests call the service in process, with a store in a file of its own and a clock that
//! stands still; `tls` starts the real server. Answers are compared as snapshots, in which ids
//! that differ from run to run are replaced by names.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod administration;
mod answers;
mod assertions;
mod audit;
mod batch;
mod browser;
mod changes;
mod device_groups;
mod discovery;
mod errors;
mod finders;
mod forgeries;
mod habits;
mod harness;
mod identities;
mod inventory;
mod limits;
mod lists;
mod log;
mod metadata;
mod openapi;
mod oracle;
mod osquery;
mod outside;
mod pages;
mod people;
mod persons;
mod properties;
mod protections;
mod provider;
mod questions;
mod refusals;
mod structure;
mod telemetry;
mod tls;
mod tokens;
mod too_long;
mod unsupported;
mod user_keys;
mod visibility;
