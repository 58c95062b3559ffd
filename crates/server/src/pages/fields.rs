//! Names and values of a query or form.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a query as it is (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Decoded pairs, in their order.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads what browsers and libraries send; a pair that is no text is left out.
    pub(super) fn read(text: &str) -> Self {
        let pairs = odata::pairs::pairs(text).flatten();
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of a name that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut of_name = self.0.iter().filter(|(known, value)| known == name && !value.is_empty());
        of_name.next().map(|(_, value)| value.as_str())
    }

    /// As a query, without some names.
    pub(super) fn query_without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let pairs: Vec<_> = kept.map(|(name, value)| pair(name, value)).collect();
        pairs.join("&")
    }
}

/// `name=value`, escaped.
pub(super) fn pair(name: &str, value: &str) -> String {
    format!("{}={}", utf8_percent_encode(name, RESERVED), utf8_percent_encode(value, RESERVED))
}
