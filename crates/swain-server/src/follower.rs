//! Brings the log to the sessions: at once when the bus says so, and every second in any case.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use swain_core::Millis;
use swain_engine::Engine;
use swain_store::{Bus, Store, StoreError};

use crate::clock::now;
use crate::lifecycle::Lifecycle;
use crate::limits::FOLLOW_INTERVAL_MS;

/// When the log was last read without an error.
#[derive(Debug)]
pub(crate) struct Pulse(AtomicU64);

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(now().0))
    }

    fn beat(&self) {
        self.0.store(now().0, Ordering::Relaxed);
    }

    pub(crate) fn age(&self) -> Millis {
        now().since(Millis(self.0.load(Ordering::Relaxed)))
    }
}

/// Follows until the server has ended.
pub(crate) async fn follow<S: Store>(engine: Arc<Engine<S>>, pulse: Arc<Pulse>, lifecycle: Arc<Lifecycle>) {
    let interval = Duration::from_millis(FOLLOW_INTERVAL_MS);
    let mut health = Health::Good;
    loop {
        let wait = async {
            match health {
                // A hint about a log that cannot be read is no reason to hurry.
                Health::Bad => tokio::time::sleep(interval).await,
                Health::Good => {
                    let news = engine.store().bus().beyond(engine.position());
                    let _ = tokio::time::timeout(interval, news).await;
                }
            }
        };
        tokio::select! {
            () = lifecycle.ended.cancelled() => return,
            () = wait => {}
        }
        let mut followed = engine.follow().await;
        if engine.is_stale() {
            followed = followed.and(renew(&engine).await);
        }
        if followed.is_ok() {
            pulse.beat();
        }
        health = health.after(followed);
    }
}

/// Takes over tables that have changed, and says so.
async fn renew<S: Store>(engine: &Engine<S>) -> Result<(), StoreError> {
    let closed = engine.renew(now()).await?;
    tracing::info!(version = engine.catalog().schema.version, "the database's tables have changed and were taken over");
    for (table, why) in closed {
        tracing::error!(
            table = %table,
            "the table is closed, and edits of it wait: change the configuration and start again, or change the table back. {why}"
        );
    }
    engine.follow().await
}

#[derive(Clone, Copy)]
enum Health {
    Good,
    Bad,
}

impl Health {
    /// Says once that the log cannot be read, and once that it can again.
    fn after(self, followed: Result<(), StoreError>) -> Self {
        match (self, followed) {
            (Self::Good, Err(error)) => {
                tracing::error!(error = %error, "the log cannot be read; trying again every second");
                Self::Bad
            }
            (Self::Bad, Ok(())) => {
                tracing::info!("the log can be read again");
                Self::Good
            }
            (health, _) => health,
        }
    }
}
