//! `/admin/v1/audit`: the tenant's record of who asked, changed and signed in.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use inventory::access::audit::{Deed, Entry, Filter};
use serde::Serialize;
use uuid::Uuid;

use super::request::moment;
use super::{Reading, text};
use crate::error::ApiError;

/// What a query can say.
const OPTIONS: &str = "since, until, deed, app, person, last";
/// Entries of an answer unless the caller says how many.
const ROWS: u64 = 100;
/// Entries of an answer at most; who wants more goes back in time with `until`.
const MAX_ROWS: u64 = 10_000;

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
enum DeedName {
    Call,
    Administration,
    SignIn,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    time: String,
    deed: DeedName,
    correlation_id: Uuid,
    app_id: Option<Uuid>,
    person: Option<String>,
    address: Option<String>,
    operation: String,
    detail: String,
    status: u16,
    rows: Option<u64>,
    latency_us: u64,
}

impl From<Entry> for View {
    fn from(entry: Entry) -> Self {
        Self {
            time: text(entry.time),
            deed: match entry.deed {
                Deed::Call => DeedName::Call,
                Deed::Administration => DeedName::Administration,
                Deed::SignIn => DeedName::SignIn,
            },
            correlation_id: entry.correlation,
            app_id: entry.app,
            person: entry.person,
            address: entry.address.map(|address| address.to_string()),
            operation: entry.operation,
            detail: entry.detail,
            status: entry.status,
            rows: entry.rows,
            latency_us: entry.latency_us,
        }
    }
}

/// `GET /admin/v1/audit`: the last entries that match, the oldest first.
pub(crate) async fn list(desk: Reading, headers: HeaderMap) -> Result<Response, ApiError> {
    let filter =
        filter(desk.call.target.query().unwrap_or_default()).map_err(ApiError::BadRequest)?;
    // What was asked before this is in it.
    desk.app.audit.flush().await.map_err(|error| ApiError::internal(error.to_string()))?;
    let mut rows = Vec::new();
    let mut visit = |entry: Entry| {
        rows.push(View::from(entry));
        Ok(())
    };
    desk.administration().audit(filter, &mut visit).await?;
    let _ = desk.call.rows.set(rows.len() as u64);
    if wants_lines(&headers) { lines(&rows) } else { super::list(rows) }
}

/// The filter that a query describes; the administration adds the tenant.
fn filter(query: &str) -> Result<Filter, String> {
    let mut filter = Filter { last: Some(ROWS), ..Filter::default() };
    for pair in odata::pairs::pairs(query) {
        let (name, value) = pair.map_err(|error| error.to_string())?;
        match name.as_ref() {
            "since" => filter.since = Some(moment(&value)?),
            "until" => filter.until = Some(moment(&value)?),
            "deed" => filter.deed = Some(deed(&value)?),
            "app" => {
                let id = Uuid::try_parse(&value);
                filter.app = Some(id.map_err(|_| "`app` is no client id".to_owned())?);
            }
            "person" => filter.person = Some(value.into_owned()),
            "last" => filter.last = Some(last(&value)?),
            _ => {
                let name: String = name.chars().take(40).collect();
                return Err(format!("unknown option `{name}`: the options are {OPTIONS}"));
            }
        }
    }
    Ok(filter)
}

fn deed(text: &str) -> Result<Deed, String> {
    match text {
        "call" => Ok(Deed::Call),
        "administration" => Ok(Deed::Administration),
        "signIn" => Ok(Deed::SignIn),
        _ => Err("`deed` is one of call, administration, signIn".to_owned()),
    }
}

fn last(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|last| (1..=MAX_ROWS).contains(last)).ok_or_else(|| {
        format!("`last` is a number from 1 to {MAX_ROWS}; ask again with `until` for what is older")
    })
}

/// A line of JSON for each entry, for programs that collect logs.
fn lines(rows: &[View]) -> Result<Response, ApiError> {
    let mut body = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut body, row)
            .map_err(|error| ApiError::internal(error.to_string()))?;
        body.push(b'\n');
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

fn wants_lines(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| {
        value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("application/x-ndjson"))
    })
}
