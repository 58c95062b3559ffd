//! Machines found otherwise than by a filter: by tag, without a tag, of a DNS domain (defender-api.md §4,
//! §12). Each is a question with one more condition, so all options work here too.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use inventory::filter::{
    Collection, Comparison, Condition, Field, Items, Level, MachineField, Scalar, TextTest, Value,
};

use crate::api::{self, Api};
use crate::call::{Call, ThisCall};
use crate::envelope;
use crate::error::ApiError;
use crate::machines;
use crate::permit::Permit;
use crate::query::Id;
use crate::question::Question;
use crate::state::AppState;
use crate::views;

/// Machines of a domain at most (§4).
const DOMAIN_ROWS: u64 = 500;
const TAGS: Collection = Collection { level: Level(0), of: Items::MachineTags };

/// `GET /api/machines/findbytag?tag=...&useStartsWithFilter=...`
pub(crate) async fn by_tag(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::FindByTag>,
    uri: Uri,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    let tag = parameter(&uri, "tag").filter(|tag| !tag.trim().is_empty());
    let tag = tag.ok_or(ApiError::MissingParameter("tag"))?;
    let item = Scalar::Property(Level(1), Field::Item);
    let constant = Scalar::Value(Value::Text(tag));
    let of = match parameter(&uri, "useStartsWithFilter") {
        // Some clients write `False`, as their language does (§13.9).
        Some(text) if text.trim().eq_ignore_ascii_case("true") => {
            Condition::Text { test: TextTest::StartsWith, text: item, part: constant }
        }
        _ => Condition::Compare { operator: Comparison::Eq, left: item, right: constant },
    };
    let condition = Condition::Any { collection: TAGS, of: Some(Box::new(of)) };
    answer(&app, &call, &permit, question.and(condition)).await
}

/// `GET /api/machines/unTaggedMachines`
pub(crate) async fn untagged(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::UntaggedMachines>,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    let any = Condition::Any { collection: TAGS, of: None };
    let condition = Condition::Not(Box::new(any));
    answer(&app, &call, &permit, question.and(condition)).await
}

/// `GET /api/domains/{domain}/machines`: those whose name ends in the domain.
pub(crate) async fn of_domain(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::DomainMachines>,
    Id(domain): Id,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    let condition = Condition::Text {
        test: TextTest::EndsWith,
        text: Scalar::Property(Level(0), Field::Machine(MachineField::ComputerDnsName)),
        part: Scalar::Value(Value::Text(format!(".{}", domain.trim().trim_matches('.')))),
    };
    answer(&app, &call, &permit, question.and(condition).at_most(DOMAIN_ROWS)).await
}

async fn answer<A: Api>(
    app: &AppState,
    call: &Call,
    permit: &Permit<A>,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    machines::require_users(permit, &question)?;
    let answer = machines::answer(app, call, permit.scope(), None, question);
    let body = app.answers.get_or(permit.answer_key(call), answer).await?;
    Ok(envelope::ok(body).into_response())
}

/// A parameter of the query, whose name is written in any case.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = odata::pairs::pairs(uri.query().unwrap_or_default()).flatten();
    let found = pairs.find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.into_owned())
}
