//! What is true: the log as the store has it, and the rows at each position, replayed from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::{DeviceId, MutationNumber, Pos, Position, Row, RowKey};

/// All rows at one position.
pub(crate) type Rows = BTreeMap<Arc<RowKey>, Arc<Row>>;
/// The same, borrowed, in order of place. Every step of every device looks at all rows: a list is a third of a map's cost.
pub(crate) type Seen<'a> = Vec<(&'a RowKey, &'a Arc<Row>)>;

#[derive(Debug)]
pub(crate) struct Oracle {
    positions: Vec<Position>,
    /// By position; the first is before position 1.
    rows: Vec<Arc<Rows>>,
    /// Of each device, where its mutations are.
    mutations: BTreeMap<DeviceId, BTreeMap<MutationNumber, Pos>>,
}

impl Oracle {
    pub(crate) fn new() -> Self {
        Self { positions: Vec::new(), rows: vec![Arc::default()], mutations: BTreeMap::new() }
    }

    pub(crate) fn head(&self) -> Pos {
        Pos(self.positions.len() as u64)
    }

    /// Learns what is new in the log. The complaint says what a log must never do.
    pub(crate) fn learn(&mut self, positions: Vec<Position>) -> Result<(), String> {
        for position in positions {
            if position.pos != self.head().next() {
                return Err(format!("position {} after {}: the log is not dense", position.pos, self.head()));
            }
            let mut rows = Rows::clone(self.rows.last().expect("the start is there"));
            for change in &position.changes {
                let before = rows.get(&change.row).map(|row| &**row);
                if before != change.before.as_ref() {
                    return Err(format!("p{}: the before of {:?} is not what was there", position.pos, change.row));
                }
                match &change.after {
                    Some(after) => drop(rows.insert(Arc::new(change.row.clone()), Arc::new(after.clone()))),
                    None => drop(rows.remove(&change.row)),
                }
            }
            if let Some((device, n)) = position.who.mutation() {
                let of_device = self.mutations.entry(device.clone()).or_default();
                if let Some(earlier) = of_device.insert(n, position.pos) {
                    return Err(format!("{device}:m{n} is at p{earlier} and at p{}", position.pos));
                }
            }
            self.rows.push(Arc::new(rows));
            self.positions.push(position);
        }
        Ok(())
    }

    /// The rows at a position.
    pub(crate) fn rows_at(&self, pos: Pos) -> Option<&Arc<Rows>> {
        self.rows.get(usize::try_from(pos.0).ok()?)
    }

    /// The highest n of a device at a position.
    pub(crate) fn acked(&self, device: &DeviceId, at: Pos) -> MutationNumber {
        let mutations = self.mutations.get(device).into_iter().flatten();
        mutations.filter(|(_, pos)| **pos <= at).map(|(n, _)| *n).max().unwrap_or_default()
    }

    /// Where a mutation is.
    pub(crate) fn position_of(&self, device: &DeviceId, n: MutationNumber) -> Option<Pos> {
        self.mutations.get(device)?.get(&n).copied()
    }
}
