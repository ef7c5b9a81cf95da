//! Errors of a store, sorted by what the caller can do.

use swain_core::Problem;

/// What a caller can do about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Try the same again after a pause: busy, connection lost, serialisation.
    Transient,
    /// The disk is full: read-only until there is space.
    Full,
    /// The database is not what Swain needs: wrong version, table without a key.
    Unusable,
    /// The log is asked for behind a position that is below the floor.
    BelowFloor,
    /// A bug, or a broken database.
    Internal,
}

/// The database could not do it. Says nothing about the mutation.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error with a sentence.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error of the database's driver.
    pub fn caused(
        kind: StoreErrorKind,
        message: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(Box::new(source)) }
    }

    /// What to do about it.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

/// Why a write to a row did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The mutation is at fault: it would never be valid.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The database is at fault.
    #[error(transparent)]
    Store(#[from] StoreError),
}
