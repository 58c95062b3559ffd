//! From where users came to machines.

use inventory::logon::LogonTypes;
use inventory::query::Window;
use inventory::relation::Remotes;

use super::*;

fn from((user, machine): (&str, &str), at: &str, kind: u32, address: &str, name: &str) -> Logon {
    let session = u64::from(kind) + time(at).ticks().unsigned_abs();
    Logon {
        remote_address: address.parse().ok(),
        remote_name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        ..logon(user, machine, at, kind, session)
    }
}

#[tokio::test]
async fn the_other_ends_of_a_relation_are_named_once_and_within_window_and_scope() {
    let fixture = Fixture::new().await;
    let (ours, other) = (("CORP\\jdoe", "ws1"), ("CORP\\jdoe", "ws2"));
    let logons = vec![
        from(ours, "2026-11-01T08:00:00Z", 3, "10.0.0.1", "old"),
        from(ours, "2026-11-20T08:00:00Z", 10, "10.0.0.2", "JUMP01"),
        from(ours, "2026-11-20T09:00:00Z", 10, "10.0.0.2", "JUMP01"),
        from(ours, "2026-11-21T08:00:00Z", 3, "fe80::1", ""),
        from(ours, "2026-11-21T09:00:00Z", 2, "", ""),
        from(other, "2026-11-21T08:00:00Z", 3, "10.9.9.9", "elsewhere"),
    ];
    fixture.store.record(fixture.tenant, logons.clone()).await.unwrap();
    fixture.save_groups(vec![group(1, named(Operator::Equals, "ws1"))]).await;
    fixture.regroup().await;
    let account = logons[0].account.clone();
    let id = |name: &str| MachineId::derived_from_name(name);
    let ask = async |scope: Scope, window| {
        let pairs = vec![(account.clone(), id("ws1")), (account.clone(), id("ws2"))];
        fixture.store.remotes(&scope, pairs, window).await.unwrap()
    };
    let remotes = |addresses: &[&str], names: &[&str]| Remotes {
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    let all = remotes(&["fe80::1", "10.0.0.2", "10.0.0.1"], &["JUMP01", "old"]);
    let elsewhere = remotes(&["10.9.9.9"], &["elsewhere"]);
    assert_eq!(ask(fixture.scope(), Window::ALL).await, [all.clone(), elsewhere]);
    // What the scope does not show is as if it were not there.
    assert_eq!(ask(fixture.groups([1]), Window::ALL).await, [all, Remotes::default()]);
    assert_eq!(ask(fixture.groups([2]), Window::ALL).await, [(); 2].map(|()| Remotes::default()));
    let since = Some(time("2026-11-15T00:00:00Z").day());
    let late = Window { since, ..Window::ALL };
    assert_eq!(ask(fixture.scope(), late).await[0].addresses.len(), 2);
    let network = Window { logon_types: LogonTypes::NETWORK, ..Window::ALL };
    let found = ask(fixture.scope(), network).await;
    assert_eq!(found[0], remotes(&["fe80::1", "10.0.0.1"], &["old"]));
}
