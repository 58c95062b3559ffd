//! Changes of machines by the API: tags, value, exclusion (defender-api.md §4, §12).
//!
//! Names of a body's members count to the letter, as with the vendor: `value` is no `Value` (§6.2).

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use inventory::change::{Author, MAX_TAG_CHARS, MAX_TAGS, MachineChange};
use inventory::machine::{DeviceValue, ExclusionReason, Machine};
use inventory::query::MachineSelector;
use serde_json::{Map, Value};

use crate::answers::minute;
use crate::api::{self, Api};
use crate::call::{Call, ThisCall};
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::Id;
use crate::question::Asked;
use crate::rows::{self, Row};
use crate::state::AppState;
use crate::{envelope, machines, views};

/// Bytes of a body at most: 500 ids are 22,000.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Machines of one request at most (§4).
const MAX_MACHINES: usize = 500;

/// A body that is a JSON object.
pub(crate) struct Members(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Members {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = to_bytes(request.into_body(), MAX_BODY_BYTES).await;
        let bytes = bytes.map_err(|_| incorrect("it is too long"))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(incorrect("a JSON object is needed")),
        }
    }
}

impl Members {
    fn required(&self, name: &'static str) -> Result<&Value, ApiError> {
        self.0.get(name).ok_or(ApiError::MissingParameter(name))
    }

    fn text(&self, name: &'static str) -> Result<&str, ApiError> {
        let value = self.required(name)?.as_str();
        value.ok_or_else(|| incorrect(&format!("{name} must be a string")))
    }

    /// The tag and what is to be done with it.
    fn tag(&self) -> Result<MachineChange, ApiError> {
        let (action, tag) = (self.text("Action")?, tag(self.text("Value")?)?);
        match action {
            _ if action.eq_ignore_ascii_case("add") => Ok(MachineChange::AddTag(tag)),
            _ if action.eq_ignore_ascii_case("remove") => Ok(MachineChange::RemoveTag(tag)),
            _ => Err(incorrect("Action must be Add or Remove")),
        }
    }
}

/// `POST /api/machines/{id}/tags`
pub(crate) async fn tags(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::MachineTags>,
    Id(id): Id,
    members: Members,
) -> Result<Response, ApiError> {
    change(&app, &call, &permit, &id, vec![members.tag()?]).await
}

/// `POST /api/machines/{id}/setDeviceValue`
pub(crate) async fn value(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::DeviceValue>,
    Id(id): Id,
    members: Members,
) -> Result<Response, ApiError> {
    let value = device_value(members.text("DeviceValue")?)?;
    change(&app, &call, &permit, &id, vec![MachineChange::SetValue(value)]).await
}

/// `POST /api/machines/{id}/setExclusion`
pub(crate) async fn exclusion(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Exclusion>,
    Id(id): Id,
    members: Members,
) -> Result<Response, ApiError> {
    let is_excluded = members.required("IsExcluded")?.as_bool();
    let is_excluded = is_excluded.ok_or_else(|| incorrect("IsExcluded must be true or false"))?;
    let reason = match members.0.get("ExclusionReason") {
        None | Some(Value::Null) => ExclusionReason::Other,
        Some(reason) => reason.as_str().and_then(ExclusionReason::parse).ok_or_else(|| {
            let known: Vec<_> = ExclusionReason::ALL.iter().map(|one| one.as_str()).collect();
            incorrect(&format!("ExclusionReason must be one of {}", known.join(", ")))
        })?,
    };
    let change_to = MachineChange::SetExclusion(is_excluded.then_some(reason));
    change(&app, &call, &permit, &id, vec![change_to]).await
}

/// `PATCH /api/machines/{id}`: the tags and the value that the body holds are the new ones.
pub(crate) async fn patch(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::UpdateMachine>,
    Id(id): Id,
    members: Members,
) -> Result<Response, ApiError> {
    let mut changes = Vec::new();
    for (name, value) in &members.0 {
        changes.push(match name.as_str() {
            "machineTags" => MachineChange::SetTags(all_tags(value)?),
            "deviceValue" => {
                let text = value.as_str().ok_or_else(|| incorrect("deviceValue is a string"))?;
                MachineChange::SetValue(device_value(text)?)
            }
            _ => return Err(incorrect("machineTags and deviceValue can be changed")),
        });
    }
    if changes.is_empty() {
        return Err(incorrect("machineTags or deviceValue is needed"));
    }
    change(&app, &call, &permit, &id, changes).await
}

/// `POST /api/machines/AddOrRemoveTagForMultipleMachines`: what is not there, or not to be seen, is
/// passed over.
pub(crate) async fn many(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::ManyMachineTags>,
    members: Members,
) -> Result<Response, ApiError> {
    let change = members.tag()?;
    let ids = members.required("MachineIds")?.as_array();
    let ids = ids.ok_or_else(|| incorrect("MachineIds must be an array"))?;
    if ids.len() > MAX_MACHINES {
        return Err(ApiError::BatchTooLarge { received: ids.len(), allowed: MAX_MACHINES });
    }
    let mut found = Vec::with_capacity(ids.len());
    let mut seen = HashSet::new();
    for id in ids {
        let id = id.as_str().ok_or_else(|| incorrect("MachineIds must hold strings"))?;
        let Some(selector) = MachineSelector::parse(id) else { continue };
        if let Some(machine) = app.store.machine(permit.scope(), &selector).await?
            && seen.insert(machine.id)
        {
            found.push(machine.id);
        }
    }
    let author = author(&call, &permit);
    let changed = app.store.change_machines(permit.scope(), found, vec![change], author).await?;
    let now = minute(call.now);
    let rows = changed.into_iter().map(|machine| Row::bare(views::Machine::new(machine, now)));
    let page = rows::Page { rows: rows.collect(), count: None, next_link: None };
    let body = rows::write(&call, &Asked::nothing::<views::Machine>(), page).await?;
    Ok(envelope::ok(body).into_response())
}

async fn change<A: Api>(
    app: &AppState,
    call: &Call,
    permit: &Permit<A>,
    id: &str,
    changes: Vec<MachineChange>,
) -> Result<Response, ApiError> {
    let machine = machines::find(app, permit, id).await?;
    let author = author(call, permit);
    let ids = vec![machine.id];
    let changed = app.store.change_machines(permit.scope(), ids, changes, author).await?;
    let changed = changed.into_iter().next().ok_or_else(|| ApiError::machine_not_found(id))?;
    Ok(envelope::ok(single(call, changed)?).into_response())
}

fn single(call: &Call, machine: Machine) -> Result<Bytes, ApiError> {
    envelope::entity(call, &views::Machine::new(machine, minute(call.now)))
}

fn author<A: Api>(call: &Call, permit: &Permit<A>) -> Author {
    let person = permit.caller.of_person().map(|person| person.name.clone());
    Author { time: call.now, app: Some(permit.caller.app_id), person }
}

fn device_value(text: &str) -> Result<DeviceValue, ApiError> {
    DeviceValue::parse(text).ok_or_else(|| incorrect("the value must be Normal, Low or High"))
}

fn all_tags(value: &Value) -> Result<Vec<String>, ApiError> {
    let tags = value.as_array().ok_or_else(|| incorrect("machineTags must be an array"))?;
    if tags.len() > MAX_TAGS {
        return Err(incorrect(&format!("a machine has {MAX_TAGS} tags at most")));
    }
    let mut seen = HashSet::new();
    let mut all = Vec::with_capacity(tags.len());
    for text in tags {
        let text = text.as_str().ok_or_else(|| incorrect("machineTags must hold strings"))?;
        let text = tag(text)?;
        if seen.insert(inventory::fold(&text)) {
            all.push(text);
        }
    }
    Ok(all)
}

fn tag(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TAG_CHARS {
        return Err(incorrect(&format!("a tag has 1 to {MAX_TAG_CHARS} characters")));
    }
    if text.contains(char::is_control) {
        return Err(incorrect("a tag has no control character"));
    }
    Ok(text.to_owned())
}

fn incorrect(what: &str) -> ApiError {
    ApiError::InvalidBody(format!("Request body is incorrect: {what}"))
}
