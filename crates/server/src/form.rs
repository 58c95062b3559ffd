//! The form in which rows are wanted: JSON as the vendor writes it, or CSV or lines of JSON for people's
//! tools.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::error::ApiError;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The vendor's: OData JSON.
    Json,
    /// RFC 4180, with the names of the properties first.
    Csv,
    /// An entity a line.
    Lines,
}

/// The media types of each form, the one that answers name first.
const TYPES: &[(Form, &[&str])] = &[
    (Form::Json, &["application/json"]),
    (Form::Csv, &["text/csv"]),
    (Form::Lines, &["application/x-ndjson", "application/ndjson", "application/jsonl"]),
];

impl Form {
    /// What `$format` says, else what `Accept` prefers; JSON for all who do not say.
    pub(crate) fn wanted(format: Option<&str>, headers: &HeaderMap) -> Result<Self, ApiError> {
        match format {
            Some(format) => Self::named(format),
            None => Ok(Self::preferred(&accepted(headers))),
        }
    }

    /// A short name or a media type.
    fn named(format: &str) -> Result<Self, ApiError> {
        let name = format.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "json" => return Ok(Self::Json),
            "csv" => return Ok(Self::Csv),
            "ndjson" => return Ok(Self::Lines),
            _ => {}
        }
        let found = TYPES.iter().find(|(_, kinds)| kinds.contains(&name.as_str()));
        found.map(|(form, _)| *form).ok_or_else(|| {
            ApiError::OData(
                "The query option '$format' must be 'json', 'csv' or 'ndjson' here.".to_owned(),
            )
        })
    }

    fn preferred(accepted: &str) -> Self {
        let mut best = (Self::Json, (0, 0));
        for &(form, kinds) in TYPES {
            for kind in kinds {
                let wish = wish(accepted, kind);
                if wish > best.1 {
                    best = (form, wish);
                }
            }
        }
        best.0
    }

    /// The value of `Content-Type` of what is not OData.
    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Lines => "application/x-ndjson",
        })
    }
}

/// The form that a request wants of a set whose other options do not matter for it.
impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut pairs = odata::pairs::pairs(parts.uri.query().unwrap_or_default()).flatten();
        let format = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("$format"));
        Self::wanted(format.as_ref().map(|(_, format)| format.as_ref()), &parts.headers)
    }
}

/// All of `Accept`, in lower case.
pub(crate) fn accepted(headers: &HeaderMap) -> String {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let accepted: Vec<_> = headers.get_all(header::ACCEPT).iter().map(text).collect();
    accepted.join(",")
}

/// How much an `Accept` in lower case wishes for a type: thousandths, and how exactly it names it.
/// The range that names it most exactly counts (RFC 9110 §12.5.1).
pub(crate) fn wish(accepted: &str, kind: &str) -> (u16, u8) {
    let ranges = accepted.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let exactness = match parts.next()? {
            name if name == kind => 2,
            "application/*" if kind.starts_with("application/") => 1,
            "text/*" if kind.starts_with("text/") => 1,
            "*/*" => 0,
            _ => return None,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        let weight = weight.unwrap_or(1.0).clamp(0.0, 1.0);
        Some((exactness, (weight * 1000.0) as u16))
    });
    let found = ranges.max().filter(|(_, weight)| *weight > 0);
    found.map_or((0, 0), |(exactness, weight)| (weight, exactness))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_all_who_do_not_say() {
        for (accept, expected) in [
            ("", Form::Json),
            ("*/*", Form::Json),
            ("application/*", Form::Json),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form::Json),
            ("application/json;odata.metadata=minimal", Form::Json),
            ("text/csv", Form::Csv),
            ("text/*", Form::Csv),
            ("text/csv, */*;q=0.1", Form::Csv),
            ("text/csv;q=0.5, application/json", Form::Json),
            ("text/csv;q=0", Form::Json),
            ("application/x-ndjson", Form::Lines),
            ("application/jsonl, text/csv;q=0.9", Form::Lines),
        ] {
            assert_eq!(Form::preferred(accept), expected, "{accept}");
        }
        assert_eq!(Form::named("CSV").unwrap(), Form::Csv);
        assert_eq!(Form::named("application/ndjson").unwrap(), Form::Lines);
        assert_eq!(Form::named("application/json;odata.metadata=none").unwrap(), Form::Json);
        assert!(Form::named("xml").is_err());
    }
}
