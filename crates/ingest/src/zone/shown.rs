//! What the records of machines show of their zones, taken together.

use std::collections::HashMap;
use std::sync::Arc;

use inventory::time::{SECONDS_PER_DAY, Stamp, TICKS_PER_SECOND, civil_ticks};
use jiff::civil::{self, Weekday};

use super::{Evidence, Offset};

/// So many machines are remembered: of those beyond each record is believed.
const MAX_MACHINES: usize = 4_096;
/// No machine is in more zones, but a record that waits long may seem to be.
const MAX_OFFSETS: usize = 8;
/// So many records of a machine are enough; then the old ones count less, so that a machine may move.
const MAX_VOTES: u32 = 256;
/// A name of a machine is no longer.
const MAX_NAME_BYTES: usize = 256;

/// What was shown so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    machines: HashMap<String, Machine>,
    all: Machine,
}

/// What one machine's records show.
#[derive(Clone, Debug, Default)]
struct Machine {
    votes: Vec<Vote>,
}

/// How many records show an offset.
#[derive(Clone, Copy, Debug)]
struct Vote {
    offset: Offset,
    count: u32,
    /// The first and the last local time of those, in ticks.
    first: i64,
    last: i64,
}

impl Shown {
    /// Adds what records show; a copy of what others are reading is made where that is anything.
    pub(crate) fn add(shown: &mut Arc<Self>, evidence: &[Evidence]) {
        if !evidence.is_empty() {
            let shown = Arc::make_mut(shown);
            evidence.iter().for_each(|one| shown.add_one(&one.machine, one.local, one.offset));
        }
    }

    fn add_one(&mut self, machine: &str, local: Stamp, offset: Offset) {
        let Stamp::Local(local) = local else { return };
        let local = civil_ticks(local);
        self.all.add(local, offset);
        let name = folded(machine);
        let has_room = self.machines.len() < MAX_MACHINES;
        if let Some(known) = self.machines.get_mut(&name) {
            known.add(local, offset);
        } else if has_room && machine.len() <= MAX_NAME_BYTES {
            self.machines.entry(name).or_default().add(local, offset);
        }
    }

    /// The offset that most records show, of whichever machine.
    pub(crate) fn agreed(&self) -> Option<Offset> {
        self.all.agreed().map(|vote| vote.offset)
    }

    /// The offset of a record that shows `own` by itself: that of its machine, unless the clocks were
    /// changed between.
    ///
    /// One that shows less than its machine's others cannot have waited; one that shows more has, but
    /// for the hour by which summer time ends.
    pub(crate) fn of_record(&self, machine: &str, local: Stamp, own: Offset) -> Offset {
        let Stamp::Local(local) = local else { return own };
        let machine = self.machines.get(&folded(machine));
        let Some(agreed) = machine.and_then(Machine::agreed) else { return own };
        let has_waited = own.to_utc > agreed.offset.to_utc
            && !(own.is_an_hour_behind(agreed.offset)
                && agreed.is_before_change(civil_ticks(local)));
        if has_waited { agreed.offset } else { own }
    }
}

fn folded(machine: &str) -> String {
    machine.to_lowercase()
}

impl Machine {
    fn add(&mut self, local: i64, offset: Offset) {
        let has_room = self.votes.len() < MAX_OFFSETS;
        match self.votes.iter_mut().find(|vote| vote.offset == offset) {
            Some(vote) => {
                vote.count += 1;
                (vote.first, vote.last) = (vote.first.min(local), vote.last.max(local));
                if vote.count >= MAX_VOTES {
                    self.votes.iter_mut().for_each(|vote| vote.count = vote.count.div_ceil(2));
                }
            }
            None if has_room => {
                self.votes.push(Vote { offset, count: 1, first: local, last: local });
            }
            None => {}
        }
    }

    /// What most show; of those with equal votes the one with the least wait.
    fn agreed(&self) -> Option<Vote> {
        let votes = self.votes.iter();
        votes.max_by_key(|vote| (vote.count, -vote.offset.to_utc)).copied()
    }
}

impl Vote {
    /// Whether clocks may have been put back between these records and one at this time, or put forward
    /// between it and these.
    fn is_before_change(&self, local: i64) -> bool {
        if local > self.last {
            spans(self.last, local, &BACK)
        } else if local < self.first {
            spans(local, self.first, &FORWARD)
        } else {
            false
        }
    }
}

/// From a month and day to another.
type Season = ((i8, i8), (i8, i8));

/// When clocks are put back, in the north and in the south, and when forward, in the years since 2007 (IANA tz database).
const BACK: [Season; 2] = [((10, 24), (11, 8)), ((3, 21), (4, 8))];
const FORWARD: [Season; 2] = [((3, 7), (4, 30)), ((9, 1), (10, 8))];

/// Whether clocks may have been changed between two local times: at two in the night to a Friday,
/// Saturday or Sunday of these times of the year.
fn spans(from: i64, to: i64, seasons: &[Season]) -> bool {
    const DAY_TICKS: i64 = SECONDS_PER_DAY * TICKS_PER_SECOND;
    const TWO_HOURS: i64 = 2 * 60 * 60 * TICKS_PER_SECOND;
    /// A year holds all of them.
    const MAX_DAYS: i64 = 366;
    let night = |ticks: i64| (ticks - TWO_HOURS).div_euclid(DAY_TICKS);
    let (from, to) = (night(from), night(to));
    if to - from > MAX_DAYS {
        return true;
    }
    (from + 1..=to).any(|day| {
        let span = jiff::Span::new().try_days(day);
        let date = span.and_then(|span| civil::date(1970, 1, 1).checked_add(span));
        date.is_ok_and(|date| {
            let place = (date.month(), date.day());
            let is_season = seasons.iter().any(|(first, last)| (*first..=*last).contains(&place));
            is_season
                && matches!(date.weekday(), Weekday::Friday | Weekday::Saturday | Weekday::Sunday)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::MINUTE_TICKS;
    use super::*;

    fn stamp(text: &str) -> Stamp {
        Stamp::parse(text).unwrap()
    }

    fn west(minutes: i64) -> Offset {
        Offset { to_utc: minutes * MINUTE_TICKS }
    }

    /// The minutes to UTC that a record of `PC` at a time is given which shows `own`, after these.
    fn given(shown: &[(&str, i64)], local: &str, own: i64) -> i64 {
        let mut all = Shown::default();
        for (local, minutes) in shown {
            all.add_one("pc", stamp(local), west(*minutes));
        }
        all.of_record("PC", stamp(local), west(own)).to_utc / MINUTE_TICKS
    }

    #[test]
    fn what_a_machines_records_agree_on_is_its_zone() {
        let day =
            [("2026-03-02 10:00:00", 60), ("2026-03-02 11:00:00", 0), ("2026-03-02 11:01:00", 0)];
        assert_eq!(given(&day, "2026-03-02 10:00:00", 60), 0);
        assert_eq!(given(&day, "2026-03-02 12:00:00", 300), 0);
        // Who shows less cannot have waited.
        assert_eq!(given(&day, "2026-03-02 12:00:00", -60), -60);
        assert_eq!(given(&day[..2], "2026-03-02 10:00:00", 60), 0);
        assert_eq!(given(&[], "2026-03-02 10:00:00", 60), 60);
    }

    #[test]
    fn clocks_are_put_back_and_forward() {
        let summer = [("2026-07-01 10:00:00", -120), ("2026-10-24 10:00:00", -120)];
        assert_eq!(given(&summer, "2026-10-26 10:00:00", -60), -60);
        assert_eq!(given(&summer, "2026-12-26 10:00:00", -60), -60);
        assert_eq!(given(&summer, "2026-10-26 10:00:00", 0), -120);
        assert_eq!(given(&summer, "2026-08-26 10:00:00", -60), -120);
        assert_eq!(given(&summer, "2026-02-26 10:00:00", -60), -60);
        let winter = [("2026-01-01 10:00:00", -60), ("2026-01-02 10:00:00", -60)];
        assert_eq!(given(&winter, "2026-04-01 10:00:00", -120), -120);
        assert_eq!(given(&winter, "2026-01-20 10:00:00", 0), -60);
    }

    #[test]
    fn memory_is_bounded() {
        let mut shown = Shown::default();
        for number in 0..i64::from(MAX_VOTES) + 2 * MAX_MACHINES as i64 {
            shown.add_one(&number.to_string(), stamp("2026-03-02 10:00:00"), west(number));
        }
        assert_eq!(shown.machines.len(), MAX_MACHINES);
        assert_eq!(shown.all.votes.len(), MAX_OFFSETS);
        for _ in 0..3 * MAX_VOTES {
            shown.add_one("a", stamp("2026-03-02 10:00:00"), west(0));
        }
        assert!(shown.all.votes.iter().all(|vote| vote.count <= MAX_VOTES));
    }

    proptest! {
        #[test]
        fn no_time_panics(year in 0i16..=9999, other in 0i16..=9999, own: i16) {
            let local = |year: i16| Stamp::Local(civil::date(year.max(1), 12, 31).at(23, 59, 59, 0));
            let mut shown = Shown::default();
            shown.add_one("a", local(year), west(0));
            let _ = shown.of_record("a", local(other), west(own.into()));
        }
    }
}
