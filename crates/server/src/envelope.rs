//! The OData envelope around rows: context, values, next link (defender-api.md §1.4, §5.3).

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Response, header};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use crate::call::Call;
use crate::error::ApiError;
use crate::form::Form;
use crate::lists;
use crate::query::{CollectionQuery, Entity, EntityQuery, PAGE_ROWS, Selection};
use crate::question::Asked;

/// Rows from which on an answer is written on a blocking thread: a page of 10,000 machines takes
/// tens of milliseconds, in which this thread would serve nobody else.
pub(crate) const BLOCKING_ROWS: usize = 256;

#[derive(Serialize)]
struct Collection<T> {
    #[serde(rename = "@odata.context")]
    context: String,
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
}

#[derive(Serialize)]
struct Single<T> {
    #[serde(rename = "@odata.context")]
    context: String,
    #[serde(flatten)]
    entity: T,
}

/// An entity of which only some properties are written.
struct Selected<'a, T> {
    entity: &'a T,
    selection: &'a Selection,
}

impl<T: Serialize + Entity> Serialize for Selected<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entity = serde_json::to_value(self.entity).map_err(serde::ser::Error::custom)?;
        let mut map = serializer.serialize_map(Some(self.selection.indices.len()))?;
        for &index in &self.selection.indices {
            let name = T::PROPERTIES[index];
            map.serialize_entry(name, entity.get(name).unwrap_or(&Value::Null))?;
        }
        map.end()
    }
}

/// Writes a collection. `rows` are those of [`CollectionQuery::page`].
pub(crate) async fn collection<R, E>(
    call: &Call,
    query: CollectionQuery<E>,
    mut rows: Vec<R>,
    view: impl Fn(R) -> E + Send + 'static,
) -> Result<Bytes, ApiError>
where
    R: Send + 'static,
    E: Entity + Serialize,
{
    let has_next = !query.has_top && rows.len() as u64 > PAGE_ROWS;
    if has_next {
        rows.truncate(PAGE_ROWS as usize);
    }
    set_rows(call, rows.len());
    let next = || query.page.skip.saturating_add(PAGE_ROWS).to_string();
    let next_link = has_next.then(|| next_link(call, "$skip", &next()));
    let context = context(call, E::SET, query.select.as_ref(), "");
    let blocking = rows.len() >= BLOCKING_ROWS;
    let write = move || {
        let value: Vec<E> = rows.into_iter().map(view).collect();
        match &query.select {
            None => to_json(&Collection { context, value, next_link }),
            Some(selection) => {
                let value = value.iter().map(|entity| Selected { entity, selection }).collect();
                to_json(&Collection { context, value, next_link })
            }
        }
    };
    if !blocking {
        return write();
    }
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|error| ApiError::internal(format!("writing an answer: {error}")))?
}

/// Answers with the rows of a set in a form that is not JSON.
pub(crate) fn in_form<E: Entity + Serialize>(
    call: &Call,
    form: Form,
    query: &CollectionQuery<E>,
    rows: &[E],
) -> Result<axum::response::Response, ApiError> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let Some(selection) = &query.select else {
        return lists::of_rows(call, form, names(E::PROPERTIES), rows);
    };
    let columns: Vec<_> = selection.indices.iter().map(|&index| E::PROPERTIES[index]).collect();
    let rows: Vec<_> = rows.iter().map(|entity| Selected { entity, selection }).collect();
    lists::of_rows(call, form, names(&columns), &rows)
}

/// Writes a single entity.
pub(crate) fn single<E: Entity + Serialize>(
    call: &Call,
    query: &EntityQuery<E>,
    entity: &E,
) -> Result<Bytes, ApiError> {
    set_rows(call, 1);
    let context = context(call, E::SET, query.select.as_ref(), "/$entity");
    match &query.select {
        None => to_json(&Single { context, entity }),
        Some(selection) => to_json(&Single { context, entity: Selected { entity, selection } }),
    }
}

/// Writes a whole entity.
pub(crate) fn entity<E: Entity + Serialize>(call: &Call, entity: &E) -> Result<Bytes, ApiError> {
    set_rows(call, 1);
    to_json(&Single { context: context(call, E::SET, None, "/$entity"), entity })
}

/// A set without rows.
#[derive(Serialize)]
struct Empty {
    #[serde(rename = "@odata.context")]
    context: String,
    #[serde(rename = "@odata.count", skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    value: [(); 0],
}

/// Writes a set without rows, and their number where it is wanted.
pub(crate) fn empty_set(call: &Call, set: &str, is_counted: bool) -> Result<Bytes, ApiError> {
    set_rows(call, 0);
    let context = context(call, set, None, "");
    to_json(&Empty { context, count: is_counted.then_some(0), value: [] })
}

/// Writes what there is: not a set itself, so that its context has no fragment.
pub(crate) fn service_document<T: Serialize>(
    call: &Call,
    value: Vec<T>,
) -> Result<Bytes, ApiError> {
    let context = format!("{}/api/$metadata", call.origin);
    to_json(&Collection { context, value, next_link: None })
}

/// Tells the audit how many rows the answer has.
pub(crate) fn set_rows(call: &Call, rows: usize) {
    // The first to set it: a request has one answer.
    let _ = call.rows.set(rows as u64);
}

fn context(call: &Call, set: &str, select: Option<&Selection>, suffix: &str) -> String {
    let select = select.map_or("", |selection| selection.context.as_str());
    format!("{}/api/$metadata#{set}{select}{suffix}", call.origin)
}

/// The context of a page of rows.
pub(crate) fn rows_context<E: Entity>(call: &Call, asked: &Asked) -> String {
    format!("{}/api/$metadata#{}{}", call.origin, E::SET, asked.context())
}

/// The request's own URL for another page: the same origin, path and options, as clients refuse any
/// other (defender-api.md §13.13).
pub(crate) fn next_link(call: &Call, option: &str, value: &str) -> String {
    let mut link = format!("{}{}?", call.origin, call.target.path());
    let is_place = |pair: &str| {
        odata::pairs::pairs(pair).next().is_some_and(|pair| {
            pair.is_ok_and(|(name, _)| {
                ["$skip", "$skiptoken"].iter().any(|known| name.trim().eq_ignore_ascii_case(known))
            })
        })
    };
    for pair in call.target.query().unwrap_or_default().split('&') {
        if !pair.is_empty() && !is_place(pair) {
            link.push_str(pair);
            link.push('&');
        }
    }
    link.push_str(&format!("{option}={value}"));
    link
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Bytes, ApiError> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| ApiError::internal(format!("writing an answer: {error}")))
}

/// The response that is a number, bare (OData 4.01 Protocol §11.2.10).
pub(crate) fn number(number: u64) -> Response<Body> {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
    let mut response = Response::new(Body::from(number.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, TEXT);
    response
}

/// The response that carries an OData body (defender-api.md §1.4).
pub(crate) fn ok(body: impl Into<Body>) -> Response<Body> {
    const CONTENT_TYPE: HeaderValue = HeaderValue::from_static(
        "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8",
    );
    const VERSION_NAME: HeaderName = HeaderName::from_static("odata-version");
    const VERSION: HeaderValue = HeaderValue::from_static("4.0");
    const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(VERSION_NAME, VERSION);
    headers.insert(header::VARY, ACCEPT_ENCODING);
    response
}
