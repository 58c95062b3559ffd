//! Who was where at a moment.

use inventory::query::{MachineSelector, PresenceOf, UpnLookup, UserSelector};
use inventory::session::{Presence, SessionChange, SessionEvent};
use inventory::time::Day;

use super::*;

const NIGHT: &str = "2026-11-03T23:00:00Z";

fn change(machine: &str, session: u64, at: &str, change: SessionChange) -> SessionEvent {
    SessionEvent { machine: MachineRef::named(machine), session, time: time(at), change }
}

fn logons() -> Vec<Logon> {
    vec![
        // An administrator's logon at the machine is two sessions, of which one is told to end.
        logon("CORP\\anna", "ws-1", "2026-11-03T08:00:00Z", 2, 11),
        logon("CORP\\anna", "ws-1", "2026-11-03T08:00:00.2Z", 2, 12),
        logon("CORP\\anna", "srv-1", "2026-11-01T09:00:00Z", 10, 13),
        logon("CORP\\ben", "srv-1", "2026-11-03T09:00:00Z", 3, 14),
        logon("CORP\\ben", "srv-1", "2026-11-03T09:50:00Z", 3, 15),
    ]
}

fn changes() -> Vec<SessionEvent> {
    use SessionChange::{Disconnected, Ended, Locked, LoggedOff, Unlocked};
    vec![
        change("ws-1", 12, "2026-11-03T17:00:00Z", LoggedOff),
        change("WS-1", 12, "2026-11-03T12:00:00Z", Locked),
        change("ws-1", 12, "2026-11-03T12:30:00Z", Unlocked),
        change("srv-1", 13, "2026-11-02T18:00:00Z", Disconnected),
        change("srv-1", 13, "2026-11-04T07:00:00Z", Ended),
        change("srv-1", 14, "2026-11-03T09:00:02Z", Ended),
        // Of a session whose logon nobody saw: it makes no machine and no account.
        change("ws-9", 99, "2026-11-03T09:00:02Z", Ended),
    ]
}

async fn asked(fixture: &Fixture, of: &PresenceOf, moment: &str) -> Vec<String> {
    let scope = fixture.scope();
    let found = fixture.store.presences(&scope, of, time(moment)).await.unwrap();
    let line = |Presence { account, computer_dns_name, stay, .. }: &Presence| {
        let until = stay.until.map_or("open".to_owned(), |until| until.to_string());
        format!("{} {computer_dns_name} {until} {}", account.name, stay.state.as_str())
    };
    found.iter().map(line).collect()
}

fn user(name: &str) -> PresenceOf {
    PresenceOf::User(UserSelector::parse(name, UpnLookup::LocalPart).unwrap())
}

#[tokio::test]
async fn sessions_are_there_between_logon_and_end_whichever_came_first() {
    for changes_first in [true, false] {
        let fixture = Fixture::new().await;
        let (store, tenant) = (&fixture.store, fixture.tenant);
        for turn in [changes_first, !changes_first] {
            if turn {
                for change in changes() {
                    store.note_sessions(tenant, vec![change]).await.unwrap();
                }
                store.note_sessions(tenant, changes()).await.unwrap();
            } else {
                store.record(tenant, logons()).await.unwrap();
            }
        }
        let totals = store.totals(&fixture.scope()).await.unwrap();
        assert_eq!((totals.machines, totals.accounts, totals.relations), (2, 2, 3));

        let anna = user("anna");
        let ws = "anna ws-1 2026-11-03T17:00:00Z";
        let srv = "anna srv-1 2026-11-04T07:00:00Z";
        for (moment, expected) in [
            ("2026-11-03T07:59:59Z", vec![format!("{srv} Disconnected")]),
            ("2026-11-03T08:00:00Z", vec![format!("{ws} Active"), format!("{srv} Disconnected")]),
            ("2026-11-03T12:10:00Z", vec![format!("{ws} Locked"), format!("{srv} Disconnected")]),
            ("2026-11-03T13:00:00Z", vec![format!("{ws} Active"), format!("{srv} Disconnected")]),
            (NIGHT, vec![format!("{srv} Disconnected")]),
            ("2026-11-04T07:00:01Z", vec![]),
        ] {
            assert_eq!(asked(&fixture, &anna, moment).await, expected, "{moment}");
        }

        let selector = MachineSelector::parse("srv-1").unwrap();
        let machine = store.machine(&fixture.scope(), &selector).await.unwrap().unwrap().id;
        let srv = PresenceOf::Machine(machine);
        let at_ten = asked(&fixture, &srv, "2026-11-03T10:00:00Z").await;
        // A connection without an end counts for a quarter of an hour.
        assert_eq!(
            at_ten,
            ["ben srv-1 open Active", "anna srv-1 2026-11-04T07:00:00Z Disconnected"]
        );
    }
}

#[tokio::test]
async fn retention_and_forgetting_take_sessions_along() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    store.record(tenant, logons()).await.unwrap();
    store.note_sessions(tenant, changes()).await.unwrap();
    let count = || -> (i64, i64) {
        let sql =
            "SELECT (SELECT count(*) FROM session_event), (SELECT count(*) FROM session_host)";
        fixture.sql().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    assert_eq!(count(), (7, 3));
    let PresenceOf::User(anna) = user("anna") else { panic!() };
    store.forget(tenant, &anna).await.unwrap();
    assert_eq!(count().0, 2);
    let day = Day(time("2026-11-04T00:00:00Z").day().0);
    store.prune(tenant, day).await.unwrap();
    assert_eq!(count(), (0, 0));
}
