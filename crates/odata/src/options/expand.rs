//! `$expand`: related entities, each with options of its own.

use std::fmt;
use std::str::FromStr;

use super::{Options, SystemOption, count, number, select, top};
use crate::error::{Error, Limit, Problem, shown};
use crate::lexer::{Lexed, Token};
use crate::limits::{MAX_EXPAND_DEPTH, MAX_EXPAND_ITEMS, MAX_PATH_SEGMENTS};
use crate::options::system::Seen;
use crate::parser::Parser;
use crate::search;

/// The items of an `$expand`: one or more.
///
/// `Display` writes canonical text, which reads back as an equal value.
#[derive(Clone, Debug, PartialEq)]
pub struct Expand {
    /// In the order of the text; whether one is there twice is for the caller to find out.
    pub items: Vec<ExpandItem>,
}

/// An item of an `$expand`. Two are equal when they ask the same; positions are not compared.
#[derive(Clone, Debug)]
pub struct ExpandItem {
    /// Characters of the option's value before it.
    pub at: usize,
    /// What is to be expanded.
    pub target: Target,
    /// Its own options: `filter`, `select`, `orderby`, `top`, `skip`, `count`, `expand` and
    /// `search`. The other fields are empty.
    pub options: Options,
}

impl PartialEq for ExpandItem {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && self.options == other.options
    }
}

/// What is to be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `*`: every navigation property. It takes no options.
    All,
    /// Names as the caller spelt them; one or more.
    Path(Vec<String>),
}

/// Reads the value of an `$expand`, with any `$top` in it.
impl FromStr for Expand {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        read(text, u64::MAX)
    }
}

/// Reads the value of an `$expand`; `max_top` is the greatest `$top` that is allowed in it.
pub(super) fn read(text: &str, max_top: u64) -> Result<Expand, Error> {
    let parser = Parser::new(SystemOption::Expand, text)?;
    let mut reader = Reader { parser, max_top, items: 0 };
    let expand = reader.items(1)?;
    match reader.parser.next()? {
        Lexed { token: Token::End, .. } => Ok(expand),
        other => Err(reader.parser.unexpected(&other, "',', '(' or the end")),
    }
}

struct Reader<'a> {
    parser: Parser<'a>,
    max_top: u64,
    /// Items read on all levels.
    items: usize,
}

impl<'a> Reader<'a> {
    fn items(&mut self, level: usize) -> Result<Expand, Error> {
        let mut items = vec![self.item(level)?];
        while self.parser.eat(&Token::Comma)? {
            items.push(self.item(level)?);
        }
        Ok(Expand { items })
    }

    fn item(&mut self, level: usize) -> Result<ExpandItem, Error> {
        let first = self.parser.next()?;
        self.items += 1;
        if level > MAX_EXPAND_DEPTH {
            return Err(self.parser.error(first.at, Problem::Limit(Limit::ExpandDepth)));
        }
        if self.items > MAX_EXPAND_ITEMS {
            let problem =
                Problem::Limit(Limit::Count { what: "items in $expand", max: MAX_EXPAND_ITEMS });
            return Err(self.parser.error(first.at, problem));
        }
        let target = match first.token {
            Token::Star => Target::All,
            Token::Name(name) => Target::Path(self.path(name)?),
            Token::Qualified(_) => {
                return Err(self.parser.error(first.at, Problem::NotSupported("Type casts")));
            }
            _ => return Err(self.parser.unexpected(&first, "the name of a property, or '*'")),
        };
        let options = if target != Target::All && self.parser.eat(&Token::Open)? {
            self.options(level)?
        } else {
            Options::default()
        };
        Ok(ExpandItem { at: first.at, target, options })
    }

    fn path(&mut self, first: &str) -> Result<Vec<String>, Error> {
        let mut names = vec![first.to_owned()];
        while self.parser.eat_slash()? {
            let next = self.parser.next()?;
            let problem = match next.token {
                _ if next.spaced => {
                    return Err(self.parser.unexpected(&next, "a name directly after '/'"));
                }
                Token::Name(_) if names.len() == MAX_PATH_SEGMENTS => {
                    Problem::Limit(Limit::Count { what: "names in a path", max: MAX_PATH_SEGMENTS })
                }
                Token::Name(name) => {
                    names.push(name.to_owned());
                    continue;
                }
                Token::Dollar(_) => Problem::NotSupported("'/$count' and '/$ref' in $expand"),
                Token::Qualified(_) => Problem::NotSupported("Type casts"),
                _ => return Err(self.parser.unexpected(&next, "a name after '/'")),
            };
            return Err(self.parser.error(next.at, problem));
        }
        Ok(names)
    }

    /// What stands in parentheses behind an item, of which the first was read.
    fn options(&mut self, level: usize) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut seen = Seen::default();
        loop {
            let name = self.parser.next()?;
            let Token::Dollar(text) = name.token else {
                return Err(self.parser.unexpected(&name, "an option such as $select or $filter"));
            };
            let Some(option) = SystemOption::parse(text) else {
                return Err(Error::Unknown(shown(text)));
            };
            if seen.note(option) {
                return Err(Error::Duplicate(option));
            }
            self.parser.expect(&Token::Equals, "'='")?;
            self.value(option, name.at, level, &mut options)?;
            let next = self.parser.next()?;
            match next.token {
                Token::Semicolon => {}
                Token::Close => return Ok(options),
                _ => return Err(self.parser.unexpected(&next, "';', ')' or more of the value")),
            }
        }
    }

    /// Reads the value of one option. No token after the `=` was looked at yet.
    fn value(
        &mut self,
        option: SystemOption,
        at: usize,
        level: usize,
        options: &mut Options,
    ) -> Result<(), Error> {
        match option {
            SystemOption::Filter => options.filter = Some(self.parser.expression()?),
            SystemOption::OrderBy => options.orderby = Some(self.parser.order_by()?),
            SystemOption::Expand => options.expand = Some(self.items(level + 1)?),
            SystemOption::Top => options.top = Some(top(self.plain().0, self.max_top)?),
            SystemOption::Skip => options.skip = Some(number(option, self.plain().0)?),
            SystemOption::Count => options.count = Some(count(self.plain().0)?),
            SystemOption::Select => {
                let (text, before) = self.plain();
                if text.trim().is_empty() {
                    return Err(Error::Empty(option));
                }
                options.select = select::read(text)
                    .map_err(|refusal| refusal.error(before, |at| self.parser.excerpt(at)))?;
            }
            SystemOption::Search => {
                options.search = Some(search::read(self.parser.characters())?);
            }
            SystemOption::Apply
            | SystemOption::Compute
            | SystemOption::DeltaToken
            | SystemOption::Format
            | SystemOption::Id
            | SystemOption::Index
            | SystemOption::Levels
            | SystemOption::SchemaVersion
            | SystemOption::SkipToken => {
                return Err(self.parser.error(at, Problem::NotInExpand(option)));
            }
        }
        Ok(())
    }

    /// A value in which neither quotes nor parentheses are legal, and the characters before it.
    fn plain(&mut self) -> (&'a str, usize) {
        let cursor = self.parser.characters();
        let before = cursor.at();
        (cursor.take_while(|next| next != ';' && next != ')'), before)
    }
}

impl fmt::Display for Expand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.items.iter().enumerate() {
            write!(out, "{}{item}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for ExpandItem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::All => write!(out, "*")?,
            Target::Path(names) => write!(out, "{}", names.join("/"))?,
        }
        let options = self.options.to_string();
        if options.is_empty() { Ok(()) } else { write!(out, "({options})") }
    }
}

/// The options that `$expand` takes, each at most once.
impl fmt::Display for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.select.as_ref().map(|names| names.join(","));
        let values: [(SystemOption, Option<&dyn fmt::Display>); 8] = [
            (SystemOption::Filter, shown_value(&self.filter)),
            (SystemOption::OrderBy, shown_value(&self.orderby)),
            (SystemOption::Top, shown_value(&self.top)),
            (SystemOption::Skip, shown_value(&self.skip)),
            (SystemOption::Count, shown_value(&self.count)),
            (SystemOption::Select, shown_value(&names)),
            (SystemOption::Expand, shown_value(&self.expand)),
            (SystemOption::Search, shown_value(&self.search)),
        ];
        let mut separator = "";
        for (option, value) in values {
            if let Some(value) = value {
                write!(out, "{separator}{}={value}", option.name())?;
                separator = ";";
            }
        }
        Ok(())
    }
}

fn shown_value<T: fmt::Display>(value: &Option<T>) -> Option<&dyn fmt::Display> {
    value.as_ref().map(|value| value as &dyn fmt::Display)
}
