//! What a person says of themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use swain_store::{Person, Store};

use super::account::{changed_meanwhile, read_name};
use super::request::AuthRequest;
use super::{describe, signed_in};
use crate::app::App;
use crate::refusal::Refusal;

/// `POST /api/auth/profile`: another name.
pub(crate) async fn profile<S: Store>(
    State(app): State<Arc<App<S>>>,
    request: AuthRequest,
) -> Result<Response, Refusal> {
    let name = request.text("name")?;
    let was = signed_in(&app, &request).await?;
    let name = read_name(name)?.unwrap_or_else(|| was.name.clone());
    let person = Person { name, ..was.clone() };
    if !app.engine.store().change_person(was, person.clone()).await? {
        return Err(changed_meanwhile().into());
    }
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "user": describe(&person) }))).into_response())
}
