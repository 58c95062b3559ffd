//! Operators: the people who sign in to this server itself.

use inventory::access::operator::{Operator, PasswordHash, TotpSecret};
use inventory::fold;
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};
use uuid::Uuid;

use super::Failure;
use super::record::Writer;
use super::values::timestamp;

const OPERATOR: &str = "id, user_name, display_name, password, totp, is_administrator, created,
    disabled, tokens_valid_from, failures, locked_until";

pub(super) fn add(
    writer: &mut Writer,
    tenant: TenantId,
    operator: &Operator,
) -> Result<bool, Failure> {
    let added = writer.connection.execute(
        "INSERT INTO operator (id, tenant, user_name, display_name, password, totp,
             is_administrator, created, disabled, tokens_valid_from, failures, locked_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
        params![
            operator.id,
            tenant.0,
            fold(&operator.user_name),
            operator.display_name,
            operator.password.0,
            operator.totp.as_ref().map(|secret| &secret.0),
            operator.is_administrator,
            operator.created.ticks(),
            operator.disabled.map(Timestamp::ticks),
            operator.tokens_valid_from.ticks(),
            operator.failures,
            operator.locked_until.map(Timestamp::ticks)
        ],
    )?;
    Ok(added == 1)
}

pub(super) fn save(
    writer: &mut Writer,
    tenant: TenantId,
    known: &Operator,
    operator: &Operator,
) -> Result<bool, Failure> {
    let transaction = writer.transaction()?;
    // Sign-ins that fail in between are no change of the person.
    let is_known = |kept: Operator| {
        let Operator { failures, locked_until, .. } = kept;
        kept == Operator { failures, locked_until, ..known.clone() }
    };
    if !by_id(&transaction, tenant, operator.id)?.is_some_and(is_known) {
        return Ok(false);
    }
    let saved = transaction.execute(
        "UPDATE OR IGNORE operator SET user_name = ?3, display_name = ?4, password = ?5,
             totp = ?6, is_administrator = ?7, created = ?8, disabled = ?9,
             tokens_valid_from = ?10
         WHERE id = ?1 AND tenant = ?2",
        params![
            operator.id,
            tenant.0,
            fold(&operator.user_name),
            operator.display_name,
            operator.password.0,
            operator.totp.as_ref().map(|secret| &secret.0),
            operator.is_administrator,
            operator.created.ticks(),
            operator.disabled.map(Timestamp::ticks),
            operator.tokens_valid_from.ticks()
        ],
    )?;
    transaction.commit()?;
    Ok(saved == 1)
}

pub(super) fn remove(writer: &mut Writer, tenant: TenantId, id: Uuid) -> Result<bool, Failure> {
    let transaction = writer.transaction()?;
    let removed = transaction
        .execute("DELETE FROM operator WHERE id = ?1 AND tenant = ?2", params![id, tenant.0])?;
    transaction
        .execute("DELETE FROM ticket WHERE tenant = ?2 AND operator = ?1", params![id, tenant.0])?;
    transaction.commit()?;
    Ok(removed == 1)
}

pub(super) fn all(db: &Connection, tenant: TenantId) -> Result<Vec<Operator>, Failure> {
    select(db, "tenant = ?1 ORDER BY user_name", &[&tenant.0])
}

pub(super) fn by_id(
    db: &Connection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Operator>, Failure> {
    Ok(select(db, "tenant = ?1 AND id = ?2", &[&tenant.0, &id])?.pop())
}

pub(super) fn by_name(
    db: &Connection,
    tenant: TenantId,
    user_name: &str,
) -> Result<Option<Operator>, Failure> {
    Ok(select(db, "tenant = ?1 AND user_name = ?2", &[&tenant.0, &fold(user_name)])?.pop())
}

fn select(
    db: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<Operator>, Failure> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {OPERATOR} FROM operator WHERE {condition}"))?;
    let mut rows = statement.query(values)?;
    let mut operators = Vec::new();
    while let Some(row) = rows.next()? {
        operators.push(operator_of(row)?);
    }
    Ok(operators)
}

fn operator_of(row: &Row<'_>) -> Result<Operator, Failure> {
    let moment = |column| row.get::<_, Option<i64>>(column)?.map(timestamp).transpose();
    Ok(Operator {
        id: row.get(0)?,
        user_name: row.get(1)?,
        display_name: row.get(2)?,
        password: PasswordHash(row.get(3)?),
        totp: row.get::<_, Option<Vec<u8>>>(4)?.map(TotpSecret),
        is_administrator: row.get(5)?,
        created: timestamp(row.get(6)?)?,
        disabled: moment(7)?,
        tokens_valid_from: timestamp(row.get(8)?)?,
        failures: row.get(9)?,
        locked_until: moment(10)?,
    })
}

pub(super) fn note_sign_in(
    writer: &mut Writer,
    tenant: TenantId,
    id: Uuid,
    seen: u32,
    failures: u32,
    locked_until: Option<Timestamp>,
) -> Result<bool, Failure> {
    let noted = writer.connection.execute(
        "UPDATE operator SET failures = ?4, locked_until = ?5
         WHERE id = ?1 AND tenant = ?2 AND failures = ?3",
        params![id, tenant.0, seen, failures, locked_until.map(Timestamp::ticks)],
    )?;
    Ok(noted == 1)
}
