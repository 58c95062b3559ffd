//! Token requests in every dress that clients send them in (defender-api.md §7.1, §13.3).
//!
//! The content type is not looked at, since some clients send none; a form in the body counts
//! with POST and GET alike, and fields in the query count where the body lacks them. Fields that
//! nobody asked for are overlooked.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::issuer::refusal::Refusal;
use crate::issuer::scopes::OPENID_SCOPES;

/// Which endpoint was asked: their fields and answers differ (§7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `resource`, and numbers as strings.
    V1,
    /// `scope`, and numbers as numbers.
    V2,
}

/// The fields of a request that matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) grant_type: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) client_assertion: Option<String>,
    pub(crate) client_assertion_type: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) code_verifier: Option<String>,
    pub(crate) device_code: Option<String>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    /// What is to be revoked (RFC 7009).
    pub(crate) token: Option<String>,
    /// `1` where the answer is to tell who the person is, for the client's cache.
    pub(crate) client_info: Option<String>,
    /// The client's own id of its request.
    pub(crate) client_request_id: Option<Uuid>,
}

impl Fields {
    pub(crate) fn read(query: &str, body: &[u8], headers: &HeaderMap) -> Self {
        let mut fields = Self::default();
        // Some clients send the form as a text of several lines.
        let body = String::from_utf8_lossy(body);
        fields.add(body.trim());
        fields.add(query);
        if let Some((client_id, secret)) = basic(headers) {
            fields.client_id.get_or_insert(client_id);
            fields.client_secret.get_or_insert(secret);
        }
        let header_id = headers.get("client-request-id").and_then(|id| id.to_str().ok());
        if let Some(id) = header_id.and_then(|id| Uuid::try_parse(id.trim()).ok()) {
            fields.client_request_id.get_or_insert(id);
        }
        fields
    }

    fn add(&mut self, form: &str) {
        for (name, value) in odata::pairs::pairs(form).flatten() {
            let field = match &*name {
                "grant_type" => &mut self.grant_type,
                "client_id" => &mut self.client_id,
                "client_secret" => &mut self.client_secret,
                "client_assertion" => &mut self.client_assertion,
                "client_assertion_type" => &mut self.client_assertion_type,
                "resource" => &mut self.resource,
                "scope" => &mut self.scope,
                "code" => &mut self.code,
                "code_verifier" => &mut self.code_verifier,
                "device_code" => &mut self.device_code,
                "redirect_uri" => &mut self.redirect_uri,
                "refresh_token" => &mut self.refresh_token,
                "username" => &mut self.username,
                "password" => &mut self.password,
                "token" => &mut self.token,
                "client_info" => &mut self.client_info,
                "client-request-id" => {
                    let id = Uuid::try_parse(value.trim()).ok();
                    self.client_request_id = self.client_request_id.or(id);
                    continue;
                }
                _ => continue,
            };
            if !value.is_empty() {
                field.get_or_insert_with(|| value.into_owned());
            }
        }
    }

    /// A field that the request must have.
    pub(crate) fn required<'f>(field: &'f Option<String>, name: &str) -> Result<&'f str, Refusal> {
        field.as_deref().ok_or_else(|| Refusal::missing(name))
    }

    /// The API that an app asks for itself. `x//.default` asks for the resource `x/`, slash
    /// included.
    pub(crate) fn app_resource(&self, version: Version) -> Result<&str, Refusal> {
        let asked = match version {
            Version::V1 => Self::required(&self.resource, "resource")?,
            Version::V2 => {
                let mut scopes = Self::required(&self.scope, "scope")?.split_whitespace();
                let named = scopes.find(|scope| !OPENID_SCOPES.contains(scope));
                named.ok_or_else(|| Refusal::missing("scope"))?
            }
        };
        Ok(asked.strip_suffix("/.default").unwrap_or(asked))
    }
}

/// Client id and secret of HTTP Basic, percent-decoded (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(LENIENT.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((decode(id), decode(secret)))
}
