//! Tokens of other identity providers (defender-api.md §7.4): Entra ID, Keycloak, and whatever else
//! speaks OpenID Connect.
//!
//! A provider is believed because the configuration names its issuer, for one tenant, and for
//! nothing beyond. Its keys come from its discovery document (`discovery`, `fetch`) and are kept
//! (`provider`); what its tokens say is read in `reading`. Apps prove themselves to this server with
//! tokens of providers too (`federated`).

mod discovery;
pub(crate) mod federated;
mod fetch;
mod provider;
mod reading;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;

use inventory::time::Timestamp;
use uuid::Uuid;

pub use self::fetch::client_tls;
pub use self::settings::{ClaimNames, Cloud, Error, Kind, OutsideIssuer};

use self::fetch::Client;
pub(crate) use self::provider::{Mark, NoKey, Provider};
use crate::auth::jws::Jws;
use crate::auth::{self, Audience, Skew, Verified, invalid, unauthorized};
use crate::error::ApiError;
use crate::state::AppState;
use crate::tenants;

/// How far clocks of providers may differ from this server's, in seconds.
const SKEW: Skew = Skew { early_s: 300, late_s: 300 };

/// The providers that are believed, by the `iss` of their tokens.
pub(crate) struct Outside {
    trusted: HashMap<String, Trusted>,
    federated: federated::Providers,
}

/// One issuer's name, and what its tokens mean.
struct Trusted {
    settings: Arc<OutsideIssuer>,
    /// The id of the provider's own tenant, where it has such.
    directory: Option<Uuid>,
    provider: Arc<Provider>,
}

impl Outside {
    /// Prepares the providers; none is asked before its first token comes.
    pub(crate) fn new(issuers: &[OutsideIssuer]) -> Result<Self, Error> {
        OutsideIssuer::check_all(issuers)?;
        let mut trusted = HashMap::new();
        for settings in issuers {
            let settings = Arc::new(settings.clone());
            let client = Client::new(settings.ca.as_deref())?;
            for authority in settings.authorities() {
                let provider =
                    Arc::new(Provider::new(authority.discovery_url, &authority.issuers, &client));
                for issuer in authority.issuers {
                    let entry = Trusted {
                        settings: Arc::clone(&settings),
                        directory: authority.directory,
                        provider: Arc::clone(&provider),
                    };
                    trusted.insert(issuer, entry);
                }
            }
        }
        Ok(Self { trusted, federated: federated::Providers::new()? })
    }
}

/// Checks a token of a provider.
pub(crate) async fn verify(
    app: &AppState,
    jws: &Jws<'_>,
    now: Timestamp,
) -> Result<Verified, ApiError> {
    let issuer = jws.claims.text("iss")?.ok_or_else(invalid)?;
    let trusted = app.outside.trusted.get(issuer).ok_or_else(invalid)?;
    let (key, mark) = match trusted.provider.key(&jws.kid, jws.algorithm, now).await {
        Ok(found) => found,
        Err(NoKey::Unknown) => return Err(invalid()),
        Err(NoKey::Unreachable) => {
            return Err(unauthorized(
                "The access token cannot be checked: the keys of its issuer cannot be reached.",
            ));
        }
    };
    if !jws.is_signed_by(&key) {
        return Err(invalid());
    }
    let claims = &jws.claims;
    if trusted.directory.is_some() && claims.id("tid")? != trusted.directory {
        return Err(invalid());
    }
    let settings = &trusted.settings;
    let tenant = tenant_of(app, trusted).await?;
    let names = claims.text_or_texts("aud")?;
    let mut verified = Verified {
        subject: reading::subject(settings, issuer, tenant, claims)?,
        audience: Audience::Ours(names),
        issuer: issuer.to_owned(),
        not_before_s: claims.seconds("nbf")?.unwrap_or(i64::MIN),
        expires_s: claims.seconds("exp")?.ok_or_else(invalid)?,
        skew: SKEW,
        mark: Some(mark),
    };
    if !settings.audiences.is_empty() {
        let Audience::Ours(names) = &verified.audience else { return Err(invalid()) };
        if !names.iter().any(|name| settings.takes_audience(name)) {
            return Err(auth::wrong_audience(&verified, &names.join(",")));
        }
        verified.audience = Audience::Configured;
    }
    Ok(verified)
}

/// The tenant of this server that a provider speaks for.
async fn tenant_of(app: &AppState, trusted: &Trusted) -> Result<Uuid, ApiError> {
    let Some(name) = &trusted.settings.tenant else {
        return Ok(trusted.directory.unwrap_or(app.tenant.id));
    };
    let tenant = tenants::named(app, name).await?;
    tenant.map(|tenant| tenant.id).ok_or_else(|| {
        tracing::warn!(tenant = %name, "the configuration names a tenant that does not exist");
        invalid()
    })
}
