//! What a request for a person asks of the API: the scopes of version 2.0 and the `resource` of
//! version 1.0 (defender-api.md §7.1, §7.4), read against what the app holds.
//!
//! A scope is written `RESOURCE/NAME`, or as the name alone; `.default` is everything that the app
//! holds for people. One request names one resource.

use inventory::access::{App, Permission};
use uuid::Uuid;

use crate::issuer::audience::{self, DEFAULT_RESOURCE};
use crate::issuer::refusal::Refusal;
use crate::issuer::request::Version;
use crate::origin::Origin;

/// Scopes of OpenID Connect, which name no resource.
pub(crate) const OPENID_SCOPES: &[&str] = &["openid", "profile", "email", "offline_access"];
/// The OpenID scope that asks for an id token.
pub(crate) const OPENID: &str = "openid";
/// The OpenID scope that asks for a refresh token.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";
/// The name that means every permission.
pub(crate) const DEFAULT: &str = ".default";
/// Scopes in one request at most.
const MAX_SCOPES: usize = 100;

/// The fields of a request that say what it asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    /// Which endpoint was asked.
    pub(crate) version: Version,
    /// `resource`, which counts at the endpoints of version 1.0.
    pub(crate) resource: Option<&'a str>,
    /// `scope`; at the endpoints of version 1.0 its OpenID scopes alone count.
    pub(crate) scope: Option<&'a str>,
}

/// What is asked for, all of which the app holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The API, as it was named.
    pub(crate) resource: String,
    /// Permissions by their names in `scp`, each once, in the order of [`Permission::ALL`].
    pub(crate) scopes: Vec<String>,
    /// OpenID scopes, each once. At the endpoints of version 1.0 `offline_access` is among them,
    /// since they give refresh tokens to whoever gets a code.
    pub(crate) openid: Vec<String>,
}

/// Reads what a request asks for. `own` are the origins of the server that count as resources.
pub(crate) fn read(
    fields: Fields<'_>,
    app: &App,
    tenant: Uuid,
    own: &[&Origin],
) -> Result<Asked, Refusal> {
    let scope = fields.scope.unwrap_or_default();
    let words: Vec<_> = scope.split_whitespace().take(MAX_SCOPES + 1).collect();
    if words.len() > MAX_SCOPES {
        return Err(Refusal::invalid_scope(scope));
    }
    let (openid, words): (Vec<&str>, Vec<&str>) =
        words.into_iter().partition(|word| OPENID_SCOPES.contains(word));
    let mut openid: Vec<_> = OPENID_SCOPES
        .iter()
        .filter(|known| openid.contains(known))
        .map(|&known| known.to_owned())
        .collect();
    let (resource, wanted) = match fields.version {
        Version::V1 => {
            if !openid.iter().any(|scope| scope == OFFLINE_ACCESS) {
                openid.push(OFFLINE_ACCESS.to_owned());
            }
            (fields.resource.unwrap_or(DEFAULT_RESOURCE), vec![DEFAULT])
        }
        Version::V2 => named(&words)?,
    };
    if !audience::is_ours(resource, own) {
        return Err(Refusal::unknown_resource(resource, tenant));
    }
    Ok(Asked { resource: resource.to_owned(), scopes: held(&wanted, app)?, openid })
}

/// The resource that scopes name, and their names. Scopes that name no resource are the API's own.
fn named<'a>(words: &[&'a str]) -> Result<(&'a str, Vec<&'a str>), Refusal> {
    let mut resource = None;
    let mut names = Vec::with_capacity(words.len());
    for word in words {
        let name = match word.rsplit_once('/') {
            None => *word,
            Some((named, name)) => {
                let first = *resource.get_or_insert(named);
                if !first.eq_ignore_ascii_case(named) {
                    return Err(Refusal::several_resources(first, named));
                }
                name
            }
        };
        names.push(name);
    }
    Ok((resource.unwrap_or(DEFAULT_RESOURCE), names))
}

fn held(wanted: &[&str], app: &App) -> Result<Vec<String>, Refusal> {
    let held = |permission: &Permission| app.scopes().any(|of_app| of_app == *permission);
    for name in wanted.iter().filter(|name| **name != DEFAULT) {
        match Permission::parse(name) {
            Some(permission) if permission.is_delegated() => {
                if !held(&permission) {
                    return Err(Refusal::consent_required(app));
                }
            }
            _ => return Err(Refusal::invalid_scope(name)),
        }
    }
    let everything = wanted.contains(&DEFAULT);
    let asked = |permission: &&Permission| {
        held(permission) && (everything || wanted.contains(&permission.as_str()))
    };
    Ok(Permission::ALL.iter().filter(asked).map(|one| one.as_str().to_owned()).collect())
}
