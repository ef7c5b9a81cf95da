//! Is the process there, and can it work?

use std::sync::Arc;

use axum::extract::State;
use swain_core::{Code, Millis};
use swain_store::Store;

use crate::app::App;
use crate::limits::FOLLOWER_AGE_MS_MAX;
use crate::refusal::Refusal;

/// `GET /healthz`: the process answers. No input or output, so that a slow disk does not get it killed.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the store answers, the log is followed, and the server is not going down.
pub(crate) async fn ready<S: Store>(State(app): State<Arc<App<S>>>) -> Result<&'static str, Refusal> {
    if app.lifecycle.is_draining() {
        return Err(Refusal::new(Code::Draining, "the server is going down"));
    }
    if app.pulse.age() > Millis(FOLLOWER_AGE_MS_MAX) {
        return Err(Refusal::new(Code::Transient, "the log has not been read for a while"));
    }
    app.engine.store().head().await?;
    Ok("ready\n")
}
