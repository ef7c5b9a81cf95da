//! Confirmed rows, each with the shapes that hold it (spec C5).

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use crate::ids::Name;
use crate::row::{Key, Row, RowKey};

/// A row and the shapes that hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The row, complete.
    pub row: Arc<Row>,
    /// Which shapes hold it, by their index in the configuration.
    pub shapes: Membership,
}

/// A set of shapes, by index; there are at most 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Membership(pub u64);

impl Membership {
    /// The set of one shape.
    pub fn of(shape: usize) -> Self {
        Self(u32::try_from(shape).map_or(0, |bit| 1u64.checked_shl(bit).unwrap_or(0)))
    }

    /// True when no shape is left.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The shapes in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The shapes in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The shapes of this that are not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The indexes, rising.
    pub fn indexes(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |shape| !self.and(Self::of(*shape)).is_empty())
    }
}

impl FromIterator<usize> for Membership {
    fn from_iter<I: IntoIterator<Item = usize>>(shapes: I) -> Self {
        shapes.into_iter().fold(Self::default(), |all, shape| all.or(Self::of(shape)))
    }
}

/// The rows that the server confirmed, by table and key.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmed {
    rows: BTreeMap<RowKey, Held>,
}

impl Confirmed {
    pub(super) fn new(rows: BTreeMap<RowKey, Held>) -> Self {
        Self { rows }
    }

    pub(super) fn put(&mut self, row: RowKey, held: Held) {
        debug_assert!(!held.shapes.is_empty(), "a row that no shape holds goes");
        self.rows.insert(row, held);
    }

    pub(super) fn remove(&mut self, row: &RowKey) -> Option<Held> {
        self.rows.remove(row)
    }

    pub(super) fn held(&self, row: &RowKey) -> Option<&Held> {
        self.rows.get(row)
    }

    pub(super) fn row(&self, row: &RowKey) -> Option<&Arc<Row>> {
        self.rows.get(row).map(|held| &held.row)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&RowKey, &Held)> {
        self.rows.iter()
    }

    pub(super) fn table(&self, table: &Name) -> impl Iterator<Item = (&RowKey, &Held)> {
        table_range(&self.rows, table)
    }
}

/// The entries of one table in a map by table and key.
pub(super) fn table_range<'m, T>(
    rows: &'m BTreeMap<RowKey, T>,
    table: &Name,
) -> impl Iterator<Item = (&'m RowKey, &'m T)> {
    let start = RowKey { table: table.clone(), key: Key(alloc::vec::Vec::new()) };
    let table = table.clone();
    rows.range(start..).take_while(move |(row, _)| row.table == table)
}
