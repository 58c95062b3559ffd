//! The one check of who a person is: for the pages and for the password grant.
//!
//! A name that nobody has and a wrong password get the same answer after the same time. Nothing
//! else about an account is told before the password was right, but for its lock.

use inventory::access::Tenant;
use inventory::access::operator::Operator;
use inventory::time::Timestamp;

use crate::call::Call;
use crate::error::chain;
use crate::issuer::handed_out::sha256;
use crate::issuer::throttle::Forgiven;
use crate::issuer::{password, totp};
use crate::state::AppState;

/// Bytes of a user name that are looked for and recorded at most.
pub(crate) const MAX_USER_NAME_BYTES: usize = 320;

/// What a person shows.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) user_name: &'a str,
    pub(crate) password: &'a str,
    /// The code of their authenticator app, where they were asked for it.
    pub(crate) totp_code: Option<&'a str>,
}

/// Why a person is not signed in.
#[derive(Debug)]
pub(crate) enum SignInError {
    /// There is no such person, or it is not their password.
    Wrong,
    /// Too many sign-ins to the account failed.
    Locked { retry_after_s: i64 },
    /// The account is disabled; said only to who knows its password.
    Disabled,
    /// The password was right, and the code of an authenticator app is needed.
    CodeNeeded,
    /// The code is wrong, or was used.
    CodeWrong,
    /// Too many sign-ins from the address failed.
    TooMany { retry_after_s: i64 },
    /// The server cannot check another password now.
    Busy,
    /// The server is at fault; the text is for the log.
    Internal(String),
}

impl SignInError {
    /// The sign-in service's number, and what it says.
    pub(crate) fn code(&self) -> (u32, &'static str) {
        match self {
            Self::Wrong => {
                (50126, "Error validating credentials due to invalid username or password.")
            }
            Self::Locked { .. } => (
                50053,
                "The account is locked, you've tried to sign in too many times with an incorrect \
                 user ID or password.",
            ),
            Self::Disabled => (50057, "The user account is disabled."),
            Self::CodeNeeded => {
                (50076, "You must use multi-factor authentication to access this resource.")
            }
            Self::CodeWrong => {
                (500_121, "Authentication failed during strong authentication request.")
            }
            Self::TooMany { .. } => (
                50053,
                "Sign-in was blocked because it came from an IP address with malicious activity.",
            ),
            Self::Busy | Self::Internal(_) => {
                (90033, "A transient error has occurred. Please try again.")
            }
        }
    }
}

impl From<store::Error> for SignInError {
    fn from(error: store::Error) -> Self {
        Self::Internal(chain(&error))
    }
}

impl From<password::Error> for SignInError {
    fn from(error: password::Error) -> Self {
        match error {
            password::Error::Busy => Self::Busy,
            password::Error::Length | password::Error::Hash(_) => Self::Internal(error.to_string()),
        }
    }
}

/// How a person who signed in did so (RFC 8176).
pub(crate) fn methods(operator: &Operator) -> Vec<String> {
    let methods: &[&str] = if operator.totp.is_some() { &["pwd", "otp", "mfa"] } else { &["pwd"] };
    methods.iter().map(|&method| method.to_owned()).collect()
}

/// Signs a person in with all that they show.
pub(crate) async fn sign_in(
    app: &AppState,
    call: &Call,
    tenant: &Tenant,
    shown: Shown<'_>,
) -> Result<Operator, SignInError> {
    let result = async {
        let operator = with_password(app, call, tenant, shown.user_name, shown.password).await?;
        if operator.totp.is_some() {
            let code = shown.totp_code.ok_or(SignInError::CodeNeeded)?;
            with_code(app, call, tenant, &operator, code).await?;
        }
        Ok(operator)
    };
    noted(call, result.await)
}

/// Checks the password alone. Who has an authenticator app is not signed in by it.
pub(crate) async fn check_password(
    app: &AppState,
    call: &Call,
    tenant: &Tenant,
    user_name: &str,
    password: &str,
) -> Result<Operator, SignInError> {
    noted(call, with_password(app, call, tenant, user_name, password).await)
}

/// Checks the code of a person whose password was right.
pub(crate) async fn check_code(
    app: &AppState,
    call: &Call,
    tenant: &Tenant,
    operator: &Operator,
    code: &str,
) -> Result<(), SignInError> {
    name(call, &operator.user_name);
    noted(call, with_code(app, call, tenant, operator, code).await)
}

async fn with_password(
    app: &AppState,
    call: &Call,
    tenant: &Tenant,
    user_name: &str,
    password: &str,
) -> Result<Operator, SignInError> {
    let mut user_name = inventory::fold(user_name.trim());
    user_name.truncate(user_name.floor_char_boundary(MAX_USER_NAME_BYTES));
    name(call, &user_name);
    count_address(app, call)?;
    let store = app.store.as_ref();
    let Some(operator) = store.operator_named(tenant.number, &user_name).await? else {
        let counted = app.throttle.count_nobody(tenant.number, sha256(&user_name), call.now);
        password::verify(password, None).await?;
        counted.map_err(|refused| locked(refused.until, call.now))?;
        return Err(SignInError::Wrong);
    };
    // Side by side, so that the time to write does not tell that there is somebody to write of.
    let (counted, is_right) = tokio::join!(
        app.throttle.count(store, tenant.number, &operator, call.now),
        password::verify(password, Some(&operator.password)),
    );
    let counted = counted?.map_err(|refused| locked(refused.until, call.now))?;
    if !is_right? {
        return Err(SignInError::Wrong);
    }
    if operator.disabled.is_some() {
        return Err(SignInError::Disabled);
    }
    let forgiven = if operator.totp.is_some() { Forgiven::One(counted) } else { Forgiven::All };
    app.throttle.forgive(store, tenant.number, operator.id, forgiven).await?;
    forgive_address(app, call);
    Ok(operator)
}

async fn with_code(
    app: &AppState,
    call: &Call,
    tenant: &Tenant,
    operator: &Operator,
    code: &str,
) -> Result<(), SignInError> {
    count_address(app, call)?;
    let store = app.store.as_ref();
    let counted = app.throttle.count(store, tenant.number, operator, call.now).await?;
    counted.map_err(|refused| locked(refused.until, call.now))?;
    if operator.disabled.is_some() {
        return Err(SignInError::Disabled);
    }
    if !totp::accept(store, tenant.number, operator, code, call.now).await? {
        return Err(SignInError::CodeWrong);
    }
    app.throttle.forgive(store, tenant.number, operator.id, Forgiven::All).await?;
    forgive_address(app, call);
    Ok(())
}

/// Counts an attempt of the caller's address as failed until it is known to be good.
pub(crate) fn count_address(app: &AppState, call: &Call) -> Result<(), SignInError> {
    let Some(address) = call.address else { return Ok(()) };
    app.throttle
        .count_address(address, call.now)
        .map_err(|refused| SignInError::TooMany { retry_after_s: refused.retry_after_s(call.now) })
}

/// The attempt was good.
pub(crate) fn forgive_address(app: &AppState, call: &Call) {
    if let Some(address) = call.address {
        app.throttle.forgive_address(address);
    }
}

fn locked(until: Timestamp, now: Timestamp) -> SignInError {
    let refused = crate::issuer::throttle::Refused { until };
    SignInError::Locked { retry_after_s: refused.retry_after_s(now) }
}

/// For the audit; the first one to set it.
fn name(call: &Call, user_name: &str) {
    let _ = call.person.set(user_name.to_owned());
}

/// Notes for the audit why somebody was not signed in.
fn noted<T>(call: &Call, result: Result<T, SignInError>) -> Result<T, SignInError> {
    if let Err(error) = &result {
        let _ = call.note.set(format!("AADSTS{}", error.code().0));
    }
    result
}
