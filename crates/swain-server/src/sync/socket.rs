//! The WebSocket of one connection, with small buffers.

use std::io;

use axum::body::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use swain_core::limits::MESSAGE_BYTES_MAX;
use swain_core::protocol::{Close, Transport};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::wire::{Lost, Packing, Said, Wire};
use crate::gzip;
use crate::limits::COMPRESS_BYTES_MIN;

/// What a connection keeps ready; a larger message of the device gets its room when it comes.
const BUFFER_BYTES: usize = 4 * 1024;
/// A larger frame goes out in fragments: the buffer for what is sent never shrinks, and there are thousands of them.
const FRAGMENT_BYTES: usize = 16 * 1024;

pub(super) struct Socket(WebSocketStream<TokioIo<Upgraded>>);

impl Socket {
    pub(super) async fn new(upgraded: Upgraded) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config));
        Self(stream.await)
    }

    /// In one message, whole or in fragments.
    async fn send_message(&mut self, payload: Bytes, kind: Data) -> Result<(), Lost> {
        let end = payload.len().max(1);
        for start in (0..end).step_by(FRAGMENT_BYTES) {
            let fragment = payload.slice(start..payload.len().min(start + FRAGMENT_BYTES));
            let kind = if start == 0 { kind } else { Data::Continue };
            let is_last = start + FRAGMENT_BYTES >= end;
            self.feed(Message::Frame(Frame::message(fragment, OpCode::Data(kind), is_last))).await?;
        }
        Ok(())
    }

    async fn feed(&mut self, message: Message) -> Result<(), Lost> {
        self.0.feed(message).await.map_err(|error| lost(&error))
    }
}

impl Wire for Socket {
    const TRANSPORT: Transport = Transport::WebSocket;

    async fn hear(&mut self) -> Result<Said, Lost> {
        loop {
            return match self.0.next().await {
                Some(Ok(Message::Text(text))) => Ok(Said::Text(text.as_str().to_owned())),
                Some(Ok(Message::Binary(_))) => Ok(Said::Binary),
                // The socket answers pings itself; pongs say nothing.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(Error::Capacity(_))) => Ok(Said::TooLarge),
                Some(Err(Error::Utf8(_))) => Ok(Said::NotUtf8),
                Some(Err(error)) => Err(lost(&error)),
                None | Some(Ok(Message::Close(_))) => Err(Lost::Gone),
            };
        }
    }

    async fn send(&mut self, frame: String, packing: Packing) -> Result<(), Lost> {
        if packing == Packing::Gzip && frame.len() > COMPRESS_BYTES_MIN {
            let packed = gzip::compress(frame.as_bytes());
            return self.send_message(packed.into(), Data::Binary).await;
        }
        self.send_message(frame.into(), Data::Text).await
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        self.0.flush().await.map_err(|error| lost(&error))
    }

    async fn close(&mut self, close: Close) -> Result<(), Lost> {
        let frame = CloseFrame { code: CloseCode::from(close.code()), reason: "".into() };
        self.feed(Message::Close(Some(frame))).await?;
        self.flush().await
    }
}

fn lost(error: &Error) -> Lost {
    match error {
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Lost::Stalled,
        _ => Lost::Gone,
    }
}
