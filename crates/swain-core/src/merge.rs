//! What an operation does to a row (spec M2), and how an edit meets a row that moved on (spec M4, M5).
//!
//! Both are pure. Devices use [`apply`] for their overlay; only the server merges.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::hash::hash_text;
use crate::ids::{DeviceId, Millis, MutationNumber, Name};
use crate::mutation::{Operation, Was};
use crate::row::Row;
use crate::schema::{Strategy, Table};
use crate::value::Value;

/// The row after an operation, as a device shows it until the server has spoken.
pub fn apply(table: &Table, row: Option<&Row>, operation: &Operation) -> Option<Row> {
    match operation {
        Operation::Delete { .. } => None,
        Operation::Insert { row: place, set } => {
            let mut inserted: Row = table
                .columns
                .keys()
                .map(|name| (name.clone(), Value::Null))
                .collect();
            inserted
                .0
                .extend(table.key.iter().cloned().zip(place.key.0.iter().cloned()));
            inserted.0.extend(
                set.0
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            Some(inserted)
        }
        Operation::Update {
            set,
            inc,
            add,
            remove,
            ..
        } => {
            let mut updated = row?.clone();
            updated.0.extend(
                set.0
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            apply_commuting(&mut updated, inc, add, remove);
            Some(updated)
        }
    }
}

/// Increments and set operations: they never conflict, so device and server do the same.
pub fn apply_commuting(row: &mut Row, inc: &Row, add: &Row, remove: &Row) {
    for (column, amount) in &inc.0 {
        let sum = increment(row.value(column), amount);
        row.0.insert(column.clone(), sum);
    }
    for (column, items) in &remove.0 {
        let kept = list(row.value(column))
            .iter()
            .filter(|item| !list(items).contains(item))
            .cloned()
            .collect();
        row.0.insert(column.clone(), Value::List(kept));
    }
    for (column, items) in &add.0 {
        let mut all: Vec<Value> = list(row.value(column)).to_vec();
        for item in list(items) {
            if !all.contains(item) {
                all.push(item.clone());
            }
        }
        row.0.insert(column.clone(), Value::List(all));
    }
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// `current + amount`; null counts as 0. Whole numbers stay exact and stop at the ends of 64 bits.
fn increment(current: &Value, amount: &Value) -> Value {
    match (whole(current), whole(amount)) {
        (Some(current), Some(amount)) => Value::int64(current.saturating_add(amount)),
        _ => Value::number(double(current) + double(amount)),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Null => Some(0),
        Value::Int(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn double(value: &Value) -> f64 {
    match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "safe integers are exact doubles"
        )]
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        _ => 0.0,
    }
}

/// Who last changed a column, from the log; asked for only when there is a conflict.
#[derive(Clone, Debug, PartialEq)]
pub struct LastWrite {
    /// When, by the server's clock.
    pub at: Millis,
    /// The device's mutation, if a device did it.
    pub mutation: Option<(DeviceId, MutationNumber)>,
}

/// What the merge needs to know of the mutation.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// The device that edits.
    pub device: &'a DeviceId,
    /// The edit time, already clamped to [time of base, now].
    pub at: Millis,
}

/// The columns of an update, sorted by what the merge found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// To be written.
    pub write: Row,
    /// Decided against.
    pub lost: Vec<Name>,
}

/// True when the column is still what the edit was based on, or already what it wants (spec M4). Needs no log.
pub fn is_undisputed(current: &Value, new: &Value, was: &Was) -> bool {
    current == new
        || match was {
            Was::Value(value) | Was::After(_, value) => current == value,
            Was::Hash(hash) => hash_text(&current.canonical()) == *hash,
        }
}

/// Decides a disputed column: true when the new value is written (spec M4, M5).
pub fn wins(strategy: Strategy, was: &Was, last: Option<&LastWrite>, edit: Edit<'_>) -> bool {
    if let (
        Was::After(n, _),
        Some(LastWrite {
            mutation: Some((device, last_n)),
            ..
        }),
    ) = (was, last)
        && device == edit.device
        && last_n == n
    {
        // The database rewrote our own earlier value (a trigger); nobody else was there.
        return true;
    }
    match strategy {
        Strategy::Arrival | Strategy::ClientWins => true,
        Strategy::ServerWins => false,
        Strategy::LastWriteWins => last.is_some_and(|last| edit.at > last.at),
    }
}

/// Checks that `inc`, `add` and `remove` fit their columns' present values; gives the column that does not.
pub fn check_commuting(table: &Table, inc: &Row, add: &Row, remove: &Row) -> Result<(), Name> {
    use crate::schema::ColumnType::{Float64, Int64, Json};
    let kind = |name: &Name| table.columns.get(name).map(|column| column.kind);
    let number = |(name, amount): (&Name, &Value)| {
        let fits = match kind(name) {
            Some(Int64) => matches!(amount, Value::Int(_)),
            Some(Float64) => matches!(amount, Value::Int(_) | Value::Float(_)),
            _ => false,
        };
        if fits { Ok(()) } else { Err(name.clone()) }
    };
    let set = |(name, items): (&Name, &Value)| {
        let fits = kind(name) == Some(Json) && matches!(items, Value::List(_));
        if fits { Ok(()) } else { Err(name.clone()) }
    };
    inc.0.iter().try_for_each(number)?;
    add.0.iter().chain(&remove.0).try_for_each(set)
}

/// The canonical text of a `json` value, for stores that keep text.
pub fn json_text(value: &Value) -> Arc<str> {
    let text: String = value.canonical();
    Arc::from(text)
}
