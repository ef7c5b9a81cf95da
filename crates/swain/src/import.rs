//! Tables after SQL, a Dexie schema or a JSON export: a draft, with everything that was guessed.

mod dexie;
mod export;
mod infer;
mod own;
mod page;
mod sql;

pub(crate) use sql::quote;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

/// Bytes of the largest file that is read as a whole.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Tables that shall be made.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) tables: Vec<DraftTable>,
    /// Sentences for the person who reads the report.
    pub(crate) guesses: Vec<String>,
    /// The statements, where somebody wrote them.
    pub(crate) sql: Option<String>,
}

/// A table that shall be made.
#[derive(Debug, Default)]
pub(crate) struct DraftTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<DraftColumn>,
    pub(crate) key: Vec<String>,
    pub(crate) uniques: Vec<Vec<String>>,
    pub(crate) indexes: Vec<Vec<String>>,
    /// Columns that name rows of other tables. The configuration says so and not the database, which would refuse a
    /// row whose other one is not there yet.
    pub(crate) references: Vec<(String, String)>,
    pub(crate) rows: Vec<Map<String, Value>>,
}

/// A column that shall be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DraftColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) not_null: bool,
    /// The database computes it.
    pub(crate) readonly: bool,
}

/// The declared type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Real,
    Text,
    Date,
    Timestamp,
    Json,
}

impl Draft {
    /// Reads a file, by its ending.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let about = path.metadata().with_context(|| format!("{name} cannot be read"))?;
        if about.len() > FILE_BYTES_MAX {
            bail!(
                "{name} has {} bytes, at most {FILE_BYTES_MAX} are read; bring it into a SQLite file, then `swain attach`",
                about.len()
            );
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        let draft = match ending.as_str() {
            "json" => export::read(&text),
            "js" | "ts" | "mjs" | "mts" | "jsx" | "tsx" => dexie::read(&text),
            "sql" => own::read(&text),
            _ => bail!("{name} is neither SQL (.sql) nor a JSON export (.json) nor a Dexie schema (.js, .ts)"),
        };
        draft.with_context(|| format!("{name} is not right"))
    }

    /// One line for each table.
    pub(crate) fn summary(&self) -> String {
        let line = |table: &DraftTable| {
            let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            let (key, columns, rows) = (table.key.join(", "), columns.join(", "), table.rows.len());
            format!("  {} ({columns}), key {key}, {rows} rows\n", table.name)
        };
        self.tables.iter().map(line).collect()
    }

    pub(crate) fn row_counts(&self) -> BTreeMap<String, usize> {
        self.tables.iter().map(|table| (table.name.clone(), table.rows.len())).collect()
    }

    pub(crate) fn row_count(&self) -> u64 {
        self.tables.iter().map(|table| table.rows.len() as u64).sum()
    }
}

impl DraftTable {
    fn column(&mut self, name: &str, kind: Kind) -> &mut DraftColumn {
        let place = self.columns.iter().position(|column| column.name == name);
        let place = place.unwrap_or_else(|| {
            self.columns.push(DraftColumn { name: name.to_owned(), kind, not_null: false, readonly: false });
            self.columns.len() - 1
        });
        &mut self.columns[place]
    }
}
