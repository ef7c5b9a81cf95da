//! What can go wrong inside this crate, sorted by what the caller can do.

use deadpool_postgres::{HookError, PoolError};
use swain_core::{Code, Problem};
use swain_store::{StoreError, StoreErrorKind, WriteError};
use tokio_postgres::error::SqlState;

/// An error of PostgreSQL or of this crate, on its way to a [`StoreError`].
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(tokio_postgres::Error),
    Store(StoreError),
}

/// The database was restored: its transaction numbers went backwards. Raised by the sequencer.
pub(crate) const RESTORED: &str = "SW001";

impl Failure {
    pub(crate) fn unusable(message: impl Into<String>) -> Self {
        Self::Store(StoreError::new(StoreErrorKind::Unusable, message))
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Store(StoreError::new(StoreErrorKind::Internal, message))
    }

    pub(crate) fn transient(message: impl Into<String>) -> Self {
        Self::Store(StoreError::new(StoreErrorKind::Transient, message))
    }

    /// PostgreSQL's code, if it was PostgreSQL that said no.
    pub(crate) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Sql(error) => error.code(),
            Self::Store(_) => None,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Self::Sql(error),
            other => Self::Store(StoreError::caused(
                StoreErrorKind::Transient,
                format!("no connection to PostgreSQL: {other}"),
                other,
            )),
        }
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
                let message = match error.as_db_error() {
                    // The text of the server names tables and columns; the detail may name values and stays here.
                    Some(answer) => format!("PostgreSQL: {} ({})", answer.message(), answer.code().code()),
                    None => format!("PostgreSQL: {error}"),
                };
                StoreError::caused(kind(error.code()), message, error)
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

/// The mutation was not at fault, and may go through when it is tried again at once: a deadlock, or a serialization
/// failure that the application's own functions can raise.
pub(crate) fn is_retryable(code: Option<&SqlState>) -> bool {
    code.is_some_and(|code| code.code().starts_with("40"))
}

fn kind(code: Option<&SqlState>) -> StoreErrorKind {
    // Without a code the connection broke.
    let Some(code) = code else { return StoreErrorKind::Transient };
    match code.code() {
        // Disk full; too many connections and out of memory are the other two that people meet.
        "53100" => StoreErrorKind::Full,
        // A role, a password, a database or a privilege that is not there.
        "28000" | "28P01" | "3D000" | "42501" | "0LP01" | "25006" => StoreErrorKind::Unusable,
        // Connection, transaction rollback, resources, not now (locks, starting, shutting down), the machine.
        code if ["08", "40", "53", "55", "57", "58"].contains(&&code[..2]) => StoreErrorKind::Transient,
        RESTORED => StoreErrorKind::Transient,
        _ => StoreErrorKind::Internal,
    }
}
