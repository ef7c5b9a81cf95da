//! Where a person is signed in (spec P18).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use swain_core::{Code, UserId};
use swain_store::Store;

use super::access_cookie::find_bearer;
use super::account_gone;
use crate::app::App;
use crate::clock::now;
use crate::limits::AGENT_CHARS_MAX;
use crate::refusal::Refusal;

/// `GET /api/auth/devices`: each sign-in that has not ended, the one last used first.
pub(crate) async fn devices<S: Store>(State(app): State<Arc<App<S>>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let (user, own) = signed_in(&app, &headers)?;
    let lasts = app.auth.refresh.times().refresh;
    let sign_ins = app.engine.store().sign_ins(user, now()).await?;
    let devices = sign_ins.into_iter().map(|token| {
        json!({
            "id": token.family,
            "agent": token.agent,
            "begun": token.begun.0,
            "seen": token.expires.since(lasts).0,
            "current": own.as_deref() == Some(&*token.family),
        })
    });
    let body = json!({ "devices": devices.collect::<Vec<_>>() });
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `DELETE /api/auth/devices/{id}`: ends one of them, and the streams that are open by it.
pub(crate) async fn sign_out<S: Store>(
    State(app): State<Arc<App<S>>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (user, _) = signed_in(&app, &headers)?;
    if !app.engine.store().revoke_sign_in(user.clone(), id.clone()).await? {
        return Err(Refusal::new(Code::NotFound, "you are not signed in there"));
    }
    app.auth.access.revoke_sign_in(id, now());
    // All of the person's streams come back at once; the one that was ended is not let in.
    app.engine.end_sessions_of(&user);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What signs in, as it calls itself.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.chars().take(AGENT_CHARS_MAX).collect()
}

/// Who asks, by which sign-in; a token of another issuer has none here.
fn signed_in<S: Store>(app: &App<S>, headers: &HeaderMap) -> Result<(UserId, Option<String>), Refusal> {
    let token = find_bearer(headers)?;
    let user = app.identify(Some(&token))?.auth.user.ok_or_else(account_gone)?;
    Ok((user, app.auth.access.sign_in(&token)))
}
