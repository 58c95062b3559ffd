//! Arguments of a function in a path: `(ip='10.0.0.1',timestamp=2025-06-02T10:00:00Z)` (OData 4.01 URL
//! Conventions §4.5.3).

use crate::cursor::Cursor;
use crate::error::{Error, Problem, shown};
use crate::lexer::{self, Lexed, Token};
use crate::limits::{MAX_ARGUMENTS, MAX_OPTION_BYTES};
use crate::literal::Literal;
use crate::options::SystemOption;

/// What a function is called with, in the order of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments(Vec<(String, Literal)>);

impl Arguments {
    /// Reads what follows a function's name, its parentheses included, once it is decoded.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // What errors say of an option's value holds for this text as well; none of them names the option.
        let option = SystemOption::Id;
        if text.len() > MAX_OPTION_BYTES {
            return Err(Error::TooLong);
        }
        let mut cursor = Cursor::new(option, text);
        let mut arguments = Vec::new();
        expect(&mut cursor, &Token::Open, "'('")?;
        loop {
            let name = lexer::next(&mut cursor)?;
            let Token::Name(name) = name.token else {
                return Err(unexpected(&cursor, &name, "the name of an argument"));
            };
            expect(&mut cursor, &Token::Equals, "'=' and the argument's value")?;
            let value = lexer::next(&mut cursor)?;
            let Token::Literal(literal) = value.token else {
                return Err(unexpected(&cursor, &value, "a text in single quotes or a time"));
            };
            arguments.push((name.to_owned(), literal));
            let next = lexer::next(&mut cursor)?;
            match next.token {
                Token::Comma if arguments.len() < MAX_ARGUMENTS => {}
                Token::Close => break,
                _ => return Err(unexpected(&cursor, &next, "',' and another argument, or ')'")),
            }
        }
        let rest = lexer::next(&mut cursor)?;
        match rest.token {
            Token::End => Ok(Self(arguments)),
            _ => Err(unexpected(&cursor, &rest, "the end")),
        }
    }

    /// The first argument of a name, which is written in any case.
    pub fn get(&self, name: &str) -> Option<&Literal> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn expect(cursor: &mut Cursor<'_>, token: &Token<'_>, what: &'static str) -> Result<(), Error> {
    let next = lexer::next(cursor)?;
    if next.token == *token { Ok(()) } else { Err(unexpected(cursor, &next, what)) }
}

fn unexpected(cursor: &Cursor<'_>, found: &Lexed<'_>, expected: &'static str) -> Error {
    cursor.error(found.at, Problem::Unexpected { expected, found: shown(found.text) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arguments_have_names_and_values() {
        let text = "(ip='fe80::1', timestamp=2025-06-02T10:00:00Z)";
        let arguments = Arguments::parse(text).unwrap();
        assert_eq!(arguments.get("IP"), Some(&Literal::String("fe80::1".to_owned())));
        assert!(matches!(arguments.get("timestamp"), Some(Literal::DateTime(_))));
        assert_eq!(arguments.get("key"), None);
    }

    #[test]
    fn refusals_say_what_was_expected() {
        for (text, message) in [
            ("", "Syntax error at position 0 in ''. Expected '(', found the end."),
            (
                "()",
                "Syntax error at position 1 in '()'. Expected the name of an argument, found ')'.",
            ),
            (
                "(ip)",
                "Syntax error at position 3 in '(ip)'. Expected '=' and the argument's value, found ')'.",
            ),
            (
                "(ip=a)",
                "Syntax error at position 4 in '(ip=a)'. Expected a text in single quotes or a time, found 'a'.",
            ),
            (
                "(ip='a'",
                "Syntax error at position 7 in '(ip='a''. Expected ',' and another argument, or ')', found the end.",
            ),
            (
                "(ip='a')x",
                "Syntax error at position 8 in '(ip='a')x'. Expected the end, found 'x'.",
            ),
        ] {
            assert_eq!(Arguments::parse(text).unwrap_err().to_string(), message, "{text}");
        }
        let many = format!("({}a=1)", "a=1,".repeat(MAX_ARGUMENTS));
        assert!(Arguments::parse(&many).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,100}") {
            let _ = Arguments::parse(&text);
        }

        #[test]
        fn no_text_of_likely_pieces_panics(text in "([(),='\"]|ip|2025-06-02|T10:00:00Z|-|1){0,30}") {
            let _ = Arguments::parse(&text);
        }
    }
}
