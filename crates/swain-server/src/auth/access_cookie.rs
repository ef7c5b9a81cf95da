//! Whose request it is: a bearer, or the cookie of a browser whose stream cannot carry a header (spec P20).

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use swain_core::{Code, Millis};

use crate::refusal::Refusal;

/// A cookie of a sign-in.
///
/// Over TLS its name begins with `__Host-`: a browser takes such a cookie from this host alone, over TLS and for every
/// path (RFC 6265bis, section 4.1.3.2), so no neighbour under the same domain can put somebody else's in its place.
pub(super) struct SignInCookie {
    plain: &'static str,
    host: &'static str,
    path: &'static str,
}

/// For the next refresh.
pub(super) const REFRESH_COOKIE: SignInCookie =
    SignInCookie { plain: "swain_refresh", host: "__Host-swain_refresh", path: "/api/auth" };
/// For streams that cannot carry a header.
pub(super) const ACCESS_COOKIE: SignInCookie =
    SignInCookie { plain: "swain_access", host: "__Host-swain_access", path: "/api" };

/// How the browser reached the server, as far as the request says.
#[derive(Clone, Copy)]
pub(super) enum Channel {
    Plain,
    Tls,
}

impl SignInCookie {
    /// Its value in a request. The plain one counts where there is no other: it may be from before TLS.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<String> {
        find_cookie(headers, self.host).or_else(|| find_cookie(headers, self.plain))
    }

    /// The header that sets it.
    pub(super) fn set(&self, channel: Channel, token: &str, lasts: Millis) -> HeaderValue {
        let (name, path, secure) = match channel {
            Channel::Plain => (self.plain, self.path, ""),
            Channel::Tls => (self.host, "/", "; Secure"),
        };
        let seconds = lasts.0 / 1000;
        let cookie = format!("{name}={token}; Max-Age={seconds}; Path={path}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&cookie).expect("tokens are base64url and dots")
    }
}

/// The access token of a request; none: a visitor. A bearer is meant, a cookie comes along, so the bearer counts.
pub(crate) fn find_access(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    match headers.get(AUTHORIZATION) {
        Some(_) => find_bearer(headers).map(Some),
        None => Ok(ACCESS_COOKIE.find(headers)),
    }
}

/// The bearer of a request that has to have one.
pub(super) fn find_bearer(headers: &HeaderMap) -> Result<String, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    token.ok_or_else(|| Refusal::new(Code::Unauthenticated, "send an access token as a bearer"))
}

/// The value of a cookie; one that was emptied is none.
fn find_cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let values = headers.get_all(COOKIE).iter();
    let pairs = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == wanted);
    named.next().map(|(_, token)| token.to_owned()).filter(|token| !token.is_empty())
}
