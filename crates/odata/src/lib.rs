//! The text of an OData query (`$top`, `$skip`, `$select`) as typed options.
//!
//! Syntax alone: no entity, no field name, no HTTP and no SQL. What an option means for a route
//! is decided where the route is. [`pairs`] splits any query string or form into its fields;
//! [`options`] reads the system query options among them.

pub mod options;
pub mod pairs;
