//! `GET /admin/v1/limits`: what is left of the limits, and how busy the server is.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api;
use crate::call::ThisCall;
use crate::error::{ApiError, JSON};
use crate::permit::Permit;
use crate::state::AppState;

/// The state of everything that has a limit. The server's own API: names are stable, and more may
/// come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Requests in flight.
    pub requests: Level,
    /// Connections.
    pub connections: Level,
    /// Apps of the caller's tenant that called an API within the last hour, where a limit holds.
    pub calls: Vec<Calls>,
    /// Addresses with failed sign-ins; told to the first tenant alone, since they are of all.
    pub addresses: Vec<Address>,
    /// Operators of the caller's tenant with failed sign-ins.
    pub accounts: Vec<Account>,
}

/// How many there are of something, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// There are so many.
    pub now: usize,
    /// There may be so many.
    pub most: usize,
}

/// What an app asked of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// The API, as the configuration calls it.
    pub api: String,
    /// The app's client id.
    pub app_id: Uuid,
    /// Calls in the last 60 seconds.
    pub last_minute: usize,
    /// Calls in any 60 seconds at most.
    pub per_minute: u32,
    /// Calls in the last hour.
    pub last_hour: usize,
    /// Calls in any hour at most.
    pub per_hour: u32,
    /// Whole seconds after which a call is admitted; 0 when one is admitted now.
    pub retry_after_seconds: i64,
}

/// Failed sign-ins from an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The address; of an IPv6 network of 64 bits the first one.
    pub address: IpAddr,
    /// Failures since the first of the period.
    pub failures: u32,
    /// Whether it is refused until the period ends.
    pub is_refused: bool,
    /// When the period ends.
    pub until: String,
}

/// Failed sign-ins of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The operator.
    pub user_name: String,
    /// Failures since the last good sign-in.
    pub failures: u32,
    /// Until when no sign-in is heard; null when one is heard now.
    pub locked_until: Option<String>,
}

pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::ReadLimits>,
) -> Result<Response, ApiError> {
    let level = |(now, most)| Level { now, most };
    let usage = app.quotas.usage(permit.caller.tenant.number, call.now);
    let calls = usage.into_iter().map(|usage| Calls {
        api: usage.api.to_owned(),
        app_id: usage.app,
        last_minute: usage.last_minute,
        per_minute: usage.limit.per_minute,
        last_hour: usage.last_hour,
        per_hour: usage.limit.per_hour,
        retry_after_seconds: usage.exceeded.map_or(0, |exceeded| exceeded.retry_after_s),
    });
    let tenant = permit.caller.tenant.number;
    let states = match tenant == app.tenant.number {
        true => app.throttle.state(call.now),
        false => Vec::new(),
    };
    let addresses = states.into_iter().map(|state| Address {
        address: state.address,
        failures: state.failures,
        is_refused: state.is_refused,
        until: state.until.to_string(),
    });
    let operators = app.store.operators(tenant).await?;
    let failing = operators.into_iter().filter(|operator| operator.failures > 0);
    let accounts = failing.map(|operator| Account {
        user_name: operator.user_name,
        failures: operator.failures,
        locked_until: operator
            .locked_until
            .filter(|&until| until > call.now)
            .map(|until| until.to_string()),
    });
    let report = Report {
        requests: level(app.load.requests()),
        connections: level(app.load.connections()),
        calls: calls.collect(),
        addresses: addresses.collect(),
        accounts: accounts.collect(),
    };
    let body =
        serde_json::to_vec(&report).map_err(|error| ApiError::internal(error.to_string()))?;
    // It is of this moment alone.
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}
