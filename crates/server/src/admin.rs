//! The administration over HTTP: `/admin/v1/...`, JSON in and out.
//!
//! Each handler reads a request, calls one operation of [`administration`](crate::administration)
//! and writes its result. A caller administers the tenant of their token and no other.

pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod credentials;
pub(crate) mod device_groups;
pub(crate) mod me;
pub(crate) mod nodes;
pub(crate) mod operators;
pub(crate) mod roles;
pub(crate) mod signing_keys;
pub(crate) mod tenants;
pub(crate) mod user_groups;

mod request;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use inventory::time::Timestamp;
use serde::Serialize;

pub(crate) use self::request::{Body, Ids};
use crate::administration::{Actor, Administration, Who};
use crate::api::{Api, ChangeAdministration, ReadAdministration};
use crate::call::{Call, ThisCall};
use crate::error::{ApiError, JSON};
use crate::permit::Permit;
use crate::state::AppState;

type Reading = Desk<ReadAdministration>;
type Changing = Desk<ChangeAdministration>;

/// Whoever may administer, with all that their request needs.
pub(crate) struct Desk<A: Api> {
    app: Arc<AppState>,
    call: Arc<Call>,
    permit: Permit<A>,
    actor: Actor,
}

impl<A: Api> Desk<A> {
    fn administration(&self) -> Administration<'_> {
        Administration::new(self.app.store.as_ref(), &self.actor)
    }
}

impl<A: Api> FromRequestParts<Arc<AppState>> for Desk<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, ApiError> {
        let ThisCall(call) = ThisCall::from_request_parts(parts, app).await?;
        let permit = Permit::from_request_parts(parts, app).await?;
        let actor = actor(&permit, &call);
        Ok(Self { app: Arc::clone(app), call, permit, actor })
    }
}

/// Who calls, as the administration is to know them.
fn actor<A: Api>(permit: &Permit<A>, call: &Call) -> Actor {
    let caller = &permit.caller;
    let who = match caller.of_person() {
        None => Who::App(caller.app_id),
        Some(person) => Who::Person { app: caller.app_id, name: person.name.clone() },
    };
    Actor {
        tenant: caller.tenant.clone(),
        who,
        address: call.address,
        correlation: call.correlation.id(),
        now: call.now,
    }
}

/// What a list is wrapped in.
#[derive(Serialize)]
struct List<T> {
    value: Vec<T>,
}

fn list<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Result<Response, ApiError> {
    ok(&List { value: rows.into_iter().collect() })
}

fn ok(body: &impl Serialize) -> Result<Response, ApiError> {
    answer(StatusCode::OK, body)
}

fn created(body: &impl Serialize) -> Result<Response, ApiError> {
    answer(StatusCode::CREATED, body)
}

fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// An answer that nobody keeps: it may hold a new secret, and others may change what it says.
fn answer(status: StatusCode, body: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(body).map_err(|error| ApiError::internal(error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((status, headers, body).into_response())
}

fn text(time: Timestamp) -> String {
    time.to_string()
}
