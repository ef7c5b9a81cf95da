//! `GET /metrics`, and the count of requests.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, FORWARDED};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use swain_core::Code;
use swain_store::Store;

use super::LogFigures;
use crate::app::App;
use crate::refusal::Refusal;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// To whoever has the token; without one configured, to this machine.
pub(crate) async fn metrics<S: Store>(
    State(app): State<Arc<App<S>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    admit(app.metrics_token.as_deref(), peer, &headers)?;
    let head = app.engine.store().head().await?;
    let log = LogFigures { head: head.pos, floor: head.floor, read_age: app.pulse.age() };
    let headers = [(CONTENT_TYPE, OPEN_METRICS), (CACHE_CONTROL, "no-store")];
    Ok((headers, app.metrics.render(&log)).into_response())
}

fn admit(token: Option<&[u8]>, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Refusal> {
    let allowed = match token {
        Some(token) => bearer(headers).is_some_and(|shown| is_same(shown, token)),
        // Behind a proxy on this machine everybody would be this machine.
        None => peer.ip().is_loopback() && !headers.contains_key(FORWARDED) && !headers.contains_key(X_FORWARDED_FOR),
    };
    if allowed {
        return Ok(());
    }
    let how = match token {
        Some(_) => "this wants the bearer token of [server] metrics_token",
        None => "without [server] metrics_token this is for the machine itself",
    };
    Err(Refusal::new(Code::Unauthenticated, how))
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")
}

/// Hashes are compared, so that the time it takes tells nothing about how much was right.
fn is_same(shown: &[u8], token: &[u8]) -> bool {
    Sha256::digest(shown) == Sha256::digest(token)
}

/// Counts every answer by its route as it stands in the router: what people ask for has no bound.
pub(crate) async fn count_requests<S: Store>(
    State(app): State<Arc<App<S>>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let route = path.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let answer = next.run(request).await;
    let labels = vec![("route", route), ("status", answer.status().as_u16().to_string())];
    app.metrics.requests.get_or_create(&labels).inc();
    answer
}
