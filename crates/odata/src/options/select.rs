//! `$select`: names of properties.

use std::collections::HashSet;

use crate::error::Error;
use crate::limits::MAX_SELECTED;

/// A refusal of a name: characters of the text before the bad one.
pub(super) enum Refusal {
    Name(usize),
    TooMany,
}

impl Refusal {
    /// As an error about a value, in which the text stands `before` characters from the start.
    pub(super) fn error(self, before: usize, excerpt: impl FnOnce(usize) -> String) -> Error {
        match self {
            Self::Name(at) => Error::Select { at: before + at, text: excerpt(before + at) },
            Self::TooMany => Error::SelectTooLong,
        }
    }
}

/// Reads names and paths joined by commas; `None` when `*` is among them.
pub(super) fn read(text: &str) -> Result<Option<Vec<String>>, Refusal> {
    let mut names: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    let mut all = false;
    let mut at = 0;
    for (index, item) in text.split(',').enumerate() {
        if index == MAX_SELECTED {
            return Err(Refusal::TooMany);
        }
        if let Some(offset) = bad_character(item) {
            return Err(Refusal::Name(at + offset));
        }
        let name = item.trim();
        all |= name == "*";
        if known.insert(name.to_ascii_lowercase()) {
            names.push(name.to_owned());
        }
        at += item.chars().count() + 1;
    }
    Ok((!all).then_some(names))
}

/// Characters before the one that makes an item neither a name, nor names joined by `/`, nor `*`.
fn bad_character(item: &str) -> Option<usize> {
    let blanks = item.chars().take_while(|c| c.is_whitespace()).count();
    let path = match item.trim() {
        "" => return Some(item.chars().count()),
        "*" => return None,
        path => path,
    };
    let mut needs_name = true;
    for (at, character) in path.chars().enumerate() {
        let is_name = character.is_alphanumeric() || character == '_';
        if !is_name && (needs_name || character != '/') {
            return Some(blanks + at);
        }
        needs_name = !is_name;
    }
    needs_name.then(|| blanks + path.chars().count())
}
