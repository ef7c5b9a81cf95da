//! The one question that rusqlite has no safe call for.
#![allow(unsafe_code)]

use rusqlite::{Connection, ffi};

/// True when this transaction has violated foreign keys that only its commit would check.
pub(crate) fn has_deferred_violations(conn: &Connection) -> bool {
    let (mut current, mut highest) = (0, 0);
    // SAFETY: the handle belongs to `conn`, which is open as long as it is borrowed and is used by this thread only;
    // the two pointers are to live integers; the call neither keeps them nor closes the handle.
    let code = unsafe {
        ffi::sqlite3_db_status(conn.handle(), ffi::SQLITE_DBSTATUS_DEFERRED_FKS, &raw mut current, &raw mut highest, 0)
    };
    // SQLite knows this question since 3.8; if it did not answer, the commit still would.
    code == ffi::SQLITE_OK && current != 0
}
