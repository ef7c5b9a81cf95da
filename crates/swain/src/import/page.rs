//! A page that shows the tables of a draft, to begin with.

use serde_json::{Value, json};

use super::{Draft, DraftColumn, DraftTable, Kind};

impl Draft {
    /// `tables.js`: what the page knows of the tables.
    pub(crate) fn page_tables(&self) -> String {
        let tables: serde_json::Map<String, Value> =
            self.tables.iter().map(|table| (table.name.clone(), table.described())).collect();
        let text = serde_json::to_string_pretty(&tables).expect("strings are JSON");
        format!(
            "// The tables and their columns, for app.js. Made by `swain init`; yours from now on.\nexport const TABLES = {text};\n"
        )
    }
}

impl DraftTable {
    fn described(&self) -> Value {
        let columns: Vec<Value> = self.columns.iter().map(|column| self.column_described(column)).collect();
        json!({ "key": self.key, "columns": columns })
    }

    fn column_described(&self, column: &DraftColumn) -> Value {
        let kind = match column.kind {
            Kind::Boolean => "boolean",
            Kind::Integer | Kind::Real => "number",
            Kind::Json => "json",
            Kind::Text | Kind::Date | Kind::Timestamp => "text",
        };
        // The device draws it.
        let drawn = self.key == [column.name.clone()] && column.kind == Kind::Text;
        json!({ "name": column.name, "kind": kind, "null": !column.not_null, "readonly": column.readonly, "drawn": drawn })
    }
}
