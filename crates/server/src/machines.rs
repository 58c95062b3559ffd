//! Machines, and who logged on to one.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use inventory::access::scope::Scope;
use inventory::machine::Machine;
use inventory::query::{AddressSelector, MachineList, MachineSelector, Page, UserSelector};
use inventory::relation::{MachineUser, User};

use crate::answers::minute;
use crate::api;
use crate::call::{Call, ThisCall};
use crate::envelope;
use crate::error::ApiError;
use crate::form::Form;
use crate::lists::{self, Batch, Source};
use crate::paging;
use crate::permit::Permit;
use crate::query::{EntityQuery, Id};
use crate::question::{Asked, BigQuestion, Question};
use crate::rows::{self, Annotations, Inside, Row};
use crate::state::AppState;
use crate::{presence, views};

/// Of which machines a list is.
pub(crate) enum Of {
    /// All that the caller may see.
    Scope,
    /// Those that a user logged on to.
    User(UserSelector),
    /// Those that had an address.
    Address(AddressSelector),
}

/// `GET /api/machines`: the last seen first, then by id; by id where they fill several pages.
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Machines>,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    respond(&app, &call, &permit, Of::Scope, question).await
}

/// `GET /api/machines/bigPageSize`: the same in pages that are written while they are read.
pub(crate) async fn big_pages(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::BigPages>,
    BigQuestion(question): BigQuestion<views::Machine>,
) -> Result<Response, ApiError> {
    require_users(&permit, &question)?;
    let form = question.form;
    let pages = pages(&app, &call, permit.scope(), Of::Scope, question)?;
    lists::respond(call, form, pages).await
}

/// Answers a question about machines.
pub(crate) async fn respond<A: api::Api>(
    app: &Arc<AppState>,
    call: &Arc<Call>,
    permit: &Permit<A>,
    of: Of,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    require_users(permit, &question)?;
    let (form, page_rows) = (question.form, question.page_rows);
    if form != Form::Json {
        let pages = pages(app, call, permit.scope(), of, question)?;
        return lists::respond(Arc::clone(call), form, pages).await;
    }
    let answer = answer(app, call, permit.scope(), of, question);
    let body = app.answers.get_or(permit.paged_answer_key(call, page_rows), answer).await?;
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
    let list = machine_list(&app, &call, Of::Scope, &question)?;
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
    of: Of,
    question: &Question<views::Machine>,
) -> Result<MachineList, ApiError> {
    presence::refuse(question)?;
    let (of_user, of_address) = match of {
        Of::Scope => (None, None),
        Of::User(user) => (Some(user), None),
        Of::Address(address) => (None, Some(address)),
    };
    Ok(MachineList {
        filter: question.asked.filter.clone(),
        of_user,
        of_address,
        window: app.window(call.now),
        order: question.order(),
        after: question.after()?,
        page: Page { skip: question.asked.skip, top: question.rows() },
        now: question.now,
    })
}

/// The machines that a question asks for, a page of them.
pub(crate) async fn answer(
    app: &Arc<AppState>,
    call: &Arc<Call>,
    scope: &Scope,
    of: Of,
    question: Question<views::Machine>,
) -> Result<Bytes, ApiError> {
    let mut pages = pages(app, call, scope, of, question)?;
    let rows = Source::next(&mut pages).await?.rows;
    let asked = pages.asked();
    let count = if asked.count { Some(pages.count().await?) } else { None };
    rows::write(call, asked, rows::Page { rows, count, next_link: pages.next_link() }).await
}

/// The machines of a question, page by page.
type Pages = paging::Pages<views::Machine, MachineList>;

fn pages(
    app: &Arc<AppState>,
    call: &Arc<Call>,
    scope: &Scope,
    of: Of,
    question: Question<views::Machine>,
) -> Result<Pages, ApiError> {
    if question.asked.expand.as_ref().is_some_and(|users| users.expand.is_some()) {
        return Err(ApiError::OData(
            "The machines of users are expanded from users: GET /api/users.".to_owned(),
        ));
    }
    let list = machine_list(app, call, of, &question)?;
    Ok(Pages::new(app, call, scope, question, list))
}

impl Source for Pages {
    type Entity = views::Machine;

    fn asked(&self) -> &Asked {
        &self.question.asked
    }

    async fn next(&mut self) -> Result<Batch<views::Machine>, ApiError> {
        let (machines, is_last) = Pages::next(self).await?;
        let mut rows = Vec::with_capacity(machines.len());
        for machine in machines {
            let inside = match &self.question.asked.expand {
                None => None,
                Some(inner) => {
                    Some(users(&self.app, &self.call, &self.scope, &machine, inner).await?)
                }
            };
            rows.push(Row { inside, ..Row::bare(views::Machine::new(machine, self.question.now)) });
        }
        Ok(Batch { rows, is_last })
    }

    async fn count(&self) -> Result<u64, ApiError> {
        Pages::count(self).await
    }

    fn next_link(&self) -> Option<String> {
        Pages::next_link(self)
    }
}

/// A machine's users, expanded inside it.
pub(crate) async fn users(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    machine: &Machine,
    asked: &Asked,
) -> Result<Inside, ApiError> {
    let window = app.window(call.now);
    let users = app.store.users_of_machine(scope, machine.id, window).await?;
    let (users, all) = asked.choose(users.into_iter().map(as_user).collect())?;
    let pairs = || users.iter().map(|user| (user.account.clone(), machine.id)).collect();
    let mut remotes = match asked.remotes {
        true => app.store.remotes(scope, pairs(), window).await?.into_iter(),
        false => Vec::new().into_iter(),
    };
    let rows = users.into_iter().map(|user| {
        let logon_count = Some(user.relation.logon_count);
        let annotations = Annotations { logon_count, ..Annotations::default() };
        let annotations = annotations.with(remotes.next());
        rows::inner(&views::User::new(as_machine_user(user)), None, asked, annotations)
    });
    Ok(Inside { rows: rows.collect::<Result<_, _>>()?, count: asked.count.then_some(all) })
}

/// A user of one machine, of whom nothing else is known.
pub(crate) fn as_user(user: MachineUser) -> User {
    let MachineUser { account, shares_name, relation } = user;
    let (most_prevalent, least_prevalent) = (None, None);
    User { account, shares_name, relation, machines: 0, most_prevalent, least_prevalent }
}

pub(crate) fn as_machine_user(user: User) -> MachineUser {
    let User { account, shares_name, relation, .. } = user;
    MachineUser { account, shares_name, relation }
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
    let asked = &question.asked;
    if asked.expand.is_some() {
        return Err(ApiError::OData(
            "The machines of users are expanded from users: GET /api/users.".to_owned(),
        ));
    }
    if let Some(moment) = question.at {
        return presence::users(&app, &call, &permit, &id, moment, question).await;
    }
    let choose = async || {
        let machine = find(&app, &permit, &id).await?;
        let window = app.window(call.now);
        let users = app.store.users_of_machine(permit.scope(), machine.id, window).await?;
        // The store gives all users of a machine, whose number people bound.
        let (users, all) = asked.choose(users.into_iter().map(as_user).collect())?;
        let rows = users.into_iter().map(as_machine_user).map(views::User::new).map(Row::bare);
        Ok::<_, ApiError>((rows.collect::<Vec<_>>(), all))
    };
    if question.form != Form::Json {
        let (rows, _) = choose().await?;
        let rows: Vec<_> = rows.iter().map(|row| rows::shaped(row, asked)).collect();
        let columns = lists::columns::<views::User>(asked);
        return lists::of_rows(&call, question.form, columns, &rows);
    }
    let answer = async {
        let (rows, all) = choose().await?;
        let count = asked.count.then_some(all);
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
