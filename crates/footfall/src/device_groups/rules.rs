//! Rules as a person reads them.

use inventory::access::device_group::{Condition, Operator, Rules};

/// The rules in one line: `name starts with srv- or db-; os is Windows11`.
pub(super) fn text(rules: &Rules) -> String {
    let mut conditions: Vec<String> = [
        ("name", &rules.devices_names_conditions),
        ("domain", &rules.devices_domains_conditions),
        ("tag", &rules.devices_tags_conditions),
    ]
    .into_iter()
    .filter(|(_, rows)| !rows.is_empty())
    .map(|(field, rows)| format!("{field} {}", alternatives(rows)))
    .collect();
    let platforms: Vec<String> = rules
        .devices_os_conditions
        .iter()
        .filter(|row| !row.values_list.is_empty())
        .map(|row| format!("{} {}", verb(row.condition), row.values_list.join(" or ")))
        .collect();
    if !platforms.is_empty() {
        conditions.push(format!("os {}", platforms.join(", or ")));
    }
    if conditions.is_empty() { "none: matches nothing".to_owned() } else { conditions.join("; ") }
}

/// Rows with the same operator share it.
fn alternatives(rows: &[Condition]) -> String {
    let mut text = String::new();
    let mut last = None;
    for row in rows {
        if last.is_some() {
            text.push_str(if last == Some(row.condition) { " or " } else { ", or " });
        }
        if last != Some(row.condition) {
            text.push_str(verb(row.condition));
            text.push(' ');
        }
        text.push_str(&row.value);
        last = Some(row.condition);
    }
    text
}

fn verb(operator: Operator) -> &'static str {
    match operator {
        Operator::StartsWith => "starts with",
        Operator::EndsWith => "ends with",
        Operator::Equals | Operator::In => "is",
        Operator::Contains => "contains",
    }
}

#[cfg(test)]
mod tests {
    use inventory::access::device_group::OsCondition;

    use super::*;

    #[test]
    fn rules_read_as_a_sentence() {
        let row = |condition, value: &str| Condition { condition, value: value.to_owned() };
        let os = |values: &[&str]| OsCondition {
            condition: Operator::In,
            values_list: values.iter().map(|&value| value.to_owned()).collect(),
        };
        let rules = Rules {
            devices_names_conditions: vec![
                row(Operator::StartsWith, "srv-"),
                row(Operator::StartsWith, "db-"),
                row(Operator::Equals, "jump"),
            ],
            devices_tags_conditions: vec![row(Operator::Contains, "vip")],
            devices_os_conditions: vec![os(&["Windows10", "Windows11"])],
            ..Rules::default()
        };
        assert_eq!(
            text(&rules),
            "name starts with srv- or db-, or is jump; tag contains vip; os is Windows10 or Windows11"
        );
        assert_eq!(text(&Rules::default()), "none: matches nothing");
    }
}
