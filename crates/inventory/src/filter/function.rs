//! The functions on values, shared by those who evaluate in memory and by stores that can call them, so
//! that both mean the same.

use std::cmp::Ordering;

use jiff::ToSpan;
use jiff::civil;

use super::{Function, TextTest, Value};
use crate::fold;
use crate::time::{Day, TICKS_PER_SECOND};

const EPOCH: civil::Date = civil::date(1970, 1, 1);
/// Characters of a text that a function makes at most.
const MAX_CHARS: usize = 64 * 1024;

/// What a function gives. Null where an argument is null or of a kind that it does not take, and where
/// the result is no number of 64 bits.
pub fn apply(function: Function, arguments: &[Value]) -> Value {
    use Function as F;
    let made = match (function, arguments) {
        (F::ToLower, [Value::Text(text)]) => Some(Value::Text(text.to_lowercase())),
        (F::ToUpper, [Value::Text(text)]) => Some(Value::Text(text.to_uppercase())),
        (F::Trim, [Value::Text(text)]) => Some(Value::Text(text.trim().to_owned())),
        (F::Length, [Value::Text(text)]) => integer(text.chars().count()),
        (F::IndexOf, [Value::Text(text), Value::Text(part)]) => index_of(text, part),
        (F::Substring, [Value::Text(text), Value::Integer(from)]) => {
            Some(substring(text, *from, i64::MAX))
        }
        (F::Substring, [Value::Text(text), Value::Integer(from), Value::Integer(most)]) => {
            Some(substring(text, *from, *most))
        }
        (F::Concat, [Value::Text(one), Value::Text(other)]) => {
            let fits = one.len() + other.len() <= MAX_CHARS * 4;
            fits.then(|| Value::Text(format!("{one}{other}")))
        }
        (F::Date, [Value::Moment(time)]) => Some(Value::Date(time.day())),
        (F::Time, [Value::Moment(time)]) => Some(Value::TimeOfDay(time.ticks_of_day())),
        (F::Year | F::Month | F::Day, [value]) => date_part(function, value),
        (F::Hour | F::Minute | F::Second, [value]) => time_part(function, value),
        (F::Round | F::Floor | F::Ceiling, [Value::Integer(number)]) => {
            Some(Value::Integer(*number))
        }
        (F::Round, [Value::Double(number)]) => double(number.round()),
        (F::Floor, [Value::Double(number)]) => double(number.floor()),
        (F::Ceiling, [Value::Double(number)]) => double(number.ceil()),
        (F::Negate, [Value::Integer(number)]) => number.checked_neg().map(Value::Integer),
        (F::Negate, [Value::Double(number)]) => double(-number),
        (F::Add | F::Sub | F::Mul | F::Div | F::DivBy | F::Mod, [one, other]) => {
            arithmetic(function, one, other)
        }
        _ => None,
    };
    made.unwrap_or(Value::Null)
}

/// Whether a text passes a test, case aside.
pub fn test(test: TextTest, text: &str, part: &str) -> bool {
    let (text, part) = (fold(text), fold(part));
    match test {
        TextTest::StartsWith => text.starts_with(&part),
        TextTest::EndsWith => text.ends_with(&part),
        TextTest::Contains => text.contains(&part),
    }
}

/// How two values compare, neither of them null; `None` when they are of different kinds.
pub fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Boolean(one), Value::Boolean(other)) => Some(one.cmp(other)),
        (Value::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Integer(one), Value::Double(other)) => compare_mixed(*one, *other),
        (Value::Double(one), Value::Integer(other)) => {
            compare_mixed(*other, *one).map(Ordering::reverse)
        }
        (Value::Text(one), Value::Text(other)) => Some(fold(one).cmp(&fold(other))),
        (Value::Moment(one), Value::Moment(other)) => Some(one.cmp(other)),
        (Value::Date(one), Value::Date(other)) => Some(one.cmp(other)),
        (Value::TimeOfDay(one), Value::TimeOfDay(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Exactly, as no `f64` holds every `i64`.
fn compare_mixed(integer: i64, double: f64) -> Option<Ordering> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if double >= BEYOND {
        return Some(Ordering::Less);
    }
    if double < -BEYOND {
        return Some(Ordering::Greater);
    }
    #[allow(clippy::cast_possible_truncation, reason = "within the range of i64")]
    let whole = double.trunc() as i64;
    let fraction = double.fract().partial_cmp(&0.0)?;
    Some(integer.cmp(&whole).then(fraction.reverse()))
}

fn integer(count: usize) -> Option<Value> {
    i64::try_from(count).ok().map(Value::Integer)
}

fn double(number: f64) -> Option<Value> {
    number.is_finite().then_some(Value::Double(number))
}

fn index_of(text: &str, part: &str) -> Option<Value> {
    // Folding keeps the number of characters.
    let (text, part) = (fold(text), fold(part));
    match text.find(&part) {
        None => Some(Value::Integer(-1)),
        Some(at) => integer(text[..at].chars().count()),
    }
}

fn substring(text: &str, from: i64, most: i64) -> Value {
    let count = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
    Value::Text(text.chars().skip(count(from)).take(count(most)).collect())
}

fn date_part(function: Function, value: &Value) -> Option<Value> {
    let day = match value {
        Value::Moment(time) => time.day(),
        Value::Date(day) => *day,
        _ => return None,
    };
    let date = civil_date(day)?;
    Some(Value::Integer(match function {
        Function::Year => date.year().into(),
        Function::Month => date.month().into(),
        _ => date.day().into(),
    }))
}

fn civil_date(day: Day) -> Option<civil::Date> {
    EPOCH.checked_add(day.0.days()).ok()
}

/// The day of a date.
pub(super) fn day(year: u16, month: u8, day: u8) -> Option<Day> {
    let number = |text: u8| i8::try_from(text).ok();
    let date = civil::Date::new(i16::try_from(year).ok()?, number(month)?, number(day)?).ok()?;
    Some(Day((date - EPOCH).get_days()))
}

fn time_part(function: Function, value: &Value) -> Option<Value> {
    let ticks = match value {
        Value::Moment(time) => time.ticks_of_day(),
        Value::TimeOfDay(ticks) => *ticks,
        _ => return None,
    };
    let seconds = ticks / TICKS_PER_SECOND;
    Some(Value::Integer(match function {
        Function::Hour => seconds / 3600,
        Function::Minute => seconds / 60 % 60,
        _ => seconds % 60,
    }))
}

fn arithmetic(function: Function, one: &Value, other: &Value) -> Option<Value> {
    use Function as F;
    if let (Value::Integer(one), Value::Integer(other), true) =
        (one, other, function != Function::DivBy)
    {
        let made = match function {
            F::Add => one.checked_add(*other),
            F::Sub => one.checked_sub(*other),
            F::Mul => one.checked_mul(*other),
            F::Div => one.checked_div(*other),
            _ => one.checked_rem(*other),
        };
        return made.map(Value::Integer);
    }
    #[allow(clippy::cast_precision_loss, reason = "beside a double an integer is one")]
    let number = |value: &Value| match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        _ => None,
    };
    let (one, other) = (number(one)?, number(other)?);
    double(match function {
        F::Add => one + other,
        F::Sub => one - other,
        F::Mul => one * other,
        F::Div | F::DivBy => one / other,
        _ => one % other,
    })
}
