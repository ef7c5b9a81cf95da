//! The schema as Swain sees it: tables, columns, types, keys, and what the configuration adds (spec V8).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::hash::hash_text;
use crate::ids::Name;
use crate::problem::Code;
use crate::row::Key;
use crate::strict_json;
use crate::value::Value;

/// All synced tables, under one version number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Counts up with every change.
    pub version: u64,
    /// The synced tables by name.
    pub tables: BTreeMap<Name, Table>,
}

/// A synced table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name in the database.
    pub name: Name,
    /// Its columns by name.
    pub columns: BTreeMap<Name, Column>,
    /// The key columns, in key order. Never empty.
    pub key: Vec<Name>,
    /// Columns by which changes are indexed: those that the read rule compares with `auth`, and those declared.
    pub scopes: BTreeSet<Name>,
    /// How a column that two devices changed is decided; columns not named here take the default.
    pub strategies: BTreeMap<Name, Strategy>,
    /// Columns that the server fills, and with what.
    pub fills: BTreeMap<Name, Fill>,
    /// Who gives ids to new rows.
    pub ids: Ids,
    /// Unique keys besides the primary one, on which an upsert may find a row (spec M11). None is empty.
    pub uniques: Vec<Vec<Name>>,
    /// Columns that name rows of synced tables by their keys (spec M10).
    pub references: Vec<Reference>,
    /// Columns whose `was` travels whole, however long (spec M3): their strategy needs it.
    pub whole: BTreeSet<Name>,
    /// What becomes of a delete of a row that was changed since it was seen (spec M8).
    pub on_delete: OnDelete,
    /// Counts up whenever what happened to the table may not all be in the log (spec S14): its rows are loaded anew.
    pub generation: u64,
}

/// Who gives ids to new rows (spec M10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// The device; its ids are final.
    #[default]
    Device,
    /// The database. A device uses negative ids until it knows.
    Server,
}

/// Columns that hold the key of a row of another table, or of this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// In the order of that table's key.
    pub columns: Vec<Name>,
    /// The table whose rows are named.
    pub table: Name,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Decides the wire form.
    pub kind: ColumnType,
    /// Null is a value of it.
    pub nullable: bool,
    /// An insert may leave it out.
    pub has_default: bool,
    /// Computed by the database; nobody sets it.
    pub generated: bool,
}

/// The type of a column (spec V1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnType {
    /// True or false.
    Bool,
    /// 64-bit whole number.
    Int64,
    /// Double.
    Float64,
    /// Exact number, as text.
    Decimal,
    /// Text.
    Text,
    /// Bytes, as base64.
    Bytes,
    /// JSON.
    Json,
    /// Date or time, as the database's own text.
    Time,
}

/// What becomes of a column that two devices changed (spec M5, M13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The later edit; a tie is the server's.
    #[default]
    LastWriteWins,
    /// What arrives later.
    Arrival,
    /// What the server has.
    ServerWins,
    /// What the device sends.
    ClientWins,
    /// The greater of both.
    Max,
    /// The less of both.
    Min,
    /// The items of both arrays.
    Union,
    /// The texts of both, with this between.
    Concat(String),
    /// The members of both objects.
    Merge,
    /// What both changed in a text; where they changed the same words, a person decides.
    Text,
    /// A person decides.
    Manual,
}

/// What becomes of a delete of a row that was changed since it was seen (spec M8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// The row goes.
    #[default]
    DeleteWins,
    /// The row stays.
    UpdateWins,
    /// The row stays until a person has decided.
    Manual,
}

/// What the server fills a column with (spec M9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The user who inserts the row; set once.
    AuthId,
    /// The server's time of the write, in milliseconds.
    Time,
}

impl ColumnType {
    /// The name in the wire schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Decimal => "decimal",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Json => "json",
            Self::Time => "time",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all =
            [Self::Bool, Self::Int64, Self::Float64, Self::Decimal, Self::Text, Self::Bytes, Self::Json, Self::Time];
        all.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Checks a value from a device and brings it into the one form that this type has.
    pub fn normalise(self, value: &Value) -> Result<Value, Code> {
        match (self, value) {
            (_, Value::Null)
            | (Self::Bool, Value::Bool(_))
            | (Self::Int64 | Self::Float64, Value::Int(_))
            | (Self::Float64, Value::Float(_))
            | (Self::Text | Self::Time, Value::Text(_))
            // SQLite applications keep times as numbers, too.
            | (Self::Time, Value::Int(_) | Value::Float(_)) => Ok(value.clone()),
            (Self::Json, value) => safe_numbers(value).then(|| value.clone()).ok_or(Code::NumberOutOfRange),
            (Self::Int64, Value::Float(number)) if is_whole(*number) => Err(Code::NumberOutOfRange),
            (Self::Int64, Value::Text(text)) => text.parse().map(Value::int64).map_err(|_| Code::WrongType),
            (Self::Float64, Value::Text(text)) if matches!(&**text, "Infinity" | "-Infinity") => Ok(value.clone()),
            (Self::Decimal, Value::Text(text)) if is_decimal(text) => Ok(value.clone()),
            (Self::Bytes, Value::Text(text)) => {
                BASE64.decode(&**text).map(|_| value.clone()).map_err(|_| Code::WrongType)
            }
            _ => Err(Code::WrongType),
        }
    }
}

fn is_whole(number: f64) -> bool {
    // Doubles from 2^52 on have no fraction.
    number.abs() >= 4_503_599_627_370_496.0
}

fn safe_numbers(value: &Value) -> bool {
    match value {
        Value::Float(number) => !is_whole(*number),
        Value::List(items) => items.iter().all(safe_numbers),
        Value::Object(members) => members.values().all(safe_numbers),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) => true,
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

impl Reference {
    /// What a foreign key says of the key of `parent`; none when it does not name all of it.
    /// `pairs` are the columns here and the columns there.
    pub fn to(parent: &Table, pairs: &[(Name, Name)]) -> Option<Self> {
        let named = |key: &Name| pairs.iter().find(|(_, there)| there == key).map(|(here, _)| here.clone());
        Some(Self { columns: parent.key.iter().map(named).collect::<Option<_>>()?, table: parent.name.clone() })
    }
}

impl Table {
    /// A table with nothing configured.
    pub fn new(name: Name, columns: BTreeMap<Name, Column>, key: Vec<Name>) -> Self {
        Self {
            name,
            columns,
            key,
            scopes: BTreeSet::new(),
            strategies: BTreeMap::new(),
            fills: BTreeMap::new(),
            ids: Ids::Device,
            uniques: Vec::new(),
            references: Vec::new(),
            whole: BTreeSet::new(),
            on_delete: OnDelete::DeleteWins,
            generation: 0,
        }
    }

    /// The table for those from whom these columns are hidden: nothing in it tells that they are there.
    #[must_use]
    pub fn without(&self, hidden: &BTreeSet<Name>) -> Self {
        let mut table = self.clone();
        let is_seen = |column: &Name| !hidden.contains(column);
        table.columns.retain(|column, _| is_seen(column));
        table.scopes.retain(is_seen);
        table.strategies.retain(|column, _| is_seen(column));
        table.fills.retain(|column, _| is_seen(column));
        table.whole.retain(is_seen);
        table.uniques.retain(|unique| unique.iter().all(is_seen));
        table.references.retain(|reference| reference.columns.iter().all(is_seen));
        table
    }

    /// The column, or the problem that there is none.
    pub fn column(&self, name: &str) -> Result<&Column, Code> {
        self.columns.get(name).ok_or(Code::UnknownColumn)
    }

    /// True when only the server sets this column.
    pub fn is_readonly(&self, name: &str) -> bool {
        self.fills.contains_key(name) || self.columns.get(name).is_some_and(|column| column.generated)
    }

    /// The strategy of a column.
    pub fn strategy(&self, name: &str) -> &Strategy {
        self.strategies.get(name).unwrap_or(&Strategy::LastWriteWins)
    }

    /// The place of a column in the key; none if it does not belong to it.
    pub fn key_place(&self, column: &Name) -> Option<usize> {
        self.key.iter().position(|key| key == column)
    }

    /// True when the database can give ids: the key is one whole number that an insert may leave out.
    pub fn can_give_ids(&self) -> bool {
        let column = match self.key.as_slice() {
            [only] => self.columns.get(only),
            _ => None,
        };
        column.is_some_and(|column| column.kind == ColumnType::Int64 && column.has_default && !column.generated)
    }

    /// True for a key that a device made up until the database gives one (spec M10).
    pub fn is_temporary(&self, key: &Key) -> bool {
        let is_negative = match key.0.as_slice() {
            [Value::Int(number)] => *number < 0,
            // An int64 beyond the doubles.
            [Value::Text(text)] => text.starts_with('-'),
            _ => false,
        };
        self.ids == Ids::Server && is_negative
    }

    /// The unique key of just these columns: as it was declared, or the primary key.
    pub fn unique(&self, columns: &[Name]) -> Option<&[Name]> {
        let is_it =
            |unique: &&Vec<Name>| unique.len() == columns.len() && columns.iter().all(|column| unique.contains(column));
        self.uniques.iter().chain([&self.key]).find(is_it).map(Vec::as_slice)
    }

    /// Checks a key from a device and brings it into its one form.
    pub fn normalise_key(&self, key: &Key) -> Result<Key, Code> {
        if key.0.len() != self.key.len() {
            return Err(Code::BadKey);
        }
        let values = self.key.iter().zip(&key.0).map(|(name, value)| {
            let column = self.column(name)?;
            let value = column.kind.normalise(value).map_err(|_| Code::BadKey)?;
            if value.is_null() { Err(Code::BadKey) } else { Ok(value) }
        });
        values.collect::<Result<Vec<_>, _>>().map(Key)
    }

    /// A key that a person wrote: a JSON array, or of one column its value as it stands.
    pub fn key_of_text(&self, text: &str) -> Result<Key, Code> {
        let written = strict_json::parse(text).ok();
        let values = match (written, self.key.as_slice()) {
            (Some(Value::List(values)), _) => values,
            (Some(value), [column]) if self.column(column)?.kind.normalise(&value).is_ok() => alloc::vec![value],
            (_, [_]) => alloc::vec![Value::text(text)],
            (_, _) => return Err(Code::BadKey),
        };
        self.normalise_key(&Key(values))
    }

    /// The table as it goes to devices.
    pub fn to_value(&self) -> Value {
        let columns = self.columns.iter().map(|(name, column)| {
            let mut members = BTreeMap::from([("type".into(), Value::text(column.kind.as_str()))]);
            let flags = [
                ("null", column.nullable),
                ("default", column.has_default),
                ("readonly", self.is_readonly(name)),
                ("whole", self.whole.contains(name)),
            ];
            members.extend(flags.into_iter().filter(|(_, on)| *on).map(|(flag, _)| (flag.into(), Value::Bool(true))));
            (name.into(), Value::Object(members))
        });
        let mut members = BTreeMap::from([
            ("columns".into(), Value::Object(columns.collect())),
            ("key".into(), name_list(&self.key)),
        ]);
        if self.generation > 0 {
            members.insert("generation".into(), Value::Int(self.generation.cast_signed()));
        }
        if self.ids == Ids::Server {
            members.insert("ids".into(), Value::text("server"));
        }
        if !self.uniques.is_empty() {
            members.insert("unique".into(), Value::List(self.uniques.iter().map(|unique| name_list(unique)).collect()));
        }
        if !self.references.is_empty() {
            members.insert("references".into(), Value::List(self.references.iter().map(Reference::to_value).collect()));
        }
        Value::Object(members)
    }

    fn from_value(name: &str, value: &Value) -> Option<Table> {
        let Value::Object(members) = value else {
            return None;
        };
        let Some(Value::Object(columns)) = members.get("columns") else {
            return None;
        };
        let mut table = Table::new(name.into(), BTreeMap::new(), names_of(members.get("key")?)?);
        let generation = members.get("generation").and_then(Value::as_int).map(u64::try_from);
        table.generation = generation.and_then(Result::ok).unwrap_or_default();
        if members.get("ids").and_then(Value::as_text) == Some("server") {
            table.ids = Ids::Server;
        }
        if let Some(Value::List(uniques)) = members.get("unique") {
            table.uniques = uniques.iter().map(names_of).collect::<Option<_>>()?;
        }
        if let Some(Value::List(references)) = members.get("references") {
            table.references = references.iter().map(Reference::from_value).collect::<Option<_>>()?;
        }
        for (name, column) in columns {
            let Value::Object(column) = column else {
                return None;
            };
            let has = |flag: &str| column.get(flag) == Some(&Value::Bool(true));
            let kind = ColumnType::from_name(column.get("type")?.as_text()?)?;
            if has("whole") {
                table.whole.insert(name.clone().into());
            }
            let column =
                Column { kind, nullable: has("null"), has_default: has("default"), generated: has("readonly") };
            table.columns.insert(name.clone().into(), column);
        }
        Some(table)
    }
}

impl Reference {
    fn to_value(&self) -> Value {
        Value::Object(BTreeMap::from([
            ("columns".into(), name_list(&self.columns)),
            ("table".into(), Value::text(self.table.as_str())),
        ]))
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Object(members) = value else { return None };
        let table = members.get("table")?.as_text()?;
        Some(Self { columns: names_of(members.get("columns")?)?, table: table.into() })
    }
}

fn name_list(names: &[Name]) -> Value {
    Value::List(names.iter().map(|name| Value::text(name.as_str())).collect())
}

fn names_of(value: &Value) -> Option<Vec<Name>> {
    let Value::List(names) = value else { return None };
    names.iter().map(|name| name.as_text().map(Name::from)).collect()
}

impl Schema {
    /// The table, or the problem that it is not synced.
    pub fn table(&self, name: &str) -> Result<&Table, Code> {
        self.tables.get(name).ok_or(Code::UnknownTable)
    }

    /// The schema as it goes to devices (spec V8).
    pub fn to_value(&self) -> Value {
        let tables = self.tables.iter().map(|(name, table)| (name.into(), table.to_value()));
        #[expect(clippy::cast_possible_wrap, reason = "a version counts schema changes")]
        let version = Value::Int(self.version as i64);
        Value::Object(BTreeMap::from([("version".into(), version), ("tables".into(), Value::Object(tables.collect()))]))
    }

    /// The schema from its wire form, for clients. Members that it does not know are left out.
    pub fn from_value(value: &Value) -> Option<Schema> {
        let Value::Object(members) = value else {
            return None;
        };
        let Some(Value::Object(tables)) = members.get("tables") else {
            return None;
        };
        let version = u64::try_from(members.get("version")?.as_int()?).ok()?;
        let tables = tables.iter().map(|(name, table)| Some((name.clone().into(), Table::from_value(name, table)?)));
        Some(Schema { version, tables: tables.collect::<Option<_>>()? })
    }

    /// Tells two schemas apart, whatever their version numbers.
    pub fn hash(&self) -> String {
        let tables = self.tables.iter().map(|(name, table)| (name.into(), table.to_value()));
        hash_text(&Value::Object(tables.collect()).canonical())
    }
}
