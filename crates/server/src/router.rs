//! Every route of the server, grouped by who calls it.
//!
//! Paths are written in the form that the module `path` brings requests to. A route that is not
//! here answers 404 with an empty body, which is how the vendor's clients tell a wrong path from
//! a missing machine (defender-api.md §4).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get};
use inventory::access::Permission;

use crate::api::{self, Api};
use crate::error::ApiError;
use crate::issuer::endpoint;
use crate::state::AppState;
use crate::{alerts, discovery, machines, users};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Whoever reaches the server.
    Anyone,
    /// Apps whose token holds one of these permissions.
    WithAnyOf(&'static [Permission]),
}

/// A route, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its path, `{...}` standing for an id.
    pub path: &'static str,
    /// Who may call it.
    pub callers: Callers,
}

type Handler = MethodRouter<Arc<AppState>>;

fn table() -> Vec<(Route, Handler)> {
    vec![
        // Apps with a token: the vendor's API.
        of_api::<api::UserMachines>("/api/users/{id}/machines", get(users::machines)),
        of_api::<api::UserAlerts>("/api/users/{id}/alerts", get(alerts::of_user)),
        of_api::<api::Machines>("/api/machines", get(machines::list)),
        of_api::<api::Machine>("/api/machines/{id}", get(machines::get)),
        of_api::<api::LogonUsers>("/api/machines/{id}/logonusers", get(machines::logon_users)),
        of_api::<api::MachineAlerts>("/api/machines/{id}/alerts", get(alerts::of_machine)),
        of_api::<api::Alerts>("/api/alerts", get(alerts::list)),
        // Apps without a token yet: the sign-in side. Some clients send GET with a form (§7.1).
        open("/{tenant}/oauth2/token", get(endpoint::v1).post(endpoint::v1)),
        open("/{tenant}/oauth2/v2.0/token", get(endpoint::v2).post(endpoint::v2)),
        // Sign-in libraries, before all else.
        open("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::metadata_v2)),
        open("/{tenant}/.well-known/openid-configuration", get(discovery::metadata_v1)),
        open("/{tenant}/discovery/v2.0/keys", get(discovery::key_set)),
        open("/{tenant}/discovery/keys", get(discovery::key_set)),
        open("/common/discovery/instance", get(discovery::instance)),
        // Whoever watches the server.
        open("/healthz", get(healthz)),
    ]
}

/// Every route of the server.
pub fn routes() -> Vec<Route> {
    table().into_iter().map(|(route, _)| route).collect()
}

pub(crate) fn router(app: Arc<AppState>) -> Router {
    let mut router = Router::new();
    for (route, handler) in table() {
        router = router.route(route.path, handler);
    }
    router.with_state(app)
}

fn of_api<A: Api>(path: &'static str, handler: Handler) -> (Route, Handler) {
    (Route { path, callers: Callers::WithAnyOf(A::ACCEPTED) }, handler)
}

fn open(path: &'static str, handler: Handler) -> (Route, Handler) {
    (Route { path, callers: Callers::Anyone }, handler)
}

/// `GET /healthz`: 200 when the store can be asked.
async fn healthz(State(app): State<Arc<AppState>>) -> Result<StatusCode, ApiError> {
    app.store.version()?;
    Ok(StatusCode::OK)
}
