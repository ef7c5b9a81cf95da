//! The log: reading parts of it.

mod find;
mod history;
mod read;

pub(crate) use history::history;
pub(crate) use read::{Request, acked, count, head, page, read_image, read_who, tag};

/// A counter for PostgreSQL, whose integers are signed; one beyond its range is as good as the end of it.
pub(crate) fn signed(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

/// A counter that Swain wrote.
pub(crate) fn unsigned(integer: i64) -> u64 {
    integer.cast_unsigned()
}

/// A limit for PostgreSQL.
pub(crate) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
