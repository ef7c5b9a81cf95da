//! What an operation does to a row (spec M2), and how an edit meets a row that moved on (spec M4, M5).
//!
//! Both are pure. Devices use [`apply`] for their overlay; only the server merges.

mod combine;
mod text;

use alloc::vec::Vec;

use crate::change::Who;
use crate::hash::hash_text;
use crate::ids::{Actor, DeviceId, Millis, MutationNumber, Name, UserId};
use crate::mutation::{Operation, Was};
use crate::row::{Key, Row};
use crate::schema::{ColumnType, Strategy, Table};
use crate::value::Value;
pub use combine::{combine, proposal};
pub use text::{MergedText, merge_texts};

/// The row after an operation, as a device shows it until the server has spoken.
pub fn apply(table: &Table, row: Option<&Row>, operation: &Operation) -> Option<Row> {
    match operation {
        Operation::Delete { .. } => None,
        Operation::Insert { row: place, set } => Some(inserted(table, &place.key, set)),
        Operation::Upsert { row: place, set, .. } => match row {
            None => Some(inserted(table, &place.key, set)),
            Some(row) => {
                let mut updated = row.clone();
                updated.0.extend(known(table, set));
                Some(updated)
            }
        },
        Operation::Update { set, inc, add, remove, .. } => {
            let mut updated = row?.clone();
            updated.0.extend(known(table, set));
            commute(table, &mut updated, inc, add, remove);
            Some(updated)
        }
    }
}

fn inserted(table: &Table, key: &Key, set: &Row) -> Row {
    let mut row: Row = table.columns.keys().map(|name| (name.clone(), Value::Null)).collect();
    row.0.extend(table.key.iter().cloned().zip(key.0.iter().cloned()));
    row.0.extend(known(table, set));
    row
}

/// The columns that the table has: a mutation may be older than the schema.
fn known<'a>(table: &'a Table, set: &'a Row) -> impl Iterator<Item = (Name, Value)> + 'a {
    let columns = set.0.iter();
    columns.filter(|(name, _)| table.columns.contains_key(*name)).map(|(name, value)| (name.clone(), value.clone()))
}

/// Increments and set operations: they never conflict, so device and server do the same.
/// A column that the table does not have, or a value that they do not fit, stays as it is.
pub fn commute(table: &Table, row: &mut Row, inc: &Row, add: &Row, remove: &Row) {
    let kind = |name: &Name| table.columns.get(name).map(|column| column.kind);
    for (column, amount) in &inc.0 {
        if let Some(kind) = kind(column) {
            let sum = increment(kind, row.value(column), amount);
            row.0.insert(column.clone(), sum);
        }
    }
    apply_sets(row, add, remove, |name| kind(name).is_some());
}

/// What is missing is added at the end, in order; then what is equal goes (spec M1).
fn apply_sets(row: &mut Row, add: &Row, remove: &Row, has: impl Fn(&Name) -> bool) {
    for (column, items) in add.0.iter().filter(|(name, _)| has(name)) {
        let Some(mut all) = list(row.value(column)) else {
            continue;
        };
        for item in list(items).unwrap_or_default() {
            if !all.contains(&item) {
                all.push(item);
            }
        }
        row.0.insert(column.clone(), Value::List(all));
    }
    for (column, items) in remove.0.iter().filter(|(name, _)| has(name)) {
        let Some(mut all) = list(row.value(column)) else {
            continue;
        };
        let gone = list(items).unwrap_or_default();
        all.retain(|item| !gone.contains(item));
        row.0.insert(column.clone(), Value::List(all));
    }
}

/// Null counts as empty; none when this is no array.
fn list(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::List(items) => Some(items.clone()),
        _ => None,
    }
}

/// `current + amount`; null counts as 0. A sum that the type does not have leaves what is there.
fn increment(kind: ColumnType, current: &Value, amount: &Value) -> Value {
    let sum = match kind {
        ColumnType::Int64 => whole(current)
            .zip(whole(amount))
            .and_then(|(current, amount)| current.checked_add(amount))
            .map(Value::int64),
        ColumnType::Float64 => {
            double(current).zip(double(amount)).and_then(|(current, amount)| wire_double(current + amount))
        }
        _ => None,
    };
    sum.unwrap_or_else(|| current.clone())
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Null => Some(0),
        Value::Int(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        #[expect(clippy::cast_precision_loss, reason = "safe integers are exact doubles")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Text(text) => match &**text {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The wire form of a double (spec V1); none for NaN.
fn wire_double(number: f64) -> Option<Value> {
    if number.is_nan() {
        return None;
    }
    if number.is_infinite() {
        let text = if number > 0.0 { "Infinity" } else { "-Infinity" };
        return Some(Value::text(text));
    }
    Some(Value::number(number))
}

/// Who last changed a column, from the log; asked for only when there is a conflict.
#[derive(Clone, Debug, PartialEq)]
pub struct LastWrite {
    /// When, by the server's clock.
    pub at: Millis,
    /// The device's mutation, if a device did it.
    pub mutation: Option<(DeviceId, MutationNumber)>,
    /// Whose device that is.
    pub user: Option<UserId>,
    /// What an outside program called itself.
    pub actor: Option<Actor>,
}

impl LastWrite {
    /// By whom a change was made, and when.
    pub fn by(who: &Who, at: Millis) -> Self {
        let mutation = who.mutation().map(|(device, n)| (device.clone(), n));
        let (user, actor) = match who {
            Who::Device { user, .. } => (user.clone(), None),
            Who::Outside { actor } => (None, actor.clone()),
            Who::Server => (None, None),
        };
        Self { at, mutation, user, actor }
    }

    /// At this time, by nobody known.
    pub fn unknown(at: Millis) -> Self {
        Self { at, mutation: None, user: None, actor: None }
    }
}

/// What the merge needs to know of the mutation.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// The edit time, already clamped to [time of base, now].
    pub at: Millis,
}

/// True when the column is still what the edit was based on, or already what it wants (spec M4). Needs no log.
pub fn is_undisputed(current: &Value, new: &Value, was: &Was) -> bool {
    current == new
        || match was {
            Was::Value(value) | Was::After(_, value) => current == value,
            Was::Hash(hash) => hash_text(&current.canonical()) == *hash,
        }
}

/// True when the value is the device's own earlier one, which the database rewrote (a trigger): nobody else was there.
pub fn is_own(was: &Was, last: Option<&LastWrite>, device: &DeviceId) -> bool {
    match (was, last) {
        (Was::After(n, _), Some(LastWrite { mutation: Some((by, last_n)), .. })) => by == device && last_n == n,
        _ => false,
    }
}

/// Decides a disputed column by who wrote when: true when the new value is written (spec M5).
pub fn wins(strategy: &Strategy, last: Option<&LastWrite>, edit: Edit) -> bool {
    match strategy {
        Strategy::Arrival | Strategy::ClientWins => true,
        Strategy::ServerWins => false,
        // A strategy that makes one value of two comes here when it cannot.
        Strategy::LastWriteWins
        | Strategy::Max
        | Strategy::Min
        | Strategy::Union
        | Strategy::Concat(_)
        | Strategy::Merge
        | Strategy::Text
        | Strategy::Manual => last.is_some_and(|last| edit.at > last.at),
    }
}

/// Checks that `inc`, `add` and `remove` fit their columns' present values; gives the column that does not.
pub fn check_commuting(table: &Table, inc: &Row, add: &Row, remove: &Row) -> Result<(), Name> {
    use crate::schema::ColumnType::{Float64, Int64, Json};
    let kind = |name: &Name| table.columns.get(name).map(|column| column.kind);
    let number = |(name, amount): (&Name, &Value)| {
        let fits = match kind(name) {
            Some(kind @ (Int64 | Float64)) => !amount.is_null() && kind.normalise(amount).is_ok(),
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
