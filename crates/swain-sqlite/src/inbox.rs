//! The table of the inbox, which Swain keeps beside the application's.

use rusqlite::Connection;
use swain_core::{ColumnType, Name, Schema, inbox};

use crate::failure::Failure;
use crate::layout::quote;

/// Makes the table when the schema has it. Columns that a newer version has are added.
pub(crate) fn install(conn: &Connection, schema: &Schema) -> Result<(), Failure> {
    if !schema.tables.contains_key(inbox::TABLE) {
        return Ok(());
    }
    let table = quote(inbox::TABLE);
    conn.execute_batch(&format!("CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY NOT NULL)"))?;
    let mut present = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let present: Vec<String> = present.query_map([inbox::TABLE], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for (name, column) in &inbox::table().columns {
        if !present.iter().any(|present| *present == **name) {
            let kind = declared(column.kind);
            conn.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {} {kind}", quote(name)))?;
        }
    }
    let column = quote(inbox::INDEXED);
    conn.execute_batch(&format!("CREATE INDEX IF NOT EXISTS swain_inbox_{} ON {table} ({column})", inbox::INDEXED))?;
    Ok(())
}

/// The table, if there is one.
pub(crate) fn name_if_there(conn: &Connection) -> Result<Option<Name>, Failure> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let there: i64 = conn.prepare(sql)?.query_row([inbox::TABLE], |row| row.get(0))?;
    Ok((there > 0).then(|| inbox::TABLE.into()))
}

fn declared(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int64 => "INTEGER",
        ColumnType::Bool => "BOOLEAN",
        ColumnType::Json => "JSON",
        _ => "TEXT",
    }
}
