//! Rows of answers to questions: entities as they are asked for, with what is expanded inside.

use std::net::IpAddr;

use axum::body::Bytes;
use inventory::relation::Remotes;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::call::Call;
use crate::envelope::{self, BLOCKING_ROWS};
use crate::error::ApiError;
use crate::question::{Asked, Queryable, navigation};
use crate::views::Session;

/// An entity and what is expanded inside it.
pub(crate) struct Row<E> {
    pub(crate) entity: E,
    pub(crate) inside: Option<Inside>,
    pub(crate) annotations: Option<Annotations>,
}

/// What is expanded inside an entity.
pub(crate) struct Inside {
    pub(crate) rows: Vec<Box<RawValue>>,
    /// How many there are in all, where that is wanted.
    pub(crate) count: Option<u64>,
}

/// A page of an answer.
pub(crate) struct Page<E> {
    pub(crate) rows: Vec<Row<E>>,
    /// How many there are in all, where that is wanted.
    pub(crate) count: Option<u64>,
    /// Where the rest is.
    pub(crate) next_link: Option<String>,
}

impl<E> Row<E> {
    pub(crate) fn bare(entity: E) -> Self {
        Self { entity, inside: None, annotations: None }
    }

    /// The same with annotations.
    pub(crate) fn with(self, annotations: Annotations) -> Self {
        Self { annotations: Some(annotations), ..self }
    }
}

/// Writes a page.
pub(crate) async fn write<E: Queryable + Serialize>(
    call: &Call,
    asked: &Asked,
    page: Page<E>,
) -> Result<Bytes, ApiError> {
    envelope::set_rows(call, page.rows.len());
    let context = envelope::rows_context::<E>(call, asked);
    let asked = asked.clone();
    let blocking = page.rows.len() >= BLOCKING_ROWS;
    let write = move || envelope::to_json(&Collection { context, asked: &asked, page: &page });
    if !blocking {
        return write();
    }
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|error| ApiError::internal(format!("writing an answer: {error}")))?
}

/// A row as it is asked for.
pub(crate) fn shaped<'a, E: Serialize>(
    row: &'a Row<E>,
    asked: &'a Asked,
) -> impl Serialize + use<'a, E> {
    let (inside, annotations) = (row.inside.as_ref(), row.annotations.as_ref());
    Shaped { entity: &row.entity, inside, annotations, asked }
}

/// Annotations of Footfall's own on a row.
#[derive(Default, Serialize)]
pub(crate) struct Annotations {
    #[serde(rename = "@footfall.firstLogon", skip_serializing_if = "Option::is_none")]
    pub(crate) first_logon: Option<String>,
    #[serde(rename = "@footfall.lastLogon", skip_serializing_if = "Option::is_none")]
    pub(crate) last_logon: Option<String>,
    #[serde(rename = "@footfall.logonTypes", skip_serializing_if = "Option::is_none")]
    pub(crate) logon_types: Option<String>,
    #[serde(rename = "@footfall.logonCount", skip_serializing_if = "Option::is_none")]
    pub(crate) logon_count: Option<u64>,
    #[serde(rename = "@footfall.remoteAddresses", skip_serializing_if = "Option::is_none")]
    pub(crate) remote_addresses: Option<Vec<IpAddr>>,
    #[serde(rename = "@footfall.remoteNames", skip_serializing_if = "Option::is_none")]
    pub(crate) remote_names: Option<Vec<String>>,
    #[serde(rename = "@footfall.sessions", skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<Vec<Session>>,
}

impl Annotations {
    /// The same with from where the logons came, where that is known.
    pub(crate) fn with(self, remotes: Option<Remotes>) -> Self {
        let (addresses, names) = remotes.map(|it| (it.addresses, it.names)).unzip();
        Self { remote_addresses: addresses, remote_names: names, ..self }
    }
}

/// A row of an expansion, written: an entity with the properties that are asked for, and annotations.
pub(crate) fn inner<E: Serialize>(
    entity: &E,
    inside: Option<Inside>,
    asked: &Asked,
    annotations: Annotations,
) -> Result<Box<RawValue>, ApiError> {
    let (inside, annotations) = (inside.as_ref(), Some(&annotations));
    let written = to_raw_value(&Shaped { entity, inside, annotations, asked });
    written.map_err(|error| ApiError::internal(format!("writing an answer: {error}")))
}

struct Collection<'a, E> {
    context: String,
    asked: &'a Asked,
    page: &'a Page<E>,
}

impl<E: Serialize> Serialize for Collection<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("@odata.context", &self.context)?;
        if let Some(count) = self.page.count {
            map.serialize_entry("@odata.count", &count)?;
        }
        map.serialize_entry("value", &Rows { asked: self.asked, rows: &self.page.rows })?;
        if let Some(link) = &self.page.next_link {
            map.serialize_entry("@odata.nextLink", link)?;
        }
        map.end()
    }
}

struct Rows<'a, E> {
    asked: &'a Asked,
    rows: &'a [Row<E>],
}

impl<E: Serialize> Serialize for Rows<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let asked = self.asked;
        serializer.collect_seq(self.rows.iter().map(|row| shaped(row, asked)))
    }
}

/// An entity of which the properties that are asked for are written.
struct Shaped<'a, E> {
    entity: &'a E,
    inside: Option<&'a Inside>,
    annotations: Option<&'a Annotations>,
    asked: &'a Asked,
}

impl<E: Serialize> Serialize for Shaped<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let is_whole = self.asked.select.is_none() && self.inside.is_none();
        if is_whole && self.annotations.is_none() {
            return self.entity.serialize(serializer);
        }
        let entity = serde_json::to_value(self.entity).map_err(S::Error::custom)?;
        let Value::Object(entity) = entity else { return Err(S::Error::custom("no object")) };
        let mut map = serializer.serialize_map(None)?;
        let is_asked = |name: &str| {
            let select = self.asked.select.as_deref();
            select.is_none_or(|select| select.iter().any(|property| property.name == name))
        };
        for (name, value) in entity.iter().filter(|(name, _)| is_asked(name)) {
            map.serialize_entry(name, value)?;
        }
        if let (Some(inside), Some(navigation)) = (self.inside, navigation(self.asked.kind)) {
            if let Some(count) = inside.count {
                map.serialize_entry(&format!("{}@odata.count", navigation.name), &count)?;
            }
            map.serialize_entry(navigation.name, &inside.rows)?;
        }
        if let Some(annotations) = self.annotations {
            let annotations = serde_json::to_value(annotations).map_err(S::Error::custom)?;
            for (name, value) in annotations.as_object().into_iter().flatten() {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}
