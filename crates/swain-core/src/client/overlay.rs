//! The overlay: rows that pending mutations touch, as they look with those mutations applied (spec C1).

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;

use super::confirmed::{Confirmed, table_range};
use super::outbox::{Entry, EntryId, Outbox};
use crate::alias::Aliases;
use crate::ids::{MutationNumber, Name};
use crate::merge::apply;
use crate::mutation::Operation;
use crate::row::{Row, RowKey};
use crate::schema::Schema;

/// How entries are looked at: keys in them stand for what the aliases say.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) schema: &'a Schema,
    pub(super) aliases: &'a Aliases,
}

impl Sight<'_> {
    pub(super) fn operations(self, entry: &Entry) -> Cow<'_, [Operation]> {
        self.aliases.operations(self.schema, &entry.mutation.operations)
    }
}

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
    pub(super) fn push(&mut self, sight: Sight<'_>, confirmed: &Confirmed, entry: &Entry) {
        for operation in &*sight.operations(entry) {
            let key = operation.row();
            let folded = self
                .rows
                .entry(key.clone())
                .or_insert_with(|| Folded { entries: BTreeSet::new(), row: confirmed.row(key).cloned() });
            folded.entries.insert(entry.id);
            folded.row = apply_known(sight.schema, folded.row.take(), operation);
        }
    }

    /// Notes that a mutation touches its rows; they have to be folded again.
    pub(super) fn insert(&mut self, sight: Sight<'_>, entry: &Entry) {
        for operation in &*sight.operations(entry) {
            let folded = self.rows.entry(operation.row().clone()).or_default();
            folded.entries.insert(entry.id);
        }
    }

    /// Takes a mutation out; its rows have to be folded again.
    pub(super) fn remove(&mut self, sight: Sight<'_>, entry: &Entry) {
        for operation in &*sight.operations(entry) {
            if let Some(folded) = self.rows.get_mut(operation.row()) {
                folded.entries.remove(&entry.id);
            }
        }
    }

    /// Applies the pending mutations of a row to its confirmed state anew.
    pub(super) fn fold(&mut self, sight: Sight<'_>, confirmed: &Confirmed, outbox: &Outbox, key: &RowKey) {
        let Some(folded) = self.rows.get_mut(key) else {
            return;
        };
        if folded.entries.is_empty() {
            self.rows.remove(key);
            return;
        }
        let entries = folded.entries.iter().filter_map(|id| outbox.entry(*id));
        let mut row = confirmed.row(key).cloned();
        for entry in entries {
            let operations = sight.operations(entry);
            for operation in operations.iter().filter(|operation| operation.row() == key) {
                row = apply_known(sight.schema, row, operation);
            }
        }
        folded.row = row;
    }

    /// The pending mutation from which the visible value of a column comes (spec M3).
    pub(super) fn writer(
        &self,
        sight: Sight<'_>,
        outbox: &Outbox,
        key: &RowKey,
        column: &Name,
    ) -> Option<MutationNumber> {
        let entries = &self.rows.get(key)?.entries;
        let mut newest_first = entries.iter().rev().filter_map(|id| outbox.entry(*id));
        let wrote = newest_first.find(|entry| {
            let operations = sight.operations(entry);
            operations.iter().any(|operation| operation.row() == key && writes(operation, column))
        });
        wrote.map(|entry| entry.mutation.n)
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
        Operation::Upsert { set, .. } => set.0.contains_key(column),
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
