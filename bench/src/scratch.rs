//! Bare SQLite: the server's table, triggers, pragmas and durability, and nobody who sequences or sends anything.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use swain_server::now;
use tempfile::TempDir;

use crate::load::{INSERT_SQL, NOTE, STATE, TITLE};
use crate::serve::engine;

pub(crate) struct Scratch {
    conn: Connection,
    rows: u64,
    /// Goes after the connection.
    _folder: TempDir,
}

impl Scratch {
    pub(crate) async fn create() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        drop(engine(folder.path(), now()).await?);
        let conn = connect(&folder.path().join("bench.db"))?;
        Ok(Self { conn, rows: 0, _folder: folder })
    }

    /// Rows a second, so many in each transaction.
    pub(crate) fn rows_per_second(&mut self, rows: u64, time: Duration) -> anyhow::Result<f64> {
        let (begun, first) = (Instant::now(), self.rows);
        while begun.elapsed() < time {
            self.transaction(rows)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a measure")]
        let count = (self.rows - first) as f64;
        Ok(count / begun.elapsed().as_secs_f64())
    }

    fn transaction(&mut self, rows: u64) -> anyhow::Result<()> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..rows {
            self.rows += 1;
            let key = format!("bench-{}", self.rows);
            self.conn.prepare_cached(INSERT_SQL)?.execute(params![key, TITLE, STATE, 15, NOTE])?;
        }
        // What the triggers noted is taken out, as the server does.
        self.conn.prepare_cached("DELETE FROM swain_capture")?.execute([])?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

fn connect(path: &Path) -> anyhow::Result<Connection> {
    let conn = Connection::open(path)?;
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    Ok(conn)
}
