//! Lets pages of listed origins read what the server answers, errors too (spec P17).

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::limits::PREFLIGHT_S_MAX;
use crate::quota::RATE_HEADERS;

/// For these origins; none, where there is none: the own origin needs no leave.
pub(crate) fn layer(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, HeaderName::from_static("last-event-id")])
        .expose_headers(
            [ETAG, RETRY_AFTER].into_iter().chain(RATE_HEADERS.map(HeaderName::from_static)).collect::<Vec<_>>(),
        )
        .max_age(Duration::from_secs(PREFLIGHT_S_MAX));
    Some(layer)
}
