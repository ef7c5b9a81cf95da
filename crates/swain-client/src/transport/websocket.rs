//! The stream over WebSocket.

use std::io::Read as _;
use std::pin::Pin;

use flate2::read::GzDecoder;
use futures::future::BoxFuture;
use futures::{SinkExt as _, StreamExt as _};
use swain_core::strict_json::parse;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::Heard;
use super::http::{Failure, PROBLEM, is_media};
use crate::limits::{CLOSE_TIME_MAX, FRAME_BYTES_MAX, READ_BUFFER_BYTES, SEND_TIME_MAX};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) enum WebSocketLine {
    Opening(BoxFuture<'static, Result<Socket, Error>>),
    Open(Box<Socket>),
    /// Sending failed, or the server said no: by this code.
    Broken(Option<u16>),
    /// The end was told.
    Over,
}

impl WebSocketLine {
    pub(super) fn open(url: String) -> Self {
        Self::Opening(Box::pin(async move {
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER_BYTES)
                .write_buffer_size(0)
                .max_message_size(Some(FRAME_BYTES_MAX))
                .max_frame_size(Some(FRAME_BYTES_MAX));
            let (socket, _) = connect_async_with_config(url, Some(config), true).await?;
            Ok(socket)
        }))
    }

    pub(super) async fn close(&mut self) {
        if let Self::Open(socket) = self {
            let done = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            // A peer that does not take the close frame loses nothing by it.
            let goodbye = socket.send(Message::Close(Some(done)));
            let _ = tokio::time::timeout(CLOSE_TIME_MAX, goodbye).await;
        }
    }

    pub(super) async fn send(&mut self, text: String) {
        let Self::Open(socket) = self else {
            return;
        };
        let sent = tokio::time::timeout(SEND_TIME_MAX, socket.send(Message::text(text))).await;
        if !matches!(sent, Ok(Ok(()))) {
            *self = Self::Broken(None);
        }
    }

    pub(super) async fn hear(&mut self) -> Heard {
        let heard = match self {
            Self::Over => std::future::pending().await,
            Self::Broken(code) => Heard::Closed(*code),
            Self::Opening(opening) => match Pin::new(opening).await {
                Ok(socket) => {
                    *self = Self::Open(Box::new(socket));
                    return Heard::Opened;
                }
                Err(error) => {
                    tracing::debug!(error = %error, "no WebSocket");
                    let (frame, code) = refusal(&error).told();
                    *self = Self::Broken(code);
                    frame.map_or(Heard::Closed(code), Heard::Frame)
                }
            },
            Self::Open(socket) => read(socket).await,
        };
        if let Heard::Closed(_) = heard {
            *self = Self::Over;
        }
        heard
    }
}

/// What an answer that is no upgrade means; one without a problem is of something in between.
fn refusal(error: &Error) -> Failure {
    let Error::Http(answer) = error else { return Failure::Unreachable };
    let body = answer.body().as_deref().and_then(|body| std::str::from_utf8(body).ok());
    match body.map(parse) {
        Some(Ok(problem)) if is_media(answer.headers(), PROBLEM) => {
            Failure::Refused { problem, status: answer.status().as_u16() }
        }
        Some(_) | None => Failure::Unreachable,
    }
}

async fn read(socket: &mut Socket) -> Heard {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Heard::Frame(text.as_str().to_owned()),
            Some(Ok(Message::Binary(packed))) => return unpack(&packed).map_or(Heard::Closed(None), Heard::Frame),
            Some(Ok(Message::Close(frame))) => {
                return Heard::Closed(frame.map(|frame| frame.code.into()));
            }
            // The library answers pings itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(_)) | None => return Heard::Closed(None),
        }
    }
}

/// A compressed frame (spec P23); none when it is none, or larger than a frame may be.
fn unpack(packed: &[u8]) -> Option<String> {
    let mut text = String::new();
    let limit = FRAME_BYTES_MAX as u64 + 1;
    GzDecoder::new(packed).take(limit).read_to_string(&mut text).ok()?;
    (text.len() <= FRAME_BYTES_MAX).then_some(text)
}
