//! Where the inventory is kept, behind one object-safe trait.
//!
//! [`Store`] is named after what the program needs, not after tables. SQLite implements it today
//! ([`sqlite`]); PostgreSQL is to implement the same trait and pass the same tests.

pub mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use inventory::access::{App, CertificateAuthority, SigningKey, Tenant};
use inventory::account::Account;
use inventory::ids::{MachineId, TenantId};
use inventory::logon::Logon;
use inventory::machine::{Machine, MachineReport};
use inventory::query::{MachineSelector, Page, UserSelector, Window};
use inventory::relation::{MachineUser, Relation, UserMachine};
use inventory::time::{Day, Timestamp};
use uuid::Uuid;

/// What became of a batch of logons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Logons that were new.
    pub added: u64,
    /// Logons that the store already had.
    pub duplicates: u64,
}

/// How much a tenant's inventory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Machines.
    pub machines: u64,
    /// Accounts.
    pub accounts: u64,
    /// Relations between an account and a machine.
    pub relations: u64,
}

/// What a retention run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Logon events.
    pub events: u64,
    /// Relations of which nothing was left.
    pub relations: u64,
    /// Machines of which nothing was left.
    pub machines: u64,
    /// Accounts of which nothing was left.
    pub accounts: u64,
}

/// One relation as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationRow {
    /// Who.
    pub account: Account,
    /// Where: the machine's id.
    pub machine_id: MachineId,
    /// Where: the machine's name as last reported.
    pub computer_dns_name: String,
    /// First and last logon, types and count.
    pub relation: Relation,
}

/// Receives listed relations; an error of its own ends the listing.
pub type RelationVisitor<'a> = dyn FnMut(RelationRow) -> std::io::Result<()> + Send + 'a;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database URL is of no kind that is known.
    #[error("`{0}` is no database: write sqlite:PATH")]
    Url(String),
    /// There is no such database.
    #[error("there is no database {path}")]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// The file could not be opened or created.
    #[error("cannot open the database {path}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the operating system or SQLite said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is a database of another program.
    #[error("{path} is a database, but not one of Footfall")]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The database was written by a newer version of the program.
    #[error(
        "{path} was written by a newer Footfall: its schema is {found}, this program knows {known}; update the program"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The schema version that the file has.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// A statement failed.
    #[error("the database failed at: {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row holds what no version of the program writes.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The visitor of a listing failed.
    #[error("the listing was not taken")]
    Visitor(#[source] std::io::Error),
}

/// The inventory of all tenants, their apps and keys.
///
/// Every method is one transaction; a method that returns `Ok` has made its change durable.
#[async_trait]
pub trait Store: Send + Sync {
    /// A number that changes whenever the answer to any question could, in whichever process the
    /// change was made: at once for changes through this store, within a tenth of a millisecond
    /// for those of other processes. It is cheap enough to ask before each answer.
    fn version(&self) -> Result<u64, Error>;

    /// The tenant that exists in every store.
    async fn default_tenant(&self) -> Result<Tenant, Error>;

    /// Adds logons; those that the store already has change nothing but the precision of their
    /// time. The result does not depend on the order of logons or calls.
    async fn record(&self, tenant: TenantId, logons: Vec<Logon>) -> Result<Recorded, Error>;

    /// Takes machines' reports of themselves. Empty facts leave what is known; facts older than
    /// the last report fill gaps only.
    async fn describe(&self, tenant: TenantId, reports: Vec<MachineReport>) -> Result<(), Error>;

    /// Forgets every logon before a day, and the relations, machines and accounts of which
    /// nothing is left.
    async fn prune(&self, tenant: TenantId, before: Day) -> Result<Pruned, Error>;

    /// Counts what is kept.
    async fn totals(&self, tenant: TenantId) -> Result<Totals, Error>;

    /// Machines, last seen first, then by id.
    async fn machines(&self, tenant: TenantId, page: Page) -> Result<Vec<Machine>, Error>;

    /// One machine.
    async fn machine(
        &self,
        tenant: TenantId,
        machine: &MachineSelector,
    ) -> Result<Option<Machine>, Error>;

    /// The machines that a user logged on to, the machine last seen first, then by id. The
    /// relation is over every account that the selector means.
    async fn machines_of_user(
        &self,
        tenant: TenantId,
        user: &UserSelector,
        window: Window,
        page: Page,
    ) -> Result<Vec<UserMachine>, Error>;

    /// The accounts that logged on to a machine, last logon first, then by domain and name.
    async fn users_of_machine(
        &self,
        tenant: TenantId,
        machine: MachineId,
        window: Window,
    ) -> Result<Vec<MachineUser>, Error>;

    /// Lists every relation by user name, domain, machine name and id.
    async fn relations(
        &self,
        tenant: TenantId,
        window: Window,
        visit: &mut RelationVisitor<'_>,
    ) -> Result<(), Error>;

    /// Adds an app.
    async fn add_app(&self, tenant: TenantId, app: &App) -> Result<(), Error>;

    /// Every app, revoked ones too, by time of creation.
    async fn apps(&self, tenant: TenantId) -> Result<Vec<App>, Error>;

    /// One app, revoked or not.
    async fn app(&self, tenant: TenantId, client_id: Uuid) -> Result<Option<App>, Error>;

    /// Revokes an app; `false` when there is no such app. Revoking twice keeps the first time.
    async fn revoke_app(
        &self,
        tenant: TenantId,
        client_id: Uuid,
        at: Timestamp,
    ) -> Result<bool, Error>;

    /// The keys that tokens of the tenant may be signed with, the newest first.
    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, Error>;

    /// Keeps a tenant's first signing key. When another process was faster, its key stays and the
    /// new one is dropped; ask [`Store::signing_keys`] for the keys that hold.
    async fn add_first_signing_key(&self, tenant: TenantId, key: &SigningKey) -> Result<(), Error>;

    /// The authority of self-made certificates, where one was made.
    async fn certificate_authority(&self) -> Result<Option<CertificateAuthority>, Error>;

    /// Keeps the authority of self-made certificates, unless there is one already.
    async fn add_certificate_authority(
        &self,
        authority: &CertificateAuthority,
    ) -> Result<(), Error>;
}

/// Opens the store that a URL names (`sqlite:PATH`), creating it where it does not exist.
pub fn open(url: &str) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(sqlite::Sqlite::open(path_of(url)?)?))
}

/// Opens the store that a URL names, which must exist: for questions, where a mistyped path must
/// not look like an empty inventory.
pub fn open_existing(url: &str) -> Result<Arc<dyn Store>, Error> {
    let path = path_of(url)?;
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    open(url)
}

fn path_of(url: &str) -> Result<&Path, Error> {
    let path = url.strip_prefix("sqlite:").ok_or_else(|| Error::Url(url.to_owned()))?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(Error::Url(url.to_owned()));
    }
    Ok(Path::new(path))
}
