//! Wake-up between writers and those who read the log.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use swain_core::Pos;

/// Carries the hint "position n exists". A hint may be lost or doubled; who hears it reads the log.
pub trait Bus: Send + Sync {
    /// Says that the log has got to `head`. Called after the commit is durable.
    fn announce(&self, head: Pos);

    /// Waits until the log has got beyond `after`, as far as this bus has heard; gives the head.
    fn beyond(&self, after: Pos) -> impl Future<Output = Pos> + Send;
}

/// The bus of one process.
#[derive(Debug, Default)]
pub struct LocalBus {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    head: Pos,
    wakers: Vec<Waker>,
}

impl LocalBus {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for LocalBus {
    fn announce(&self, head: Pos) {
        let wakers = {
            let mut state = self.state();
            state.head = state.head.max(head);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn beyond(&self, after: Pos) -> impl Future<Output = Pos> + Send {
        Beyond { bus: self, after }
    }
}

struct Beyond<'a> {
    bus: &'a LocalBus,
    after: Pos,
}

impl Future for Beyond<'_> {
    type Output = Pos;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Pos> {
        let mut state = self.bus.state();
        if state.head > self.after {
            return Poll::Ready(state.head);
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}
