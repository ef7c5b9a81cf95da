//! Rows and their keys.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::hash::hash_text;
use crate::ids::Name;
use crate::schema::Table;
use crate::value::{Value, write_members};

/// The key of a row within its table: the values of the key columns, in key order (spec V5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub Vec<Value>);

impl Key {
    /// A key of one value.
    pub fn of(value: impl Into<Value>) -> Self {
        Self(alloc::vec![value.into()])
    }

    /// The canonical JSON array: the key's identity.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out
    }

    /// Appends the canonical JSON array.
    pub fn write_canonical(&self, out: &mut String) {
        out.push('[');
        for (index, value) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            value.write_canonical(out);
        }
        out.push(']');
    }
}

/// A row's place in the database: which table, which key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// The table.
    pub table: Name,
    /// The key within it.
    pub key: Key,
}

/// Column name to value. A row of a table is complete; a patch holds some columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(pub BTreeMap<Name, Value>);

impl Row {
    /// The value of a column; null when the row does not have it.
    pub fn value(&self, column: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.0.get(column).unwrap_or(NULL)
    }

    /// Sets a column.
    pub fn set(&mut self, column: impl Into<Name>, value: impl Into<Value>) {
        self.0.insert(column.into(), value.into());
    }

    /// The same row with a column set; for building rows in one expression.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.set(column, value);
        self
    }

    /// The key of this row in `table`.
    pub fn key(&self, table: &Table) -> Key {
        Key(table.key.iter().map(|column| self.value(column).clone()).collect())
    }

    /// The row without these columns.
    #[must_use]
    pub fn without(&self, hidden: &BTreeSet<Name>) -> Self {
        self.0
            .iter()
            .filter(|(name, _)| !hidden.contains(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The canonical JSON object.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out
    }

    /// Appends the canonical JSON object.
    pub fn write_canonical(&self, out: &mut String) {
        write_members(self.0.iter().map(|(name, value)| (name.as_str(), value)), out);
    }

    /// The row's hash (spec V6): what ETag and a delete's `seen` carry.
    pub fn hash(&self) -> String {
        hash_text(&self.canonical())
    }

    /// The columns of `self` whose values differ from `before`, with their values.
    pub fn changed_since(&self, before: &Row) -> Row {
        let changed = self.0.iter().filter(|(name, value)| before.value(name) != *value);
        Row(changed.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The row as a JSON value.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.iter().map(|(name, value)| (name.into(), value.clone())).collect())
    }

    /// A row from a JSON object; none if it is not an object.
    pub fn from_value(value: &Value) -> Option<Row> {
        let Value::Object(members) = value else {
            return None;
        };
        Some(Row(members.iter().map(|(name, value)| (Name::from(name.clone()), value.clone())).collect()))
    }
}

impl FromIterator<(Name, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(columns: I) -> Self {
        Self(columns.into_iter().collect())
    }
}
