//! Apps and keys.

use inventory::access::{App, CertificateAuthority, Permission, PrivateKey, SigningKey};
use uuid::Uuid;

use super::*;

fn app(name: &str) -> App {
    App {
        client_id: Uuid::new_v4(),
        name: name.to_owned(),
        permissions: vec![Permission::MachineReadAll, Permission::UserReadAll],
        secret_sha256: [7; 32],
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
