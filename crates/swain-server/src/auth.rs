//! Accounts over HTTP (spec P17, P18).

mod access_cookie;
mod access_token;
mod account;
mod devices;
mod external;
mod mail_token;
mod mailbox;
mod password;
mod profile;
mod refresh_token;
mod request;
mod revoked;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::json;
use swain_core::rule::Auth as Who;
use swain_core::{Code, DeviceId, Millis, Problem};
use swain_engine::Identity;
use swain_store::{Person, RefreshToken, Rotation, Store};

use crate::app::App;
use crate::clock::now;
use crate::config::{ServerConfig, SignUp};
use crate::mail::Mails;
use crate::random::random_id;
use crate::refusal::Refusal;
use crate::throttle::{Throttle, ThrottleKey};
pub(crate) use access_cookie::find_access;
use access_cookie::find_bearer;
use access_token::{AccessToken, AccessTokens};
use account::changed_meanwhile;
pub use account::{NewAccount, add_account, set_password};
pub(crate) use devices::{devices, sign_out};
pub use external::{ExternalTokens, KeysError};
use mail_token::MailTokens;
pub(crate) use mailbox::{reset, verify};
use password::Passwords;
pub(crate) use profile::profile;
use refresh_token::RefreshTokens;
use request::AuthRequest;

/// Who somebody is, and how they prove it.
pub(crate) struct Auth {
    access: AccessTokens,
    external: Option<ExternalTokens>,
    refresh: RefreshTokens,
    passwords: Passwords,
    failed_logins: Throttle,
    signups: Throttle,
    requests: Throttle,
    sign_up: SignUp,
    mails: Option<Mails>,
    mail_tokens: MailTokens,
    mailed: Throttle,
}

/// A fresh sign-in, or one that goes on.
struct SignedIn {
    person: Person,
    access: AccessToken,
    refresh: String,
}

impl Auth {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        Self {
            access: AccessTokens::new(&config.secret, config.tokens.access),
            external: config.external.clone(),
            refresh: RefreshTokens::new(&config.secret, config.tokens),
            passwords: Passwords::new(),
            failed_logins: Throttle::of_failed_logins(),
            signups: Throttle::of_signups(),
            requests: Throttle::of_requests(),
            sign_up: config.sign_up,
            mails: config.mails.clone(),
            mail_tokens: MailTokens::new(&config.secret),
            mailed: Throttle::of_mails(),
        }
    }

    /// Whose access token this is; no token is a visitor.
    pub(crate) fn identify(&self, token: Option<&str>) -> Result<Identity, Problem> {
        match token {
            Some(token) => match (self.access.read(token, now()), &self.external) {
                (Err(problem), Some(external)) if problem.code == Code::Unauthenticated => external.read(token, now()),
                (read, _) => read,
            },
            None => Ok(Identity { auth: Who::default(), expires: None }),
        }
    }

    /// Charges a request of a device: polls and batches come no faster than messages on a WebSocket (spec P16).
    pub(crate) fn admit_request(&self, device: &DeviceId, now: Millis) -> Result<(), Refusal> {
        self.requests.admit(ThrottleKey::device(device), now).map_err(slow_down)
    }

    /// The same for a request that names no device.
    pub(crate) fn admit_sender(&self, address: IpAddr, now: Millis) -> Result<(), Refusal> {
        self.requests.admit(ThrottleKey::address(address), now).map_err(slow_down)
    }
}

// ---- routes ----

/// `POST /api/auth/signup`.
pub(crate) async fn signup<S: Store>(
    State(app): State<Arc<App<S>>>,
    request: AuthRequest,
) -> Result<Response, Refusal> {
    if app.auth.sign_up == SignUp::Closed {
        let detail = "accounts are made by the operator of this server";
        return Err(Refusal::new(Code::NotAllowed, detail));
    }
    let account = NewAccount::read(&request.body)?;
    let pass = app.auth.signups.admit(request.address.clone(), now());
    pass.map_err(slow_down)?;
    let password_hash = app.auth.passwords.hash(account.password.clone()).await?;
    let person = account.into_person(password_hash);
    if !app.engine.store().add_person(person.clone()).await? {
        return Err(email_taken().into());
    }
    mailbox::ask_to_verify(&app, &person);
    mailbox::must_be_verified(&app, &person, "the account is made; open the link in the mail that we sent you")?;
    begin(&app, person, &request).await
}

/// `POST /api/auth/login`.
pub(crate) async fn login<S: Store>(State(app): State<Arc<App<S>>>, request: AuthRequest) -> Result<Response, Refusal> {
    let (email, password) = request.credentials()?;
    let person = check(&app, &request, email, password).await?;
    if let Err(refusal) = mailbox::must_be_verified(&app, &person, "open the link in the mail that we sent you") {
        mailbox::ask_to_verify(&app, &person);
        return Err(refusal);
    }
    begin(&app, person, &request).await
}

/// `POST /api/auth/refresh`: uses the refresh token, once.
pub(crate) async fn refresh<S: Store>(
    State(app): State<Arc<App<S>>>,
    request: AuthRequest,
) -> Result<Response, Refusal> {
    let Some(token) = request.refresh_token()? else {
        return Err(Refusal::new(Code::Unauthenticated, "sign in first"));
    };
    let tokens = &app.auth.refresh;
    let successor = tokens.successor(&token);
    let (now, grace) = (now(), tokens.times().grace);
    let (hash, next) = (tokens.hash(&token), tokens.hash(&successor));
    let expires = now.plus(tokens.times().refresh);
    let rotation = app.engine.store().rotate_refresh(hash, next, expires, now, grace);
    let problem = match rotation.await? {
        Rotation::Rotated { user, family } => match app.engine.store().person(user).await? {
            Some(person) => return Ok(go_on(&app, person, &family, successor, &request)),
            None => Problem::new(Code::Unauthenticated, "the account is gone"),
        },
        Rotation::Reused => {
            Problem::new(Code::RefreshReused, "this sign-in was used from two places and has ended; sign in again")
        }
        Rotation::Unknown => Problem::new(Code::Unauthenticated, "the sign-in has ended"),
    };
    Err(Refusal::from(problem).set_cookies(request.forget_cookies()))
}

/// `POST /api/auth/logout`: ends the sign-in, or with `everywhere` all of the person.
pub(crate) async fn logout<S: Store>(
    State(app): State<Arc<App<S>>>,
    request: AuthRequest,
) -> Result<Response, Refusal> {
    if request.is_everywhere()? {
        let person = signed_in(&app, &request).await?;
        end_everywhere(&app, &person).await?;
    } else if let Some(token) = request.refresh_token()? {
        let hash = app.auth.refresh.hash(&token);
        app.engine.store().revoke_refresh(hash).await?;
    }
    let cookies = AppendHeaders(request.forget_cookies().map(|cookie| (SET_COOKIE, cookie)));
    Ok((StatusCode::NO_CONTENT, cookies).into_response())
}

/// `POST /api/auth/password`: another password; every sign-in ends but the new one that is the answer.
pub(crate) async fn password<S: Store>(
    State(app): State<Arc<App<S>>>,
    request: AuthRequest,
) -> Result<Response, Refusal> {
    let (current, next) = request.passwords()?;
    let email = signed_in(&app, &request).await?.email;
    let was = check(&app, &request, email, current).await?;
    let password_hash = app.auth.passwords.hash(next).await?;
    let person = Person { password_hash, ..was.clone() };
    if !app.engine.store().change_person(was, person.clone()).await? {
        return Err(changed_meanwhile().into());
    }
    end_everywhere(&app, &person).await?;
    begin(&app, person, &request).await
}

/// `GET /api/auth/me`.
pub(crate) async fn me<S: Store>(State(app): State<Arc<App<S>>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let identity = app.identify(Some(&find_bearer(&headers)?))?;
    let user = identity.auth.user.ok_or_else(account_gone)?;
    let person = app.engine.store().person(user).await?.ok_or_else(account_gone)?;
    let body = json!({ "user": describe(&person) });
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

// ---- steps ----

/// The person of the access token.
async fn signed_in<S: Store>(app: &App<S>, request: &AuthRequest) -> Result<Person, Refusal> {
    let identity = app.identify(request.access.as_deref())?;
    let user = identity.auth.user.ok_or_else(|| Refusal::new(Code::Unauthenticated, "sign in first"))?;
    app.engine.store().person(user).await?.ok_or_else(account_gone)
}

/// The person whose password this is, as often as an address and an account may try.
async fn check<S: Store>(
    app: &App<S>,
    request: &AuthRequest,
    email: String,
    password: String,
) -> Result<Person, Refusal> {
    let keys = [request.address.clone(), ThrottleKey::account(&email)];
    // Each attempt is charged before it is looked at, and given back when it was good:
    // else many at once would all be looked at.
    for key in &keys {
        app.auth.failed_logins.admit(key.clone(), now()).map_err(slow_down)?;
    }
    let person = app.engine.store().person_by_email(email).await?;
    let hash = person.as_ref().map(|person| person.password_hash.clone());
    let is_right = app.auth.passwords.verify(password, hash).await?;
    let Some(person) = person.filter(|_| is_right) else {
        return Err(Refusal::new(Code::WrongCredentials, "the e-mail address or the password is wrong"));
    };
    for key in &keys {
        app.auth.failed_logins.give_back(key);
    }
    Ok(person)
}

/// Ends the sign-ins of a person, and the streams that are open by them.
async fn end_everywhere<S: Store>(app: &App<S>, person: &Person) -> Result<(), Refusal> {
    app.engine.store().revoke_person(person.id.clone()).await?;
    app.auth.access.revoke(person.id.clone(), now());
    app.engine.end_sessions_of(&person.id);
    Ok(())
}

fn account_gone() -> Refusal {
    Refusal::new(Code::Unauthenticated, "the account is gone")
}

// ---- answers ----

/// Begins a sign-in.
async fn begin<S: Store>(app: &App<S>, person: Person, request: &AuthRequest) -> Result<Response, Refusal> {
    let tokens = &app.auth.refresh;
    let token = tokens.draw();
    let family = random_id();
    let first = RefreshToken {
        hash: tokens.hash(&token),
        family: family.clone(),
        user: person.id.clone(),
        expires: now().plus(tokens.times().refresh),
        begun: now(),
        agent: request.agent.clone(),
    };
    app.engine.store().add_refresh(first).await?;
    Ok(go_on(app, person, &family, token, request))
}

fn go_on<S: Store>(app: &App<S>, person: Person, family: &str, refresh: String, request: &AuthRequest) -> Response {
    let access = app.auth.access.issue(&person, family, now());
    let signed_in = SignedIn { person, access, refresh };
    signed_in.answer(request, app.auth.refresh.times().refresh)
}

impl SignedIn {
    fn answer(self, request: &AuthRequest, lasts: Millis) -> Response {
        let Self { person, access, refresh } = self;
        let mut body = json!({
            "user": describe(&person),
            "access": &access.text,
            "expires": access.expires.0,
            "now": now().0,
        });
        let no_store = [(CACHE_CONTROL, "no-store")];
        if request.wants_cookie() {
            let access = (&*access.text, access.expires.since(now()));
            let cookies = request.cookies((&refresh, lasts), access).map(|cookie| (SET_COOKIE, cookie));
            return (no_store, AppendHeaders(cookies), Json(body)).into_response();
        }
        body["refresh"] = refresh.into();
        (no_store, Json(body)).into_response()
    }
}

fn describe(person: &Person) -> serde_json::Value {
    json!({
        "id": person.id.as_str(),
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "verified": person.verified,
    })
}

fn email_taken() -> Problem {
    Problem::new(Code::EmailTaken, "this e-mail address has an account; sign in").at("body.email")
}

fn slow_down(pause: Millis) -> Refusal {
    let detail = "too many attempts; wait a little before the next";
    Refusal::new(Code::LimitMessageRate, detail).retry_after(pause)
}
