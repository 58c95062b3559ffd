//! The functions of OData, by name and by how many arguments they take.

use std::ops::RangeInclusive;

/// A function of OData 4.01 (URL conventions §5.1.1.5 to §5.1.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Each is the function of its name.
pub enum Function {
    StartsWith,
    EndsWith,
    Contains,
    ToLower,
    ToUpper,
    Length,
    IndexOf,
    Substring,
    Concat,
    Trim,
    Date,
    Time,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Now,
    MinDateTime,
    MaxDateTime,
    Floor,
    Ceiling,
    Round,
    MatchesPattern,
}

/// Function, name, fewest and most arguments: each at the index of its number.
const TABLE: [(Function, &str, usize, usize); 25] = [
    (Function::StartsWith, "startswith", 2, 2),
    (Function::EndsWith, "endswith", 2, 2),
    (Function::Contains, "contains", 2, 2),
    (Function::ToLower, "tolower", 1, 1),
    (Function::ToUpper, "toupper", 1, 1),
    (Function::Length, "length", 1, 1),
    (Function::IndexOf, "indexof", 2, 2),
    (Function::Substring, "substring", 2, 3),
    (Function::Concat, "concat", 2, 2),
    (Function::Trim, "trim", 1, 1),
    (Function::Date, "date", 1, 1),
    (Function::Time, "time", 1, 1),
    (Function::Year, "year", 1, 1),
    (Function::Month, "month", 1, 1),
    (Function::Day, "day", 1, 1),
    (Function::Hour, "hour", 1, 1),
    (Function::Minute, "minute", 1, 1),
    (Function::Second, "second", 1, 1),
    (Function::Now, "now", 0, 0),
    (Function::MinDateTime, "mindatetime", 0, 0),
    (Function::MaxDateTime, "maxdatetime", 0, 0),
    (Function::Floor, "floor", 1, 1),
    (Function::Ceiling, "ceiling", 1, 1),
    (Function::Round, "round", 1, 1),
    (Function::MatchesPattern, "matchesPattern", 2, 2),
];

impl Function {
    /// Its name as OData writes it.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// How many arguments it takes. The parser has counted them.
    pub fn arguments(self) -> RangeInclusive<usize> {
        let (_, _, least, most) = TABLE[self as usize];
        least..=most
    }

    /// Every name, in the order of the table.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|entry| entry.1)
    }

    /// Names are read in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.1.eq_ignore_ascii_case(name)).map(|entry| entry.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_functions() {
        for (index, entry) in TABLE.iter().enumerate() {
            assert_eq!(entry.0 as usize, index, "{}", entry.1);
            assert_eq!(Function::parse(&entry.1.to_uppercase()), Some(entry.0));
        }
    }
}
