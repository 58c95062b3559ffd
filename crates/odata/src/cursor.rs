//! A place in an option's value. It only moves forward, and counts characters for errors.

use crate::error::{Error, Problem, SyntaxError, excerpt};
use crate::options::SystemOption;

#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    option: SystemOption,
    text: &'a str,
    /// Bytes before the place.
    offset: usize,
    /// Characters before the place.
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(option: SystemOption, text: &'a str) -> Self {
        Self { option, text, offset: 0, at: 0 }
    }

    /// Characters before the place: what errors and trees call a position.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The text from a byte offset, which the cursor had before, to the place.
    pub(crate) fn since(&self, offset: usize) -> &'a str {
        &self.text[offset..self.offset]
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.offset += character.len_utf8();
        self.at += 1;
        #[cfg(test)]
        steps::add();
        Some(character)
    }

    pub(crate) fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'a str {
        let start = self.offset;
        while self.peek().is_some_and(&mut wanted) {
            self.bump();
        }
        self.since(start)
    }

    /// Whether there were any. Every white space is a blank: filters come out of scripts with
    /// line breaks, and out of web pages with hard blanks.
    pub(crate) fn skip_blanks(&mut self) -> bool {
        !self.take_while(char::is_whitespace).is_empty()
    }

    pub(crate) fn error(&self, at: usize, problem: Problem) -> Error {
        let text = excerpt(self.text, at);
        Error::Syntax(Box::new(SyntaxError { option: self.option, at, text, problem }))
    }

    /// The value with the place of an error in it.
    pub(crate) fn excerpt(&self, at: usize) -> String {
        excerpt(self.text, at)
    }
}

/// How many characters were read on this thread: tests hold that it is linear.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn add() {
        STEPS.set(STEPS.get() + 1);
    }

    pub(crate) fn take() -> usize {
        STEPS.replace(0)
    }
}
