//! Tenants and the names that mean them.

use inventory::access::Tenant;
use inventory::fold;
use inventory::ids::TenantId;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::Failure;
use super::record::Writer;

/// The tenant that every store has.
const DEFAULT: TenantId = TenantId(1);

/// The default tenant, if it was asked for before.
pub(super) fn find_default(db: &Connection) -> Result<Option<Tenant>, Failure> {
    let tenant = db
        .prepare_cached("SELECT id, name FROM tenant WHERE number = ?1")?
        .query_row([DEFAULT.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    tenant
        .map(|(id, name)| Ok(Tenant { number: DEFAULT, id, name, domains: domains(db, DEFAULT)? }))
        .transpose()
}

pub(super) fn default_tenant(writer: &mut Writer) -> Result<Tenant, Failure> {
    let transaction = writer.transaction()?;
    make_default(&transaction)?;
    let tenant = find_default(&transaction)?;
    transaction.commit()?;
    tenant.ok_or_else(|| Failure::Damaged("there is no default tenant".to_owned()))
}

fn make_default(transaction: &Transaction<'_>) -> Result<(), Failure> {
    transaction.execute(
        "INSERT INTO tenant (number, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![DEFAULT.0, Uuid::new_v4()],
    )?;
    Ok(())
}

pub(super) fn tenants(db: &Connection) -> Result<Vec<Tenant>, Failure> {
    let mut statement = db.prepare_cached("SELECT number, id, name FROM tenant ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut tenants = Vec::new();
    while let Some(row) = rows.next()? {
        let number = TenantId(row.get(0)?);
        tenants.push(Tenant {
            number,
            id: row.get(1)?,
            name: row.get(2)?,
            domains: domains(db, number)?,
        });
    }
    Ok(tenants)
}

fn domains(db: &Connection, tenant: TenantId) -> Result<Vec<String>, Failure> {
    let mut statement =
        db.prepare_cached("SELECT domain FROM tenant_domain WHERE tenant = ?1 ORDER BY domain")?;
    let domains = statement.query_map([tenant.0], |row| row.get(0))?;
    Ok(domains.collect::<Result<_, _>>()?)
}

pub(super) fn add_tenant(
    writer: &mut Writer,
    id: Uuid,
    name: &str,
    domains: &[String],
) -> Result<Option<Tenant>, Failure> {
    let transaction = writer.transaction()?;
    // First of all, so that neither its number nor its name goes to another.
    make_default(&transaction)?;
    let number = transaction
        .query_row(
            "INSERT INTO tenant (id, name, name_key) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING RETURNING number",
            params![id, name, fold(name)],
            |row| row.get(0).map(TenantId),
        )
        .optional()?;
    let Some(number) = number else { return Ok(None) };
    if !take_domains(&transaction, number, domains)? {
        return Ok(None);
    }
    let domains = self::domains(&transaction, number)?;
    transaction.commit()?;
    Ok(Some(Tenant { number, id, name: name.to_owned(), domains }))
}

pub(super) fn rename_tenant(
    writer: &mut Writer,
    tenant: TenantId,
    name: &str,
    domains: &[String],
) -> Result<bool, Failure> {
    let transaction = writer.transaction()?;
    let renamed = transaction.execute(
        "UPDATE OR IGNORE tenant SET name = ?2, name_key = ?3 WHERE number = ?1",
        params![tenant.0, name, fold(name)],
    )?;
    transaction.execute("DELETE FROM tenant_domain WHERE tenant = ?1", [tenant.0])?;
    let taken = renamed == 1 && take_domains(&transaction, tenant, domains)?;
    if taken {
        transaction.commit()?;
    }
    Ok(taken)
}

/// Gives domains to a tenant; `false` when another one has one of them.
fn take_domains(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    domains: &[String],
) -> Result<bool, Failure> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO tenant_domain (domain, tenant) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET tenant = tenant RETURNING tenant",
    )?;
    for domain in domains {
        let holder: i64 = insert.query_row(params![fold(domain), tenant.0], |row| row.get(0))?;
        if holder != tenant.0 {
            return Ok(false);
        }
    }
    Ok(true)
}
