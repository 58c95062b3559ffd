//! What shippers ask Elasticsearch before they send: its version and licence, whether it is well, and
//! that their templates, policies and pipelines may be there. None of these has a meaning here, where
//! a document is read and not kept: what is set up is acknowledged, what is asked for is not there.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::bulk::{PRODUCT, Refusing};
use super::sender;
use crate::call::ThisCall;
use crate::error::JSON;
use crate::state::AppState;

/// The version whose API is spoken: Beats refuse one that is older than they are, unless they are told
/// not to.
const VERSION: &str = "8.19.0";

async fn permitted(
    app: &AppState,
    headers: &HeaderMap,
    call: &crate::call::Call,
    answer: impl FnOnce() -> (StatusCode, Value),
) -> Response {
    match sender::authenticate(app, headers, call).await {
        Ok(_) => {
            let (status, body) = answer();
            (status, [PRODUCT, (header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
        }
        Err(refused) => Refusing::from(refused).into_response(),
    }
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident($app:ident) $status:ident $body:expr;)+) => { $(
        $(#[$doc])*
        pub(crate) async fn $name(
            State($app): State<Arc<AppState>>,
            ThisCall(call): ThisCall,
            headers: HeaderMap,
        ) -> Response {
            permitted(&$app, &headers, &call, || (StatusCode::$status, $body)).await
        }
    )+ };
}

answers! {
    /// `GET /`
    root(app) OK json!({
        "name": "footfall",
        "cluster_name": "footfall",
        "cluster_uuid": app.tenant.id.simple().to_string(),
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "binary",
            "build_hash": "footfall",
            "build_date": "2025-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    });
    /// `GET /_license`
    license(app) OK json!({
        "license": {
            "status": "active",
            "uid": app.tenant.id.to_string(),
            "type": "basic",
            "issued_to": "footfall",
            "issuer": "footfall",
        },
    });
    /// `GET /_xpack`
    xpack(app) OK {
        let _ = &app;
        json!({"license": {"type": "basic", "mode": "basic", "status": "active"}, "features": {}})
    };
    /// `GET /_cluster/health`, `GET /_cat/health`
    health(app) OK {
        let _ = &app;
        json!({"cluster_name": "footfall", "status": "green", "timed_out": false})
    };
    /// `GET /_nodes/http`, `GET /_nodes/ingest`: nobody is to look for other servers.
    nodes(app) OK {
        let _ = &app;
        json!({"_nodes": {"total": 0, "successful": 0, "failed": 0}, "cluster_name": "footfall", "nodes": {}})
    };
    /// What is asked for is not there.
    absent(app) NOT_FOUND {
        let _ = &app;
        json!({"error": {"type": "resource_not_found_exception", "reason": "nothing of the kind is kept"}, "status": 404})
    };
    /// What is set up has no meaning here.
    acknowledged(app) OK {
        let _ = &app;
        json!({"acknowledged": true})
    };
}
