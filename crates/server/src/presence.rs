//! Who was where at a moment: `?at=2026-11-20T08:30:00Z` on the machines of a user and the users of
//! a machine, an option of our own. The rows are the vendor's; each says in an annotation which
//! sessions were there.

use std::collections::HashMap;
use std::hash::Hash;

use axum::response::{IntoResponse, Response};
use inventory::access::scope::Scope;
use inventory::account::Account;
use inventory::filter::MachineAt;
use inventory::ids::MachineId;
use inventory::machine::Machine;
use inventory::query::{Page, PresenceOf, UserSelector, Window};
use inventory::session::Presence;
use inventory::time::Timestamp;
use odata::arguments::Arguments;
use odata::literal::{DateTime, Literal};
use serde::Serialize;

use crate::api::Api;
use crate::call::Call;
use crate::envelope;
use crate::error::ApiError;
use crate::form::Form;
use crate::lists;
use crate::machines::{as_machine_user, as_user};
use crate::permit::Permit;
use crate::question::{Queryable, Question};
use crate::rows::{self, Annotations, Row};
use crate::state::AppState;
use crate::views::{self, Session};

/// The moment that a query asks about.
pub(crate) fn moment(query: &str) -> Result<Option<Timestamp>, ApiError> {
    let mut pairs = odata::pairs::pairs(query).flatten();
    let Some((_, text)) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("at")) else {
        return Ok(None);
    };
    // A zone's plus sign that nobody encoded.
    let text = text.trim().replace(' ', "+");
    let refused = || {
        let shown: String = text.chars().take(odata::options::SHOWN_CHARS).collect();
        ApiError::OData(format!("'{shown}' is no moment such as 2026-11-20T08:30:00Z (at)."))
    };
    let arguments = Arguments::parse(&format!("(at={text})")).map_err(|_| refused())?;
    let moment = match arguments.get("at") {
        Some(Literal::DateTime(moment)) => *moment,
        Some(Literal::Date(day)) => day.midnight(),
        _ => return Err(refused()),
    };
    let moment = Timestamp::from_ticks(moment.ticks() - DateTime::UNIX_EPOCH_TICKS);
    moment.map(Some).ok_or_else(refused)
}

/// Refuses the option where it means nothing: to leave it aside would give wrong rows.
pub(crate) fn refuse<E>(question: &Question<E>) -> Result<(), ApiError> {
    match question.at {
        None => Ok(()),
        Some(_) => Err(ApiError::OData(
            "The option 'at' is for the machines of a user and the users of a machine.".to_owned(),
        )),
    }
}

/// The machines that a user was on at the moment.
pub(crate) async fn machines<A: Api>(
    app: &AppState,
    call: &Call,
    permit: &Permit<A>,
    user: Option<UserSelector>,
    moment: Timestamp,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    require_no_expansion(&question)?;
    let scope = permit.scope();
    let choose = async || {
        let Some(user) = user else { return Ok((Vec::new(), 0)) };
        let found = app.store.presences(scope, &PresenceOf::User(user.clone()), moment).await?;
        let mut sessions = by(found, |presence| presence.machine);
        let machines = machines_of(app, scope, &user, &sessions).await?;
        let now = question.now;
        let rows = machines.iter().map(|machine| MachineAt { machine, now }).collect();
        let (chosen, all) = question.asked.choose(rows)?;
        let row = |MachineAt { machine, now }: MachineAt<'_>| {
            let sessions = sessions.remove(&machine.id).unwrap_or_default();
            Row::bare(views::Machine::new(machine.clone(), now)).with(annotated(sessions))
        };
        Ok((chosen.into_iter().map(row).collect(), all))
    };
    respond(app, call, permit, &question, choose).await
}

async fn machines_of(
    app: &AppState,
    scope: &Scope,
    user: &UserSelector,
    sessions: &HashMap<MachineId, Vec<Session>>,
) -> Result<Vec<Machine>, ApiError> {
    let machines = app.store.machines_of_user(scope, user, Window::ALL, Page::ALL).await?;
    let machines = machines.into_iter().map(|it| it.machine);
    Ok(machines.filter(|machine| sessions.contains_key(&machine.id)).collect())
}

/// The users that were on a machine at the moment.
pub(crate) async fn users<A: Api>(
    app: &AppState,
    call: &Call,
    permit: &Permit<A>,
    id: &str,
    moment: Timestamp,
    question: Question<views::User>,
) -> Result<Response, ApiError> {
    require_no_expansion(&question)?;
    let scope = permit.scope();
    let choose = async || {
        let machine = crate::machines::find(app, permit, id).await?.id;
        let found = app.store.presences(scope, &PresenceOf::Machine(machine), moment).await?;
        let key = |account: &Account| (account.name.clone(), account.domain.clone());
        let mut sessions = by(found, |presence| key(&presence.account));
        let users = app.store.users_of_machine(scope, machine, Window::ALL).await?;
        let users = users.into_iter().filter(|user| sessions.contains_key(&key(&user.account)));
        let (chosen, all) = question.asked.choose(users.map(as_user).collect())?;
        let row = |user: inventory::relation::User| {
            let sessions = sessions.remove(&key(&user.account)).unwrap_or_default();
            Row::bare(views::User::new(as_machine_user(user))).with(annotated(sessions))
        };
        Ok((chosen.into_iter().map(row).collect(), all))
    };
    respond(app, call, permit, &question, choose).await
}

/// Writes the rows that are chosen, in the form that is wanted.
async fn respond<A: Api, E: Queryable + Serialize>(
    app: &AppState,
    call: &Call,
    permit: &Permit<A>,
    question: &Question<E>,
    choose: impl AsyncFnOnce() -> Result<(Vec<Row<E>>, u64), ApiError>,
) -> Result<Response, ApiError> {
    let asked = &question.asked;
    if question.form != Form::Json {
        let (rows, _) = choose().await?;
        let rows: Vec<_> = rows.iter().map(|row| rows::shaped(row, asked)).collect();
        return lists::of_rows(call, question.form, lists::columns::<E>(asked), &rows);
    }
    let answer = async {
        let (rows, all) = choose().await?;
        let count = asked.count.then_some(all);
        rows::write(call, asked, rows::Page { rows, count, next_link: None }).await
    };
    let body = app.answers.get_or(permit.answer_key(call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

fn require_no_expansion<E>(question: &Question<E>) -> Result<(), ApiError> {
    match question.asked.expand {
        None => Ok(()),
        Some(_) => Err(ApiError::OData("With 'at' nothing can be expanded.".to_owned())),
    }
}

fn by<K: Hash + Eq>(
    found: Vec<Presence>,
    key: impl Fn(&Presence) -> K,
) -> HashMap<K, Vec<Session>> {
    let mut sessions: HashMap<K, Vec<Session>> = HashMap::new();
    for presence in &found {
        sessions.entry(key(presence)).or_default().push(Session::new(&presence.stay));
    }
    sessions
}

fn annotated(sessions: Vec<Session>) -> Annotations {
    Annotations { sessions: Some(sessions), ..Annotations::default() }
}
