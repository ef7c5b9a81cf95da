//! Which rows of a position a session sees, and as what (spec R5).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use swain_core::protocol::{place_fragment, write_patch, write_put, write_remove};
use swain_core::rule::Expression;
use swain_core::{Alias, Change, MutationNumber, Name, Position, Row};

use crate::catalog::Hidden;

/// A shape under the cursor's promise: its index in the hello, its table, and what it grants.
#[derive(Clone, Debug)]
pub struct LiveShape {
    pub(crate) index: usize,
    pub(crate) table: Name,
    /// Read rule and filter, with `auth` and what its selections gave put in.
    pub(crate) predicate: Expression,
    /// The same for loads: what its selections give is asked again in the snapshot of the rows.
    pub(crate) loading: Expression,
    /// Columns of the table that the session's user does not see.
    pub(crate) hidden: Hidden,
}

/// A position whose rows are encoded once, however many sessions see them.
#[derive(Debug)]
pub(crate) struct SharedPosition {
    pub(crate) position: Position,
    pub(crate) changes: Vec<SharedChange>,
}

#[derive(Debug)]
pub(crate) struct SharedChange {
    change: Change,
    place: OnceLock<String>,
    /// As it is told to those who do not see some columns; one form for all that see the same.
    told: Mutex<BTreeMap<Hidden, Arc<ToldChange>>>,
}

/// A change without the columns that somebody does not see.
#[derive(Debug, Default)]
struct ToldChange {
    row: OnceLock<String>,
    set: OnceLock<Option<String>>,
}

impl SharedPosition {
    pub(crate) fn new(mut position: Position) -> Self {
        let changes = std::mem::take(&mut position.changes);
        Self { position, changes: changes.into_iter().map(SharedChange::new).collect() }
    }

    /// The newest version of the schema that begins at this position, if one does (spec S8).
    pub(crate) fn schema_version(&self) -> Option<u64> {
        let versions =
            self.changes.iter().map(SharedChange::change).filter(|change| &*change.row.table == "swain_schema");
        let version = |change: &Change| change.after.as_ref().and_then(|row| row.value("version").as_int());
        versions.filter_map(version).map(i64::cast_unsigned).max()
    }

    /// The operations for a session with these shapes, with commas between; none if it sees nothing.
    pub(crate) fn rows_for(&self, shapes: &[LiveShape]) -> Option<String> {
        let mut out = String::new();
        for change in &self.changes {
            change.write_for(shapes, &mut out);
        }
        (!out.is_empty()).then_some(out)
    }

    /// What that device's keys stand for since this position; nobody else's business.
    pub(crate) fn aliases_for(&self, device: &swain_core::DeviceId) -> Vec<Alias> {
        match self.number_of(device) {
            Some(_) => self.position.aliases.clone(),
            None => Vec::new(),
        }
    }

    /// The number, if this is a mutation of that device.
    pub(crate) fn number_of(&self, device: &swain_core::DeviceId) -> Option<MutationNumber> {
        self.position.who.mutation().filter(|(by, _)| *by == device).map(|(_, n)| n)
    }
}

impl SharedChange {
    pub(crate) fn new(change: Change) -> Self {
        Self { change, place: OnceLock::new(), told: Mutex::default() }
    }

    pub(crate) fn change(&self) -> &Change {
        &self.change
    }

    pub(crate) fn write_for(&self, shapes: &[LiveShape], out: &mut String) {
        let before = holding(shapes, &self.change.row.table, self.change.before.as_ref());
        let after = holding(shapes, &self.change.row.table, self.change.after.as_ref());
        if before.is_empty() && after.is_empty() {
            return;
        }
        // All shapes of a session are of one user, so they hide the same of one table.
        let hidden = shapes.iter().find(|shape| shape.table == self.change.row.table).map(|shape| &shape.hidden);
        let hidden = hidden.expect("a shape that holds the row is of its table");
        let told = self.told(hidden);
        let set = told.set.get_or_init(|| self.set(hidden));
        if set.is_none() && before == after {
            // Nothing that this user sees has changed.
            return;
        }
        if !out.is_empty() {
            out.push(',');
        }
        if after.is_empty() {
            write_remove(out, self.place());
        } else if before.is_empty() {
            write_put(out, self.place(), &after, told.row.get_or_init(|| self.row(hidden)));
        } else {
            write_patch(out, self.place(), &after, set.as_deref().unwrap_or("{}"));
        }
    }

    fn place(&self) -> &str {
        self.place.get_or_init(|| place_fragment(&self.change.row))
    }

    fn told(&self, hidden: &Hidden) -> Arc<ToldChange> {
        // The map is whole after every statement, so a panic elsewhere does not spoil it.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(told.entry(Arc::clone(hidden)).or_default())
    }

    fn row(&self, hidden: &Hidden) -> String {
        self.change.after.as_ref().map(|row| row.without(hidden).canonical()).unwrap_or_default()
    }

    /// What changed; none when none of it is seen.
    fn set(&self, hidden: &Hidden) -> Option<String> {
        let (Some(before), Some(after)) = (&self.change.before, &self.change.after) else { return None };
        let set = after.changed_since(before).without(hidden);
        (!set.0.is_empty()).then(|| set.canonical())
    }
}

/// The shapes that hold a row.
pub(crate) fn holding(shapes: &[LiveShape], table: &Name, row: Option<&Row>) -> Vec<usize> {
    let Some(row) = row else { return Vec::new() };
    let holds = |shape: &&LiveShape| shape.table == *table && shape.predicate.grants(row);
    shapes.iter().filter(holds).map(|shape| shape.index).collect()
}
