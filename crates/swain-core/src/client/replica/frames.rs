//! What the frames of the server do to the replica. Each is one step: all of it or nothing.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Applied, Replica, Step, Trouble};
use crate::alias::Alias;
use crate::client::batch::{OutboxWrite, RowWrite, StagingWrite};
use crate::client::config::PlantedBug;
use crate::client::confirmed::{Held, Membership};
use crate::client::outbox::{EntryId, Gap};
use crate::client::overlay::Sight;
use crate::ids::{Millis, MutationNumber, Pos};
use crate::problem::{Code, Problem};
use crate::protocol::{Checkpoint, LoadChunk, LoadEnd, MutationResult, RowOperation, ShapeState, Welcome};
use crate::row::{Row, RowKey};

impl Replica {
    /// The session begins: what the server knows of this device, and what the cursor is worth.
    pub(in crate::client) fn welcome(&mut self, welcome: &Welcome) -> Result<Applied, Gap> {
        let mut step = Step::default();
        self.put_back_above(&mut step, welcome.last)?;
        if let Some(schema) = welcome.schema.as_ref().filter(|schema| **schema != self.schema) {
            let overlaid: Vec<RowKey> = self.overlay.keys().cloned().collect();
            overlaid.iter().for_each(|row| self.touch(&mut step, row));
            self.schema = schema.clone();
            step.writes.schema = Some(schema.clone());
        }
        let is_other_epoch = self.meta.epoch.as_ref().is_some_and(|epoch| *epoch != welcome.epoch);
        if is_other_epoch || !welcome.shapes.contains(&ShapeState::Live) {
            // The cursor was not honoured: positions start over (spec C7), everything loads.
            self.meta.cursor = None;
            self.meta.pos = Pos(0);
        }
        self.meta.epoch = Some(welcome.epoch.clone());
        if welcome.load_resumes != Some(true) {
            self.clear_staging(&mut step);
        }
        self.learn(&mut step, welcome.aliases.clone());
        self.record(&mut step, &welcome.results);
        self.outbox.presume_applied();
        self.settle(&mut step);
        Ok(self.finish(step))
    }

    fn put_back_above(&mut self, step: &mut Step, last: MutationNumber) -> Result<(), Gap> {
        if last < self.meta.acked {
            let reopened = self.outbox.reopen(last, self.meta.acked)?;
            self.meta.acked = last;
            self.put_back(step, &reopened);
            self.forget_aliases_above(step, last);
        }
        Ok(())
    }

    /// Rows of a load, for staging.
    pub(in crate::client) fn load(&mut self, chunk: LoadChunk) -> Result<Applied, Trouble> {
        let name = self.tables.get(chunk.shape).ok_or_else(|| no_shape(chunk.shape))?;
        let known = self.schema.table(name);
        let table = known.map_err(|code| Problem::new(code, format!("'{name}' is not in the schema")))?;
        let mut step = Step::default();
        for values in chunk.rows {
            let row = RowKey { table: name.clone(), key: values.key(table) };
            let held = self.staging.load(&row, values, Membership::of(chunk.shape)).clone();
            step.writes.staging.push(StagingWrite::Put(row, held));
        }
        self.meta.load = Some(chunk.token);
        Ok(self.finish(step))
    }

    /// What happened since the load began, for staging.
    pub(in crate::client) fn load_changes(&mut self, operations: Vec<RowOperation>) -> Result<Applied, Trouble> {
        self.check_shapes(&operations)?;
        let mut step = Step::default();
        for operation in operations {
            let write = match operation {
                RowOperation::Put { row, shapes, values } => self.stage(row, values, &shapes),
                RowOperation::Patch { row, shapes, set } => {
                    // A row that was gone when its chunk was read has changes of its life before that.
                    let Some(held) = self.staging.held(&row) else {
                        continue;
                    };
                    let values = patched(&held.row, set);
                    self.stage(row, values, &shapes)
                }
                RowOperation::Remove { row } => {
                    self.staging.remove(&row);
                    StagingWrite::Delete(row)
                }
            };
            step.writes.staging.push(write);
        }
        Ok(self.finish(step))
    }

    /// Staging replaces what the loaded shapes held, and the cursor moves (spec C6).
    pub(in crate::client) fn load_end(&mut self, now: Millis, end: &LoadEnd) -> Result<Applied, Trouble> {
        if let Some(shape) = end.shapes.iter().find(|shape| **shape >= self.tables.len()) {
            return Err(no_shape(*shape).into());
        }
        let loaded: Membership = end.shapes.iter().copied().collect();
        let staged = self.staging.take(loaded);
        let mut step = Step::default();
        if !self.faults.has(PlantedBug::LoadKeepsAbsentRows) {
            self.drop_absent(&mut step, loaded, &staged);
        }
        for (row, held) in staged {
            let before = self.confirmed.held(&row).map(|held| held.shapes).unwrap_or_default();
            let shapes = before.without(loaded).or(held.shapes);
            self.put(&mut step, row, Held { row: held.row, shapes });
        }
        step.writes.staging.push(StagingWrite::Clear);
        let left = self.staging.all().map(|(row, held)| StagingWrite::Put(row.clone(), held.clone()));
        step.writes.staging.extend(left);
        if self.staging.len() == 0 {
            self.meta.load = None;
        }
        self.reach(&mut step, now, &end.checkpoint);
        Ok(self.finish(step))
    }

    /// One position (spec P7).
    pub(in crate::client) fn changes(
        &mut self,
        now: Millis,
        checkpoint: &Checkpoint,
        operations: Vec<RowOperation>,
        aliases: Vec<Alias>,
    ) -> Result<Applied, Trouble> {
        self.check_shapes(&operations)?;
        self.check_patches(&operations)?;
        let mut step = Step::default();
        self.learn(&mut step, aliases);
        for operation in operations {
            self.change(&mut step, operation);
        }
        self.reach(&mut step, now, checkpoint);
        Ok(self.finish(step))
    }

    /// The cursor moves and no rows with it (spec P8).
    pub(in crate::client) fn checkpoint(&mut self, now: Millis, checkpoint: &Checkpoint) -> Applied {
        let mut step = Step::default();
        self.reach(&mut step, now, checkpoint);
        self.finish(step)
    }

    /// What became of mutations. Only acked drops them from the overlay (spec C4).
    pub(in crate::client) fn results(&mut self, results: &[MutationResult]) -> Applied {
        let mut step = Step::default();
        self.record(&mut step, results);
        self.settle(&mut step);
        self.finish(step)
    }

    pub(super) fn clear_staging(&mut self, step: &mut Step) {
        if self.staging.len() > 0 || self.meta.load.is_some() {
            self.staging.clear();
            self.meta.load = None;
            step.writes.staging.push(StagingWrite::Clear);
        }
    }

    fn change(&mut self, step: &mut Step, operation: RowOperation) {
        match operation {
            RowOperation::Put { row, shapes, values } => {
                let held = Held { row: Arc::new(values), shapes: shapes.into_iter().collect() };
                self.put(step, row, held);
            }
            RowOperation::Patch { row, shapes, set } => {
                let Some(held) = self.confirmed.held(&row) else {
                    debug_assert!(false, "check_patches has looked");
                    return;
                };
                let values = Arc::new(patched(&held.row, set));
                self.put(step, row, Held { row: values, shapes: shapes.into_iter().collect() });
            }
            RowOperation::Remove { row } => {
                if !self.faults.has(PlantedBug::SkipRemove) {
                    self.remove(step, row);
                }
            }
        }
    }

    /// A confirmed row is now this; it goes when no shape holds it (spec C5).
    fn put(&mut self, step: &mut Step, row: RowKey, held: Held) {
        if held.shapes.is_empty() {
            return self.remove(step, row);
        }
        self.touch(step, &row);
        step.writes.rows.push(RowWrite::Put(row.clone(), held.clone()));
        self.confirmed.put(row, held);
    }

    fn remove(&mut self, step: &mut Step, row: RowKey) {
        self.touch(step, &row);
        if self.confirmed.remove(&row).is_some() {
            step.writes.rows.push(RowWrite::Delete(row));
        }
    }

    fn drop_absent(&mut self, step: &mut Step, loaded: Membership, staged: &BTreeMap<RowKey, Held>) {
        let held_by_loaded = self
            .confirmed
            .all()
            .filter(|(row, held)| !held.shapes.and(loaded).is_empty() && !staged.contains_key(*row));
        let absent: Vec<(RowKey, Held)> = held_by_loaded
            .map(|(row, held)| {
                let shapes = held.shapes.without(loaded);
                (row.clone(), Held { row: Arc::clone(&held.row), shapes })
            })
            .collect();
        for (row, held) in absent {
            self.put(step, row, held);
        }
    }

    fn stage(&mut self, row: RowKey, values: Row, shapes: &[usize]) -> StagingWrite {
        let shapes: Membership = shapes.iter().copied().collect();
        if shapes.is_empty() {
            self.staging.remove(&row);
            return StagingWrite::Delete(row);
        }
        let held = self.staging.put(&row, Held { row: Arc::new(values), shapes }).clone();
        StagingWrite::Put(row, held)
    }

    /// The frame's cursor and acked, in the same step as its rows (spec C3).
    fn reach(&mut self, step: &mut Step, now: Millis, checkpoint: &Checkpoint) {
        self.meta.cursor = Some(checkpoint.cursor.clone());
        self.meta.pos = checkpoint.pos;
        if checkpoint.acked > self.meta.acked {
            self.meta.acked = checkpoint.acked;
            self.acknowledge(step, now, checkpoint.acked);
        }
    }

    fn acknowledge(&mut self, step: &mut Step, now: Millis, acked: MutationNumber) {
        let moved = self.outbox.acknowledge(acked, now);
        for id in &moved {
            self.leave_overlay(step, *id);
        }
        self.write_entries(step, &moved);
        self.settle(step);
        let pruned = self.outbox.prune(now);
        step.writes.outbox.extend(pruned.into_iter().map(OutboxWrite::Delete));
    }

    fn record(&mut self, step: &mut Step, results: &[MutationResult]) {
        let recorded: Vec<EntryId> = results.iter().filter_map(|result| self.outbox.record(result)).collect();
        if self.faults.has(PlantedBug::DropOverlayOnResults) {
            recorded.iter().for_each(|id| self.leave_overlay(step, *id));
        }
        self.write_entries(step, &recorded);
    }

    fn settle(&mut self, step: &mut Step) {
        let settled = self.outbox.settle();
        let ids: Vec<EntryId> = settled.iter().map(|settled| settled.id).collect();
        self.write_entries(step, &ids);
        step.settled.extend(settled);
    }

    pub(super) fn leave_overlay(&mut self, step: &mut Step, id: EntryId) {
        self.touch_entry(step, id);
        if let Some(entry) = self.outbox.entry(id) {
            self.overlay.remove(Sight { schema: &self.schema, aliases: &self.aliases }, entry);
        }
    }

    fn check_shapes(&self, operations: &[RowOperation]) -> Result<(), Problem> {
        let named = operations.iter().flat_map(|operation| match operation {
            RowOperation::Put { shapes, .. } | RowOperation::Patch { shapes, .. } => shapes.as_slice(),
            RowOperation::Remove { .. } => &[],
        });
        let known = self.tables.len();
        match named.into_iter().find(|shape| **shape >= known) {
            Some(shape) => Err(no_shape(*shape)),
            None => Ok(()),
        }
    }

    /// Every patch meets a row, held before or put by this frame: looked at before anything changes.
    fn check_patches(&self, operations: &[RowOperation]) -> Result<(), Trouble> {
        let mut in_frame: BTreeMap<&RowKey, bool> = BTreeMap::new();
        for operation in operations {
            let row = operation.row();
            let is_held = match operation {
                RowOperation::Put { .. } => true,
                RowOperation::Remove { .. } => false,
                RowOperation::Patch { .. } => {
                    let earlier = in_frame.get(row).copied();
                    if !earlier.unwrap_or_else(|| self.confirmed.held(row).is_some()) {
                        return Err(Trouble::Diverged);
                    }
                    true
                }
            };
            in_frame.insert(row, is_held);
        }
        Ok(())
    }
}

fn patched(row: &Row, set: Row) -> Row {
    let mut values = row.clone();
    values.0.extend(set.0);
    values
}

fn no_shape(shape: usize) -> Problem {
    Problem::new(Code::MalformedMessage, format!("there is no shape {shape}"))
}
