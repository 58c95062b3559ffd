//! Constants, and how they take on the kind of what they are compared with.

use odata::literal::{DateTime, Literal};

use super::{BindError, Kind, Result, Scalar, Value, edm, error};
use crate::filter::function;
use crate::time::{Stamp, Timestamp};

/// The value of a literal that is not null, and its kind.
pub(super) fn value_of(literal: &Literal, at: usize) -> Result<(Value, Kind)> {
    Ok(match literal {
        Literal::Null => (Value::Null, Kind::Text),
        Literal::Boolean(truth) => (Value::Boolean(*truth), Kind::Boolean),
        Literal::Integer(number) => (Value::Integer(*number), Kind::Integer),
        Literal::Double(number) => (Value::Double(*number), Kind::Double),
        Literal::String(text) => (Value::Text(text.clone()), Kind::Text),
        Literal::Enum { value, .. } => (Value::Text(value.clone()), Kind::Text),
        Literal::Guid(guid) => (Value::Text(guid.to_string()), Kind::Guid),
        Literal::DateTime(time) => (Value::Moment(moment(*time, at)?), Kind::Moment),
        Literal::Date(date) => {
            let day = function::day(date.year(), date.month(), date.day());
            (Value::Date(day.ok_or_else(|| out_of_range(at))?), Kind::Date)
        }
        Literal::TimeOfDay(time) => (Value::TimeOfDay(time.ticks()), Kind::TimeOfDay),
        Literal::Duration(_) => return error(at, "Nothing here can be compared with a duration."),
    })
}

fn moment(time: DateTime, at: usize) -> Result<Timestamp> {
    let ticks = time.ticks() - DateTime::UNIX_EPOCH_TICKS;
    Timestamp::from_ticks(ticks).ok_or_else(|| out_of_range(at))
}

fn out_of_range(at: usize) -> BindError {
    BindError { at, message: "The date is outside the years 1 to 9999.".to_owned() }
}

/// A constant as the kind beside it; anything else as it is.
pub(super) fn fit(scalar: Scalar, kind: Kind, beside: Kind, at: usize) -> Result<(Scalar, Kind)> {
    let Scalar::Value(value) = scalar else { return Ok((scalar, kind)) };
    let (value, kind) = match (value, beside) {
        (Value::Text(text), Kind::Choice(name, members)) => {
            (Value::Text(choice_of(name, members, &text, at)?), beside)
        }
        (Value::Text(text), Kind::Moment) => match Stamp::parse(&text) {
            Ok(Stamp::Utc(time)) => (Value::Moment(time), beside),
            _ => return error(at, format!("'{}' is no '{}'.", cut(&text), edm(beside))),
        },
        (Value::Text(text), Kind::Integer | Kind::Double) => match text.trim().parse() {
            Ok(number) => (Value::Integer(number), Kind::Integer),
            Err(_) => return error(at, format!("'{}' is no '{}'.", cut(&text), edm(beside))),
        },
        (Value::Text(text), Kind::Boolean) => match text.to_ascii_lowercase().as_str() {
            "true" => (Value::Boolean(true), beside),
            "false" => (Value::Boolean(false), beside),
            _ => return error(at, format!("'{}' is no '{}'.", cut(&text), edm(beside))),
        },
        (Value::Integer(number), Kind::Text) => (Value::Text(number.to_string()), Kind::Text),
        (Value::Date(day), Kind::Moment) => match Timestamp::from_day(day, 0) {
            Some(time) => (Value::Moment(time), beside),
            None => return Err(out_of_range(at)),
        },
        (value, _) => (value, kind),
    };
    Ok((Scalar::Value(value), kind))
}

/// A member of an enumeration as the EDM writes it.
pub(super) fn choice_of(name: &str, members: &[&str], text: &str, at: usize) -> Result<String> {
    let found = members.iter().find(|member| member.eq_ignore_ascii_case(text.trim()));
    match found {
        Some(member) => Ok((*member).to_owned()),
        None => {
            error(at, format!("'{}' is no {name}; there are {}.", cut(text), members.join(", ")))
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(odata::options::SHOWN_CHARS).collect()
}
