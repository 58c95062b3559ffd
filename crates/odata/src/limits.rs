//! How large a question may be. Every bound of this crate is here, under a name.
//!
//! Time and memory are linear in the text, so [`MAX_QUERY_BYTES`] bounds both. The other limits
//! protect those who walk the tree afterwards: no tree is higher than [`MAX_DEPTH`], so they may
//! recurse.

/// Bytes of a query string that are read at most. Clients ask in bulk: a thousand user names of
/// forty characters in one `in` list, with quotes and commas percent-encoded, need 52,000.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// Bytes of one option's value, decoded. The thousand names of [`MAX_QUERY_BYTES`] are 44,000; a
/// thousand machine ids joined by `or`, 51,000.
pub const MAX_OPTION_BYTES: usize = 56 * 1024;
/// Levels of an expression: of its text (parentheses, operands, arguments, lambdas) and of its
/// tree. Chains of `and` or of `or` are one level.
pub const MAX_DEPTH: usize = 100;
/// Nodes of all expressions in one option. A thousand comparisons joined by `or` are 3,001.
pub const MAX_NODES: usize = 4_000;
/// Items of all `in` lists in one option.
pub const MAX_LIST_ITEMS: usize = 2_000;
/// Characters of one string literal, phrase or enumeration value, without its quotes.
pub const MAX_STRING_CHARS: usize = 2_048;
/// Characters of one name of a property, function or variable (OData 4.01 ABNF, `odataIdentifier`).
pub const MAX_NAME_CHARS: usize = 128;
/// Characters of a type's name with its namespace.
pub const MAX_TYPE_NAME_CHARS: usize = 512;
/// Names in one property path.
pub const MAX_PATH_SEGMENTS: usize = 16;
/// Names in one `$select`.
pub const MAX_SELECTED: usize = 256;
/// Keys in one `$orderby`.
pub const MAX_ORDER_KEYS: usize = 16;
/// Levels of `$expand` inside `$expand`; the outermost is the first.
pub const MAX_EXPAND_DEPTH: usize = 4;
/// Items of one `$expand`, those of its inner ones included.
pub const MAX_EXPAND_ITEMS: usize = 32;
/// Words and phrases of one `$search`.
pub const MAX_SEARCH_WORDS: usize = 64;
/// Levels of parentheses and of `NOT` in one `$search`.
pub const MAX_SEARCH_DEPTH: usize = 20;
/// Arguments of a function in a path.
pub const MAX_ARGUMENTS: usize = 16;
/// Characters of a `$skiptoken`.
pub const MAX_SKIPTOKEN_CHARS: usize = 1_024;
/// Characters of a caller's text that an error repeats at most.
pub const SHOWN_CHARS: usize = 100;
