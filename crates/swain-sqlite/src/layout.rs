//! The adopted tables as SQL needs them: columns in a fixed order, key, scopes, and the statements of the hot path.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use swain_core::{ColumnType, Name, Row, Schema, Table, Value};

use crate::failure::Failure;
use crate::wire::to_wire;

/// All adopted tables.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) tables: BTreeMap<Name, Arc<TableLayout>>,
    /// Reads everything captured, as wide as the widest table.
    pub(crate) captured_sql: String,
}

/// One adopted table.
#[derive(Debug)]
pub(crate) struct TableLayout {
    pub(crate) name: Name,
    /// By name; the place in this list is the place in the capture table.
    pub(crate) columns: Vec<(Name, ColumnType)>,
    /// Places of the key columns, in key order.
    pub(crate) key: Vec<usize>,
    /// Places of the scope columns.
    pub(crate) scopes: Vec<usize>,

    /// All columns, quoted, with commas.
    pub(crate) column_list: String,
    /// The row of a key; one parameter per key column.
    pub(crate) select_sql: String,
    /// Deletes the row of a key.
    pub(crate) delete_sql: String,
}

impl Layout {
    pub(crate) fn of(schema: &Schema) -> Result<Self, Failure> {
        Self::new(schema.tables.values().map(TableLayout::of).collect::<Result<_, _>>()?)
    }

    fn new(tables: Vec<TableLayout>) -> Result<Self, Failure> {
        let width = tables.iter().map(|table| table.columns.len()).max().unwrap_or(0);
        let columns: String = (0..width).fold(String::new(), |mut list, place| {
            let _ = write!(list, ", c{place}");
            list
        });
        Ok(Self {
            tables: tables.into_iter().map(|table| (table.name.clone(), Arc::new(table))).collect(),
            captured_sql: format!("SELECT id, tbl, kind{columns} FROM swain_capture ORDER BY id"),
        })
    }

    pub(crate) fn table(&self, name: &str) -> Result<&Arc<TableLayout>, Failure> {
        self.tables.get(name).ok_or_else(|| Failure::internal(format!("table '{name}' was not adopted")))
    }

    /// The capture table's `c` columns that these tables need.
    pub(crate) fn width(&self) -> usize {
        self.tables.values().map(|table| table.columns.len()).max().unwrap_or(0)
    }

    /// For `swain_meta`: what was captured before a restart is read by what was adopted then.
    pub(crate) fn to_value(&self) -> Value {
        let tables = self.tables.iter().map(|(name, table)| (name.into(), table.to_value()));
        Value::Object(tables.collect())
    }

    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let Value::Object(tables) = value else { return None };
        let tables = tables.iter().map(|(name, table)| TableLayout::from_value(name, table));
        Self::new(tables.collect::<Option<_>>()?).ok()
    }
}

impl TableLayout {
    fn of(table: &Table) -> Result<Self, Failure> {
        let columns: Vec<_> = table.columns.iter().map(|(name, column)| (name.clone(), column.kind)).collect();
        let key: Vec<&str> = table.key.iter().map(Name::as_str).collect();
        let scopes: Vec<&str> = table.scopes.iter().map(Name::as_str).collect();
        Self::new(table.name.clone(), columns, &key, &scopes).ok_or_else(|| {
            Failure::unusable(format!("table '{}' has no key, or names a column it does not have", table.name))
        })
    }

    fn new(name: Name, columns: Vec<(Name, ColumnType)>, key: &[&str], scopes: &[&str]) -> Option<Self> {
        let place = |name: &&str| columns.iter().position(|(column, _)| column.as_str() == *name);
        let places = |names: &[&str]| names.iter().map(place).collect::<Option<Vec<_>>>();
        let (key, scopes) = (places(key)?, places(scopes)?);
        if key.is_empty() {
            return None;
        }
        let column_list = columns.iter().map(|(name, _)| quote(name)).collect::<Vec<_>>().join(", ");
        let table = quote(&name);
        let condition = key_condition(key.iter().map(|place| &columns[*place].0));
        Some(Self {
            select_sql: format!("SELECT {column_list} FROM {table} WHERE {condition}"),
            delete_sql: format!("DELETE FROM {table} WHERE {condition}"),
            name,
            columns,
            key,
            scopes,
            column_list,
        })
    }

    pub(crate) fn kind(&self, column: &str) -> Option<ColumnType> {
        // Columns are sorted by name.
        let place = self.columns.binary_search_by(|(name, _)| name.as_str().cmp(column)).ok()?;
        Some(self.columns[place].1)
    }

    pub(crate) fn key_columns(&self) -> impl Iterator<Item = &(Name, ColumnType)> {
        self.key.iter().map(|place| &self.columns[*place])
    }

    pub(crate) fn scope_columns(&self) -> impl Iterator<Item = &Name> {
        self.scopes.iter().map(|place| &self.columns[*place].0)
    }

    /// A row whose columns begin at `first` of a result.
    pub(crate) fn read_row(&self, result: &rusqlite::Row<'_>, first: usize) -> Result<Row, rusqlite::Error> {
        let columns = self.columns.iter().enumerate();
        let values =
            columns.map(|(place, (name, kind))| Ok((name.clone(), to_wire(*kind, result.get_ref(first + place)?))));
        values.collect()
    }

    /// Sets columns of the row of a key: the key comes first among the parameters.
    pub(crate) fn update_sql<'a>(&self, set: impl Iterator<Item = &'a Name>) -> String {
        let key = key_condition(self.key_columns().map(|(name, _)| name));
        let first = self.key.len() + 1;
        let assignments: Vec<_> =
            set.enumerate().map(|(index, name)| format!("{} = ?{}", quote(name), first + index)).collect();
        format!("UPDATE {} SET {} WHERE {key}", quote(&self.name), assignments.join(", "))
    }

    pub(crate) fn insert_sql<'a>(&self, columns: impl Iterator<Item = &'a Name>) -> String {
        let columns: Vec<_> = columns.map(|name| quote(name)).collect();
        let parameters: Vec<_> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", quote(&self.name), columns.join(", "), parameters.join(", "))
    }

    /// An insert that leaves the key to the database, and gives it.
    pub(crate) fn insert_new_sql<'a>(&self, columns: impl Iterator<Item = &'a Name>) -> String {
        let columns: Vec<_> = columns.collect();
        let insert = match columns.is_empty() {
            true => format!("INSERT INTO {} DEFAULT VALUES", quote(&self.name)),
            false => self.insert_sql(columns.into_iter()),
        };
        format!("{insert} RETURNING {}", self.key_list())
    }

    /// The key of a row with these values; the first, should there be several.
    pub(crate) fn find_sql<'a>(&self, columns: impl Iterator<Item = &'a Name>) -> String {
        let (key, condition) = (self.key_list(), key_condition(columns));
        format!("SELECT {key} FROM {} WHERE {condition} ORDER BY {key} LIMIT 1", quote(&self.name))
    }

    fn key_list(&self) -> String {
        self.key_columns().map(|(name, _)| quote(name)).collect::<Vec<_>>().join(", ")
    }

    fn to_value(&self) -> Value {
        let names = |names: Vec<&Name>| Value::List(names.into_iter().map(|name| Value::text(name.as_str())).collect());
        let columns = self.columns.iter().map(|(name, kind)| (name.into(), Value::text(kind.as_str())));
        Value::Object(BTreeMap::from([
            ("columns".into(), Value::Object(columns.collect())),
            ("key".into(), names(self.key_columns().map(|(name, _)| name).collect())),
            ("scopes".into(), names(self.scope_columns().collect())),
        ]))
    }

    fn from_value(name: &str, value: &Value) -> Option<Self> {
        let Value::Object(members) = value else { return None };
        let Some(Value::Object(columns)) = members.get("columns") else { return None };
        let columns = columns.iter().map(|(name, kind)| {
            let kind = ColumnType::from_name(kind.as_text()?)?;
            Some((Name::from(name.clone()), kind))
        });
        let names = |member: &str| match members.get(member) {
            Some(Value::List(names)) => names.iter().map(Value::as_text).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        Self::new(name.into(), columns.collect::<Option<_>>()?, &names("key")?, &names("scopes")?)
    }
}

/// SQLite allows null in some keys; such a row has no identity.
pub(crate) fn has_key(table: &TableLayout) -> String {
    let parts: Vec<_> = table.key_columns().map(|(name, _)| format!("{} IS NOT NULL", quote(name))).collect();
    parts.join(" AND ")
}

/// A name as an SQL identifier. Not in double quotes: SQLite takes those for text when the name does not exist.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The first comparison finds the row by the key's index, the second tells keys apart that only its collation calls equal.
fn key_condition<'a>(key: impl Iterator<Item = &'a Name>) -> String {
    let parts: Vec<_> = key
        .enumerate()
        .map(|(index, name)| {
            let (name, place) = (quote(name), index + 1);
            format!("{name} = ?{place} AND {name} = ?{place} COLLATE BINARY")
        })
        .collect();
    parts.join(" AND ")
}
