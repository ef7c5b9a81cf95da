//! The stream in the answers to polls (spec P21): to the device it is one connection.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use futures::future::BoxFuture;
use swain_core::Value;
use swain_core::protocol::{Hello, Up};
use swain_core::strict_json::parse;
use tokio::time::{Instant, Sleep, sleep};

use super::http::{Failure, Http, Wanted, text};
use super::poll_state::{PollState, Verdict};
use super::sse::answer;
use super::upward::Upward;
use super::{Heard, Told};
use crate::limits::{FRAME_BYTES_MAX, POLL_CUT_TIME_MIN, POLL_PAUSE};

pub(super) struct PollLine {
    http: Arc<Http>,
    told: VecDeque<Told>,
    stage: Stage,
    state: Option<PollState>,
    upward: Option<Upward>,
    wait_seconds: u64,
    /// The longest silence that the device takes, in seconds.
    silence_seconds: u64,
}

enum Stage {
    /// The hello has not been said, or the end has been told.
    Idle,
    Asking(Asking),
    /// Between polls that do not wait.
    Pausing(Pin<Box<Sleep>>),
}

struct Asking {
    began: Instant,
    wait_seconds: u64,
    why: Why,
    answer: BoxFuture<'static, Result<String, Failure>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Why {
    Next,
    /// The one before was cut while it waited: does the server answer at once?
    AfterCut,
}

impl PollLine {
    pub(super) fn open(http: Arc<Http>, wait_seconds: u64) -> Self {
        let told = VecDeque::from([Told::Heard(Heard::Opened)]);
        Self { http, told, stage: Stage::Idle, state: None, upward: None, wait_seconds, silence_seconds: 0 }
    }

    /// How long polls wait from now on.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.wait_seconds = seconds;
    }

    pub(super) fn send(&mut self, message: &str) {
        match Up::read(message) {
            Ok(Up::Hello(hello)) => self.begin(hello),
            Ok(Up::Push(_)) => self.upward.iter_mut().for_each(|upward| upward.push(message)),
            // The welcome of a new connection says when this token ends.
            Ok(Up::Auth(_)) => self.told.push_back(Told::Heard(Heard::Restart)),
            // The native device does not say where its user is.
            Ok(Up::Presence(_)) => {}
            Err(problem) => tracing::error!(error = %problem, "the device says what nobody reads"),
        }
    }

    pub(super) async fn hear(&mut self) -> Told {
        loop {
            if let Some(told) = self.told.pop_front() {
                return told;
            }
            tokio::select! {
                heard = answer(&mut self.upward) => {
                    self.told.extend(heard.into_iter().map(Told::Heard));
                    // What the edits changed comes with the next poll.
                    if let Stage::Pausing(_) = self.stage {
                        self.ask(Why::Next, 0);
                    }
                }
                answer = self.stage.next() => self.step(answer),
            }
        }
    }

    fn begin(&mut self, hello: Hello) {
        self.upward = Some(Upward::new(Arc::clone(&self.http), hello.device.clone(), hello.token.clone()));
        self.state = Some(PollState::new(hello));
        self.ask(Why::Next, 0);
    }

    fn step(&mut self, answer: Option<Result<String, Failure>>) {
        let Stage::Asking(Asking { began, wait_seconds, why, .. }) = &self.stage else {
            return self.ask(Why::Next, 0);
        };
        let (wait_seconds, why, lasted) = (*wait_seconds, *why, began.elapsed());
        match answer {
            Some(Ok(body)) => {
                if why == Why::AfterCut {
                    self.told.push_back(Told::WaitCut);
                }
                self.read(&body);
            }
            // Only when the server answers at once it was the waiting that somebody does not like.
            Some(Err(Failure::Unreachable)) if wait_seconds > 0 && lasted >= POLL_CUT_TIME_MIN => {
                self.ask(Why::AfterCut, 0);
            }
            Some(Err(failure)) => {
                let (frame, code) = failure.told();
                let heard = frame.map(Heard::Frame).into_iter().chain([Heard::Closed(code)]);
                self.told.extend(heard.map(Told::Heard));
                self.stage = Stage::Idle;
            }
            None => {}
        }
    }

    fn read(&mut self, body: &str) {
        let Ok(Value::Object(body)) = parse(body) else { return self.end(None) };
        let Some(Value::List(frames)) = body.get("frames") else { return self.end(None) };
        for frame in frames {
            let state = self.state.as_mut().expect("it was asked for");
            match state.handle(frame) {
                Verdict::Tell => self.told.push_back(Told::Heard(Heard::Frame(frame.canonical()))),
                Verdict::Swallow => {}
                Verdict::Changed => {
                    self.stage = Stage::Idle;
                    return self.told.push_back(Told::Heard(Heard::Restart));
                }
            }
            self.note_silence(frame);
        }
        match body.get("close").and_then(Value::as_int) {
            Some(code) => self.end(u16::try_from(code).ok()),
            None => self.go_on(),
        }
    }

    fn go_on(&mut self) {
        let is_current = self.state.as_ref().is_some_and(|state| state.is_current);
        let wait_seconds = self.wait_seconds.min(self.silence_seconds);
        match (is_current, wait_seconds) {
            (false, _) => self.ask(Why::Next, 0),
            (true, 0) => {
                let pause = POLL_PAUSE.min(std::time::Duration::from_secs(self.silence_seconds));
                self.stage = Stage::Pausing(Box::pin(sleep(pause)));
            }
            (true, seconds) => self.ask(Why::Next, seconds),
        }
    }

    /// A device takes two and a half heartbeats without a word for the end (spec C8).
    fn note_silence(&mut self, frame: &Value) {
        if let Value::Object(frame) = frame
            && let Some(Value::Object(welcome)) = frame.get("welcome")
            && let Some(heartbeat) = welcome.get("heartbeat").and_then(Value::as_int)
        {
            self.silence_seconds = heartbeat.cast_unsigned() * 2 / 1000;
        }
    }

    fn ask(&mut self, why: Why, wait_seconds: u64) {
        let Some(state) = &self.state else { return };
        let (http, hello) = (Arc::clone(&self.http), state.hello.clone());
        let wanted = Wanted { route: "changes", cursor: "since", wait: Some(wait_seconds), media: "application/json" };
        let answer = Box::pin(async move { text(http.stream(&hello, wanted).await?, FRAME_BYTES_MAX).await });
        self.stage = Stage::Asking(Asking { began: Instant::now(), wait_seconds, why, answer });
    }

    fn end(&mut self, code: Option<u16>) {
        self.stage = Stage::Idle;
        self.told.push_back(Told::Heard(Heard::Closed(code)));
    }
}

impl Stage {
    /// The answer, or that a pause is over. May be dropped half way.
    async fn next(&mut self) -> Option<Result<String, Failure>> {
        match self {
            Self::Idle => std::future::pending().await,
            Self::Asking(asking) => Some((&mut asking.answer).await),
            Self::Pausing(pause) => {
                pause.await;
                None
            }
        }
    }
}
