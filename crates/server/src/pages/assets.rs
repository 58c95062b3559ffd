//! The pages' one style sheet and one script.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// `GET /assets/pages.css`
pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("assets/pages.css"))
}

/// `GET /assets/submit.js`
pub(crate) async fn submit() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("assets/submit.js"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        // Short, since its address stays the same through versions.
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text).into_response()
}
