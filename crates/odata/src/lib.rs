//! The text of an OData query as typed options and syntax trees.
//!
//! Syntax alone: no entity, no property name, no HTTP and no SQL. What an option means for a route
//! is decided where the route is. The grammar is that of OData 4.01 (URL conventions, ABNF) and
//! the habits of clients that the vendor's service understands (defender-api.md §5.2, §11, §13).
//!
//! Read in this order: [`limits`] bounds everything; [`pairs`] splits any query string or form
//! into its fields; [`options`] reads the system query options among them, [`arguments`] what a path
//! calls a function with. What the options are made of: [`expression`] (the tree of `$filter` and `$orderby`, and its text), [`literal`],
//! [`search`]. How text becomes a tree: `cursor` (characters), `lexer` (tokens), `parser`.
//! [`error`] has every message.

pub mod arguments;
mod cursor;
pub mod error;
pub mod expression;
mod lexer;
pub mod limits;
pub mod literal;
pub mod options;
pub mod pairs;
mod parser;
pub mod search;

#[cfg(test)]
mod hostile;
