//! Random questions: as text for the server, and evaluated in plain Rust over rows, by the rules that
//! `COMPATIBILITY.md` tells and by none of the program's own code for them.

use std::cmp::Ordering;

use inventory::filter::{EntityKind, Kind, Property, properties};
use inventory::time::Timestamp;

/// Numbers that look random and follow from a seed (SplitMix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }

    /// One time in so many.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum V {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    Moment(Timestamp),
}

/// A machine or a user as the wire shows it, with what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) kind: EntityKind,
    /// In the order of [`properties`].
    pub(super) values: Vec<V>,
    pub(super) tags: Vec<String>,
    /// Users of a machine, machines of a user.
    pub(super) related: Vec<Row>,
}

fn place(kind: EntityKind, property: &Property) -> usize {
    properties(kind).iter().position(|known| known == property).unwrap()
}

impl Row {
    pub(super) fn value(&self, property: &Property) -> &V {
        &self.values[place(self.kind, property)]
    }
}

/// Something that has a value.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Property(&'static Property),
    Call(&'static str, Box<Term>),
    Tags,
    Related,
}

/// Something that is true, false or null.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Compare(Term, &'static str, V),
    In(Term, Vec<V>),
    Text(&'static str, Term, String),
    Has(&'static Property, &'static str),
    Is(&'static Property),
    AnyTag(&'static str, String),
    Some(Box<Test>),
    All(Box<Test>),
    Not(Box<Test>),
    And(Vec<Test>),
    Or(Vec<Test>),
}

fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The collection of related rows.
fn related(kind: EntityKind) -> &'static str {
    if kind == EntityKind::Machine { "logOnUsers" } else { "machines" }
}

pub(super) fn related_kind(kind: EntityKind) -> EntityKind {
    match kind {
        EntityKind::Machine => EntityKind::User,
        _ => EntityKind::Machine,
    }
}

impl Term {
    pub(super) fn text(&self, kind: EntityKind, prefix: &str) -> String {
        match self {
            Term::Property(property) => format!("{prefix}{}", property.name),
            Term::Call(function, inner) => format!("{function}({})", inner.text(kind, prefix)),
            Term::Tags => format!("{prefix}machineTags/$count"),
            Term::Related => format!("{prefix}{}/$count", related(kind)),
        }
    }

    pub(super) fn value(&self, row: &Row) -> V {
        match self {
            Term::Property(property) => row.value(property).clone(),
            Term::Tags => V::Number(row.tags.len() as i64),
            Term::Related => V::Number(row.related.len() as i64),
            Term::Call(function, inner) => match (*function, inner.value(row)) {
                ("tolower", V::Text(text)) => V::Text(fold(&text)),
                ("toupper", V::Text(text)) => V::Text(text.to_uppercase()),
                ("trim", V::Text(text)) => V::Text(text.trim().to_owned()),
                ("length", V::Text(text)) => V::Number(text.chars().count() as i64),
                (part, V::Moment(moment)) => {
                    let text = moment.to_string();
                    let cut = match part {
                        "year" => &text[..4],
                        "month" => &text[5..7],
                        "day" => &text[8..10],
                        "hour" => &text[11..13],
                        "minute" => &text[14..16],
                        _ => &text[17..19],
                    };
                    V::Number(cut.parse().unwrap())
                }
                _ => V::Null,
            },
        }
    }

    /// Members of an enumeration are ordered as the EDM lists them.
    fn members(&self) -> Option<&'static [&'static str]> {
        match self {
            Term::Property(Property { kind: Kind::Choice(_, members), .. }) => Some(members),
            _ => None,
        }
    }

    pub(super) fn order(&self, one: &V, other: &V) -> Ordering {
        let rank = |value: &V| match (self.members(), value) {
            (Some(members), V::Text(text)) => members
                .iter()
                .position(|member| member.eq_ignore_ascii_case(text))
                .map(|at| at as i64),
            _ => None,
        };
        match (one, other) {
            (V::Null, V::Null) => Ordering::Equal,
            (V::Null, _) => Ordering::Less,
            (_, V::Null) => Ordering::Greater,
            (V::Bool(one), V::Bool(other)) => one.cmp(other),
            (V::Number(one), V::Number(other)) => one.cmp(other),
            (V::Moment(one), V::Moment(other)) => one.cmp(other),
            (V::Text(left), V::Text(right)) => match (rank(one), rank(other)) {
                (Some(one), Some(other)) => one.cmp(&other),
                _ => fold(left).cmp(&fold(right)),
            },
            _ => panic!("{self:?} is compared with {other:?}"),
        }
    }
}

fn written(value: &V) -> String {
    match value {
        V::Null => "null".to_owned(),
        V::Bool(truth) => truth.to_string(),
        V::Number(number) => number.to_string(),
        V::Text(text) => format!("'{}'", text.replace('\'', "''")),
        V::Moment(moment) => moment.to_string(),
    }
}

impl Test {
    pub(super) fn text(&self, kind: EntityKind, prefix: &str) -> String {
        let joined = |all: &[Test], by: &str| {
            let all: Vec<_> = all.iter().map(|one| one.text(kind, prefix)).collect();
            format!("({})", all.join(by))
        };
        match self {
            Test::Compare(term, operator, value) => {
                format!("{} {operator} {}", term.text(kind, prefix), written(value))
            }
            Test::In(term, values) => {
                let values: Vec<_> = values.iter().map(written).collect();
                format!("{} in ({})", term.text(kind, prefix), values.join(","))
            }
            Test::Text(test, term, part) => {
                let part = written(&V::Text(part.clone()));
                format!("{test}({},{part})", term.text(kind, prefix))
            }
            Test::Has(property, word) => format!("{prefix}{} has '{word}'", property.name),
            Test::Is(property) => format!("{prefix}{}", property.name),
            Test::AnyTag(test, tag) => {
                let tag = written(&V::Text(tag.clone()));
                match *test {
                    "eq" => format!("{prefix}machineTags/any(t: t eq {tag})"),
                    test => format!("{prefix}machineTags/any(t: {test}(t,{tag}))"),
                }
            }
            Test::Some(of) => {
                format!("{}/any(r: {})", related(kind), of.text(related_kind(kind), "r/"))
            }
            Test::All(of) => {
                format!("{}/all(r: {})", related(kind), of.text(related_kind(kind), "r/"))
            }
            Test::Not(of) => format!("not ({})", of.text(kind, prefix)),
            Test::And(all) => joined(all, " and "),
            Test::Or(any) => joined(any, " or "),
        }
    }

    pub(super) fn of(&self, row: &Row) -> Option<bool> {
        match self {
            Test::Compare(term, operator, value) => {
                let own = term.value(row);
                let order = term.order(&own, value);
                let is_null = own == V::Null || *value == V::Null;
                Some(match *operator {
                    "eq" => order == Ordering::Equal,
                    "ne" => order != Ordering::Equal,
                    _ if is_null => false,
                    "gt" => order == Ordering::Greater,
                    "ge" => order != Ordering::Less,
                    "lt" => order == Ordering::Less,
                    _ => order != Ordering::Greater,
                })
            }
            Test::In(term, values) => {
                let own = term.value(row);
                Some(values.iter().any(|value| term.order(&own, value) == Ordering::Equal))
            }
            Test::Text(test, term, part) => match term.value(row) {
                V::Text(text) => Some(tested(test, &text, part)),
                _ => None,
            },
            Test::Has(property, word) => match row.value(property) {
                V::Text(words) => Some(words.split(", ").any(|one| one == *word)),
                _ => None,
            },
            Test::Is(property) => match row.value(property) {
                V::Bool(truth) => Some(*truth),
                _ => None,
            },
            Test::AnyTag(test, tag) => Some(row.tags.iter().any(|own| tested(test, own, tag))),
            Test::Some(of) => Some(row.related.iter().any(|item| of.of(item) == Some(true))),
            Test::All(of) => Some(row.related.iter().all(|item| of.of(item) == Some(true))),
            Test::Not(of) => of.of(row).map(|truth| !truth),
            Test::And(all) => joined(all, row, false),
            Test::Or(any) => joined(any, row, true),
        }
    }
}

/// What decides a list is found in it, else what is unknown, else the opposite.
fn joined(tests: &[Test], row: &Row, decides: bool) -> Option<bool> {
    let all: Vec<_> = tests.iter().map(|test| test.of(row)).collect();
    if all.contains(&Some(decides)) {
        return Some(decides);
    }
    if all.contains(&None) { None } else { Some(!decides) }
}

fn tested(test: &str, text: &str, part: &str) -> bool {
    let (text, part) = (fold(text), fold(part));
    match test {
        "startswith" => text.starts_with(&part),
        "endswith" => text.ends_with(&part),
        "contains" => text.contains(&part),
        _ => text == part,
    }
}

/// Makes questions about rows of a kind, with values that the rows have.
pub(super) struct Asker<'w> {
    pub(super) dice: &'w mut Dice,
    pub(super) rows: &'w [Row],
    pub(super) kind: EntityKind,
    /// Whether related rows can be asked about.
    pub(super) relates: bool,
}

impl Asker<'_> {
    fn property(&mut self, fits: impl Fn(Kind) -> bool) -> &'static Property {
        let fitting: Vec<&'static Property> = properties(self.kind)
            .iter()
            .filter(|one| one.field.is_some() && fits(one.kind))
            .collect();
        fitting[self.dice.roll(fitting.len())]
    }

    pub(super) fn term(&mut self) -> Term {
        match self.dice.roll(12) {
            0 => Term::Call(
                self.dice.one(&["tolower", "toupper", "trim", "length"]),
                Box::new(Term::Property(self.property(|kind| kind == Kind::Text))),
            ),
            1 => Term::Call(
                self.dice.one(&["year", "month", "day", "hour", "minute", "second"]),
                Box::new(Term::Property(self.property(|kind| kind == Kind::Moment))),
            ),
            2 if self.kind == EntityKind::Machine => Term::Tags,
            3 if self.relates => Term::Related,
            _ => Term::Property(self.property(|_| true)),
        }
    }

    /// A value that some row has, or nearly; never null.
    fn value(&mut self, term: &Term) -> V {
        for _ in 0..10 {
            let place = self.dice.roll(self.rows.len().max(1));
            let Some(row) = self.rows.get(place) else { break };
            return match term.value(row) {
                V::Null => continue,
                V::Number(number) => V::Number(number + self.dice.roll(3) as i64 - 1),
                V::Text(text) if term.members().is_none() && self.dice.once_in(3) => {
                    V::Text(text.to_uppercase())
                }
                value => value,
            };
        }
        match term {
            Term::Property(Property { kind: Kind::Choice(_, members), .. }) => {
                V::Text(members[0].to_owned())
            }
            Term::Property(Property { kind: Kind::Moment, .. }) => {
                V::Moment(crate::harness::time("2026-11-20T08:00:00Z"))
            }
            Term::Property(Property { kind: Kind::Integer, .. }) => V::Number(1),
            Term::Property(Property { kind: Kind::Boolean, .. }) => V::Bool(true),
            Term::Property(_) => V::Text("x".to_owned()),
            Term::Call("tolower" | "toupper" | "trim", _) => V::Text("x".to_owned()),
            _ => V::Number(1),
        }
    }

    fn part(&mut self, of: &Term) -> String {
        let V::Text(text) = self.value(of) else { return "x".to_owned() };
        let characters: Vec<char> = text.chars().collect();
        let from = self.dice.roll(characters.len() + 1);
        let until = from + self.dice.roll(characters.len() - from + 1);
        match self.dice.roll(3) {
            0 => characters[..until].iter().collect(),
            1 => characters[from..].iter().collect(),
            _ => characters[from..until].iter().collect(),
        }
    }

    fn leaf(&mut self) -> Test {
        match self.dice.roll(13) {
            0 | 1 => {
                let term = Term::Property(self.property(|kind| kind == Kind::Text));
                let part = self.part(&term);
                Test::Text(self.dice.one(&["startswith", "endswith", "contains"]), term, part)
            }
            2 => Test::Is(self.property(|kind| kind == Kind::Boolean)),
            3 => {
                let term = self.term();
                let some = 1 + self.dice.roll(3);
                let values = (0..some).map(|_| self.value(&term)).collect();
                Test::In(term, values)
            }
            4 => {
                let term = Term::Property(self.property(|_| true));
                Test::Compare(term, self.dice.one(&["eq", "ne"]), V::Null)
            }
            5 | 6 if self.kind == EntityKind::Machine => {
                let tag = self.dice.one(&["vip", "LAPTOP", "lab", "", "a'b", "none"]);
                let test = self.dice.one(&["eq", "startswith", "contains", "endswith"]);
                Test::AnyTag(test, tag.to_owned())
            }
            5 | 6 => {
                let words = ["Interactive", "Network", "RemoteInteractive", "Batch"];
                let types = properties(EntityKind::User).iter().find(|it| it.name == "logonTypes");
                Test::Has(types.unwrap(), self.dice.one(&words))
            }
            7 | 8 if self.relates => {
                let related: Vec<Row> =
                    self.rows.iter().flat_map(|row| row.related.clone()).collect();
                let kind = related_kind(self.kind);
                let mut inner = Asker { dice: self.dice, rows: &related, kind, relates: false };
                let of = Box::new(inner.test(1));
                if self.dice.once_in(3) { Test::All(of) } else { Test::Some(of) }
            }
            _ => {
                let term = self.term();
                let value = self.value(&term);
                let is_set = matches!(value, V::Bool(_))
                    || matches!(term, Term::Property(Property { kind: Kind::Guid, .. }));
                let operators = ["eq", "ne", "gt", "ge", "lt", "le"];
                let operators = if is_set { &operators[..2] } else { &operators[..] };
                Test::Compare(term, self.dice.one(operators), value)
            }
        }
    }

    pub(super) fn test(&mut self, depth: usize) -> Test {
        if depth == 0 || self.dice.once_in(2) {
            return self.leaf();
        }
        let some = 2 + self.dice.roll(2);
        match self.dice.roll(3) {
            0 => Test::Not(Box::new(self.test(depth - 1))),
            1 => Test::And((0..some).map(|_| self.test(depth - 1)).collect()),
            _ => Test::Or((0..some).map(|_| self.test(depth - 1)).collect()),
        }
    }

    pub(super) fn order(&mut self) -> Vec<(Term, bool)> {
        let keys = 1 + self.dice.roll(3);
        (0..keys).map(|_| (self.term(), self.dice.once_in(2))).collect()
    }
}
