//! Every route of the server, grouped by who calls it.
//!
//! Paths are written in the form that the module `path` brings requests to. A route that is not
//! here answers 404 with an empty body, which is how the vendor's clients tell a wrong path from
//! a missing machine (defender-api.md §4).

mod handlers;

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::MethodRouter;
use inventory::access::Permission;
use inventory::access::directory::RolePermission;

use crate::api::{self, Api};
use crate::error::{ApiError, JSON};
use crate::issuer::{device, endpoint, revocation};
use crate::limits::report;
use crate::pages::{account, assets, authorize, logout};
use crate::router::handlers::{Handlers, delete, get, patch, post, put};
use crate::state::AppState;
use crate::telemetry::{self, bulk, handshake, hec, upload};
use crate::{
    alerts, batch, body, changes, device_groups, discovery, finders, machines, metadata, osquery,
    pages, path, unsupported, users,
};

/// The route of whoever watches the server: answered however much else there is to do.
pub(crate) const HEALTH: &str = "/healthz";

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Whoever reaches the server.
    Anyone,
    /// Shippers and agents, in the words of another product's protocol and with its credentials, which
    /// stand for an app that may send.
    Senders,
    /// Those whose token opens it.
    Permitted {
        /// Roles of which any one opens it to an app that acts for itself.
        application: &'static [Permission],
        /// Scopes of which any one opens it to an app that acts for a person,
        delegated: &'static [Permission],
        /// one of whose roles permits this.
        role: RolePermission,
    },
}

/// A route, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its path, `{...}` standing for an id. A path has several routes where its methods are for
    /// different callers.
    pub path: &'static str,
    /// Its methods.
    pub methods: Vec<&'static str>,
    /// Who may call it.
    pub callers: Callers,
}

fn table() -> Vec<Entry> {
    let mut table = vec![
        // Apps with a token: the vendor's API.
        of_api::<api::Users>("/api/users", get(users::list)),
        of_api::<api::Users>("/api/users/$count", get(users::count)),
        of_api::<api::User>("/api/users/{id}", get(users::get)),
        of_api::<api::UserMachines>("/api/users/{id}/machines", get(users::machines)),
        of_api::<api::UserAlerts>("/api/users/{id}/alerts", get(alerts::of_user)),
        of_api::<api::UserAlerts>("/api/users/{id}/alerts/$count", get(alerts::count_of_user)),
        of_api::<api::Machines>("/api/machines", get(machines::list)),
        of_api::<api::Machines>("/api/machines/$count", get(machines::count)),
        of_api::<api::BigPages>("/api/machines/bigPageSize", get(machines::big_pages)),
        of_api::<api::FindByTag>("/api/machines/findbytag", get(finders::by_tag)),
        of_api::<api::UntaggedMachines>("/api/machines/unTaggedMachines", get(finders::untagged)),
        of_api::<api::FindByIp>(
            "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})",
            get(finders::by_ip),
        ),
        of_api::<api::FindByIpLegacy>(
            "/api/machines/find(timestamp={timestamp},key='{ip}')",
            get(finders::by_ip_legacy),
        ),
        of_api::<api::DomainMachines>("/api/domains/{domain}/machines", get(finders::of_domain)),
        of_api::<api::ManyMachineTags>(
            "/api/machines/AddOrRemoveTagForMultipleMachines",
            post(changes::many),
        ),
        of_api::<api::Machine>("/api/machines/{id}", get(machines::get)),
        of_api::<api::UpdateMachine>("/api/machines/{id}", patch(changes::patch)),
        of_api::<api::MachineTags>("/api/machines/{id}/tags", post(changes::tags)),
        of_api::<api::DeviceValue>("/api/machines/{id}/setDeviceValue", post(changes::value)),
        of_api::<api::Exclusion>("/api/machines/{id}/setExclusion", post(changes::exclusion)),
        of_api::<api::LogonUsers>("/api/machines/{id}/logonusers", get(machines::logon_users)),
        of_api::<api::MachineAlerts>("/api/machines/{id}/alerts", get(alerts::of_machine)),
        of_api::<api::MachineAlerts>(
            "/api/machines/{id}/alerts/$count",
            get(alerts::count_of_machine),
        ),
        of_api::<api::Alerts>("/api/alerts", get(alerts::list)),
        of_api::<api::Alerts>("/api/alerts/$count", get(alerts::count)),
        of_api::<api::DeviceGroups>("/api/deviceGroups", get(device_groups::list)),
        of_api::<api::DeviceGroup>("/api/deviceGroups/{id}", get(device_groups::get)),
        of_api::<api::Batch>(batch::PATH, post(batch::batch)),
        of_api::<api::Ingest>(telemetry::UPLOAD, post(upload::post)),
        of_api::<api::Metadata>("/api", get(metadata::service_document)),
        of_api::<api::Metadata>("/api/$metadata", get(metadata::metadata)),
        // Who administers the server.
        of_api::<api::ReadLimits>("/admin/v1/limits", get(report::get)),
        // Apps without a token yet: the sign-in side. Some clients send GET with a form (§7.1).
        open("/{tenant}/oauth2/token", get(endpoint::v1).post(endpoint::v1)),
        open("/{tenant}/oauth2/v2.0/token", get(endpoint::v2).post(endpoint::v2)),
        open("/{tenant}/oauth2/devicecode", post(device::v1)),
        open("/{tenant}/oauth2/v2.0/devicecode", post(device::v2)),
        open("/{tenant}/oauth2/v2.0/revoke", post(revocation::revoke)),
        // People in their browsers.
        open("/{tenant}/oauth2/authorize", get(authorize::v1).post(authorize::v1)),
        open("/{tenant}/oauth2/v2.0/authorize", get(authorize::v2).post(authorize::v2)),
        open("/{tenant}/oauth2/deviceauth", get(pages::device::page).post(pages::device::page)),
        open("/{tenant}/oauth2/logout", get(logout::page).post(logout::page)),
        open("/{tenant}/oauth2/v2.0/logout", get(logout::page).post(logout::page)),
        open("/{tenant}/account", get(account::page).post(account::page)),
        open("/assets/pages.css", get(assets::style)),
        open("/assets/submit.js", get(assets::submit)),
        // Sign-in libraries, before all else.
        open("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::metadata_v2)),
        open("/{tenant}/.well-known/openid-configuration", get(discovery::metadata_v1)),
        open("/{tenant}/discovery/v2.0/keys", get(discovery::key_set)),
        open("/{tenant}/discovery/keys", get(discovery::key_set)),
        open("/common/discovery/instance", get(discovery::instance)),
        open("/common/userrealm/{user}", get(discovery::user_realm)),
        // Machines that report by themselves, which show an enroll secret or a node key.
        open("/osquery/enroll", post(osquery::enroll)),
        open("/osquery/config", post(osquery::config)),
        open("/osquery/log", post(osquery::log)),
        open("/osquery/distributed/read", post(osquery::read)),
        open("/osquery/distributed/write", post(osquery::write)),
        open("/{node}/osquery/{endpoint}", get(osquery::key_in_path).post(osquery::key_in_path)),
        open(
            "/{node}/osquery/distributed/{endpoint}",
            get(osquery::key_in_path).post(osquery::key_in_path),
        ),
        // Whoever watches the server.
        open(HEALTH, get(healthz)),
        // Whoever wants to know all this.
        open("/openapi.json", get(openapi)),
    ];
    table.extend(senders());
    table.extend(refused());
    table.extend(administration());
    table
}

/// Who sends telemetry in another product's words.
fn senders() -> Vec<Entry> {
    let set_up = || get(handshake::absent).put(handshake::acknowledged);
    vec![
        // Splunk's HTTP Event Collector.
        of_senders("/services/collector", post(hec::event)),
        of_senders("/services/collector/event", post(hec::event)),
        of_senders("/services/collector/event/1.0", post(hec::event)),
        of_senders("/services/collector/raw", post(hec::raw)),
        of_senders("/services/collector/raw/1.0", post(hec::raw)),
        of_senders("/services/collector/ack", post(hec::ack)),
        of_senders("/services/collector/health", get(hec::health)),
        of_senders("/services/collector/health/1.0", get(hec::health)),
        // Elasticsearch.
        of_senders("/_bulk", post(bulk::bulk).put(bulk::bulk)),
        of_senders("/{index}/_bulk", post(bulk::bulk).put(bulk::bulk)),
        of_senders("/", get(handshake::root)),
        of_senders("/_license", get(handshake::license)),
        of_senders("/_xpack", get(handshake::xpack)),
        of_senders("/_cluster/health", get(handshake::health)),
        of_senders("/_cat/health", get(handshake::health)),
        of_senders("/_nodes/http", get(handshake::nodes)),
        of_senders("/_nodes/ingest", get(handshake::nodes)),
        of_senders("/_ilm/policy/{name}", set_up()),
        of_senders("/_index_template/{name}", set_up()),
        of_senders("/_component_template/{name}", set_up()),
        of_senders("/_template/{name}", set_up()),
        of_senders("/_data_stream/{name}", set_up()),
        of_senders("/_ingest/pipeline/{name}", set_up()),
        of_senders("/_alias/{name}", set_up()),
    ]
}

/// What of the vendor's API is refused by name.
fn refused() -> impl Iterator<Item = Entry> {
    let actions = unsupported::ACTIONS
        .iter()
        .map(|path| of_api::<api::Unsupported>(path, post(unsupported::action(path))));
    let collections = unsupported::COLLECTIONS
        .iter()
        .map(|path| of_api::<api::Unsupported>(path, get(unsupported::collection(path))));
    actions.chain(collections)
}

/// Who administers the server.
fn administration() -> Vec<Entry> {
    use crate::admin::{
        apps, audit, credentials, device_groups, me, nodes, operators, roles, signing_keys,
        tenants, user_groups,
    };
    vec![
        read("/admin/v1/me", get(me::get)),
        read("/admin/v1/audit", get(audit::list)),
        read("/admin/v1/tenants", get(tenants::list)),
        write("/admin/v1/tenants", post(tenants::add)),
        write("/admin/v1/tenants/{id}", patch(tenants::change)),
        read("/admin/v1/apps", get(apps::list)),
        write("/admin/v1/apps", post(apps::add)),
        read("/admin/v1/apps/{id}", get(apps::get)),
        write("/admin/v1/apps/{id}", patch(apps::change)),
        write("/admin/v1/apps/{id}/revoke", post(apps::revoke)),
        write("/admin/v1/apps/{id}/secrets", post(credentials::add_secret)),
        write("/admin/v1/apps/{id}/certificates", post(credentials::add_certificate)),
        write("/admin/v1/apps/{id}/federated-credentials", post(credentials::add_federated)),
        write("/admin/v1/apps/{id}/credentials/{member}", delete(credentials::remove)),
        read("/admin/v1/operators", get(operators::list)),
        write("/admin/v1/operators", post(operators::add)),
        read("/admin/v1/operators/{id}", get(operators::get)),
        write("/admin/v1/operators/{id}", patch(operators::change).delete(operators::remove)),
        write("/admin/v1/operators/{id}/password", put(operators::set_password)),
        write("/admin/v1/operators/{id}/sign-out", post(operators::sign_out)),
        write("/admin/v1/operators/{id}/unlock", post(operators::unlock)),
        write(
            "/admin/v1/operators/{id}/totp",
            post(operators::enrol).delete(operators::remove_totp),
        ),
        read("/admin/v1/user-groups", get(user_groups::list)),
        write("/admin/v1/user-groups", post(user_groups::add)),
        read("/admin/v1/user-groups/{id}", get(user_groups::get)),
        write("/admin/v1/user-groups/{id}", patch(user_groups::rename).delete(user_groups::remove)),
        write(
            "/admin/v1/user-groups/{id}/members/{member}",
            put(user_groups::add_member).delete(user_groups::remove_member),
        ),
        read("/admin/v1/roles", get(roles::list)),
        write("/admin/v1/roles", post(roles::add)),
        read("/admin/v1/roles/{id}", get(roles::get)),
        write("/admin/v1/roles/{id}", patch(roles::change).delete(roles::remove)),
        write(
            "/admin/v1/roles/{id}/user-groups/{member}",
            put(roles::assign).delete(roles::unassign),
        ),
        read("/admin/v1/device-groups", get(device_groups::list)),
        write("/admin/v1/device-groups", post(device_groups::add)),
        write("/admin/v1/device-groups/preview", post(device_groups::preview)),
        read("/admin/v1/device-groups/{id}", get(device_groups::get)),
        write(
            "/admin/v1/device-groups/{id}",
            patch(device_groups::change).delete(device_groups::remove),
        ),
        write("/admin/v1/device-groups/{id}/rank", put(device_groups::set_rank)),
        write("/admin/v1/device-groups/{id}/access", put(device_groups::set_access)),
        read("/admin/v1/signing-keys", get(signing_keys::list)),
        write("/admin/v1/signing-keys/rotate", post(signing_keys::rotate)),
        read("/admin/v1/nodes", get(nodes::list)),
        write("/admin/v1/nodes/refresh", post(nodes::refresh_all)),
        write("/admin/v1/nodes/{id}", delete(nodes::remove)),
        write("/admin/v1/nodes/{id}/refresh", post(nodes::refresh)),
        write("/admin/v1/nodes/{id}/revoke", post(nodes::revoke)),
        read("/admin/v1/enroll-secrets", get(nodes::list_secrets)),
        write("/admin/v1/enroll-secrets", post(nodes::add_secret)),
        write("/admin/v1/enroll-secrets/{id}/revoke", post(nodes::revoke_secret)),
    ]
}

/// Whether a route takes telemetry in another product's words.
pub(crate) fn is_of_senders(route: &str) -> bool {
    static PATHS: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| senders().into_iter().map(|(route, _)| route.path).collect());
    PATHS.contains(route)
}

/// Every route of the server.
pub fn routes() -> Vec<Route> {
    table().into_iter().map(|(route, _)| route).collect()
}

pub(crate) fn router(app: Arc<AppState>) -> Router {
    let mut router = Router::new();
    for (route, handlers) in table() {
        router = router.route(&path::router_form(route.path), handlers);
    }
    router.layer(DefaultBodyLimit::max(body::MAX_BYTES)).with_state(app)
}

type Entry = (Route, MethodRouter<Arc<AppState>>);

fn of_api<A: Api>(path: &'static str, handlers: Handlers) -> Entry {
    let callers =
        Callers::Permitted { application: A::APPLICATION, delegated: A::DELEGATED, role: A::ROLE };
    (Route { path, methods: handlers.methods, callers }, handlers.router)
}

fn of_senders(path: &'static str, handlers: Handlers) -> Entry {
    (Route { path, methods: handlers.methods, callers: Callers::Senders }, handlers.router)
}

fn open(path: &'static str, handlers: Handlers) -> Entry {
    let callers = Callers::Anyone;
    (Route { path, methods: handlers.methods, callers }, handlers.router)
}

fn read(path: &'static str, handlers: Handlers) -> Entry {
    of_api::<api::ReadAdministration>(path, handlers)
}

fn write(path: &'static str, handlers: Handlers) -> Entry {
    of_api::<api::ChangeAdministration>(path, handlers)
}

/// `GET /openapi.json`: what all routes take and give.
async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, JSON)], include_str!("../openapi.json"))
}

/// `GET /healthz`: 200 when the store can be asked.
async fn healthz(State(app): State<Arc<AppState>>) -> Result<StatusCode, ApiError> {
    app.store.version()?;
    Ok(StatusCode::OK)
}
