//! What begins with a name or follows `in`: paths, lambdas, lists.

use super::Parser;
use super::expression::{BracketKind, Operand, keyword};
use crate::error::{Error, Limit, Problem};
use crate::expression::{Expr, ExprKind, Members, Path, Quantifier, Root};
use crate::lexer::{Lexed, Token};
use crate::limits::{MAX_LIST_ITEMS, MAX_PATH_SEGMENTS};
use crate::literal::Literal;

/// What stands behind a path.
enum Ending {
    Nothing,
    /// `/$count`
    Count,
    /// `/any` or `/all`; its parenthesis is the next token.
    Quantifier(Quantifier),
}

impl<'a> Parser<'a> {
    /// What begins with a property, a variable or `$it`.
    pub(super) fn member(&mut self, first: Lexed<'a>) -> Result<Option<Operand>, Error> {
        let (path, ending) = self.path(&first)?;
        match ending {
            Ending::Nothing => self.leaf(first.at, ExprKind::Path(path)).map(Some),
            Ending::Count => self.leaf(first.at, ExprKind::Count(path)).map(Some),
            Ending::Quantifier(quantifier) => self.lambda(first.at, path, quantifier),
        }
    }

    /// A path from its first name on. A blank ends it.
    fn path(&mut self, first: &Lexed<'a>) -> Result<(Path, Ending), Error> {
        let (root, segments) = match first.token {
            Token::Name(name) if self.variables.contains(&name) => {
                (Root::Variable(name.to_owned()), Vec::new())
            }
            Token::Name(name) => (Root::Entity, vec![name.to_owned()]),
            _ => (Root::It, Vec::new()),
        };
        let mut path = Path { root, segments };
        while self.eat_slash()? {
            let next = self.next()?;
            match next.token {
                _ if next.spaced => {
                    return Err(self.unexpected(&next, "a name directly after '/'"));
                }
                Token::Name(name) if self.is_next(&Token::Open)? => {
                    return match quantifier(name) {
                        Some(quantifier) => Ok((path, Ending::Quantifier(quantifier))),
                        None => Err(self.error(next.at, Problem::UnknownFunction(name.to_owned()))),
                    };
                }
                Token::Name(_) if path.segments.len() == MAX_PATH_SEGMENTS => {
                    let what = "names in a path";
                    return Err(self.error(
                        next.at,
                        Problem::Limit(Limit::Count { what, max: MAX_PATH_SEGMENTS }),
                    ));
                }
                Token::Name(name) => path.segments.push(name.to_owned()),
                Token::Dollar(name) if name.eq_ignore_ascii_case("$count") => {
                    return Ok((path, Ending::Count));
                }
                Token::Qualified(_) => {
                    return Err(self.error(next.at, Problem::NotSupported("Type casts")));
                }
                _ => return Err(self.unexpected(&next, "a name, any(...), all(...) or $count")),
            }
        }
        Ok((path, Ending::Nothing))
    }

    /// `any` or `all`, of which the parenthesis comes next, up to the colon.
    fn lambda(
        &mut self,
        at: usize,
        collection: Path,
        quantifier: Quantifier,
    ) -> Result<Option<Operand>, Error> {
        self.next()?;
        if quantifier == Quantifier::Any && self.eat(&Token::Close)? {
            let kind = ExprKind::Lambda { quantifier, collection, predicate: None };
            return self.leaf(at, kind).map(Some);
        }
        let variable = self.next()?;
        let name = match variable.token {
            Token::Name(name) if keyword(name).is_none() && !name.eq_ignore_ascii_case("not") => {
                name
            }
            _ => return Err(self.unexpected(&variable, "a variable such as 'x:'")),
        };
        if self.variables.contains(&name) {
            return Err(self.error(variable.at, Problem::VariableTwice(name.to_owned())));
        }
        self.expect(&Token::Colon, "':' after the variable")?;
        self.variables.push(name);
        let variable = name.to_owned();
        self.open(at, BracketKind::Lambda { at, quantifier, collection, variable })
    }

    /// What follows `in`.
    pub(super) fn members(&mut self) -> Result<Members, Error> {
        let next = self.next()?;
        match next.token {
            Token::Open => self.list(&Token::Close, "',' or ')'"),
            Token::OpenBracket => self.list(&Token::CloseBracket, "',' or ']'"),
            Token::Name(name) if keyword(name).is_none() => self.collection(&next),
            Token::Dollar(name) if name.eq_ignore_ascii_case("$it") => self.collection(&next),
            _ => Err(self.unexpected(&next, "a list such as ('a', 'b')")),
        }
    }

    fn collection(&mut self, first: &Lexed<'a>) -> Result<Members, Error> {
        match self.path(first)? {
            (path, Ending::Nothing) => Ok(Members::Collection(path)),
            _ => Err(self.unexpected(first, "a list such as ('a', 'b') or a collection")),
        }
    }

    /// The items and the end of a list, of which the beginning was read.
    fn list(&mut self, end: &Token<'_>, separator: &'static str) -> Result<Members, Error> {
        let at = self.peek()?.at;
        if self.eat(end)? {
            return Err(self.error(at, Problem::EmptyList));
        }
        let mut items = Vec::new();
        loop {
            items.push(self.item(*end == Token::CloseBracket)?);
            if self.eat(end)? {
                return Ok(Members::List(items));
            }
            self.expect(&Token::Comma, separator)?;
        }
    }

    /// An item of a list; JSON's may be in double quotes.
    fn item(&mut self, is_json: bool) -> Result<Expr, Error> {
        let at = self.peek()?.at;
        self.items += 1;
        if self.items > MAX_LIST_ITEMS {
            let what = "items in lists after 'in'";
            return Err(self.error(at, Problem::Limit(Limit::Count { what, max: MAX_LIST_ITEMS })));
        }
        if is_json && let Token::JsonString(value) = &self.peek()?.token {
            let literal = Literal::String(value.clone());
            self.next()?;
            return Ok(Expr { at, kind: ExprKind::Literal(literal) });
        }
        self.constant("a literal")
    }
}

fn quantifier(name: &str) -> Option<Quantifier> {
    [Quantifier::Any, Quantifier::All]
        .into_iter()
        .find(|quantifier| quantifier.name().eq_ignore_ascii_case(name))
}
