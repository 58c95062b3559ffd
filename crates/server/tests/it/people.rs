//! People, their groups and roles, and tokens that speak for them.

use inventory::access::directory::Directory;
use inventory::access::operator::{Operator, PasswordHash};
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use serde_json::{Value, json};

use uuid::Uuid;

use crate::harness::{NewApp, Server};

/// Every delegated permission of the vendor's API.
pub(crate) const EVERY_SCOPE: &str = "Machine.ReadWrite User.Read.All Alert.Read";

/// Whether an operator is an administrator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rank {
    Administrator,
    Ordinary,
}

/// A later moment, whole seconds on.
pub(crate) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_ticks(time.ticks() + seconds * TICKS_PER_SECOND).unwrap()
}

impl Server {
    /// Adds an operator.
    pub(crate) async fn operator(&self, user_name: &str, rank: Rank) -> Operator {
        let now = self.now();
        let operator = Operator {
            id: Uuid::new_v4(),
            user_name: user_name.to_owned(),
            display_name: user_name.to_owned(),
            // No password has this hash; nobody signs in here.
            password: PasswordHash("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA".to_owned()),
            totp: None,
            is_administrator: rank == Rank::Administrator,
            created: now,
            disabled: None,
            tokens_valid_from: now,
            failures: 0,
            locked_until: None,
        };
        assert!(self.store.add_operator(self.tenant.number, &operator).await.unwrap());
        operator
    }

    /// Changes the tenant's directory and puts its machines where the rules say.
    pub(crate) async fn change_directory(&self, change: impl FnOnce(&mut Directory)) {
        let number = self.tenant.number;
        let mut kept = self.store.directory(number).await.unwrap();
        change(&mut kept.directory);
        let generation = kept.generation;
        assert!(self.store.save_directory(number, generation, &kept.directory).await.unwrap());
        while !self.store.regroup(number, 10_000).await.unwrap().finished {}
    }

    /// Claims of a good token of an app for an operator, to be bent.
    pub(crate) fn person_claims(&self, app: &NewApp, operator: Uuid, scopes: &str) -> Value {
        let mut claims = self.claims(app);
        claims.as_object_mut().unwrap().remove("roles");
        claims["scp"] = json!(scopes);
        // As `Operator::issue_time_s` has it for somebody who was added at this half second.
        claims["iat"] = json!(self.now().seconds() + 1);
        claims["oid"] = json!(operator);
        claims["uti"] = json!(Uuid::new_v4().to_string());
        claims
    }

    /// A token of a new app for an operator.
    pub(crate) async fn person_token(&self, operator: Uuid, scopes: &str) -> String {
        let app = self.app(&[]).await;
        self.mint(&self.person_claims(&app, operator, scopes)).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        server::clock::Clock::now(&*self.clock)
    }
}
