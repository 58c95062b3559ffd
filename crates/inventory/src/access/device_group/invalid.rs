//! What rules may not be.

use super::{
    Condition, DeviceGroup, MAX_PLATFORMS, MAX_TEXT_CHARS, MAX_VALUES, Operator, OsCondition, Rules,
};

/// Why rules are refused. Each names the condition by its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// A row compares with nothing.
    #[error("{field} has an empty value: write what to compare with, or leave the row out")]
    Empty {
        /// The condition.
        field: &'static str,
    },
    /// A value is too long.
    #[error("{field} has a value of more than {MAX_TEXT_CHARS} characters: shorten it")]
    TooLong {
        /// The condition.
        field: &'static str,
    },
    /// A value holds a line break or another control character.
    #[error("{field} has a value with a control character: remove it")]
    Control {
        /// The condition.
        field: &'static str,
    },
    /// A condition has too many values.
    #[error("{field} has {found} values, and {most} are allowed: make another group of the rest")]
    TooMany {
        /// The condition.
        field: &'static str,
        /// How many there are.
        found: usize,
        /// How many may be there.
        most: usize,
    },
    /// `In` where there is one value.
    #[error("{field} cannot use In: write a row with Equals for each value")]
    In {
        /// The condition.
        field: &'static str,
    },
    /// A row without values.
    #[error("{field} has a row without values: write at least one platform, such as Windows11")]
    NoValues {
        /// The condition.
        field: &'static str,
    },
}

impl Rules {
    /// Refuses rules that make no sense or are too many (§8.2, §12).
    pub fn check(&self) -> Result<(), InvalidRules> {
        check_texts("devicesNamesConditions", &self.devices_names_conditions)?;
        check_texts("devicesDomainsConditions", &self.devices_domains_conditions)?;
        check_texts("devicesTagsConditions", &self.devices_tags_conditions)?;
        check_platforms("devicesOsConditions", &self.devices_os_conditions)
    }

    fn bytes(&self) -> usize {
        let texts = [
            &self.devices_names_conditions,
            &self.devices_domains_conditions,
            &self.devices_tags_conditions,
        ];
        let texts = texts.into_iter().flatten().map(|row| row.value.len());
        let platforms = self.devices_os_conditions.iter().flat_map(|row| &row.values_list);
        texts.chain(platforms.map(String::len)).sum()
    }
}

/// Bytes of all values of some groups.
pub(in crate::access) fn bytes(groups: &[DeviceGroup]) -> usize {
    groups.iter().map(|group| group.rules.bytes()).sum()
}

fn check_texts(field: &'static str, rows: &[Condition]) -> Result<(), InvalidRules> {
    check_count(field, rows.len(), MAX_VALUES)?;
    for row in rows {
        if row.condition == Operator::In {
            return Err(InvalidRules::In { field });
        }
        check_value(field, &row.value)?;
    }
    Ok(())
}

fn check_platforms(field: &'static str, rows: &[OsCondition]) -> Result<(), InvalidRules> {
    if rows.iter().any(|row| row.values_list.is_empty()) {
        return Err(InvalidRules::NoValues { field });
    }
    let values = || rows.iter().flat_map(|row| &row.values_list);
    check_count(field, values().count(), MAX_PLATFORMS)?;
    values().try_for_each(|value| check_value(field, value))
}

fn check_count(field: &'static str, found: usize, most: usize) -> Result<(), InvalidRules> {
    if found > most {
        return Err(InvalidRules::TooMany { field, found, most });
    }
    Ok(())
}

fn check_value(field: &'static str, value: &str) -> Result<(), InvalidRules> {
    if value.trim().is_empty() {
        return Err(InvalidRules::Empty { field });
    }
    if value.chars().count() > MAX_TEXT_CHARS {
        return Err(InvalidRules::TooLong { field });
    }
    if value.chars().any(char::is_control) {
        return Err(InvalidRules::Control { field });
    }
    Ok(())
}
