//! Pausing a table: its triggers go, so that anything may be done to it, and devices load it anew afterwards (spec S14).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use swain_core::Name;
use swain_core::strict_json::parse;
use swain_store::StoreError;

use crate::failure::Failure;
use crate::layout::{Layout, quote};
use crate::{capture, meta};

/// How long another program's transaction is waited for.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Stops noting changes of a table until [`resume`], whether a server runs or not; true when it was not paused yet.
/// Devices keep what they have of it, and their edits of it wait.
pub fn pause(path: impl AsRef<Path>, table: &str) -> Result<bool, StoreError> {
    Ok(change(path.as_ref(), table, |conn, name| {
        conn.execute_batch("CREATE TABLE IF NOT EXISTS swain_paused (tbl TEXT PRIMARY KEY) WITHOUT ROWID")?;
        let is_new = conn.execute("INSERT OR IGNORE INTO swain_paused (tbl) VALUES (?1)", [name.as_str()])? > 0;
        capture::remove(conn, name)?;
        Ok(is_new)
    })?)
}

/// Ends a pause; true when there was one. The server, or its next start, notes changes again, and every device that has
/// rows of the table loads it anew: nobody knows what happened to it.
pub fn resume(path: impl AsRef<Path>, table: &str) -> Result<bool, StoreError> {
    Ok(change(path.as_ref(), table, |conn, name| {
        if !has_table(conn)? {
            return Ok(false);
        }
        let was_paused = conn.execute("DELETE FROM swain_paused WHERE tbl = ?1", [name.as_str()])? > 0;
        // A server looks at the tables when SQLite's count of schema changes has moved.
        conn.execute_batch("CREATE TABLE swain_resumed (x); DROP TABLE swain_resumed")?;
        Ok(was_paused)
    })?)
}

/// The tables that are paused.
pub(crate) fn paused(conn: &Connection) -> Result<BTreeSet<Name>, Failure> {
    if !has_table(conn)? {
        return Ok(BTreeSet::new());
    }
    let mut statement = conn.prepare("SELECT tbl FROM swain_paused")?;
    let names = statement.query_map([], |row| Ok(Name::from(row.get_ref(0)?.as_str()?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn has_table(conn: &Connection) -> Result<bool, Failure> {
    Ok(conn.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'swain_paused'")?.exists([])?)
}

fn change(
    path: &Path,
    table: &str,
    work: impl FnOnce(&Connection, &Name) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    if !path.exists() {
        return Err(Failure::unusable(format!("there is no database {}", path.display())));
    }
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(BUSY_MAX)?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    // Dropping the connection undoes what is not committed.
    let changed = work(&conn, &synced(&conn, path, table)?)?;
    conn.execute_batch("COMMIT")?;
    Ok(changed)
}

/// The table as it was adopted.
fn synced(conn: &Connection, path: &Path, table: &str) -> Result<Name, Failure> {
    if !meta::is_there(conn)? {
        return Err(Failure::unusable(format!("{} has nothing of Swain in it", path.display())));
    }
    let layout: Option<String> = meta::get(conn, "layout")?;
    let layout = layout.and_then(|text| parse(&text).ok()).as_ref().and_then(Layout::from_value);
    let layout = layout.ok_or_else(|| Failure::unusable("no table of it was ever served"))?;
    if let Some((name, _)) = layout.tables.get_key_value(table) {
        return Ok(name.clone());
    }
    let names: Vec<String> = layout.tables.keys().map(|name| quote(name)).collect();
    Err(Failure::unusable(format!("'{table}' is not a synced table; there are {}", names.join(", "))))
}
