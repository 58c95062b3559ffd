//! Many groups' rules at once.
//!
//! Of each field all values of all groups go into one automaton, which a text passes once. Where a
//! value was found in the text says which comparisons with it hold. So a machine costs time in the
//! length of its texts and in the rows that match, not in the number of groups.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Condition, DeviceGroup, Operator, Rules, Subject, UNGROUPED};
use crate::fold;

/// The rules of many groups, made ready to be asked about many machines.
#[derive(Debug)]
pub struct Matcher {
    fields: [Values; FIELDS],
    /// Id and needed fields of each group, in the order of their rank.
    groups: Vec<(i32, Fields)>,
}

/// Fields that conditions look at.
const FIELDS: usize = 4;
const NAME: usize = 0;
const DOMAIN: usize = 1;
const TAG: usize = 2;
const PLATFORM: usize = 3;

/// A set of fields: bit n stands for field n.
type Fields = u8;

/// The values of one field.
#[derive(Debug, Default)]
struct Values {
    /// Finds the values in a text; `None` when there are none.
    automaton: Option<AhoCorasick>,
    /// The rows that hold each value, by the number of the value.
    rows: Vec<Rows>,
}

/// The groups, by rank, that compare with one value.
#[derive(Debug, Default)]
struct Rows {
    starts_with: Vec<u32>,
    ends_with: Vec<u32>,
    equals: Vec<u32>,
    contains: Vec<u32>,
}

/// The values of one field while they are collected.
#[derive(Default)]
struct Collected {
    numbers: HashMap<String, usize>,
    rows: Vec<Rows>,
}

impl Matcher {
    /// Makes the rules ready. `groups` are in the order of their rank.
    pub fn new(groups: &[DeviceGroup]) -> Self {
        let mut fields: [Collected; FIELDS] = Default::default();
        let mut needed = Vec::with_capacity(groups.len());
        for (rank, group) in (0..).zip(groups) {
            needed.push((group.id, collect(&mut fields, rank, &group.rules)));
        }
        Self { fields: fields.map(Values::new), groups: needed }
    }

    /// The group of a machine; [`UNGROUPED`] when none matches.
    pub fn group_of(&self, subject: Subject<'_>) -> i32 {
        let mut hits = Vec::new();
        self.find(NAME, subject.name, &mut hits);
        self.find(DOMAIN, subject.domain(), &mut hits);
        for tag in subject.tags {
            self.find(TAG, tag, &mut hits);
        }
        self.find(PLATFORM, subject.os_platform.unwrap_or_default(), &mut hits);
        hits.sort_unstable();
        hits.chunk_by(|(one, _), (other, _)| one == other)
            .find_map(|hits| {
                let (id, needed) = self.groups[hits[0].0 as usize];
                let met = hits.iter().fold(0, |met, (_, field)| met | field);
                (met == needed).then_some(id)
            })
            .unwrap_or(UNGROUPED)
    }

    fn find(&self, field: usize, text: &str, hits: &mut Vec<(u32, Fields)>) {
        self.fields[field].find(text, |ranks| {
            hits.extend(ranks.iter().map(|&rank| (rank, 1 << field)));
        });
    }
}

/// Takes a group's values; the result is the fields that a machine must meet.
fn collect(fields: &mut [Collected; FIELDS], rank: u32, rules: &Rules) -> Fields {
    let mut needed = 0;
    let texts = [
        (NAME, &rules.devices_names_conditions),
        (DOMAIN, &rules.devices_domains_conditions),
        (TAG, &rules.devices_tags_conditions),
    ];
    for (field, conditions) in texts {
        for Condition { condition, value } in conditions {
            needed |= 1 << field;
            fields[field].add(rank, *condition, value);
        }
    }
    for row in &rules.devices_os_conditions {
        needed |= 1 << PLATFORM;
        for value in &row.values_list {
            fields[PLATFORM].add(rank, row.condition, value);
        }
    }
    needed
}

impl Collected {
    fn add(&mut self, rank: u32, operator: Operator, value: &str) {
        // Rules that were checked hold no empty values; one that is there all the same fits nothing.
        if value.is_empty() {
            return;
        }
        let number = *self.numbers.entry(fold(value)).or_insert_with(|| {
            self.rows.push(Rows::default());
            self.rows.len() - 1
        });
        let rows = &mut self.rows[number];
        match operator {
            Operator::StartsWith => rows.starts_with.push(rank),
            Operator::EndsWith => rows.ends_with.push(rank),
            Operator::Equals | Operator::In => rows.equals.push(rank),
            Operator::Contains => rows.contains.push(rank),
        }
    }
}

impl Values {
    fn new(collected: Collected) -> Self {
        let mut values: Vec<_> = collected.numbers.into_iter().collect();
        if values.is_empty() {
            return Self::default();
        }
        values.sort_unstable_by_key(|(_, number)| *number);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(values.iter().map(|(value, _)| value))
            // It has at most a state for each byte of the values, and counts to 2^31: no document
            // that the database can hold has as many.
            .expect("values within the bounds of a directory");
        Self { automaton: Some(automaton), rows: collected.rows }
    }

    /// Gives the groups whose comparison with a text holds, some of them more than once.
    fn find(&self, text: &str, mut give: impl FnMut(&[u32])) {
        let Some(automaton) = &self.automaton else { return };
        let text = fold(text);
        let mut contained = Vec::new();
        for found in automaton.find_overlapping_iter(&text) {
            let number = found.pattern().as_usize();
            let rows = &self.rows[number];
            let (begins, ends) = (found.start() == 0, found.end() == text.len());
            if begins {
                give(&rows.starts_with);
            }
            if ends {
                give(&rows.ends_with);
            }
            if begins && ends {
                give(&rows.equals);
            }
            if !rows.contains.is_empty() {
                contained.push(number);
            }
        }
        // A short value can be found at each letter of a text.
        contained.sort_unstable();
        contained.dedup();
        for number in contained {
            give(&self.rows[number].contains);
        }
    }
}
