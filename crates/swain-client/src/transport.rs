//! One connection after the other, each over the transport that the picker says (spec C17).

mod event_parser;
mod http;
mod poll;
mod poll_state;
mod sse;
mod upward;
mod websocket;

use std::sync::Arc;

use swain_core::Millis;
use swain_core::client::{Cause, Ending, Picker};
use swain_core::protocol::{Close, Transport as Kind, kind_of_frame};
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::error::ClientError;
use crate::limits::{SSE_WELCOME_TIME_MAX, WEBSOCKET_WELCOME_TIME_MAX};
use http::Http;
use poll::PollLine;
use sse::SseLine;
use websocket::WebSocketLine;

/// What the wire has to tell.
#[derive(Debug)]
pub(crate) enum Heard {
    Opened,
    Frame(String),
    Closed(Option<u16>),
    /// Nothing is wrong: say hello again, at once.
    Restart,
}

/// How connections are made.
pub(crate) struct TransportConfig<'a> {
    pub(crate) url: &'a str,
    /// In order of preference.
    pub(crate) transports: &'a [Kind],
    pub(crate) compression: bool,
    pub(crate) clock: Clock,
}

/// The connection, if there is one.
pub(crate) struct Transport {
    websocket_url: String,
    http: Arc<Http>,
    picker: Picker,
    clock: Clock,
    attempt: Option<Attempt>,
}

/// A connection, or an attempt at one, and what the picker wants to know of it.
struct Attempt {
    kind: Kind,
    line: Line,
    welcomed: Option<Millis>,
    heard: Millis,
    /// Without a welcome until then it is lost.
    deadline: Option<Instant>,
    is_off: bool,
    has_caught_up: bool,
    is_pushing: bool,
}

/// One way to and from the server. What each of them tells may be dropped half way.
enum Line {
    WebSocket(Box<WebSocketLine>),
    Sse(Box<SseLine>),
    Poll(Box<PollLine>),
}

impl Transport {
    /// `http://host` means its addresses under `/api/sync` (spec P17, P20 to P22).
    pub(crate) fn new(config: &TransportConfig<'_>) -> Result<Self, ClientError> {
        let bad = || ClientError::BadUrl { url: config.url.to_owned() };
        let (scheme, rest) = config.url.split_once("://").ok_or_else(bad)?;
        let host = rest.split('/').next().unwrap_or_default();
        let websocket_url = match scheme {
            "http" => format!("ws://{}/api/sync/ws", rest.trim_end_matches('/')),
            "ws" => config.url.to_owned(),
            _ => return Err(bad()),
        };
        let base = if scheme == "http" { rest.trim_end_matches('/') } else { host };
        Ok(Self {
            websocket_url,
            http: Arc::new(Http::new(&format!("http://{base}"), config.compression)?),
            picker: Picker::new(config.transports),
            clock: config.clock,
            attempt: None,
        })
    }

    /// The transport that is in use, or being tried.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.attempt.as_ref().map(|attempt| attempt.kind)
    }

    /// Perhaps another network.
    pub(crate) fn handle_online(&mut self) {
        self.picker.handle_online(self.clock.now());
    }

    pub(crate) fn open(&mut self) {
        let now = self.clock.now();
        let kind = self.picker.choose(now);
        let line = match kind {
            Kind::WebSocket => Line::WebSocket(Box::new(WebSocketLine::open(self.websocket_url.clone()))),
            Kind::Sse => Line::Sse(Box::new(SseLine::open(Arc::clone(&self.http)))),
            Kind::Poll => Line::Poll(Box::new(PollLine::open(Arc::clone(&self.http), self.picker.wait_seconds()))),
        };
        let time_max = match kind {
            Kind::WebSocket => Some(WEBSOCKET_WELCOME_TIME_MAX),
            Kind::Sse => Some(SSE_WELCOME_TIME_MAX),
            // It is the last resort; the device itself gives up at some time.
            Kind::Poll => None,
        };
        // When there is only one, nothing is gained by giving it up early.
        let deadline = time_max.filter(|_| !self.picker.is_single()).map(|time| Instant::now() + time);
        self.attempt = Some(Attempt {
            kind,
            line,
            welcomed: None,
            heard: now,
            deadline,
            is_off: false,
            has_caught_up: false,
            is_pushing: false,
        });
    }

    /// Ends the connection; nothing more of it is told.
    pub(crate) async fn close(&mut self, cause: Cause) {
        let ending = match cause {
            Cause::Dead => Ending::Lost,
            Cause::Left => Ending::Left,
        };
        if let Some(Line::WebSocket(mut line)) = self.end(ending) {
            line.close().await;
        }
    }

    pub(crate) async fn send(&mut self, text: String) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.is_pushing |= kind_of_frame(&text) == "push";
        match &mut attempt.line {
            Line::WebSocket(line) => line.send(text).await,
            Line::Sse(line) => line.send(&text),
            Line::Poll(line) => line.send(&text),
        }
    }

    /// What happens next; for ever nothing without a connection. May be dropped and called again.
    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            let Some(attempt) = &mut self.attempt else { return std::future::pending().await };
            let is_quiet = attempt.has_caught_up && !attempt.is_pushing;
            let return_at = self.picker.return_at().filter(|_| is_quiet).map(|at| self.clock.moment(at));
            tokio::select! {
                heard = attempt.line.hear() => {
                    if let Some(heard) = self.note(heard) {
                        return heard;
                    }
                }
                () = until(attempt.deadline) => {
                    self.end(Ending::Lost);
                    return Heard::Closed(None);
                }
                () = until(return_at) => {
                    self.end(Ending::Left);
                    return Heard::Restart;
                }
            }
        }
    }

    /// Tells the picker, and passes on what concerns the device.
    fn note(&mut self, told: Told) -> Option<Heard> {
        let now = self.clock.now();
        match told {
            Told::Heard(Heard::Frame(text)) => {
                self.note_frame(now, &text);
                return Some(Heard::Frame(text));
            }
            Told::Heard(Heard::Closed(code)) => {
                let is_off = self.attempt.as_ref().is_some_and(|attempt| attempt.is_off);
                let ending = match code {
                    _ if is_off => Ending::Off,
                    Some(code) if is_from_server(code) => Ending::Closed,
                    Some(_) | None => Ending::Lost,
                };
                self.end(ending);
                return Some(Heard::Closed(code));
            }
            Told::Heard(Heard::Restart) => {
                self.end(Ending::Left);
                return Some(Heard::Restart);
            }
            Told::Heard(Heard::Opened) => return Some(Heard::Opened),
            Told::WaitCut => self.picker.handle_wait_cut(now),
        }
        let seconds = self.picker.wait_seconds();
        if let Some(Attempt { line: Line::Poll(line), .. }) = &mut self.attempt {
            line.wait(seconds);
        }
        None
    }

    fn note_frame(&mut self, now: Millis, text: &str) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.heard = now;
        match kind_of_frame(text) {
            "welcome" => {
                attempt.welcomed = Some(now);
                attempt.deadline = None;
                self.picker.handle_welcome(now);
            }
            "caught_up" => attempt.has_caught_up = true,
            "results" => attempt.is_pushing = false,
            "problem" => attempt.is_off = text.contains("\"code\":\"transport_off\""),
            _ => {}
        }
    }

    fn end(&mut self, ending: Ending) -> Option<Line> {
        let Attempt { line, welcomed, heard, .. } = self.attempt.take()?;
        let life = welcomed.map(|welcomed| heard.since(welcomed));
        self.picker.handle_end(self.clock.now(), ending, life);
        Some(line)
    }
}

/// What a line tells.
#[derive(Debug)]
enum Told {
    Heard(Heard),
    /// A poll was cut while it waited, and the server is well (spec C17).
    WaitCut,
}

impl Line {
    async fn hear(&mut self) -> Told {
        match self {
            Self::WebSocket(line) => Told::Heard(line.hear().await),
            Self::Sse(line) => Told::Heard(line.hear().await),
            Self::Poll(line) => line.hear().await,
        }
    }
}

/// Other codes are a proxy's, or of the library.
fn is_from_server(code: u16) -> bool {
    code == 1001 || Close::ALL.iter().any(|close| close.code() == code)
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
