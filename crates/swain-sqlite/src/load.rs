//! Rows of a table in key order, with the head of the same snapshot.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, params_from_iter};
use swain_core::rule::Expression;
use swain_core::{Key, Name, Row, Value};
use swain_store::LoadChunk;

use crate::failure::Failure;
use crate::integer::{limit, unsigned};
use crate::layout::{Layout, TableLayout, has_key, quote};
use crate::log;
use crate::predicate::{Predicate, predicate};
use crate::wire::to_sql;

/// An estimate stops counting here.
const ESTIMATE_MAX: usize = 100_000;
/// About how many bytes of values are read for one chunk, whatever the number of rows asked for.
const CHUNK_BYTES_MAX: usize = 512 * 1024;

/// Rows behind `after` that the predicate grants, inside a read transaction.
pub(crate) fn load(
    conn: &Connection,
    layout: &Layout,
    table: &Name,
    expression: &Expression,
    after: Option<&Key>,
    rows_max: usize,
) -> Result<LoadChunk, Failure> {
    let table = layout.table(table)?;
    let Predicate { sql, mut parameters } = predicate(layout, table, expression)?;
    let mut behind = String::new();
    if let Some(after) = after {
        let first = parameters.len() + 1;
        let places: Vec<_> = (first..first + after.0.len()).map(|place| format!("?{place}")).collect();
        behind = format!(" AND ({}) > ({})", key_list(table), places.join(", "));
        parameters.extend(paging_key_to_sql(table, after)?);
    }
    let limited = parameters.len() + 1;
    parameters.push(Sql::Integer(limit(rows_max.saturating_add(1))));
    let sql = format!(
        "SELECT {} FROM {} WHERE {sql}{behind} AND {} ORDER BY {} LIMIT ?{limited}",
        table.column_list,
        quote(&table.name),
        has_key(table),
        key_list(table),
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut results = statement.query(params_from_iter(parameters))?;
    let (mut rows, mut last, mut bytes) = (Vec::new(), None, 0);
    let mut more = None;
    while let Some(result) = results.next()? {
        if rows.len() == rows_max || bytes > CHUNK_BYTES_MAX {
            more = last;
            break;
        }
        let row: Row = table.read_row(result, 0)?;
        bytes += row.0.values().map(approximate_bytes).sum::<usize>();
        last = Some(paging_key(table, &row, result)?);
        rows.push(row);
    }
    Ok(LoadChunk { rows, more, head: log::head(conn)?.pos })
}

fn approximate_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::List(_) | Value::Object(_) => value.canonical().len(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 8,
    }
}

/// The key of a row for going on behind it. SQLite orders by storage class first, and the wire form does not always tell
/// the class (a BLOB in a TEXT column); where it does not, the value is wrapped together with its class.
fn paging_key(table: &TableLayout, row: &Row, result: &rusqlite::Row<'_>) -> Result<Key, Failure> {
    let values = table.key.iter().map(|place| {
        let (name, kind) = &table.columns[*place];
        let value = row.value(name);
        let stored = result.get_ref(*place)?;
        let told = ValueRef::from(&owned(to_sql(*kind, value))).data_type();
        Ok(match stored {
            _ if told == stored.data_type() => value.clone(),
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => {
                let class = if matches!(stored, ValueRef::Blob(_)) { "blob" } else { "text" };
                Value::Object([(class.into(), Value::text(BASE64.encode(bytes)))].into())
            }
            ValueRef::Integer(number) => Value::Object([("integer".into(), Value::int64(number))].into()),
            ValueRef::Real(_) | ValueRef::Null => value.clone(),
        })
    });
    values.collect::<Result<_, rusqlite::Error>>().map(Key).map_err(Failure::from)
}

fn paging_key_to_sql(table: &TableLayout, key: &Key) -> Result<Vec<Sql>, Failure> {
    let plain = stored_key(table, key)?;
    let values = key.0.iter().zip(plain).map(|(value, plain)| unwrapped(value).unwrap_or(plain));
    Ok(values.collect())
}

fn unwrapped(value: &Value) -> Option<Sql> {
    let Value::Object(members) = value else { return None };
    let (class, value) = members.first_key_value()?;
    match &**class {
        "blob" => BASE64.decode(value.as_text()?).ok().map(Sql::Blob),
        "text" => String::from_utf8(BASE64.decode(value.as_text()?).ok()?).ok().map(Sql::Text),
        "integer" => value.as_int().map(Sql::Integer),
        _ => None,
    }
}

/// About how many rows the predicate grants: exact while it is cheap.
pub(crate) fn estimate(
    conn: &Connection,
    layout: &Layout,
    table: &Name,
    expression: &Expression,
) -> Result<u64, Failure> {
    let table = layout.table(table)?;
    let Predicate { sql, parameters } = predicate(layout, table, expression)?;
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {sql} LIMIT {ESTIMATE_MAX})", quote(&table.name));
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(params_from_iter(parameters), |row| row.get(0).map(unsigned))?)
}

/// True when the predicate grants at least one row.
pub(crate) fn exists(
    conn: &Connection,
    layout: &Layout,
    table: &Name,
    expression: &Expression,
) -> Result<bool, Failure> {
    let table = layout.table(table)?;
    let Predicate { sql, parameters } = predicate(layout, table, expression)?;
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {sql} AND {})", quote(&table.name), has_key(table));
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(params_from_iter(parameters), |row| row.get(0))?)
}

/// A key as SQLite stores it.
pub(crate) fn stored_key(table: &TableLayout, key: &Key) -> Result<Vec<Sql>, Failure> {
    if key.0.len() != table.key.len() {
        return Err(Failure::internal(format!("a key of table '{}' has {} values", table.name, table.key.len())));
    }
    let values = table.key_columns().zip(&key.0).map(|((_, kind), value)| Ok(owned(to_sql(*kind, value))));
    values.collect()
}

pub(crate) fn owned(value: rusqlite::types::ToSqlOutput<'_>) -> Sql {
    use rusqlite::types::{ToSqlOutput, ValueRef};
    match value {
        ToSqlOutput::Owned(value) => value,
        ToSqlOutput::Borrowed(ValueRef::Text(text)) => Sql::Text(String::from_utf8_lossy(text).into_owned()),
        // `to_sql` borrows nothing but text.
        _ => Sql::Null,
    }
}

fn key_list(table: &TableLayout) -> String {
    table.key_columns().map(|(name, _)| quote(name)).collect::<Vec<_>>().join(", ")
}
