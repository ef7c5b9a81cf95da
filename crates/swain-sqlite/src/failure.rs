//! What can go wrong inside this crate, sorted by what the caller can do.

use rusqlite::ErrorCode;
use swain_core::{Code, Problem};
use swain_store::{StoreError, StoreErrorKind, WriteError};

/// An error of SQLite or of this crate, on its way to a [`StoreError`].
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    Store(StoreError),
}

impl Failure {
    pub(crate) fn unusable(message: impl Into<String>) -> Self {
        Self::Store(StoreError::new(StoreErrorKind::Unusable, message))
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Store(StoreError::new(StoreErrorKind::Internal, message))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Sql(error) => {
                let kind = kind(&error);
                // The driver's text names tables and columns, never values.
                StoreError::caused(kind, format!("SQLite: {error}"), error)
            }
        }
    }
}

impl From<Failure> for WriteError {
    fn from(failure: Failure) -> Self {
        Self::Store(failure.into())
    }
}

/// What a device is told about submissions that were not attempted because of this error.
pub(crate) fn not_attempted(error: &StoreError) -> Problem {
    match error.kind() {
        StoreErrorKind::Transient => Problem::new(Code::Transient, "the database is busy; try again"),
        StoreErrorKind::Full => Problem::new(Code::StorageFull, "the server's disk is full"),
        StoreErrorKind::Unusable | StoreErrorKind::BelowFloor | StoreErrorKind::Internal => {
            Problem::new(Code::Internal, "something is wrong with the server's database")
        }
    }
}

fn kind(error: &rusqlite::Error) -> StoreErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
            | ErrorCode::SchemaChanged,
        ) => StoreErrorKind::Transient,
        Some(ErrorCode::NotADatabase | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => StoreErrorKind::Unusable,
        _ if has_moved(error) => StoreErrorKind::Transient,
        _ => StoreErrorKind::Internal,
    }
}

/// Our statements name what was adopted. When it is gone, the schema has just changed, and is adopted anew in a moment.
fn has_moved(error: &rusqlite::Error) -> bool {
    let text = match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        _ => return false,
    };
    text.starts_with("no such column") || text.starts_with("no such table")
}
