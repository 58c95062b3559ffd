//! In which order the numbers of a table's dates are, told from all of its rows that are looked at.

use super::viewed::{Habit, Viewed};

/// In which order a date's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    MonthFirst,
    DayFirst,
}

/// What an export spans at most, in days: of hunting 30. In the wrong order days become months.
const USUAL_SPAN: i32 = 31;

/// What the dates of a table show.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// How many can only be read with the month first, and with the day first.
    month_first: u64,
    day_first: u64,
    /// The first of those that can be read in both.
    example: Option<String>,
    /// How many of those look like the one or the other.
    looks_american: u64,
    looks_other: u64,
    /// The first and the last day, were the month first, and were the day first.
    spans: [Option<(i32, i32)>; 2],
}

/// The order that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) order: Order,
    /// Other rows show it.
    is_sure: bool,
}

impl Orders {
    /// Looks at a date.
    pub(super) fn add(&mut self, viewed: &Viewed, text: &str) {
        match viewed.order() {
            Some(Order::MonthFirst) => self.month_first += 1,
            Some(Order::DayFirst) => self.day_first += 1,
            None if !viewed.is_ambiguous() => return,
            None => {
                self.example.get_or_insert_with(|| text.to_owned());
                match viewed.habit {
                    Habit::MonthFirst => self.looks_american += 1,
                    Habit::DayFirst => self.looks_other += 1,
                }
            }
        }
        for (span, order) in self.spans.iter_mut().zip([Order::MonthFirst, Order::DayFirst]) {
            let day = viewed.day(order);
            let (first, last) = span.unwrap_or((day, day));
            *span = Some((first.min(day), last.max(day)));
        }
    }

    /// Decides: by the dates that can be read in one order alone, else by habit.
    pub(super) fn decide(&self) -> Taken {
        let by_span = || {
            let [month_first, day_first] = self.spans.map(|span| span.map_or(0, |(a, b)| b - a));
            match (month_first <= USUAL_SPAN, day_first <= USUAL_SPAN) {
                (true, false) => Some(Order::MonthFirst),
                (false, true) => Some(Order::DayFirst),
                _ => None,
            }
        };
        let by_habit = || match self.looks_american > self.looks_other {
            true => Order::MonthFirst,
            false => by_span().unwrap_or(Order::DayFirst),
        };
        match (self.month_first, self.day_first) {
            (1.., 0) => Taken { order: Order::MonthFirst, is_sure: true },
            (0, 1..) => Taken { order: Order::DayFirst, is_sure: true },
            _ => Taken { order: by_habit(), is_sure: false },
        }
    }

    /// What to tell a person where it stays open.
    pub(super) fn warning(&self, taken: Taken) -> Option<String> {
        let text = self.example.as_ref().filter(|_| !taken.is_sure)?;
        Some(taken.order.warning(text))
    }
}

impl Order {
    pub(super) fn warning(self, text: &str) -> String {
        let first = match self {
            Order::MonthFirst => "month",
            Order::DayFirst => "day",
        };
        format!(
            "dates like `{text}` are read with the {first} first, and no row shows it; rows in JSON are \
             certain"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(texts: &[&str]) -> (Order, bool) {
        let mut orders = Orders::default();
        for text in texts {
            orders.add(&Viewed::parse(text).unwrap(), text);
        }
        let taken = orders.decide();
        (taken.order, orders.warning(taken).is_some())
    }

    #[test]
    fn rows_decide_else_habit_does() {
        use Order::{DayFirst, MonthFirst};
        for (texts, expected) in [
            (&["3/2/2026 8:15:30", "3/21/2026 8:15:30"][..], (MonthFirst, false)),
            (&["3/2/2026 8:15:30 AM", "21/3/2026 8:15:30 AM"], (DayFirst, false)),
            (&["3/2/2026 8:15:30 AM"], (MonthFirst, true)),
            (&["3/2/2026 8:15:30 am"], (DayFirst, true)),
            (&["3/2/2026 8:15:30"], (DayFirst, true)),
            // Were the day first, they would be of nine months.
            (&["3/2/2026 8:15:30", "3/9/2026 8:15:30"], (MonthFirst, true)),
            (&["3/3/2026 8:15:30"], (DayFirst, false)),
            (&["Mar 2, 2026 8:15:30"], (DayFirst, false)),
            (&["3/21/2026 8:15:30", "21/3/2026 8:15:30", "1/2/2026 8:15:30"], (DayFirst, true)),
        ] {
            assert_eq!(decided(texts), expected, "{texts:?}");
        }
    }
}
