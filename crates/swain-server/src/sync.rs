//! `GET /api/sync/ws`: the stream over WebSocket.

mod connection;
mod wakeup;

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use swain_core::limits::MESSAGE_BYTES_MAX;
use swain_core::{Code, Millis};
use swain_store::Store;

use crate::app::App;
use crate::refusal::Refusal;
use connection::Connection;

/// What a connection keeps ready; a larger message gets its room when it comes.
const BUFFER_BYTES: usize = 4 * 1024;

pub(crate) async fn upgrade<S: Store>(
    State(app): State<Arc<App<S>>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    app.origins.check(&headers)?;
    if app.lifecycle.is_draining() {
        let refusal = Refusal::new(Code::Draining, "the server is going down");
        return Err(refusal.retry_after(Millis(1000)));
    }
    let upgrade = upgrade.map_err(|_| {
        let detail = "this address speaks WebSocket, version 13";
        Refusal::new(Code::UnknownProtocol, detail).upgrade("websocket")
    })?;
    let token = app.lifecycle.connections.token();
    let upgrade = upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        Connection::new(app, socket).run().await;
        drop(token);
    }))
}
