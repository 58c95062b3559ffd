//! What the claims of a provider's token say (defender-api.md §7.4).

use aws_lc_rs::digest;
use inventory::access::directory::Holder;
use uuid::Uuid;

use super::settings::{ClaimNames, Kind, OutsideIssuer};
use crate::auth::claims::{Claims, Malformed};
use crate::auth::{Issuer, Subject, Who};

/// Characters of a name or client id that are kept for the audit at most.
const SHOWN_CHARS: usize = 256;
/// Claims that name a person, the best first.
const USER_CLAIMS: &[&str] = &["upn", "unique_name", "preferred_username", "email", "oid", "sub"];
/// Claims that name the client.
const CLIENT_CLAIMS: &[&str] = &["appid", "azp", "client_id", "cid"];

/// The claims of a kind of provider, by name.
struct Names<'a> {
    roles: &'a str,
    scopes: &'a [&'a str],
    groups: &'a str,
    users: &'a [&'a str],
    /// Whether it says roles of Entra ID in `wids`.
    has_wids: bool,
}

/// What a token says.
pub(super) fn subject(
    settings: &OutsideIssuer,
    issuer: &str,
    tenant: Uuid,
    claims: &Claims,
) -> Result<Subject, Malformed> {
    let client = claims.first_text(CLIENT_CLAIMS)?.ok_or(Malformed)?;
    let (app_id, client_text) = match Uuid::try_parse(client) {
        Ok(id) => (id, None),
        Err(_) => (client_id(issuer, client), Some(shown(client))),
    };
    let who = match &settings.kind {
        Kind::Entra { .. } => of_entra(claims)?,
        Kind::OpenId { claims: names, .. } => of_openid(names, client, claims)?,
    };
    Ok(Subject { tenant, app_id, client: client_text, issuer: Issuer::Outside, who })
}

/// `scp` is what people's tokens have (E-CLAIMS). Without it a token must be an app's and not, say,
/// an id token, whose `roles` would be its person's: apps are their own subject.
fn of_entra(claims: &Claims) -> Result<Who, Malformed> {
    let names = Names {
        roles: "roles",
        scopes: &["scp"],
        groups: "groups",
        users: USER_CLAIMS,
        has_wids: true,
    };
    if claims.holds("scp") {
        return person(&names, claims);
    }
    let is_app = match claims.text("idtyp")? {
        Some(kind) => kind == "app",
        None => claims.text("oid")? == claims.text("sub")?,
    };
    if is_app { app(&names, claims) } else { Err(Malformed) }
}

/// Many providers write `scope` into every token. So a token is a person's unless it shows that it
/// is not: an app's rights reach further.
fn of_openid(settings: &ClaimNames, client: &str, claims: &Claims) -> Result<Who, Malformed> {
    let (scopes, users) = (settings.scopes.as_deref(), settings.user.as_deref());
    let known = Names {
        roles: settings.roles.as_deref().unwrap_or("roles"),
        scopes: names(&scopes, &["scp", "scope"]),
        groups: settings.groups.as_deref().unwrap_or("groups"),
        users: names(&users, USER_CLAIMS),
        has_wids: false,
    };
    let is_app = match &settings.app {
        None => claims.text("sub")? == Some(client),
        Some(mark) => match mark.split_once('=') {
            None => claims.holds(mark),
            Some((name, value)) => claims.text(name)? == Some(value),
        },
    };
    if is_app { app(&known, claims) } else { person(&known, claims) }
}

fn app(names: &Names<'_>, claims: &Claims) -> Result<Who, Malformed> {
    Ok(Who::App { roles: claims.texts(names.roles)? })
}

fn person(names: &Names<'_>, claims: &Claims) -> Result<Who, Malformed> {
    let mut scopes = Vec::new();
    for name in names.scopes {
        if let Some(words) = claims.words(name)? {
            scopes = words;
            break;
        }
    }
    let wids = if names.has_wids { claims.texts("wids")? } else { Vec::new() };
    let holder = Holder {
        operator: None,
        is_administrator: false,
        groups: claims.texts(names.groups)?,
        wids: wids.iter().filter_map(|id| Uuid::try_parse(id).ok()).collect(),
    };
    Ok(Who::Guest {
        name: shown(claims.first_text(names.users)?.ok_or(Malformed)?),
        scopes,
        holder,
        // Groups that do not fit into a token are told elsewhere (§7.4).
        lacks_groups: claims.is_true("hasgroups")? || claims.holds("_claim_names.groups"),
    })
}

/// The id under which an app with a client id that is no GUID is counted and audited: the same on
/// every server, and another one for every issuer.
fn client_id(issuer: &str, client: &str) -> Uuid {
    let mut text = b"footfall:client:".to_vec();
    text.extend_from_slice(issuer.as_bytes());
    text.push(0);
    text.extend_from_slice(client.as_bytes());
    let hash = digest::digest(&digest::SHA256, &text);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

/// One name that was configured, or those that are usual.
fn names<'a>(configured: &'a Option<&'a str>, usual: &'a [&'a str]) -> &'a [&'a str] {
    configured.as_ref().map_or(usual, std::slice::from_ref)
}
