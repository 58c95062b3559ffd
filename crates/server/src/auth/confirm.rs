//! What follows here and now from what a token says: whether its app and person are still in force,
//! and what the person's roles permit.

use inventory::access::Tenant;
use inventory::access::directory::Holder;
use inventory::access::scope::Groups;
use inventory::access::ticket::TicketKind;
use inventory::time::Timestamp;
use uuid::Uuid;

use super::caller::{Caller, Person};
use super::own::{self, State};
use super::{invalid, unauthorized};
use crate::error::ApiError;
use crate::issuer::COMMAND_LINE_APP;
use crate::issuer::handed_out::sha256;
use crate::state::AppState;
use crate::tenants;

/// What a token says.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The tenant's id.
    pub(crate) tenant: Uuid,
    /// The client id; derived from [`Subject::client`] where that is no GUID.
    pub(crate) app_id: Uuid,
    /// The client id as the token has it, where it is no GUID.
    pub(crate) client: Option<String>,
    pub(crate) issuer: Issuer,
    pub(crate) who: Who,
}

/// Who issued a token.
#[derive(Debug)]
pub(crate) enum Issuer {
    /// This server, with one of its keys.
    Own { kid: String },
    /// A provider of the configuration, whose word on apps and groups is taken.
    Outside,
}

/// For whom a token speaks.
#[derive(Debug)]
pub(crate) enum Who {
    /// For its app.
    App { roles: Vec<String> },
    /// For a person who signed in here.
    Operator { id: Uuid, scopes: Vec<String>, issued_s: i64, revocable: Vec<String> },
    /// For a person who signed in at a provider.
    Guest { name: String, scopes: Vec<String>, holder: Holder, lacks_groups: bool },
}

/// The caller of a token, and until when its key is believed, in seconds since 1970.
pub(super) async fn confirm(
    app: &AppState,
    subject: &Subject,
    access_version: u64,
    now: Timestamp,
) -> Result<(Caller, i64), ApiError> {
    let tenant = tenants::by_id(app, subject.tenant).await?.ok_or_else(invalid)?;
    let state = own::state(app, tenant.number, access_version).await?;
    let key_until_s = match &subject.issuer {
        Issuer::Own { kid } => state.key_until_s(kid).ok_or_else(invalid)?,
        Issuer::Outside => i64::MAX,
    };
    require_app(app, &tenant, subject).await?;
    let (app_id, client) = (subject.app_id, subject.client.clone());
    let person = match &subject.who {
        Who::App { roles } => {
            return Ok((Caller::app(tenant, app_id, client, roles.clone()), key_until_s));
        }
        Who::Operator { id, scopes, issued_s, revocable } => {
            let (name, holder) = operator(app, &tenant, (*id, *issued_s), revocable, now).await?;
            person(&state, name, scopes.clone(), &holder, false)
        }
        Who::Guest { name, scopes, holder, lacks_groups } => {
            person(&state, name.clone(), scopes.clone(), holder, *lacks_groups)
        }
    };
    Ok((Caller::person(tenant, app_id, client, person), key_until_s))
}

/// An app of this server must exist and not be revoked. A provider's need not be known here, but
/// can be revoked here.
async fn require_app(app: &AppState, tenant: &Tenant, subject: &Subject) -> Result<(), ApiError> {
    // No app of the store: whoever can sign as this server holds its database.
    if let (COMMAND_LINE_APP, Issuer::Own { .. }) = (subject.app_id, &subject.issuer) {
        return Ok(());
    }
    let found = app.store.app(tenant.number, subject.app_id).await?;
    match (found, &subject.issuer) {
        (Some(found), _) if found.revoked.is_none() => Ok(()),
        (None, Issuer::Outside) => Ok(()),
        _ => Err(unauthorized("The app of this access token does not exist or was revoked.")),
    }
}

/// The operator of a token, who must still be let in. `revocable` are the names under which the token
/// may have been revoked.
async fn operator(
    app: &AppState,
    tenant: &Tenant,
    (id, issued_s): (Uuid, i64),
    revocable: &[String],
    now: Timestamp,
) -> Result<(String, Holder), ApiError> {
    let gone = || unauthorized("The user of this access token does not exist or was disabled.");
    let found = app.store.operator(tenant.number, id).await?.ok_or_else(gone)?;
    if found.disabled.is_some() {
        return Err(gone());
    }
    let revoked = || unauthorized("The access token was revoked. Sign in again.");
    if !found.holds_token_of(issued_s) {
        return Err(revoked());
    }
    for name in revocable {
        let kind = TicketKind::RevokedToken;
        if app.store.ticket(tenant.number, kind, sha256(name), now).await?.is_some() {
            return Err(revoked());
        }
    }
    let holder = Holder {
        operator: Some(id),
        is_administrator: found.is_administrator,
        ..Holder::default()
    };
    Ok((found.user_name, holder))
}

fn person(
    state: &State,
    name: String,
    scopes: Vec<String>,
    holder: &Holder,
    lacks_groups: bool,
) -> Person {
    let access = state.directory.access(holder);
    // Who sees every machine already gains nothing from groups that are not told.
    let lacks_groups = lacks_groups && access.groups != Groups::All;
    Person { name, scopes, lacks_groups, access }
}
