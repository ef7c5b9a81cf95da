//! Coming to a database that lives already, and leaving it as it was found (spec S15).

use std::fmt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use swain_core::Name;
use swain_store::StoreError;

use crate::failure::Failure;
use crate::introspect::known_type;
use crate::layout::quote;
use crate::lock::ServerLock;
use crate::meta;

/// How long another program's transaction is waited for.
const BUSY_MAX: Duration = Duration::from_secs(2);

/// What Swain finds in a database. Looking changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Every table and view that is not Swain's own, by name.
    pub tables: Vec<Surveyed>,
    /// How the file is kept now; Swain needs `wal`.
    pub journal_mode: String,
    /// Swain's own tables are in it.
    pub is_attached: bool,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Its name.
    pub name: Name,
    /// Why it cannot be synced; none when it can.
    pub left_out: Option<LeftOut>,
    /// What somebody should know who syncs it.
    pub remarks: Vec<Remark>,
}

/// Why something is not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// A table without a PRIMARY KEY: its rows have no names.
    NoKey,
    /// A view.
    View,
    /// A virtual table.
    Virtual,
    /// What a virtual table keeps its rows in.
    Shadow,
}

/// Something about a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The database computes it: devices read it and never set it.
    Generated(Name),
    /// Its declared type says nothing: it is treated as text.
    UnknownType {
        /// The column.
        column: Name,
        /// What is declared; may be empty.
        declared: String,
    },
}

/// What was left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detached {
    /// How the file is kept now.
    pub journal_mode: String,
    /// False when nobody had noted how it was found, so that it stayed as it is.
    pub mode_was_known: bool,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey => "it has no PRIMARY KEY",
            Self::View => "it is a view",
            Self::Virtual => "it is a virtual table",
            Self::Shadow => "a virtual table keeps its rows in it",
        })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generated(column) => write!(f, "{column} is computed by the database and only read"),
            Self::UnknownType { column, declared } => {
                write!(f, "{column} is treated as text: its type '{declared}' says nothing")
            }
        }
    }
}

/// Says what Swain would sync of a database, and what not and why.
pub fn survey(path: impl AsRef<Path>) -> Result<Survey, StoreError> {
    Ok(look(path.as_ref())?)
}

/// Takes everything of Swain out of a database: triggers, tables, and the way the file is kept. Refused while anybody else
/// has it open. What the application's tables hold stays, and so does all that their owner set.
pub fn detach(path: impl AsRef<Path>) -> Result<Detached, StoreError> {
    Ok(leave(path.as_ref())?)
}

fn look(path: &Path) -> Result<Survey, Failure> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(BUSY_MAX)?;
    let sql = "SELECT name, type FROM pragma_table_list
               WHERE schema = 'main' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'swain_*' ORDER BY name";
    let mut statement = conn.prepare(sql)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, String)> = found.collect::<Result<_, _>>()?;
    let tables = found.into_iter().map(|(name, kind)| surveyed(&conn, &name, &kind)).collect::<Result<_, _>>()?;
    let journal_mode = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    Ok(Survey { tables, journal_mode, is_attached: meta::is_there(&conn)? })
}

fn surveyed(conn: &Connection, name: &str, kind: &str) -> Result<Surveyed, Failure> {
    let left_out = match kind {
        "view" => Some(LeftOut::View),
        "virtual" => Some(LeftOut::Virtual),
        "shadow" => Some(LeftOut::Shadow),
        _ => None,
    };
    let mut surveyed = Surveyed { name: name.into(), left_out, remarks: Vec::new() };
    if left_out.is_some() {
        return Ok(surveyed);
    }
    let mut has_key = false;
    let mut statement = conn.prepare("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid")?;
    let mut columns = statement.query([name])?;
    while let Some(column) = columns.next()? {
        let (name, declared, place, hidden): (String, String, i64, i64) =
            (column.get(0)?, column.get(1)?, column.get(2)?, column.get(3)?);
        has_key |= place > 0;
        // 2: VIRTUAL, 3: STORED.
        if matches!(hidden, 2 | 3) {
            surveyed.remarks.push(Remark::Generated(name.as_str().into()));
        }
        if known_type(&declared).is_none() {
            surveyed.remarks.push(Remark::UnknownType { column: name.as_str().into(), declared });
        }
    }
    surveyed.left_out = (!has_key).then_some(LeftOut::NoKey);
    Ok(surveyed)
}

fn leave(path: &Path) -> Result<Detached, Failure> {
    if !path.exists() {
        return Err(Failure::unusable(format!("there is no database {}", path.display())));
    }
    let lock = ServerLock::take(path).map_err(|error| Failure::unusable(error.to_string()))?;
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(BUSY_MAX)?;
    // With the first read it fails when anybody else has the file open.
    conn.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    conn.execute_batch("BEGIN EXCLUSIVE").map_err(in_use)?;
    if !meta::is_there(&conn)? {
        return Err(Failure::unusable(format!("{} has nothing of Swain in it", path.display())));
    }
    let found: Option<String> = meta::get(&conn, meta::FOUND_JOURNAL_MODE)?;
    drop_all(&conn)?;
    conn.execute_batch("COMMIT")?;
    let mode_was_known = found.is_some();
    if let Some(found) = found {
        conn.query_row(&format!("PRAGMA journal_mode = {}", quote(&found)), [], |_| Ok(()))?;
    }
    let journal_mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    conn.close().map_err(|(_, error)| error)?;
    if journal_mode != "wal" {
        remove_index(path);
    }
    lock.remove();
    Ok(Detached { journal_mode, mode_was_known })
}

/// Whoever only looked at the database while it was in WAL mode could not remove its index; now it is nobody's.
fn remove_index(database: &Path) {
    let mut path = database.as_os_str().to_owned();
    path.push("-shm");
    // It is in nobody's way.
    let _ = std::fs::remove_file(path);
}

fn drop_all(conn: &Connection) -> Result<(), Failure> {
    for kind in ["trigger", "table"] {
        let mut statement =
            conn.prepare("SELECT name FROM sqlite_schema WHERE type = ?1 AND name GLOB 'swain_*' ORDER BY name")?;
        let names: Vec<String> = statement.query_map([kind], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for name in names {
            conn.execute_batch(&format!("DROP {kind} {}", quote(&name)))?;
        }
    }
    Ok(())
}

fn in_use(error: rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Failure::unusable("another program has the database open; stop it first")
        }
        _ => error.into(),
    }
}
