//! One WebSocket after the other.

use std::pin::Pin;

use futures::future::BoxFuture;
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::error::ClientError;
use crate::limits::{CLOSE_TIME_MAX, FRAME_BYTES_MAX, READ_BUFFER_BYTES, SEND_TIME_MAX};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the wire has to tell.
pub(crate) enum Heard {
    Opened,
    Frame(String),
    Closed(Option<u16>),
}

/// The connection, if there is one.
pub(crate) struct Transport {
    url: String,
    wire: Wire,
}

enum Wire {
    None,
    Opening(BoxFuture<'static, Result<Socket, Error>>),
    Open(Box<Socket>),
    /// Sending failed; to be told once.
    Broken,
}

impl Transport {
    /// `http://host` means its WebSocket at `/api/sync/ws` (spec P17).
    pub(crate) fn new(url: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::BadUrl { url: url.to_owned() };
        let url = match url.split_once("://").ok_or_else(bad)? {
            ("http", host) => format!("ws://{}/api/sync/ws", host.trim_end_matches('/')),
            ("ws", _) => url.to_owned(),
            _ => return Err(bad()),
        };
        Ok(Self { url, wire: Wire::None })
    }

    pub(crate) fn open(&mut self) {
        let url = self.url.clone();
        self.wire = Wire::Opening(Box::pin(async move {
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER_BYTES)
                .write_buffer_size(0)
                .max_message_size(Some(FRAME_BYTES_MAX))
                .max_frame_size(Some(FRAME_BYTES_MAX));
            let (socket, _) = connect_async_with_config(url, Some(config), true).await?;
            Ok(socket)
        }));
    }

    /// Ends the connection; nothing more of it is told.
    pub(crate) async fn close(&mut self) {
        if let Wire::Open(mut socket) = std::mem::replace(&mut self.wire, Wire::None) {
            let done = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            // A peer that does not take the close frame loses nothing by it.
            let goodbye = socket.send(Message::Close(Some(done)));
            let _ = tokio::time::timeout(CLOSE_TIME_MAX, goodbye).await;
        }
    }

    pub(crate) async fn send(&mut self, text: String) {
        let Wire::Open(socket) = &mut self.wire else {
            return;
        };
        let sent = tokio::time::timeout(SEND_TIME_MAX, socket.send(Message::text(text))).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.wire = Wire::Broken;
        }
    }

    /// What happens next; for ever nothing without a connection. May be dropped and called again.
    pub(crate) async fn hear(&mut self) -> Heard {
        match &mut self.wire {
            Wire::None => std::future::pending().await,
            Wire::Broken => {
                self.wire = Wire::None;
                Heard::Closed(None)
            }
            Wire::Opening(opening) => match Pin::new(opening).await {
                Ok(socket) => {
                    self.wire = Wire::Open(Box::new(socket));
                    Heard::Opened
                }
                Err(error) => {
                    tracing::debug!(error = %error, "no connection to {}", self.url);
                    self.wire = Wire::None;
                    Heard::Closed(None)
                }
            },
            Wire::Open(socket) => {
                let heard = read(socket).await;
                if let Heard::Closed(_) = heard {
                    self.wire = Wire::None;
                }
                heard
            }
        }
    }
}

async fn read(socket: &mut Socket) -> Heard {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Heard::Frame(text.as_str().to_owned()),
            Some(Ok(Message::Close(frame))) => {
                return Heard::Closed(frame.map(|frame| frame.code.into()));
            }
            // The library answers pings itself; binary frames are of a newer protocol.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
            Some(Err(_)) | None => return Heard::Closed(None),
        }
    }
}
