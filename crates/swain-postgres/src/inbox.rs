//! The table of the inbox, which Swain keeps beside the application's.

use swain_core::{ColumnType, Schema, inbox};

use crate::connection::Session;
use crate::failure::Failure;

/// Makes the table when the schema has it. Columns that a newer version has are added.
pub(crate) async fn install(session: &Session, schema: &Schema) -> Result<(), Failure> {
    if !schema.tables.contains_key(inbox::TABLE) {
        return Ok(());
    }
    let table = format!("swain.{}", inbox::TABLE);
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {table} (id text PRIMARY KEY);");
    for (name, column) in &inbox::table().columns {
        sql.push_str(&format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {};", declared(column.kind)));
    }
    sql.push_str(&format!("CREATE INDEX IF NOT EXISTS swain_inbox_place ON {table} ({});", inbox::INDEXED));
    session.batch(&sql).await
}

fn declared(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int64 => "bigint",
        ColumnType::Bool => "boolean",
        ColumnType::Json => "json",
        _ => "text",
    }
}
