//! Machines found otherwise than by a filter: by tag, without a tag, by address, of a DNS domain
//! (defender-api.md §4, §12). Each is a question with one more condition, so all options work here too.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use inventory::filter::{
    Collection, Comparison, Condition, Field, Items, Level, MachineField, Scalar, TextTest, Value,
};
use inventory::query::AddressSelector;
use inventory::time::{SECONDS_PER_DAY, Timestamp};
use odata::arguments::Arguments;
use odata::literal::{DateTime, Literal};

use crate::api;
use crate::call::{Call, ThisCall};
use crate::error::ApiError;
use crate::machines::{self, Of};
use crate::permit::Permit;
use crate::query::Id;
use crate::question::Question;
use crate::state::AppState;
use crate::views;

/// Machines of a domain at most (§4).
const DOMAIN_ROWS: u64 = 500;
/// Days that `findbyip` looks back at most (§4).
const FIND_DAYS: i64 = 30;
/// Seconds before and after the moment that the legacy `find` takes in (§4).
const LEGACY_AROUND_S: i64 = 16 * 60;
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
    machines::respond(&app, &call, &permit, Of::Scope, question.and(condition)).await
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
    machines::respond(&app, &call, &permit, Of::Scope, question.and(condition)).await
}

/// `GET /api/machines/findbyip(ip='...',timestamp=...)`: those that had the address within a quarter of
/// an hour of the moment.
pub(crate) async fn by_ip(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::FindByIp>,
    Id(arguments): Id,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    let selector = address(&call, &arguments, "ip", AddressSelector::AROUND_S)?;
    machines::respond(&app, &call, &permit, Of::Address(selector), question).await
}

/// `GET /api/machines/find(timestamp=...,key='...')`: the same as it was called once; 404 where there is
/// none.
pub(crate) async fn by_ip_legacy(
    State(app): State<Arc<AppState>>,
    ThisCall(call): ThisCall,
    permit: Permit<api::FindByIpLegacy>,
    Id(arguments): Id,
    question: Question<views::Machine>,
) -> Result<Response, ApiError> {
    let selector = address(&call, &arguments, "key", LEGACY_AROUND_S)?;
    let answer = machines::respond(&app, &call, &permit, Of::Address(selector), question).await?;
    match call.rows.get() {
        Some(0) => Err(ApiError::NotFound(format!(
            "No machine had the address {} at that time",
            selector.address
        ))),
        _ => Ok(answer),
    }
}

/// The address and the moment that a function is called with.
fn address(
    call: &Call,
    arguments: &str,
    name: &'static str,
    around_s: i64,
) -> Result<AddressSelector, ApiError> {
    let arguments =
        Arguments::parse(arguments).map_err(|error| ApiError::BadRequest(error.to_string()))?;
    let refused = |text: String| Err(ApiError::BadRequest(text));
    let address = match arguments.get(name) {
        None => return Err(ApiError::MissingParameter(name)),
        Some(Literal::String(text)) => match text.trim().parse() {
            Ok(address) => address,
            Err(_) => return refused(format!("Parameter {name} is no IPv4 or IPv6 address.")),
        },
        Some(_) => {
            return refused(format!(
                "Parameter {name} is an address in quotes: {name}='10.0.0.1'."
            ));
        }
    };
    let moment = match arguments.get("timestamp") {
        None => return Err(ApiError::MissingParameter("timestamp")),
        Some(Literal::DateTime(moment)) => *moment,
        Some(Literal::Date(day)) => day.midnight(),
        Some(_) => {
            return refused(
                "Parameter timestamp is a moment without quotes: timestamp=2025-06-02T10:00:00Z."
                    .to_owned(),
            );
        }
    };
    let moment = Timestamp::from_ticks(moment.ticks() - DateTime::UNIX_EPOCH_TICKS)
        // Both count the same years.
        .unwrap_or(Timestamp::MIN);
    if moment.seconds() < call.now.seconds() - FIND_DAYS * SECONDS_PER_DAY {
        return refused(format!("The timestamp must be in the past {FIND_DAYS} days."));
    }
    Ok(AddressSelector::around(address, moment, around_s))
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
    let question = question.and(condition).at_most(DOMAIN_ROWS);
    machines::respond(&app, &call, &permit, Of::Scope, question).await
}

/// A parameter of the query, whose name is written in any case.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = odata::pairs::pairs(uri.query().unwrap_or_default()).flatten();
    let found = pairs.find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.into_owned())
}
