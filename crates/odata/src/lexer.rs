//! An option's value as tokens with positions, in one pass and on demand.

use crate::cursor::Cursor;
use crate::error::{Error, Limit, Problem, shown};
use crate::limits::{MAX_NAME_CHARS, MAX_STRING_CHARS, MAX_TYPE_NAME_CHARS};
use crate::literal::{BadLiteral, Guid, Literal, is_prefix, read_number_or_time, read_prefixed};

/// The smallest piece that means something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// A name or a keyword: which it is depends on its place.
    Name(&'a str),
    /// Names joined by dots: a type, or a function of a namespace.
    Qualified(&'a str),
    /// `$it`, `$count`, the name of an option; dollar sign included.
    Dollar(&'a str),
    /// Every literal that is no keyword.
    Literal(Literal),
    /// A string in double quotes, as JSON has them.
    JsonString(String),
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Comma,
    Slash,
    Colon,
    Semicolon,
    Equals,
    Star,
    Minus,
    End,
}

/// A token and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Lexed<'a> {
    pub(crate) token: Token<'a>,
    /// Characters before it.
    pub(crate) at: usize,
    /// Whether blanks stand directly before it.
    pub(crate) spaced: bool,
    /// Its text; empty at the end.
    pub(crate) text: &'a str,
}

/// Reads the next token.
pub(crate) fn next<'a>(cursor: &mut Cursor<'a>) -> Result<Lexed<'a>, Error> {
    let spaced = cursor.skip_blanks();
    let (at, start) = (cursor.at(), cursor.offset());
    let mut after = cursor.rest().chars();
    let token = match (after.next(), after.next()) {
        (None, _) => Token::End,
        (Some('\''), _) => Token::Literal(Literal::String(quoted(cursor)?)),
        (Some('"'), _) => Token::JsonString(json_string(cursor)?),
        (Some('$'), _) => {
            cursor.bump();
            name(cursor, at)?;
            Token::Dollar(cursor.since(start))
        }
        (Some('-'), Some(digit)) if digit.is_ascii_digit() => number_or_time(cursor)?,
        (Some(first), _) if first.is_ascii_digit() => match guid(cursor) {
            Some(guid) => guid,
            None => number_or_time(cursor)?,
        },
        (Some(first), _) if first.is_alphabetic() || first == '_' => match guid(cursor) {
            Some(guid) => guid,
            None => word(cursor)?,
        },
        (Some(symbol), _) => {
            let token = punctuation(symbol).ok_or_else(|| unknown_character(cursor, symbol))?;
            cursor.bump();
            token
        }
    };
    Ok(Lexed { token, at, spaced, text: cursor.since(start) })
}

fn punctuation(symbol: char) -> Option<Token<'static>> {
    Some(match symbol {
        '(' => Token::Open,
        ')' => Token::Close,
        '[' => Token::OpenBracket,
        ']' => Token::CloseBracket,
        ',' => Token::Comma,
        '/' => Token::Slash,
        ':' => Token::Colon,
        ';' => Token::Semicolon,
        '=' => Token::Equals,
        '*' => Token::Star,
        '-' => Token::Minus,
        _ => return None,
    })
}

fn unknown_character(cursor: &Cursor<'_>, character: char) -> Error {
    let expected = match character {
        '<' | '>' | '!' | '&' | '|' => {
            "an operator by its name (eq, ne, gt, ge, lt, le, and, or, not)"
        }
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '`' | '\u{b4}' => {
            "a straight single quote (') around a string"
        }
        _ => "a name, a literal, an operator or a parenthesis",
    };
    cursor.error(cursor.at(), Problem::Character { character, expected })
}

fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Reads a name that began at `at`.
fn name<'a>(cursor: &mut Cursor<'a>, at: usize) -> Result<&'a str, Error> {
    let start = cursor.at();
    let name = cursor.take_while(is_name_character);
    if cursor.at() - start > MAX_NAME_CHARS {
        let what = "characters in a name";
        return Err(cursor.error(at, Problem::Limit(Limit::Count { what, max: MAX_NAME_CHARS })));
    }
    Ok(name)
}

/// A name, or names joined by dots; with a string directly behind it, a literal.
fn word<'a>(cursor: &mut Cursor<'a>) -> Result<Token<'a>, Error> {
    let (at, start) = (cursor.at(), cursor.offset());
    let first = name(cursor, at)?;
    let mut qualified = false;
    while cursor.peek() == Some('.') {
        cursor.bump();
        qualified = true;
        if name(cursor, at)?.is_empty() {
            let expected = "a name after the dot";
            return Err(unexpected_character(cursor, expected));
        }
    }
    let text = cursor.since(start);
    if cursor.at() - at > MAX_TYPE_NAME_CHARS {
        let what = "characters in the name of a type";
        return Err(
            cursor.error(at, Problem::Limit(Limit::Count { what, max: MAX_TYPE_NAME_CHARS }))
        );
    }
    if qualified {
        if cursor.peek() == Some('\'') {
            let value = quoted(cursor)?;
            return Ok(Token::Literal(Literal::Enum { type_name: text.to_owned(), value }));
        }
        return Ok(Token::Qualified(text));
    }
    if cursor.peek() == Some('\'') && is_prefix(first) {
        let value = quoted(cursor)?;
        return read_prefixed(first, &value)
            .map(Token::Literal)
            .map_err(|bad| bad_literal(cursor, at, bad, cursor.since(start)));
    }
    Ok(Token::Name(first))
}

fn unexpected_character(cursor: &Cursor<'_>, expected: &'static str) -> Error {
    let found = cursor.peek().map(String::from).unwrap_or_default();
    cursor.error(cursor.at(), Problem::Unexpected { expected, found })
}

fn bad_literal(cursor: &Cursor<'_>, at: usize, bad: BadLiteral, text: &str) -> Error {
    let literal = shown(text);
    cursor.error(at, Problem::Literal { edm: bad.edm, literal, why: bad.why })
}

/// A GUID without quotes. It looks a fixed way ahead, so that names and numbers stay linear.
fn guid(cursor: &mut Cursor<'_>) -> Option<Token<'static>> {
    let rest = cursor.rest();
    let guid = Guid::read(rest.get(..Guid::LENGTH)?)?;
    let follower = rest[Guid::LENGTH..].chars().next();
    if follower.is_some_and(is_name_character) {
        return None;
    }
    for _ in 0..Guid::LENGTH {
        cursor.bump();
    }
    Some(Token::Literal(Literal::Guid(guid)))
}

/// Everything that numbers, dates and times are made of, read as one of them.
fn number_or_time(cursor: &mut Cursor<'_>) -> Result<Token<'static>, Error> {
    let (at, start) = (cursor.at(), cursor.offset());
    cursor.take_while(|next| is_name_character(next) || matches!(next, '.' | ':' | '-' | '+'));
    if is_offset_after_blank(cursor.since(start), cursor.rest()) {
        for _ in 0..OFFSET_CHARS {
            cursor.bump();
        }
    }
    let text = cursor.since(start);
    read_number_or_time(text).map(Token::Literal).map_err(|bad| bad_literal(cursor, at, bad, text))
}

/// Characters of ` 02:00`.
const OFFSET_CHARS: usize = 6;

/// Whether a date and time without offset is followed by a blank and the offset's digits: a raw
/// `+` in a URL is a blank once decoded, and clients write `+00:00` so. Nothing else that is
/// legal looks like it.
fn is_offset_after_blank(text: &str, rest: &str) -> bool {
    // `2025-06-01T10:00` at least, and no offset yet: at most a fraction follows the colons.
    let is_bare = text.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b't'))
        && text[11..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b':' | b'.'));
    let is_offset = matches!(
        rest.as_bytes(),
        [b' ', b'0'..=b'9', b'0'..=b'9', b':', b'0'..=b'9', b'0'..=b'9', ..]
    );
    let follower = rest.chars().nth(OFFSET_CHARS);
    is_bare && is_offset && !follower.is_some_and(|next| is_name_character(next) || next == ':')
}

/// Reads a string in single quotes, in which a quote is written twice.
fn quoted(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    let rule = "A string ends with a single quote; one inside it is written twice.";
    let at = cursor.at();
    cursor.bump();
    let mut value = String::new();
    loop {
        value.push_str(cursor.take_while(|next| next != '\''));
        if cursor.bump().is_none() {
            return Err(cursor.error(at, Problem::Unterminated { rule }));
        }
        if cursor.peek() != Some('\'') {
            return short(cursor, at, value);
        }
        cursor.bump();
        value.push('\'');
    }
}

/// Reads a string in double quotes, in which a backslash makes the next character plain.
pub(crate) fn phrase(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    double_quoted(cursor, &mut |cursor, value| {
        value.extend(cursor.bump());
        Ok(())
    })
}

/// Reads a string of JSON (RFC 8259 §7).
fn json_string(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    double_quoted(cursor, &mut |cursor, value| {
        value.push(match cursor.peek() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return unicode_escape(cursor).map(|character| value.push(character)),
            Some(plain @ ('"' | '\\' | '/')) => plain,
            _ => return Err(unexpected_character(cursor, NO_ESCAPE)),
        });
        cursor.bump();
        Ok(())
    })
}

const NO_ESCAPE: &str = "an escape of JSON";

/// What reads on behind a backslash, and adds what was meant.
type Escape<'e> = &'e mut dyn FnMut(&mut Cursor<'_>, &mut String) -> Result<(), Error>;

fn double_quoted(cursor: &mut Cursor<'_>, escape: Escape<'_>) -> Result<String, Error> {
    let rule = "It ends with a double quote; one inside it is written \\\".";
    let at = cursor.at();
    cursor.bump();
    let mut value = String::new();
    loop {
        value.push_str(cursor.take_while(|next| next != '"' && next != '\\'));
        match cursor.bump() {
            None => return Err(cursor.error(at, Problem::Unterminated { rule })),
            Some('"') => return short(cursor, at, value),
            Some(_) => escape(cursor, &mut value)?,
        }
    }
}

/// Reads from the `u` of `\u00e4`, or of a pair of surrogates.
fn unicode_escape(cursor: &mut Cursor<'_>) -> Result<char, Error> {
    let high = four_hex_digits(cursor)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high).ok_or_else(|| unexpected_character(cursor, NO_ESCAPE));
    }
    if cursor.bump() != Some('\\') || cursor.peek() != Some('u') {
        return Err(unexpected_character(cursor, "the second half of a pair of surrogates"));
    }
    let low = four_hex_digits(cursor)?;
    if !(0xdc00..0xe000).contains(&low) {
        return Err(unexpected_character(cursor, "the second half of a pair of surrogates"));
    }
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
        .ok_or_else(|| unexpected_character(cursor, NO_ESCAPE))
}

fn four_hex_digits(cursor: &mut Cursor<'_>) -> Result<u32, Error> {
    cursor.bump();
    let mut value = 0;
    for _ in 0..4 {
        let digit = cursor.peek().and_then(|digit| digit.to_digit(16));
        value = value * 16 + digit.ok_or_else(|| unexpected_character(cursor, NO_ESCAPE))?;
        cursor.bump();
    }
    Ok(value)
}

/// The string that began at `at`, when it is not too long.
fn short(cursor: &Cursor<'_>, at: usize, value: String) -> Result<String, Error> {
    if value.len() > MAX_STRING_CHARS && value.chars().count() > MAX_STRING_CHARS {
        let what = "characters in a string";
        return Err(cursor.error(at, Problem::Limit(Limit::Count { what, max: MAX_STRING_CHARS })));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SystemOption;

    fn tokens(text: &str) -> Vec<Lexed<'_>> {
        let mut cursor = Cursor::new(SystemOption::Filter, text);
        let mut tokens = vec![next(&mut cursor).unwrap()];
        while tokens.last().unwrap().token != Token::End {
            tokens.push(next(&mut cursor).unwrap());
        }
        tokens
    }

    #[test]
    fn positions_count_characters() {
        let places = |text| tokens(text).iter().map(|token| token.at).collect::<Vec<_>>();
        assert_eq!(places("ä eq 'öö' and b"), [0, 2, 5, 10, 14, 15]);
        assert_eq!(places("\ta\u{a0}in\n( 1,2 )"), [1, 3, 6, 8, 9, 10, 12, 13]);
    }

    #[test]
    fn what_begins_like_a_guid_and_is_none_is_still_read() {
        let texts = |text| tokens(text).iter().map(|token| token.text).collect::<Vec<_>>();
        assert_eq!(texts("abcdef01 eq b"), ["abcdef01", "eq", "b", ""]);
        assert_eq!(texts("abcdef01-2345"), ["abcdef01", "-2345", ""]);
        let guid = "abcdef01-2345-6789-abcd-ef0123456789";
        assert_eq!(texts(guid), [guid, ""]);
        assert_eq!(texts("2025-06-01T10:00:00 02:00"), ["2025-06-01T10:00:00 02:00", ""]);
        assert_eq!(texts("2025-06-01 02:00"), ["2025-06-01", "02:00", ""]);
    }

    #[test]
    fn json_escapes_are_read() {
        let only = |text| tokens(text)[0].token.clone();
        let expected = Token::JsonString("a\"\\/\n\u{e4}\u{1f600}".to_owned());
        assert_eq!(only(r#""a\"\\\/\n\u00e4\ud83d\ude00""#), expected);
        for text in [r#""\x""#, r#""\u12""#, r#""\ud83d""#, r#""\ud83d\u0041""#, r#""\udc00""#] {
            assert!(next(&mut Cursor::new(SystemOption::Filter, text)).is_err(), "{text}");
        }
    }
}
