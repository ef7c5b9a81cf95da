//! `GET /api/sync/changes`: one short session, and its frames as one answer (spec P21).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use swain_core::protocol::{Close, Down, Transport, cursor_of_frame, kind_of_frame};
use swain_engine::Session;
use swain_store::Store;
use tokio::time::{Instant, sleep_until};

use super::ask::{StreamAsk, silence};
use super::beginning::refusal_of;
use super::connection::Connection;
use super::wire::{Lost, Packing, Said, Wire};
use crate::app::App;
use crate::clock::now;
use crate::entity_tag::{entity_tag, is_known};
use crate::gzip;
use crate::limits::{COMPRESS_BYTES_MIN, POLL_ANSWER_BYTES};
use crate::refusal::Refusal;

pub(crate) async fn changes<S: Store>(State(app): State<Arc<App<S>>>, request: Request) -> Result<Response, Refusal> {
    let parts = (request.method(), request.uri(), request.headers());
    let StreamAsk { hello, wait } = StreamAsk::read(&app, Transport::Poll, parts, "since").await?;
    let session = Session::new(now()).without_numbers().with_heartbeat(silence(app.heartbeat, wait));
    let connections = app.lifecycle.connections.clone();
    let connection = Connection::of_session(app, Answer::new(wait), session).greeted(hello);
    // It ends with the request: whoever asked is gone then.
    let answer = connections.track_future(Box::pin(connection.run())).await;
    answer.into_response(request.headers())
}

/// An answer that is being put together.
struct Answer {
    wait: Duration,
    stage: Stage,
    packing: Packing,
    /// The frames, with commas between.
    frames: String,
    /// Whether it says anything that the device did not know.
    has_news: bool,
    cursor: Option<String>,
    close: Option<Close>,
}

enum Stage {
    /// The welcome has not come; what was refused, if anything.
    Waiting(Option<String>),
    /// Frames come as fast as they can be read.
    Catching,
    /// There was nothing new; the first that comes is the end of it.
    Held(Instant),
    Complete,
}

impl Answer {
    fn new(wait: Duration) -> Self {
        Self {
            wait,
            stage: Stage::Waiting(None),
            packing: Packing::Plain,
            frames: String::new(),
            has_news: false,
            cursor: None,
            close: None,
        }
    }

    fn after(&self, kind: &str) -> Stage {
        match (kind, &self.stage) {
            // A close follows, and says with which code.
            ("problem" | "goaway", _) => Stage::Catching,
            (_, Stage::Held(_) | Stage::Complete) => Stage::Complete,
            ("caught_up", _) if self.has_news || self.wait.is_zero() => Stage::Complete,
            ("caught_up", _) => Stage::Held(Instant::now() + self.wait),
            // Elsewhere the next answer would not begin behind this one: there is no token between these frames.
            ("load" | "load_end" | "changes", _) if self.frames.len() >= POLL_ANSWER_BYTES => Stage::Complete,
            (_, _) => Stage::Catching,
        }
    }

    fn into_response(self, asked: &HeaderMap) -> Result<Response, Refusal> {
        let Self { stage, packing, frames, has_news, cursor, close, .. } = self;
        if let Stage::Waiting(refused) = stage {
            return Err(refusal_of(refused.as_deref()));
        }
        let tag = cursor.map(|cursor| entity_tag(cursor.as_bytes()));
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(VARY, HeaderValue::from_static("authorization, cookie, accept-encoding"));
        if let Some(tag) = &tag {
            headers.insert(ETAG, HeaderValue::from_str(tag).expect("a tag is hex"));
        }
        if !has_news && close.is_none() && tag.is_some_and(|tag| is_known(asked, &tag)) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        let close = close.map(|close| format!(",\"close\":{}", close.code())).unwrap_or_default();
        let body = format!("{{\"frames\":[{frames}]{close}}}");
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if packing == Packing::Gzip && body.len() > COMPRESS_BYTES_MIN {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            return Ok((headers, gzip::compress(body.as_bytes())).into_response());
        }
        Ok((headers, body).into_response())
    }
}

impl Wire for Answer {
    const TRANSPORT: Transport = Transport::Poll;

    /// A device says nothing here; the time that it gave may be over.
    async fn hear(&mut self) -> Result<Said, Lost> {
        match self.stage {
            Stage::Held(until) => sleep_until(until).await,
            Stage::Complete => {}
            Stage::Waiting(_) | Stage::Catching => std::future::pending().await,
        }
        Err(Lost::Answered)
    }

    async fn send(&mut self, frame: String, packing: Packing) -> Result<(), Lost> {
        let kind = kind_of_frame(&frame);
        if let (Stage::Waiting(refused), true) = (&mut self.stage, kind != "welcome") {
            *refused = Some(frame);
            return Ok(());
        }
        self.packing = packing;
        self.has_news |= is_news(kind, &frame);
        self.cursor = cursor_of_frame(&frame).map(str::to_owned).or(self.cursor.take());
        if !self.frames.is_empty() {
            self.frames.push(',');
        }
        self.frames.push_str(&frame);
        self.stage = self.after(kind);
        match self.stage {
            Stage::Complete if kind != "changes" || self.frames.len() >= POLL_ANSWER_BYTES => Err(Lost::Answered),
            // What came together goes together.
            _ => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        match self.stage {
            Stage::Complete => Err(Lost::Answered),
            Stage::Waiting(_) | Stage::Catching | Stage::Held(_) => Ok(()),
        }
    }

    async fn close(&mut self, close: Close) -> Result<(), Lost> {
        self.close = Some(close);
        Ok(())
    }
}

fn is_news(kind: &str, frame: &str) -> bool {
    match kind {
        "welcome" => !matches!(Down::read(frame), Ok(Down::Welcome(welcome)) if welcome.results.is_empty()),
        "caught_up" | "heartbeat" => false,
        _ => true,
    }
}
