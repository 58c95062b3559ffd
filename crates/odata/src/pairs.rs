//! `name=value` pairs joined by `&`, as query strings and URL-encoded forms have them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A name or a value that is not UTF-8 once decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The percent-encoding at position {at} of the query is not valid UTF-8.")]
pub struct NotText {
    /// Where the name or value begins: a byte position in the text as sent.
    pub at: usize,
}

/// One decoded pair: name, then value (empty when there was no `=`).
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Splits a text into decoded pairs. `+` is a blank; empty pairs (a dangling `&`) are passed
/// over; a `%` that starts no escape stands for itself.
pub fn pairs(text: &str) -> impl Iterator<Item = Result<Pair<'_>, NotText>> {
    let mut start = 0;
    text.split('&').filter_map(move |pair| {
        let at = start;
        start += pair.len() + 1;
        if pair.is_empty() {
            return None;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value_at = at + name.len() + 1;
        Some(decode(name, at).and_then(|name| Ok((name, decode(value, value_at)?))))
    })
}

fn decode(text: &str, at: usize) -> Result<Cow<'_, str>, NotText> {
    let not_text = |_| NotText { at };
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().map_err(not_text)?;
        return Ok(Cow::Owned(decoded.into_owned()));
    }
    percent_decode_str(text).decode_utf8().map_err(not_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        pairs(text)
            .map(|pair| pair.map(|(name, value)| (name.into_owned(), value.into_owned())))
            .collect::<Result<_, _>>()
            .unwrap()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn clients_spellings_are_read() {
        assert_eq!(read("$top=100&"), [pair("$top", "100")]);
        assert_eq!(read("%24top=1&&a"), [pair("$top", "1"), pair("a", "")]);
        assert_eq!(
            read("%24filter=a+eq+%27x%27&b=1=2"),
            [pair("$filter", "a eq 'x'"), pair("b", "1=2")]
        );
        assert_eq!(read("a=50%&b=%zz"), [pair("a", "50%"), pair("b", "%zz")]);
        assert_eq!(read("a=%2B"), [pair("a", "+")]);
        assert!(read("").is_empty());
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        assert_eq!(pairs("a=1&b=%ff").last().unwrap(), Err(NotText { at: 6 }));
        assert_eq!(pairs("a=1&%ff=2").last().unwrap(), Err(NotText { at: 4 }));
    }
}
