//! Machines, and who logged on to one.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use inventory::access::scope::Scope;
use inventory::machine::Machine;
use inventory::query::{MachineList, MachineSelector, Order, Page, UserSelector};
use inventory::relation::{MachineUser, User};
use serde_json::value::RawValue;

use crate::answers::minute;
use crate::api;
use crate::call::{Call, ThisCall};
use crate::envelope;
use crate::error::ApiError;
use crate::permit::Permit;
use crate::query::{EntityQuery, Id};
use crate::question::{Asked, Question};
use crate::rows::{self, Annotations, Inside, Row};
use crate::state::AppState;
use crate::views;

/// `GET /api/machines`: the last seen first, then by id; by id where they fill several pages.
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Machines>,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    require_users(&permit, &question)?;
    let answer = answer(&app, &call, permit.scope(), None, question);
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// `GET /api/machines/$count`: how many of them the filter and the search leave.
pub(crate) async fn count(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Machines>,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    require_users(&permit, &question)?;
    let list = machine_list(&app, &call, None, &question)?;
    let count = app.store.count_machines(permit.scope(), list).await?;
    Ok(envelope::number(count))
}

/// Questions about users need the permission to read them.
pub(crate) fn require_users<A: api::Api>(
    permit: &Permit<A>,
    question: &Question<views::Machine>,
) -> Result<(), ApiError> {
    if question.asked.mentions_users() {
        permit.caller.require::<api::LogonUsers>()?;
    }
    Ok(())
}

fn machine_list(
    app: &AppState,
    call: &Call,
    of_user: Option<UserSelector>,
    question: &Question<views::Machine>,
) -> Result<MachineList, ApiError> {
    Ok(MachineList {
        filter: question.asked.filter.clone(),
        of_user,
        window: app.window(call.now),
        order: question.order(),
        after: question.after()?,
        page: Page { skip: question.asked.skip, top: question.rows() },
        now: question.now,
    })
}

/// The machines that a question asks for: all, or those of a user.
pub(crate) async fn answer(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    of_user: Option<UserSelector>,
    question: Question<views::Machine>,
) -> Result<Bytes, ApiError> {
    let asked = &question.asked;
    if asked.expand.as_ref().is_some_and(|users| users.expand.is_some()) {
        return Err(ApiError::OData(
            "The machines of users are expanded from users: GET /api/users.".to_owned(),
        ));
    }
    let mut list = machine_list(app, call, of_user, &question)?;
    let mut listed = app.store.machines(scope, list.clone()).await?;
    let is_full = !question.has_top && listed.machines.len() as u64 == question.rows();
    if is_full && list.order == Order::LastSeen && has_more(app, scope, &list, &listed).await? {
        // Machines are seen again while a walk goes on; ids stay.
        list.order = Order::Id;
        listed = app.store.machines(scope, list.clone()).await?;
    }
    let goes_on = is_full && has_more(app, scope, &list, &listed).await?;
    let next_link = listed.end.filter(|_| goes_on).map(|end| {
        envelope::next_link(call, "$skiptoken", &question.next(call.target.path(), &end))
    });
    let count = match asked.count {
        true => Some(app.store.count_machines(scope, list).await?),
        false => None,
    };
    let mut rows = Vec::with_capacity(listed.machines.len());
    for machine in listed.machines {
        let inside = match &asked.expand {
            None => None,
            Some(inner) => Some(users(app, call, scope, &machine, inner).await?),
        };
        rows.push(Row { entity: views::Machine::new(machine, question.now), inside });
    }
    rows::write(call, asked, rows::Page { rows, count, next_link }).await
}

/// Whether there is a machine after the last one of a page.
async fn has_more(
    app: &AppState,
    scope: &Scope,
    list: &MachineList,
    listed: &inventory::query::Listed,
) -> Result<bool, ApiError> {
    let page = Page { skip: 0, top: 1 };
    let next = MachineList { after: listed.end.clone(), page, ..list.clone() };
    Ok(!app.store.machines(scope, next).await?.machines.is_empty())
}

/// A machine's users, expanded inside it.
pub(crate) async fn users(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    machine: &Machine,
    asked: &Asked,
) -> Result<Inside, ApiError> {
    let users = app.store.users_of_machine(scope, machine.id, app.window(call.now)).await?;
    let (users, all) = asked.choose(users.into_iter().map(as_user).collect())?;
    let rows = users.into_iter().map(|user| user_row(user, asked));
    Ok(Inside { rows: rows.collect::<Result<_, _>>()?, count: asked.count.then_some(all) })
}

fn user_row(user: User, asked: &Asked) -> Result<Box<RawValue>, ApiError> {
    let logon_count = Some(user.relation.logon_count);
    let annotations = Annotations { logon_count, ..Annotations::default() };
    rows::inner(&views::User::new(as_machine_user(user)), None, asked, annotations)
}

/// A user of one machine, of whom nothing else is known.
pub(crate) fn as_user(user: MachineUser) -> User {
    let MachineUser { account, relation } = user;
    User { account, relation, machines: 1, most_prevalent: None, least_prevalent: None }
}

fn as_machine_user(user: User) -> MachineUser {
    MachineUser { account: user.account, relation: user.relation }
}

/// `GET /api/machines/{id}`: by id, computer name or Entra device id.
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Machine>,
    Id(id): Id,
    query: EntityQuery<views::Machine>,
) -> Result<Response, ApiError> {
    let answer = async {
        let machine = find(&app, &permit, &id).await?;
        envelope::single(&call, &query, &views::Machine::new(machine, minute(call.now)))
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// `GET /api/machines/{id}/logonusers`
pub(crate) async fn logon_users(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::LogonUsers>,
    Id(id): Id,
    question: Question<views::User>,
) -> Result<Response, ApiError> {
    let answer = async {
        let machine = find(&app, &permit, &id).await?;
        let window = app.window(call.now);
        let users = app.store.users_of_machine(permit.scope(), machine.id, window).await?;
        let asked = &question.asked;
        if asked.expand.is_some() {
            return Err(ApiError::OData(
                "The machines of users are expanded from users: GET /api/users.".to_owned(),
            ));
        }
        // The store gives all users of a machine, whose number people bound.
        let (users, all) = asked.choose(users.into_iter().map(as_user).collect())?;
        let rows = users.into_iter().map(as_machine_user).map(views::User::new).map(Row::bare);
        let (rows, count) = (rows.collect(), asked.count.then_some(all));
        rows::write(&call, asked, rows::Page { rows, count, next_link: None }).await
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// The machine that an id in a path means.
pub(crate) async fn find<A: api::Api>(
    app: &AppState,
    permit: &Permit<A>,
    id: &str,
) -> Result<Machine, ApiError> {
    let not_found = || ApiError::machine_not_found(id);
    let selector = MachineSelector::parse(id).ok_or_else(not_found)?;
    let machine = app.store.machine(permit.scope(), &selector).await?;
    machine.ok_or_else(not_found)
}
