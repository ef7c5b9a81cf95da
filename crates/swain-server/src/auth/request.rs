//! A request to an account route: checked origin, JSON body, address, cookie.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use swain_core::decode::Node;
use swain_core::{Code, Millis, Problem, Value, strict_json};
use swain_store::Store;
use tokio::time::timeout;

use super::throttle::ThrottleKey;
use crate::app::App;
use crate::limits::{AUTH_BODY_BYTES_MAX, BODY_MS_MAX};
use crate::refusal::Refusal;

const COOKIE_NAME: &str = "swain_refresh";

pub(crate) struct AuthRequest {
    pub(super) body: Value,
    pub(super) address: ThrottleKey,
    cookie: Option<String>,
    channel: Channel,
}

/// How the browser reached the server, as far as the request says.
#[derive(Clone, Copy)]
enum Channel {
    Plain,
    Tls,
}

impl<S: Store> FromRequest<Arc<App<S>>> for AuthRequest {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App<S>>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        app.origins.check_form(&parts.headers)?;
        check_media(&parts.headers)?;
        let peer: Option<&ConnectInfo<SocketAddr>> = parts.extensions.get();
        let peer = peer.expect("the server is started with connect info").0;
        Ok(Self {
            body: read_body(&parts.headers, body).await?,
            address: ThrottleKey::address(peer.ip()),
            cookie: find_cookie(&parts.headers),
            channel: Channel::of(&parts.headers),
        })
    }
}

impl AuthRequest {
    /// E-mail address and password.
    pub(super) fn credentials(&self) -> Result<(String, String), Problem> {
        let body = Node::root("body", &self.body);
        let email = body.required("email")?.text()?.trim().to_lowercase();
        let password = body.required("password")?.text()?.to_owned();
        Ok((email, password))
    }

    /// The refresh token, from the body or else from the cookie.
    pub(super) fn refresh_token(&self) -> Result<Option<String>, Problem> {
        let body = Node::root("body", &self.body);
        match body.member("refresh")? {
            Some(token) => Ok(Some(token.text()?.to_owned())),
            None => Ok(self.cookie.clone()),
        }
    }

    /// Who asks for no cookie, or came with the token in the body, gets the next one in the body.
    pub(super) fn wants_cookie(&self) -> bool {
        let Value::Object(members) = &self.body else {
            return true;
        };
        members.get("cookie") != Some(&Value::Bool(false)) && !members.contains_key("refresh")
    }

    pub(super) fn cookie(&self, token: &str, lasts: Millis) -> HeaderValue {
        let seconds = lasts.0 / 1000;
        let secure = match self.channel {
            Channel::Plain => "",
            Channel::Tls => "; Secure",
        };
        let cookie =
            format!("{COOKIE_NAME}={token}; Max-Age={seconds}; Path=/api/auth; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&cookie).expect("tokens are base64url")
    }

    pub(super) fn forget_cookie(&self) -> HeaderValue {
        self.cookie("", Millis(0))
    }
}

impl Channel {
    /// The server itself speaks plain HTTP; a proxy, or the page's own origin, says whether the browser does.
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let origin = text(ORIGIN.as_str()).is_some_and(|origin| origin.starts_with("https://"));
        let proxy = text("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
        if origin || proxy { Self::Tls } else { Self::Plain }
    }
}

/// Only scripts can send JSON, so a form of another site is out.
fn check_media(headers: &HeaderMap) -> Result<(), Refusal> {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media = media.and_then(|media| media.split(';').next()).unwrap_or_default();
    if media.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "send application/json";
    Err(Refusal::new(Code::UnsupportedMedia, detail))
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Value, Refusal> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > AUTH_BODY_BYTES_MAX) {
        return Err(too_large());
    }
    // One byte more than allowed tells "too large" from "cut".
    let read = to_bytes(body, AUTH_BODY_BYTES_MAX);
    let Ok(read) = timeout(Duration::from_millis(BODY_MS_MAX), read).await else {
        return Err(Refusal::new(Code::MalformedJson, "the body did not come in time"));
    };
    let bytes = read.map_err(|_| too_large())?;
    if bytes.is_empty() {
        return Ok(Value::Object(Default::default()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Refusal::new(Code::MalformedJson, "the body is not UTF-8"))?;
    Ok(strict_json::parse(text)?)
}

fn too_large() -> Refusal {
    let detail = format!("a body is at most {AUTH_BODY_BYTES_MAX} bytes");
    Refusal::new(Code::LimitMessageBytes, detail)
}

fn find_cookie(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(COOKIE).iter();
    let pairs = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == COOKIE_NAME);
    named.next().map(|(_, token)| token.to_owned())
}
