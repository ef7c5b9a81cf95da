//! The outbox: every mutation of this device from the edit to its end (spec C2, C4, C10, C15, C16).
//!
//! ```text
//! Pending ──acked──► Acknowledged ──24 h or 1000 later──► gone
//!    ▲                  │      └── result refused ─► Refused ──retried, discarded──► gone
//!    └── server restored┘                              ▲
//! Pending with a refused result ──acked────────────────┘
//! ```

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

use super::output::Settled;
use crate::ids::{Millis, MutationNumber};
use crate::limits::{MESSAGE_BYTES_MAX, PUSH_MUTATIONS_MAX, RETAINED_MS_MAX, RETAINED_MUTATIONS_MAX};
use crate::mutation::{Mutation, Operation, Was};
use crate::protocol::{MutationResult, Outcome};

/// Names an outbox entry within its store, for ever. The mutation's number may change with the device id (spec C10).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId(pub u64);

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A mutation and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Names the entry.
    pub id: EntryId,
    /// What was asked. Its number is 0 when it belonged to a device id that is no longer used.
    pub mutation: Mutation,
    /// Where it is.
    pub state: EntryState,
    /// What the server said, as soon as it is known.
    pub result: Option<MutationResult>,
}

/// Where a mutation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// In the overlay.
    Pending,
    /// In the confirmed rows; kept for a server that is restored.
    Acknowledged {
        /// When, by the device's clock.
        at: Millis,
    },
    /// A dead letter: waits for a person.
    Refused,
}

/// The kept entries do not reach back to what the server has.
#[derive(Debug)]
pub(super) struct Gap;

/// All entries, with an index for each question that is asked often.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    entries: BTreeMap<EntryId, Entry>,
    pending: BTreeMap<MutationNumber, EntryId>,
    /// Acknowledged, result not known.
    unknown: BTreeMap<MutationNumber, EntryId>,
    retained: BTreeSet<EntryId>,
    refused: BTreeSet<EntryId>,
    unsaved: BTreeSet<EntryId>,
}

impl Outbox {
    pub(super) fn new(entries: BTreeMap<EntryId, Entry>) -> Self {
        let mut outbox = Self::default();
        for entry in entries.into_values() {
            outbox.index(&entry);
            outbox.entries.insert(entry.id, entry);
        }
        outbox
    }

    fn index(&mut self, entry: &Entry) {
        let (id, n) = (entry.id, entry.mutation.n);
        match entry.state {
            EntryState::Pending => {
                self.pending.insert(n, id);
            }
            EntryState::Acknowledged { .. } => {
                self.retained.insert(id);
                if entry.result.is_none() {
                    self.unknown.insert(n, id);
                }
            }
            EntryState::Refused => {
                self.refused.insert(id);
            }
        }
    }

    pub(super) fn append(&mut self, id: EntryId, mutation: Mutation) -> &Entry {
        self.pending.insert(mutation.n, id);
        self.unsaved.insert(id);
        self.entries.entry(id).or_insert(Entry { id, mutation, state: EntryState::Pending, result: None })
    }

    pub(super) fn mark_saved(&mut self, id: EntryId) {
        self.unsaved.remove(&id);
    }

    /// Keeps what the server said of a mutation; gives the entry if that was news.
    pub(super) fn record(&mut self, result: &MutationResult) -> Option<EntryId> {
        let waiting = self.pending.get(&result.n);
        let id = *waiting.or_else(|| self.unknown.get(&result.n))?;
        let entry = self.entries.get_mut(&id)?;
        entry.result = Some(result.clone());
        Some(id)
    }

    /// Moves entries up to `acked` out of pending (spec C4).
    pub(super) fn acknowledge(&mut self, acked: MutationNumber, at: Millis) -> Vec<EntryId> {
        let behind = self.pending.split_off(&acked.next());
        let moved = core::mem::replace(&mut self.pending, behind);
        for (n, id) in &moved {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.state = EntryState::Acknowledged { at };
            }
            self.retained.insert(*id);
            self.unknown.insert(*n, *id);
        }
        moved.into_values().collect()
    }

    /// Takes out of `unknown` what is acknowledged and has its result; refused ones become dead letters (spec C15).
    pub(super) fn settle(&mut self) -> Vec<Settled> {
        let mut settled = Vec::new();
        self.unknown.retain(|n, id| {
            let Some(entry) = self.entries.get_mut(id) else {
                return false;
            };
            let Some(result) = entry.result.clone() else {
                return true;
            };
            if result.outcome == Outcome::Refused {
                entry.state = EntryState::Refused;
                self.retained.remove(id);
                self.refused.insert(*id);
            }
            settled.push(Settled { id: *id, n: *n, result });
            false
        });
        settled
    }

    /// Acknowledged mutations whose result the server no longer has count as applied: the ledger keeps every refusal
    /// for longer than a connection can be cut.
    pub(super) fn presume_applied(&mut self) {
        for (n, id) in &self.unknown {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.result.get_or_insert(MutationResult {
                    n: *n,
                    outcome: Outcome::Applied,
                    lost: Vec::new(),
                    problem: None,
                });
            }
        }
    }

    /// Drops what is retained for too long (spec C16).
    pub(super) fn prune(&mut self, now: Millis) -> Vec<EntryId> {
        let mut surplus = self.retained.len().saturating_sub(RETAINED_MUTATIONS_MAX);
        let mut dropped = Vec::new();
        for id in &self.retained {
            let entry = self.entries.get(id);
            let is_old = entry.is_some_and(|entry| match entry.state {
                EntryState::Acknowledged { at } => now.since(at).0 > RETAINED_MS_MAX,
                EntryState::Pending | EntryState::Refused => false,
            });
            let is_settled = entry.is_some_and(|entry| entry.result.is_some());
            if !is_settled || (surplus == 0 && !is_old) {
                break;
            }
            surplus = surplus.saturating_sub(1);
            dropped.push(*id);
        }
        for id in &dropped {
            self.retained.remove(id);
            self.entries.remove(id);
        }
        dropped
    }

    /// A restored server lost everything above `last`: those entries become pending again (spec C10).
    pub(super) fn reopen(&mut self, last: MutationNumber, acked: MutationNumber) -> Result<Vec<EntryId>, Gap> {
        let kept = self.kept_above(last);
        let expected = (last.0 + 1..=acked.0).map(MutationNumber);
        if !kept.keys().copied().eq(expected) {
            return Err(Gap);
        }
        for (n, id) in &kept {
            self.unknown.remove(n);
            self.make_pending(*id, *n);
        }
        Ok(kept.into_values().collect())
    }

    /// Numbers pending entries anew from 1 for a new device id. Entries that a restored server lost go first.
    pub(super) fn renumber(&mut self, lost_above: Option<MutationNumber>) -> Renumbered {
        let mut numbered = lost_above.map_or_else(BTreeMap::new, |last| self.kept_above(last));
        numbered.append(&mut self.pending);
        let numbers: BTreeMap<MutationNumber, MutationNumber> =
            numbered.keys().copied().zip((1..).map(MutationNumber)).collect();
        let resent: Vec<EntryId> = numbered.into_values().collect();
        self.presume_applied();
        let mut settled = self.settle();
        settled.retain(|settled| !resent.contains(&settled.id));
        for (id, n) in resent.iter().zip(1..) {
            self.make_pending(*id, MutationNumber(n));
            self.unsaved.insert(*id);
            if let Some(entry) = self.entries.get_mut(id) {
                renumber_bases(&mut entry.mutation, &numbers);
            }
        }
        let forgotten = self.leave_old_device();
        Renumbered { settled, forgotten, resent }
    }

    /// What is left belongs to the old device id: of no use to the new one, except dead letters for people.
    fn leave_old_device(&mut self) -> Vec<EntryId> {
        let forgotten: Vec<EntryId> = core::mem::take(&mut self.retained).into_iter().collect();
        for id in &forgotten {
            self.entries.remove(id);
        }
        for id in &self.refused {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.mutation.n = MutationNumber(0);
            }
        }
        forgotten
    }

    fn make_pending(&mut self, id: EntryId, n: MutationNumber) {
        self.retained.remove(&id);
        self.refused.remove(&id);
        self.pending.insert(n, id);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.mutation.n = n;
            entry.state = EntryState::Pending;
            entry.result = None;
        }
    }

    /// Entries of this device id that are not pending, above `last`.
    fn kept_above(&self, last: MutationNumber) -> BTreeMap<MutationNumber, EntryId> {
        let kept = self.retained.iter().chain(&self.refused);
        kept.filter_map(|id| self.entries.get(id))
            .filter(|entry| entry.mutation.n > last)
            .map(|entry| (entry.mutation.n, entry.id))
            .collect()
    }

    /// Forgets a dead letter.
    pub(super) fn discard(&mut self, id: EntryId) -> Option<Entry> {
        if !self.refused.remove(&id) {
            return None;
        }
        self.entries.remove(&id)
    }

    /// What to push next: behind `after`, saved, within the limits of one message (spec C9).
    pub(super) fn sendable(&self, after: MutationNumber, also_unsaved: bool) -> Vec<Mutation> {
        let mut bytes = PUSH_FRAME_BYTES;
        let mut mutations = Vec::new();
        for id in self.pending.range(after.next()..).map(|(_, id)| id) {
            let Some(entry) = self.entries.get(id) else {
                break;
            };
            if !also_unsaved && self.unsaved.contains(id) {
                break;
            }
            bytes += mutation_bytes(&entry.mutation);
            if mutations.len() == PUSH_MUTATIONS_MAX || bytes > MESSAGE_BYTES_MAX {
                break;
            }
            mutations.push(entry.mutation.clone());
        }
        mutations
    }

    /// The highest n up to which nothing more has to be told: results above it are asked for in the hello.
    pub(super) fn known_up_to(&self, acked: MutationNumber) -> MutationNumber {
        match self.unknown.first_key_value() {
            Some((n, _)) => MutationNumber(n.0.saturating_sub(1)),
            None => acked,
        }
    }

    /// True when something is acknowledged whose result nobody told.
    pub(super) fn lacks_results(&self) -> bool {
        !self.unknown.is_empty()
    }

    pub(super) fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.entries.get_mut(&id)
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Entry> {
        self.pending.values().filter_map(|id| self.entries.get(id))
    }

    pub(super) fn refused(&self) -> impl Iterator<Item = &Entry> {
        self.refused.iter().filter_map(|id| self.entries.get(id))
    }

    pub(super) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn refused_len(&self) -> usize {
        self.refused.len()
    }
}

/// What became of the entries when the device id changed.
#[derive(Debug)]
pub(super) struct Renumbered {
    pub(super) settled: Vec<Settled>,
    pub(super) forgotten: Vec<EntryId>,
    pub(super) resent: Vec<EntryId>,
}

/// `was.after` names mutations by number; one that is not on its way any more left its value for everybody.
fn renumber_bases(mutation: &mut Mutation, numbers: &BTreeMap<MutationNumber, MutationNumber>) {
    for operation in &mut mutation.operations {
        let (Operation::Update { was, .. } | Operation::Upsert { was, .. }) = operation else {
            continue;
        };
        for base in was.values_mut() {
            if let Was::After(n, value) = base {
                *base = match numbers.get(n) {
                    Some(n) => Was::After(*n, core::mem::take(value)),
                    None => Was::of(value),
                };
            }
        }
    }
}

/// `{"push":{"mutations":[]}}`, and some room.
pub(super) const PUSH_FRAME_BYTES: usize = 64;

/// Bytes of a mutation within a push, with its comma.
pub(super) fn mutation_bytes(mutation: &Mutation) -> usize {
    mutation.to_value().canonical().len() + 1
}
