//! The body of a request: JSON, read within a size and a time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use swain_core::Code;
use tokio::time::timeout;

use crate::limits::BODY_MS_MAX;
use crate::refusal::Refusal;

/// The text of a JSON body.
pub(crate) async fn read_json(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<String, Refusal> {
    check_media(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let read = to_bytes(body, bytes_max);
    let Ok(read) = timeout(Duration::from_millis(BODY_MS_MAX), read).await else {
        return Err(Refusal::new(Code::MalformedJson, "the body did not come in time"));
    };
    let bytes = read.map_err(|_| too_large(bytes_max))?;
    String::from_utf8(bytes.into()).map_err(|_| Refusal::new(Code::MalformedJson, "the body is not UTF-8"))
}

/// Only scripts can send JSON, so a form of another site is out.
fn check_media(headers: &HeaderMap) -> Result<(), Refusal> {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media = media.and_then(|media| media.split(';').next()).unwrap_or_default();
    if media.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "send application/json";
    Err(Refusal::new(Code::UnsupportedMedia, detail))
}

fn too_large(bytes_max: usize) -> Refusal {
    let detail = format!("a body is at most {bytes_max} bytes");
    Refusal::new(Code::LimitMessageBytes, detail)
}
