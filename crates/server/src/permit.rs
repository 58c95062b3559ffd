//! Who calls, whether they may, and whether they may now: the first argument of every handler of
//! the API.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use inventory::access::scope::Scope;

use crate::answers;
use crate::api::Api;
use crate::auth::{self, Caller};
use crate::call::{Call, ThisCall};
use crate::error::ApiError;
use crate::limits::Key;
use crate::query::PAGE_ROWS;
use crate::state::AppState;

/// Proof that the caller's token opens an operation and that the call is within its limit.
pub(crate) struct Permit<A: Api> {
    pub(crate) caller: Arc<Caller>,
    /// The store's version when the request came in.
    pub(crate) version: u64,
    operation: PhantomData<A>,
}

impl<A: Api> Permit<A> {
    /// What the caller may see: the argument of every question to the store.
    pub(crate) fn scope(&self) -> &Scope {
        self.caller.scope()
    }

    /// What the answer to this call depends on.
    pub(crate) fn answer_key<'c>(&'c self, call: &'c Call) -> answers::Key<'c> {
        self.paged_answer_key(call, PAGE_ROWS)
    }

    /// The same of an answer whose pages have so many rows.
    pub(crate) fn paged_answer_key<'c>(
        &'c self,
        call: &'c Call,
        page_rows: u64,
    ) -> answers::Key<'c> {
        answers::Key { scope: self.scope(), call, version: self.version, page_rows }
    }
}

impl<A: Api> FromRequestParts<Arc<AppState>> for Permit<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, ApiError> {
        let ThisCall(call) = ThisCall::from_request_parts(parts, app).await?;
        let version = app.store.version()?;
        let caller = auth::authenticate(app, &parts.headers, &call, version).await?;
        // Before anything is refused, so that the audit knows who was.
        caller.name_in(&call);
        caller.require::<A>()?;
        let key = Key { api: A::NAME, tenant: caller.tenant.number, app: caller.app_id };
        app.quotas.admit(key, call.now).map_err(|exceeded| ApiError::TooManyRequests {
            tenant: caller.tenant.id,
            calls: exceeded.calls,
            period_s: exceeded.period_s,
            retry_after_s: exceeded.retry_after_s,
        })?;
        Ok(Self { caller, version, operation: PhantomData })
    }
}
