//! Copies what the WAL holds into the database file, beside the writer instead of in it.
//!
//! SQLite does it within the commit that finds the WAL long, and everybody waits for the disk meanwhile. A PASSIVE checkpoint
//! on a connection of its own holds up nobody. It cannot shorten a WAL that is being written to, so the writer keeps its
//! own, for when the WAL is very long; little is left to copy then.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use crate::database::{Access, connect};
use crate::failure::Failure;

/// How often the WAL is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Pages that wait in the WAL before they are copied: as many as SQLite's own limit.
const PAGES_MIN: i64 = 1000;
/// Pages in the WAL at which the writer's commit copies the rest and begins the file anew: 64 MB of pages of 4 kB.
const WRITER_PAGES: i64 = 16_000;

/// The connection that copies.
pub(crate) struct Checkpointer {
    conn: Connection,
}

/// Leaves the copying to a [`Checkpointer`], unless it cannot keep up.
pub(crate) fn leave_to_another(writer: &Connection) -> Result<(), Failure> {
    Ok(writer.pragma_update(None, "wal_autocheckpoint", WRITER_PAGES)?)
}

impl Checkpointer {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { conn: connect(Some(path), Access::Write)? })
    }

    /// Runs until the sender is gone.
    pub(crate) fn run(&self, stop: &Receiver<()>) {
        let mut is_failing = false;
        while stop.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            match self.look() {
                Ok(()) => is_failing = false,
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    let error = swain_store::StoreError::from(error);
                    tracing::warn!(error = %error, "the WAL cannot be copied into the database file; will try again");
                }
                Err(_) => {}
            }
        }
    }

    fn look(&self) -> Result<(), Failure> {
        let (all, copied) = self.pragma("NOOP")?;
        if all - copied >= PAGES_MIN {
            self.pragma("PASSIVE")?;
        }
        Ok(())
    }

    /// The pages in the WAL, and how many of them the file has.
    fn pragma(&self, mode: &str) -> Result<(i64, i64), Failure> {
        let mut statement = self.conn.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
        Ok(statement.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    fn written(dir: &TempDir, rows: u32) -> (PathBuf, Connection) {
        let path = dir.path().join("app.db");
        let writer = connect(Some(&path), Access::Write).unwrap();
        leave_to_another(&writer).unwrap();
        writer.execute_batch("CREATE TABLE page (id INTEGER PRIMARY KEY, text TEXT)").unwrap();
        for _ in 0..rows {
            writer.execute("INSERT INTO page (text) VALUES (hex(zeroblob(2000)))", []).unwrap();
        }
        (path, writer)
    }

    #[test]
    fn a_long_wal_is_copied_while_the_writer_has_it_open() {
        let dir = TempDir::new().unwrap();
        let (path, _writer) = written(&dir, 1000);
        let checkpointer = Checkpointer::open(&path).unwrap();
        let (all, copied) = checkpointer.pragma("NOOP").unwrap();
        assert!(all >= PAGES_MIN && copied == 0, "the writer has not copied: {copied} of {all}");

        checkpointer.look().unwrap();

        assert_eq!(checkpointer.pragma("NOOP").unwrap(), (all, all));
    }

    #[test]
    fn a_short_wal_waits() {
        let dir = TempDir::new().unwrap();
        let (path, _writer) = written(&dir, 10);
        let checkpointer = Checkpointer::open(&path).unwrap();

        checkpointer.look().unwrap();

        let (all, copied) = checkpointer.pragma("NOOP").unwrap();
        assert!(all > 0 && copied == 0, "{copied} of {all}");
    }
}
