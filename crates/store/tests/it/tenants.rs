//! Tenants: their names, and that nothing of one shows in another.

use inventory::access::directory::Directory;
use inventory::query::{MachineList, MachineSelector, Page, UserSelector, Window};
use inventory::time::Timestamp;
use store::Totals;
use uuid::Uuid;

use super::*;

#[tokio::test]
async fn names_and_domains_mean_one_tenant_each() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let add = async |name: &str, domains: &[&str]| {
        let domains: Vec<_> = domains.iter().map(|&domain| domain.to_owned()).collect();
        store.add_tenant(Uuid::new_v4(), name, &domains).await.unwrap()
    };
    let contoso = add("Contoso", &["contoso.com", "Contoso.Example"]).await.unwrap();
    assert_eq!(contoso.number, TenantId(2));
    assert_eq!(contoso.domains, ["contoso.com", "contoso.example"]);
    assert_eq!(add("CONTOSO", &[]).await, None);
    assert_eq!(add("Default", &[]).await, None);
    assert_eq!(add("Fabrikam", &["fabrikam.com", "CONTOSO.com"]).await, None);
    assert_eq!(store.add_tenant(contoso.id, "Other", &[]).await.unwrap(), None);
    // Nothing of those that were refused is left.
    let fabrikam = add("Fabrikam", &["fabrikam.com"]).await.unwrap();
    let all = fixture.again().tenants().await.unwrap();
    let default = store.default_tenant().await.unwrap();
    assert_eq!(all, [default.clone(), contoso.clone(), fabrikam.clone()]);
    assert_eq!((default.number, default.name.as_str()), (TenantId(1), "default"));

    let rename = async |tenant, name: &str, domain: &str| {
        store.rename_tenant(tenant, name, &[domain.to_owned()]).await.unwrap()
    };
    assert!(!rename(fabrikam.number, "Contoso", "fabrikam.com").await);
    assert!(!rename(fabrikam.number, "Fabrikam", "contoso.com").await);
    assert!(!rename(TenantId(9), "Nobody", "nobody.com").await);
    assert_eq!(store.tenants().await.unwrap(), all);
    assert!(rename(fabrikam.number, "FABRIKAM", "f.example").await);
    assert!(rename(default.number, "Woodgrove", "w.example").await);
    let renamed = store.default_tenant().await.unwrap();
    assert_eq!((renamed.id, renamed.name.as_str()), (default.id, "Woodgrove"));
    assert_eq!(renamed.domains, ["w.example"]);
    assert_eq!(store.tenants().await.unwrap()[2].name, "FABRIKAM");
}

#[tokio::test]
async fn the_default_tenant_is_the_first_even_if_another_is_added_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let other = store.add_tenant(Uuid::new_v4(), "Other", &[]).await.unwrap().unwrap();
    assert_eq!(other.number, TenantId(2));
    assert_eq!(store.default_tenant().await.unwrap().number, TenantId(1));
}

#[tokio::test]
async fn two_tenants_with_the_same_names_share_nothing() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let other = store.add_tenant(Uuid::new_v4(), "Other", &[]).await.unwrap().unwrap().number;
    let groups = vec![group(1, named(Operator::StartsWith, "ws"))];
    fixture.save_groups(groups.clone()).await;
    let mine = vec![
        logon("corp\\jdoe", "WS1.corp", "2025-06-02T08:00:00Z", 2, 1),
        logon("corp\\anna", "WS2.corp", "2025-06-02T08:00:00Z", 2, 2),
    ];
    let theirs = vec![logon("corp\\jdoe", "ws1.corp", "2025-06-03T08:00:00Z", 3, 1)];
    assert_eq!(store.record(fixture.tenant, mine).await.unwrap().added, 2);
    assert_eq!(store.record(other, theirs).await.unwrap().added, 1);

    let jdoe = UserSelector { name: "jdoe".to_owned(), domain: None, accounts: None };
    let anna = UserSelector { name: "anna".to_owned(), domain: None, accounts: None };
    let scopes = [Groups::All, Groups::only([0, 1])].map(|groups| Scope::new(other, groups));
    for scope in &scopes {
        let totals = store.totals(scope).await.unwrap();
        assert_eq!(totals, Totals { machines: 1, accounts: 1, relations: 1 });
        let machines = store
            .machines(scope, MachineList::all(Page::ALL, Timestamp::MAX))
            .await
            .unwrap()
            .machines;
        assert_eq!(machines.len(), 1);
        // The other tenant has no rules.
        assert_eq!(
            (machines[0].computer_dns_name.as_str(), machines[0].rbac_group_id),
            ("ws1.corp", 0)
        );
        let found = store.machine(scope, &MachineSelector::Name("ws2".to_owned())).await.unwrap();
        assert_eq!(found, None);
        for (user, machines) in [(&jdoe, 1), (&anna, 0)] {
            let found = store.machines_of_user(scope, user, Window::ALL, Page::ALL).await.unwrap();
            assert_eq!(found.len(), machines);
        }
        // Both tenants know a machine of this id.
        let users = store.users_of_machine(scope, machines[0].id, Window::ALL).await.unwrap();
        assert_eq!(users.len(), 1);
        assert_eq!(users[0].relation.last_seen, time("2025-06-03T08:00:00Z"));
        let rules = named(Operator::Contains, "w");
        assert_eq!(store.preview(scope, &rules, 10).await.unwrap(), machines);
        let mut rows = 0;
        store
            .relations(scope, Window::ALL, &mut |_| {
                rows += 1;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(rows, 1);
    }
    // Rules and tags of one leave the machines of the other alone.
    let directory = Directory { device_groups: groups, ..Directory::default() };
    let id = store
        .machines(&scopes[0], MachineList::all(Page::ALL, Timestamp::MAX))
        .await
        .unwrap()
        .machines[0]
        .id;
    set_tags(&**store, &scopes[0], id, vec!["theirs".to_owned()]).await.unwrap();
    assert!(store.save_directory(other, 0, &directory).await.unwrap());
    let mut looked_at = 0;
    loop {
        let step = store.regroup(other, 1).await.unwrap();
        looked_at += step.machines;
        if step.finished {
            break;
        }
    }
    assert_eq!(looked_at, 1);
    assert_eq!(
        store
            .machines(&scopes[0], MachineList::all(Page::ALL, Timestamp::MAX))
            .await
            .unwrap()
            .machines[0]
            .rbac_group_id,
        1
    );
    let mine = store
        .machines(&fixture.scope(), MachineList::all(Page::ALL, Timestamp::MAX))
        .await
        .unwrap()
        .machines;
    assert!(mine.iter().all(|machine| machine.tags.is_empty() && machine.rbac_group_id == 1));
    assert_eq!(store.group_counts(other).await.unwrap().len(), 1);
}
