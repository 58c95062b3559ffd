//! Lists that are written while they are read: CSV and lines of JSON, and pages of JSON that are too big
//! for memory.
//!
//! The first rows are read before anything is answered, so that what is wrong with a question gets its
//! status. An answer that breaks off later ends without the end of its body ([`crate::pieces`]).

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use crate::call::Call;
use crate::envelope;
use crate::error::ApiError;
use crate::form::Form;
use crate::pieces;
use crate::question::{Asked, Queryable, navigation};
use crate::rows::{self, Row};

/// Some of the rows of a list.
pub(crate) struct Batch<E> {
    pub(crate) rows: Vec<Row<E>>,
    /// Whether there are no more.
    pub(crate) is_last: bool,
}

/// A list that is read in batches.
pub(crate) trait Source: Send + 'static {
    /// What it is a list of.
    type Entity: Queryable + Serialize;

    /// What is asked of each row.
    fn asked(&self) -> &Asked;

    /// The next rows.
    fn next(&mut self) -> impl Future<Output = Result<Batch<Self::Entity>, ApiError>> + Send;

    /// How many rows the list has in all, whatever its page.
    fn count(&self) -> impl Future<Output = Result<u64, ApiError>> + Send;

    /// Where the rest is, once the last rows were read.
    fn next_link(&self) -> Option<String>;
}

/// Answers with a list.
pub(crate) async fn respond<S: Source>(
    call: Arc<Call>,
    form: Form,
    mut source: S,
) -> Result<Response, ApiError> {
    let first = source.next().await?;
    let asked = Arc::new(source.asked().clone());
    let count = match asked.count || !first.is_last {
        true => Some(source.count().await?),
        false => None,
    };
    envelope::set_rows(
        &call,
        match (count, first.is_last) {
            (Some(count), false) => {
                let rest = count.saturating_sub(asked.skip).min(asked.top.unwrap_or(u64::MAX));
                usize::try_from(rest).unwrap_or(usize::MAX)
            }
            _ => first.rows.len(),
        },
    );
    let mut writer = Writer::new(form, columns::<S::Entity>(&asked));
    if form == Form::Json {
        let context = envelope::rows_context::<S::Entity>(&call, &asked);
        writer.before = json_head(&context, count.filter(|_| asked.count))?;
    }
    let is_whole = first.is_last;
    let body = if is_whole {
        let next_link = source.next_link();
        Body::from(written(writer, &asked, first, next_link).await?.1)
    } else {
        let (sender, body) = pieces::body();
        tokio::spawn(send(call, writer, asked, first, source, sender));
        body
    };
    Ok(match form {
        Form::Json => envelope::ok(body),
        _ => response(form, body),
    })
}

/// Answers with rows that are in memory, each an object with these members.
pub(crate) fn of_rows<T: Serialize>(
    call: &Call,
    form: Form,
    columns: Vec<String>,
    rows: &[T],
) -> Result<Response, ApiError> {
    envelope::set_rows(call, rows.len());
    let mut writer = Writer::new(form, columns);
    let body = writer.rows(rows)?;
    Ok(response(form, Body::from(body)))
}

fn response(form: Form, body: Body) -> Response {
    const VARY: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, form.content_type());
    headers.insert(header::VARY, VARY);
    response
}

/// The members of a row, as its options leave them.
pub(crate) fn columns<E: Queryable>(asked: &Asked) -> Vec<String> {
    let is_asked = |name: &str| {
        let select = asked.select.as_deref();
        select.is_none_or(|select| select.iter().any(|property| property.name == name))
    };
    let own = E::PROPERTIES.iter().copied().filter(|name| is_asked(name));
    let inside = navigation(E::KIND).filter(|_| asked.expand.is_some());
    own.chain(inside.map(|property| property.name)).map(str::to_owned).collect()
}

/// Reads and writes until the end, or until nobody reads any more.
async fn send<S: Source>(
    call: Arc<Call>,
    mut writer: Writer,
    asked: Arc<Asked>,
    mut batch: Batch<S::Entity>,
    mut source: S,
    sender: pieces::Sender,
) {
    let broken = |error: ApiError| {
        tracing::error!(correlation_id = %call.correlation.id(), "a list was broken off: {error:?}");
    };
    loop {
        let is_last = batch.is_last;
        let next_link = if is_last { source.next_link() } else { None };
        let bytes = match written(writer, &asked, batch, next_link).await {
            Ok((next, bytes)) => {
                writer = next;
                bytes
            }
            Err(error) => return broken(error),
        };
        if sender.send(bytes).await.is_err() {
            return;
        }
        if is_last {
            // Who has gone away needs no end.
            let _ = sender.end().await;
            return;
        }
        batch = match source.next().await {
            Ok(next) => next,
            Err(error) => return broken(error),
        };
    }
}

/// Writes a batch on a thread that may be busy for long.
async fn written<E: Queryable + Serialize>(
    mut writer: Writer,
    asked: &Arc<Asked>,
    batch: Batch<E>,
    next_link: Option<String>,
) -> Result<(Writer, Vec<u8>), ApiError> {
    let asked = Arc::clone(asked);
    let write = move || {
        let rows: Vec<_> = batch.rows.iter().map(|row| rows::shaped(row, &asked)).collect();
        let mut body = writer.rows(&rows)?;
        if batch.is_last && writer.form == Form::Json {
            body.extend(json_tail(next_link.as_deref())?);
        }
        Ok((writer, body))
    };
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|error| ApiError::internal(format!("writing a list: {error}")))?
}

/// Writes rows in a form.
struct Writer {
    form: Form,
    /// Members of a row of CSV.
    columns: Vec<String>,
    /// What stands before the next row; of JSON first the envelope, then commas.
    before: Vec<u8>,
    /// Whether the names of the columns were written.
    is_named: bool,
}

impl Writer {
    fn new(form: Form, columns: Vec<String>) -> Self {
        Self { form, columns, before: Vec::new(), is_named: false }
    }

    fn rows<T: Serialize>(&mut self, rows: &[T]) -> Result<Vec<u8>, ApiError> {
        match self.form {
            Form::Json => self.json(rows).map_err(failed),
            Form::Lines => lines(rows).map_err(failed),
            Form::Csv => self.csv(rows).map_err(failed),
        }
    }

    fn json<T: Serialize>(&mut self, rows: &[T]) -> serde_json::Result<Vec<u8>> {
        let mut body = Vec::new();
        if rows.is_empty() {
            // The envelope of an empty list.
            body.append(&mut self.before);
        }
        for row in rows {
            body.append(&mut self.before);
            serde_json::to_writer(&mut body, row)?;
            self.before.push(b',');
        }
        Ok(body)
    }

    fn csv<T: Serialize>(&mut self, rows: &[T]) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if !std::mem::replace(&mut self.is_named, true) && !self.columns.is_empty() {
            writer.write_record(&self.columns)?;
        }
        for row in rows {
            let row = serde_json::to_value(row).map_err(io::Error::other)?;
            writer.write_record(self.columns.iter().map(|name| field(&row[name.as_str()])))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

fn lines<T: Serialize>(rows: &[T]) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut body, row)?;
        body.push(b'\n');
    }
    Ok(body)
}

/// A value as a field of CSV: nothing for null, text as it is, what has parts as JSON.
fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn json_head(context: &str, count: Option<u64>) -> Result<Vec<u8>, ApiError> {
    let context = serde_json::to_string(context).map_err(failed)?;
    let count = count.map(|count| format!("\"@odata.count\":{count},")).unwrap_or_default();
    Ok(format!("{{\"@odata.context\":{context},{count}\"value\":[").into_bytes())
}

fn json_tail(next_link: Option<&str>) -> Result<Vec<u8>, ApiError> {
    let link = match next_link {
        None => String::new(),
        Some(link) => {
            let link = serde_json::to_string(link).map_err(failed)?;
            format!(",\"@odata.nextLink\":{link}")
        }
    };
    Ok(format!("]{link}}}").into_bytes())
}

fn failed(error: impl std::error::Error) -> ApiError {
    ApiError::internal(format!("writing a list: {error}"))
}
