//! `/admin/v1/device-groups`

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use inventory::access::device_group::{
    AutomationLevel, DeviceGroup, Rules, UNGROUPED, UNGROUPED_NAME,
};
use inventory::access::directory::{DeviceGroupSettings, Directory, Refused};
use inventory::ids::TenantId;
use serde::{Deserialize, Serialize};

use super::{Body, Changing, Reading, actor, created, done, ok, text};
use crate::administration::{self, Administration};
use crate::answers::minute;
use crate::call::ThisCall;
use crate::error::{ApiError, chain};
use crate::query::Id;
use crate::state::AppState;
use crate::views;

/// How long a change waits for the machines to follow; after that they follow in the background.
const FOLLOW: Duration = Duration::from_secs(5);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: i32,
    /// 1 is the best.
    rank: usize,
    name: String,
    description: String,
    automation_level: Option<AutomationLevel>,
    rules: Rules,
    /// The user groups that see its machines; none stands for everybody with a role.
    access: Vec<String>,
    changed: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct New {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    automation_level: AutomationLevel,
    #[serde(default)]
    rules: Rules,
    #[serde(default)]
    access: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    name: Option<String>,
    description: Option<String>,
    automation_level: Option<AutomationLevel>,
    rules: Option<Rules>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Preview {
    rules: Rules,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rank {
    rank: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Access {
    user_groups: Vec<String>,
}

impl View {
    fn new(rank: usize, group: DeviceGroup) -> Self {
        Self {
            id: group.id,
            rank,
            changed: Some(text(group.changed_at())),
            name: group.name,
            description: group.description,
            automation_level: Some(group.automation_level),
            rules: group.rules,
            access: group.access,
        }
    }

    /// All groups of a directory, the one of all other machines last.
    fn all(directory: Directory) -> Vec<Self> {
        let Directory { device_groups, ungrouped_access, .. } = directory;
        let last = Self {
            id: UNGROUPED,
            rank: device_groups.len() + 1,
            name: UNGROUPED_NAME.to_owned(),
            description: String::new(),
            automation_level: None,
            rules: Rules::default(),
            access: ungrouped_access,
            changed: None,
        };
        let groups = (1..).zip(device_groups).map(|(rank, group)| Self::new(rank, group));
        groups.chain([last]).collect()
    }
}

/// `GET /admin/v1/device-groups`: by rank.
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Reading,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let kept = Administration::new(&*app.store, &actor).directory().await?;
    super::list(View::all(kept.directory))
}

/// `POST /admin/v1/device-groups`
pub(crate) async fn add(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Body(new): Body<New>,
) -> Result<Response, ApiError> {
    let New { name, description, automation_level, rules, access } = new;
    let settings = DeviceGroupSettings { name, description, automation_level, rules };
    let actor = actor(&permit, &call);
    let administration = Administration::new(&*app.store, &actor);
    let group = administration.add_device_group(settings, &access).await?;
    follow(&app, actor.tenant.number).await;
    created(&of(&administration, group.id).await?)
}

/// `GET /admin/v1/device-groups/{id}`: by id or name.
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Reading,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let administration = Administration::new(&*app.store, &actor);
    let id = match administration.device_group(&id).await {
        Err(administration::Error::Directory(Refused::Ungrouped)) => UNGROUPED,
        found => found?.id,
    };
    ok(&of(&administration, id).await?)
}

/// `PATCH /admin/v1/device-groups/{id}`
pub(crate) async fn change(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let administration = Administration::new(&*app.store, &actor);
    let change = |settings: DeviceGroupSettings| DeviceGroupSettings {
        name: change.name.clone().unwrap_or(settings.name),
        description: change.description.clone().unwrap_or(settings.description),
        automation_level: change.automation_level.unwrap_or(settings.automation_level),
        rules: change.rules.clone().unwrap_or(settings.rules),
    };
    let group = administration.change_device_group(&id, change).await?;
    follow(&app, actor.tenant.number).await;
    ok(&of(&administration, group.id).await?)
}

/// `DELETE /admin/v1/device-groups/{id}`
pub(crate) async fn remove(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    Administration::new(&*app.store, &actor).remove_device_group(&id).await?;
    follow(&app, actor.tenant.number).await;
    Ok(done())
}

/// `PUT /admin/v1/device-groups/{id}/rank`
pub(crate) async fn set_rank(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Id(id): Id,
    Body(new): Body<Rank>,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    Administration::new(&*app.store, &actor).move_device_group(&id, new.rank).await?;
    follow(&app, actor.tenant.number).await;
    Ok(done())
}

/// `PUT /admin/v1/device-groups/{id}/access`
pub(crate) async fn set_access(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Id(id): Id,
    Body(new): Body<Access>,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    Administration::new(&*app.store, &actor).set_access(&id, &new.user_groups).await?;
    Ok(done())
}

/// `POST /admin/v1/device-groups/preview`: the first machines that rules would match.
pub(crate) async fn preview(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Changing,
    Body(asked): Body<Preview>,
) -> Result<Response, ApiError> {
    let actor = actor(&permit, &call);
    let machines = Administration::new(&*app.store, &actor).preview(&asked.rules).await?;
    let now = minute(call.now);
    super::list(machines.into_iter().map(|machine| views::Machine::new(machine, now)))
}

/// A group as it is now, with its rank.
async fn of(administration: &Administration<'_>, id: i32) -> Result<View, ApiError> {
    let groups = View::all(administration.directory().await?.directory);
    let found = groups.into_iter().find(|group| group.id == id);
    found.ok_or_else(|| ApiError::Conflict("Somebody else removed the device group.".to_owned()))
}

/// Puts machines into the groups that the rules say now.
async fn follow(app: &AppState, tenant: TenantId) {
    let store = Arc::clone(&app.store);
    let following = tokio::spawn(async move {
        if let Err(error) = administration::regroup(&*store, tenant).await {
            tracing::error!("machines were not put into their device groups: {}", chain(&error));
        }
    });
    // What is not done by then goes on without this request.
    let _ = tokio::time::timeout(FOLLOW, following).await;
}
