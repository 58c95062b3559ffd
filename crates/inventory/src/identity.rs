//! Who is who among machines (docs/adr/0017-one-machine.md): what telemetry tells of a machine beside
//! its name, and which records are one machine because of it.

mod identifier;
mod name;
mod resolve;

pub use identifier::{Identifier, IdentifierKind};
pub use name::full_name;
pub use resolve::{Decision, Held, MAX_HOLDERS, Place, Record, resolve};
