//! Rows of a load, outside queries and outside the cursor's promise until load_end (spec C6).

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::confirmed::{Held, Membership};
use crate::row::{Row, RowKey};

/// The rows that a load has brought so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Staging {
    rows: BTreeMap<RowKey, Held>,
}

impl Staging {
    pub(super) fn new(rows: BTreeMap<RowKey, Held>) -> Self {
        Self { rows }
    }

    /// A row of a chunk. A row of two loading shapes comes with each of them; the later reading is the newer one.
    pub(super) fn load(&mut self, row: &RowKey, values: Row, shape: Membership) -> &Held {
        let before = self.rows.get(row).map(|held| held.shapes);
        let held = Held { row: Arc::new(values), shapes: before.unwrap_or_default().or(shape) };
        self.put(row, held)
    }

    pub(super) fn put(&mut self, row: &RowKey, held: Held) -> &Held {
        let slot = self.rows.entry(row.clone()).or_insert_with(|| held.clone());
        *slot = held;
        slot
    }

    pub(super) fn remove(&mut self, row: &RowKey) -> Option<Held> {
        self.rows.remove(row)
    }

    pub(super) fn held(&self, row: &RowKey) -> Option<&Held> {
        self.rows.get(row)
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes out the rows of these shapes; rows that other loading shapes hold too stay for those.
    pub(super) fn take(&mut self, shapes: Membership) -> BTreeMap<RowKey, Held> {
        let taken = self
            .rows
            .iter()
            .filter(|(_, held)| !held.shapes.and(shapes).is_empty())
            .map(|(row, held)| {
                let shapes = held.shapes.and(shapes);
                (row.clone(), Held { row: Arc::clone(&held.row), shapes })
            })
            .collect();
        self.rows.retain(|_, held| {
            held.shapes = held.shapes.without(shapes);
            !held.shapes.is_empty()
        });
        taken
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&RowKey, &Held)> {
        self.rows.iter()
    }
}
