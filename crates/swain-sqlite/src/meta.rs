//! Swain's own tables, and the few values that are kept by name.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, ToSql};

use crate::failure::Failure;
use crate::shape_lists;

/// The layout of the tables below. A database with a newer one is refused.
const FORMAT: i64 = 2;

/// Changes are numbered by position and place in it, so that a range of positions is a range of ids.
pub(crate) const CHANGE_ID_BITS: u32 = 24;

/// `swain_positions` is log and ledger in one: a decided mutation is a position. `at` of a device is when it was last
/// seen. AUTOINCREMENT is not used because
/// `sqlite_sequence` could not be dropped again; positions never shrink, so nothing is used twice.
const TABLES: &str = "
    CREATE TABLE swain_positions (
        pos INTEGER PRIMARY KEY, tag INTEGER NOT NULL, at INTEGER NOT NULL, kind INTEGER NOT NULL,
        user TEXT, device TEXT, n INTEGER, content TEXT, result TEXT);
    CREATE UNIQUE INDEX swain_positions_device ON swain_positions (device, n) WHERE device IS NOT NULL;

    CREATE TABLE swain_changes (
        id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, key TEXT NOT NULL, before TEXT, after TEXT);
    CREATE INDEX swain_changes_row ON swain_changes (tbl, key);

    CREATE TABLE swain_scopes (
        tbl TEXT NOT NULL, col TEXT NOT NULL, value TEXT NOT NULL, change INTEGER NOT NULL,
        PRIMARY KEY (tbl, col, value, change)) WITHOUT ROWID;

    CREATE TABLE swain_devices (
        device TEXT PRIMARY KEY, user TEXT, last INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;

    CREATE TABLE swain_capture (id INTEGER PRIMARY KEY, tbl, kind);

    CREATE TABLE swain_schema (version INTEGER PRIMARY KEY, hash TEXT NOT NULL, tables TEXT NOT NULL);

    CREATE TABLE swain_persons (
        id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL,
        password_hash TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE swain_refresh (
        hash TEXT PRIMARY KEY, family TEXT NOT NULL, user TEXT NOT NULL, expires INTEGER NOT NULL, used INTEGER
        ) WITHOUT ROWID;
    CREATE INDEX swain_refresh_family ON swain_refresh (family);
    CREATE INDEX swain_refresh_expires ON swain_refresh (expires);
";

/// What each format has that the one before it does not; the first of these makes format 2.
const STEPS: &[&str] = &[
    // What keys stand for that devices proposed (spec S18). One row for each key of a device, for as long as the device.
    "CREATE TABLE swain_aliases (
        device TEXT NOT NULL, tbl TEXT NOT NULL, proposed TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (device, tbl, proposed)) WITHOUT ROWID;
     CREATE INDEX swain_aliases_n ON swain_aliases (device, n);",
];

/// What came later, and is nothing that an older program would stumble over.
const ADDED: &str = "
    CREATE INDEX IF NOT EXISTS swain_devices_seen ON swain_devices (at);
    CREATE TABLE IF NOT EXISTS swain_actor (id INTEGER PRIMARY KEY, actor TEXT);
";

/// Columns that came later, by table.
const ADDED_COLUMNS: [(&str, &str); 5] = [
    ("swain_changes", "actor"),
    ("swain_capture", "total"),
    ("swain_persons", "verified"),
    ("swain_refresh", "begun"),
    ("swain_refresh", "agent"),
];

/// How the database was kept before Swain came.
pub(crate) const FOUND_JOURNAL_MODE: &str = "found_journal_mode";

/// True when Swain has been here.
pub(crate) fn is_there(conn: &Connection) -> Result<bool, Failure> {
    Ok(conn.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'swain_meta'")?.exists([])?)
}

/// Makes or checks Swain's tables, inside a write transaction.
pub(crate) fn migrate(conn: &Connection, draw_epoch: impl FnOnce() -> String) -> Result<(), Failure> {
    conn.execute_batch("CREATE TABLE IF NOT EXISTS swain_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID")?;
    match get::<i64>(conn, "format")? {
        Some(FORMAT) => {}
        Some(format @ 1..FORMAT) => take_steps(conn, format)?,
        Some(format) => {
            return Err(Failure::unusable(format!(
                "the database has format {format} of Swain's tables, this program knows {FORMAT}: use a newer program"
            )));
        }
        None => {
            conn.execute_batch(TABLES)?;
            set(conn, "epoch", draw_epoch())?;
            set(conn, "floor", 0)?;
            take_steps(conn, 1)?;
        }
    }
    // These came later, and are nothing that an older program would stumble over.
    conn.execute_batch(shape_lists::TABLE)?;
    conn.execute_batch("CREATE INDEX IF NOT EXISTS swain_devices_seen ON swain_devices (at)")?;
    conn.execute_batch(ADDED)?;
    for (table, column) in ADDED_COLUMNS {
        let there = conn.prepare("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")?.exists([table, column])?;
        if !there {
            conn.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {column}"))?;
        }
    }
    Ok(())
}

/// From an older format to the present one; all of it or nothing, in the transaction of the start.
fn take_steps(conn: &Connection, from: i64) -> Result<(), Failure> {
    for (_, step) in (1..FORMAT).zip(STEPS).filter(|(format, _)| *format >= from) {
        conn.execute_batch(step)?;
    }
    set(conn, "format", FORMAT)
}

pub(crate) fn get<T: FromSql>(conn: &Connection, name: &str) -> Result<Option<T>, Failure> {
    let mut statement = conn.prepare_cached("SELECT value FROM swain_meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn set(conn: &Connection, name: &str, value: impl ToSql) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached("INSERT OR REPLACE INTO swain_meta (name, value) VALUES (?1, ?2)")?;
    statement.execute(rusqlite::params![name, value])?;
    Ok(())
}
