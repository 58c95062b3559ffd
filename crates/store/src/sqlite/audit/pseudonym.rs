//! Another name in the place of a person's.
//!
//! Entries hold names as somebody wrote them: as the caller, in the path of a question about a user, in a
//! query, in the words of a change. A name is replaced where it stands as a word, whatever its case; in a
//! path only where users are named, since the words of the API are names too.

use std::borrow::Cow;

use inventory::fold;

/// Decodes percent-encoding; what is none stays.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// A text in which a name was replaced; `None` when it is not there. `name` is folded.
pub(super) fn replaced(text: &str, name: &str, pseudonym: &str) -> Option<String> {
    let text = decoded(text);
    // `fold` maps characters one to one.
    let original: Vec<char> = text.chars().collect();
    let folded: Vec<char> = fold(&text).chars().collect();
    let name: Vec<char> = name.chars().collect();
    if name.is_empty() || folded.len() != original.len() {
        return None;
    }
    let is_path = original.first() == Some(&'/');
    let path_end = original.iter().position(|&character| "? ".contains(character));
    let path_end = if is_path { path_end.unwrap_or(original.len()) } else { 0 };
    let mut out = String::new();
    let (mut at, mut found) = (0, false);
    while at < original.len() {
        let end = at + name.len();
        let is_there = folded.get(at..end) == Some(&name)
            && !folded[..at].last().is_some_and(|before| is_of_word(*before))
            && !folded.get(end).is_some_and(|after| is_of_word(*after))
            && (at >= path_end || names_user(&folded[..at]));
        if is_there {
            out.push_str(pseudonym);
            at = end;
            found = true;
        } else {
            out.push(original[at]);
            at += 1;
        }
    }
    found.then_some(out)
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

/// Whether what comes before is the path to a user, with a domain or without.
fn names_user(before: &[char]) -> bool {
    let before: String = before.iter().collect();
    let segment = before.rfind('/').unwrap_or(0);
    ["/users", "/operators", "/members"].iter().any(|path| before[..segment].ends_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_where_it_stands_as_a_word() {
        for (text, expected) in [
            ("/api/users/JDoe/machines?$top=1", Some("/api/users/P/machines?$top=1")),
            ("/api/users/CORP%5Cjdoe/machines", Some("/api/users/CORP\\P/machines")),
            ("/api/users/jdoe%40corp.example", Some("/api/users/P@corp.example")),
            (
                "/api/users?$filter=accountName%20eq%20'jdoe'",
                Some("/api/users?$filter=accountName eq 'P'"),
            ),
            (
                "/api/users?$filter=x eq 'jdoe' or y eq 'JDOE'",
                Some("/api/users?$filter=x eq 'P' or y eq 'P'"),
            ),
            ("jdoe", Some("P")),
            ("`jdoe`: disabled", Some("`P`: disabled")),
            ("/api/users/jdoe2/machines", None),
            ("/api/users/old-jdoe/machines", None),
            ("/api/machines/jdoe", None),
            ("", None),
            ("%zz", None),
        ] {
            assert_eq!(replaced(text, "jdoe", "P").as_deref(), expected, "{text}");
        }
        assert_eq!(replaced("/api/users/x", "users", "P"), None);
        assert_eq!(
            replaced("/api/users/M%C3%9CLLER", "müller", "P").as_deref(),
            Some("/api/users/P")
        );
    }
}
