//! Tickets. Each change is one statement, so that of several who ask at once one succeeds.

use inventory::access::ticket::{Ticket, TicketKind, TicketsOf};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::Failure;
use super::record::Writer;
use super::values::timestamp;

/// Kinds that refuse something while they are there, by number: to revoke them would permit it.
const REFUSALS: [TicketKind; 3] =
    [TicketKind::Assertion, TicketKind::RevokedToken, TicketKind::TotpCode];

pub(super) fn add(
    writer: &mut Writer,
    tenant: TenantId,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<bool, Failure> {
    let added = writer
        .connection
        .prepare_cached(
            "INSERT INTO ticket (tenant, kind, key, expires, operator, app, family, data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (tenant, kind, key) DO UPDATE SET expires = excluded.expires,
                 operator = excluded.operator, app = excluded.app, family = excluded.family,
                 data = excluded.data
             WHERE expires <= ?9",
        )?
        .execute(params![
            tenant.0,
            ticket.kind as u8,
            ticket.key,
            ticket.expires.ticks(),
            ticket.operator,
            ticket.app,
            ticket.family,
            ticket.data,
            now.ticks()
        ])?;
    Ok(added == 1)
}

/// The columns of [`ticket_of`].
const TICKET: &str = "expires, operator, app, family, data";

pub(super) fn find(
    db: &Connection,
    tenant: TenantId,
    kind: TicketKind,
    key: [u8; 32],
    now: Timestamp,
) -> Result<Option<Ticket>, Failure> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {TICKET} FROM ticket WHERE tenant = ?1 AND kind = ?2 AND key = ?3 AND expires > ?4"
    ))?;
    let mut rows = statement.query(params![tenant.0, kind as u8, key, now.ticks()])?;
    rows.next()?.map(|row| ticket_of(row, kind, key)).transpose()
}

pub(super) fn take(
    writer: &mut Writer,
    tenant: TenantId,
    kind: TicketKind,
    key: [u8; 32],
    now: Timestamp,
) -> Result<Option<Ticket>, Failure> {
    let mut statement = writer.connection.prepare_cached(&format!(
        "DELETE FROM ticket WHERE tenant = ?1 AND kind = ?2 AND key = ?3 AND expires > ?4
         RETURNING {TICKET}"
    ))?;
    let mut rows = statement.query(params![tenant.0, kind as u8, key, now.ticks()])?;
    let taken = rows.next()?.map(|row| ticket_of(row, kind, key)).transpose()?;
    // The statement commits when it has run to its end, and not with its first row.
    while rows.next()?.is_some() {}
    Ok(taken)
}

fn ticket_of(row: &Row<'_>, kind: TicketKind, key: [u8; 32]) -> Result<Ticket, Failure> {
    Ok(Ticket {
        kind,
        key,
        expires: timestamp(row.get(0)?)?,
        operator: row.get(1)?,
        app: row.get(2)?,
        family: row.get(3)?,
        data: row.get(4)?,
    })
}

pub(super) fn change(
    writer: &mut Writer,
    tenant: TenantId,
    seen: &str,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<bool, Failure> {
    let changed = writer
        .connection
        .prepare_cached(
            "UPDATE ticket SET data = ?5, operator = ?6, expires = ?7
             WHERE tenant = ?1 AND kind = ?2 AND key = ?3 AND data = ?4 AND expires > ?8",
        )?
        .execute(params![
            tenant.0,
            ticket.kind as u8,
            ticket.key,
            seen,
            ticket.data,
            ticket.operator,
            ticket.expires.ticks(),
            now.ticks()
        ])?;
    Ok(changed == 1)
}

pub(super) fn revoke(writer: &mut Writer, tenant: TenantId, of: TicketsOf) -> Result<u64, Failure> {
    let (column, id, keep) = match of {
        TicketsOf::Operator(id) => ("operator", id, Some(TicketKind::Consent)),
        TicketsOf::App(id) => ("app", id, None),
        TicketsOf::Family(id) => ("family", id, None),
    };
    let kept: Vec<String> =
        REFUSALS.into_iter().chain(keep).map(|kind| (kind as u8).to_string()).collect();
    let revoked = writer.connection.execute(
        &format!(
            "DELETE FROM ticket WHERE tenant = ?1 AND {column} = ?2 AND kind NOT IN ({})",
            kept.join(", ")
        ),
        params![tenant.0, id],
    )?;
    Ok(revoked as u64)
}

pub(super) fn forget(writer: &mut Writer, now: Timestamp) -> Result<u64, Failure> {
    let forgotten =
        writer.connection.execute("DELETE FROM ticket WHERE expires <= ?1", [now.ticks()])?;
    Ok(forgotten as u64)
}
