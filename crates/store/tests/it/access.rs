//! Apps and keys.

use inventory::access::{
    App, CertificateAuthority, Credential, Permission, PrivateKey, Proof, SigningKey,
};
use uuid::Uuid;

use super::*;

pub(crate) fn app(name: &str) -> App {
    App {
        client_id: Uuid::new_v4(),
        name: name.to_owned(),
        permissions: vec![Permission::MachineReadAll, Permission::UserReadAll],
        credentials: vec![Credential {
            id: Uuid::from_u128(7),
            proof: Proof::Secret { sha256: [7; 32] },
            created: time("2025-06-02T08:00:00Z"),
            expires: None,
        }],
        is_public: false,
        redirect_uris: vec!["https://soc.example/back".to_owned()],
        consented: false,
        created: time("2025-06-02T08:00:00Z"),
        revoked: None,
    }
}

#[tokio::test]
async fn an_app_is_kept_found_and_revoked_once() {
    let fixture = Fixture::new().await;
    let (first, second) = (app("playbook"), app("hunting"));
    fixture.store.add_app(fixture.tenant, &first).await.unwrap();
    fixture.store.add_app(fixture.tenant, &second).await.unwrap();
    let other_tenant = TenantId(2);
    let find = async |tenant| fixture.store.app(tenant, first.client_id).await.unwrap();
    assert_eq!(find(fixture.tenant).await, Some(first.clone()));
    assert_eq!(find(other_tenant).await, None);

    let at = time("2025-06-03T08:00:00Z");
    let later = time("2025-06-04T08:00:00Z");
    let revoke = async |tenant, id, at| fixture.store.revoke_app(tenant, id, at).await.unwrap();
    assert!(!revoke(other_tenant, first.client_id, at).await);
    assert!(!revoke(fixture.tenant, Uuid::new_v4(), at).await);
    assert!(revoke(fixture.tenant, first.client_id, at).await);
    assert!(revoke(fixture.tenant, first.client_id, later).await);
    assert_eq!(find(fixture.tenant).await.unwrap().revoked, Some(at));
    assert_eq!(fixture.store.apps(fixture.tenant).await.unwrap().len(), 2);
    assert_eq!(fixture.store.apps(other_tenant).await.unwrap(), []);
}

#[tokio::test]
async fn the_first_key_and_the_first_authority_stay() {
    let fixture = Fixture::new().await;
    let key = |kid: &str| SigningKey {
        kid: kid.to_owned(),
        key: PrivateKey(kid.as_bytes().to_vec()),
        created: time("2025-06-02T08:00:00Z"),
        verifies_until: None,
    };
    fixture.store.add_first_signing_key(fixture.tenant, &key("one")).await.unwrap();
    fixture.again().add_first_signing_key(fixture.tenant, &key("two")).await.unwrap();
    assert_eq!(fixture.store.signing_keys(fixture.tenant).await.unwrap(), [key("one")]);
    assert_eq!(format!("{:?}", key("one").key), "PrivateKey(***)");

    let authority = |name: &str| CertificateAuthority {
        certificate_pem: name.to_owned(),
        key: PrivateKey(vec![1, 2, 3]),
    };
    assert_eq!(fixture.store.certificate_authority().await.unwrap(), None);
    fixture.store.add_certificate_authority(&authority("one")).await.unwrap();
    fixture.store.add_certificate_authority(&authority("two")).await.unwrap();
    let kept = fixture.store.certificate_authority().await.unwrap();
    assert_eq!(kept, Some(authority("one")));
}

#[tokio::test]
async fn an_app_is_saved_but_for_its_id_and_revocation_and_found_in_any_tenant() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let other = store.add_tenant(Uuid::new_v4(), "Other", &[]).await.unwrap().unwrap().number;
    let mut kept = app("playbook");
    store.add_app(other, &kept).await.unwrap();
    let at = time("2025-06-03T08:00:00Z");
    let before = kept.clone();
    store.revoke_app(other, kept.client_id, at).await.unwrap();
    let known = store.app(other, kept.client_id).await.unwrap().unwrap();
    kept.credentials = vec![
        Credential {
            id: Uuid::from_u128(8),
            proof: Proof::Certificate { der: vec![0x30, 0x82, 0] },
            created: at,
            expires: Some(time("2026-06-03T08:00:00Z")),
        },
        Credential {
            id: Uuid::from_u128(9),
            proof: Proof::Federated {
                issuer: "https://issuer.example".to_owned(),
                subject: "repo:x".to_owned(),
                audience: "api://x".to_owned(),
            },
            created: at,
            expires: None,
        },
    ];
    kept.name = "hunting".to_owned();
    kept.permissions = vec![Permission::AdminReadWrite];
    kept.is_public = true;
    kept.consented = true;
    kept.redirect_uris = Vec::new();
    assert!(!store.save_app(fixture.tenant, &known, &kept).await.unwrap());
    assert!(!store.save_app(other, &before, &kept).await.unwrap(), "it was revoked since");
    assert!(store.save_app(other, &known, &kept).await.unwrap());
    kept.revoked = Some(at);
    assert_eq!(store.find_app(kept.client_id).await.unwrap(), Some((other, kept)));
    assert_eq!(store.find_app(Uuid::from_u128(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_key_signs_and_those_before_it_are_believed_for_a_while() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, fixture.tenant);
    let key = |kid: &str, created| SigningKey {
        kid: kid.to_owned(),
        key: PrivateKey(kid.as_bytes().to_vec()),
        created: time(created),
        verifies_until: None,
    };
    let (soon, later) = (time("2025-06-05T00:00:00Z"), time("2025-06-09T00:00:00Z"));
    store.add_first_signing_key(tenant, &key("one", "2025-06-02T08:00:00Z")).await.unwrap();
    store.rotate_signing_key(tenant, &key("two", "2025-06-03T08:00:00Z"), soon).await.unwrap();
    // The clock of another replica is behind.
    let third = key("three", "2025-06-01T08:00:00Z");
    fixture.again().rotate_signing_key(tenant, &third, later).await.unwrap();
    let keys = store.signing_keys(tenant).await.unwrap();
    let found: Vec<_> = keys.iter().map(|key| (key.kid.as_str(), key.verifies_until)).collect();
    assert_eq!(found, [("three", None), ("two", Some(later)), ("one", Some(soon))]);
    assert_eq!(store.signing_keys(TenantId(2)).await.unwrap(), []);
}
