//! Tables that somebody wrote as SQL: taken as they are.

use anyhow::Context as _;
use swain_core::{ColumnType, Table};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::{Store as _, ready};

use super::{Draft, DraftColumn, DraftTable, Kind};

/// Makes the tables once in memory, to see what they are.
pub(super) fn read(text: &str) -> anyhow::Result<Draft> {
    let store = SqliteStore::open_in_memory(SqliteOptions::system()).context("SQLite does not start")?;
    let made = ready(store.execute_outside(format!("BEGIN IMMEDIATE;\n{text}\n;COMMIT;")));
    made.context("SQLite does not take it")?;
    let schema = ready(store.introspect(None))?;
    anyhow::ensure!(!schema.tables.is_empty(), "there is no CREATE TABLE in it");
    let tables = schema.tables.values().map(drafted).collect();
    Ok(Draft { tables, guesses: Vec::new(), sql: Some(text.to_owned()) })
}

fn drafted(table: &Table) -> DraftTable {
    let columns = table.columns.iter().map(|(name, column)| DraftColumn {
        name: name.to_string(),
        kind: kind(column.kind),
        not_null: !column.nullable,
        readonly: column.generated,
    });
    DraftTable {
        name: table.name.to_string(),
        columns: columns.collect(),
        key: table.key.iter().map(ToString::to_string).collect(),
        ..DraftTable::default()
    }
}

fn kind(kind: ColumnType) -> Kind {
    match kind {
        ColumnType::Bool => Kind::Boolean,
        ColumnType::Int64 => Kind::Integer,
        ColumnType::Float64 => Kind::Real,
        ColumnType::Time => Kind::Timestamp,
        ColumnType::Json => Kind::Json,
        ColumnType::Decimal | ColumnType::Text | ColumnType::Bytes => Kind::Text,
    }
}
