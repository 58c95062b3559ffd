//! The names of months: daemons write English ones, `journalctl` those of whoever ran it.

/// The short names of glibc's locales, without their full stops: English and German, then French,
/// Spanish, Italian, Portuguese, Dutch, Polish, Swedish.
const NAMES: [&[&str]; 12] = [
    &["jan", "jän", "janv", "ene", "gen", "sty"],
    &["feb", "févr", "fev", "lut"],
    &["mar", "mär", "mars", "mrt"],
    &["apr", "avril", "avr", "abr", "kwi"],
    &["may", "mai", "mag", "mei", "maj"],
    &["jun", "juin", "giu", "cze"],
    &["jul", "juil", "lug", "lip"],
    &["aug", "août", "ago", "sie"],
    &["sep", "sept", "set", "wrz"],
    &["oct", "okt", "ott", "out", "paź"],
    &["nov", "lis"],
    &["dec", "dez", "déc", "dic", "gru"],
];

/// The number of a month's name, from 1.
pub(super) fn number(name: &str) -> Option<i8> {
    /// Of the longest name.
    const MAX_BYTES: usize = 8;
    // What daemons write, and so nearly every line.
    const ENGLISH: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if let Some(at) = ENGLISH.iter().position(|it| *it == name) {
        return i8::try_from(at + 1).ok();
    }
    if name.len() > MAX_BYTES {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    let at = NAMES.iter().position(|names| names.contains(&name.as_str()))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_month() {
        for (name, expected) in [
            ("Jan", 1),
            ("Mar", 3),
            ("mar", 3),
            ("août", 8),
            ("DÉC.", 12),
            ("Okt", 10),
            ("Dec", 12),
        ] {
            assert_eq!(number(name), Some(expected), "{name}");
        }
        assert_eq!(number("Monday"), None);
        let mut names: Vec<_> = NAMES.iter().flat_map(|names| names.iter()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
