//! Strategies that make one value of two (spec M13): what is stored, and what an edit brings that was not based on it.
//!
//! Each is pure and idempotent: an edit that comes again changes nothing. None of them asks when anything was written.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::text::merge_texts;
use crate::mutation::Was;
use crate::schema::{ColumnType, Strategy};
use crate::value::Value;

/// What a strategy makes of the stored value and the arriving one; none when it is not one of these, or when the values
/// are nothing that it can combine: then the later write decides.
pub fn combine(strategy: &Strategy, kind: ColumnType, was: &Was, stored: &Value, arriving: &Value) -> Option<Value> {
    match strategy {
        Strategy::Max => extreme(kind, stored, arriving, Ordering::Greater),
        Strategy::Min => extreme(kind, stored, arriving, Ordering::Less),
        Strategy::Union => union(stored, arriving),
        Strategy::Concat(separator) => concat(separator, stored, arriving),
        Strategy::Merge => merge(base(was), stored, arriving),
        Strategy::Text => text(base(was)?, stored, arriving),
        Strategy::LastWriteWins
        | Strategy::Arrival
        | Strategy::ServerWins
        | Strategy::ClientWins
        | Strategy::Manual => None,
    }
}

/// What a person is shown as a middle way when he has to decide; none when there is no sensible one.
pub fn proposal(kind: ColumnType, was: &Was, stored: &Value, arriving: &Value) -> Option<Value> {
    match (kind, stored, arriving) {
        (ColumnType::Text, Value::Text(stored), Value::Text(arriving)) => {
            let base = base(was).and_then(Value::as_text).unwrap_or_default();
            merge_texts(base, stored, arriving).map(|merged| Value::text(merged.text))
        }
        (ColumnType::Json, Value::Object(_), Value::Object(_)) => merge(base(was), stored, arriving),
        (ColumnType::Json, Value::List(_), Value::List(_)) => union(stored, arriving),
        _ => None,
    }
}

/// A text that was cleared, or that had none before, overlaps with whatever else became of it.
fn text(base: &Value, stored: &Value, arriving: &Value) -> Option<Value> {
    let merged = merge_texts(base.as_text()?, stored.as_text()?, arriving.as_text()?)?;
    (!merged.overlaps).then(|| Value::text(merged.text))
}

impl Strategy {
    /// True when it makes something of values of this type.
    pub fn fits(&self, kind: ColumnType) -> bool {
        match self {
            Self::Max | Self::Min => matches!(kind, ColumnType::Int64 | ColumnType::Float64 | ColumnType::Time),
            Self::Union | Self::Merge => kind == ColumnType::Json,
            Self::Concat(_) | Self::Text => kind == ColumnType::Text,
            Self::LastWriteWins | Self::Arrival | Self::ServerWins | Self::ClientWins | Self::Manual => true,
        }
    }

    /// True when it makes one value of two.
    pub fn combines(&self) -> bool {
        matches!(self, Self::Max | Self::Min | Self::Union | Self::Concat(_) | Self::Merge | Self::Text)
    }

    /// True when a person decides what it cannot.
    pub fn asks_a_person(&self) -> bool {
        matches!(self, Self::Text | Self::Manual)
    }

    /// True when it works with the value that an edit was based on, and not only with its hash.
    pub fn needs_base(&self) -> bool {
        matches!(self, Self::Text | Self::Manual | Self::Merge)
    }

    /// As it is written in the configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::LastWriteWins => "last-write-wins",
            Self::Arrival => "arrival",
            Self::ServerWins => "server-wins",
            Self::ClientWins => "client-wins",
            Self::Max => "max",
            Self::Min => "min",
            Self::Union => "union",
            Self::Concat(_) => "concat",
            Self::Merge => "merge",
            Self::Text => "text",
            Self::Manual => "manual",
        }
    }
}

/// The value that the edit was based on; of a long one only its hash is known.
fn base(was: &Was) -> Option<&Value> {
    match was {
        Was::Value(value) | Was::After(_, value) => Some(value),
        Was::Hash(_) => None,
    }
}

/// The greater or the less. Null is no value, so the other one is it.
fn extreme(kind: ColumnType, stored: &Value, arriving: &Value, wanted: Ordering) -> Option<Value> {
    let chosen = match (stored.is_null(), arriving.is_null()) {
        (true, true) => stored,
        // Compared with itself: whether it can be compared at all.
        (true, false) => order(kind, arriving, arriving).map(|_| arriving)?,
        (false, true) => order(kind, stored, stored).map(|_| stored)?,
        (false, false) if order(kind, arriving, stored)? == wanted => arriving,
        (false, false) => stored,
    };
    Some(chosen.clone())
}

fn order(kind: ColumnType, a: &Value, b: &Value) -> Option<Ordering> {
    match kind {
        ColumnType::Int64 => Some(super::whole(a)?.cmp(&super::whole(b)?)),
        ColumnType::Float64 => super::double(a)?.partial_cmp(&super::double(b)?),
        ColumnType::Time => Some(a.as_text()?.cmp(b.as_text()?)),
        _ => None,
    }
}

/// Everything that is in either array, once, in the stored order and then the arriving one.
fn union(stored: &Value, arriving: &Value) -> Option<Value> {
    let mut all: Vec<Value> = Vec::new();
    for item in super::list(stored)?.into_iter().chain(super::list(arriving)?) {
        if !all.contains(&item) {
            all.push(item);
        }
    }
    Some(Value::List(all))
}

/// The stored text, then the arriving one. Parts that are there already are not added again, so it does not grow when the
/// same comes twice, whole or as the end of a longer text.
fn concat(separator: &str, stored: &Value, arriving: &Value) -> Option<Value> {
    let text = |value: &Value| match value {
        Value::Null => Some(String::new()),
        value => value.as_text().map(String::from),
    };
    let (stored, arriving) = (text(stored)?, text(arriving)?);
    let mut parts: Vec<&str> = stored.split(separator).filter(|part| !part.is_empty()).collect();
    for part in arriving.split(separator).filter(|part| !part.is_empty()) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    Some(Value::text(parts.join(separator)))
}

/// Objects by their members: what the edit changed since its base, over what is stored. A member that both changed is the
/// arriving one's. Without a base everything in the arriving object counts as changed, and nothing as removed.
fn merge(base: Option<&Value>, stored: &Value, arriving: &Value) -> Option<Value> {
    let (stored, arriving) = (object(stored)?, object(arriving)?);
    let base = match base {
        None => BTreeMap::new(),
        Some(base) => object(base)?,
    };
    let names: BTreeSet<&Arc<str>> = base.keys().chain(arriving.keys()).collect();
    let mut merged = stored.clone();
    for name in names {
        match (base.get(name), arriving.get(name)) {
            (before, after) if before == after => {}
            (_, Some(after)) => drop(merged.insert(name.clone(), after.clone())),
            (_, None) => drop(merged.remove(name)),
        }
    }
    Some(Value::Object(merged))
}

/// Null counts as empty.
fn object(value: &Value) -> Option<BTreeMap<Arc<str>, Value>> {
    match value {
        Value::Null => Some(BTreeMap::new()),
        Value::Object(members) => Some(members.clone()),
        _ => None,
    }
}
