//! What goes through a person's mailbox: a forgotten password, and whether the address is theirs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use swain_core::{Code, Problem};
use swain_store::{Person, Store};

use super::account::{changed_meanwhile, read_email};
use super::mail_token::MailToken;
use super::request::AuthRequest;
use super::{begin, describe, end_everywhere, signed_in, slow_down};
use crate::app::App;
use crate::clock::now;
use crate::mail::{Mail, MailAbout, Mails};
use crate::refusal::Refusal;
use crate::throttle::ThrottleKey;

/// `POST /api/auth/reset`: with an address, a mail with a link, if that is anybody's; with the token of the link, another
/// password and a new sign-in in place of all others.
pub(crate) async fn reset<S: Store>(State(app): State<Arc<App<S>>>, request: AuthRequest) -> Result<Response, Refusal> {
    mails(&app)?;
    if let Some(token) = request.text("token")? {
        let password = request.new_password()?;
        let was = redeem(&app, &token, MailAbout::Reset).await?;
        let password_hash = app.auth.passwords.hash(password).await?;
        // Who reads the mails of the address has shown that it is theirs.
        let person = Person { password_hash, verified: true, ..was.clone() };
        change(&app, was, &person).await?;
        end_everywhere(&app, &person).await?;
        return begin(&app, person, &request).await;
    }
    let email = request.text("email")?.ok_or_else(|| missing("email"))?;
    let email = read_email(&email)?;
    app.auth.mailed.admit(ThrottleKey::account(&email), now()).map_err(slow_down)?;
    // Looked up behind the answer: neither it nor its time tells whether there is an account.
    let behind = Arc::clone(&app);
    app.lifecycle.connections.spawn(async move {
        match behind.engine.store().person_by_email(email).await {
            Ok(Some(person)) => send(&behind, &person, MailAbout::Reset).await,
            Ok(None) => {}
            Err(error) => tracing::error!(error = %error, "nobody could be asked for an address"),
        }
    });
    Ok(on_its_way())
}

/// `POST /api/auth/verify`: with an access token, a mail with a link to the own address; with the token of the link, the
/// address is verified.
pub(crate) async fn verify<S: Store>(
    State(app): State<Arc<App<S>>>,
    request: AuthRequest,
) -> Result<Response, Refusal> {
    mails(&app)?;
    if let Some(token) = request.text("token")? {
        let was = redeem(&app, &token, MailAbout::Verify).await?;
        let person = Person { verified: true, ..was.clone() };
        change(&app, was, &person).await?;
        return Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "user": describe(&person) }))).into_response());
    }
    let person = signed_in(&app, &request).await?;
    app.auth.mailed.admit(ThrottleKey::account(&person.email), now()).map_err(slow_down)?;
    send_behind(&app, person, MailAbout::Verify);
    Ok(on_its_way())
}

/// After a sign-up, and when somebody may not sign in yet: a mail, unless there were too many.
pub(super) fn ask_to_verify<S: Store>(app: &Arc<App<S>>, person: &Person) {
    let may = app.auth.mails.is_some() && !person.verified;
    if may && app.auth.mailed.admit(ThrottleKey::account(&person.email), now()).is_ok() {
        send_behind(app, person.clone(), MailAbout::Verify);
    }
}

/// Lets those through whose address is verified, where that has to be.
pub(super) fn must_be_verified<S>(app: &App<S>, person: &Person, otherwise: &str) -> Result<(), Refusal> {
    let must = app.auth.mails.as_ref().is_some_and(|mails| mails.must_verify);
    if must && !person.verified { Err(Refusal::new(Code::EmailUnverified, otherwise)) } else { Ok(()) }
}

// ---- steps ----

fn mails<S>(app: &App<S>) -> Result<&Mails, Refusal> {
    let off = || Refusal::new(Code::MailOff, "this server sends no mails; ask its operator, or configure [mail]");
    app.auth.mails.as_ref().ok_or_else(off)
}

/// The person whom a token was sent to.
async fn redeem<S: Store>(app: &App<S>, token: &str, about: MailAbout) -> Result<Person, Refusal> {
    let ended = || Refusal::new(Code::LinkEnded, "this link was used or is too old; ask for another one");
    let token = MailToken::read(token).ok_or_else(ended)?;
    let person = app.engine.store().person(token.user.clone()).await?.ok_or_else(ended)?;
    if !app.auth.mail_tokens.is_good(&token, about, &person, now()) {
        return Err(ended());
    }
    Ok(person)
}

async fn change<S: Store>(app: &App<S>, was: Person, person: &Person) -> Result<(), Refusal> {
    match app.engine.store().change_person(was, person.clone()).await? {
        true => Ok(()),
        false => Err(changed_meanwhile().into()),
    }
}

fn send_behind<S: Store>(app: &Arc<App<S>>, person: Person, about: MailAbout) {
    let behind = Arc::clone(app);
    app.lifecycle.connections.spawn(async move { send(&behind, &person, about).await });
}

async fn send<S>(app: &App<S>, person: &Person, about: MailAbout) {
    let Some(mails) = &app.auth.mails else { return };
    let token = app.auth.mail_tokens.issue(about, person, now());
    let name = match about {
        MailAbout::Reset => "reset",
        MailAbout::Verify => "verify",
    };
    let link = format!("{}#{name}={token}", mails.page);
    let mail = Mail { to: person.email.clone(), name: person.name.clone(), about, link };
    // The address is not for the log.
    if let Err(error) = mails.mailer.send(mail).await {
        tracing::error!(error = %error, user = person.id.as_str(), "a mail could not be sent");
    }
}

fn on_its_way() -> Response {
    (StatusCode::ACCEPTED, [(CACHE_CONTROL, "no-store")], Json(json!({}))).into_response()
}

fn missing(name: &str) -> Problem {
    Problem::new(Code::MissingMember, format!("'{name}' is missing")).at("body")
}
