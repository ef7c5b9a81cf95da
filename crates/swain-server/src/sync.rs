//! The stream, over WebSocket, server-sent events or polls, and what goes with the latter two.
//!
//! One [`Connection`] drives one session, whichever `Wire` carries it.

mod ask;
mod batch;
mod beginning;
mod connection;
mod events;
mod handshake;
mod poll;
mod shapes;
mod socket;
mod wakeup;
mod wire;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use swain_core::Code;
use swain_core::protocol::Transport;
use swain_store::Store;

use crate::app::App;
use crate::refusal::Refusal;
use crate::throttle::ThrottleKey;
pub(crate) use batch::batch;
use connection::Connection;
pub(crate) use events::events;
use handshake::Handshake;
pub(crate) use poll::changes;
pub(crate) use shapes::shapes;

/// `GET /api/sync/ws`.
pub(crate) async fn upgrade<S: Store>(State(app): State<Arc<App<S>>>, request: Request) -> Result<Response, Refusal> {
    app.admit(Transport::WebSocket)?;
    app.origins.check(request.headers())?;
    if app.lifecycle.is_draining() {
        return Err(Refusal::new(Code::Draining, "the server is going down"));
    }
    let (parts, body) = request.into_parts();
    let address = ThrottleKey::address(app.address_of(&parts));
    let Handshake { answer, socket } = Handshake::of(Request::from_parts(parts, body))?;
    let connections = app.lifecycle.connections.clone();
    connections.spawn(async move {
        // A device that goes away in the middle of the upgrade has nothing to be told.
        if let Ok(socket) = socket.await {
            Connection::new(app, socket).from(address).run().await;
        }
    });
    Ok(answer)
}
