//! Polling a future that is known to be ready.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The value of a future that never waits: a store that answers at once, inside a writer's thread or a simulation.
///
/// # Panics
/// If the future waits. A store that may wait must not be driven by this.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store that answers at once has waited"),
    }
}
