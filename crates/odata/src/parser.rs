//! Tokens into trees: one token ahead, never back, and without recursion, so that no text can
//! exhaust the stack. `expression` has the algorithm, `member` what begins with a name.

use crate::cursor::Cursor;
use crate::error::{Error, Limit, Problem, shown};
use crate::expression::{Direction, OrderBy, OrderKey};
use crate::lexer::{self, Lexed, Token};
use crate::limits::{MAX_OPTION_BYTES, MAX_ORDER_KEYS};
use crate::options::SystemOption;

mod expression;
mod member;

use expression::{Bracket, Waiting};

/// Reads one option's value.
pub(crate) struct Parser<'a> {
    cursor: Cursor<'a>,
    /// The next token, once it was looked at.
    ahead: Option<Lexed<'a>>,
    /// Operators of the expression that is being read, outermost first.
    waiting: Vec<Waiting>,
    /// Parentheses of the expression that is being read, outermost first.
    brackets: Vec<Bracket>,
    /// Nodes made.
    nodes: usize,
    /// Items of lists read.
    items: usize,
    /// The variables of the lambdas around, outermost first.
    variables: Vec<&'a str>,
}

impl<'a> Parser<'a> {
    /// Refuses what is empty or too long.
    pub(crate) fn new(option: SystemOption, text: &'a str) -> Result<Self, Error> {
        if text.len() > MAX_OPTION_BYTES {
            return Err(Error::OptionTooLong(option));
        }
        if text.trim().is_empty() {
            return Err(Error::Empty(option));
        }
        Ok(Self {
            cursor: Cursor::new(option, text),
            ahead: None,
            waiting: Vec::new(),
            brackets: Vec::new(),
            nodes: 0,
            items: 0,
            variables: Vec::new(),
        })
    }

    /// Reads with `read`, and refuses what is left over; `after` is what could stand there.
    pub(crate) fn whole<T>(
        mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
        after: &'static str,
    ) -> Result<T, Error> {
        let value = read(&mut self)?;
        match self.next()? {
            Lexed { token: Token::End, .. } => Ok(value),
            other => Err(self.unexpected(&other, after)),
        }
    }

    pub(crate) fn order_by(&mut self) -> Result<OrderBy, Error> {
        let mut keys = Vec::new();
        loop {
            let expr = self.expression()?;
            let direction = if self.eat_name("desc")? {
                Direction::Descending
            } else {
                self.eat_name("asc")?;
                Direction::Ascending
            };
            keys.push(OrderKey { expr, direction });
            let next = self.peek()?;
            if next.token != Token::Comma {
                return Ok(OrderBy { keys });
            }
            let at = next.at;
            self.next()?;
            if keys.len() == MAX_ORDER_KEYS {
                return Err(self.error(at, Problem::Limit(Limit::OrderKeys)));
            }
        }
    }

    // Tokens.

    pub(crate) fn peek(&mut self) -> Result<&Lexed<'a>, Error> {
        let lexed = match self.ahead.take() {
            Some(lexed) => lexed,
            None => lexer::next(&mut self.cursor)?,
        };
        Ok(self.ahead.insert(lexed))
    }

    pub(crate) fn next(&mut self) -> Result<Lexed<'a>, Error> {
        match self.ahead.take() {
            Some(lexed) => Ok(lexed),
            None => lexer::next(&mut self.cursor),
        }
    }

    /// The characters from here on, for what is not made of tokens. Only directly after
    /// [`next`](Self::next) or [`expect`](Self::expect): a token that was looked at is behind them.
    pub(crate) fn characters(&mut self) -> &mut Cursor<'a> {
        debug_assert!(self.ahead.is_none());
        &mut self.cursor
    }

    pub(crate) fn excerpt(&self, at: usize) -> String {
        self.cursor.excerpt(at)
    }

    fn is_next(&mut self, token: &Token<'_>) -> Result<bool, Error> {
        Ok(self.peek()?.token == *token)
    }

    pub(crate) fn eat(&mut self, token: &Token<'_>) -> Result<bool, Error> {
        let found = self.is_next(token)?;
        if found {
            self.ahead = None;
        }
        Ok(found)
    }

    /// Takes the `/` of a path: one without a blank before it.
    pub(crate) fn eat_slash(&mut self) -> Result<bool, Error> {
        Ok(!self.peek()?.spaced && self.eat(&Token::Slash)?)
    }

    pub(crate) fn expect(
        &mut self,
        token: &Token<'_>,
        expected: &'static str,
    ) -> Result<(), Error> {
        let next = self.next()?;
        if next.token == *token { Ok(()) } else { Err(self.unexpected(&next, expected)) }
    }

    /// Takes a keyword, in any case.
    fn eat_name(&mut self, keyword: &str) -> Result<bool, Error> {
        let found = match self.peek()?.token {
            Token::Name(name) => name.eq_ignore_ascii_case(keyword),
            _ => false,
        };
        if found {
            self.ahead = None;
        }
        Ok(found)
    }

    pub(crate) fn error(&self, at: usize, problem: Problem) -> Error {
        self.cursor.error(at, problem)
    }

    pub(crate) fn unexpected(&self, lexed: &Lexed<'_>, expected: &'static str) -> Error {
        self.error(lexed.at, Problem::Unexpected { expected, found: shown(lexed.text) })
    }
}
