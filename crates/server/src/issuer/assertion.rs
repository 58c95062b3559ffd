//! Assertions by which apps prove themselves in the place of a secret (defender-api.md §7.2): signed by
//! the key of one of their certificates, or by another issuer that a credential trusts.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::access::{App, Proof, Tenant};
use inventory::time::Timestamp;
use uuid::Uuid;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey as CertifiedKey;

use crate::auth::jws::{Algorithm, Jws, PublicKey};
use crate::call::Call;
use crate::issuer::audience;
use crate::issuer::handed_out::sha256;
use crate::issuer::refusal::Refusal;
use crate::outside::federated::{self, Unproven};
use crate::state::AppState;

/// `client_assertion_type` of the assertions that are understood (RFC 7523 §2.2).
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far clocks may differ, in seconds.
const SKEW_S: i64 = 300;
/// How long an assertion may live, in seconds: for as long its id is remembered.
const MAX_LIFETIME_S: i64 = 24 * 3600;

/// Where an assertion is shown.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint<'a> {
    pub(crate) app: &'a AppState,
    pub(crate) call: &'a Call,
    pub(crate) tenant: &'a Tenant,
    /// What the URL calls the tenant.
    pub(crate) tenant_name: &'a str,
}

/// Checks an assertion of an app, which is then used up.
pub(crate) async fn verify(
    endpoint: Endpoint<'_>,
    app: &App,
    assertion: &str,
) -> Result<(), Refusal> {
    let jws = Jws::assertion(assertion).map_err(|_| Refusal::assertion("It is no signed JWT."))?;
    let issuer = text(&jws, "iss")?;
    // A GUID in any form, as `client_id` may be one: clients repeat there what they were configured with.
    if issuer.and_then(|issuer| Uuid::try_parse(issuer).ok()) == Some(app.client_id) {
        return by_certificate(endpoint, app, &jws).await;
    }
    by_federation(endpoint, app, issuer.unwrap_or_default(), assertion).await
}

async fn by_certificate(endpoint: Endpoint<'_>, app: &App, jws: &Jws<'_>) -> Result<(), Refusal> {
    let now = endpoint.call.now;
    let key = key_of(app, jws, now)?;
    if !jws.is_signed_by(&key) {
        return Err(Refusal::assertion("The signature does not fit the app's certificate."));
    }
    if text(jws, "sub")? != text(jws, "iss")? {
        return Err(Refusal::assertion("'sub' must be the client id, as 'iss' is."));
    }
    let audiences = jws.claims.text_or_texts("aud").map_err(|_| malformed())?;
    if !audiences.iter().any(|audience| is_this(endpoint, audience)) {
        return Err(Refusal::assertion("'aud' must be the address of the token endpoint."));
    }
    let expires_s = seconds(jws, "exp")?.ok_or_else(malformed)?;
    let begins_s = seconds(jws, "nbf")?.or(seconds(jws, "iat")?).unwrap_or(now.seconds());
    check_times(now, begins_s, expires_s)?;
    let id = text(jws, "jti")?.ok_or_else(|| Refusal::assertion("'jti' is missing."))?;
    use_up(endpoint, app, id, expires_s).await
}

/// The key of the certificate that the header names by thumbprint.
fn key_of(app: &App, jws: &Jws<'_>, now: Timestamp) -> Result<PublicKey, Refusal> {
    let named = |parameter: &str| -> Result<Option<Vec<u8>>, Refusal> {
        let text = jws.header.text(parameter).map_err(|_| malformed())?;
        Ok(text.and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()))
    };
    let (sha256, sha1) = (named("x5t#S256")?, named("x5t")?);
    let is_named = |der: &[u8]| {
        let is = |algorithm, thumbprint: &Option<Vec<u8>>| {
            thumbprint.as_deref() == Some(digest::digest(algorithm, der).as_ref())
        };
        is(&digest::SHA256, &sha256)
            || sha256.is_none() && is(&digest::SHA1_FOR_LEGACY_USE_ONLY, &sha1)
    };
    let found = app.credentials.iter().find_map(|credential| match &credential.proof {
        Proof::Certificate { der }
            if is_named(der) && credential.expires.is_none_or(|expires| expires > now) =>
        {
            Some(der)
        }
        _ => None,
    });
    let der = found.ok_or_else(|| {
        Refusal::assertion("No certificate of the app that is in force has this thumbprint.")
    })?;
    public_key(der).ok_or_else(|| Refusal::internal("a certificate of an app cannot be read"))
}

fn public_key(der: &[u8]) -> Option<PublicKey> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let CertifiedKey::RSA(rsa) = certificate.public_key().parsed().ok()? else { return None };
    let unsigned = |number: &[u8]| {
        let zeros = number.iter().take_while(|&&byte| byte == 0).count();
        number[zeros..].to_vec()
    };
    let algorithms = vec![Algorithm::Rs256, Algorithm::Ps256];
    Some(PublicKey::rsa(&unsigned(rsa.modulus), &unsigned(rsa.exponent), algorithms))
}

/// Whether an audience is this tenant's token endpoint, or its issuer, under a name of the server.
fn is_this(endpoint: Endpoint<'_>, audience: &str) -> bool {
    let own = audience::own(endpoint.app, endpoint.call);
    let Some((scheme, rest)) = audience.split_once("://") else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let origin = format!("{scheme}://{authority}");
    let is_ours = own.iter().any(|own| own.is_named_by(&origin))
        || scheme == "https" && crate::origin::is_vendors(authority);
    let (tenant, path) = path.split_once('/').unwrap_or((path, ""));
    let is_tenant = tenant.eq_ignore_ascii_case(&endpoint.tenant.id.to_string())
        || tenant.eq_ignore_ascii_case(endpoint.tenant_name);
    let is_endpoint = ["oauth2/token", "oauth2/v2.0/token", "v2.0"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(path.trim_end_matches('/')));
    is_ours && is_tenant && is_endpoint
}

fn check_times(now: Timestamp, begins_s: i64, expires_s: i64) -> Result<(), Refusal> {
    let now_s = now.seconds();
    let is_timely = now_s < expires_s.saturating_add(SKEW_S)
        && now_s.saturating_add(SKEW_S) >= begins_s
        && expires_s.saturating_sub(now_s) <= MAX_LIFETIME_S;
    if is_timely { Ok(()) } else { Err(Refusal::untimely_assertion()) }
}

/// Remembers an assertion's id until it expires; one that was used is refused (RFC 7523 §3).
async fn use_up(
    endpoint: Endpoint<'_>,
    app: &App,
    id: &str,
    expires_s: i64,
) -> Result<(), Refusal> {
    let until = Timestamp::from_seconds(expires_s.saturating_add(SKEW_S), 0);
    let ticket = Ticket {
        kind: TicketKind::Assertion,
        key: sha256(&format!("{} {id}", app.client_id)),
        expires: until.ok_or_else(Refusal::untimely_assertion)?,
        operator: None,
        app: Some(app.client_id),
        family: None,
        data: String::new(),
    };
    let store = &endpoint.app.store;
    match store.add_ticket(endpoint.tenant.number, &ticket, endpoint.call.now).await? {
        true => Ok(()),
        false => Err(Refusal::assertion("It was used before: 'jti' must be a new one each time.")),
    }
}

async fn by_federation(
    endpoint: Endpoint<'_>,
    app: &App,
    issuer: &str,
    assertion: &str,
) -> Result<(), Refusal> {
    let now = endpoint.call.now;
    // Nobody is asked for keys that no credential of the app names.
    let of_issuer: Vec<_> = app
        .credentials
        .iter()
        .filter(|credential| credential.expires.is_none_or(|expires| expires > now))
        .filter_map(|credential| match &credential.proof {
            Proof::Federated { issuer: trusted, subject, audience } if trusted == issuer => {
                Some((subject, audience))
            }
            _ => None,
        })
        .collect();
    if of_issuer.is_empty() {
        return Err(Refusal::unknown_federation());
    }
    let shown = federated::verify(endpoint.app, issuer, assertion, now).await;
    let shown = shown.map_err(|unproven| match unproven {
        Unproven::Invalid => Refusal::assertion("Its issuer did not sign it."),
        Unproven::Untimely => Refusal::untimely_assertion(),
        Unproven::Unreachable => Refusal::assertion("Its issuer's keys could not be fetched."),
    })?;
    let is_trusted = of_issuer.iter().any(|(subject, audience)| {
        **subject == shown.subject && shown.audiences.contains(audience)
    });
    if !is_trusted {
        return Err(Refusal::unknown_federation());
    }
    // Issuers of workloads hand the same assertion out until it expires, some without an id.
    Ok(())
}

fn text<'j>(jws: &'j Jws<'_>, claim: &str) -> Result<Option<&'j str>, Refusal> {
    jws.claims.text(claim).map_err(|_| malformed())
}

fn seconds(jws: &Jws<'_>, claim: &str) -> Result<Option<i64>, Refusal> {
    jws.claims.seconds(claim).map_err(|_| malformed())
}

fn malformed() -> Refusal {
    Refusal::assertion("A claim is missing or is of another type than it must be.")
}
