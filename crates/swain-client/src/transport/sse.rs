//! The stream as server-sent events (spec P20).

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::Response;
use swain_core::protocol::{Hello, Up};

use super::Heard;
use super::event_parser::{Event, EventParser};
use super::http::{Failure, Http, Wanted};
use super::upward::Upward;

const EVENTS: Wanted = Wanted { route: "events", cursor: "cursor", wait: None, media: "text/event-stream" };

pub(super) struct SseLine {
    http: Arc<Http>,
    told: VecDeque<Heard>,
    stage: Stage,
    upward: Option<Upward>,
}

enum Stage {
    /// The hello has not been said, or the end has been told.
    Idle,
    Opening(BoxFuture<'static, Result<Response, Failure>>),
    Reading(Box<Response>, EventParser),
}

impl SseLine {
    pub(super) fn open(http: Arc<Http>) -> Self {
        Self { http, told: VecDeque::from([Heard::Opened]), stage: Stage::Idle, upward: None }
    }

    pub(super) fn send(&mut self, text: &str) {
        match Up::read(text) {
            Ok(Up::Hello(hello)) => self.begin(hello),
            Ok(Up::Push(_)) => self.upward.iter_mut().for_each(|upward| upward.push(text)),
            // The right to this stream cannot be renewed; the next one has the new token (spec P20).
            Ok(Up::Auth(_)) => self.told.push_back(Heard::Restart),
            // The native device does not say where its user is.
            Ok(Up::Presence(_)) => {}
            Err(problem) => tracing::error!(error = %problem, "the device says what nobody reads"),
        }
    }

    pub(super) async fn hear(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.told.pop_front() {
                return heard;
            }
            tokio::select! {
                heard = answer(&mut self.upward) => self.told.extend(heard),
                heard = self.stage.next() => {
                    if heard.iter().any(|heard| matches!(heard, Heard::Closed(_))) {
                        self.stage = Stage::Idle;
                    }
                    self.told.extend(heard);
                }
            }
        }
    }

    fn begin(&mut self, hello: Hello) {
        let http = Arc::clone(&self.http);
        self.upward = Some(Upward::new(Arc::clone(&http), hello.device.clone(), hello.token.clone()));
        self.stage = Stage::Opening(Box::pin(async move { http.stream(&hello, EVENTS).await }));
    }
}

impl Stage {
    async fn next(&mut self) -> Vec<Heard> {
        match self {
            Self::Idle => std::future::pending().await,
            Self::Opening(opening) => match opening.await {
                Ok(answer) => {
                    *self = Self::Reading(Box::new(answer), EventParser::default());
                    Vec::new()
                }
                Err(failure) => {
                    let (frame, code) = failure.told();
                    frame.map(Heard::Frame).into_iter().chain([Heard::Closed(code)]).collect()
                }
            },
            Self::Reading(answer, parser) => {
                let Ok(Some(chunk)) = answer.chunk().await else { return vec![Heard::Closed(None)] };
                let Ok(events) = parser.push(&chunk) else { return vec![Heard::Closed(None)] };
                let heard = events.into_iter().map(|event| match event {
                    Event::Frame(frame) => Heard::Frame(frame),
                    Event::Close(code) => Heard::Closed(Some(code)),
                });
                heard.collect()
            }
        }
    }
}

/// What became of a push; for ever nothing when nothing can be pushed yet.
pub(super) async fn answer(upward: &mut Option<Upward>) -> Vec<Heard> {
    match upward {
        Some(upward) => upward.hear().await,
        None => std::future::pending().await,
    }
}
