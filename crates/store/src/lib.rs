//! Where the inventory is kept, behind one object-safe trait.
//!
//! [`Store`] is named after what the program needs, not after tables. SQLite implements it today
//! ([`sqlite`]); PostgreSQL is to implement the same trait and pass the same tests.

mod batch;
mod delivery;
mod error;
mod following;
mod identities;
mod outcome;
mod persons;
pub mod sqlite;
mod sync;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use inventory::access::audit::{Entry, Filter};
use inventory::access::directory::Directory;
use inventory::access::operator::Operator;
use inventory::access::scope::Scope;
use inventory::access::ticket::{Ticket, TicketKind, TicketsOf};
use inventory::access::{App, CertificateAuthority, SigningKey, Tenant};
use inventory::account::Account;
use inventory::change::{Author, MachineChange};
use inventory::identity::Decision;
use inventory::ids::{MachineId, TenantId};
use inventory::logon::Logon;
use inventory::machine::{Machine, MachineReport};
use inventory::node::{EnrollSecret, Enrollment, Node, Sighting};
use inventory::person::IdentityReport;
use inventory::query::{
    AccountKey, Listed, ListedUsers, MachineList, MachineSelector, Page, PresenceOf, UpnLookup,
    UserList, UserSelector, Window,
};
use inventory::relation::{MachineUser, Remotes, UserMachine};
use inventory::session::{Presence, SessionEvent};
use inventory::time::{Day, Timestamp};
use uuid::Uuid;

pub use self::batch::LogonBatch;
pub use self::delivery::{Counts, Delivery, Sender, SenderKey};
pub use self::error::Error;
pub use self::following::Followed;
pub use self::identities::{Identities, Lookalike, MachineRecord};
pub use self::outcome::{
    Enrolled, Forgotten, GroupCount, KeptDirectory, Pruned, Recorded, Regrouped, RelationRow,
    Totals,
};
pub use self::persons::{Namesake, PersonAccount, PersonDecision};
pub use self::sync::{
    Admission, CallLimit, SyncMachine, SyncOutcome, SyncProgress, SyncSource, SyncStore, SyncWalk,
};

/// How a store is to behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How long one question may take, which then ends with [`Error::TooLong`]; `None` for no limit.
    pub longest_question: Option<Duration>,
}

/// Whose names are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesOf {
    /// Names of accounts, without their domains.
    Users,
    /// Names of machines, full and short.
    Machines,
}

/// Receives entries of the audit; an error of its own ends the reading.
pub type EntryVisitor<'a> = dyn FnMut(Entry) -> std::io::Result<()> + Send + 'a;

/// Receives listed relations; an error of its own ends the listing.
pub type RelationVisitor<'a> = dyn FnMut(RelationRow) -> std::io::Result<()> + Send + 'a;

/// The inventory of all tenants, their apps and keys.
///
/// Every method is one transaction; a method that returns `Ok` has made its change durable.
#[async_trait]
pub trait Store: SyncStore + Send + Sync {
    /// A number that changes whenever the answer to any question could, in whichever process the
    /// change was made: at once for changes through this store, within a tenth of a millisecond
    /// for those of other processes. It is cheap enough to ask before each answer.
    fn version(&self) -> Result<u64, Error>;

    /// A number that changes whenever a token could mean something else than before: with tenants,
    /// apps, operators, keys, directories and revocations, but not with telemetry. Asked only when
    /// [`Store::version`] has changed.
    fn access_version(&self) -> Result<u64, Error>;

    /// The tenant that exists in every store.
    async fn default_tenant(&self) -> Result<Tenant, Error>;

    /// Every tenant, by number.
    async fn tenants(&self) -> Result<Vec<Tenant>, Error>;

    /// Adds a tenant and gives it its number; `None` when its id, its name or one of its domains
    /// is taken.
    async fn add_tenant(
        &self,
        id: Uuid,
        name: &str,
        domains: &[String],
    ) -> Result<Option<Tenant>, Error>;

    /// Gives a tenant another name and other domains; `false` when there is no such tenant or one
    /// of the names is taken.
    async fn rename_tenant(
        &self,
        tenant: TenantId,
        name: &str,
        domains: &[String],
    ) -> Result<bool, Error>;

    /// Adds logons; those that the store already has change nothing but the precision of their
    /// time. The result does not depend on the order of logons or calls.
    async fn record(&self, tenant: TenantId, logons: Vec<Logon>) -> Result<Recorded, Error> {
        self.record_batch(tenant, LogonBatch::from(logons.as_slice())).await
    }

    /// The same for logons that were gathered before.
    async fn record_batch(&self, tenant: TenantId, batch: LogonBatch) -> Result<Recorded, Error>;

    /// Takes machines' reports of themselves. Empty facts leave what is known; facts older than
    /// the last report fill gaps only.
    async fn describe(&self, tenant: TenantId, reports: Vec<MachineReport>) -> Result<(), Error>;

    /// Takes what happened to sessions. It makes no machine and no account, and may come before the
    /// logons; the result does not depend on the order of calls.
    async fn note_sessions(&self, tenant: TenantId, events: Vec<SessionEvent>)
    -> Result<(), Error>;

    /// Takes what senders sent, all of it in one transaction; what became of the logons of each. Once
    /// it returns, all of it is durable.
    async fn deliver(&self, deliveries: Arc<[Delivery]>) -> Result<Vec<Recorded>, Error>;

    /// Every sender of a tenant, by kind and name.
    async fn senders(&self, tenant: TenantId) -> Result<Vec<Sender>, Error>;

    /// How far what is followed was read.
    async fn followed(&self, tenant: TenantId) -> Result<Vec<Followed>, Error>;

    /// Keeps how far what is followed was read. What was not kept for more than a year is forgotten.
    async fn keep_followed(&self, tenant: TenantId, followed: Vec<Followed>) -> Result<(), Error>;

    /// Forgets every logon before a day, and the relations, machines and accounts of which
    /// nothing is left.
    async fn prune(&self, tenant: TenantId, before: Day) -> Result<Pruned, Error>;

    /// Erases the accounts that a selector means with all that is known of them, and the machines of
    /// which nothing else is known.
    async fn forget(&self, tenant: TenantId, user: &UserSelector) -> Result<Forgotten, Error>;

    /// Puts a pseudonym in the place of a name, which is folded, in a tenant's audit; the number of
    /// entries that held it.
    async fn pseudonymise_audit(
        &self,
        tenant: TenantId,
        name: &str,
        pseudonym: &str,
    ) -> Result<u64, Error>;

    /// Keeps what directories and identity providers say of accounts, and when; how much was new. What
    /// says only one thing of an account is passed over.
    async fn identify(
        &self,
        tenant: TenantId,
        reports: Vec<(IdentityReport, Timestamp)>,
    ) -> Result<u64, Error>;

    /// The accounts of the person that a text names by an identifier, else of the people who have an
    /// account of a user's name.
    async fn person(
        &self,
        tenant: TenantId,
        text: &str,
        user: Option<&UserSelector>,
    ) -> Result<Vec<PersonAccount>, Error>;

    /// The accounts that a text names by itself, not those of the same person.
    async fn accounts(
        &self,
        tenant: TenantId,
        text: &str,
        user: Option<&UserSelector>,
    ) -> Result<Vec<AccountKey>, Error>;

    /// Keeps what somebody decided of accounts; all of it or nothing.
    async fn decide_persons(
        &self,
        tenant: TenantId,
        decisions: Vec<(AccountKey, PersonDecision)>,
        author: Author,
    ) -> Result<(), Error>;

    /// The user names that more than one account has, and how many have each.
    async fn shared_names(&self, tenant: TenantId) -> Result<HashMap<String, u64>, Error>;

    /// Names, folded, whose length is within bounds, at most so many: for a guess at what a person meant.
    async fn names(
        &self,
        tenant: TenantId,
        of: NamesOf,
        chars: RangeInclusive<usize>,
        most: usize,
    ) -> Result<Vec<String>, Error>;

    /// The accounts that a user's name means in any of its forms: a SID its own, `DOMAIN\name` those of
    /// the domain, `name@realm` those of the realm where it is known; else everybody of the name, as far
    /// as `upn` lets a realm mean that. `None` when it can mean nobody (docs/adr/0007-accounts.md).
    async fn meant(
        &self,
        scope: &Scope,
        text: &str,
        upn: UpnLookup,
    ) -> Result<Option<UserSelector>, Error>;

    /// Every account that has the bare name of a user, those that the user means first, each with how
    /// many machines it was on.
    async fn namesakes(
        &self,
        scope: &Scope,
        user: &UserSelector,
        window: Window,
    ) -> Result<Vec<Namesake>, Error>;

    /// Counts what is in a scope: its machines, and the accounts and relations on them.
    async fn totals(&self, scope: &Scope) -> Result<Totals, Error>;

    /// The machines of a list.
    async fn machines(&self, scope: &Scope, list: MachineList) -> Result<Listed, Error>;

    /// How many machines a list has in all, whatever its page.
    async fn count_machines(&self, scope: &Scope, list: MachineList) -> Result<u64, Error>;

    /// The users of a list: accounts that logged on to a machine of the scope.
    async fn users(&self, scope: &Scope, list: UserList) -> Result<ListedUsers, Error>;

    /// How many users a list has in all, whatever its page.
    async fn count_users(&self, scope: &Scope, list: UserList) -> Result<u64, Error>;

    /// The machines of each of some accounts, the machine last seen first, then by id.
    async fn machines_of_accounts(
        &self,
        scope: &Scope,
        accounts: Vec<Account>,
        window: Window,
    ) -> Result<Vec<Vec<UserMachine>>, Error>;

    /// From where accounts came to machines, for each pair.
    async fn remotes(
        &self,
        scope: &Scope,
        relations: Vec<(Account, MachineId)>,
        window: Window,
    ) -> Result<Vec<Remotes>, Error>;

    /// One machine.
    async fn machine(
        &self,
        scope: &Scope,
        machine: &MachineSelector,
    ) -> Result<Option<Machine>, Error>;

    /// The machines that a user logged on to, the machine last seen first, then by id. The
    /// relation is over every account that the selector means.
    async fn machines_of_user(
        &self,
        scope: &Scope,
        user: &UserSelector,
        window: Window,
        page: Page,
    ) -> Result<Vec<UserMachine>, Error>;

    /// The accounts that logged on to a machine, last logon first, then by domain and name.
    async fn users_of_machine(
        &self,
        scope: &Scope,
        machine: MachineId,
        window: Window,
    ) -> Result<Vec<MachineUser>, Error>;

    /// The sessions that were there at a moment, the last begun first (`inventory::session::at`).
    async fn presences(
        &self,
        scope: &Scope,
        of: &PresenceOf,
        moment: Timestamp,
    ) -> Result<Vec<Presence>, Error>;

    /// Lists every relation by user name, domain, machine name and id.
    async fn relations(
        &self,
        scope: &Scope,
        window: Window,
        visit: &mut RelationVisitor<'_>,
    ) -> Result<(), Error>;

    /// Changes those of some machines that the scope shows, all of them or none, and keeps who changed
    /// what. Gives them as they are now, in the order in which they were named; their device groups
    /// follow.
    async fn change_machines(
        &self,
        scope: &Scope,
        machines: Vec<MachineId>,
        changes: Vec<MachineChange>,
        author: Author,
    ) -> Result<Vec<Machine>, Error>;

    /// Why a machine is one: its records, what they share, and what a person decided. `None` for one
    /// that the scope does not show.
    async fn identities(
        &self,
        scope: &Scope,
        machine: &MachineSelector,
    ) -> Result<Option<Identities>, Error>;

    /// Keeps what a person decided about records, by their ids, and joins and parts machines
    /// accordingly; all of it or nothing. `false` when one of the records is not known.
    async fn decide_identities(
        &self,
        scope: &Scope,
        decisions: Vec<(MachineId, Decision)>,
        author: Author,
    ) -> Result<bool, Error>;

    /// A tenant's user groups, roles and device groups.
    async fn directory(&self, tenant: TenantId) -> Result<KeptDirectory, Error>;

    /// Replaces a tenant's directory, if its generation is still the one that was read; `false`
    /// when somebody else was faster. Machines follow new rules by [`Store::regroup`].
    async fn save_directory(
        &self,
        tenant: TenantId,
        generation: i64,
        directory: &Directory,
    ) -> Result<bool, Error>;

    /// Puts up to `most` machines into the device groups that the rules say now, going on where
    /// the last step ended, in whichever process that was. New and changed machines need no step:
    /// they are put into their groups when they are recorded.
    async fn regroup(&self, tenant: TenantId, most: u64) -> Result<Regrouped, Error>;

    /// The first machines, by name, that rules would match, at most `most`; the rules need not be
    /// saved. Ranks do not count.
    async fn preview(
        &self,
        scope: &Scope,
        rules: &inventory::access::device_group::Rules,
        most: usize,
    ) -> Result<Vec<Machine>, Error>;

    /// How many machines are in each device group that has any.
    async fn group_counts(&self, tenant: TenantId) -> Result<Vec<GroupCount>, Error>;

    /// Adds an operator; `false` when the user name is taken.
    async fn add_operator(&self, tenant: TenantId, operator: &Operator) -> Result<bool, Error>;

    /// Replaces what is kept of an operator but for the count of failures and the lock, if the rest
    /// is still as it is `known`; `false`, and nothing is changed, when it is not or the user name is
    /// taken.
    async fn save_operator(
        &self,
        tenant: TenantId,
        known: &Operator,
        operator: &Operator,
    ) -> Result<bool, Error>;

    /// Removes an operator and all their tickets.
    async fn remove_operator(&self, tenant: TenantId, id: Uuid) -> Result<bool, Error>;

    /// Every operator, by user name.
    async fn operators(&self, tenant: TenantId) -> Result<Vec<Operator>, Error>;

    /// One operator.
    async fn operator(&self, tenant: TenantId, id: Uuid) -> Result<Option<Operator>, Error>;

    /// The operator of a user name, which is folded.
    async fn operator_named(
        &self,
        tenant: TenantId,
        user_name: &str,
    ) -> Result<Option<Operator>, Error>;

    /// Sets an operator's count of failed sign-ins and the lock that follows, if the count is still
    /// `seen`; `false` when another sign-in was faster.
    async fn note_sign_in(
        &self,
        tenant: TenantId,
        id: Uuid,
        seen: u32,
        failures: u32,
        locked_until: Option<Timestamp>,
    ) -> Result<bool, Error>;

    /// Keeps a ticket; `false`, and nothing is changed, when one of its kind and key is there and
    /// has not expired.
    async fn add_ticket(
        &self,
        tenant: TenantId,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// A ticket that has not expired.
    async fn ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        key: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Ticket>, Error>;

    /// Takes a ticket away; of several who ask at once, one gets it.
    async fn take_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        key: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Ticket>, Error>;

    /// Replaces a ticket's data, operator and expiry, if its data is still `seen`; `false` when
    /// there is no such ticket or somebody else was faster.
    async fn change_ticket(
        &self,
        tenant: TenantId,
        seen: &str,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<bool, Error>;

    /// Revokes tickets; the number of those that were there.
    async fn revoke_tickets(&self, tenant: TenantId, of: TicketsOf) -> Result<u64, Error>;

    /// Forgets tickets that have expired.
    async fn forget_tickets(&self, now: Timestamp) -> Result<u64, Error>;

    /// Adds entries to the audit, durably.
    async fn append_audit(&self, entries: Vec<Entry>) -> Result<(), Error>;

    /// Reads the audit, the oldest entry first.
    async fn audit(&self, filter: &Filter, visit: &mut EntryVisitor<'_>) -> Result<(), Error>;

    /// Forgets entries of the audit from before a moment; the number of those.
    async fn prune_audit(&self, before: Timestamp) -> Result<u64, Error>;

    /// Adds an app.
    async fn add_app(&self, tenant: TenantId, app: &App) -> Result<(), Error>;

    /// Every app, revoked ones too, by time of creation.
    async fn apps(&self, tenant: TenantId) -> Result<Vec<App>, Error>;

    /// One app, revoked or not.
    async fn app(&self, tenant: TenantId, client_id: Uuid) -> Result<Option<App>, Error>;

    /// The app of a client id, in whichever tenant it is.
    async fn find_app(&self, client_id: Uuid) -> Result<Option<(TenantId, App)>, Error>;

    /// Replaces what is kept of an app but for its id and revocation, if it is still as it is
    /// `known`; `false`, and nothing is changed, when it is not.
    async fn save_app(&self, tenant: TenantId, known: &App, app: &App) -> Result<bool, Error>;

    /// Revokes an app; `false` when there is no such app. Revoking twice keeps the first time.
    async fn revoke_app(
        &self,
        tenant: TenantId,
        client_id: Uuid,
        at: Timestamp,
    ) -> Result<bool, Error>;

    /// The keys that tokens of the tenant may be signed with, the newest first, those that are
    /// believed no more among them.
    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, Error>;

    /// Keeps a tenant's first signing key. When another process was faster, its key stays and the
    /// new one is dropped; ask [`Store::signing_keys`] for the keys that hold.
    async fn add_first_signing_key(&self, tenant: TenantId, key: &SigningKey) -> Result<(), Error>;

    /// Adds a key that signs from now on. Keys that signed before it are believed until
    /// `others_until`, unless that is settled for them already and comes sooner.
    async fn rotate_signing_key(
        &self,
        tenant: TenantId,
        key: &SigningKey,
        others_until: Timestamp,
    ) -> Result<(), Error>;

    /// The authority of self-made certificates, where one was made.
    async fn certificate_authority(&self) -> Result<Option<CertificateAuthority>, Error>;

    /// Keeps the authority of self-made certificates, unless there is one already.
    async fn add_certificate_authority(
        &self,
        authority: &CertificateAuthority,
    ) -> Result<(), Error>;

    /// Keeps a secret with which machines enroll; `false` when one of its name is in force.
    async fn add_enroll_secret(
        &self,
        tenant: TenantId,
        secret: &EnrollSecret,
        sha256: [u8; 32],
    ) -> Result<bool, Error>;

    /// Every secret with which machines enroll, the revoked ones too.
    async fn enroll_secrets(&self, tenant: TenantId) -> Result<Vec<EnrollSecret>, Error>;

    /// Ends the secret of a name; `false` when none is in force.
    async fn revoke_enroll_secret(
        &self,
        tenant: TenantId,
        name: &str,
        at: Timestamp,
    ) -> Result<bool, Error>;

    /// The tenant and name of the secret with a hash, if it is in force.
    async fn find_enroll_secret(
        &self,
        sha256: [u8; 32],
    ) -> Result<Option<(TenantId, String)>, Error>;

    /// Enrolls a machine with the key of a hash. A machine that is known, by its hardware or else by
    /// the identifier that it has, keeps its place and gets the new key.
    async fn enroll_node(
        &self,
        tenant: TenantId,
        enrollment: &Enrollment,
        secret: &str,
        key: [u8; 32],
        at: Timestamp,
    ) -> Result<Enrolled, Error>;

    /// The enrolled machine whose key has a hash; nobody's that was revoked.
    async fn node_of_key(&self, key: [u8; 32]) -> Result<Option<(TenantId, Node)>, Error>;

    /// Every machine that enrolled, by name.
    async fn nodes(&self, tenant: TenantId) -> Result<Vec<Node>, Error>;

    /// Hears a machine no more, and does not let it enroll again; `false` when there is no such one.
    async fn revoke_node(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Result<bool, Error>;

    /// Forgets a machine that enrolled, which may enroll anew; `false` when there is no such one.
    async fn remove_node(&self, tenant: TenantId, id: Uuid) -> Result<bool, Error>;

    /// Asks one machine, or each that is not revoked, who is logged on; how many were asked.
    async fn ask_nodes(
        &self,
        tenant: TenantId,
        id: Option<Uuid>,
        at: Timestamp,
    ) -> Result<u64, Error>;

    /// A machine answered what it was asked at a moment.
    async fn node_answered(
        &self,
        tenant: TenantId,
        id: Uuid,
        asked: Timestamp,
    ) -> Result<(), Error>;

    /// Notes when machines were heard of.
    async fn note_nodes(&self, sightings: Vec<(TenantId, Sighting)>) -> Result<(), Error>;
}

/// Opens the store that a URL names (`sqlite:PATH`), creating it where it does not exist.
pub fn open(url: &str) -> Result<Arc<dyn Store>, Error> {
    open_with(url, Settings::default())
}

/// The same, told how to behave.
pub fn open_with(url: &str, settings: Settings) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(sqlite::Sqlite::open(path_of(url)?, settings)?))
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

/// Opens a demo's inventory, made and marked where there is none; see [`check_demo`].
pub fn open_demo(url: &str, settings: Settings) -> Result<Arc<dyn Store>, Error> {
    check_demo(url)?;
    sqlite::demo::mark(path_of(url)?)?;
    open_with(url, settings)
}

/// [`Error::NotDemo`] for an inventory that exists without the mark of a demo's. It is not touched.
pub fn check_demo(url: &str) -> Result<(), Error> {
    let path = path_of(url)?;
    match sqlite::demo::is_marked(path)? {
        Some(false) => Err(Error::NotDemo { path: path.to_owned() }),
        Some(true) | None => Ok(()),
    }
}

fn path_of(url: &str) -> Result<&Path, Error> {
    let path = url.strip_prefix("sqlite:").ok_or_else(|| Error::Url(url.to_owned()))?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(Error::Url(url.to_owned()));
    }
    Ok(Path::new(path))
}
