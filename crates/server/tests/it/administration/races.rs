//! Changes of one thing at the same moment: none undoes another.

use std::sync::Arc;

use axum::http::Method;
use inventory::access::Permission;
use serde_json::{Value, json};
use server::administration::operators::{Entry, OperatorChange};
use server::administration::{Administration, Error};

use super::{Pair, done, read};
use crate::harness::actor;
use crate::people::Rank;

#[tokio::test]
async fn credentials_that_are_added_at_once_are_all_there() {
    let pair = Pair::start().await;
    let token = pair.app_token().await;
    let new = json!({"name": "x", "permissions": []});
    let app = done(&pair.one, &token, Method::POST, "apps", new).await;
    let path = format!("apps/{}", app["clientId"].as_str().unwrap());
    let add = async |server| {
        let path = format!("{path}/secrets");
        done(server, &token, Method::POST, &path, json!({})).await["id"].clone()
    };
    let (one, other) = (&pair.one, &pair.other);
    let (a, b, c, d) = tokio::join!(add(one), add(other), add(one), add(other));
    let change = json!({"name": "y"});
    let remove = format!("{path}/credentials/{}", a.as_str().unwrap());
    let (e, _, _) = tokio::join!(
        add(one),
        done(other, &token, Method::DELETE, &remove, Value::Null),
        done(one, &token, Method::PATCH, &path, change),
    );
    let kept = read(other, &token, &path).await;
    assert_eq!(kept["name"], "y");
    let ids: Vec<_> = kept["credentials"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    for added in [&b, &c, &d, &e] {
        assert!(ids.contains(&added), "{added} in {kept}");
    }
    assert_eq!(ids.len(), 4, "the one that was removed stays so: {kept}");
}

/// A new password is hashed for a while; who is shut out meanwhile stays out.
#[tokio::test]
async fn who_is_shut_out_while_they_change_their_password_stays_out() {
    let pair = Pair::start().await;
    for round in 0..4 {
        let name = format!("anna{round}");
        let anna = pair.one.operator(&name, Rank::Ordinary).await;
        let tenant = &pair.one.tenant;
        let stores = [Arc::clone(&pair.one.store), Arc::clone(&pair.other.store)];
        let actor = actor(tenant, pair.one.now());
        let hers = Administration::new(&*stores[0], &actor);
        let ours = Administration::new(&*stores[1], &actor);
        let shut = OperatorChange { entry: Some(Entry::Disabled), ..OperatorChange::default() };
        let (password, disabled) =
            tokio::join!(hers.set_password(&name, "correct horse battery"), async {
                tokio::time::sleep(std::time::Duration::from_millis(5 * round)).await;
                ours.change_operator(&name, shut).await
            },);
        password.unwrap();
        disabled.unwrap();
        let kept = pair.one.store.operator(tenant.number, anna.id).await.unwrap().unwrap();
        assert!(kept.disabled.is_some());
        assert_ne!(kept.password, anna.password);
    }
}

#[tokio::test]
async fn an_app_that_is_revoked_gets_no_credentials_at_the_same_moment() {
    let pair = Pair::start().await;
    let app = pair.one.app(&[Permission::MachineReadAll]).await;
    let actor = actor(&pair.one.tenant, pair.one.now());
    let one = Administration::new(&*pair.one.store, &actor);
    let other = Administration::new(&*pair.other.store, &actor);
    let (revoked, added) =
        tokio::join!(one.revoke_app(app.client_id), other.add_secret(app.client_id, None));
    revoked.unwrap();
    // Before it or not at all.
    let kept = one.app(app.client_id).await.unwrap();
    assert!(kept.revoked.is_some());
    match added {
        Ok(_) => assert_eq!(kept.credentials.len(), 2),
        Err(error) => assert!(matches!(error, Error::Revoked(_)), "{error}"),
    }
}
