//! What goes up beside a stream that only comes down (spec P22): in order, one request in flight.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use swain_core::protocol::{Results, Up};
use swain_core::strict_json::parse;
use swain_core::{Code, DeviceId, Problem, Value};

use super::Heard;
use super::http::{Failure, Http};

pub(super) struct Upward {
    http: Arc<Http>,
    device: DeviceId,
    token: Option<String>,
    waiting: VecDeque<String>,
    posting: Option<BoxFuture<'static, Result<String, Failure>>>,
}

impl Upward {
    pub(super) fn new(http: Arc<Http>, device: DeviceId, token: Option<String>) -> Self {
        Self { http, device, token, waiting: VecDeque::new(), posting: None }
    }

    /// A push, as the device wrote it for a stream.
    pub(super) fn push(&mut self, text: &str) {
        debug_assert!(Up::read(text).is_ok(), "the device writes what the server reads");
        let Ok(Value::Object(mut message)) = parse(text) else { return };
        let Some(Value::Object(mut body)) = message.remove("push") else { return };
        body.insert("device".into(), Value::text(self.device.as_str()));
        self.waiting.push_back(Value::Object(body).canonical());
    }

    /// What became of a push; for ever nothing when there is none. May be dropped half way.
    pub(super) async fn hear(&mut self) -> Vec<Heard> {
        if self.posting.is_none() {
            let Some(body) = self.waiting.pop_front() else { return std::future::pending().await };
            let (http, token) = (Arc::clone(&self.http), self.token.clone());
            self.posting = Some(Box::pin(async move { http.batch(token.as_deref(), body).await }));
        }
        let answer = self.posting.as_mut().expect("it was made above").await;
        self.posting = None;
        match answer {
            Ok(results) => vec![Heard::Frame(results)],
            // The stream may be well: the same mutations go out again after a pause (spec P10).
            Err(failure) if failure.is_transient() => vec![Heard::Frame(again())],
            Err(failure) => {
                let (frame, code) = failure.told();
                frame.map(Heard::Frame).into_iter().chain([Heard::Closed(code)]).collect()
            }
        }
    }
}

fn again() -> String {
    let problem = Problem::new(Code::Transient, "the edits did not reach the server; they are sent again");
    Results { results: Vec::new(), problem: Some(problem) }.to_text()
}
