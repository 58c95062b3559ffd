//! Which app asks for a token, and how it proves itself.

use aws_lc_rs::constant_time;
use inventory::access::{App, Proof, Tenant};
use inventory::time::Timestamp;
use store::Store;
use uuid::Uuid;

use crate::issuer::assertion::{self, Endpoint};
use crate::issuer::handed_out::sha256;
use crate::issuer::refusal::Refusal;
use crate::issuer::request::Fields;
use crate::issuer::signin::{self, SignInError};

/// An app that proved itself, or that is public and has nothing to prove itself with.
pub(crate) struct Client {
    pub(crate) app: App,
    pub(crate) proven: Proven,
}

/// How an app proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    Nothing,
    BySecret,
    ByAssertion,
}

impl Proven {
    /// The claim `appidacr` (defender-api.md §7.4).
    pub(crate) fn claim(self) -> &'static str {
        match self {
            Proven::Nothing => "0",
            Proven::BySecret => "1",
            Proven::ByAssertion => "2",
        }
    }
}

/// The app of a request. What it shows must be right; failures count against its address.
pub(crate) async fn authenticate(
    endpoint: Endpoint<'_>,
    fields: &Fields,
) -> Result<Client, Refusal> {
    let Endpoint { app: state, call, tenant, .. } = endpoint;
    let client_id = Fields::required(&fields.client_id, "client_id")?;
    let app = find(state.store.as_ref(), tenant, client_id).await?;
    // The first one to set it; a request is authenticated once.
    let _ = call.app_id.set(app.client_id);
    let shown = (&fields.client_secret, &fields.client_assertion);
    let proven = match shown {
        (None, None) if app.is_public => Proven::Nothing,
        (None, None) => return Err(Refusal::missing_secret()),
        _ if app.is_public => return Err(Refusal::public_app()),
        (Some(_), Some(_)) => return Err(Refusal::two_proofs()),
        (secret, assertion) => {
            signin::count_address(state, call).map_err(refused)?;
            let proven = match (secret, assertion) {
                (_, Some(shown)) => {
                    let kind = fields.client_assertion_type.as_deref();
                    if kind.is_some_and(|kind| kind != assertion::JWT_BEARER) {
                        return Err(Refusal::assertion("'client_assertion_type' is not known."));
                    }
                    assertion::verify(endpoint, &app, shown).await?;
                    Proven::ByAssertion
                }
                (secret, None) => {
                    check_secret(&app, secret.as_deref().unwrap_or_default(), call.now)?;
                    Proven::BySecret
                }
            };
            signin::forgive_address(state, call);
            proven
        }
    };
    // After the proof, so that a stranger cannot learn which apps exist and are revoked.
    match app.revoked {
        Some(_) => Err(Refusal::revoked_app(&app)),
        None => Ok(Client { app, proven }),
    }
}

/// The app of a client id, in force or not.
pub(crate) async fn find(
    store: &dyn Store,
    tenant: &Tenant,
    client_id: &str,
) -> Result<App, Refusal> {
    let unknown = || Refusal::unknown_app(client_id, tenant.id);
    let id = Uuid::try_parse(client_id.trim()).map_err(|_| unknown())?;
    store.app(tenant.number, id).await?.ok_or_else(unknown)
}

/// Whether a secret is one of the app's.
pub(crate) fn check_secret(app: &App, secret: &str, now: Timestamp) -> Result<(), Refusal> {
    let shown = sha256(secret);
    let known = app.credentials.iter().find(|credential| match &credential.proof {
        Proof::Secret { sha256 } => constant_time::verify_slices_are_equal(&shown, sha256).is_ok(),
        _ => false,
    });
    let known = known.ok_or_else(|| Refusal::wrong_secret(app.client_id))?;
    match known.expires {
        Some(expires) if expires <= now => Err(Refusal::expired_secret(app)),
        _ => Ok(()),
    }
}

/// A failed sign-in as the token endpoint tells it.
pub(crate) fn refused(error: SignInError) -> Refusal {
    let (code, text) = error.code();
    match error {
        SignInError::Internal(reason) => Refusal::internal(reason),
        SignInError::Busy => Refusal::throttled(1),
        SignInError::TooMany { retry_after_s } => Refusal::throttled(retry_after_s),
        _ => Refusal::sign_in(code, text),
    }
}
