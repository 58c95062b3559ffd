//! The numbers of accounts, machines and remotes: remembered, looked up, or given to new ones; and the
//! spans of relations.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use foldhash::fast::RandomState;
use inventory::account::Account;
use inventory::fold;
use inventory::ids::TenantId;
use inventory::logon::MachineRef;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::Failure;
use super::identity::{self, Belongs};
use crate::batch::Remote;

/// Numbers of accounts, machines and remotes, and spans, to remember, each; more are looked up again.
const REMEMBERED: usize = 500_000;

/// An account and a machine, by their numbers.
pub(super) type Pair = (i64, i64);
/// The first and the last of a relation, since 1970.
pub(super) type Seconds = (i64, i64);

#[derive(Default)]
pub(super) struct Known {
    accounts: Numbers<Account, i64>,
    machines: Numbers<MachineRef, Belongs>,
    remotes: HashMap<Remote, i64, RandomState>,
    spans: HashMap<Pair, Option<Seconds>, RandomState>,
    /// `data_version` when this was last true: another process may have removed rows since.
    version: Option<i64>,
}

impl Known {
    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Forgets everything when another connection changed the database since the last time.
    pub(super) fn check(&mut self, db: &Connection) -> Result<(), Failure> {
        let now = Some(db.pragma_query_value(None, "data_version", |row| row.get(0))?);
        if now != self.version {
            *self = Self { version: now, ..Self::default() };
        }
        Ok(())
    }

    /// The number of an account, made when the account is new.
    pub(super) fn account(
        &mut self,
        db: &Connection,
        tenant: TenantId,
        account: &Account,
    ) -> Result<i64, Failure> {
        if let Some(number) = self.accounts.get(tenant, account) {
            return Ok(number);
        }
        let authority = account.authority();
        let number = db
            .prepare_cached(
                "INSERT INTO account (tenant, name, authority, sid, upn, object_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (tenant, name, authority) DO UPDATE SET
                     sid = coalesce(sid, excluded.sid),
                     upn = coalesce(upn, excluded.upn),
                     object_id = coalesce(object_id, excluded.object_id)
                 RETURNING number",
            )?
            .query_row(
                params![
                    tenant.0,
                    account.name,
                    authority,
                    account.sid,
                    account.upn,
                    account.object_id
                ],
                |row| row.get(0),
            )?;
        if !account.domain.is_empty() {
            db.prepare_cached(
                "INSERT INTO account_domain (account, domain, of_name) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO NOTHING",
            )?
            .execute(params![number, account.domain, account.name])?;
        }
        self.accounts.insert(tenant, account, number);
        Ok(number)
    }

    /// The number of a machine's record, and of the machine that it is shown as. A new one is made
    /// with empty times, which what is seen of it in the same transaction fills; it is added to `made`.
    pub(super) fn machine(
        &mut self,
        db: &Connection,
        tenant: TenantId,
        machine: &MachineRef,
        made: &mut BTreeSet<i64>,
    ) -> Result<Belongs, Failure> {
        if let Some(belongs) = self.machines.get(tenant, machine) {
            return Ok(belongs);
        }
        let id = machine.machine_id();
        let belongs = match identity::joined_by_id(db, tenant, &id.0)? {
            Some(joined) => joined,
            None => alone(db, tenant, machine)?,
        };
        if belongs.is_new {
            made.insert(belongs.record);
        }
        let remembered = Belongs { is_new: false, ..belongs };
        self.machines.insert(tenant, machine, remembered);
        Ok(belongs)
    }

    /// The number of the other end of logons; `None` when nothing is known of it.
    pub(super) fn remote(
        &mut self,
        db: &Connection,
        remote: &Remote,
    ) -> Result<Option<i64>, Failure> {
        if let Some(&number) = self.remotes.get(remote) {
            return Ok(Some(number));
        }
        let address = remote.address.map(|address| address.to_string()).unwrap_or_default();
        let name = remote.name.as_deref().unwrap_or_default();
        if address.is_empty() && name.is_empty() {
            return Ok(None);
        }
        // The empty update makes RETURNING answer for a row that was there before.
        let number = db
            .prepare_cached(
                "INSERT INTO remote (address, name) VALUES (?1, ?2)
                 ON CONFLICT (address, name) DO UPDATE SET name = name RETURNING number",
            )?
            .query_row(params![address, name], |row| row.get(0))?;
        if self.remotes.len() >= REMEMBERED {
            self.remotes.clear();
        }
        self.remotes.insert(remote.clone(), number);
        Ok(Some(number))
    }

    /// When an account was on a machine of one record, as the relation has it: no event is outside.
    pub(super) fn span(&mut self, db: &Connection, pair: Pair) -> Result<Option<Seconds>, Failure> {
        if let Some(&span) = self.spans.get(&pair) {
            return Ok(span);
        }
        let span = db
            .prepare_cached(
                "SELECT first_seen, last_seen FROM relation WHERE account = ?1 AND machine = ?2",
            )?
            .query_row([pair.0, pair.1], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        let second = |ticks: i64| ticks.div_euclid(TICKS_PER_SECOND);
        let span = span.map(|(first, last)| (second(first), second(last)));
        if self.spans.len() >= REMEMBERED {
            self.spans.clear();
        }
        self.spans.insert(pair, span);
        Ok(span)
    }

    /// A relation was told of from then until then.
    pub(super) fn widen(&mut self, pair: Pair, first: Timestamp, last: Timestamp) {
        if let Some(span) = self.spans.get_mut(&pair) {
            let (first, last) = (first.seconds(), last.seconds());
            let (from, until) = span.unwrap_or((first, last));
            *span = Some((from.min(first), until.max(last)));
        }
    }
}

/// What is remembered of things that tenants have.
struct Numbers<K, V> {
    of_tenants: HashMap<TenantId, HashMap<K, V, RandomState>>,
    count: usize,
}

impl<K, V> Default for Numbers<K, V> {
    fn default() -> Self {
        Self { of_tenants: HashMap::new(), count: 0 }
    }
}

impl<K: Clone + Eq + Hash, V: Copy> Numbers<K, V> {
    fn get(&self, tenant: TenantId, key: &K) -> Option<V> {
        self.of_tenants.get(&tenant)?.get(key).copied()
    }

    /// Forgets everything first when it holds as much as it may.
    fn insert(&mut self, tenant: TenantId, key: &K, value: V) {
        if self.count >= REMEMBERED {
            *self = Self::default();
        }
        self.count += 1;
        self.of_tenants.entry(tenant).or_default().insert(key.clone(), value);
    }
}

/// The first label of a folded name; the whole of an address, which has no labels.
pub(super) fn host_key(name_key: &str) -> &str {
    if name_key.parse::<std::net::IpAddr>().is_ok() {
        return name_key;
    }
    name_key.split('.').next().unwrap_or(name_key)
}

/// The record of a machine that is not one of several, made when it is new.
fn alone(db: &Connection, tenant: TenantId, machine: &MachineRef) -> Result<Belongs, Failure> {
    let name_key = fold(&machine.name);
    // Numbers are of records, those that are not shown among them.
    let (record, name_at): (i64, i64) = db
        .prepare_cached(
            "INSERT INTO machine (number, tenant, id, name, name_at, name_key, host_key,
                 first_seen, last_seen, aad_device_id)
             VALUES (1 + max(coalesce((SELECT max(number) FROM machine), 0),
                     coalesce((SELECT max(number) FROM machine_record), 0)),
                 ?1, ?2, ?3, ?8, ?4, ?5, ?7, ?8, ?6)
             ON CONFLICT (tenant, id) DO UPDATE SET
                 aad_device_id = coalesce(aad_device_id, excluded.aad_device_id)
             RETURNING number, name_at",
        )?
        .query_row(
            params![
                tenant.0,
                machine.machine_id().0,
                machine.name,
                name_key,
                host_key(&name_key),
                machine.aad_device_id,
                i64::MAX,
                i64::MIN
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    let is_new = name_at == i64::MIN;
    Ok(Belongs { record, machine: record, is_joined: false, is_new })
}
