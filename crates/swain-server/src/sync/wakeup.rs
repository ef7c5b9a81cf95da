//! Wakes the task of a connection from the engine's side.

use std::sync::Arc;
use std::task::{Wake, Waker};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Wakeup(Notify);

impl Wakeup {
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Returns at once when it was woken since the last time.
    pub(super) async fn wait(&self) {
        self.0.notified().await;
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}
