//! Literals: constants in an expression, their values, and their text.

use std::fmt;

mod time;

pub use time::{Date, DateTime, Duration, TimeOfDay};

/// A constant. Its type is what the text says, not what the property next to it needs: an
/// enumeration value is most often a [`Literal::String`].
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// Digits alone.
    Integer(i64),
    /// With a fraction or an exponent; finite.
    Double(f64),
    /// `'O''Brien'`, without the quotes.
    String(String),
    /// With or without the legacy `guid'...'`.
    Guid(Guid),
    /// `2025-06-01T00:00:00Z`, the clients' `2025-06-01Z`, the legacy `datetime'...'`.
    DateTime(DateTime),
    /// `2025-06-01`
    Date(Date),
    /// `17:30:00`
    TimeOfDay(TimeOfDay),
    /// `duration'P1DT2H'`
    Duration(Duration),
    /// `Name.Space.Type'High'`
    Enum {
        /// The type with its namespace, as the caller spelt it.
        type_name: String,
        /// What stands between the quotes.
        value: String,
    },
}

/// A GUID; the first of its digits is the most significant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Guid(pub u128);

/// Why something that looks like a literal is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BadLiteral {
    /// The type that it looks like.
    pub(crate) edm: &'static str,
    pub(crate) why: &'static str,
}

/// Reads what begins with a digit, or with a minus before a digit, and is no GUID.
pub(crate) fn read_number_or_time(text: &str) -> Result<Literal, BadLiteral> {
    let bytes = text.as_bytes();
    let is_date = bytes.len() > 4 && bytes[4] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit);
    if is_date && bytes.get(10).is_some() {
        return DateTime::read(text, time::Zone::Needed)
            .map(Literal::DateTime)
            .map_err(|why| BadLiteral { edm: "Edm.DateTimeOffset", why });
    }
    if is_date {
        return Date::read(text)
            .map(Literal::Date)
            .map_err(|why| BadLiteral { edm: "Edm.Date", why });
    }
    if bytes.contains(&b':') {
        return TimeOfDay::read(text)
            .map(Literal::TimeOfDay)
            .map_err(|why| BadLiteral { edm: "Edm.TimeOfDay", why });
    }
    read_number(text)
}

fn read_number(text: &str) -> Result<Literal, BadLiteral> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let why = "An integer goes from -9223372036854775808 to 9223372036854775807.";
        return text
            .parse()
            .map(Literal::Integer)
            .map_err(|_| BadLiteral { edm: "Edm.Int64", why });
    }
    let bad = |why| BadLiteral { edm: "Edm.Double", why };
    if !is_decimal(unsigned) {
        return Err(bad(
            "Expected digits, with a fraction such as .5 or an exponent such as e3 if need be.",
        ));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Literal::Double(value)),
        _ => Err(bad("The number is too great.")),
    }
}

/// `doubleValue` of the ABNF, without its sign.
fn is_decimal(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let is_exponent = |text: &str| is_digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    is_digits(whole) && fraction.is_none_or(is_digits) && exponent.is_none_or(is_exponent)
}

/// Whether names of these letters may stand directly before a string: `guid'...'`.
pub(crate) fn is_prefix(name: &str) -> bool {
    ["datetime", "datetimeoffset", "duration", "guid"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Reads what stands between the quotes after one of the names of [`is_prefix`]. The legacy date
/// and time forms may lack an offset; they are UTC then.
pub(crate) fn read_prefixed(prefix: &str, text: &str) -> Result<Literal, BadLiteral> {
    let text = text.trim();
    if prefix.eq_ignore_ascii_case("guid") {
        let why = "Expected 32 hexadecimal digits in groups of 8-4-4-4-12.";
        return Guid::read(text).map(Literal::Guid).ok_or(BadLiteral { edm: "Edm.Guid", why });
    }
    if prefix.eq_ignore_ascii_case("duration") {
        return Duration::read(text)
            .map(Literal::Duration)
            .map_err(|why| BadLiteral { edm: "Edm.Duration", why });
    }
    DateTime::read(text, time::Zone::Optional)
        .map(Literal::DateTime)
        .map_err(|why| BadLiteral { edm: "Edm.DateTimeOffset", why })
}

impl Guid {
    /// Characters of a GUID's text.
    pub(crate) const LENGTH: usize = 36;

    /// The GUID that a text is, not one that it begins with.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text.len() != Self::LENGTH {
            return None;
        }
        let mut value = 0_u128;
        for (index, byte) in text.bytes().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
            } else {
                value = value << 4 | u128::from((byte as char).to_digit(16)?);
            }
        }
        Some(Self(value))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let (a, b, c) = (&hex[..8], &hex[8..12], &hex[12..16]);
        write!(out, "{a}-{b}-{c}-{}-{}", &hex[16..20], &hex[20..])
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => write!(out, "null"),
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Integer(value) => write!(out, "{value}"),
            // Debug keeps the fraction or exponent that makes it a double.
            Self::Double(value) => write!(out, "{value:?}"),
            Self::String(value) => write!(out, "'{}'", value.replace('\'', "''")),
            Self::Guid(value) => write!(out, "{value}"),
            Self::DateTime(value) => write!(out, "{value}"),
            Self::Date(value) => write!(out, "{value}"),
            Self::TimeOfDay(value) => write!(out, "{value}"),
            Self::Duration(value) => write!(out, "duration'{value}'"),
            Self::Enum { type_name, value } => {
                write!(out, "{type_name}'{}'", value.replace('\'', "''"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_integers_or_doubles_and_nothing_else() {
        for (text, expected) in [
            ("0", Literal::Integer(0)),
            ("007", Literal::Integer(7)),
            ("-9223372036854775808", Literal::Integer(i64::MIN)),
            ("9223372036854775807", Literal::Integer(i64::MAX)),
            ("1.0", Literal::Double(1.0)),
            ("-1.5e-3", Literal::Double(-0.0015)),
            ("2E+2", Literal::Double(200.0)),
            ("9223372036854775808.0", Literal::Double(9_223_372_036_854_775_808.0)),
        ] {
            assert_eq!(read_number_or_time(text).unwrap(), expected, "{text}");
        }
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "1.",
            "1.e1",
            "1e",
            "1e+",
            "1e9999",
            "1.2.3",
            "12L",
            "1_000",
            "0x1F",
            "1e5e5",
        ] {
            assert!(read_number_or_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_guid_is_its_digits() {
        let text = "0123ABCD-4567-89ef-0123-456789abcdef";
        let guid = Guid::read(text).unwrap();
        assert_eq!(guid, Guid(0x0123_abcd_4567_89ef_0123_4567_89ab_cdef));
        assert_eq!(guid.to_string(), text.to_lowercase());
        assert!(Guid::read("0123abcd-4567-89ef-0123-456789abcde").is_none());
        assert!(Guid::read("0123abcd-4567-89ef-0123-456789abcdeg").is_none());
        assert!(Guid::read("0123abcd-4567-89ef-0123a456789abcdef").is_none());
        assert!(Guid::read("+123abcd-4567-89ef-0123-456789abcdef").is_none());
    }
}
