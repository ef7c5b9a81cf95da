//! Requests of a stream that is not a WebSocket (spec P20 to P22).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, RequestBuilder, Response};
use swain_core::protocol::{Close, Hello, PROTOCOL};
use swain_core::shape::Shape;
use swain_core::strict_json::parse;
use swain_core::{Code, Value};

use crate::error::ClientError;
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_TIME_MAX, CONNECT_TIME_MAX, FRAME_BYTES_MAX};

/// RFC 9457.
pub(super) const PROBLEM: &str = "application/problem+json";

pub(super) struct Http {
    client: Client,
    base: String,
    compression: bool,
    /// Of the shapes, which do not change.
    hash: Mutex<Option<String>>,
}

/// Why there is no answer of the kind that was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// None, or one of something in between.
    Unreachable,
    /// The server said no: the problem's JSON, and what it means.
    Refused { problem: Value, status: u16 },
}

/// What the query says beyond the hello.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) route: &'static str,
    pub(super) cursor: &'static str,
    pub(super) wait: Option<u64>,
    pub(super) media: &'static str,
}

impl Http {
    pub(super) fn new(base: &str, compression: bool) -> Result<Self, ClientError> {
        let client = Client::builder().connect_timeout(CONNECT_TIME_MAX).tcp_nodelay(true).gzip(compression).build();
        let client = client.map_err(|_| ClientError::BadUrl { url: base.to_owned() })?;
        Ok(Self { client, base: format!("{base}/api/sync"), compression, hash: Mutex::default() })
    }

    /// The answer to a stream's request. A list of shapes that the server forgot is sent again, once.
    pub(super) async fn stream(&self, hello: &Hello, wanted: Wanted) -> Result<Response, Failure> {
        match self.try_stream(hello, wanted).await {
            Err(failure) if failure.is(Code::UnknownShapes) => {
                *self.hash() = None;
                self.try_stream(hello, wanted).await
            }
            answer => answer,
        }
    }

    /// The text of the results.
    pub(super) async fn batch(&self, token: Option<&str>, body: String) -> Result<String, Failure> {
        let answer = self.post("batch", token, body).await?;
        text(answer, FRAME_BYTES_MAX).await
    }

    async fn try_stream(&self, hello: &Hello, wanted: Wanted) -> Result<Response, Failure> {
        let hash = self.shapes(hello).await?;
        let mut url = format!("{}/{}?protocol={PROTOCOL}&shapes={hash}", self.base, wanted.route);
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                url.extend(["&", name, "=", value]);
            }
        };
        // All of it is of letters, digits, - and _, so nothing has to be escaped.
        add("device", Some(hello.device.as_str()));
        add("acked", Some(&hello.acked.0.to_string()));
        add("schema", hello.schema.map(|version| version.to_string()).as_deref());
        add("load", hello.load.as_deref());
        add(wanted.cursor, hello.cursor.as_deref());
        add("wait", wanted.wait.map(|seconds| seconds.to_string()).as_deref());
        add("compress", (!self.compression).then_some("0"));
        let request = self.client.get(url).header("accept", wanted.media);
        let request = match wanted.wait {
            Some(seconds) => request.timeout(ANSWER_TIME_MAX + Duration::from_secs(seconds)),
            None => request,
        };
        let answer = send(request, hello.token.as_deref()).await?;
        if is_media(answer.headers(), wanted.media) { Ok(answer) } else { Err(Failure::Unreachable) }
    }

    async fn shapes(&self, hello: &Hello) -> Result<String, Failure> {
        if let Some(hash) = self.hash().clone() {
            return Ok(hash);
        }
        let shapes = Value::List(hello.shapes.iter().map(Shape::to_value).collect());
        let body = Value::Object([("shapes".into(), shapes)].into_iter().collect()).canonical();
        let answer = text(self.post("shapes", hello.token.as_deref(), body).await?, ANSWER_BYTES_MAX as usize).await?;
        let hash = match parse(&answer) {
            Ok(Value::Object(members)) => members.get("hash").and_then(Value::as_text).map(str::to_owned),
            Ok(_) | Err(_) => None,
        };
        let hash = hash.ok_or(Failure::Unreachable)?;
        *self.hash() = Some(hash.clone());
        Ok(hash)
    }

    async fn post(&self, route: &str, token: Option<&str>, body: String) -> Result<Response, Failure> {
        let request = self.client.post(format!("{}/{route}", self.base)).body(body).timeout(ANSWER_TIME_MAX);
        send(request.header(CONTENT_TYPE, "application/json"), token).await
    }

    fn hash(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.hash.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    pub(super) fn is(&self, code: Code) -> bool {
        self.code() == Some(code.as_str())
    }

    /// The frame that stands for it, and the code of the close behind that.
    pub(super) fn told(&self) -> (Option<String>, Option<u16>) {
        match self {
            Self::Unreachable => (None, None),
            Self::Refused { problem, status } => {
                let frame = Value::Object([("problem".into(), problem.clone())].into_iter().collect()).canonical();
                (Some(frame), Close::of_status(*status).map(Close::code))
            }
        }
    }

    /// The same may be good in a moment.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
        }
    }

    fn code(&self) -> Option<&str> {
        let Self::Refused { problem: Value::Object(problem), .. } = self else { return None };
        problem.get("code").and_then(Value::as_text)
    }
}

async fn send(request: RequestBuilder, token: Option<&str>) -> Result<Response, Failure> {
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let answer = request.send().await.map_err(unreachable)?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    if !is_media(answer.headers(), PROBLEM) {
        return Err(Failure::Unreachable);
    }
    let problem = parse(&text(answer, ANSWER_BYTES_MAX as usize).await?).map_err(|_| Failure::Unreachable)?;
    Err(Failure::Refused { problem, status })
}

/// A whole body, up to a size.
pub(super) async fn text(mut answer: Response, bytes_max: usize) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > bytes_max {
            return Err(Failure::Unreachable);
        }
    }
    String::from_utf8(bytes).map_err(|_| Failure::Unreachable)
}

pub(super) fn is_media(headers: &HeaderMap, media: &str) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(media.as_bytes()))
}

fn unreachable(error: reqwest::Error) -> Failure {
    tracing::debug!(error = %error, "no answer");
    Failure::Unreachable
}
