//! Administration: what may be changed about tenants, apps, operators, roles, groups, keys and nodes.
//!
//! The HTTP API (`admin`) and the command line are two faces of these operations. Each is checked
//! here, and each change, also one that was refused, leaves an entry in the audit: that is why
//! nothing else writes these things into the store. Every process on the same store sees a change
//! from its next request on.

pub mod apps;
pub mod arrangement;
pub mod certificate;
pub mod credentials;
pub mod device_groups;
pub mod identities;
pub mod invalid;
pub mod keys;
pub mod machines;
pub mod nodes;
pub mod operators;
pub mod people;
pub mod persons;
pub mod roles;
pub mod tenants;
pub mod user_groups;

mod directory;
mod redirect;

use std::net::IpAddr;
use std::time::Instant;

use inventory::access::audit::{Deed, Entry};
use inventory::access::directory::{Fault, Refused};
use inventory::access::{Tenant, audit};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use store::{EntryVisitor, Store};
use uuid::Uuid;

pub use self::directory::regroup;
pub use self::invalid::Invalid;
pub use self::operators::generated_password;
use crate::error::chain;
use crate::issuer::password;

/// Characters of what the audit says of a change at most.
const MAX_DETAIL_CHARS: usize = 1_000;

/// Who changes something, where and when.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The tenant whose administration it is.
    pub tenant: Tenant,
    /// Who.
    pub who: Who,
    /// From where, if over the network.
    pub address: Option<IpAddr>,
    /// The id that the audit and the answer share.
    pub correlation: Uuid,
    /// When.
    pub now: Timestamp,
}

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An app that acts for itself.
    App(Uuid),
    /// A person through an app.
    Person {
        /// The app.
        app: Uuid,
        /// The person, by name or id.
        name: String,
    },
    /// An operator, of their own account.
    Operator(String),
    /// A user of the machine's own system, at the command line.
    System(String),
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory would be what it must not be.
    #[error(transparent)]
    Directory(#[from] Refused),
    /// What was given makes no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It names what does not exist.
    #[error("there is no {what} `{name}`: `list` shows their names and ids")]
    Unknown {
        /// Of which kind.
        what: &'static str,
        /// Which one.
        name: String,
    },
    /// It names more than one.
    #[error("there are several {what}s `{name}`: name one by its id, which `list` shows")]
    Ambiguous {
        /// Of which kind.
        what: &'static str,
        /// Which name.
        name: String,
    },
    /// A name is taken.
    #[error("the {what} `{name}` exists already: choose another name")]
    Taken {
        /// Of which kind.
        what: &'static str,
        /// Which one.
        name: String,
    },
    /// A bound is reached.
    #[error("there are {most} {what} already, and no more are possible: remove one first")]
    TooMany {
        /// Of which kind, in the plural.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// A decision about who is who makes no sense.
    #[error(transparent)]
    Undecidable(#[from] identities::Undecidable),
    /// A decision about whose an account is makes no sense.
    #[error(transparent)]
    Unlinkable(#[from] persons::Unlinkable),
    /// The app was revoked.
    #[error("the app {0} was revoked, which is final: add another app")]
    Revoked(Uuid),
    /// An app that proves nothing of itself cannot have credentials.
    #[error("the app {0} is public, and what it held would be no secret: add a confidential app")]
    Public(Uuid),
    /// The password is not good enough or could not be hashed.
    #[error(transparent)]
    Password(#[from] password::Error),
    /// Others changed the same all the time.
    #[error("others are changing the same at this moment: try again")]
    Contended,
    /// The operating system gave no random bytes.
    #[error("no secret could be made: the system gave no random bytes")]
    Random,
    /// A key could not be made.
    #[error("no signing key could be made: {0}")]
    Key(String),
    /// The store failed.
    #[error("the database failed")]
    Store(#[from] store::Error),
}

impl Error {
    /// Whose fault it is; `None` for the server's.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Directory(refused) => Some(refused.fault()),
            Self::Invalid(_) | Self::Password(password::Error::Length) => Some(Fault::Invalid),
            Self::Unknown { .. } => Some(Fault::Unknown),
            Self::Ambiguous { .. }
            | Self::Taken { .. }
            | Self::TooMany { .. }
            | Self::Undecidable(_)
            | Self::Unlinkable(_)
            | Self::Revoked(_)
            | Self::Public(_)
            | Self::Password(password::Error::Busy)
            | Self::Contended => Some(Fault::Conflict),
            Self::Password(password::Error::Hash(_))
            | Self::Random
            | Self::Key(_)
            | Self::Store(_) => None,
        }
    }

    /// What a person can do about it, where the text says so: behind its last colon.
    pub fn advice(&self) -> Option<String> {
        self.fault()?;
        let text = self.to_string();
        let (_, advice) = text.rsplit_once(": ")?;
        // The colon may stand in a name, which is quoted.
        let is_whole = advice.matches('`').count() % 2 == 0;
        is_whole.then(|| advice.to_owned())
    }

    /// The HTTP status that says it.
    pub fn status(&self) -> u16 {
        match self.fault() {
            Some(Fault::Invalid) => 400,
            Some(Fault::Unknown) => 404,
            Some(Fault::Conflict) => 409,
            None => 500,
        }
    }
}

/// The administration of a tenant, by somebody.
#[derive(Clone, Copy)]
pub struct Administration<'a> {
    store: &'a dyn Store,
    actor: &'a Actor,
}

impl<'a> Administration<'a> {
    /// The administration of the actor's tenant. Whether they may administer it was decided before.
    pub fn new(store: &'a dyn Store, actor: &'a Actor) -> Self {
        Self { store, actor }
    }

    /// Reads the tenant's audit, the oldest entry first.
    pub async fn audit(
        &self,
        filter: audit::Filter,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<(), Error> {
        let filter = audit::Filter { tenant: Some(self.tenant()), ..filter };
        Ok(self.store.audit(&filter, visit).await?)
    }

    fn tenant(&self) -> TenantId {
        self.actor.tenant.number
    }

    fn now(&self) -> Timestamp {
        self.actor.now
    }

    /// Does something and records that it was done, or why not. `detail` is what it is done to,
    /// without secrets.
    async fn audited<T>(
        &self,
        operation: &str,
        detail: String,
        doing: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let done = doing.await;
        let (status, detail) = match &done {
            Ok(_) => (200, detail),
            Err(error) if error.fault().is_some() => {
                (error.status(), format!("{detail}: refused: {error}"))
            }
            Err(error) => (error.status(), format!("{detail}: failed: {}", chain(error))),
        };
        let (app, person) = match &self.actor.who {
            Who::App(app) => (Some(*app), None),
            Who::Person { app, name } => (Some(*app), Some(name.clone())),
            Who::Operator(name) | Who::System(name) => (None, Some(name.clone())),
        };
        let entry = Entry {
            time: self.now(),
            tenant: Some(self.tenant()),
            deed: Deed::Administration,
            correlation: self.actor.correlation,
            app,
            person,
            address: self.actor.address,
            operation: operation.to_owned(),
            detail: detail.chars().take(MAX_DETAIL_CHARS).collect(),
            status,
            rows: None,
            latency_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        self.store.append_audit(vec![entry]).await?;
        done
    }
}

/// A name in a refusal, cut to what is worth showing.
fn shown(name: &str) -> String {
    name.chars().take(invalid::MAX_NAME_CHARS).collect()
}
