//! What rules would match that are not saved yet.

use inventory::access::device_group::{
    AutomationLevel, DeviceGroup, Matcher, Rules, Subject, UNGROUPED,
};
use inventory::machine::Machine;
use rusqlite::named_params;

use super::by_numbers;
use super::visible::{Start, Visible};
use crate::sqlite::Failure;
use crate::sqlite::values::from_json;

/// The first machines that match, by name. Rules that match few machines look at all: at the rows
/// of those alone whose name fits, as the index by name tells.
pub(in crate::sqlite) fn preview(
    visible: &Visible<'_>,
    rules: &Rules,
    most: usize,
) -> Result<Vec<Machine>, Failure> {
    let all = matcher(rules.clone());
    let by_name = Rules {
        devices_tags_conditions: Vec::new(),
        devices_os_conditions: Vec::new(),
        ..rules.clone()
    };
    let by_name = (!by_name.is_empty()).then(|| matcher(by_name));
    // The + keeps SQLite from walking all machines in the order of names.
    let (start, order) = match visible.survey()? {
        Start::Groups => (Start::Groups, "+name_key"),
        start => (start, "name_key"),
    };
    let mut names = visible.prepare_from(
        start,
        &format!("SELECT number, name_key FROM machine ORDER BY {order}, number"),
    )?;
    let mut rest =
        visible.prepare("SELECT name, tags, os_platform FROM machine WHERE number = :number")?;
    let mut found = Vec::new();
    let mut rows = names.raw_query();
    while found.len() < most
        && let Some(row) = rows.next()?
    {
        let number: i64 = row.get(0)?;
        let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let may_match = by_name.as_ref().is_none_or(|matcher| {
            matcher.group_of(Subject { name, tags: &[], os_platform: None }) != UNGROUPED
        });
        if !may_match {
            continue;
        }
        let mut machine = rest.query(named_params! { ":number": number })?;
        let row = machine.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let text = |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
        let tags: Vec<String> = text(1)?.map(from_json).transpose()?.unwrap_or_default();
        let subject =
            Subject { name: text(0)?.unwrap_or_default(), tags: &tags, os_platform: text(2)? };
        if all.group_of(subject) != UNGROUPED {
            found.push(number);
        }
    }
    by_numbers(visible, found)
}

/// The rules alone, made ready.
fn matcher(rules: Rules) -> Matcher {
    Matcher::new(&[DeviceGroup {
        id: UNGROUPED + 1,
        name: String::new(),
        description: String::new(),
        automation_level: AutomationLevel::default(),
        rules,
        access: Vec::new(),
        changed: 0,
    }])
}
