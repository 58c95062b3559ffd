//! Who is who among machines: what telemetry tells of one beside its name.

mod identifier;

pub use identifier::{Identifier, IdentifierKind};
