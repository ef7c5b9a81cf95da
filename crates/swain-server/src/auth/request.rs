//! A request to an account route: checked origin, JSON body, address, cookie.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use swain_core::decode::Node;
use swain_core::{Millis, Problem, Value, strict_json};
use swain_store::Store;

use super::access_cookie::{ACCESS_COOKIE, Channel, REFRESH_COOKIE, SignInCookie, find_access};
use super::devices::agent;
use super::password::check_password;
use crate::app::App;
use crate::body::read_json;
use crate::limits::AUTH_BODY_BYTES_MAX;
use crate::refusal::Refusal;
use crate::throttle::ThrottleKey;

pub(crate) struct AuthRequest {
    pub(super) body: Value,
    /// Who asks, for what only somebody signed in may.
    pub(super) access: Option<String>,
    pub(super) address: ThrottleKey,
    /// What asks, as it calls itself.
    pub(super) agent: String,
    cookie: Option<String>,
    channel: Channel,
}

impl<S: Store> FromRequest<Arc<App<S>>> for AuthRequest {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App<S>>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        app.origins.check_form(&parts.headers)?;
        Ok(Self {
            body: read_body(&parts.headers, body).await?,
            access: find_access(&parts.headers).ok().flatten(),
            address: ThrottleKey::address(app.address_of(&parts)),
            agent: agent(&parts.headers),
            cookie: REFRESH_COOKIE.find(&parts.headers),
            channel: channel(app, &parts),
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

    /// A text of the body that may be absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        let body = Node::root("body", &self.body);
        body.member(name)?.map(|text| text.text().map(str::to_owned)).transpose()
    }

    /// A password that shall be somebody's.
    pub(super) fn new_password(&self) -> Result<String, Problem> {
        let body = Node::root("body", &self.body);
        let password = body.required("password")?.text()?;
        check_password(password).map_err(|problem| problem.at("body.password"))?;
        Ok(password.to_owned())
    }

    /// The password that somebody has, and the one that shall take its place.
    pub(super) fn passwords(&self) -> Result<(String, String), Problem> {
        let body = Node::root("body", &self.body);
        let (current, next) = (body.required("current")?.text()?, body.required("next")?.text()?);
        check_password(next).map_err(|problem| problem.at("body.next"))?;
        Ok((current.to_owned(), next.to_owned()))
    }

    /// True when every sign-in shall end, and not only this one.
    pub(super) fn is_everywhere(&self) -> Result<bool, Problem> {
        let body = Node::root("body", &self.body);
        let Some(everywhere) = body.member("everywhere")? else { return Ok(false) };
        match everywhere.value() {
            Value::Bool(everywhere) => Ok(*everywhere),
            _ => Err(everywhere.wrong("true or false")),
        }
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

    /// The cookies of a sign-in: one for the next refresh, one for streams that cannot carry a header.
    pub(super) fn cookies(&self, refresh: (&str, Millis), access: (&str, Millis)) -> [HeaderValue; 2] {
        let set = |cookie: &SignInCookie, (token, lasts)| cookie.set(self.channel, token, lasts);
        [set(&REFRESH_COOKIE, refresh), set(&ACCESS_COOKIE, access)]
    }

    pub(super) fn forget_cookies(&self) -> [HeaderValue; 2] {
        self.cookies(("", Millis(0)), ("", Millis(0)))
    }
}

/// The server itself speaks plain HTTP; the page's own origin, or a proxy of ours, says whether the browser does.
fn channel<S: Store>(app: &App<S>, parts: &Parts) -> Channel {
    let origin = parts.headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    if origin || app.is_over_tls(parts) { Channel::Tls } else { Channel::Plain }
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Value, Refusal> {
    let text = read_json(headers, body, AUTH_BODY_BYTES_MAX).await?;
    if text.is_empty() {
        return Ok(Value::Object(Default::default()));
    }
    Ok(strict_json::parse(&text)?)
}
