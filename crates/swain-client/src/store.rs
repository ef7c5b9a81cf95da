//! Where a device keeps what it must not forget.

use std::sync::{Arc, Mutex, PoisonError};

use swain_core::client::{Batch, StoredDevice};

/// The storage of one device: one server, one user (spec C11).
///
/// `load` is called once, before any `write`. Only one client uses a store at a time.
/// Dropping a `write` half way (the client is closed) leaves each of its batches whole or undone.
pub trait Store: Send + 'static {
    /// Everything that was written; none when nothing ever was.
    fn load(&mut self) -> impl Future<Output = Result<Option<StoredDevice>, StoreError>> + Send;

    /// Writes the batches in order, each in one transaction (spec C3). When this returns, they are durable
    /// if one of them is `strict`; otherwise they become so with the next strict one.
    /// After an error the storage is not used again: the device stops.
    fn write(&mut self, batches: Vec<Batch>) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The storage failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StoreError {
    /// What was being done.
    pub what: String,
    /// Why it failed.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A store in memory: for tests, benches, and clients that need nothing after they end.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    stored: Option<Arc<Mutex<StoredDevice>>>,
}

impl MemoryStore {
    /// A store that a later client can go on from: clones share what is stored.
    pub fn kept() -> Self {
        Self { stored: Some(Arc::default()) }
    }

    /// What a client would find now.
    pub fn stored(&self) -> Option<StoredDevice> {
        let stored = self.stored.as_ref()?;
        let stored = stored.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stored.meta.is_some().then_some(stored)
    }
}

impl Store for MemoryStore {
    async fn load(&mut self) -> Result<Option<StoredDevice>, StoreError> {
        Ok(self.stored())
    }

    async fn write(&mut self, batches: Vec<Batch>) -> Result<(), StoreError> {
        // The device holds everything in memory itself; a second copy is kept only for somebody who comes later.
        if let Some(stored) = &self.stored {
            let mut stored = stored.lock().unwrap_or_else(PoisonError::into_inner);
            batches.into_iter().for_each(|batch| stored.apply(batch));
        }
        Ok(())
    }
}
