//! The pages on which people sign in and say what apps may do for them (defender-api.md §7.2): HTML that
//! needs no script.
//!
//! A page reads its `visit` (the browser's cookies, and a form if it came from a page of ours), lets
//! nobody past its `gate` who has not signed in, and answers in the `frame` that every page has.
//! Signing in does not lead to another address and back: the gate stands at the page's own, so no
//! address in a request is ever followed.

pub(crate) mod account;
pub(crate) mod assets;
pub(crate) mod authorize;
pub(crate) mod device;
pub(crate) mod logout;

mod consent;
mod cookies;
mod fields;
mod frame;
mod gate;
mod reply;
mod session;
mod visit;
