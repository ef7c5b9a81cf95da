//! From what was captured to what changed: each noted row is read as it is now.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params_from_iter};
use swain_core::{Change, Key, Name, Row, RowKey};

use crate::failure::Failure;
use crate::layout::{Layout, TableLayout, quote};
use crate::wire::{Stored, to_wire};

/// A row that was noted.
struct Touched<'a> {
    table: &'a TableLayout,
    key: Key,
    /// The key as SQLite has it, so that nothing is lost on the way to the wire form and back.
    stored_key: Vec<Stored>,
    before: Option<Row>,
    /// It was deleted or may have been replaced, so that a key that comes later says nothing about what was before.
    may_have_gone: bool,
}

/// Everything captured so far as changes, one per key: from the first before to the present after. Empties the capture.
pub(crate) fn take_changes(conn: &Connection, layout: &Layout) -> Result<Vec<Change>, Failure> {
    let touched = read_captured(conn, layout)?;
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    // Without a condition SQLite empties the table at once.
    conn.prepare_cached("DELETE FROM swain_capture")?.execute([])?;
    let changes = touched.into_iter().map(|touched| {
        let after = touched.read_now(conn)?;
        let row = RowKey { table: touched.table.name.clone(), key: touched.key };
        Ok(Change { row, before: touched.before, after })
    });
    let unchanged = |change: &Result<Change, Failure>| matches!(change, Ok(change) if change.before == change.after);
    changes.filter(|change| !unchanged(change)).collect()
}

/// True when something waits for a position.
pub(crate) fn is_waiting(conn: &Connection) -> Result<bool, Failure> {
    Ok(conn.prepare_cached("SELECT 1 FROM swain_capture")?.exists([])?)
}

fn read_captured<'a>(conn: &Connection, layout: &'a Layout) -> Result<Vec<Touched<'a>>, Failure> {
    let mut order: Vec<Touched<'a>> = Vec::new();
    let mut places: BTreeMap<(&Name, String), usize> = BTreeMap::new();
    let mut statement = conn.prepare_cached(&layout.captured_sql)?;
    let mut records = statement.query([])?;
    while let Some(record) = records.next()? {
        let name = record.get_ref(0)?.as_str().unwrap_or_default();
        // A table that is no longer synced may have been written to before its triggers went.
        let Some(table) = layout.tables.get(name) else { continue };
        let Some(noted) = Noted::read(table, record)? else { continue };
        let place = *places.entry((&table.name, noted.key.canonical())).or_insert(order.len());
        match order.get_mut(place) {
            Some(touched) => touched.note(&noted),
            None => order.push(noted.into_touched(table)),
        }
    }
    Ok(order)
}

/// One record of the capture table.
struct Noted {
    kind: Kind,
    key: Key,
    stored_key: Vec<Stored>,
    row: Option<Row>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Updated,
    MayHaveGone,
    Came,
}

impl Noted {
    /// None for a row without a key: SQLite allows null in some keys, and such a row has no identity.
    fn read(table: &TableLayout, record: &rusqlite::Row<'_>) -> Result<Option<Self>, Failure> {
        const FIRST: usize = 2;
        let (kind, has_row) = match record.get_ref(1)?.as_str().unwrap_or_default() {
            "u" => (Kind::Updated, true),
            "d" | "p" => (Kind::MayHaveGone, true),
            "g" => (Kind::MayHaveGone, false),
            _ => (Kind::Came, false),
        };
        let mut stored_key = Vec::with_capacity(table.key.len());
        let mut key = Vec::with_capacity(table.key.len());
        for (place, column) in table.key.iter().enumerate() {
            let stored = record.get_ref(FIRST + if has_row { *column } else { place })?;
            if matches!(stored, ValueRef::Null) {
                return Ok(None);
            }
            key.push(to_wire(table.columns[*column].1, stored));
            stored_key.push(Stored::from(stored));
        }
        let row = if has_row { Some(table.read_row(record, FIRST)?) } else { None };
        Ok(Some(Self { kind, key: Key(key), stored_key, row }))
    }

    fn into_touched(self, table: &TableLayout) -> Touched<'_> {
        let may_have_gone = self.kind == Kind::MayHaveGone;
        Touched { table, key: self.key, stored_key: self.stored_key, before: self.row, may_have_gone }
    }
}

impl Touched<'_> {
    fn note(&mut self, noted: &Noted) {
        match noted.kind {
            Kind::Updated => {}
            Kind::MayHaveGone => self.may_have_gone = true,
            // Only updates were noted and now the key comes: a trigger wrote the new row before ours could note its coming.
            Kind::Came if !self.may_have_gone => self.before = None,
            Kind::Came => {}
        }
    }

    fn read_now(&self, conn: &Connection) -> Result<Option<Row>, Failure> {
        match self.query(conn, &self.table.select_sql) {
            // Somebody has changed the table. What is left of it is read, so that nobody's writes are held up.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => {
                match what_is_left_sql(conn, self.table)? {
                    Some(sql) => Ok(self.query(conn, &sql)?),
                    None => Ok(None),
                }
            }
            row => Ok(row?),
        }
    }

    fn query(&self, conn: &Connection, sql: &str) -> Result<Option<Row>, rusqlite::Error> {
        let mut statement = conn.prepare_cached(sql)?;
        statement.query_row(params_from_iter(&self.stored_key), |result| self.table.read_row(result, 0)).optional()
    }
}

/// Reads a row with null for columns that are gone; none when the table or its key is.
fn what_is_left_sql(conn: &Connection, table: &TableLayout) -> Result<Option<String>, Failure> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_xinfo(?1)")?;
    let present: Vec<String> =
        statement.query_map([table.name.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let is_present = |name: &Name| present.iter().any(|column| *column == **name);
    if !table.key_columns().all(|(name, _)| is_present(name)) {
        return Ok(None);
    }
    let columns = table.columns.iter().map(|(name, _)| if is_present(name) { quote(name) } else { "NULL".into() });
    Ok(Some(table.select_sql.replacen(&table.column_list, &columns.collect::<Vec<_>>().join(", "), 1)))
}
