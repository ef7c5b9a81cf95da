//! Values: the text that PostgreSQL gives ↔ wire form, by column type (spec V1).
//!
//! Down, a row comes as the text of `row_to_json`, in the log as in a load, so that both agree by construction. Its
//! numbers are read as the digits that they are: an int64 or a numeric never passes through a float. Up, a value goes as
//! text with a cast, so that the type's own input function judges it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::value::RawValue;
use swain_core::strict_json::parse;
use swain_core::{ColumnType, Value};

/// A json value nested deeper than this stays text: the log wraps it in a row, and its reader stops at 64.
const JSON_DEPTH_MAX: usize = 60;

/// How a column's values look and compare.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Bool,
    /// int2, int4, int8.
    Integer,
    /// float8.
    Double,
    /// float4: its text has fewer digits than its value as a double.
    Single,
    Numeric,
    /// Text that is equal when its bytes are.
    Text,
    Uuid,
    Bytes,
    /// Date or time, in ISO 8601 and UTC.
    Time,
    /// json, jsonb.
    Json,
    /// An array; its elements keep their own wire form.
    List(Box<Kind>),
    /// Everything else: its output text, whatever its own operators call equal.
    Other,
}

/// What the text of a value depends on besides the value, in the session that writes it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Taste {
    Nothing,
    /// The session's time zone.
    Zone,
    /// How it likes its intervals, floats, bytes, money, or whatever a type of an extension asks for.
    Everything,
}

impl Kind {
    pub(crate) fn taste(&self) -> Taste {
        match self {
            Self::Bool | Self::Integer | Self::Numeric | Self::Text | Self::Uuid | Self::Json => Taste::Nothing,
            Self::Time => Taste::Zone,
            Self::List(item) => item.taste(),
            Self::Double | Self::Single | Self::Bytes | Self::Other => Taste::Everything,
        }
    }

    /// The type in the schema.
    pub(crate) fn column_type(&self) -> ColumnType {
        match self {
            Self::Bool => ColumnType::Bool,
            Self::Integer => ColumnType::Int64,
            Self::Double | Self::Single => ColumnType::Float64,
            Self::Numeric => ColumnType::Decimal,
            Self::Text | Self::Uuid | Self::Other => ColumnType::Text,
            Self::Bytes => ColumnType::Bytes,
            Self::Time => ColumnType::Time,
            Self::Json | Self::List(_) => ColumnType::Json,
        }
    }

    /// The name under which the layout keeps it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Bool => "bool".into(),
            Self::Integer => "integer".into(),
            Self::Double => "double".into(),
            Self::Single => "single".into(),
            Self::Numeric => "numeric".into(),
            Self::Text => "text".into(),
            Self::Uuid => "uuid".into(),
            Self::Bytes => "bytes".into(),
            Self::Time => "time".into(),
            Self::Json => "json".into(),
            Self::List(item) => format!("{}[]", item.name()),
            Self::Other => "other".into(),
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        if let Some(item) = name.strip_suffix("[]") {
            return Some(Self::List(Box::new(Self::from_name(item)?)));
        }
        let all = [
            Self::Bool,
            Self::Integer,
            Self::Double,
            Self::Single,
            Self::Numeric,
            Self::Text,
            Self::Uuid,
            Self::Bytes,
            Self::Time,
            Self::Json,
            Self::Other,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// True when equal wire forms have equal texts, so that a text can stand for a value in an index.
    pub(crate) fn has_one_text(&self) -> bool {
        !matches!(self, Self::Double | Self::Single | Self::Json | Self::List(_))
    }
}

/// The members of a row's JSON, each as it is written; none if this is no object.
pub(crate) fn members(row: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(row).ok()
}

/// A member of a row's JSON in wire form.
pub(crate) fn to_wire(kind: &Kind, raw: &str) -> Value {
    if raw == "null" {
        return Value::Null;
    }
    match kind {
        Kind::Bool => Value::Bool(raw == "true"),
        Kind::Integer => raw.parse().map_or_else(|_| text(raw), Value::int64),
        // Infinity and NaN are written as texts.
        Kind::Double | Kind::Single => raw.parse().map_or_else(|_| text(raw), Value::number),
        Kind::Numeric if !raw.starts_with('"') => Value::text(raw),
        Kind::Bytes => bytes(raw),
        Kind::Json => parse(raw).ok().filter(is_flat_enough).unwrap_or_else(|| Value::text(raw)),
        Kind::List(item) => list(item, raw),
        Kind::Numeric | Kind::Text | Kind::Uuid | Kind::Time | Kind::Other => text(raw),
    }
}

/// A value in wire form as text for PostgreSQL; none is null.
pub(crate) fn to_text(kind: &Kind, value: &Value) -> Option<String> {
    Some(match (kind, value) {
        (_, Value::Null) => return None,
        (Kind::Json, value) => value.canonical(),
        (Kind::List(item), Value::List(items)) => list_text(item, items),
        (Kind::Bytes, Value::Text(text)) => match BASE64.decode(&**text) {
            Ok(bytes) => hex(&bytes),
            Err(_) => text.to_string(),
        },
        (_, Value::Text(text)) => text.to_string(),
        (_, value) => value.canonical(),
    })
}

/// The text of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'));
    "\\x".chars().chain(digits).collect()
}

fn text(raw: &str) -> Value {
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Value::text(text),
        // A composite inside an array, or a number where a text was expected: as it is written.
        Err(_) => Value::text(raw),
    }
}

fn bytes(raw: &str) -> Value {
    let Value::Text(text) = text(raw) else { return Value::Null };
    let digits = text.strip_prefix("\\x").unwrap_or_default().as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    match pairs.collect::<Option<Vec<u8>>>() {
        Some(bytes) => Value::text(BASE64.encode(bytes)),
        None => Value::Text(text),
    }
}

fn list(item: &Kind, raw: &str) -> Value {
    match serde_json::from_str::<Vec<&RawValue>>(raw) {
        // An array of several dimensions is an array of arrays.
        Ok(items) if !matches!(item, Kind::Json) => Value::List(
            items
                .into_iter()
                .map(|raw| if raw.get().starts_with('[') { list(item, raw.get()) } else { to_wire(item, raw.get()) })
                .collect(),
        ),
        Ok(items) => Value::List(items.into_iter().map(|raw| to_wire(item, raw.get())).collect()),
        Err(_) => text(raw),
    }
}

fn list_text(item: &Kind, items: &[Value]) -> String {
    let items = items.iter().map(|value| match value {
        Value::Null => "NULL".into(),
        Value::List(inner) if *item != Kind::Json => list_text(item, inner),
        value => quoted(&to_text(item, value).unwrap_or_default()),
    });
    format!("{{{}}}", items.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
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
