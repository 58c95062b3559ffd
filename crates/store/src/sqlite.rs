//! The inventory in one SQLite file.
//!
//! One connection writes, several read; WAL lets both go on at once, in this process and in
//! others (an import beside a server). Statements run on tokio's blocking threads, except the
//! questions that take less time than to change the thread. `read` holds
//! the questions, `record` the fold of telemetry, `prune` retention, `access` tenants, apps and
//! keys, `schema` opening and migrations.

mod access;
mod known;
mod prune;
mod read;
mod record;
mod schema;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use inventory::access::{App, CertificateAuthority, SigningKey, Tenant};
use inventory::ids::{MachineId, TenantId};
use inventory::logon::Logon;
use inventory::machine::{Machine, MachineReport};
use inventory::query::{MachineSelector, Page, UserSelector, Window};
use inventory::relation::{MachineUser, UserMachine};
use inventory::time::{Day, Timestamp};
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

use crate::{Error, Pruned, Recorded, RelationVisitor, Store, Totals};

/// Read connections at most; more questions at once wait for one.
const READERS: usize = 8;
/// Relations that a question may touch on the thread that asked it: at some 5 µs each, other tasks
/// of that thread wait a few milliseconds at most.
const RELATIONS_IN_PLACE: usize = 500;
/// How long what was told of the version holds for changes by other processes; changes by this one
/// end it at once. Asking locks and unlocks a file: two system calls of the four that a
/// remembered answer would need.
const VERSION_HOLDS: Duration = Duration::from_micros(100);
/// Rows of a listing that may wait for the visitor.
const LISTING_QUEUE: usize = 1024;

/// An inventory in one SQLite file.
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    path: std::path::PathBuf,
    writer: Mutex<record::Writer>,
    /// Idle read connections. As many exist as were ever needed at once, up to [`READERS`].
    readers: Mutex<Vec<Connection>>,
    reader_permits: Semaphore,
    version: Mutex<Version>,
}

/// The connection that asks for `data_version` alone, so that it never waits for a question, and
/// what it was told last.
struct Version {
    connection: Connection,
    told: Option<(u64, Instant)>,
}

impl Sqlite {
    /// Opens the file, creating it (readable by its owner only) and bringing its schema up to
    /// date as needed.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let writer = schema::open_writer(path)?;
        let inner = Inner {
            version: Mutex::new(Version { connection: schema::open_reader(path)?, told: None }),
            writer: Mutex::new(record::Writer::new(writer)),
            readers: Mutex::default(),
            reader_permits: Semaphore::new(READERS),
            path: path.to_owned(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn read<T, F>(&self, doing: &'static str, question: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        // The semaphore is never closed; an error here could only mean that it was.
        let permit = self.inner.reader_permits.acquire().await.map_err(|e| failed(doing, e))?;
        let answer = tokio::task::spawn_blocking(move || inner.ask(doing, question));
        let answer = answer.await.map_err(|e| failed(doing, e))?;
        drop(permit);
        answer
    }

    async fn write<T, F>(&self, doing: &'static str, change: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut record::Writer) -> Result<T, Failure> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = change(&mut lock(&inner.writer)).map_err(|failure| failure.at(doing));
            lock(&inner.version).told = None;
            outcome
        });
        outcome.await.map_err(|e| failed(doing, e))?
    }
}

impl Inner {
    /// Asks on this thread.
    fn ask<T>(
        &self,
        doing: &'static str,
        question: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let idle = lock(&self.readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let answer = in_snapshot(&connection, question).map_err(|failure| failure.at(doing));
        lock(&self.readers).push(connection);
        answer
    }
}

/// Asks within one read transaction: every statement sees the same commit, and the file is locked
/// once and not once a statement, which is what many readers at a time wait for.
fn in_snapshot<T>(
    connection: &Connection,
    question: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let transaction = connection.unchecked_transaction()?;
    let answer = question(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// What goes wrong inside one statement, before it is known what was being done.
#[derive(Debug)]
enum Failure {
    Sqlite(rusqlite::Error),
    Damaged(String),
}

impl Failure {
    fn at(self, doing: &'static str) -> Error {
        match self {
            Failure::Sqlite(source) => failed(doing, source),
            Failure::Damaged(what) => Error::Damaged(what),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn failed(doing: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Database { doing, source: Box::new(source) }
}

/// A lock is poisoned only by a panic in here; the connection behind it is as good as before, as
/// its transaction was rolled back when it was dropped.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Store for Sqlite {
    fn version(&self) -> Result<u64, Error> {
        let mut version = lock(&self.inner.version);
        if let Some((told, at)) = version.told
            && at.elapsed() < VERSION_HOLDS
        {
            return Ok(told);
        }
        // Before the question, so that the answer is no older than it says.
        let at = Instant::now();
        let told = version
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        let told = told.map_err(|e| failed("read the version", e))?.cast_unsigned();
        version.told = Some((told, at));
        Ok(told)
    }

    async fn default_tenant(&self) -> Result<Tenant, Error> {
        self.write("read the default tenant", access::default_tenant).await
    }

    async fn record(&self, tenant: TenantId, logons: Vec<Logon>) -> Result<Recorded, Error> {
        self.write("record logons", move |writer| writer.record(tenant, &logons)).await
    }

    async fn describe(&self, tenant: TenantId, reports: Vec<MachineReport>) -> Result<(), Error> {
        self.write("record machine reports", move |writer| writer.describe(tenant, &reports)).await
    }

    async fn prune(&self, tenant: TenantId, before: Day) -> Result<Pruned, Error> {
        self.write("apply the retention", move |writer| prune::prune(writer, tenant, before)).await
    }

    async fn totals(&self, tenant: TenantId) -> Result<Totals, Error> {
        self.read("count the inventory", move |db| read::totals(db, tenant)).await
    }

    async fn machines(&self, tenant: TenantId, page: Page) -> Result<Vec<Machine>, Error> {
        self.read("list machines", move |db| read::machines(db, tenant, page)).await
    }

    async fn machine(
        &self,
        tenant: TenantId,
        machine: &MachineSelector,
    ) -> Result<Option<Machine>, Error> {
        self.inner.ask("find a machine", |db| read::machine(db, tenant, machine))
    }

    async fn machines_of_user(
        &self,
        tenant: TenantId,
        user: &UserSelector,
        window: Window,
        page: Page,
    ) -> Result<Vec<UserMachine>, Error> {
        let doing = "find a user's machines";
        let find = move |db: &Connection, user: &UserSelector, most: usize| {
            read::machines_of_user(db, tenant, user, window, page, most)
        };
        match self.inner.ask(doing, |db| find(db, user, RELATIONS_IN_PLACE))? {
            Some(machines) => Ok(machines),
            None => {
                let user = user.clone();
                let all = self.read(doing, move |db| find(db, &user, usize::MAX)).await?;
                Ok(all.unwrap_or_default())
            }
        }
    }

    async fn users_of_machine(
        &self,
        tenant: TenantId,
        machine: MachineId,
        window: Window,
    ) -> Result<Vec<MachineUser>, Error> {
        let doing = "find a machine's users";
        let find = move |db: &Connection, most: usize| {
            read::users_of_machine(db, tenant, machine, window, most)
        };
        match self.inner.ask(doing, |db| find(db, RELATIONS_IN_PLACE))? {
            Some(users) => Ok(users),
            None => {
                let all = self.read(doing, move |db| find(db, usize::MAX)).await?;
                Ok(all.unwrap_or_default())
            }
        }
    }

    async fn relations(
        &self,
        tenant: TenantId,
        window: Window,
        visit: &mut RelationVisitor<'_>,
    ) -> Result<(), Error> {
        let (rows, mut listed) = mpsc::channel(LISTING_QUEUE);
        let listing = self.read("list relations", move |db| {
            read::relations(db, tenant, window, |row| rows.blocking_send(row).is_ok())
        });
        // A visitor that fails drops the receiver, which ends the listing.
        let visiting = async move {
            while let Some(row) = listed.recv().await {
                visit(row).map_err(Error::Visitor)?;
            }
            Ok(())
        };
        let (listed, visited) = tokio::join!(listing, visiting);
        visited.and(listed)
    }

    async fn add_app(&self, tenant: TenantId, app: &App) -> Result<(), Error> {
        let app = app.clone();
        self.write("add an app", move |writer| access::add_app(writer, tenant, &app)).await
    }

    async fn apps(&self, tenant: TenantId) -> Result<Vec<App>, Error> {
        self.read("list apps", move |db| access::apps(db, tenant)).await
    }

    async fn app(&self, tenant: TenantId, client_id: Uuid) -> Result<Option<App>, Error> {
        self.inner.ask("find an app", |db| access::app(db, tenant, client_id))
    }

    async fn revoke_app(
        &self,
        tenant: TenantId,
        client_id: Uuid,
        at: Timestamp,
    ) -> Result<bool, Error> {
        self.write("revoke an app", move |writer| access::revoke_app(writer, tenant, client_id, at))
            .await
    }

    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, Error> {
        self.read("read the signing keys", move |db| access::signing_keys(db, tenant)).await
    }

    async fn add_first_signing_key(&self, tenant: TenantId, key: &SigningKey) -> Result<(), Error> {
        let key = key.clone();
        self.write("keep a signing key", move |writer| {
            access::add_first_signing_key(writer, tenant, &key)
        })
        .await
    }

    async fn certificate_authority(&self) -> Result<Option<CertificateAuthority>, Error> {
        self.read("read the certificate authority", access::certificate_authority).await
    }

    async fn add_certificate_authority(
        &self,
        authority: &CertificateAuthority,
    ) -> Result<(), Error> {
        let authority = authority.clone();
        self.write("keep the certificate authority", move |writer| {
            access::add_certificate_authority(writer, &authority)
        })
        .await
    }
}
