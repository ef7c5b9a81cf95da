//! A row that was touched: what it was, and what it is now.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params_from_iter};
use swain_core::{Change, Key, Name, Row, RowKey};

use super::Actors;
use crate::failure::Failure;
use crate::layout::{TableLayout, quote};
use crate::wire::{Stored, to_wire};

/// A row that was noted.
pub(super) struct Touched<'a> {
    table: &'a TableLayout,
    pub(super) key: Key,
    /// The key as SQLite has it, so that nothing is lost on the way to the wire form and back.
    stored_key: Vec<Stored>,
    before: Option<Row>,
    /// It was deleted or may have been replaced, so that a key that comes later says nothing about what was before.
    may_have_gone: bool,
    /// The last record that names it.
    record: i64,
}

/// One record of the capture table.
pub(super) struct Noted {
    id: i64,
    kind: Kind,
    pub(super) key: Key,
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
    /// Reads `id, tbl, kind, c0 …`. None for a row without a key: SQLite allows null in some keys, and such a row has no
    /// identity.
    pub(super) fn read(table: &TableLayout, record: &rusqlite::Row<'_>) -> Result<Option<Self>, Failure> {
        const FIRST: usize = 3;
        let (kind, has_row) = match record.get_ref(2)?.as_str().unwrap_or_default() {
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
        Ok(Some(Self { id: record.get(0)?, kind, key: Key(key), stored_key, row }))
    }

    pub(super) fn into_touched(self, table: &TableLayout) -> Touched<'_> {
        let may_have_gone = self.kind == Kind::MayHaveGone;
        let Self { id: record, key, stored_key, row: before, .. } = self;
        Touched { table, key, stored_key, before, may_have_gone, record }
    }
}

impl Touched<'_> {
    pub(super) fn note(&mut self, noted: &Noted) {
        self.record = noted.id;
        match noted.kind {
            Kind::Updated => {}
            Kind::MayHaveGone => self.may_have_gone = true,
            // Only updates were noted and now the key comes: a trigger wrote the new row before ours could note its coming.
            Kind::Came if !self.may_have_gone => self.before = None,
            Kind::Came => {}
        }
    }

    /// None when it is what it was.
    pub(super) fn into_change(self, conn: &Connection, actors: &Actors) -> Result<Option<Change>, Failure> {
        let after = self.read_now(conn)?;
        if self.before == after {
            return Ok(None);
        }
        let actor = match actors.only() {
            Some(_) => None,
            None => actors.of(self.record).cloned(),
        };
        let row = RowKey { table: self.table.name.clone(), key: self.key };
        Ok(Some(Change { row, before: self.before, after, actor }))
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
