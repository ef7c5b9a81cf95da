//! From a request to a WebSocket (RFC 6455 §4.2).

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hyper::upgrade::OnUpgrade;
use swain_core::Code;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::socket::Socket;
use crate::refusal::Refusal;

/// A request that may become a WebSocket, and does when the answer has been sent.
pub(super) struct Handshake<F> {
    pub(super) answer: Response,
    pub(super) socket: F,
}

impl Handshake<()> {
    pub(super) fn of(
        request: Request,
    ) -> Result<Handshake<impl Future<Output = Result<Socket, hyper::Error>>>, Refusal> {
        let (mut parts, _) = request.into_parts();
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let key = read_key(&parts.method, &parts.headers);
        let (Some(key), Some(upgrade)) = (key, upgrade) else {
            let detail = "this address speaks WebSocket, version 13";
            return Err(Refusal::new(Code::UnknownProtocol, detail).upgrade("websocket"));
        };
        let headers = [(CONNECTION, "upgrade".to_owned()), (UPGRADE, "websocket".into()), (SEC_WEBSOCKET_ACCEPT, key)];
        Ok(Handshake {
            answer: (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response(),
            socket: async move { Ok(Socket::new(upgrade.await?).await) },
        })
    }
}

/// What the answer proves that it understood; none if the request is no handshake.
fn read_key(method: &Method, headers: &HeaderMap) -> Option<String> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let is_handshake = method == Method::GET
        && has_word(headers, CONNECTION, "upgrade")
        && has_word(headers, UPGRADE, "websocket")
        && has_word(headers, SEC_WEBSOCKET_VERSION, "13");
    is_handshake.then(|| derive_accept_key(key.as_bytes()))
}

fn has_word(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(word))
}
