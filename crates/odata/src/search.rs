//! `$search`: words, phrases, `AND`, `OR`, `NOT` (OData 4.01 URL conventions §5.1.8).

use std::fmt;
use std::str::FromStr;

use crate::cursor::Cursor;
use crate::error::{Error, Limit, Problem};
use crate::lexer::phrase;
use crate::limits::{MAX_OPTION_BYTES, MAX_SEARCH_DEPTH, MAX_SEARCH_WORDS, MAX_STRING_CHARS};
use crate::options::SystemOption;

/// What is searched for. `NOT` holds most tightly, then `AND`, then `OR`; words side by side are
/// joined by `AND`. The three are written in capitals: `and` is a word.
///
/// `Display` writes canonical text, which reads back as an equal tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// A word: no blank, parenthesis, double quote or semicolon, and none of the three operators.
    Word(String),
    /// `"a phrase"`, without the quotes; not empty.
    Phrase(String),
    /// `NOT a`
    Not(Box<Search>),
    /// `a AND b c`: two or more. Parentheses begin another.
    And(Vec<Search>),
    /// `a OR b`: two or more.
    Or(Vec<Search>),
}

/// Reads the value of a `$search`.
impl FromStr for Search {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_OPTION_BYTES {
            return Err(Error::OptionTooLong(SystemOption::Search));
        }
        if text.trim().is_empty() {
            return Err(Error::Empty(SystemOption::Search));
        }
        let mut cursor = Cursor::new(SystemOption::Search, text);
        let search = read(&mut cursor)?;
        if cursor.peek().is_some() {
            return Err(unexpected(&cursor, "a word, AND, OR or the end"));
        }
        Ok(search)
    }
}

/// Reads up to a parenthesis that closes none of its own, a semicolon, or the end.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Search, Error> {
    Reader { cursor, words: 0, depth: 0 }.any()
}

struct Reader<'r, 'a> {
    cursor: &'r mut Cursor<'a>,
    words: usize,
    depth: usize,
}

impl Reader<'_, '_> {
    fn any(&mut self) -> Result<Search, Error> {
        let mut items = vec![self.every()?];
        while self.eat("OR") {
            items.push(self.every()?);
        }
        Ok(one_or(items, Search::Or))
    }

    fn every(&mut self) -> Result<Search, Error> {
        let mut items = vec![self.single()?];
        loop {
            let is_joined = self.eat("AND");
            if !is_joined && (self.is_at_end() || self.word() == "OR") {
                return Ok(one_or(items, Search::And));
            }
            items.push(self.single()?);
        }
    }

    fn single(&mut self) -> Result<Search, Error> {
        let is_negated = self.eat("NOT");
        let at = self.cursor.at();
        if is_negated {
            self.enter()?;
            let operand = self.single()?;
            self.depth -= 1;
            return Ok(Search::Not(Box::new(operand)));
        }
        match self.cursor.peek() {
            Some('(') => {
                self.enter()?;
                self.cursor.bump();
                let inside = self.any()?;
                if self.cursor.peek() != Some(')') {
                    return Err(unexpected(self.cursor, "a word, AND, OR or ')'"));
                }
                self.cursor.bump();
                self.cursor.skip_blanks();
                self.depth -= 1;
                Ok(inside)
            }
            Some('"') => {
                self.count()?;
                let phrase = phrase(self.cursor)?;
                self.cursor.skip_blanks();
                if phrase.is_empty() {
                    let expected = "a phrase that is not empty";
                    let found = "\"\"".to_owned();
                    return Err(self.cursor.error(at, Problem::Unexpected { expected, found }));
                }
                Ok(Search::Phrase(phrase))
            }
            _ => {
                let word = self.word();
                if word.is_empty() || OPERATORS.contains(&word) {
                    return Err(unexpected(self.cursor, "a word, a phrase, NOT or '('"));
                }
                self.count()?;
                let word = self.cursor.take_while(is_word_character).to_owned();
                if word.chars().count() > MAX_STRING_CHARS {
                    let what = "characters in a word";
                    let problem = Problem::Limit(Limit::Count { what, max: MAX_STRING_CHARS });
                    return Err(self.cursor.error(at, problem));
                }
                self.cursor.skip_blanks();
                Ok(Search::Word(word))
            }
        }
    }

    /// The word that comes next, or an empty text. It looks no further than an operator's length.
    fn word(&mut self) -> &str {
        self.cursor.skip_blanks();
        let rest = self.cursor.rest();
        let end = rest.char_indices().take(4).find(|(_, next)| !is_word_character(*next));
        let cut = rest.char_indices().nth(4).map_or(rest.len(), |(offset, _)| offset);
        &rest[..end.map_or(cut, |(offset, _)| offset)]
    }

    fn eat(&mut self, operator: &str) -> bool {
        let found = self.word() == operator;
        if found {
            self.cursor.take_while(is_word_character);
            self.cursor.skip_blanks();
        }
        found
    }

    fn is_at_end(&mut self) -> bool {
        self.cursor.skip_blanks();
        matches!(self.cursor.peek(), None | Some(')' | ';'))
    }

    fn count(&mut self) -> Result<(), Error> {
        self.words += 1;
        if self.words > MAX_SEARCH_WORDS {
            let problem =
                Problem::Limit(Limit::Count { what: "words in a search", max: MAX_SEARCH_WORDS });
            return Err(self.cursor.error(self.cursor.at(), problem));
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_SEARCH_DEPTH {
            let problem =
                Problem::Limit(Limit::Count { what: "levels in a search", max: MAX_SEARCH_DEPTH });
            return Err(self.cursor.error(self.cursor.at(), problem));
        }
        Ok(())
    }
}

const OPERATORS: [&str; 3] = ["AND", "OR", "NOT"];

fn is_word_character(character: char) -> bool {
    !character.is_whitespace() && !matches!(character, '(' | ')' | '"' | ';')
}

fn one_or(mut items: Vec<Search>, make: fn(Vec<Search>) -> Search) -> Search {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => {
            items.extend(last);
            make(items)
        }
    }
}

fn unexpected(cursor: &Cursor<'_>, expected: &'static str) -> Error {
    let mut after = cursor.clone();
    let word = after.take_while(is_word_character);
    let found = match cursor.peek() {
        Some(other) if word.is_empty() => other.to_string(),
        _ => crate::error::shown(word),
    };
    cursor.error(cursor.at(), Problem::Unexpected { expected, found })
}

impl fmt::Display for Search {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(out, "{word}"),
            Self::Phrase(phrase) => {
                write!(out, "\"{}\"", phrase.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Self::Not(operand) => {
                write!(out, "NOT ")?;
                write_item(out, operand, matches!(**operand, Self::And(_) | Self::Or(_)))
            }
            Self::And(items) => {
                write_items(out, items, " AND ", |item| matches!(item, Self::And(_) | Self::Or(_)))
            }
            Self::Or(items) => write_items(out, items, " OR ", |item| matches!(item, Self::Or(_))),
        }
    }
}

fn write_items(
    out: &mut fmt::Formatter<'_>,
    items: &[Search],
    separator: &str,
    needs_parentheses: fn(&Search) -> bool,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        write!(out, "{}", if index == 0 { "" } else { separator })?;
        write_item(out, item, needs_parentheses(item))?;
    }
    Ok(())
}

fn write_item(out: &mut fmt::Formatter<'_>, item: &Search, needs_parentheses: bool) -> fmt::Result {
    if needs_parentheses { write!(out, "({item})") } else { write!(out, "{item}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        match text.parse::<Search>() {
            Ok(search) => search.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn words_and_operators_are_read() {
        for (text, expected) in [
            ("laptop", "laptop"),
            (" wks-01.contoso.com ", "wks-01.contoso.com"),
            ("a b c", "a AND b AND c"),
            ("a AND b OR c NOT d", "a AND b OR c AND NOT d"),
            ("(a OR b) c", "(a OR b) AND c"),
            ("a (b c)", "a AND (b AND c)"),
            ("NOT NOT a", "NOT NOT a"),
            ("NOT (a b)", "NOT (a AND b)"),
            ("((a))", "a"),
            ("and or not", "and AND or AND not"),
            ("ANDROID ORACLE NOTE", "ANDROID AND ORACLE AND NOTE"),
            (r#""blue \"sky\" \\ AND""#, r#""blue \"sky\" \\ AND""#),
            (r#"a"b""#, r#"a AND "b""#),
            ("äöü ß", "äöü AND ß"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
            assert_eq!(canonical(expected), expected);
        }
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        for (text, expected) in [
            (" ", "The value for OData query '$search' cannot be empty."),
            (
                "a AND",
                "Syntax error at position 5 in 'a AND'. Expected a word, a phrase, NOT or '(', found the end.",
            ),
            (
                "a OR OR b",
                "Syntax error at position 5 in 'a OR OR b'. Expected a word, a phrase, NOT or '(', found 'OR'.",
            ),
            (
                "(a",
                "Syntax error at position 2 in '(a'. Expected a word, AND, OR or ')', found the end.",
            ),
            (
                "a)",
                "Syntax error at position 1 in 'a)'. Expected a word, AND, OR or the end, found ')'.",
            ),
            (
                "a;b",
                "Syntax error at position 1 in 'a;b'. Expected a word, AND, OR or the end, found ';'.",
            ),
            (
                "a \"b",
                "There is an unterminated string literal at position 2 in 'a \"b'. It ends with a double quote; one inside it is written \\\".",
            ),
            (
                "\"\"",
                "Syntax error at position 0 in '\"\"'. Expected a phrase that is not empty, found '\"\"'.",
            ),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
        assert!(canonical(&"(".repeat(30)).starts_with("The limit of 20 levels in a search"));
        assert!(canonical(&"NOT ".repeat(30)).starts_with("The limit of 20 levels in a search"));
        assert!(canonical(&"a ".repeat(65)).starts_with("The limit of 64 words in a search"));
        assert!(canonical(&"a".repeat(2_049)).starts_with("The limit of 2048 characters"));
    }
}
