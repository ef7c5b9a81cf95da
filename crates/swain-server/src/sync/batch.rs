//! `POST /api/sync/batch`: what a device says whose stream has no messages upward (spec P22).

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use swain_core::Code;
use swain_core::limits::MESSAGE_BYTES_MAX;
use swain_core::protocol::{Results, UpBatch};
use swain_store::Store;

use crate::app::App;
use crate::auth::find_access;
use crate::body::read_json;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::throttle::ThrottleKey;

pub(crate) async fn batch<S: Store>(State(app): State<Arc<App<S>>>, request: Request) -> Result<Response, Refusal> {
    app.admit_http_transport()?;
    let (parts, body) = request.into_parts();
    app.origins.check_form(&parts.headers)?;
    if app.lifecycle.is_draining() {
        let retry = app.lifecycle.draw_return();
        return Err(Refusal::new(Code::Draining, "the server is going down").retry_after(retry));
    }
    let identity = app.identify(find_access(&parts.headers)?.as_deref())?;
    let text = read_json(&parts.headers, body, MESSAGE_BYTES_MAX).await?;
    let UpBatch { device, mutations, presence } = UpBatch::read(&text)?;
    app.auth.admit_request(&device, now())?;
    if !presence.is_empty() {
        app.engine.deliver_presence(&device, identity.auth.user.as_ref(), presence);
        if mutations.is_empty() {
            return Ok(answer(&Results::default()));
        }
    }
    let address = ThrottleKey::address(app.address_of(&parts));
    app.quotas.charge_writes(ThrottleKey::of(&identity.auth, address), mutations.len())?;
    let decided = app.engine.push_batch(identity.auth, device, now(), mutations);
    // A drain waits for it: what was decided is answered.
    let begun = Instant::now();
    let results = app.lifecycle.connections.track_future(decided).await?;
    app.metrics.note_push(&results, begun.elapsed());
    Ok(answer(&results))
}

fn answer(results: &Results) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (headers, results.to_text()).into_response()
}
