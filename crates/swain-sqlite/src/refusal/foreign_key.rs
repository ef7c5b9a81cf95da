//! Which foreign key a row breaks: SQLite says only that one is broken.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use swain_core::Row;

use crate::failure::Failure;
use crate::layout::{TableLayout, quote};
use crate::load::owned;
use crate::wire::to_sql;

/// A foreign key: columns of a table that refer to columns of its parent.
pub(super) struct ForeignKey {
    pub(super) table: String,
    pub(super) columns: Vec<String>,
    pub(super) parent: String,
    parent_columns: Vec<String>,
}

/// Which of its rows was written to.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// It refers to a row that is not there.
    Child,
    /// It is referred to, and went or changed.
    Parent,
}

/// The first foreign key that the row breaks.
pub(super) fn broken(
    conn: &Connection,
    table: &TableLayout,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Result<Option<(ForeignKey, Side)>, Failure> {
    if let Some(after) = after {
        for key in keys(conn, "m.name = ?1 COLLATE NOCASE", &table.name)? {
            let values = values_of(table, after, &key.columns);
            if values.is_some_and(|values| !exists(conn, &key.parent, &key.parent_columns, values).unwrap_or(true)) {
                return Ok(Some((key, Side::Child)));
            }
        }
    }
    if let Some(before) = before {
        for key in keys(conn, "f.\"table\" = ?1 COLLATE NOCASE", &table.name)? {
            let referred = values_of(table, before, &key.parent_columns);
            let kept = after.and_then(|after| values_of(table, after, &key.parent_columns));
            if referred.is_some()
                && referred != kept
                && referred.is_some_and(|values| exists(conn, &key.table, &key.columns, values).unwrap_or(false))
            {
                return Ok(Some((key, Side::Parent)));
            }
        }
    }
    Ok(None)
}

impl ForeignKey {
    pub(super) fn rule(&self) -> String {
        format!("REFERENCES {} ({})", self.parent, self.parent_columns.join(", "))
    }
}

/// The foreign keys of the schema that meet a condition, in the order in which they stand there.
fn keys(conn: &Connection, condition: &str, table: &str) -> Result<Vec<ForeignKey>, Failure> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT m.name, f.id, f.\"table\", f.\"from\", f.\"to\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
         WHERE m.type = 'table' AND {condition} ORDER BY m.name, f.id DESC, f.seq"
    ))?;
    let mut rows = statement.query([table])?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (table, id, parent, from): (String, i64, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let to: Option<String> = row.get(4)?;
        match keys.last_mut().filter(|(last, key)| *last == id && key.table == table) {
            Some((_, key)) => {
                key.columns.push(from);
                key.parent_columns.extend(to);
            }
            None => {
                let parent_columns = to.into_iter().collect();
                keys.push((id, ForeignKey { table, columns: vec![from], parent, parent_columns }));
            }
        }
    }
    drop(rows);
    for (_, key) in &mut keys {
        if key.parent_columns.is_empty() {
            key.parent_columns = primary_key(conn, &key.parent)?;
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).filter(|key| key.columns.len() == key.parent_columns.len()).collect())
}

fn primary_key(conn: &Connection, table: &str) -> Result<Vec<String>, Failure> {
    let mut statement = conn.prepare_cached("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// None when one of them is null, or not synced: such a row refers to nothing, or nobody knows to what.
fn values_of(table: &TableLayout, row: &Row, columns: &[String]) -> Option<Vec<Sql>> {
    let value = |column: &String| {
        let (name, kind) = table.columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column))?;
        let value = row.value(name);
        (!value.is_null()).then(|| owned(to_sql(*kind, value)))
    };
    columns.iter().map(value).collect()
}

fn exists(conn: &Connection, table: &str, columns: &[String], values: Vec<Sql>) -> Result<bool, Failure> {
    let conditions: Vec<_> =
        columns.iter().zip(1..).map(|(name, place)| format!("{} = ?{place}", quote(name))).collect();
    let sql = format!("SELECT 1 FROM {} WHERE {} LIMIT 1", quote(table), conditions.join(" AND "));
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.exists(params_from_iter(values))?)
}
