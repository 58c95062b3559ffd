//! Users, and what they logged on to.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use inventory::access::scope::Scope;
use inventory::account::Account;
use inventory::filter::MachineAt;
use inventory::query::{Page, UserList, UserSelector};
use inventory::relation::{User, UserMachine};

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
use crate::question::{Asked, Question};
use crate::rows::{self, Annotations, Inside, Row};
use crate::state::AppState;
use crate::{machines, presence, views, who};

/// Accounts of a name that are told at most.
const MAX_ACCOUNTS: usize = 1_000;

/// `GET /api/users/{id}/machines`: the machines that a user logged on to, the last seen first,
/// then by id. A user whom nobody knows has no machines (defender-api.md §1.1).
pub(crate) async fn machines(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::UserMachines>,
    Id(id): Id,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    machines::require_users(&permit, &question)?;
    if let Some(moment) = question.at {
        let user = who::selector(&app, &call, permit.scope(), &id).await?;
        return presence::machines(&app, &call, &permit, user, moment, question).await;
    }
    let key = permit.paged_answer_key(&call, question.page_rows);
    if question.form != Form::Json
        && let Some(user) = who::selector(&app, &call, permit.scope(), &id).await?
    {
        return machines::respond(&app, &call, &permit, machines::Of::User(user), question).await;
    }
    let answer = async {
        let asked = &question.asked;
        let scope = permit.scope();
        let user = who::selector(&app, &call, scope, &id).await?;
        let machines = match user {
            None => Vec::new(),
            Some(user) if question.is_plain() => {
                let (window, top) = (app.window(call.now), question.rows());
                let page = Page { skip: asked.skip, top };
                let machines = app.store.machines_of_user(scope, &user, window, page).await?;
                if !question.has_top && machines.len() as u64 == question.rows() {
                    // More than a page, perhaps: a walk.
                    let of = machines::Of::User(user);
                    return machines::answer(&app, &call, scope, of, question).await;
                }
                machines
            }
            Some(user) => {
                let of = machines::Of::User(user);
                return machines::answer(&app, &call, scope, of, question).await;
            }
        };
        let now = question.now;
        let rows = machines.into_iter().map(|row| Row::bare(views::Machine::new(row.machine, now)));
        let page =
            rows::Page { rows: rows.collect(), count: asked.count.then_some(0), next_link: None };
        rows::write(&call, asked, page).await
    };
    let body = app.answers.get_or(key, answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// `GET /api/users`: accounts that logged on to a machine which the caller may see, by name.
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Users>,
    question: Question<views::User>,
) -> Result<Response, ApiError> {
    require_machines(&permit, &question)?;
    let (form, page_rows) = (question.form, question.page_rows);
    let list = user_list(&app, &call, None, &question)?;
    let mut pages = Pages::new(&app, &call, permit.scope(), question, list);
    if form != Form::Json {
        return lists::respond(call, form, pages).await;
    }
    let answer = async {
        let rows = Source::next(&mut pages).await?.rows;
        let asked = pages.asked();
        let count = if asked.count { Some(pages.count().await?) } else { None };
        rows::write(&call, asked, rows::Page { rows, count, next_link: pages.next_link() }).await
    };
    let body = app.answers.get_or(permit.paged_answer_key(&call, page_rows), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// `GET /api/users/$count`
pub(crate) async fn count(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::Users>,
    question: Question<views::User>,
) -> Result<Response, ApiError> {
    require_machines(&permit, &question)?;
    let list = user_list(&app, &call, None, &question)?;
    let count = app.store.count_users(permit.scope(), list).await?;
    Ok(envelope::number(count))
}

/// `GET /api/users/{id}`: by name, `DOMAIN\name` or `name@realm`. Accounts of one name in several
/// domains are one user, as their machines are.
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::User>,
    Id(id): Id,
    query: EntityQuery<views::User>,
) -> Result<Response, ApiError> {
    let answer = async {
        let not_found = || ApiError::user_not_found(&id);
        let found = who::selector(&app, &call, permit.scope(), &id).await?;
        let selector = found.ok_or_else(not_found)?;
        let is_part = selector.accounts.is_some() || selector.domain.is_some();
        let meant = selector.clone();
        let user = one(&app, &call, permit.scope(), selector).await?.ok_or_else(not_found)?;
        let shown = views::User::of(user.clone());
        let shown = match is_part {
            true => own_id(&app, &call, &permit, &id, user, shown).await?,
            false => shown,
        };
        let shown = match who::wants_accounts(call.target.query().unwrap_or_default()) {
            true => shown.with_accounts(accounts_of(&app, &call, permit.scope(), &meant).await?),
            false => shown,
        };
        envelope::single(&call, &query, &shown)
    };
    let body = app.answers.get_or(permit.answer_key(&call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// Every account of a user's name, those that the user is made of first.
async fn accounts_of(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    meant: &UserSelector,
) -> Result<Vec<views::AccountOfName>, ApiError> {
    let mut all = app.store.namesakes(scope, meant, app.window(call.now)).await?;
    all.truncate(MAX_ACCOUNTS);
    Ok(all.into_iter().map(views::AccountOfName::new).collect())
}

/// The user that a selector means, of several accounts one.
async fn one(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    selector: UserSelector,
) -> Result<Option<User>, ApiError> {
    let list = UserList {
        filter: None,
        of: Some(selector.clone()),
        window: app.window(call.now),
        order: Vec::new(),
        after: None,
        page: Page::ALL,
        now: minute(call.now),
    };
    let mut users = app.store.users(scope, list).await?.users;
    Ok(match users.len() {
        0 | 1 => users.pop(),
        _ => Some(merged(app, call, scope, selector, users).await?),
    })
}

/// The user with an id that answers the same: the one it was asked by where that means some of a user's
/// accounts alone, as a SID does.
async fn own_id<A: api::Api>(
    app: &AppState,
    call: &Call,
    permit: &Permit<A>,
    asked: &str,
    user: User,
    shown: views::User,
) -> Result<views::User, ApiError> {
    let meant = who::selector(app, call, permit.scope(), shown.id()).await?;
    let answered = match meant {
        Some(meant) => one(app, call, permit.scope(), meant).await?,
        None => None,
    };
    let same = |other: &User| (other.relation, other.machines) == (user.relation, user.machines);
    Ok(match answered.as_ref().is_some_and(same) {
        true => shown,
        false => shown.under(inventory::fold(asked.trim())),
    })
}

/// Several accounts of one name as one user.
async fn merged(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    selector: UserSelector,
    users: Vec<User>,
) -> Result<User, ApiError> {
    let window = app.window(call.now);
    let machines = app.store.machines_of_user(scope, &selector, window, Page::ALL).await?;
    let key = |one: &UserMachine| (one.relation.logon_count, std::cmp::Reverse(one.machine.id));
    let most = machines.iter().max_by_key(|one| key(one)).map(|one| one.machine.id);
    let least = machines
        .iter()
        .min_by_key(|one| (one.relation.logon_count, one.machine.id))
        .map(|one| one.machine.id);
    let mut all = users.into_iter();
    let Some(User { mut relation, .. }) = all.next() else {
        return Err(ApiError::user_not_found(&selector.name));
    };
    all.for_each(|user| relation.add(&user.relation));
    let account = Account {
        name: selector.name,
        domain: selector.domain.unwrap_or_default(),
        ..Account::default()
    };
    let machines = machines.len() as u64;
    let (most_prevalent, least_prevalent) = (most, least);
    Ok(User { account, shares_name: false, relation, machines, most_prevalent, least_prevalent })
}

/// Questions about machines need the permission to read them.
fn require_machines<A: api::Api>(
    permit: &Permit<A>,
    question: &Question<views::User>,
) -> Result<(), ApiError> {
    if question.asked.mentions_machines() {
        permit.caller.require::<api::Machines>()?;
    }
    Ok(())
}

fn user_list(
    app: &AppState,
    call: &Call,
    of: Option<UserSelector>,
    question: &Question<views::User>,
) -> Result<UserList, ApiError> {
    presence::refuse(question)?;
    Ok(UserList {
        filter: question.asked.filter.clone(),
        of,
        window: app.window(call.now),
        order: question.asked.sorts.clone().unwrap_or_default(),
        after: question.after()?,
        page: Page { skip: question.asked.skip, top: question.rows() },
        now: question.now,
    })
}

/// The users of a question, page by page.
type Pages = paging::Pages<views::User, UserList>;

impl Source for Pages {
    type Entity = views::User;

    fn asked(&self) -> &Asked {
        &self.question.asked
    }

    async fn next(&mut self) -> Result<Batch<views::User>, ApiError> {
        let (users, is_last) = Pages::next(self).await?;
        let (app, call, scope) = (&self.app, &self.call, &self.scope);
        let mut inside = expanded(app, call, scope, &self.question, &users).await?.into_iter();
        let row = |user| Row { inside: inside.next(), ..Row::bare(views::User::of(user)) };
        Ok(Batch { rows: users.into_iter().map(row).collect(), is_last })
    }

    async fn count(&self) -> Result<u64, ApiError> {
        Pages::count(self).await
    }

    fn next_link(&self) -> Option<String> {
        Pages::next_link(self)
    }
}

/// The machines of each user, where they are expanded.
async fn expanded(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    question: &Question<views::User>,
    users: &[User],
) -> Result<Vec<Inside>, ApiError> {
    let Some(asked) = &question.asked.expand else { return Ok(Vec::new()) };
    let accounts = users.iter().map(|user| user.account.clone()).collect();
    let window = app.window(call.now);
    let of_each = app.store.machines_of_accounts(scope, accounts, window).await?;
    let mut all = Vec::with_capacity(of_each.len());
    for (user, machines) in users.iter().zip(of_each) {
        let relations: HashMap<_, _> =
            machines.iter().map(|one| (one.machine.id, one.relation)).collect();
        let machines: Vec<_> = machines.into_iter().map(|one| one.machine).collect();
        let rows = machines.iter().map(|machine| MachineAt { machine, now: question.now });
        let (chosen, count) = asked.choose(rows.collect())?;
        let pairs = || chosen.iter().map(|row| (user.account.clone(), row.machine.id)).collect();
        let mut remotes = match asked.remotes {
            true => app.store.remotes(scope, pairs(), window).await?.into_iter(),
            false => Vec::new().into_iter(),
        };
        let mut rows = Vec::with_capacity(chosen.len());
        for MachineAt { machine, now } in chosen {
            let inner = match &asked.expand {
                None => None,
                Some(inner) => Some(machines::users(app, call, scope, machine, inner).await?),
            };
            let view = views::Machine::new(machine.clone(), now);
            let annotations = match relations.get(&machine.id) {
                None => Annotations::default(),
                Some(relation) => Annotations {
                    first_logon: Some(relation.first_seen.to_string()),
                    last_logon: Some(relation.last_seen.to_string()),
                    logon_types: Some(relation.logon_types.words().join(", ")),
                    logon_count: Some(relation.logon_count),
                    ..Annotations::default()
                },
            };
            let annotations = annotations.with(remotes.next());
            rows.push(rows::inner(&view, inner, asked, annotations)?);
        }
        all.push(Inside { rows, count: asked.count.then_some(count) });
    }
    Ok(all)
}
