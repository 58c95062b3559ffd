//! `/admin/v1/device-groups`

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use inventory::access::device_group::{
    AutomationLevel, DeviceGroup, Rules, UNGROUPED, UNGROUPED_NAME,
};
use inventory::access::directory::{DeviceGroupSettings, Directory, Refused};
use serde::{Deserialize, Serialize};

use super::{Body, Changing, Reading, created, done, ok, text};
use crate::administration::{self, Administration};
use crate::answers::minute;
use crate::error::{ApiError, chain};
use crate::query::Id;
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
pub(crate) async fn list(desk: Reading) -> Result<Response, ApiError> {
    let kept = desk.administration().directory().await?;
    super::list(View::all(kept.directory))
}

/// `POST /admin/v1/device-groups`
pub(crate) async fn add(desk: Changing, Body(new): Body<New>) -> Result<Response, ApiError> {
    let New { name, description, automation_level, rules, access } = new;
    let settings = DeviceGroupSettings { name, description, automation_level, rules };
    let administration = desk.administration();
    let group = administration.add_device_group(settings, &access).await?;
    follow(&desk).await;
    created(&of(&administration, group.id).await?)
}

/// `GET /admin/v1/device-groups/{id}`: by id or name.
pub(crate) async fn get(desk: Reading, Id(id): Id) -> Result<Response, ApiError> {
    let administration = desk.administration();
    let id = match administration.device_group(&id).await {
        Err(administration::Error::Directory(Refused::Ungrouped)) => UNGROUPED,
        found => found?.id,
    };
    ok(&of(&administration, id).await?)
}

/// `PATCH /admin/v1/device-groups/{id}`
pub(crate) async fn change(
    desk: Changing,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Response, ApiError> {
    let administration = desk.administration();
    let change = |settings: DeviceGroupSettings| DeviceGroupSettings {
        name: change.name.clone().unwrap_or(settings.name),
        description: change.description.clone().unwrap_or(settings.description),
        automation_level: change.automation_level.unwrap_or(settings.automation_level),
        rules: change.rules.clone().unwrap_or(settings.rules),
    };
    let group = administration.change_device_group(&id, change).await?;
    follow(&desk).await;
    ok(&of(&administration, group.id).await?)
}

/// `DELETE /admin/v1/device-groups/{id}`
pub(crate) async fn remove(desk: Changing, Id(id): Id) -> Result<Response, ApiError> {
    desk.administration().remove_device_group(&id).await?;
    follow(&desk).await;
    Ok(done())
}

/// `PUT /admin/v1/device-groups/{id}/rank`
pub(crate) async fn set_rank(
    desk: Changing,
    Id(id): Id,
    Body(new): Body<Rank>,
) -> Result<Response, ApiError> {
    desk.administration().move_device_group(&id, new.rank).await?;
    follow(&desk).await;
    Ok(done())
}

/// `PUT /admin/v1/device-groups/{id}/access`
pub(crate) async fn set_access(
    desk: Changing,
    Id(id): Id,
    Body(new): Body<Access>,
) -> Result<Response, ApiError> {
    desk.administration().set_access(&id, &new.user_groups).await?;
    Ok(done())
}

/// `POST /admin/v1/device-groups/preview`: the first machines that rules would match.
pub(crate) async fn preview(
    desk: Changing,
    Body(asked): Body<Preview>,
) -> Result<Response, ApiError> {
    let machines = desk.administration().preview(&asked.rules).await?;
    let now = minute(desk.call.now);
    super::list(machines.into_iter().map(|machine| views::Machine::new(machine, now)))
}

/// A group as it is now, with its rank.
async fn of(administration: &Administration<'_>, id: i32) -> Result<View, ApiError> {
    let groups = View::all(administration.directory().await?.directory);
    let found = groups.into_iter().find(|group| group.id == id);
    found.ok_or_else(|| ApiError::Conflict("Somebody else removed the device group.".to_owned()))
}

/// Puts machines into the groups that the rules say now.
async fn follow(desk: &Changing) {
    let (store, tenant) = (Arc::clone(&desk.app.store), desk.actor.tenant.number);
    let following = tokio::spawn(async move {
        if let Err(error) = administration::regroup(&*store, tenant).await {
            tracing::error!("machines were not put into their device groups: {}", chain(&error));
        }
    });
    // What is not done by then goes on without this request.
    let _ = tokio::time::timeout(FOLLOW, following).await;
}
