//! Values: wire form ↔ SQL, by column type (spec V1).
//!
//! What does not fit its column's type travels by its own storage class, unchanged, in both directions.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};
use swain_core::strict_json::parse;
use swain_core::{ColumnType, Value};

/// A json value nested deeper than this stays text: the log wraps it in a row, and its reader stops at 64.
const JSON_DEPTH_MAX: usize = 60;

/// A stored value in wire form.
pub(crate) fn to_wire(kind: ColumnType, stored: ValueRef<'_>) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => integer_to_wire(kind, number),
        ValueRef::Real(number) => real_to_wire(kind, number),
        ValueRef::Text(bytes) => match as_text(bytes) {
            Some(text) => text_to_wire(kind, text),
            // SQLite keeps any bytes as TEXT; what is no text for anybody else travels as the bytes it is.
            None => Value::text(BASE64.encode(bytes)),
        },
        ValueRef::Blob(bytes) => Value::text(BASE64.encode(bytes)),
    }
}

/// A value in wire form as SQLite shall store it.
pub(crate) fn to_sql(kind: ColumnType, value: &Value) -> ToSqlOutput<'_> {
    let owned = |value: Sql| ToSqlOutput::Owned(value);
    match (kind, value) {
        (_, Value::Null) => owned(Sql::Null),
        (ColumnType::Json, value) => owned(Sql::Text(value.canonical())),
        (_, Value::Bool(truth)) => owned(Sql::Integer(i64::from(*truth))),
        #[expect(clippy::cast_precision_loss, reason = "safe integers are exact doubles")]
        (ColumnType::Float64, Value::Int(number)) => owned(Sql::Real(*number as f64)),
        (_, Value::Int(number)) => owned(Sql::Integer(*number)),
        (_, Value::Float(number)) => owned(Sql::Real(*number)),
        (kind, Value::Text(text)) => text_to_sql(kind, text),
        (_, Value::List(_) | Value::Object(_)) => owned(Sql::Text(value.canonical())),
    }
}

/// A value as it was read, to be given back as it was: also TEXT that is not UTF-8.
#[derive(Debug)]
pub(crate) enum Stored {
    Sql(Sql),
    Text(Vec<u8>),
}

impl From<ValueRef<'_>> for Stored {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Sql(Sql::Null),
            ValueRef::Integer(number) => Self::Sql(Sql::Integer(number)),
            ValueRef::Real(number) => Self::Sql(Sql::Real(number)),
            ValueRef::Text(bytes) => Self::Text(bytes.to_vec()),
            ValueRef::Blob(bytes) => Self::Sql(Sql::Blob(bytes.to_vec())),
        }
    }
}

impl ToSql for Stored {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        match self {
            Self::Sql(value) => value.to_sql(),
            Self::Text(bytes) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(bytes))),
        }
    }
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn integer_to_wire(kind: ColumnType, number: i64) -> Value {
    match (kind, number) {
        (ColumnType::Bool, 0) => Value::Bool(false),
        (ColumnType::Bool, 1) => Value::Bool(true),
        // NUMERIC affinity turned the text into a number; a decimal stays text for devices.
        (ColumnType::Decimal, number) => Value::text(number.to_string()),
        (_, number) => Value::int64(number),
    }
}

fn real_to_wire(kind: ColumnType, number: f64) -> Value {
    if number.is_infinite() {
        return infinity(number);
    }
    match kind {
        // Display of f64 is the shortest plain notation, without an exponent.
        ColumnType::Decimal => Value::text(number.to_string()),
        _ => Value::number(number),
    }
}

fn text_to_wire(kind: ColumnType, text: &str) -> Value {
    match kind {
        ColumnType::Json => parse(text).ok().filter(is_flat_enough).unwrap_or_else(|| Value::text(text)),
        _ => Value::text(text),
    }
}

fn text_to_sql(kind: ColumnType, text: &Arc<str>) -> ToSqlOutput<'_> {
    let special = match kind {
        ColumnType::Int64 => canonical_int64(text).map(Sql::Integer),
        ColumnType::Float64 => from_infinity(text).map(Sql::Real),
        ColumnType::Bytes => BASE64.decode(&**text).ok().map(Sql::Blob),
        ColumnType::Bool | ColumnType::Decimal | ColumnType::Text | ColumnType::Json | ColumnType::Time => None,
    };
    match special {
        Some(value) => ToSqlOutput::Owned(value),
        None => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
    }
}

/// Every stored value, other than null, whose wire form is `value`; none when there are more than can be listed.
pub(crate) fn stored_forms(kind: ColumnType, value: &Value) -> Option<Vec<Sql>> {
    if matches!(kind, ColumnType::Json | ColumnType::Decimal) {
        return None;
    }
    Some(match value {
        Value::Null | Value::List(_) | Value::Object(_) => Vec::new(),
        Value::Bool(truth) if kind == ColumnType::Bool => vec![Sql::Integer(i64::from(*truth))],
        Value::Bool(_) => Vec::new(),
        Value::Int(0 | 1) if kind == ColumnType::Bool => Vec::new(),
        #[expect(clippy::cast_precision_loss, reason = "safe integers are exact doubles")]
        Value::Int(number) => vec![Sql::Integer(*number), Sql::Real(*number as f64)],
        Value::Float(number) => vec![Sql::Real(*number)],
        Value::Text(text) => {
            let beyond = canonical_int64(text).filter(|number| Value::int64(*number).as_int().is_none());
            let bytes = BASE64.decode(&**text).ok().filter(|bytes| BASE64.encode(bytes) == **text);
            if bytes.as_ref().is_some_and(|bytes| as_text(bytes).is_none()) {
                // TEXT of these bytes has the same wire form as a BLOB of them.
                return None;
            }
            let forms = [
                Some(Sql::Text(text.to_string())),
                beyond.map(Sql::Integer),
                from_infinity(text).map(Sql::Real),
                bytes.map(Sql::Blob),
            ];
            forms.into_iter().flatten().collect()
        }
    })
}

fn canonical_int64(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

fn infinity(number: f64) -> Value {
    Value::text(if number > 0.0 { "Infinity" } else { "-Infinity" })
}

fn from_infinity(text: &str) -> Option<f64> {
    match text {
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn is_flat_enough(value: &Value) -> bool {
    fn depth(value: &Value) -> usize {
        match value {
            Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => 0,
        }
    }
    depth(value) <= JSON_DEPTH_MAX
}
