//! A browser's request for a page.
//!
//! Every browser gets a random value in a cookie, from which each page derives a mark for its forms. A
//! form without the right mark, or of another origin, is no form of ours (CSRF). The mark is another
//! one on each page, so that compression does not give it away.

use std::sync::Arc;

use aws_lc_rs::{constant_time, hmac};
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::Tenant;
use uuid::Uuid;

use super::cookies;
use super::fields::Fields;
use super::frame::{self, Page};
use crate::call::{Call, ThisCall};
use crate::error::ApiError;
use crate::issuer::handed_out::random;
use crate::issuer::refusal::Refusal;
use crate::query::Id;
use crate::state::AppState;
use crate::tenants;

/// Bytes of a form at most.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// The cookie that tells browsers apart.
const BROWSER: &str = "footfall-browser";
/// The field of a form that holds its mark.
pub(super) const MARK: &str = "mark";

/// A browser's request.
pub(crate) struct Visit {
    pub(super) call: Arc<Call>,
    pub(super) tenant: Tenant,
    pub(super) query: Fields,
    pub(super) form: Form,
    headers: HeaderMap,
    browser: String,
    is_new: bool,
}

/// What a request brings in its body.
pub(super) enum Form {
    /// Nothing.
    None,
    /// A form that a page of ours gave to this browser.
    Ours(Fields),
    /// A form from elsewhere, which may ask and must not do anything.
    Foreign(Fields),
}

impl Visit {
    /// The value of a field of our own form.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        match &self.form {
            Form::Ours(fields) => fields.get(name),
            Form::None | Form::Foreign(_) => None,
        }
    }

    /// What the person chose to do: the value of the button that was pressed.
    pub(super) fn step(&self) -> Option<&str> {
        self.field("step")
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        cookies::find(&self.headers, &cookies::name(&self.call.origin, name))
    }

    /// A new mark for the forms of a page.
    pub(super) fn mark(&self) -> String {
        let nonce = self.call.correlation.id();
        format!("{}.{}", nonce.simple(), self.tag(nonce))
    }

    fn is_marked(&self, mark: &str) -> bool {
        let Some((nonce, tag)) = mark.split_once('.') else { return false };
        let Ok(nonce) = Uuid::try_parse(nonce) else { return false };
        let right = self.tag(nonce);
        constant_time::verify_slices_are_equal(right.as_bytes(), tag.as_bytes()).is_ok()
    }

    fn tag(&self, nonce: Uuid) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.browser.as_bytes());
        let mut text = self.tenant.id.as_bytes().to_vec();
        text.extend_from_slice(nonce.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, &text))
    }

    /// A page as the answer.
    pub(super) fn page(&self, page: Page<'_>) -> Response {
        let mut response = frame::render(page);
        if self.is_new {
            self.set_cookie(&mut response, BROWSER, &self.browser, None);
        }
        response
    }

    /// Leads the browser on, which then asks with GET.
    pub(super) fn go_to(&self, place: &str) -> Response {
        match HeaderValue::from_str(place) {
            Ok(place) => {
                let headers = [(header::LOCATION, place), (header::CACHE_CONTROL, frame::NO_STORE)];
                (StatusCode::SEE_OTHER, headers).into_response()
            }
            Err(_) => ApiError::internal("a redirect to what is no address").into_response(),
        }
    }

    /// This page's own address, without some options of the query.
    pub(super) fn here_without(&self, names: &[&str]) -> String {
        let query = self.query.query_without(names);
        let path = self.call.target.path();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// Sets a cookie, or forgets it with a life of 0.
    pub(super) fn set_cookie(
        &self,
        response: &mut Response,
        name: &str,
        value: &str,
        life_s: Option<i64>,
    ) {
        let origin = &self.call.origin;
        if let Some(cookie) = cookies::set(origin, &cookies::name(origin, name), value, life_s) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// Whether the browser says that the form came from this server. Old ones say nothing.
    fn is_same_origin(&self) -> bool {
        let says = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let origin = says("origin").is_none_or(|origin| self.call.origin.is_named_by(origin));
        origin && says("sec-fetch-site").is_none_or(|site| site == "same-origin")
    }
}

impl FromRequest<Arc<AppState>> for Visit {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<AppState>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let ThisCall(call) = ThisCall::from_request_parts(&mut parts, app)
            .await
            .map_err(IntoResponse::into_response)?;
        let Id(name) =
            Id::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        let query = Fields::read(parts.uri.query().unwrap_or_default());
        let sent = if parts.method == Method::POST {
            let bytes = to_bytes(body, MAX_FORM_BYTES).await;
            let bytes = bytes.map_err(|_| frame::refused(&call, &Refusal::too_long()))?;
            Some(Fields::read(String::from_utf8_lossy(&bytes).trim()))
        } else {
            None
        };
        let asked = |fields: &Fields| fields.get("client_id").map(str::to_owned);
        let client_id = asked(&query).or_else(|| sent.as_ref().and_then(asked));
        let found = tenants::find_for_app(app, &name, client_id.as_deref().unwrap_or_default());
        let found = found.await.map_err(|error| ApiError::from(error).into_response())?;
        let tenant = found.ok_or_else(|| frame::refused(&call, &Refusal::unknown_tenant(&name)))?;
        // The first one to set it.
        let _ = call.tenant.set(tenant.number);
        let cookie = cookies::find(&parts.headers, &cookies::name(&call.origin, BROWSER));
        let known = cookie.filter(|value| !value.is_empty()).map(str::to_owned);
        let is_new = known.is_none();
        let browser = match known.or_else(random) {
            Some(browser) => browser,
            None => {
                return Err(ApiError::internal("the system gave no random bytes").into_response());
            }
        };
        let form = Form::None;
        let headers = parts.headers;
        let mut visit = Self { call, tenant, query, form, headers, browser, is_new };
        visit.form = match sent {
            None => Form::None,
            Some(fields) => match fields.get(MARK) {
                None => Form::Foreign(fields),
                Some(mark) if !visit.is_new && visit.is_marked(mark) && visit.is_same_origin() => {
                    Form::Ours(fields)
                }
                Some(_) => return Err(visit.page(frame::stale_form())),
            },
        };
        Ok(visit)
    }
}
