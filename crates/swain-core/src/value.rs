//! One value model: a value is held in its wire form (spec V1), already normalised.
//!
//! Holding the wire form everywhere means that the log, the frames, the merge and the client speak of the same bytes;
//! only a store's edge knows how a database keeps them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::Write as _;

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1.
pub(crate) const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// A value in wire form.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number within ±(2^53 − 1).
    Int(i64),
    /// Any other finite number.
    Float(f64),
    /// Text; also decimals, times, base64 of bytes, and integers beyond ±(2^53 − 1).
    Text(Arc<str>),
    /// A JSON array.
    List(Vec<Value>),
    /// A JSON object.
    Object(BTreeMap<Arc<str>, Value>),
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A number: whole and safe ones become [`Value::Int`], so that 1 and 1.0 are one value (spec V7).
    pub fn number(number: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "checked by the range below")]
        if number.abs() <= SAFE_INTEGER_MAX as f64 && (number as i64) as f64 == number {
            return Self::Int(number as i64);
        }
        Self::Float(number)
    }

    /// An `int64` in wire form: a number when safe, otherwise decimal text.
    pub fn int64(number: i64) -> Self {
        if (-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).contains(&number) {
            return Self::Int(number);
        }
        Self::text(alloc::format!("{number}"))
    }

    /// The text, if this is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// True when this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of JSON this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The canonical form (spec V3, RFC 8785).
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out
    }

    /// Appends the canonical form.
    pub fn write_canonical(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Int(number) => write!(out, "{number}").expect("writing to a string cannot fail"),
            Self::Float(number) => out.push_str(ryu_js::Buffer::new().format(*number)),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_canonical(out);
                }
                out.push(']');
            }
            Self::Object(members) => write_members(members.iter().map(|(name, value)| (&**name, value)), out),
        }
    }
}

/// Equal when the canonical forms are equal bytes (spec V7).
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A total order, for keys in maps: by kind, then by value. Text goes by bytes.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Object(a), Self::Object(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl Value {
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Float(_) => 3,
            Self::Text(_) => 4,
            Self::List(_) => 5,
            Self::Object(_) => 6,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::int64(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// Writes an object's members in canonical order: by UTF-16 code units (RFC 8785 §3.2.3).
pub(crate) fn write_members<'a>(members: impl Iterator<Item = (&'a str, &'a Value)>, out: &mut String) {
    let mut members: Vec<_> = members.collect();
    // Code point order and UTF-16 order differ only where a name leaves ASCII.
    if members.iter().any(|(name, _)| !name.is_ascii()) {
        members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    }
    out.push('{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        value.write_canonical(out);
    }
    out.push('}');
}

/// Writes a JSON string with the shortest escapes.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut clean_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x09 => "\\t",
            0x0a => "\\n",
            0x0c => "\\f",
            0x0d => "\\r",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[clean_from..index]);
        clean_from = index + 1;
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}").expect("writing to a string cannot fail");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[clean_from..]);
    out.push('"');
}
