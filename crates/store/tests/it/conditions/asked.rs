//! Filters and orders as text: every construct of the query language, over every kind of property.

use proptest::prelude::*;

use super::{TAGS, TEXTS};

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn any_text() -> impl Strategy<Value = String> {
    prop::sample::select(TEXTS).prop_map(quoted)
}

/// An expression that is a text.
fn text() -> impl Strategy<Value = String> {
    let property = prop::sample::select(vec![
        "computerDnsName",
        "osPlatform",
        "version",
        "osprocessor",
        "LastIpAddress",
        "agentVersion",
        "vmMetadata/vmId",
        "vmMetadata/resourceId",
        "aadDeviceId",
        "id",
        "osArchitecture",
        "rbacGroupName",
        "mergedIntoMachineId",
        "riskScore",
        "healthStatus",
        "exclusionReason",
    ])
    .prop_map(str::to_owned);
    let leaf = prop_oneof![4 => property, 1 => any_text()];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|text| format!("tolower({text})")),
            inner.clone().prop_map(|text| format!("toupper({text})")),
            inner.clone().prop_map(|text| format!("trim({text})")),
            (inner.clone(), inner.clone())
                .prop_map(|(one, other)| format!("concat({one},{other})")),
            (inner.clone(), -1..4i32).prop_map(|(text, at)| format!("substring({text},{at})")),
            (inner, 0..3i32, 0..3i32)
                .prop_map(|(text, at, n)| format!("substring({text}, {at}, {n})")),
        ]
    })
}

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("osBuild".to_owned()),
        Just("rbacGroupId".to_owned()),
        Just("machineTags/$count".to_owned()),
        Just("ipAddresses/$count".to_owned()),
        Just("logOnUsers/$count".to_owned()),
        Just("9223372036854775807".to_owned()),
        (-3..30_000i64).prop_map(|number| number.to_string()),
        (-3..3i32).prop_map(|number| format!("{}.5", number)),
        text().prop_map(|text| format!("length({text})")),
        (text(), any_text()).prop_map(|(text, part)| format!("indexof({text},{part})")),
        prop::sample::select(vec!["year", "month", "day", "hour", "minute", "second"])
            .prop_map(|part| format!("{part}(lastSeen)")),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let operator = prop::sample::select(vec!["add", "sub", "mul", "div", "mod", "divby"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            (inner, prop::sample::select(vec!["floor", "ceiling", "round"]))
                .prop_map(|(a, f)| format!("{f}({a})")),
        ]
    })
}

fn moment() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "lastSeen",
        "firstSeen",
        "2025-06-12T11:59:30.5Z",
        "2025-06-13Z",
        "now()",
        "maxdatetime()",
        "'2025-06-13T00:00:00Z'",
    ])
    .prop_map(str::to_owned)
}

fn operator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["eq", "ne", "gt", "ge", "lt", "le"])
}

/// A comparison or test of a machine's own values.
fn leaf() -> impl Strategy<Value = String> {
    let boolean = prop::sample::select(vec![
        "isAadJoined",
        "isExcluded",
        "isPotentialDuplication",
        "isAadJoined eq true",
        "null",
        "true",
        "isAadJoined ne null",
        "contains(osPlatform,'1') eq false",
    ])
    .prop_map(str::to_owned);
    let choice = prop::sample::select(vec![
        "riskScore eq 'High'",
        "riskscore ne 'none'",
        "riskScore gt 'Low'",
        "riskScore le 'Medium'",
        "exposureLevel in ('None','high')",
        "healthStatus eq 'Active'",
        "healthStatus ne 'Inactive'",
        "healthStatus eq 'Unknown'",
        "healthStatus in ('Inactive')",
        "onboardingStatus eq 'Onboarded'",
        "deviceValue eq 'Normal'",
        "deviceValue eq 'high'",
        "deviceValue ne 'High'",
        "managedBy ge 'Intune'",
        "exclusionReason eq null",
        "exclusionReason ne 'Other'",
        "vmMetadata/cloudProvider eq 'Azure'",
    ])
    .prop_map(str::to_owned);
    let texts = prop::collection::vec(any_text(), 1..4);
    prop_oneof![
        2 => boolean.boxed(),
        3 => choice.boxed(),
        3 => (text(), operator(), text())
            .prop_filter("choices have their own", |(a, _, b)| !is_choice(a) && !is_choice(b))
            .prop_map(|(a, o, b)| format!("{a} {o} {b}")).boxed(),
        2 => (text(), prop_oneof![Just("eq"), Just("ne"), Just("lt")])
            .prop_map(|(a, o)| format!("{a} {o} null")).boxed(),
        2 => (number(), operator(), number()).prop_map(|(a, o, b)| format!("{a} {o} {b}")).boxed(),
        2 => (moment(), operator(), moment())
            .prop_filter("a constant in quotes needs a moment beside it", |(a, _, b)| {
                !(a.starts_with('\'') && b.starts_with('\''))
            })
            .prop_map(|(a, o, b)| format!("{a} {o} {b}")).boxed(),
        2 => (prop::sample::select(vec!["startswith", "endswith", "contains"]), text(), text())
            .prop_map(|(f, a, b)| format!("{f}({a},{b})")).boxed(),
        2 => (text(), texts)
            .prop_filter("choices have their own", |(a, _)| !is_choice(a))
            .prop_map(|(a, members)| format!("{a} in ({})", members.join(","))).boxed(),
        1 => prop::sample::select(TAGS).prop_map(|tag| {
            format!("machineTags/any(t: t eq {})", quoted(tag))
        }).boxed(),
        1 => prop::sample::select(vec![
            "machineTags/any()", "machineTags/all(t: startswith(t,'v'))", "'vip' in machineTags",
            "machineTags/any(t: contains(t,'b') or t eq null)", "not machineTags/any(t: t eq 'Büro')",
            "ipAddresses/any(a: a/ipAddress eq '10.0.0.1' and a/operationalStatus eq 'Up')",
            "ipAddresses/all(a: a/macAddress ne null)", "ipAddresses/any(a: a/type gt 'Other')",
            "logOnUsers/any(u: u/accountName eq 'JDOE')", "logOnUsers/any(u: u/accountDomain eq null)",
            "logOnUsers/any(u: u/logonTypes has 'RemoteInteractive')",
            "logOnUsers/all(u: u/isOnlyNetworkUser)", "logOnUsers/any(u: u/lastSeen ge 2025-06-12Z)",
            "logOnUsers/any(u: u/id eq 'corp\\jdoe' or contains(u/logonTypes,'net'))",
            "machineTags/any(t: logOnUsers/any(u: startswith(u/accountName, t) or t eq $it/osPlatform))",
            "date(lastSeen) eq 2025-06-13", "time(lastSeen) lt 11:59:30", "lastSeen lt now() and true",
        ]).prop_map(str::to_owned).boxed(),
    ]
}

/// Whether an expression is the property of an enumeration, which is compared with its members alone.
fn is_choice(text: &str) -> bool {
    ["riskScore", "healthStatus", "exclusionReason"].contains(&text)
}

pub(super) fn filter() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|all| format!("({})", all.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|any| format!("({})", any.join(" or "))),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

pub(super) fn sort() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        text().boxed(),
        number().boxed(),
        moment().boxed(),
        Just("isAadJoined".to_owned()).boxed()
    ];
    let end = prop::sample::select(vec!["", " asc", " desc"]);
    prop::collection::vec((key, end), 1..4).prop_map(|keys| {
        let keys: Vec<_> = keys.into_iter().map(|(key, end)| format!("{key}{end}")).collect();
        keys.join(",")
    })
}
