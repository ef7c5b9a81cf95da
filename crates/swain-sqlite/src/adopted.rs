//! What was adopted, and whether the tables are still that (spec S14).
//!
//! Everything on which capture rests has a signature: the table, its unique keys, our triggers, and whether it is paused.
//! SQLite counts changes of the schema, so that asking costs one number as long as nothing changed. A table with another
//! signature is held: nobody knows which of its changes were noted, or what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use swain_core::strict_json::parse;
use swain_core::{Name, Value, hash_text};

use crate::failure::Failure;
use crate::layout::Layout;
use crate::{capture, meta, pause};

/// By table.
type Signatures = BTreeMap<Name, String>;

const SIGNATURES: &str = "signatures";

/// What the writer knows of the tables. As of the last transaction that it began.
#[derive(Default)]
pub(crate) struct Adopted {
    /// Also of tables that are no longer adopted: what happens to them meanwhile is not noted.
    signatures: Signatures,
    /// Tables that are no longer as they were adopted, or paused: nothing of them is read or written.
    pub(crate) held: BTreeSet<Name>,
    /// SQLite's count of schema changes at the last look.
    schema_version: Option<i64>,
    /// For those who do not hold the writer: tables have to be adopted again.
    has_drifted: Arc<AtomicBool>,
}

impl Adopted {
    /// As of the last start.
    pub(crate) fn read(conn: &Connection) -> Result<Self, Failure> {
        let stored: Option<String> = meta::get(conn, SIGNATURES)?;
        let stored = stored.and_then(|text| parse(&text).ok());
        let signatures = match stored {
            Some(Value::Object(members)) => members
                .into_iter()
                .filter_map(|(name, signature)| Some((Name::from(name), signature.as_text()?.to_owned())))
                .collect(),
            _ => Signatures::new(),
        };
        Ok(Self { signatures, ..Self::default() })
    }

    pub(crate) fn drift(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_drifted)
    }

    /// True when the schema of the database has changed in any way since the last look.
    pub(crate) fn has_news(&self, conn: &Connection) -> Result<bool, Failure> {
        Ok(self.schema_version != Some(schema_version(conn)?))
    }

    /// Looks at the tables again, if there is anything new. Inside a write transaction.
    pub(crate) fn look(&mut self, conn: &Connection, layout: &Layout) -> Result<(), Failure> {
        let version = schema_version(conn)?;
        if self.schema_version == Some(version) {
            return Ok(());
        }
        let paused = pause::paused(conn)?;
        let mut has_drifted = capture::is_overtaken(conn)?;
        self.held.clear();
        for name in layout.tables.keys() {
            let is_paused = paused.contains(name);
            let is_other = self.is_other(conn, name, is_paused)?;
            has_drifted |= is_other;
            if is_other || is_paused {
                self.held.insert(name.clone());
            }
        }
        self.has_drifted.store(has_drifted, Ordering::Relaxed);
        self.schema_version = Some(version);
        Ok(())
    }

    /// True when changes of the table may not all have been noted since it was last adopted; what is paused is not over.
    pub(crate) fn has_gap(&self, conn: &Connection, name: &Name, is_paused: bool) -> Result<bool, Failure> {
        Ok(!is_paused && self.is_other(conn, name, is_paused)?)
    }

    /// A database that knows no signatures yet was adopted by an older program, and its tables are taken as they are.
    fn is_other(&self, conn: &Connection, name: &Name, is_paused: bool) -> Result<bool, Failure> {
        let Some(known) = self.signatures.get(name) else { return Ok(false) };
        Ok(*known != signature(conn, name, is_paused)?)
    }

    /// The state after these tables were adopted, to be used once that is committed. Inside the same transaction.
    pub(crate) fn after(&self, conn: &Connection, layout: &Layout, paused: &BTreeSet<Name>) -> Result<Self, Failure> {
        let mut signatures = self.signatures.clone();
        for name in layout.tables.keys() {
            signatures.insert(name.clone(), signature(conn, name, paused.contains(name))?);
        }
        let members = signatures.iter().map(|(name, text)| (name.into(), Value::text(text.as_str())));
        meta::set(conn, SIGNATURES, Value::Object(members.collect()).canonical())?;
        Ok(Self {
            signatures,
            held: layout.tables.keys().filter(|name| paused.contains(*name)).cloned().collect(),
            schema_version: Some(schema_version(conn)?),
            has_drifted: Arc::clone(&self.has_drifted),
        })
    }

    /// It is committed.
    pub(crate) fn settle(&self) {
        self.has_drifted.store(false, Ordering::Relaxed);
    }
}

fn schema_version(conn: &Connection) -> Result<i64, Failure> {
    Ok(conn.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))?)
}

fn signature(conn: &Connection, table: &str, is_paused: bool) -> Result<String, Failure> {
    let mut statement = conn.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND (type = 'table'
         OR (type = 'index' AND sql LIKE 'CREATE UNIQUE %') OR (type = 'trigger' AND name GLOB 'swain_*'))
         ORDER BY type, name",
    )?;
    let mut rows = statement.query([table])?;
    let mut text = String::from(if is_paused { "paused" } else { "" });
    while let Some(row) = rows.next()? {
        for place in 0..2 {
            text.push('\0');
            text.push_str(row.get_ref(place)?.as_str_or_null().map_err(rusqlite::Error::from)?.unwrap_or_default());
        }
    }
    Ok(hash_text(&text))
}
