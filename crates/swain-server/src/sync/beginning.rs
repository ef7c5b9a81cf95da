//! A stream over HTTP that cannot begin is an HTTP answer that says no (spec P20).

use swain_core::Code;
use swain_core::protocol::Down;

use crate::refusal::Refusal;

/// The answer for a session that ended before its welcome, by the frame that said why.
pub(super) fn refusal_of(frame: Option<&str>) -> Refusal {
    match frame.map(Down::read) {
        Some(Ok(Down::Problem(problem))) => {
            let waits = matches!(problem.code.status(), 429 | 503);
            let refusal = Refusal::from(problem);
            if waits { refusal.retry_after(swain_core::Millis(1000)) } else { refusal }
        }
        Some(Ok(Down::Goaway(goaway))) => {
            Refusal::new(Code::Draining, "the server is going down").retry_after(goaway.retry)
        }
        Some(_) | None => Refusal::new(Code::Draining, "the server has gone down"),
    }
}
