//! Command lines as a person writes them, and what they print without what differs from run to run.

/// The words of a command line, as a shell reads them.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for char in line.chars() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    assert!(quote.is_none(), "{line}");
    words.extend(word);
    words
}

/// A line without its comment, and without what comes behind a pipe or goes into a file.
pub(super) fn bare(line: &str) -> &str {
    let mut quote = None;
    for (index, char) in line.char_indices() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(char),
            (None, '#' | '>' | '|') if line[..index].ends_with(' ') => return line[..index].trim(),
            _ => {}
        }
    }
    line.trim()
}

/// A text with ids, times, secrets and tokens replaced by what they are.
pub(super) fn scrubbed(text: &str) -> String {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "_-.:".contains(char);
    let mut scrubbed = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(is_part).unwrap_or(rest.len());
        let end = rest[start..].find(|char| !is_part(char)).map_or(rest.len(), |end| start + end);
        scrubbed.push_str(&rest[..start]);
        scrubbed.push_str(named(&rest[start..end]));
        rest = &rest[end..];
    }
    scrubbed
}

fn named(word: &str) -> &str {
    let is_base32 = word.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
    match word.len() {
        36 if is_guid(word) => "<id>",
        20.. if word.starts_with("20") && word.contains('T') && word.ends_with('Z') => "<time>",
        21 if word.starts_with("20") && word.ends_with("Z.") => "<time>.",
        52 if word.starts_with("footfall_") => "<secret>",
        100.. if word.starts_with("eyJ") => "<token>",
        26 if is_base32 => "<password>",
        32 if word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) => "<totp>",
        _ => word,
    }
}

fn is_guid(word: &str) -> bool {
    // One that a person wrote stays.
    !word.starts_with("6f5d1c1e-")
        && word.char_indices().all(|(place, char)| match place {
            8 | 13 | 18 | 23 => char == '-',
            _ => char.is_ascii_hexdigit(),
        })
}
