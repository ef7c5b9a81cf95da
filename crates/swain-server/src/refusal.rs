//! A problem as an HTTP answer: `application/problem+json` with a stable code (spec P17).

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use swain_core::{Code, Millis, Problem};
use swain_store::{StoreError, StoreErrorKind};

/// An answer that says no, and why.
#[derive(Debug)]
pub(crate) struct Refusal {
    problem: Box<Problem>,
    headers: HeaderMap,
}

impl Refusal {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// The same, with when to try again.
    pub(crate) fn retry_after(mut self, pause: Millis) -> Self {
        let seconds = pause.0.div_ceil(1000).max(1);
        self.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// The same, with the methods that the address takes.
    pub(crate) fn allow(mut self, methods: &'static str) -> Self {
        self.headers.insert(ALLOW, HeaderValue::from_static(methods));
        self
    }

    /// The same, with the protocol that the address speaks.
    pub(crate) fn upgrade(mut self, protocol: &'static str) -> Self {
        self.headers.insert(UPGRADE, HeaderValue::from_static(protocol));
        self
    }

    /// The same, and the browser takes these cookies, which may be to forget them.
    pub(crate) fn set_cookies(mut self, cookies: impl IntoIterator<Item = HeaderValue>) -> Self {
        self.headers.extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
        self
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), headers: HeaderMap::new() }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        store_problem(&error).into()
    }
}

/// What the outside hears of a store that could not answer. What exactly broke is for the log.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    tracing::error!(error = %error, "the store could not answer");
    match error.kind() {
        StoreErrorKind::Full => Problem::new(Code::StorageFull, "the server's disk is full"),
        StoreErrorKind::Transient => Problem::new(Code::Transient, "try again in a moment"),
        StoreErrorKind::Unusable | StoreErrorKind::BelowFloor | StoreErrorKind::Internal => {
            Problem::new(Code::Internal, "something is wrong inside the server")
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(CONTENT_TYPE, "application/problem+json"), (CACHE_CONTROL, "no-store")];
        let body = self.problem.to_value().canonical();
        (status, headers, self.headers, body).into_response()
    }
}
