//! The overlay: rows that pending mutations touch, as they look with those mutations applied (spec C1).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;

use super::confirmed::{Confirmed, table_range};
use super::outbox::{Entry, EntryId, Outbox};
use crate::ids::{MutationNumber, Name};
use crate::merge::apply;
use crate::mutation::Operation;
use crate::row::{Row, RowKey};
use crate::schema::Schema;

/// Folded rows, by table and key.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    rows: BTreeMap<RowKey, Folded>,
}

/// A row with pending mutations applied.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    /// The mutations that touch it, in order.
    entries: BTreeSet<EntryId>,
    /// What they make of the confirmed row; none: it is not visible.
    pub(super) row: Option<Arc<Row>>,
}

impl Overlay {
    /// Puts a new mutation on top.
    pub(super) fn push(&mut self, schema: &Schema, confirmed: &Confirmed, entry: &Entry) {
        for operation in &entry.mutation.operations {
            let key = operation.row();
            let folded = self
                .rows
                .entry(key.clone())
                .or_insert_with(|| Folded { entries: BTreeSet::new(), row: confirmed.row(key).cloned() });
            folded.entries.insert(entry.id);
            folded.row = apply_known(schema, folded.row.take(), operation);
        }
    }

    /// Notes that a mutation touches its rows; they have to be folded again.
    pub(super) fn insert(&mut self, entry: &Entry) {
        for operation in &entry.mutation.operations {
            let folded = self.rows.entry(operation.row().clone()).or_default();
            folded.entries.insert(entry.id);
        }
    }

    /// Takes a mutation out; its rows have to be folded again.
    pub(super) fn remove(&mut self, entry: &Entry) {
        for operation in &entry.mutation.operations {
            if let Some(folded) = self.rows.get_mut(operation.row()) {
                folded.entries.remove(&entry.id);
            }
        }
    }

    /// Applies the pending mutations of a row to its confirmed state anew.
    pub(super) fn fold(&mut self, schema: &Schema, confirmed: &Confirmed, outbox: &Outbox, key: &RowKey) {
        let Some(folded) = self.rows.get_mut(key) else {
            return;
        };
        if folded.entries.is_empty() {
            self.rows.remove(key);
            return;
        }
        let entries = folded.entries.iter().filter_map(|id| outbox.entry(*id));
        let operations = entries.flat_map(|entry| &entry.mutation.operations);
        folded.row = operations
            .filter(|operation| operation.row() == key)
            .fold(confirmed.row(key).cloned(), |row, operation| apply_known(schema, row, operation));
    }

    /// The pending mutation from which the visible value of a column comes (spec M3).
    pub(super) fn writer(&self, outbox: &Outbox, key: &RowKey, column: &Name) -> Option<MutationNumber> {
        let entries = &self.rows.get(key)?.entries;
        let newest_first = entries.iter().rev().filter_map(|id| outbox.entry(*id));
        newest_first
            .map(|entry| &entry.mutation)
            .find(|mutation| {
                let mut operations = mutation.operations.iter();
                operations.any(|operation| operation.row() == key && writes(operation, column))
            })
            .map(|mutation| mutation.n)
    }

    pub(super) fn folded(&self, row: &RowKey) -> Option<&Folded> {
        self.rows.get(row)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &RowKey> {
        self.rows.keys()
    }

    pub(super) fn table(&self, table: &Name) -> impl Iterator<Item = (&RowKey, &Folded)> {
        table_range(&self.rows, table)
    }
}

/// True when the operation gives the column a value.
pub(super) fn writes(operation: &Operation, column: &Name) -> bool {
    match operation {
        Operation::Insert { .. } | Operation::Delete { .. } => true,
        Operation::Update { set, inc, add, remove, .. } => {
            [set, inc, add, remove].iter().any(|part| part.0.contains_key(column))
        }
    }
}

/// An operation on a table that the schema no longer has shows nothing.
fn apply_known(schema: &Schema, row: Option<Arc<Row>>, operation: &Operation) -> Option<Arc<Row>> {
    match schema.table(&operation.row().table) {
        Ok(table) => apply(table, row.as_deref(), operation).map(Arc::new),
        Err(_) => row,
    }
}
