//! What an app asks of a person, in words, and what the person allowed before.

use inventory::access::operator::Operator;
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::access::{App, Permission};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use maud::{Markup, html};

use crate::error::ApiError;
use crate::issuer::handed_out::sha256;
use crate::issuer::scopes::{Asked, OFFLINE_ACCESS};
use crate::state::AppState;

/// How long a person's word holds, in seconds: a year, then they are asked again.
const LIFETIME_S: i64 = 365 * 24 * 3600;
/// Changes of the same consent that may be faster than this one.
const TRIES: usize = 8;

/// Whether nobody has to be asked: an administrator agreed for all, or the person did before.
pub(super) async fn is_given(
    app: &AppState,
    tenant: TenantId,
    (of, operator): (&App, &Operator),
    asked: &Asked,
    now: Timestamp,
) -> Result<bool, ApiError> {
    if of.consented {
        return Ok(true);
    }
    let ticket = app.store.ticket(tenant, TicketKind::Consent, key(of, operator), now).await?;
    Ok(ticket.is_some_and(|ticket| {
        let given = scopes(&ticket);
        asked.scopes.iter().all(|scope| given.contains(scope))
    }))
}

/// Keeps that a person agreed.
pub(super) async fn give(
    app: &AppState,
    tenant: TenantId,
    (of, operator): (&App, &Operator),
    asked: &Asked,
    now: Timestamp,
) -> Result<(), ApiError> {
    let key = key(of, operator);
    for _ in 0..TRIES {
        let known = app.store.ticket(tenant, TicketKind::Consent, key, now).await?;
        let mut all = known.as_ref().map(scopes).unwrap_or_default();
        all.extend(asked.scopes.iter().cloned());
        all.sort_unstable();
        all.dedup();
        let ticket = Ticket {
            kind: TicketKind::Consent,
            key,
            expires: now.plus_seconds(LIFETIME_S).unwrap_or(Timestamp::MAX),
            operator: Some(operator.id),
            app: Some(of.client_id),
            family: None,
            data: all.join(" "),
        };
        let kept = match known {
            None => app.store.add_ticket(tenant, &ticket, now).await?,
            Some(known) => app.store.change_ticket(tenant, &known.data, &ticket, now).await?,
        };
        if kept {
            return Ok(());
        }
    }
    Err(ApiError::internal("a consent changes all the time"))
}

/// What is asked, as a list.
pub(super) fn list(asked: &Asked) -> Markup {
    let permissions = Permission::ALL
        .iter()
        .filter(|permission| asked.scopes.iter().any(|scope| scope == permission.as_str()));
    html! {
        ul {
            @for permission in permissions {
                li { (words(*permission)) " " code { (permission.as_str()) } }
            }
            li { "Know your name and user name" }
            @if asked.openid.iter().any(|scope| scope == OFFLINE_ACCESS) {
                li { "Keep this access until you sign out" }
            }
        }
        p.small {
            "It sees what you may see, and no more. You can end this at any time on your account's \
             page, by signing out everywhere."
        }
    }
}

/// What a permission lets an app do for a person.
fn words(permission: Permission) -> &'static str {
    match permission {
        Permission::MachineRead | Permission::MachineReadAll => "Read devices and their users",
        Permission::MachineReadWrite | Permission::MachineReadWriteAll => {
            "Read devices and their users, and change tags and values of devices"
        }
        Permission::UserReadAll => "Read users and where they signed in",
        Permission::AlertRead | Permission::AlertReadAll => "Read alerts",
        Permission::AlertReadWrite | Permission::AlertReadWriteAll => "Read and change alerts",
        Permission::AdminRead | Permission::AdminReadAll => {
            "Read how this server is administered: apps, people, roles, groups, audit"
        }
        Permission::AdminReadWrite | Permission::AdminReadWriteAll => {
            "Administer this server: apps, people, roles, groups, keys"
        }
        Permission::TelemetryWrite => "Send telemetry",
    }
}

fn scopes(ticket: &Ticket) -> Vec<String> {
    ticket.data.split_whitespace().map(str::to_owned).collect()
}

fn key(of: &App, operator: &Operator) -> [u8; 32] {
    sha256(&format!("{} {}", operator.id, of.client_id))
}
