//! The inventory in one SQLite file, and the audit in another beside it.
//!
//! One connection writes, several read; WAL lets both go on at once, in this process and in
//! others (an import beside a server). Statements run on tokio's blocking threads, except the
//! questions that take less time than to change the thread.
//!
//! `connections` and `schema` open files; `deadline` ends what takes too long. `read` holds the
//! questions, each behind what its scope shows (`read::visible`), those about lists with conditions
//! from `read::condition`. `record` folds telemetry, `sessions` keeps what bounds it, `addresses` when
//! machines had which, `identity` says which records are one machine, `groups` keeps machines in their
//! device groups, `persons` which accounts are one person's, `senders` who sends while it happens,
//! `following` how far logs that are followed were read, `sync` how far other servers are, `demo` marks a demo's inventory, `prune` is
//! retention, `forget` erases a person. `tenants`, `apps`, `keys`, `operators`, `tickets` and `directory`
//! are who may ask, `nodes` machines that report by themselves; `audit` is who did. `naming` says which names
//! there are, `known` remembers numbers of names for `record`, and `rows` writes many rows at once.

mod addresses;
mod apps;
mod audit;
mod changes;
mod connections;
mod deadline;
pub(crate) mod demo;
mod directory;
mod failure;
mod following;
mod forget;
mod functions;
mod groups;
mod identity;
mod keys;
mod known;
mod naming;
mod nodes;
mod operators;
mod persons;
mod prune;
mod read;
mod record;
mod rows;
mod schema;
mod senders;
mod sessions;
mod sync;
mod tags;
mod tenants;
mod tickets;
mod times;
mod values;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use inventory::access::audit::{Entry, Filter};
use inventory::access::device_group::Rules;
use inventory::access::directory::Directory;
use inventory::access::operator::Operator;
use inventory::access::scope::Scope;
use inventory::access::ticket::{Ticket, TicketKind, TicketsOf};
use inventory::access::{App, CertificateAuthority, SigningKey, Tenant};
use inventory::account::Account;
use inventory::change::{Author, MachineChange};
use inventory::identity::Decision;
use inventory::ids::{MachineId, TenantId};
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
use rusqlite::Connection;
use tokio::sync::mpsc;
use uuid::Uuid;

use self::connections::{Connections, visited};
use self::failure::{Failure, failed};
use self::read::visible::Visible;
use self::read::{list, presence, remotes, users};
use crate::{
    Delivery, Enrolled, EntryVisitor, Error, Followed, Forgotten, GroupCount, Identities,
    KeptDirectory, LogonBatch, NamesOf, Namesake, PersonAccount, PersonDecision, Pruned, Recorded,
    Regrouped, RelationVisitor, Sender, Settings, Store, Totals,
};

/// Relations that a question may touch on the thread that asked it: at some 5 µs each, other tasks
/// of that thread wait a few milliseconds at most.
const RELATIONS_IN_PLACE: usize = 500;
/// Rows of a listing that may wait for the visitor.
const LISTING_QUEUE: usize = 1024;

/// An inventory in one SQLite file.
pub struct Sqlite {
    connections: Arc<Connections>,
}

impl Sqlite {
    /// Opens the file, creating it (readable by its owner only) and bringing its schema up to
    /// date as needed.
    pub fn open(path: &Path, settings: Settings) -> Result<Self, Error> {
        Ok(Self { connections: Arc::new(Connections::open(path, settings)?) })
    }

    /// Asks what a scope shows, on a thread that may block.
    async fn seen<T: Send + 'static>(
        &self,
        doing: &'static str,
        scope: &Scope,
        question: impl FnOnce(&Visible<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let scope = scope.clone();
        self.connections.read(doing, move |db| question(&Visible::new(db, &scope))).await
    }

    /// Asks on this thread where few relations are touched, else on one that may block. The question
    /// gives `None` when it would touch more than it is told.
    async fn few_or_many<T: Default + Send + 'static>(
        &self,
        doing: &'static str,
        scope: &Scope,
        question: impl Fn(&Visible<'_>, usize) -> Result<Option<T>, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let few = |db: &Connection| question(&Visible::new(db, scope), RELATIONS_IN_PLACE);
        match self.connections.ask(doing, few)? {
            Some(answer) => Ok(answer),
            None => {
                let all = self.seen(doing, scope, move |visible| question(visible, usize::MAX));
                Ok(all.await?.unwrap_or_default())
            }
        }
    }
}

#[async_trait]
impl Store for Sqlite {
    fn version(&self) -> Result<u64, Error> {
        self.connections.version()
    }

    fn access_version(&self) -> Result<u64, Error> {
        self.connections.access_version()
    }

    async fn default_tenant(&self) -> Result<Tenant, Error> {
        let doing = "find the default tenant";
        match self.connections.ask(doing, tenants::find_default)? {
            Some(tenant) => Ok(tenant),
            None => self.connections.write(doing, tenants::default_tenant).await,
        }
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        self.connections.ask("list tenants", tenants::tenants)
    }

    async fn add_tenant(
        &self,
        id: Uuid,
        name: &str,
        domains: &[String],
    ) -> Result<Option<Tenant>, Error> {
        let (name, domains) = (name.to_owned(), domains.to_vec());
        self.connections
            .write("add a tenant", move |writer| tenants::add_tenant(writer, id, &name, &domains))
            .await
    }

    async fn rename_tenant(
        &self,
        tenant: TenantId,
        name: &str,
        domains: &[String],
    ) -> Result<bool, Error> {
        let (name, domains) = (name.to_owned(), domains.to_vec());
        self.connections
            .write("rename a tenant", move |writer| {
                tenants::rename_tenant(writer, tenant, &name, &domains)
            })
            .await
    }

    async fn record_batch(&self, tenant: TenantId, batch: LogonBatch) -> Result<Recorded, Error> {
        self.connections.write("record logons", move |writer| writer.record(tenant, &batch)).await
    }

    async fn describe(&self, tenant: TenantId, reports: Vec<MachineReport>) -> Result<(), Error> {
        self.connections
            .write("record machine reports", move |writer| writer.describe(tenant, &reports))
            .await
    }

    async fn note_sessions(
        &self,
        tenant: TenantId,
        events: Vec<SessionEvent>,
    ) -> Result<(), Error> {
        self.connections
            .write("keep what happened to sessions", move |writer| {
                writer.note_sessions(tenant, &events)
            })
            .await
    }

    async fn deliver(&self, deliveries: Arc<[Delivery]>) -> Result<Vec<Recorded>, Error> {
        self.connections
            .write("record what senders sent", move |writer| writer.deliver(&deliveries))
            .await
    }

    async fn senders(&self, tenant: TenantId) -> Result<Vec<Sender>, Error> {
        self.connections.read("list senders", move |db| senders::list(db, tenant)).await
    }

    async fn followed(&self, tenant: TenantId) -> Result<Vec<Followed>, Error> {
        self.connections.read("read places in logs", move |db| following::all(db, tenant)).await
    }

    async fn keep_followed(&self, tenant: TenantId, followed: Vec<Followed>) -> Result<(), Error> {
        self.connections
            .write("keep places in logs", move |writer| {
                writer.change(|db| following::keep(db, tenant, &followed))
            })
            .await
    }

    async fn prune(&self, tenant: TenantId, before: Day) -> Result<Pruned, Error> {
        self.connections
            .write("apply the retention", move |writer| prune::prune(writer, tenant, before))
            .await
    }

    async fn forget(&self, tenant: TenantId, user: &UserSelector) -> Result<Forgotten, Error> {
        let user = user.clone();
        self.connections
            .write("forget a person", move |writer| forget::forget(writer, tenant, &user))
            .await
    }

    async fn pseudonymise_audit(
        &self,
        tenant: TenantId,
        name: &str,
        pseudonym: &str,
    ) -> Result<u64, Error> {
        let (name, pseudonym) = (name.to_owned(), pseudonym.to_owned());
        let doing = "pseudonymise the audit";
        self.connections
            .audit(doing, move |audit| audit.pseudonymise(tenant, &name, &pseudonym))
            .await
    }

    async fn identify(
        &self,
        tenant: TenantId,
        reports: Vec<(IdentityReport, Timestamp)>,
    ) -> Result<u64, Error> {
        self.connections
            .write("record identities", move |writer| {
                writer.change(|db| persons::identify(db, tenant, &reports))
            })
            .await
    }

    async fn person(
        &self,
        tenant: TenantId,
        text: &str,
        user: Option<&UserSelector>,
    ) -> Result<Vec<PersonAccount>, Error> {
        let (text, user) = (text.to_owned(), user.cloned());
        self.connections
            .read("find a person", move |db| persons::accounts(db, tenant, &text, user.as_ref()))
            .await
    }

    async fn accounts(
        &self,
        tenant: TenantId,
        text: &str,
        user: Option<&UserSelector>,
    ) -> Result<Vec<AccountKey>, Error> {
        let (text, user) = (text.to_owned(), user.cloned());
        self.connections
            .read("find accounts", move |db| persons::named(db, tenant, &text, user.as_ref()))
            .await
    }

    async fn decide_persons(
        &self,
        tenant: TenantId,
        decisions: Vec<(AccountKey, PersonDecision)>,
        author: Author,
    ) -> Result<(), Error> {
        self.connections
            .write("decide whose accounts these are", move |writer| {
                writer.change(|db| persons::decide(db, tenant, &decisions, &author))
            })
            .await
    }

    async fn shared_names(&self, tenant: TenantId) -> Result<HashMap<String, u64>, Error> {
        self.connections
            .read("count accounts of a name", move |db| naming::shared(db, tenant))
            .await
    }

    async fn names(
        &self,
        tenant: TenantId,
        of: NamesOf,
        chars: RangeInclusive<usize>,
        most: usize,
    ) -> Result<Vec<String>, Error> {
        self.connections
            .read("find names", move |db| naming::names(db, tenant, of, chars, most))
            .await
    }

    async fn meant(
        &self,
        scope: &Scope,
        text: &str,
        upn: UpnLookup,
    ) -> Result<Option<UserSelector>, Error> {
        // Most texts say by themselves whom they mean.
        if !read::meant::needs_accounts(text, upn) {
            return Ok(UserSelector::parse(text, upn));
        }
        let text = text.to_owned();
        self.seen("find whom a name means", scope, move |visible| {
            read::meant::meant(visible, &text, upn)
        })
        .await
    }

    async fn namesakes(
        &self,
        scope: &Scope,
        user: &UserSelector,
        window: Window,
    ) -> Result<Vec<Namesake>, Error> {
        let user = user.clone();
        self.seen("find who shares a name", scope, move |visible| {
            read::meant::namesakes(visible, &user, window)
        })
        .await
    }

    async fn totals(&self, scope: &Scope) -> Result<Totals, Error> {
        self.seen("count the inventory", scope, read::totals).await
    }

    async fn machines(&self, scope: &Scope, list: MachineList) -> Result<Listed, Error> {
        self.seen("list machines", scope, move |visible| list::machines(visible, &list)).await
    }

    async fn count_machines(&self, scope: &Scope, list: MachineList) -> Result<u64, Error> {
        self.seen("count machines", scope, move |visible| list::count(visible, &list)).await
    }

    async fn users(&self, scope: &Scope, list: UserList) -> Result<ListedUsers, Error> {
        self.seen("list users", scope, move |visible| users::users(visible, &list)).await
    }

    async fn count_users(&self, scope: &Scope, list: UserList) -> Result<u64, Error> {
        self.seen("count users", scope, move |visible| users::count(visible, &list)).await
    }

    async fn machines_of_accounts(
        &self,
        scope: &Scope,
        accounts: Vec<Account>,
        window: Window,
    ) -> Result<Vec<Vec<UserMachine>>, Error> {
        let find = move |visible: &Visible<'_>| users::machines_of(visible, &accounts, window);
        self.seen("find users' machines", scope, find).await
    }

    async fn remotes(
        &self,
        scope: &Scope,
        relations: Vec<(Account, MachineId)>,
        window: Window,
    ) -> Result<Vec<Remotes>, Error> {
        let find = move |visible: &Visible<'_>| remotes::remotes(visible, &relations, window);
        self.seen("find from where users came", scope, find).await
    }

    async fn machine(
        &self,
        scope: &Scope,
        machine: &MachineSelector,
    ) -> Result<Option<Machine>, Error> {
        self.connections
            .ask("find a machine", |db| read::machine(&Visible::new(db, scope), machine))
    }

    async fn machines_of_user(
        &self,
        scope: &Scope,
        user: &UserSelector,
        window: Window,
        page: Page,
    ) -> Result<Vec<UserMachine>, Error> {
        let user = user.clone();
        let find = move |visible: &Visible<'_>, most| {
            read::machines_of_user(visible, &user, window, page, most)
        };
        self.few_or_many("find a user's machines", scope, find).await
    }

    async fn users_of_machine(
        &self,
        scope: &Scope,
        machine: MachineId,
        window: Window,
    ) -> Result<Vec<MachineUser>, Error> {
        let find = move |visible: &Visible<'_>, most| {
            read::users_of_machine(visible, machine, window, most)
        };
        self.few_or_many("find a machine's users", scope, find).await
    }

    async fn presences(
        &self,
        scope: &Scope,
        of: &PresenceOf,
        moment: Timestamp,
    ) -> Result<Vec<Presence>, Error> {
        let of = of.clone();
        let find = move |visible: &Visible<'_>| presence::presences(visible, &of, moment);
        self.seen("find who was where", scope, find).await
    }

    async fn relations(
        &self,
        scope: &Scope,
        window: Window,
        visit: &mut RelationVisitor<'_>,
    ) -> Result<(), Error> {
        let scope = scope.clone();
        let (rows, listed) = mpsc::channel(LISTING_QUEUE);
        let listing = self.connections.read("list relations", move |db| {
            read::relations(&Visible::new(db, &scope), window, |row| {
                rows.blocking_send(row).is_ok()
            })
        });
        visited(listing, listed, visit).await
    }

    async fn change_machines(
        &self,
        scope: &Scope,
        machines: Vec<MachineId>,
        changes: Vec<MachineChange>,
        author: Author,
    ) -> Result<Vec<Machine>, Error> {
        let scope = scope.clone();
        self.connections
            .write("change machines", move |writer| {
                changes::change(writer, &scope, &machines, &changes, &author)
            })
            .await
    }

    async fn identities(
        &self,
        scope: &Scope,
        machine: &MachineSelector,
    ) -> Result<Option<Identities>, Error> {
        let (scope, machine) = (scope.clone(), machine.clone());
        self.connections
            .read("find what a machine consists of", move |db| {
                identity::shown::identities(db, &Visible::new(db, &scope), &machine)
            })
            .await
    }

    async fn decide_identities(
        &self,
        scope: &Scope,
        decisions: Vec<(MachineId, Decision)>,
        author: Author,
    ) -> Result<bool, Error> {
        let scope = scope.clone();
        self.connections
            .write("decide who is who", move |writer| {
                identity::decide::decide(writer, &scope, &decisions, &author)
            })
            .await
    }

    async fn directory(&self, tenant: TenantId) -> Result<KeptDirectory, Error> {
        self.connections
            .read("read the directory", move |db| directory::directory(db, tenant))
            .await
    }

    async fn save_directory(
        &self,
        tenant: TenantId,
        generation: i64,
        directory: &Directory,
    ) -> Result<bool, Error> {
        let directory = directory.clone();
        self.connections
            .write("save the directory", move |writer| {
                directory::save(writer, tenant, generation, &directory)
            })
            .await
    }

    async fn regroup(&self, tenant: TenantId, most: u64) -> Result<Regrouped, Error> {
        self.connections
            .write("regroup machines", move |writer| groups::regroup(writer, tenant, most))
            .await
    }

    async fn preview(
        &self,
        scope: &Scope,
        rules: &Rules,
        most: usize,
    ) -> Result<Vec<Machine>, Error> {
        let (scope, rules) = (scope.clone(), rules.clone());
        self.connections
            .read("preview a device group", move |db| {
                read::preview::preview(&Visible::new(db, &scope), &rules, most)
            })
            .await
    }

    async fn group_counts(&self, tenant: TenantId) -> Result<Vec<GroupCount>, Error> {
        self.connections
            .read("count machines by device group", move |db| groups::counts(db, tenant))
            .await
    }

    async fn add_operator(&self, tenant: TenantId, operator: &Operator) -> Result<bool, Error> {
        let operator = operator.clone();
        self.connections
            .write("add an operator", move |writer| operators::add(writer, tenant, &operator))
            .await
    }

    async fn save_operator(
        &self,
        tenant: TenantId,
        known: &Operator,
        operator: &Operator,
    ) -> Result<bool, Error> {
        let (known, operator) = (known.clone(), operator.clone());
        self.connections
            .write("save an operator", move |writer| {
                operators::save(writer, tenant, &known, &operator)
            })
            .await
    }

    async fn remove_operator(&self, tenant: TenantId, id: Uuid) -> Result<bool, Error> {
        self.connections
            .write("remove an operator", move |writer| operators::remove(writer, tenant, id))
            .await
    }

    async fn operators(&self, tenant: TenantId) -> Result<Vec<Operator>, Error> {
        self.connections.read("list operators", move |db| operators::all(db, tenant)).await
    }

    async fn operator(&self, tenant: TenantId, id: Uuid) -> Result<Option<Operator>, Error> {
        self.connections.ask("find an operator", |db| operators::by_id(db, tenant, id))
    }

    async fn operator_named(
        &self,
        tenant: TenantId,
        user_name: &str,
    ) -> Result<Option<Operator>, Error> {
        self.connections.ask("find an operator", |db| operators::by_name(db, tenant, user_name))
    }

    async fn note_sign_in(
        &self,
        tenant: TenantId,
        id: Uuid,
        seen: u32,
        failures: u32,
        locked_until: Option<Timestamp>,
    ) -> Result<bool, Error> {
        self.connections
            .write("note a sign-in", move |writer| {
                operators::note_sign_in(writer, tenant, id, seen, failures, locked_until)
            })
            .await
    }

    async fn add_ticket(
        &self,
        tenant: TenantId,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ticket = ticket.clone();
        self.connections
            .write("keep a ticket", move |writer| tickets::add(writer, tenant, &ticket, now))
            .await
    }

    async fn ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        key: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Ticket>, Error> {
        self.connections.ask("find a ticket", |db| tickets::find(db, tenant, kind, key, now))
    }

    async fn take_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        key: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Ticket>, Error> {
        self.connections
            .write("take a ticket", move |writer| tickets::take(writer, tenant, kind, key, now))
            .await
    }

    async fn change_ticket(
        &self,
        tenant: TenantId,
        seen: &str,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (seen, ticket) = (seen.to_owned(), ticket.clone());
        self.connections
            .write("change a ticket", move |writer| {
                tickets::change(writer, tenant, &seen, &ticket, now)
            })
            .await
    }

    async fn revoke_tickets(&self, tenant: TenantId, of: TicketsOf) -> Result<u64, Error> {
        self.connections
            .write("revoke tickets", move |writer| tickets::revoke(writer, tenant, of))
            .await
    }

    async fn forget_tickets(&self, now: Timestamp) -> Result<u64, Error> {
        self.connections.write("forget tickets", move |writer| tickets::forget(writer, now)).await
    }

    async fn append_audit(&self, entries: Vec<Entry>) -> Result<(), Error> {
        self.connections.audit("add to the audit", move |audit| audit.append(&entries)).await
    }

    async fn audit(&self, filter: &Filter, visit: &mut EntryVisitor<'_>) -> Result<(), Error> {
        let filter = filter.clone();
        let (entries, read) = mpsc::channel(LISTING_QUEUE);
        let reading = self.connections.audit("read the audit", move |audit| {
            audit.read(&filter, |entry| entries.blocking_send(entry).is_ok())
        });
        visited(reading, read, visit).await
    }

    async fn prune_audit(&self, before: Timestamp) -> Result<u64, Error> {
        self.connections
            .audit("apply the retention of the audit", move |audit| audit.prune(before))
            .await
    }

    async fn add_app(&self, tenant: TenantId, app: &App) -> Result<(), Error> {
        let app = app.clone();
        self.connections
            .write("add an app", move |writer| apps::add_app(writer, tenant, &app))
            .await
    }

    async fn apps(&self, tenant: TenantId) -> Result<Vec<App>, Error> {
        self.connections.read("list apps", move |db| apps::apps(db, tenant)).await
    }

    async fn app(&self, tenant: TenantId, client_id: Uuid) -> Result<Option<App>, Error> {
        self.connections.ask("find an app", |db| apps::app(db, tenant, client_id))
    }

    async fn find_app(&self, client_id: Uuid) -> Result<Option<(TenantId, App)>, Error> {
        self.connections.ask("find an app", |db| apps::find_app(db, client_id))
    }

    async fn save_app(&self, tenant: TenantId, known: &App, app: &App) -> Result<bool, Error> {
        let (known, app) = (known.clone(), app.clone());
        self.connections
            .write("save an app", move |writer| apps::save_app(writer, tenant, &known, &app))
            .await
    }

    async fn revoke_app(
        &self,
        tenant: TenantId,
        client_id: Uuid,
        at: Timestamp,
    ) -> Result<bool, Error> {
        self.connections
            .write("revoke an app", move |writer| apps::revoke_app(writer, tenant, client_id, at))
            .await
    }

    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, Error> {
        self.connections
            .read("read the signing keys", move |db| keys::signing_keys(db, tenant))
            .await
    }

    async fn add_first_signing_key(&self, tenant: TenantId, key: &SigningKey) -> Result<(), Error> {
        let key = key.clone();
        self.connections
            .write("keep a signing key", move |writer| {
                keys::add_first_signing_key(writer, tenant, &key)
            })
            .await
    }

    async fn rotate_signing_key(
        &self,
        tenant: TenantId,
        key: &SigningKey,
        others_until: Timestamp,
    ) -> Result<(), Error> {
        let key = key.clone();
        self.connections
            .write("rotate the signing key", move |writer| {
                keys::rotate_signing_key(writer, tenant, &key, others_until)
            })
            .await
    }

    async fn certificate_authority(&self) -> Result<Option<CertificateAuthority>, Error> {
        self.connections.read("read the certificate authority", keys::certificate_authority).await
    }

    async fn add_certificate_authority(
        &self,
        authority: &CertificateAuthority,
    ) -> Result<(), Error> {
        let authority = authority.clone();
        self.connections
            .write("keep the certificate authority", move |writer| {
                keys::add_certificate_authority(writer, &authority)
            })
            .await
    }

    async fn add_enroll_secret(
        &self,
        tenant: TenantId,
        secret: &EnrollSecret,
        sha256: [u8; 32],
    ) -> Result<bool, Error> {
        let secret = secret.clone();
        self.connections
            .write("keep an enroll secret", move |writer| {
                nodes::add_secret(&writer.connection, tenant, &secret, sha256)
            })
            .await
    }

    async fn enroll_secrets(&self, tenant: TenantId) -> Result<Vec<EnrollSecret>, Error> {
        self.connections.read("list enroll secrets", move |db| nodes::secrets(db, tenant)).await
    }

    async fn revoke_enroll_secret(
        &self,
        tenant: TenantId,
        name: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let name = name.to_owned();
        self.connections
            .write("revoke an enroll secret", move |writer| {
                nodes::revoke_secret(&writer.connection, tenant, &name, at)
            })
            .await
    }

    async fn find_enroll_secret(
        &self,
        sha256: [u8; 32],
    ) -> Result<Option<(TenantId, String)>, Error> {
        self.connections.ask("find an enroll secret", |db| nodes::find_secret(db, sha256))
    }

    async fn enroll_node(
        &self,
        tenant: TenantId,
        enrollment: &Enrollment,
        secret: &str,
        key: [u8; 32],
        at: Timestamp,
    ) -> Result<Enrolled, Error> {
        let (enrollment, secret) = (enrollment.clone(), secret.to_owned());
        self.connections
            .write("enroll a node", move |writer| {
                let new = nodes::New { enrollment: &enrollment, secret: &secret, key, at };
                nodes::enroll(writer, tenant, &new)
            })
            .await
    }

    async fn node_of_key(&self, key: [u8; 32]) -> Result<Option<(TenantId, Node)>, Error> {
        self.connections.ask("find a node", |db| nodes::of_key(db, key))
    }

    async fn nodes(&self, tenant: TenantId) -> Result<Vec<Node>, Error> {
        self.connections.read("list nodes", move |db| nodes::list(db, tenant)).await
    }

    async fn revoke_node(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Result<bool, Error> {
        self.connections
            .write("revoke a node", move |writer| nodes::revoke(&writer.connection, tenant, id, at))
            .await
    }

    async fn remove_node(&self, tenant: TenantId, id: Uuid) -> Result<bool, Error> {
        self.connections
            .write("forget a node", move |writer| nodes::remove(&writer.connection, tenant, id))
            .await
    }

    async fn ask_nodes(
        &self,
        tenant: TenantId,
        id: Option<Uuid>,
        at: Timestamp,
    ) -> Result<u64, Error> {
        self.connections
            .write("ask nodes", move |writer| nodes::ask(&writer.connection, tenant, id, at))
            .await
    }

    async fn node_answered(
        &self,
        tenant: TenantId,
        id: Uuid,
        asked: Timestamp,
    ) -> Result<(), Error> {
        self.connections
            .write("note the answer of a node", move |writer| {
                nodes::answered(&writer.connection, tenant, id, asked)
            })
            .await
    }

    async fn note_nodes(&self, sightings: Vec<(TenantId, Sighting)>) -> Result<(), Error> {
        self.connections
            .write("note when nodes were heard of", move |writer| nodes::note(writer, &sightings))
            .await
    }
}
