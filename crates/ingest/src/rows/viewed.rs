//! Dates as portals, PowerShell and the Event Viewer write them for whoever looks at them: in the form,
//! the language and the clock of a person's country.
//!
//! The one idea is to need no list of countries: the time is where numbers stand around colons, a month
//! in words says which number is the day, a number of four digits is the year. Only where month and day
//! are both numbers, and both may be either, the text does not tell; other rows may
//! ([`Order`](super::order::Order)).

use super::months::{half, is_filler, month};
use super::order::Order;

/// No country's dates are as long; JavaScript's own with the zone's name nearly are.
const MAX_BYTES: usize = 120;
/// More than any date has.
const MAX_TOKENS: usize = 16;

/// A date and time as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Viewed {
    date: Date,
    hour: u8,
    minute: u8,
    second: u8,
    /// Digits.
    fraction: String,
    /// `Z`, `+01:00` or nothing.
    zone: String,
    pub(super) habit: Habit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Date {
    Sure { year: u16, month: u8, day: u8 },
    Numbers { first: u8, second: u8, year: u16 },
}

/// What in the form of a date hints at its order, where numbers do not tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// `3/2/2026 8:15:30 AM`, as the United States write it.
    MonthFirst,
    DayFirst,
}

impl Viewed {
    /// Takes a text apart; `None` when it is no date with a time.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES || !text.contains(|char: char| char.is_ascii_digit()) {
            return None;
        }
        // JavaScript puts the zone's name there.
        let text = text.split('(').next()?.trim();
        let tokens = tokens(text)?;
        let clock = Clock::find(&tokens)?;
        let before = tokens.get(..clock.start)?;
        let after = tokens.get(clock.end..)?;
        let rest: Vec<Token<'_>> = before.iter().chain(after).copied().collect();
        let (date, half) = date(&rest, clock.half)?;
        let hour = match half {
            Some(add) => Some(clock.hour).filter(|hour| (1..=12).contains(hour))? % 12 + add,
            None => Some(clock.hour).filter(|&hour| hour < 24)?,
        };
        let habit = habit(&rest, half.is_some(), text);
        let (minute, second) = (clock.minute, clock.second);
        let (fraction, zone) = (clock.fraction.to_owned(), clock.zone);
        Some(Self { date, hour, minute, second, fraction, zone, habit })
    }

    /// Month and day in the order that they can only have; `None` where they may have either.
    pub(super) fn order(&self) -> Option<Order> {
        match self.date {
            Date::Numbers { first: 13.., .. } => Some(Order::DayFirst),
            Date::Numbers { second: 13.., .. } => Some(Order::MonthFirst),
            _ => None,
        }
    }

    /// Whether it is another date in each order.
    pub(super) fn is_ambiguous(&self) -> bool {
        let same = |first, second| first == second;
        matches!(self.date, Date::Numbers { first: ..=12, second: ..=12, .. })
            && !matches!(self.date, Date::Numbers { first, second, .. } if same(first, second))
    }

    /// The days from some day on, in this order.
    pub(super) fn day(&self, order: Order) -> i32 {
        let (year, month, day) = self.parts(order);
        i32::from(year) * 372 + i32::from(month) * 31 + i32::from(day)
    }

    /// The same as ISO 8601, a number that can be nothing else having its place whatever the order.
    pub(super) fn iso(&self, order: Order) -> String {
        let (year, month, day) = self.parts(self.order().unwrap_or(order));
        let Self { hour, minute, second, fraction, zone, .. } = self;
        let point = if fraction.is_empty() { "" } else { "." };
        format!(
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}{zone}"
        )
    }

    fn parts(&self, order: Order) -> (u16, u8, u8) {
        match (self.date, order) {
            (Date::Sure { year, month, day }, _) => (year, month, day),
            (Date::Numbers { first, second, year }, Order::MonthFirst) => (year, first, second),
            (Date::Numbers { first, second, year }, Order::DayFirst) => (year, second, first),
        }
    }
}

/// A run of digits or of letters.
#[derive(Clone, Copy, Debug)]
struct Token<'t> {
    text: &'t str,
    /// What stands before it.
    gap: &'t str,
    is_number: bool,
}

impl Token<'_> {
    fn number(&self) -> Option<u16> {
        if self.is_number { self.text.parse().ok() } else { None }
    }

    /// A number of one or two digits.
    fn small(&self) -> Option<u8> {
        if self.is_number && self.text.len() <= 2 { self.text.parse().ok() } else { None }
    }

    fn word(&self) -> Option<String> {
        (!self.is_number).then(|| self.text.to_lowercase())
    }

    fn is_sign(&self) -> bool {
        self.is_number && matches!(self.gap.trim(), "+" | "-" | "\u{2212}")
    }
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        let (gap, run) = rest.split_at(start);
        let is_number = run.starts_with(|char: char| char.is_ascii_digit());
        let is_part = |char: char| match is_number {
            true => char.is_ascii_digit(),
            false => char.is_alphabetic(),
        };
        let end = run.find(|char| !is_part(char)).unwrap_or(run.len());
        // Digits of other scripts are neither.
        if end == 0 || tokens.len() == MAX_TOKENS {
            return None;
        }
        // Times with a `T` and a zone are ISO 8601's.
        tokens.push(Token { text: &run[..end], gap, is_number });
        rest = &run[end..];
    }
    Some(tokens)
}

/// The time among the tokens.
struct Clock<'t> {
    hour: u8,
    minute: u8,
    second: u8,
    fraction: &'t str,
    zone: String,
    /// Behind the time: the hours that the half of the day adds.
    half: Option<u8>,
    start: usize,
    end: usize,
}

impl<'t> Clock<'t> {
    fn find(tokens: &[Token<'t>]) -> Option<Self> {
        let joined = |at: usize, gap: &str| {
            tokens.get(at).is_some_and(|token| token.gap == gap && token.small().is_some())
        };
        let with_colons = (0..tokens.len()).find(|&at| {
            tokens[at].small().is_some() && joined(at + 1, ":") && !tokens[at].is_sign()
        });
        // Danish and Finnish have dots there as in the date before it, so it is the last three numbers.
        let with_dots = || {
            let starts = (1..tokens.len()).rev();
            starts.into_iter().find(|&at| {
                tokens[at].gap != "."
                    && tokens[at].small().is_some()
                    && joined(at + 1, ".")
                    && joined(at + 2, ".")
            })
        };
        let (start, gap) = match with_colons {
            Some(start) => (start, ":"),
            None => (with_dots()?, "."),
        };
        let minute = tokens[start + 1].small()?;
        let mut end = start + 2;
        let mut second = 0;
        if joined(end, gap) {
            second = tokens[end].small()?;
            end += 1;
        }
        let mut fraction = "";
        if let Some(token) = tokens.get(end)
            && token.is_number
            && matches!(token.gap, "." | ",")
            && gap == ":"
        {
            fraction = token.text;
            end += 1;
        }
        let hour = tokens[start].small()?;
        let is_time = minute < 60 && second <= 60;
        let mut clock =
            Self { hour, minute, second, fraction, zone: String::new(), half: None, start, end };
        clock.half(tokens);
        clock.zone(tokens)?;
        is_time.then_some(clock)
    }

    fn half(&mut self, tokens: &[Token<'t>]) {
        if let Some((add, count)) = half_at(tokens, self.end) {
            self.half = Some(add);
            self.end += count;
        }
    }

    /// `UTC`, `GMT+0100`, `+01:00`; `None` where that is broken.
    fn zone(&mut self, tokens: &[Token<'t>]) -> Option<()> {
        let word = tokens.get(self.end).and_then(Token::word);
        if matches!(word.as_deref(), Some("utc" | "gmt" | "z")) {
            self.zone.push('Z');
            self.end += 1;
        }
        let Some(token) = tokens.get(self.end).filter(|token| token.is_sign()) else {
            return Some(());
        };
        let sign = if token.gap.trim() == "+" { '+' } else { '-' };
        self.end += 1;
        let (hours, minutes) = match token.text.len() {
            4 => token.text.split_at(2),
            1 | 2 => match tokens.get(self.end).filter(|next| next.gap == ":" && next.is_number) {
                Some(next) => {
                    self.end += 1;
                    (token.text, next.text)
                }
                None => (token.text, "00"),
            },
            _ => return None,
        };
        self.zone = format!("{sign}{hours:0>2}:{minutes:0>2}");
        Some(())
    }
}

/// The half of the day that is said there, and in how many words: `AM`, `a. m.`, `vorm.`.
fn half_at(tokens: &[Token<'_>], at: usize) -> Option<(u8, usize)> {
    let word = tokens.get(at)?.word()?;
    let second = || tokens.get(at + 1).and_then(Token::word);
    match word.as_str() {
        "a" | "p" if second().as_deref() == Some("m") => {
            Some((if word == "a" { 0 } else { 12 }, 2))
        }
        "π" | "μ" if second().as_deref() == Some("μ") => {
            Some((if word == "π" { 0 } else { 12 }, 2))
        }
        word => half(word).map(|add| (add, 1)),
    }
}

/// The date in what is left beside the time, and the half of the day, which may stand there.
fn date(tokens: &[Token<'_>], mut half: Option<u8>) -> Option<(Date, Option<u8>)> {
    let (mut named, mut numbers) = (None, Vec::new());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        if let Some(number) = token.number() {
            numbers.push((number, token.text.len()));
            continue;
        }
        let word = token.word()?;
        if let Some(found) = month(&word) {
            if named.replace(found).is_some() {
                return None;
            }
        } else if let Some((add, count)) = half_at(tokens, at - 1) {
            half = Some(add);
            at += count - 1;
        } else if !is_filler(&word) {
            return None;
        }
    }
    let small = |(number, length): (u16, usize)| u8::try_from(number).ok().filter(|_| length <= 2);
    let date = match (named, numbers.as_slice()) {
        (Some(month), &[day, (year, 4)]) | (Some(month), &[(year, 4), day]) => {
            Date::Sure { year, month, day: small(day)? }
        }
        (None, &[(year, 4), month, day]) => {
            Date::Sure { year, month: small(month)?, day: small(day)? }
        }
        (None, &[first, second, (year, 4)]) => {
            Date::Numbers { first: small(first)?, second: small(second)?, year }
        }
        // Old short forms: `2/3/26`.
        (None, &[first, second, (year, 2)]) => {
            Date::Numbers { first: small(first)?, second: small(second)?, year: 2000 + year }
        }
        _ => return None,
    };
    is_possible(date).then_some((date, half))
}

fn is_possible(date: Date) -> bool {
    match date {
        Date::Sure { month, day, .. } => (1..=12).contains(&month) && (1..=31).contains(&day),
        Date::Numbers { first, second, .. } => {
            (1..=31).contains(&first) && (1..=31).contains(&second) && first.min(second) <= 12
        }
    }
}

/// The United States write slashes, no zeros before a single digit, and a capital AM. Australia writes
/// `2/03/2026`, and who writes dots, dashes or small letters has the day first.
fn habit(date: &[Token<'_>], has_half: bool, text: &str) -> Habit {
    let numbers: Vec<_> = date.iter().filter(|token| token.is_number).collect();
    let &[first, second, ..] = numbers.as_slice() else { return Habit::DayFirst };
    let is_padded = |token: &Token<'_>| token.text.starts_with('0');
    let australian = first.text.len() == 1 && is_padded(second);
    let capital = ["AM", "PM"].iter().any(|half| text.contains(half));
    if has_half && capital && second.gap.trim() == "/" && !australian {
        Habit::MonthFirst
    } else {
        Habit::DayFirst
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn iso(text: &str) -> Option<String> {
        Viewed::parse(text).map(|viewed| viewed.iso(Order::DayFirst))
    }

    #[test]
    fn dates_are_read_as_every_country_writes_them() {
        let expected = Some("2026-03-02T08:15:30".to_owned());
        for text in [
            // English, by JavaScript (with a narrow blank), .NET, and others with a comma.
            "Mar 2, 2026 8:15:30 AM",
            "Mar 2, 2026, 8:15:30\u{202f}AM",
            "March 2, 2026 at 8:15:30 AM",
            "Monday, March 2, 2026 8:15:30 AM",
            "2 Mar 2026, 08:15:30",
            "2 Mar 2026, 8:15:30 am",
            "02-Mar-2026 08:15:30",
            "2nd March 2026 08:15:30",
            "2/03/2026, 8:15:30 am",
            "02/03/2026 08:15:30",
            // Kibana.
            "Mar 2, 2026 @ 08:15:30",
            // German, Austrian, Swiss.
            "02.03.2026, 08:15:30",
            "2.3.2026, 08:15:30",
            "02. M\u{e4}rz 2026, 08:15:30",
            "2. M\u{e4}rz 2026 um 08:15:30",
            "2. M\u{e4}rz 2026, 8:15:30 vorm.",
            // French, Spanish (Spain and Mexico), Italian, Portuguese.
            "2 mars 2026 \u{e0} 08:15:30",
            "02/03/2026 08:15:30",
            "2 mar 2026, 8:15:30",
            "2 de marzo de 2026, 8:15:30",
            "2 mar 2026, 8:15:30 a.\u{a0}m.",
            "2/3/2026, 8:15:30 a. m.",
            "2 mar 2026, 08:15:30",
            "2 de mar. de 2026, 08:15:30",
            "2 de mar\u{e7}o de 2026 \u{e0}s 08:15:30",
            // Dutch, Polish, Swedish, Danish, Norwegian, Finnish, Czech, Turkish.
            "2 mrt 2026, 08:15:30",
            "2-3-2026, 08:15:30",
            "2 mar 2026, 08:15:30",
            "2 marca 2026 08:15:30",
            "2 mars 2026 kl. 08:15:30",
            "2. mar. 2026 08.15.30",
            "2.3.2026 08.15.30",
            "2. mars 2026, 08:15:30",
            "2.3.2026 klo 8.15.30",
            "2. maaliskuuta 2026 klo 8.15.30",
            "2. 3. 2026 8:15:30",
            "2. b\u{159}ezna 2026 v 8:15:30",
            "2 Mar 2026 08:15:30",
            "02.03.2026 08:15:30",
            // Hungarian, Russian, Greek, Japanese, Chinese, Korean: the year first, or letters of their own.
            "2026. 03. 02. 8:15:30",
            "2 \u{43c}\u{430}\u{440}. 2026 \u{433}., 08:15:30",
            "2/3/2026, 8:15:30 \u{3c0}.\u{3bc}.",
            "2026/3/2 8:15:30",
            "2026\u{5e74}3\u{6708}2\u{65e5} 8:15:30",
            "2026/3/2 \u{4e0a}\u{5348}8:15:30",
            "2026. 3. 2. \u{c624}\u{c804} 8:15:30",
            "2026-3-2 8:15:30",
        ] {
            assert_eq!(iso(text), expected, "{text}");
        }
    }

    #[test]
    fn halves_fractions_and_zones_are_read() {
        for (text, expected) in [
            ("Mar 2, 2026 8:41:25.321 PM", "2026-03-02T20:41:25.321"),
            ("Mar 2, 2026 12:00:00 AM", "2026-03-02T00:00:00"),
            ("Mar 2, 2026 12:00:00 PM", "2026-03-02T12:00:00"),
            ("2. Dez. 2026, 20:41:25,321", "2026-12-02T20:41:25.321"),
            ("2 dic 2026, 8:41:25 p. m.", "2026-12-02T20:41:25"),
            ("2026/12/2 \u{4e0b}\u{5348}8:41:25", "2026-12-02T20:41:25"),
            ("2. M\u{e4}rz 2026, 08:15", "2026-03-02T08:15:00"),
            ("3/31/2026 8:15 PM", "2026-03-31T20:15:00"),
            ("31/3/26 20:15:00", "2026-03-31T20:15:00"),
            ("Mar 2, 2026 8:15:30 AM UTC", "2026-03-02T08:15:30Z"),
            ("Mon Mar 02 2026 08:15:30 GMT+0100 (CET)", "2026-03-02T08:15:30+01:00"),
            ("Mon, 02 Mar 2026 08:15:30 GMT", "2026-03-02T08:15:30Z"),
            ("02.03.2026 08:15:30 -05:00", "2026-03-02T08:15:30-05:00"),
            ("2 Mar 2026 08:15:30 GMT+1", "2026-03-02T08:15:30+01:00"),
        ] {
            assert_eq!(iso(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_with_a_time_is_none() {
        for text in [
            "",
            "8:15:30",
            "2 Mar 2026",
            "3/1/2026",
            "Mar 2, 2026 13:15:30 PM",
            "Mar 2, 2026 0:15:30 AM",
            "Mar 2, 2026 24:15:30",
            "Mar 2, 2026 8:61:30",
            "21/13/2026 8:15:30",
            "Foo 2, 2026 8:15:30",
            "Mar Apr 2026 8:15:30",
            "Mar 32, 2026 8:15:30",
            "1/2/3/2026 8:00:00",
            "10.0.0.1 8:15:30",
            "Accepted password for ann from 192.0.2.7 port 2026 at 8:15:30",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_numbers_is_told_by_them_or_by_habit() {
        for (text, order, habit) in [
            ("3/2/2026 8:15:30 AM", None, Habit::MonthFirst),
            ("3/21/2026 8:15:30 AM", Some(Order::MonthFirst), Habit::MonthFirst),
            ("2/03/2026 8:15:30 AM", None, Habit::DayFirst),
            ("2/3/2026, 8:15:30 am", None, Habit::DayFirst),
            ("2/3/2026 8:15:30", None, Habit::DayFirst),
            ("21.3.2026 8:15:30", Some(Order::DayFirst), Habit::DayFirst),
        ] {
            let viewed = Viewed::parse(text).unwrap();
            assert_eq!((viewed.order(), viewed.habit), (order, habit), "{text}");
            assert_eq!(viewed.is_ambiguous(), order.is_none(), "{text}");
        }
        assert!(!Viewed::parse("3/3/2026 8:15:30").unwrap().is_ambiguous());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([0-9]{1,4}|[/.: ,+-]|AM|a. m.|mar|GMT|de|é|\u{202f}|\u{4e0a}){0,20}") {
            if let Some(viewed) = Viewed::parse(&text) {
                let _ = (viewed.iso(Order::MonthFirst), viewed.day(Order::DayFirst));
            }
        }
    }
}
