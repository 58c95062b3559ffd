//! How far other servers are read (`footfall sync`).

use async_trait::async_trait;
use inventory::fold;
use inventory::ids::TenantId;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::record::Writer;
use super::values::{machine_id, timestamp};
use super::{Failure, Sqlite};
use crate::Error;
use crate::sync::{
    Admission, CallLimit, SyncMachine, SyncOutcome, SyncProgress, SyncSource, SyncStore, SyncWalk,
};

/// Which rows of `sync_machine` are due; in the words of the index.
const IS_DUE: &str = "asked IS NOT last_seen";

#[async_trait]
impl SyncStore for Sqlite {
    async fn sync_progress(
        &self,
        tenant: TenantId,
        source: &SyncSource,
    ) -> Result<SyncProgress, Error> {
        let source = source.clone();
        self.connections
            .read("read how far a source is read", move |db| progress(db, tenant, &source))
            .await
    }

    async fn save_sync(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        progress: &SyncProgress,
        listed: Vec<SyncMachine>,
    ) -> Result<(), Error> {
        let (source, progress) = (source.clone(), progress.clone());
        self.connections
            .write("keep how far a source is read", move |writer| {
                save(writer, tenant, &source, &progress, &listed)
            })
            .await
    }

    async fn sync_due(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        most: u32,
    ) -> Result<Vec<SyncMachine>, Error> {
        let source = source.clone();
        self.connections
            .read("list machines of a source", move |db| due(db, tenant, &source, most))
            .await
    }

    async fn count_sync_due(&self, tenant: TenantId, source: &SyncSource) -> Result<u64, Error> {
        let source = source.clone();
        self.connections
            .read("count machines of a source", move |db| count_due(db, tenant, &source))
            .await
    }

    async fn note_sync(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        machine: SyncMachine,
        outcome: SyncOutcome,
    ) -> Result<(), Error> {
        let source = source.clone();
        self.connections
            .write("note a machine of a source", move |writer| {
                note(writer, tenant, &source, machine, outcome)
            })
            .await
    }

    async fn admit_sync_call(
        &self,
        tenant: TenantId,
        source: &SyncSource,
        app: Uuid,
        api: &'static str,
        limits: &[CallLimit],
        now: Timestamp,
    ) -> Result<Admission, Error> {
        let (source, limits) = (source.clone(), limits.to_vec());
        self.connections
            .write("count a call", move |writer| {
                admit(writer, tenant, &source, app, api, &limits, now)
            })
            .await
    }
}

/// The number of a source that was written before.
fn find(db: &Connection, tenant: TenantId, source: &SyncSource) -> Result<Option<i64>, Failure> {
    let found = db
        .prepare_cached(
            "SELECT number FROM sync_source WHERE tenant = ?1 AND origin = ?2 AND directory = ?3",
        )?
        .query_row(params![tenant.0, source.origin, fold(&source.directory)], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// The number of a source, which is written if it was not.
fn number(db: &Connection, tenant: TenantId, source: &SyncSource) -> Result<i64, Failure> {
    if let Some(number) = find(db, tenant, source)? {
        return Ok(number);
    }
    db.prepare_cached("INSERT INTO sync_source (tenant, origin, directory) VALUES (?1, ?2, ?3)")?
        .execute(params![tenant.0, source.origin, fold(&source.directory)])?;
    Ok(db.last_insert_rowid())
}

fn progress(
    db: &Connection,
    tenant: TenantId,
    source: &SyncSource,
) -> Result<SyncProgress, Failure> {
    let Some(number) = find(db, tenant, source)? else { return Ok(SyncProgress::default()) };
    let (mark, listed): (Option<i64>, Option<i64>) = db
        .prepare_cached("SELECT mark, listed FROM sync_source WHERE number = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement = db.prepare_cached(
        "SELECT since, again, begun, last_seen, rows, next FROM sync_walk WHERE source = ?1",
    )?;
    let mut rows = statement.query([number])?;
    Ok(SyncProgress {
        mark: time(mark)?,
        listed: time(listed)?,
        walk: rows.next()?.map(walk_of).transpose()?,
    })
}

fn walk_of(row: &Row<'_>) -> Result<SyncWalk, Failure> {
    Ok(SyncWalk {
        since: time(row.get(0)?)?,
        again: row.get(1)?,
        begun: time(row.get(2)?)?,
        last_seen: time(row.get(3)?)?,
        rows: row.get::<_, i64>(4)?.cast_unsigned(),
        next: row.get(5)?,
    })
}

fn time(ticks: Option<i64>) -> Result<Option<Timestamp>, Failure> {
    ticks.map(timestamp).transpose()
}

fn ticks(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::ticks)
}

fn save(
    writer: &mut Writer,
    tenant: TenantId,
    source: &SyncSource,
    progress: &SyncProgress,
    listed: &[SyncMachine],
) -> Result<(), Failure> {
    let transaction = writer.transaction()?;
    let number = number(&transaction, tenant, source)?;
    transaction
        .prepare_cached("UPDATE sync_source SET mark = ?2, listed = ?3 WHERE number = ?1")?
        .execute(params![number, ticks(progress.mark), ticks(progress.listed)])?;
    match &progress.walk {
        None => {
            transaction
                .prepare_cached("DELETE FROM sync_walk WHERE source = ?1")?
                .execute([number])?;
        }
        Some(walk) => {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO sync_walk
                         (source, since, again, begun, last_seen, rows, next)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    number,
                    ticks(walk.since),
                    walk.again,
                    ticks(walk.begun),
                    ticks(walk.last_seen),
                    walk.rows.cast_signed(),
                    walk.next
                ])?;
        }
    }
    let again = progress.walk.as_ref().is_some_and(|walk| walk.again);
    {
        let mut list = transaction.prepare_cached(
            "INSERT INTO sync_machine (source, id, last_seen, failures) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT (source, id) DO UPDATE SET last_seen = excluded.last_seen,
                 asked = iif(?4, NULL, asked)",
        )?;
        for machine in listed {
            list.execute(params![number, machine.id.0, machine.last_seen.ticks(), again])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn due(
    db: &Connection,
    tenant: TenantId,
    source: &SyncSource,
    most: u32,
) -> Result<Vec<SyncMachine>, Failure> {
    let Some(number) = find(db, tenant, source)? else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(&format!(
        "SELECT id, last_seen FROM sync_machine WHERE source = ?1 AND {IS_DUE}
         ORDER BY failures, last_seen DESC, id LIMIT ?2"
    ))?;
    let mut rows = statement.query(params![number, most])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        let id: Vec<u8> = row.get(0)?;
        due.push(SyncMachine { id: machine_id(&id)?, last_seen: timestamp(row.get(1)?)? });
    }
    Ok(due)
}

fn count_due(db: &Connection, tenant: TenantId, source: &SyncSource) -> Result<u64, Failure> {
    let Some(number) = find(db, tenant, source)? else { return Ok(0) };
    let count: i64 = db
        .prepare_cached(&format!(
            "SELECT count(*) FROM sync_machine WHERE source = ?1 AND {IS_DUE}"
        ))?
        .query_row([number], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

fn note(
    writer: &mut Writer,
    tenant: TenantId,
    source: &SyncSource,
    machine: SyncMachine,
    outcome: SyncOutcome,
) -> Result<(), Failure> {
    let Some(number) = find(&writer.connection, tenant, source)? else { return Ok(()) };
    // Another process may have heard meanwhile that it was seen again: then it stays due.
    let sql = match outcome {
        SyncOutcome::Done => {
            "UPDATE sync_machine SET asked = ?3, failures = 0 WHERE source = ?1 AND id = ?2"
        }
        SyncOutcome::Failed => {
            "UPDATE sync_machine SET failures = failures + 1
             WHERE source = ?1 AND id = ?2 AND last_seen >= ?3"
        }
    };
    writer.connection.prepare_cached(sql)?.execute(params![
        number,
        machine.id.0,
        machine.last_seen.ticks()
    ])?;
    Ok(())
}

fn admit(
    writer: &mut Writer,
    tenant: TenantId,
    source: &SyncSource,
    app: Uuid,
    api: &str,
    limits: &[CallLimit],
    now: Timestamp,
) -> Result<Admission, Failure> {
    let transaction = writer.transaction()?;
    let number = number(&transaction, tenant, source)?;
    // A clock that was set back must not hold calls up for longer than a period.
    transaction
        .prepare_cached("UPDATE sync_call SET time = ?2 WHERE source = ?1 AND time > ?2")?
        .execute(params![number, now.ticks()])?;
    let longest = limits.iter().map(|limit| limit.period_s).max().unwrap_or_default();
    transaction
        .prepare_cached("DELETE FROM sync_call WHERE source = ?1 AND time <= ?2")?
        .execute(params![number, now.ticks() - i64::from(longest) * TICKS_PER_SECOND])?;
    let mut free = now.ticks();
    for limit in limits {
        // A period is full if the call that many places back is in it.
        let filling: Option<i64> = transaction
            .prepare_cached(
                "SELECT time FROM sync_call WHERE source = ?1 AND app = ?2 AND api = ?3
                 ORDER BY time DESC LIMIT 1 OFFSET ?4",
            )?
            .query_row(params![number, app, api, limit.calls.saturating_sub(1)], |row| row.get(0))
            .optional()?;
        if let Some(time) = filling {
            free = free.max(time + i64::from(limit.period_s) * TICKS_PER_SECOND);
        }
    }
    if free > now.ticks() {
        transaction.commit()?;
        return Ok(Admission::NotBefore(timestamp(free)?));
    }
    transaction
        .prepare_cached("INSERT INTO sync_call (source, app, api, time) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![number, app, api, now.ticks()])?;
    transaction.commit()?;
    Ok(Admission::Admitted)
}
