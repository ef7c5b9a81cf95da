//! A JSON export: `{"table": [{…}]}`, or what dexie-export-import writes.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::{Draft, DraftTable, dexie, infer};

pub(super) fn read(text: &str) -> anyhow::Result<Draft> {
    let value: Value = serde_json::from_str(text).context("this is not JSON")?;
    let Value::Object(members) = value else {
        bail!("an export is an object of tables: {{\"notes\": [{{\"id\": 1}}]}}");
    };
    if members.get("formatName").and_then(Value::as_str) == Some("dexie") {
        return read_dexie_export(&members);
    }
    let mut draft = Draft::default();
    for (name, rows) in members {
        let rows = rows_of(&name, rows)?;
        draft.tables.push(DraftTable { name, rows, ..DraftTable::default() });
    }
    infer::complete(&mut draft)?;
    Ok(draft)
}

/// Its schema text has the keys, its rows the types.
fn read_dexie_export(members: &Map<String, Value>) -> anyhow::Result<Draft> {
    let data = members.get("data").context("the export has no \"data\"")?;
    let tables = data["tables"].as_array().context("the export has no \"data.tables\"")?;
    let contents = data["data"].as_array().context("the export has no \"data.data\"")?;
    let mut draft = Draft::default();
    for table in tables {
        let name = table["name"].as_str().context("a table of the export has no name")?;
        let schema = table["schema"].as_str().with_context(|| format!("table '{name}' has no schema"))?;
        let mut drafted = dexie::table(name, schema, &mut draft.guesses)?;
        let content = contents.iter().find(|content| content["tableName"] == name);
        if let Some(content) = content {
            if content["inbound"] == Value::Bool(false) {
                bail!("the keys of table '{name}' are not in its rows; export it with inbound keys");
            }
            drafted.rows = rows_of(name, content["rows"].clone())?;
            for row in &mut drafted.rows {
                // What it writes about types that JSON does not have.
                row.remove("$types");
            }
        }
        draft.tables.push(drafted);
    }
    infer::complete(&mut draft)?;
    Ok(draft)
}

fn rows_of(name: &str, rows: Value) -> anyhow::Result<Vec<Map<String, Value>>> {
    let Value::Array(rows) = rows else {
        bail!("'{name}' is no list of rows: {{\"{name}\": [{{\"id\": 1}}]}}");
    };
    let rows = rows.into_iter().enumerate().map(|(place, row)| match row {
        Value::Object(row) => Ok(row),
        _ => bail!("{name}[{place}] is no object"),
    });
    rows.collect()
}
