//! `POST /api/sync/shapes`: a list of shapes becomes a hash that fits into a query (spec P20).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use swain_core::decode::Node;
use swain_core::limits::MESSAGE_BYTES_MAX;
use swain_core::protocol::read_shapes;
use swain_core::shape::Shape;
use swain_core::{Value, strict_json};
use swain_store::Store;

use crate::app::App;
use crate::auth::find_access;
use crate::body::read_json;
use crate::clock::now;
use crate::entity_tag::short_hash;
use crate::limits::SHAPE_LISTS_MAX;
use crate::refusal::Refusal;

pub(crate) async fn shapes<S: Store>(State(app): State<Arc<App<S>>>, request: Request) -> Result<Response, Refusal> {
    app.admit_http_transport()?;
    let (parts, body) = request.into_parts();
    app.origins.check_form(&parts.headers)?;
    app.auth.admit_sender(app.address_of(&parts), now())?;
    let identity = app.identify(find_access(&parts.headers)?.as_deref())?;
    let text = read_json(&parts.headers, body, MESSAGE_BYTES_MAX).await?;
    let value = strict_json::parse(&text)?;
    let shapes = read_shapes(&Node::root("body", &value))?;
    app.engine.check_shapes(&identity.auth, &shapes, "body.shapes")?;
    let list = Value::List(shapes.iter().map(Shape::to_value).collect()).canonical();
    let hash = short_hash(list.as_bytes());
    app.engine.store().keep_shapes(hash.clone(), list, now(), SHAPE_LISTS_MAX).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "hash": hash }))).into_response())
}
