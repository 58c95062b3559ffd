//! Machines: how they are found, and what reports of them change.

use inventory::change::{Author, MachineChange};
use inventory::ids::MachineId;
use inventory::machine::{
    AdapterType, MachineFacts, MachineIpAddress, MachineReport, ManagedBy, OperationalStatus,
    RiskScore, VmMetadata,
};
use inventory::query::MachineSelector;
use uuid::Uuid;

use super::*;

fn report(machine: &str, at: &str, facts: MachineFacts) -> MachineReport {
    MachineReport { machine: MachineRef::named(machine), time: time(at), facts }
}

#[tokio::test]
async fn a_machine_is_found_by_id_names_and_device_id() {
    let fixture = Fixture::new().await;
    let device = Uuid::new_v4();
    let mut full = logon("jdoe", "WS1.corp.example", "2025-06-02T08:00:00Z", 2, 1);
    full.machine.aad_device_id = Some(device);
    let vendor_id = MachineId([9; 20]);
    // Two installations, so that nothing makes one machine of them and the name.
    let mut reinstalled = logon("jdoe", "ws1.corp.example", "2025-06-03T08:00:00Z", 2, 2);
    reinstalled.machine.id = Some(vendor_id);
    let mut former = logon("jdoe", "ws1.corp.example", "2025-06-01T08:00:00Z", 2, 6);
    former.machine.id = Some(MachineId([8; 20]));
    let short = logon("jdoe", "ws2", "2025-06-01T08:00:00Z", 2, 3);
    let other = logon("jdoe", "WS2.lab.example", "2025-06-04T08:00:00Z", 2, 4);
    let address = logon("jdoe", "10.1.76.35", "2025-06-04T08:00:00Z", 2, 5);
    let logons = vec![full, reinstalled, former, short, other, address];
    fixture.store.record(fixture.tenant, logons).await.unwrap();

    let find = async |id: &str| {
        let selector = MachineSelector::parse(id).unwrap();
        fixture
            .store
            .machine(&fixture.scope(), &selector)
            .await
            .unwrap()
            .map(|machine| (machine.computer_dns_name, machine.id))
    };
    let derived = MachineId::derived_from_name("ws1.corp.example");
    assert_eq!(find(&derived.to_string()).await.unwrap().0, "WS1.corp.example");
    assert_eq!(find(&device.to_string()).await.unwrap().1, derived);
    // Of several machines of one name the one seen last is meant.
    assert_eq!(find("WS1.CORP.EXAMPLE").await.unwrap().1, vendor_id);
    assert_eq!(find("ws1").await.unwrap().1, vendor_id);
    // A name that is a machine's whole name wins over one that begins so.
    assert_eq!(find("ws2").await.unwrap().0, "ws2");
    assert_eq!(find("ws2.lab.example").await.unwrap().0, "WS2.lab.example");
    assert_eq!(find("10.1.76.35").await.unwrap().0, "10.1.76.35");
    for unknown in ["10", "ws", "ws1.corp", &MachineId([1; 20]).to_string()] {
        assert_eq!(find(unknown).await, None, "{unknown}");
    }
}

#[tokio::test]
async fn the_last_reported_name_is_shown_in_any_order_of_logons() {
    let older = logon("jdoe", "ws1.corp", "2025-06-01T08:00:00Z", 2, 1);
    let newer = logon("jdoe", "WS1.Corp", "2025-06-02T08:00:00Z", 2, 2);
    for logons in [[older.clone(), newer.clone()], [newer, older]] {
        let fixture = Fixture::new().await;
        for logon in logons {
            fixture.store.record(fixture.tenant, vec![logon]).await.unwrap();
        }
        let selector = MachineSelector::parse("ws1.corp").unwrap();
        let machine = fixture.store.machine(&fixture.scope(), &selector).await.unwrap().unwrap();
        assert_eq!(machine.computer_dns_name, "WS1.Corp");
        assert_eq!(machine.first_seen, time("2025-06-01T08:00:00Z"));
        assert_eq!(machine.last_seen, time("2025-06-02T08:00:00Z"));
    }
}

#[tokio::test]
async fn a_fact_never_gets_worse() {
    let fixture = Fixture::new().await;
    let full = MachineFacts {
        os_platform: Some("Windows10".to_owned()),
        version: Some("21H2".to_owned()),
        os_build: Some(19044),
        is_aad_joined: Some(true),
        risk_score: Some(RiskScore::Medium),
        managed_by: Some(ManagedBy::Intune),
        last_ip_address: "10.0.0.1".parse().ok(),
        ip_addresses: vec![MachineIpAddress {
            ip_address: "10.0.0.1".parse().unwrap(),
            mac_address: Some("00005E0053FF".to_owned()),
            adapter_type: AdapterType::Ethernet,
            operational_status: OperationalStatus::Up,
        }],
        vm_metadata: Some(VmMetadata {
            vm_id: Some("x".to_owned()),
            resource_id: None,
            subscription_id: None,
        }),
        ..MachineFacts::default()
    };
    let newer =
        MachineFacts { os_platform: Some("Windows11".to_owned()), ..MachineFacts::default() };
    let older = MachineFacts {
        os_platform: Some("Windows7".to_owned()),
        os_architecture: Some("64-bit".to_owned()),
        ..MachineFacts::default()
    };
    for (at, facts) in [
        ("2025-06-02T08:00:00Z", full.clone()),
        ("2025-06-03T08:00:00Z", newer),
        ("2025-06-01T08:00:00Z", older),
    ] {
        fixture.store.describe(fixture.tenant, vec![report("ws1", at, facts)]).await.unwrap();
    }
    let selector = MachineSelector::parse("ws1").unwrap();
    let machine = fixture.store.machine(&fixture.scope(), &selector).await.unwrap().unwrap();
    let expected = MachineFacts {
        os_platform: Some("Windows11".to_owned()),
        os_architecture: Some("64-bit".to_owned()),
        ..full
    };
    assert_eq!(machine.facts, expected);
    assert_eq!(machine.first_seen, time("2025-06-01T08:00:00Z"));
    assert_eq!(machine.last_seen, time("2025-06-03T08:00:00Z"));
    // A report alone keeps a machine through retention until it is as old as the rest.
    let day = |text| time(text).day();
    fixture.store.prune(fixture.tenant, day("2025-06-03T00:00:00Z")).await.unwrap();
    assert_eq!(fixture.store.totals(&fixture.scope()).await.unwrap().machines, 1);
    fixture.store.prune(fixture.tenant, day("2025-06-04T00:00:00Z")).await.unwrap();
    assert_eq!(fixture.store.totals(&fixture.scope()).await.unwrap().machines, 0);
}

#[tokio::test]
async fn reported_tags_join_those_of_people_and_never_undo_them() {
    let fixture = Fixture::new().await;
    let tagged = |tags: &[&str], at: &str| {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        report("ws1", at, MachineFacts { tags, ..MachineFacts::default() })
    };
    let tags = async || {
        let id = MachineId::derived_from_name("ws1");
        let machine = fixture.store.machine(&fixture.scope(), &MachineSelector::Id(id)).await;
        machine.unwrap().unwrap().tags
    };
    let change = async |change: MachineChange| {
        let author = Author { time: time("2025-06-05T08:00:00Z"), app: None, person: None };
        let id = MachineId::derived_from_name("ws1");
        fixture
            .store
            .change_machines(&fixture.scope(), vec![id], vec![change], author)
            .await
            .unwrap();
    };
    let describe = async |report: MachineReport| {
        fixture.store.describe(fixture.tenant, vec![report]).await.unwrap();
    };
    describe(tagged(&["tier 1", "lab"], "2025-06-02T08:00:00Z")).await;
    assert_eq!(tags().await, ["tier 1", "lab"]);
    change(MachineChange::AddTag("mine".to_owned())).await;
    change(MachineChange::RemoveTag("LAB".to_owned())).await;
    describe(tagged(&["Tier 1", "lab", "new"], "2025-06-06T08:00:00Z")).await;
    describe(tagged(&[], "2025-06-07T08:00:00Z")).await;
    describe(tagged(&[&"x".repeat(201)], "2025-06-08T08:00:00Z")).await;
    assert_eq!(tags().await, ["tier 1", "mine", "new"]);
}

#[tokio::test]
async fn a_name_wins_over_an_id_that_stands_for_one_in_any_order() {
    let id = MachineId([9; 20]);
    let machine = |name: &str, at: &str| {
        let mut report = report(name, at, MachineFacts::default());
        report.machine.id = Some(id);
        report
    };
    let named = machine("ws1.corp", "2025-06-01T08:00:00Z");
    let nameless = machine(&id.to_string(), "2025-06-02T08:00:00Z");
    for reports in [[named.clone(), nameless.clone()], [nameless, named]] {
        let fixture = Fixture::new().await;
        for report in reports {
            fixture.store.describe(fixture.tenant, vec![report]).await.unwrap();
        }
        let found = fixture.store.machine(&fixture.scope(), &MachineSelector::Id(id)).await;
        assert_eq!(found.unwrap().unwrap().computer_dns_name, "ws1.corp");
    }
}

#[tokio::test]
async fn of_two_reports_of_one_moment_the_order_does_not_matter() {
    let versions = |version: &str, build| MachineFacts {
        version: Some(version.to_owned()),
        os_build: Some(build),
        ..Default::default()
    };
    let reports = [("22H2", 19045), ("23H2", 19044)]
        .map(|(version, build)| report("ws1", "2025-06-01T08:00:00Z", versions(version, build)));
    for order in [[0, 1], [1, 0]] {
        let fixture = Fixture::new().await;
        for at in order {
            let one = vec![reports[at].clone()];
            fixture.store.describe(fixture.tenant, one).await.unwrap();
        }
        let by_name = MachineSelector::Name("ws1".to_owned());
        let machine = fixture.store.machine(&fixture.scope(), &by_name).await.unwrap().unwrap();
        assert_eq!(machine.facts.version.as_deref(), Some("23H2"));
        assert_eq!(machine.facts.os_build, Some(19045));
    }
}
