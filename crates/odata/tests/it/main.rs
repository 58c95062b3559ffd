//! The crate as its callers see it.

mod expand;
mod filter;
mod refusals;
mod round_trip;
