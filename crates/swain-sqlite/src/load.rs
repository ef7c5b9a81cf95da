//! Rows of a table in key order, with the head of the same snapshot.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use swain_core::rule::Expression;
use swain_core::{Key, Row};
use swain_store::LoadChunk;

use crate::failure::Failure;
use crate::integer::{limit, unsigned};
use crate::layout::{TableLayout, quote};
use crate::log;
use crate::predicate::{Predicate, predicate};
use crate::wire::to_sql;

/// An estimate stops counting here.
const ESTIMATE_MAX: usize = 100_000;

/// Rows behind `after` that the predicate grants, inside a read transaction.
pub(crate) fn load(
    conn: &Connection,
    table: &TableLayout,
    expression: &Expression,
    after: Option<&Key>,
    rows_max: usize,
) -> Result<LoadChunk, Failure> {
    let Predicate { sql, mut parameters } = predicate(table, expression);
    let mut behind = String::new();
    if let Some(after) = after {
        let first = parameters.len() + 1;
        let places: Vec<_> = (first..first + after.0.len()).map(|place| format!("?{place}")).collect();
        behind = format!(" AND ({}) > ({})", key_list(table), places.join(", "));
        parameters.extend(stored_key(table, after)?);
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
    let rows = statement.query_map(params_from_iter(parameters), |result| table.read_row(result, 0))?;
    let mut rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
    let more = rows.len() > rows_max;
    rows.truncate(rows_max);
    let more = rows.last().filter(|_| more).map(|row| table.key_of(row));
    Ok(LoadChunk { rows, more, head: log::head(conn)?.pos })
}

/// About how many rows the predicate grants: exact while it is cheap.
pub(crate) fn estimate(conn: &Connection, table: &TableLayout, expression: &Expression) -> Result<u64, Failure> {
    let Predicate { sql, parameters } = predicate(table, expression);
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {sql} LIMIT {ESTIMATE_MAX})", quote(&table.name));
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(params_from_iter(parameters), |row| row.get(0).map(unsigned))?)
}

/// A key as SQLite stores it.
pub(crate) fn stored_key(table: &TableLayout, key: &Key) -> Result<Vec<Sql>, Failure> {
    if key.0.len() != table.key.len() {
        return Err(Failure::internal(format!("a key of table '{}' has {} values", table.name, table.key.len())));
    }
    let values = table.key_columns().zip(&key.0).map(|((_, kind), value)| Ok(owned(to_sql(*kind, value))));
    values.collect()
}

fn owned(value: rusqlite::types::ToSqlOutput<'_>) -> Sql {
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

/// SQLite allows null in some keys; such a row has no identity.
fn has_key(table: &TableLayout) -> String {
    let parts: Vec<_> = table.key_columns().map(|(name, _)| format!("{} IS NOT NULL", quote(name))).collect();
    parts.join(" AND ")
}
