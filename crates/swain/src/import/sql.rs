//! A draft as SQL and as configuration.

use serde_json::{Map, Value};

use super::{Draft, DraftTable, Kind};

/// Rows that are brought in with one transaction.
const BATCH_ROWS_MAX: usize = 1000;

impl Draft {
    /// `swain.toml` with every table.
    pub(crate) fn config(&self) -> String {
        let mut text = String::from(
            "# Everything that can stand here, with its environment variable: docs/configuration.md.\n\
             # `swain check` says what is wrong with this file.\n\n\
             [server]\nlisten = \"127.0.0.1:8080\"\npublic = \"public\"\n\n[database]\npath = \"app.db\"\n\n\
             # Everybody who is signed in shares these tables. Only mine: \"owner = auth.id\"\n",
        );
        for table in &self.tables {
            let name = toml_key(&table.name);
            text.push_str(&format!(
                "\n[tables.{name}]\nread  = \"auth.id IS NOT NULL\"\nwrite = \"auth.id IS NOT NULL\"\n"
            ));
            let named: Vec<String> =
                table.references.iter().map(|(column, to)| format!("{} = {to:?}", toml_key(column))).collect();
            if !named.is_empty() {
                text.push_str(&format!("references = {{ {} }}\n", named.join(", ")));
            }
        }
        text
    }

    /// The statements that make the tables.
    pub(crate) fn schema(&self) -> String {
        if let Some(sql) = &self.sql {
            return sql.clone();
        }
        let mut text =
            String::from("-- Made by `swain init --from`. They are your tables: change them with any tool.\n");
        for table in &self.tables {
            text.push('\n');
            text.push_str(&table.schema());
        }
        text
    }

    /// The rows, in transactions of a bounded size, made as they are asked for.
    pub(crate) fn row_batches(&self) -> impl Iterator<Item = RowBatch> {
        self.tables.iter().flat_map(|table| table.rows.chunks(BATCH_ROWS_MAX).map(|rows| table.batch(rows)))
    }
}

/// A transaction that brings rows.
pub(crate) struct RowBatch {
    pub(crate) sql: String,
    pub(crate) rows: u64,
}

impl DraftTable {
    fn schema(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let alias = matches!(self.key.as_slice(), [only] if self.kind(only) == Kind::Integer);
        for column in &self.columns {
            let in_key = self.key.contains(&column.name);
            let key = if alias && in_key { " PRIMARY KEY" } else { "" };
            let not_null = if (column.not_null || in_key) && !(alias && in_key) { " NOT NULL" } else { "" };
            lines.push(format!("  {} {}{key}{not_null}", quote(&column.name), column.kind.declared()));
        }
        if !alias {
            lines.push(format!("  PRIMARY KEY ({})", list(&self.key)));
        }
        lines.extend(self.uniques.iter().map(|unique| format!("  UNIQUE ({})", list(unique))));
        let mut text = format!("CREATE TABLE {} (\n{}\n);\n", quote(&self.name), lines.join(",\n"));
        for index in &self.indexes {
            let name = quote(&format!("{}_{}", self.name, index.join("_")));
            text.push_str(&format!("CREATE INDEX {name} ON {} ({});\n", quote(&self.name), list(index)));
        }
        text
    }

    fn kind(&self, name: &str) -> Kind {
        self.columns.iter().find(|column| column.name == name).map_or(Kind::Text, |column| column.kind)
    }

    fn batch(&self, rows: &[Map<String, Value>]) -> RowBatch {
        let inserts: String = rows.iter().map(|row| self.insert(row)).collect();
        RowBatch { sql: format!("BEGIN IMMEDIATE;\n{inserts}COMMIT;"), rows: rows.len() as u64 }
    }

    fn insert(&self, row: &Map<String, Value>) -> String {
        let names: Vec<String> = row.keys().cloned().collect();
        let values: Vec<String> = row.iter().map(|(name, value)| literal(self.kind(name), value)).collect();
        match names.is_empty() {
            true => format!("INSERT INTO {} DEFAULT VALUES;\n", quote(&self.name)),
            false => format!("INSERT INTO {} ({}) VALUES ({});\n", quote(&self.name), list(&names), values.join(", ")),
        }
    }
}

impl Kind {
    fn declared(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::Json => "JSON",
        }
    }
}

fn literal(kind: Kind, value: &Value) -> String {
    match (kind, value) {
        (_, Value::Null) => "NULL".to_owned(),
        (Kind::Json, value) => text_literal(&value.to_string()),
        (_, Value::Bool(truth)) => u8::from(*truth).to_string(),
        (_, Value::Number(number)) => number.to_string(),
        (_, Value::String(text)) => text_literal(text),
        (_, Value::Array(_) | Value::Object(_)) => text_literal(&value.to_string()),
    }
}

/// NUL would end the statement.
fn text_literal(text: &str) -> String {
    let parts: Vec<String> = text.split('\0').map(|part| format!("'{}'", part.replace('\'', "''"))).collect();
    parts.join("||char(0)||")
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

/// Quoted where SQL needs it: what people read stays plain.
pub(crate) fn quote(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        && !KEYWORDS.contains(&name.to_ascii_uppercase().as_str());
    match is_plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Words of SQLite that cannot be names without quotes.
const KEYWORDS: [&str; 64] = [
    "ADD",
    "ALL",
    "ALTER",
    "AND",
    "AS",
    "AUTOINCREMENT",
    "BETWEEN",
    "CASE",
    "CHECK",
    "COLLATE",
    "COMMIT",
    "CONSTRAINT",
    "CREATE",
    "DEFAULT",
    "DEFERRABLE",
    "DELETE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "FOREIGN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "ISNULL",
    "JOIN",
    "LIMIT",
    "NOT",
    "NOTHING",
    "NOTNULL",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "PRIMARY",
    "REFERENCES",
    "RETURNING",
    "SELECT",
    "SET",
    "TABLE",
    "THEN",
    "TO",
    "TRANSACTION",
    "TRIGGER",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USING",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "END",
    "IF",
    "OF",
    "WITH",
];

fn toml_key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char));
    match is_bare {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}
