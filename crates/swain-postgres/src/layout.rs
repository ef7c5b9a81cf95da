//! The adopted tables as SQL needs them: columns, key, scopes, and the statements of the hot path.

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::{Key, Name, Row, Schema, Value};

use crate::adopted::Signatures;
use crate::capture;
use crate::constraints::Rules;
use crate::failure::Failure;
use crate::introspect::Described;
use crate::wire::{Kind, Taste, members, to_text, to_wire};

/// The table alias in our statements: a name that no column has, because a column of that name would hide the row.
pub(crate) const ROW: &str = "\"!swain\"";

/// The log calls Swain's own table of schema versions this (spec S8).
pub(crate) const SCHEMA_TABLE: &str = "swain_schema";

/// All adopted tables.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) tables: BTreeMap<Name, Arc<TableLayout>>,
    /// What refusals say.
    pub(crate) rules: Rules,
    /// How the tables looked when they were adopted; none of a layout that nobody has adopted here.
    pub(crate) signatures: Signatures,
}

/// One adopted table.
#[derive(Debug)]
pub(crate) struct TableLayout {
    pub(crate) name: Name,
    /// The name in SQL, with its schema.
    pub(crate) sql_name: String,
    pub(crate) columns: BTreeMap<Name, ColumnLayout>,
    /// In key order.
    pub(crate) key: Vec<Name>,
    pub(crate) scopes: Vec<Name>,
    select_sql: String,
    delete_sql: String,
}

/// One column of an adopted table.
#[derive(Clone, Debug)]
pub(crate) struct ColumnLayout {
    pub(crate) kind: Kind,
    /// The type in SQL, with its schema and without a length: a cast to varchar(5) would cut the text silently.
    pub(crate) sql_type: String,
}

impl Layout {
    /// The layout of an adopted schema over the tables as they are.
    pub(crate) fn of(schema: &Schema, described: &BTreeMap<Name, Described>, rules: Rules) -> Result<Self, Failure> {
        let tables = schema.tables.values().map(|table| {
            let described = described
                .get(&table.name)
                .ok_or_else(|| Failure::unusable(format!("the database has no table '{}'", table.name)))?;
            let columns = table.columns.keys().map(|name| {
                let column = described.layout.get(name);
                let missing = || Failure::unusable(format!("table '{}' has no column '{name}'", table.name));
                Ok((name.clone(), column.ok_or_else(missing)?.clone()))
            });
            let columns = columns.collect::<Result<_, Failure>>()?;
            if table.key != described.table.key {
                let message = format!("the key of table '{}' is its PRIMARY KEY and nothing else", table.name);
                return Err(Failure::unusable(message));
            }
            let scopes = table.scopes.iter().cloned().collect();
            let layout = TableLayout::new(&table.name, &described.sql_name, columns, table.key.clone(), scopes);
            Ok((table.name.clone(), Arc::new(layout)))
        });
        Ok(Self { tables: tables.collect::<Result<_, Failure>>()?, rules, signatures: Signatures::new() })
    }

    pub(crate) fn table(&self, name: &str) -> Result<&Arc<TableLayout>, Failure> {
        self.tables.get(name).ok_or_else(|| Failure::internal(format!("table '{name}' was not adopted")))
    }

    /// For `swain.meta`: which scopes are indexed, and how a node that has adopted nothing reads the log.
    pub(crate) fn to_value(&self) -> Value {
        Value::Object(self.tables.iter().map(|(name, table)| (name.into(), table.to_value())).collect())
    }

    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let Value::Object(tables) = value else { return None };
        let tables = tables.iter().map(|(name, table)| {
            Some((Name::from(name.clone()), Arc::new(TableLayout::from_value(&name.clone().into(), table)?)))
        });
        Some(Self { tables: tables.collect::<Option<_>>()?, ..Self::default() })
    }
}

impl TableLayout {
    fn new(
        name: &Name,
        sql_name: &str,
        columns: BTreeMap<Name, ColumnLayout>,
        key: Vec<Name>,
        scopes: Vec<Name>,
    ) -> Self {
        let parts = key.iter().zip(1..).map(|(name, place)| {
            let cast = columns.get(name).map_or("text", |column| &column.sql_type);
            format!("{} = ${place}::text::{cast}", quote(name))
        });
        let condition = parts.collect::<Vec<_>>().join(" AND ");
        Self {
            name: name.clone(),
            sql_name: sql_name.into(),
            select_sql: format!("SELECT row_to_json({ROW})::text FROM {sql_name} {ROW} WHERE {condition} FOR UPDATE"),
            delete_sql: format!("DELETE FROM {sql_name} WHERE {condition}"),
            columns,
            key,
            scopes,
        }
    }

    /// The trigger's function: the one that pins as much as the columns need.
    pub(crate) fn capture_function(&self) -> &'static str {
        let taste = self.columns.values().map(|column| column.kind.taste()).max();
        capture::function(taste.unwrap_or(Taste::Nothing))
    }

    /// Reads and locks the row of a key.
    pub(crate) fn select_sql(&self) -> &str {
        &self.select_sql
    }

    /// Deletes the row of a key.
    pub(crate) fn delete_sql(&self) -> &str {
        &self.delete_sql
    }

    /// Sets columns of the row of a key: the key comes first among the parameters.
    pub(crate) fn update_sql<'a>(&self, set: impl Iterator<Item = &'a Name>) -> String {
        let first = self.key.len() + 1;
        let assignments = set.zip(first..).map(|(name, place)| format!("{} = {}", quote(name), self.cast(name, place)));
        let assignments = assignments.collect::<Vec<_>>().join(", ");
        let (_, condition) = self.delete_sql.split_once(" WHERE ").unwrap_or_default();
        format!("UPDATE {} SET {assignments} WHERE {condition}", self.sql_name)
    }

    pub(crate) fn insert_sql<'a>(&self, columns: impl Iterator<Item = &'a Name> + Clone) -> String {
        let names: Vec<_> = columns.clone().map(|name| quote(name)).collect();
        let values: Vec<_> = columns.zip(1..).map(|(name, place)| self.cast(name, place)).collect();
        // A device that gives a key gives it, also where the database would always draw one.
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
            self.sql_name,
            names.join(", "),
            values.join(", ")
        )
    }

    /// An insert that leaves the key to the database, and gives the row.
    pub(crate) fn insert_new_sql<'a>(&self, columns: impl Iterator<Item = &'a Name> + Clone) -> String {
        let insert = match columns.clone().next() {
            None => format!("INSERT INTO {} AS {ROW} DEFAULT VALUES", self.sql_name),
            Some(_) => {
                let insert = self.insert_sql(columns);
                insert.replacen(&self.sql_name, &format!("{} AS {ROW}", self.sql_name), 1)
            }
        };
        format!("{insert} RETURNING row_to_json({ROW})::text")
    }

    /// The rows with these values, the first in key order.
    pub(crate) fn find_sql<'a>(&self, columns: impl Iterator<Item = &'a Name>) -> String {
        let parts = columns.zip(1..).map(|(name, place)| format!("{} = {}", quote(name), self.cast(name, place)));
        let key: Vec<_> = self.key.iter().map(|name| quote(name)).collect();
        format!(
            "SELECT row_to_json({ROW})::text FROM {} {ROW} WHERE {} ORDER BY {}",
            self.sql_name,
            parts.collect::<Vec<_>>().join(" AND "),
            key.join(", ")
        )
    }

    /// A text parameter as a value of a column.
    pub(crate) fn cast(&self, column: &Name, place: usize) -> String {
        let cast = self.columns.get(column).map_or("text", |column| &column.sql_type);
        format!("${place}::text::{cast}")
    }

    pub(crate) fn kind(&self, column: &str) -> Option<&Kind> {
        self.columns.get(column).map(|column| &column.kind)
    }

    /// A row from the text of `row_to_json`.
    pub(crate) fn read_row(&self, text: &str) -> Result<Row, Failure> {
        let members =
            members(text).ok_or_else(|| Failure::internal(format!("a row of table '{}' cannot be read", self.name)))?;
        let columns = self.columns.iter().filter_map(|(name, column)| {
            let raw = members.get(name.as_str())?;
            Some((name.clone(), to_wire(&column.kind, raw.get())))
        });
        Ok(columns.collect())
    }

    pub(crate) fn key_of(&self, row: &Row) -> Key {
        Key(self.key.iter().map(|name| row.value(name).clone()).collect())
    }

    /// A key as parameters.
    pub(crate) fn key_texts(&self, key: &Key) -> Result<Vec<Option<String>>, Failure> {
        if key.0.len() != self.key.len() {
            return Err(Failure::internal(format!("a key of table '{}' has {} values", self.name, self.key.len())));
        }
        let values = self.key.iter().zip(&key.0);
        Ok(values.map(|(name, value)| to_text(self.kind(name).unwrap_or(&Kind::Text), value)).collect())
    }

    /// A key as the log keeps it: the texts of its values.
    pub(crate) fn log_key(&self, key: &Key) -> Result<String, Failure> {
        let texts = self.key_texts(key)?;
        let texts = texts.into_iter().map(|text| text.map_or(Value::Null, Value::text));
        Ok(Value::List(texts.collect()).canonical())
    }

    fn to_value(&self) -> Value {
        let names = |names: &[Name]| Value::List(names.iter().map(|name| Value::text(name.as_str())).collect());
        let columns = self.columns.iter().map(|(name, column)| {
            let kind = Value::text(column.kind.name());
            (name.into(), Value::List(vec![kind, Value::text(column.sql_type.as_str())]))
        });
        Value::Object(BTreeMap::from([
            ("columns".into(), Value::Object(columns.collect())),
            ("key".into(), names(&self.key)),
            ("scopes".into(), names(&self.scopes)),
            ("sql".into(), Value::text(self.sql_name.as_str())),
        ]))
    }

    fn from_value(name: &Name, value: &Value) -> Option<Self> {
        let Value::Object(parts) = value else { return None };
        let Some(Value::Object(columns)) = parts.get("columns") else { return None };
        let columns = columns.iter().map(|(name, column)| {
            let Value::List(column) = column else { return None };
            let kind = Kind::from_name(column.first()?.as_text()?)?;
            Some((name.clone().into(), ColumnLayout { kind, sql_type: column.get(1)?.as_text()?.into() }))
        });
        let names = |part: &str| match parts.get(part) {
            Some(Value::List(names)) => names.iter().map(|name| name.as_text().map(Name::from)).collect(),
            _ => None::<Vec<Name>>,
        };
        let sql_name = parts.get("sql")?.as_text()?;
        Some(Self::new(name, sql_name, columns.collect::<Option<_>>()?, names("key")?, names("scopes")?))
    }
}

/// A name as an SQL identifier.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
