//! What there is, for clients that make their code or their queries of it: the service document names
//! the sets, `$metadata` the types (defender-api.md §1.4, §12).
//!
//! Both forms of `$metadata` are files, and tests hold them to the program: the types are those by which queries
//! are bound, and the JSON says what the XML says.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::api;
use crate::call::ThisCall;
use crate::envelope;
use crate::error::{ApiError, JSON};
use crate::form;
use crate::permit::Permit;
use crate::query::DocumentQuery;

/// The version of the protocol that knows documents in JSON; those in XML are of 4.0.
const JSON_VERSION: f32 = 4.01;
const MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");

/// The entity sets.
const SETS: &[&str] = &["Machines", "Users", "DeviceGroups", "Alerts"];

/// A set as the service document has it.
#[derive(Serialize)]
struct Set {
    name: &'static str,
    kind: &'static str,
    /// Relative to the context, as OData JSON §5 wants it.
    url: &'static str,
}

/// `GET /api`
pub(crate) async fn service_document(
    ThisCall(call): ThisCall,
    _permit: Permit<api::Metadata>,
    query: DocumentQuery,
) -> Result<Response, ApiError> {
    if query.format.is_some_and(|format| !matches!(Format::parse(&format), Ok(Format::Json))) {
        return Err(ApiError::OData("The query option '$format' must be 'json' here.".to_owned()));
    }
    let sets = SETS.iter().map(|name| Set { name, kind: "EntitySet", url: name });
    Ok(envelope::ok(envelope::service_document(&call, sets.collect())?).into_response())
}

/// How `$metadata` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// CSDL XML 4.0
    Xml,
    /// CSDL JSON 4.01
    Json,
}

/// `GET /api/$metadata`
pub(crate) async fn metadata(_permit: Permit<api::Metadata>, format: Format) -> impl IntoResponse {
    const XML: HeaderValue = HeaderValue::from_static("application/xml");
    let (kind, version, text) = match format {
        Format::Xml => (XML, "4.0", include_str!("metadata.xml")),
        Format::Json => (JSON, "4.01", include_str!("metadata.json")),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (HeaderName::from_static("odata-version"), HeaderValue::from_static(version)),
        (header::VARY, HeaderValue::from_static("Accept, Accept-Encoding, OData-MaxVersion")),
    ];
    (headers, text)
}

/// What `$format` says, else what the headers prefer (OData Protocol 4.01, §8.2.1 and §11.2.11). XML
/// is for all who do not say: it is what the vendor's clients know.
impl<S: Send + Sync> FromRequestParts<S> for Format {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = DocumentQuery::from_request_parts(parts, state).await?;
        match query.format {
            Some(format) => Self::parse(&format),
            None => Ok(Self::preferred(&parts.headers)),
        }
    }
}

impl Format {
    /// A short name or a media type.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let name = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "xml" | "application/xml" => Ok(Self::Xml),
            "json" | "application/json" => Ok(Self::Json),
            _ => Err(ApiError::OData(
                "The query option '$format' must be 'xml' or 'json' here.".to_owned(),
            )),
        }
    }

    fn preferred(headers: &HeaderMap) -> Self {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
        let version = headers.get(MAX_VERSION).map(text);
        let version = version.and_then(|version| version.trim().parse::<f32>().ok());
        if version.is_some_and(|most| most < JSON_VERSION) {
            return Self::Xml;
        }
        let accepted = form::accepted(headers);
        let prefers_json =
            form::wish(&accepted, "application/json") > form::wish(&accepted, "application/xml");
        if prefers_json { Self::Json } else { Self::Xml }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_prefer_it() {
        let (xml, json) = (Format::Xml, Format::Json);
        for (accept, max_version, expected) in [
            (None, None, xml),
            (Some("*/*"), None, xml),
            (Some("application/xml"), None, xml),
            (Some("application/json"), None, json),
            (Some("Application/JSON;odata.metadata=minimal"), Some("4.01"), json),
            (Some("application/json, text/plain, */*"), None, json),
            (Some("application/xml, application/json"), None, xml),
            (Some("application/xml;q=0.5, application/json;q=0.6"), None, json),
            (Some("application/xml, */*;q=0.1"), None, xml),
            (Some("application/*, application/json;q=0"), None, xml),
            (Some("application/json;q=NaN"), None, xml),
            (Some("text/html"), None, xml),
            (Some(""), None, xml),
            // Who knows 4.0 alone knows no such document.
            (Some("application/json"), Some("4.0"), xml),
            (Some("application/json"), Some("new"), json),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::ACCEPT, accept), (MAX_VERSION, max_version)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(Format::preferred(&headers), expected, "{accept:?} {max_version:?}");
        }
    }
}
