//! Rows over plain HTTP (spec P30).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value as JsonValue, json};
use swain_core::{Code, Pos, Row, Value, Who};
use swain_engine::{History, HistoryError, Step, limits::HISTORY_PAGE_MAX};
use swain_store::Store;

use crate::app::App;
use crate::auth::find_access;
use crate::refusal::Refusal;

/// Which part of a history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// Below this position; the newest without it.
    before: Option<u64>,
    limit: Option<usize>,
}

/// `GET /api/tables/{table}/rows/{key}/history`: what happened to a row, the newest first.
pub(crate) async fn history<S: Store>(
    State(app): State<Arc<App<S>>>,
    Path((table, key)): Path<(String, String)>,
    page: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.origins.check(&headers)?;
    let auth = app.identify(find_access(&headers)?.as_deref())?.auth;
    let wrong = |_| Refusal::new(Code::WrongType, "a history takes before, a position, and limit, a number of steps");
    let Query(Page { before, limit }) = page.map_err(wrong)?;
    let history = app.engine.history(&auth, &table, &key, before.map(Pos), limit.unwrap_or(HISTORY_PAGE_MAX)).await;
    let History { steps, more } = history.map_err(|error| match error {
        HistoryError::Problem(problem) => Refusal::from(problem),
        HistoryError::Store(error) => Refusal::from(error),
    })?;
    let steps: Vec<JsonValue> = steps.iter().map(describe).collect();
    let body = json!({ "steps": steps, "more": more.map(|pos| pos.0) });
    Ok(([(CACHE_CONTROL, "private, no-cache")], Json(body)).into_response())
}

/// Of a changed row the columns that changed; of one that came or went, all of them.
fn describe(step: &Step) -> JsonValue {
    let (kind, before, after) = match (&step.before, &step.after) {
        (None, Some(after)) => ("insert", None, Some(after.clone())),
        (Some(before), None) => ("delete", Some(before.clone()), None),
        (Some(before), Some(after)) => ("update", Some(before.changed_since(after)), Some(after.changed_since(before))),
        (None, None) => ("update", None, None),
    };
    let row = |row: Option<Row>| row.map(|row| to_json(&row.to_value()));
    json!({
        "pos": step.pos.0,
        "at": step.at.0,
        "by": by(&step.who),
        "kind": kind,
        "before": row(before),
        "after": row(after),
    })
}

/// The user or the program; which of their devices it was is nobody else's business.
fn by(who: &Who) -> JsonValue {
    match who {
        Who::Device { user, .. } => json!({ "user": user.as_ref().map(|user| user.as_str()) }),
        Who::Outside { actor } => json!({ "program": actor.as_ref().map(|actor| actor.as_str()) }),
        Who::Server => json!({ "server": true }),
    }
}

fn to_json(value: &Value) -> JsonValue {
    serde_json::from_str(&value.canonical()).expect("the canonical form is JSON")
}
