//! The matcher against the rules read one by one, and the rules against what a person expects.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn group(id: i32, rules: Rules) -> DeviceGroup {
    DeviceGroup {
        id,
        name: format!("group {id}"),
        description: String::new(),
        automation_level: AutomationLevel::default(),
        rules,
        access: Vec::new(),
        changed: 0,
    }
}

fn row(condition: Operator, value: &str) -> Condition {
    Condition { condition, value: value.to_owned() }
}

fn names(rows: &[(Operator, &str)]) -> Rules {
    let rows = rows.iter().map(|(condition, value)| row(*condition, value)).collect();
    Rules { devices_names_conditions: rows, ..Rules::default() }
}

fn machine(name: &str) -> Subject<'_> {
    Subject { name, tags: &[], os_platform: None }
}

/// Short texts of few letters, some of which change their length when they are folded: values
/// overlap, repeat and hold each other.
fn text() -> impl Strategy<Value = String> {
    let letters = select(vec!["a", "b", "A", "B", ".", "İ", "ß", "Σ", "ς", "é", " ", "1"]);
    prop_oneof![
        9 => vec(letters, 0..5).prop_map(|letters| letters.concat()),
        1 => select(vec!["10.0.0.1".to_owned(), "fe80::1.2.3.4".to_owned(), "a.b.a".to_owned()]),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Condition>> {
    let row = (select(Operator::ALL), text())
        .prop_map(|(condition, value)| Condition { condition, value });
    prop_oneof![2 => Just(Vec::new()), 3 => vec(row, 0..4)]
}

fn rules() -> impl Strategy<Value = Rules> {
    let platforms = (select(Operator::ALL), vec(text(), 0..3))
        .prop_map(|(condition, values_list)| OsCondition { condition, values_list });
    let platforms = prop_oneof![3 => Just(Vec::new()), 1 => vec(platforms, 0..3)];
    (rows(), rows(), rows(), platforms).prop_map(|(names, domains, tags, platforms)| Rules {
        devices_names_conditions: names,
        devices_domains_conditions: domains,
        devices_tags_conditions: tags,
        devices_os_conditions: platforms,
    })
}

/// What the rules say, read one by one from their description.
fn naive(rules: &Rules, name: &str, tags: &[String], platform: Option<&str>) -> bool {
    fn compare(operator: Operator, text: &str, value: &str) -> bool {
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let value: Vec<char> = value.chars().flat_map(char::to_lowercase).collect();
        if value.is_empty() || value.len() > text.len() {
            return false;
        }
        let rest = text.len() - value.len();
        let at = |position: usize| text[position..position + value.len()] == value[..];
        match operator {
            Operator::StartsWith => at(0),
            Operator::EndsWith => at(rest),
            Operator::Equals | Operator::In => rest == 0 && at(0),
            Operator::Contains => (0..=rest).any(at),
        }
    }
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    let domain = if is_address { "" } else { name.find('.').map_or("", |dot| &name[dot + 1..]) };
    let mut kinds = Vec::new();
    for (rows, texts) in [
        (&rules.devices_names_conditions, vec![name]),
        (&rules.devices_domains_conditions, vec![domain]),
        (&rules.devices_tags_conditions, tags.iter().map(String::as_str).collect()),
    ] {
        if !rows.is_empty() {
            kinds.push(
                rows.iter()
                    .any(|row| texts.iter().any(|text| compare(row.condition, text, &row.value))),
            );
        }
    }
    if !rules.devices_os_conditions.is_empty() {
        let platform = platform.unwrap_or("");
        kinds.push(rules.devices_os_conditions.iter().any(|row| {
            row.values_list.iter().any(|value| compare(row.condition, platform, value))
        }));
    }
    !kinds.is_empty() && kinds.into_iter().all(|kind| kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_matcher_says_what_the_rules_say(
        rules in vec(rules(), 0..12),
        machines in vec((text(), vec(text(), 0..3), option::of(text())), 1..12),
    ) {
        let groups: Vec<_> = (7..).zip(rules).map(|(id, rules)| group(id, rules)).collect();
        let matcher = Matcher::new(&groups);
        for (name, tags, platform) in &machines {
            let subject = Subject { name, tags, os_platform: platform.as_deref() };
            let means = |rules: &Rules| naive(rules, name, tags, platform.as_deref());
            let expected = groups.iter().find(|group| means(&group.rules));
            prop_assert_eq!(matcher.group_of(subject), expected.map_or(UNGROUPED, |group| group.id));
            for group in &groups {
                prop_assert_eq!(group.rules.matches(subject), means(&group.rules));
            }
        }
    }
}

#[test]
fn kinds_are_anded_rows_are_ored_and_the_best_rank_wins() {
    let both = Rules {
        devices_domains_conditions: vec![row(Operator::Equals, "corp.example")],
        ..names(&[(Operator::StartsWith, "srv-"), (Operator::EndsWith, "-srv.corp.example")])
    };
    let groups = [
        group(3, both),
        group(1, names(&[(Operator::Contains, "SRV")])),
        group(2, Rules::default()),
    ];
    let matcher = Matcher::new(&groups);
    for (name, expected) in [
        ("SRV-1.corp.example", 3),
        ("db-srv.corp.example", 3),
        ("srv-1.other.example", 1),
        ("srv-1", 1),
        ("ws-1.corp.example", UNGROUPED),
        ("", UNGROUPED),
    ] {
        assert_eq!(matcher.group_of(machine(name)), expected, "{name}");
    }
    assert_eq!(Matcher::new(&[]).group_of(machine("srv-1")), UNGROUPED);
}

#[test]
fn an_address_has_no_domain() {
    for (name, domain) in [
        ("ws-1.corp.example", "corp.example"),
        ("ws-1", ""),
        ("10.0.0.1", ""),
        ("10.0.0.256", "0.0.256"),
        ("fe80::1.2.3.4", ""),
    ] {
        assert_eq!(machine(name).domain(), domain, "{name}");
    }
}

#[test]
fn two_thousand_groups_cost_a_machine_no_more_than_its_matches() {
    let groups: Vec<_> = (1..=2_000)
        .map(|id| group(id, names(&[(Operator::StartsWith, &format!("site{id:04}-"))])))
        .collect();
    let matcher = Matcher::new(&groups);
    for id in [1, 777, 2_000] {
        assert_eq!(matcher.group_of(machine(&format!("Site{id:04}-ws-9.corp.example"))), id);
    }
    assert_eq!(matcher.group_of(machine("xsite0001-ws")), UNGROUPED);
}

#[test]
fn rules_that_make_no_sense_are_refused_with_what_to_do() {
    let many: Vec<_> = (0..11).map(|_| (Operator::Equals, "a")).collect();
    let os = |values_list: Vec<String>| Rules {
        devices_os_conditions: vec![OsCondition { condition: Operator::In, values_list }],
        ..Rules::default()
    };
    let long = "a".repeat(257);
    for (rules, refusal) in [
        (
            names(&[(Operator::Equals, " ")]),
            "devicesNamesConditions has an empty value: write what to compare with, or leave the \
             row out",
        ),
        (
            names(&[(Operator::Equals, &long)]),
            "devicesNamesConditions has a value of more than 256 characters: shorten it",
        ),
        (
            names(&[(Operator::Equals, "a\nb")]),
            "devicesNamesConditions has a value with a control character: remove it",
        ),
        (
            names(&[(Operator::In, "a")]),
            "devicesNamesConditions cannot use In: write a row with Equals for each value",
        ),
        (
            names(&many),
            "devicesNamesConditions has 11 values, and 10 are allowed: make another group of the \
             rest",
        ),
        (
            os(Vec::new()),
            "devicesOsConditions has a row without values: write at least one platform, such as \
             Windows11",
        ),
    ] {
        assert_eq!(rules.check().unwrap_err().to_string(), refusal);
    }
    assert_eq!(names(&many[..10]).check(), Ok(()));
    assert_eq!(os(vec!["Windows11".to_owned()]).check(), Ok(()));
    assert_eq!(Rules::default().check(), Ok(()));
}
