//! `GET /api/sync/ws`: the stream over WebSocket.

mod connection;
mod handshake;
mod socket;
mod wakeup;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use swain_core::Code;
use swain_store::Store;

use crate::app::App;
use crate::refusal::Refusal;
use connection::Connection;
use handshake::Handshake;

pub(crate) async fn upgrade<S: Store>(State(app): State<Arc<App<S>>>, request: Request) -> Result<Response, Refusal> {
    app.origins.check(request.headers())?;
    if app.lifecycle.is_draining() {
        return Err(Refusal::new(Code::Draining, "the server is going down"));
    }
    let Handshake { answer, socket } = Handshake::of(request)?;
    let connections = app.lifecycle.connections.clone();
    connections.spawn(async move {
        // A device that goes away in the middle of the upgrade has nothing to be told.
        if let Ok(socket) = socket.await {
            Connection::new(app, socket).run().await;
        }
    });
    Ok(answer)
}
