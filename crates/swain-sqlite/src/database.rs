//! The writer's connection, with what it knows of the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use swain_core::strict_json::parse;
use swain_core::{Change, Millis, Pos, Tag, Who};
use swain_store::LedgerRow;

use crate::adopted::Adopted;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::log::{self, Changes, Entry};
use crate::sequence::{Actors, Captured};
use crate::{meta, predicate};

/// Older versions can reset a WAL that another process still reads.
const VERSION_MIN: i32 = 3_051_003;

/// How long a writer waits for another program's transaction.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// The hot path has about a dozen statements, and a few for each table.
const STATEMENTS_MAX: usize = 256;

/// What a connection may do.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Access {
    Write,
    Read,
}

/// The writer's connection.
pub(crate) struct Database {
    pub(crate) conn: Connection,
    pub(crate) layout: Arc<Layout>,
    /// The newest position, those of the open transaction included.
    pub(crate) head: Pos,
    random: Box<dyn FnMut() -> u64 + Send>,
    pub(crate) adopted: Adopted,
}

/// Opens a connection; without a path the database is in memory and nobody else's.
pub(crate) fn connect(path: Option<&Path>, access: Access) -> Result<Connection, Failure> {
    if rusqlite::version_number() < VERSION_MIN {
        return Err(Failure::unusable(format!("SQLite {} is too old: 3.51.3 is needed", rusqlite::version())));
    }
    let conn = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    conn.busy_timeout(BUSY_MAX)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // recursive_triggers stays off: on, it breaks every table with an unguarded updated_at trigger.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA recursive_triggers = OFF; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;
         PRAGMA cell_size_check = ON;",
    )?;
    if access == Access::Read {
        conn.execute_batch("PRAGMA query_only = ON")?;
    }
    predicate::register(&conn)?;
    Ok(conn)
}

/// How the file was kept before Swain came; `detach` brings it back.
fn journal_mode_of(path: &Path) -> Result<String, Failure> {
    let conn = Connection::open(path)?;
    conn.busy_timeout(BUSY_MAX)?;
    Ok(conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))?)
}

impl Database {
    pub(crate) fn open(path: Option<&Path>, mut random: Box<dyn FnMut() -> u64 + Send>) -> Result<Self, Failure> {
        let found = path.map(journal_mode_of).transpose()?;
        let conn = connect(path, Access::Write)?;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let is_new = !meta::is_there(&conn)?;
        meta::migrate(&conn, || format!("{:016x}{:016x}", random(), random()))?;
        if let Some(found) = found.filter(|_| is_new) {
            meta::set(&conn, meta::FOUND_JOURNAL_MODE, found)?;
        }
        conn.execute_batch("COMMIT")?;
        let stored: Option<String> = meta::get(&conn, "layout")?;
        let layout = match stored {
            Some(text) => parse(&text).ok().as_ref().and_then(Layout::from_value),
            None => Layout::of(&swain_core::Schema::default()).ok(),
        };
        let layout = layout.ok_or_else(|| Failure::internal("the stored layout of the tables cannot be read"))?;
        let head = log::head(&conn)?.pos;
        let adopted = Adopted::read(&conn)?;
        Ok(Self { conn, layout: Arc::new(layout), head, random, adopted })
    }

    /// Begins a write transaction. Another process may have given positions since the last one, or changed the tables.
    pub(crate) fn begin(&mut self) -> Result<(), Failure> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.head = log::head(&self.conn)?.pos;
        self.adopted.look(&self.conn, &self.layout)
    }

    /// Durable when this returns.
    pub(crate) fn commit(&mut self) -> Result<(), Failure> {
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Ends a transaction that failed, unless SQLite has ended it already.
    pub(crate) fn rollback(&mut self) {
        if !self.conn.is_autocommit() {
            // If even this fails the next BEGIN fails, and that is reported.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// Gives a position to what was captured before this transaction wrote anything: it came from outside.
    pub(crate) fn sequence_outside(&mut self, now: Millis) -> Result<(), Failure> {
        let Some(captured) = Captured::look(&self.conn)? else { return Ok(()) };
        let actors = Actors::take(&self.conn)?;
        let who = Who::Outside { actor: actors.only().cloned() };
        let Self { conn, layout, head, random, adopted } = self;
        let mut open: Option<Changes<'_>> = None;
        captured.take(conn, layout, &adopted.held, &actors, |change| {
            if let Some(full) = open.take_if(|changes| changes.is_full()) {
                close(conn, head, random, full.pos, now, &who, None)?;
            }
            open.get_or_insert_with(|| Changes::of(conn, layout, head.next())).append(&change)
        })?;
        if let Some(changes) = open {
            close(conn, head, random, changes.pos, now, &who, None)?;
        }
        Ok(())
    }

    /// Gives a position to everything captured since the last one.
    pub(crate) fn sequence(&mut self, who: &Who, now: Millis, row: &LedgerRow) -> Result<(), Failure> {
        let Self { conn, layout, head, random, adopted } = self;
        let mut changes = Changes::of(conn, layout, head.next());
        if let Some(captured) = Captured::look(conn)? {
            captured.take(conn, layout, &adopted.held, &Actors::default(), |change| changes.append(&change))?;
        }
        close(conn, head, random, changes.pos, now, who, Some(row))
    }

    /// Writes the next position, of changes that no trigger has noted.
    pub(crate) fn append(&mut self, who: &Who, at: Millis, changes: &[Change]) -> Result<(), Failure> {
        let Self { conn, layout, head, random, .. } = self;
        let mut writer = Changes::of(conn, layout, head.next());
        changes.iter().try_for_each(|change| writer.append(change))?;
        close(conn, head, random, writer.pos, at, who, None)
    }
}

/// Writes a position whose changes are written.
fn close(
    conn: &Connection,
    head: &mut Pos,
    random: &mut (dyn FnMut() -> u64 + Send),
    pos: Pos,
    at: Millis,
    who: &Who,
    decided: Option<&LedgerRow>,
) -> Result<(), Failure> {
    #[expect(clippy::cast_possible_truncation, reason = "a tag is 32 of the random bits")]
    let tag = Tag(random() as u32);
    log::append_position(conn, &Entry { pos, tag, at, who, decided })?;
    *head = pos;
    Ok(())
}
