//! The device's data: confirmed rows, staging, outbox and overlay, and the steps that change them together (spec C3).

mod aliases;
mod frames;
mod restore;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::batch::{Meta, OutboxWrite, Writes};
use super::config::Faults;
use super::confirmed::Confirmed;
use super::edit::{self, Completed};
use super::outbox::{EntryId, Outbox, PUSH_FRAME_BYTES, mutation_bytes};
use super::output::{RowChange, Settled};
use super::overlay::{Overlay, Sight};
use super::staging::Staging;
use crate::alias::{Alias, Aliases};
use crate::ids::{DeviceId, Millis, MutationNumber, Name};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::mutation::{Mutation, Operation, Was};
use crate::problem::{Code, Problem};
use crate::row::{Row, RowKey};
use crate::schema::Schema;

pub(super) use aliases::temporary_key;

/// Everything a device knows that outlives a connection.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) meta: Meta,
    pub(super) schema: Schema,
    pub(super) confirmed: Confirmed,
    pub(super) staging: Staging,
    pub(super) outbox: Outbox,
    pub(super) overlay: Overlay,
    pub(super) aliases: Aliases,
    /// The tables of the shapes, by index.
    tables: Vec<Name>,
    faults: Faults,
}

/// What a step did.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) rows: Vec<RowChange>,
    pub(super) writes: Writes,
    pub(super) settled: Vec<Settled>,
    pub(super) aliases: Vec<Alias>,
}

/// Why a frame cannot be applied. Nothing of it was.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server thinks that the device holds a row that it does not hold.
    Diverged,
    /// The frame is against the protocol.
    Protocol(Problem),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Protocol(problem)
    }
}

/// A step half done: what the touched rows looked like before, and what to write.
#[derive(Default)]
struct Step {
    before: BTreeMap<RowKey, Option<Arc<Row>>>,
    writes: Writes,
    settled: Vec<Settled>,
    aliases: Vec<Alias>,
}

impl Replica {
    /// Takes an edit: it is visible from here on (spec C2).
    pub(super) fn mutate(&mut self, at: Millis, operations: Vec<Operation>) -> Result<(EntryId, Applied), Problem> {
        let n = self.meta.highest.next();
        let Completed { operations, temporaries } = edit::complete(self, operations)?;
        let mutation = Mutation { n, base: self.meta.pos, at, schema: self.schema.version, operations };
        if mutation_bytes(&mutation) + PUSH_FRAME_BYTES > MESSAGE_BYTES_MAX {
            let detail = "the mutation does not fit into one message; make several of it";
            return Err(Problem::new(Code::LimitMessageBytes, detail));
        }
        let mut step = Step::default();
        for operation in &mutation.operations {
            self.touch(&mut step, operation.row());
        }
        let id = EntryId(self.meta.last_entry.0 + 1);
        self.meta.last_entry = id;
        self.meta.highest = n;
        self.meta.temporaries = temporaries;
        let entry = self.outbox.append(id, mutation);
        let sight = Sight { schema: &self.schema, aliases: &self.aliases };
        self.overlay.push(sight, &self.confirmed, entry);
        step.writes.outbox.push(OutboxWrite::Put(entry.clone()));
        Ok((id, self.close_step(step)))
    }

    /// The version of the schema, if there is one.
    pub(super) fn known_schema(&self) -> Option<u64> {
        (self.schema.version > 0).then_some(self.schema.version)
    }

    /// The operations of a dead letter as new edits: based on what is visible now.
    pub(super) fn retry_operations(&self, id: EntryId) -> Option<Vec<Operation>> {
        let mut refused = self.outbox.refused();
        let entry = refused.find(|entry| entry.id == id)?;
        let mut operations = entry.mutation.operations.clone();
        for operation in &mut operations {
            match operation {
                Operation::Insert { .. } => {}
                Operation::Update { was, .. } | Operation::Upsert { was, .. } => *was = BTreeMap::<Name, Was>::new(),
                Operation::Delete { seen, .. } => *seen = None::<String>,
            }
        }
        Some(operations)
    }

    /// Becomes another device with the same rows and edits (spec C10).
    pub(super) fn rename(&mut self, device: DeviceId, lost_above: Option<MutationNumber>) -> Applied {
        let mut step = Step::default();
        let renumbered = self.outbox.renumber(lost_above);
        if let Some(last) = lost_above {
            self.forget_aliases_above(&mut step, last);
        }
        self.settle_keys(&mut step);
        self.meta.device = device;
        self.meta.acked = MutationNumber(0);
        self.meta.highest = MutationNumber(renumbered.resent.len() as u64);
        self.put_back(&mut step, &renumbered.resent);
        let forgotten = renumbered.forgotten.iter().map(|id| OutboxWrite::Delete(*id));
        step.writes.outbox.extend(forgotten);
        let refused: Vec<EntryId> = self.outbox.refused().map(|entry| entry.id).collect();
        self.write_entries(&mut step, &refused);
        step.settled = renumbered.settled;
        self.finish(step)
    }

    /// Starts again without a cursor; edits stay, rows stay visible until the load ends.
    pub(super) fn forget_cursor(&mut self) -> Applied {
        self.meta.cursor = None;
        self.meta.pos = crate::ids::Pos(0);
        let mut step = Step::default();
        self.clear_staging(&mut step);
        self.finish(step)
    }

    /// The row as the person sees it (spec C1).
    pub(super) fn visible(&self, row: &RowKey) -> Option<&Arc<Row>> {
        match self.overlay.folded(row) {
            Some(folded) => folded.row.as_ref(),
            None => self.confirmed.row(row),
        }
    }

    /// All rows of a table as the person sees them, in order of key.
    pub(super) fn visible_rows(&self, table: &Name) -> Vec<(&RowKey, &Arc<Row>)> {
        let confirmed = self.confirmed.table(table).map(|(row, held)| (row, &held.row));
        if self.overlay.table(table).next().is_none() {
            return confirmed.collect();
        }
        let mut rows: BTreeMap<&RowKey, &Arc<Row>> = confirmed.collect();
        for (row, folded) in self.overlay.table(table) {
            match &folded.row {
                Some(values) => drop(rows.insert(row, values)),
                None => drop(rows.remove(row)),
            }
        }
        rows.into_iter().collect()
    }

    fn touch(&self, step: &mut Step, row: &RowKey) {
        if !step.before.contains_key(row) {
            step.before.insert(row.clone(), self.visible(row).cloned());
        }
    }

    fn touch_entry(&self, step: &mut Step, id: EntryId) {
        let Some(entry) = self.outbox.entry(id) else { return };
        for operation in &*self.sight().operations(entry) {
            self.touch(step, operation.row());
        }
    }

    pub(super) fn sight(&self) -> Sight<'_> {
        Sight { schema: &self.schema, aliases: &self.aliases }
    }

    fn write_entries(&self, step: &mut Step, ids: &[EntryId]) {
        let unique: BTreeSet<&EntryId> = ids.iter().collect();
        let entries = unique.into_iter().filter_map(|id| self.outbox.entry(*id));
        step.writes.outbox.extend(entries.cloned().map(OutboxWrite::Put));
    }

    /// Entries that became pending again are in the overlay again.
    fn put_back(&mut self, step: &mut Step, ids: &[EntryId]) {
        for id in ids {
            self.touch_entry(step, *id);
            if let Some(entry) = self.outbox.entry(*id) {
                self.overlay.insert(Sight { schema: &self.schema, aliases: &self.aliases }, entry);
            }
        }
        self.write_entries(step, ids);
    }

    /// Ends a step that changed confirmed rows or took mutations out: touched rows are folded anew.
    fn finish(&mut self, step: Step) -> Applied {
        for row in step.before.keys() {
            let sight = Sight { schema: &self.schema, aliases: &self.aliases };
            self.overlay.fold(sight, &self.confirmed, &self.outbox, row);
        }
        self.close_step(step)
    }

    fn close_step(&self, step: Step) -> Applied {
        let mut rows = Vec::new();
        for (row, before) in step.before {
            let after = self.visible(&row).cloned();
            if before != after {
                rows.push(RowChange { row, before, after });
            }
        }
        Applied { rows, writes: step.writes, settled: step.settled, aliases: step.aliases }
    }
}
