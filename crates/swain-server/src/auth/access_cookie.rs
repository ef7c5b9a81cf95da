//! Whose request it is: a bearer, or the cookie of a browser whose stream cannot carry a header (spec P20).

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use swain_core::Code;

use crate::refusal::Refusal;

pub(super) const REFRESH_COOKIE: &str = "swain_refresh";
pub(super) const ACCESS_COOKIE: &str = "swain_access";

/// The access token of a request; none: a visitor. A bearer is meant, a cookie comes along, so the bearer counts.
pub(crate) fn find_access(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    match headers.get(AUTHORIZATION) {
        Some(_) => find_bearer(headers).map(Some),
        None => Ok(find_cookie(headers, ACCESS_COOKIE)),
    }
}

/// The bearer of a request that has to have one.
pub(super) fn find_bearer(headers: &HeaderMap) -> Result<String, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    token.ok_or_else(|| Refusal::new(Code::Unauthenticated, "send an access token as a bearer"))
}

/// The value of a cookie; one that was emptied is none.
pub(super) fn find_cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let values = headers.get_all(COOKIE).iter();
    let pairs = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == wanted);
    named.next().map(|(_, token)| token.to_owned()).filter(|token| !token.is_empty())
}
