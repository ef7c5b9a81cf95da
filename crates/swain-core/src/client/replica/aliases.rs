//! Temporary keys, and what becomes of them (spec C19).

use alloc::format;
use alloc::vec::Vec;

use super::{Replica, Step};
use crate::alias::{Alias, Aliases, referenced, referenced_before, replace};
use crate::client::batch::AliasWrite;
use crate::client::config::PlantedBug;
use crate::client::outbox::EntryId;
use crate::client::overlay::{Overlay, Sight};
use crate::ids::MutationNumber;
use crate::limits::ALIASES_MAX;
use crate::mutation::Operation;
use crate::problem::{Code, Problem};
use crate::row::{Key, RowKey};
use crate::schema::Ids;
use crate::value::Value;

impl Replica {
    /// A temporary key. The count goes to the storage with the mutation that uses the key; one that no mutation uses may
    /// be given out again after a restart, and nobody has seen it.
    pub(in crate::client) fn new_key(&mut self, table: &str) -> Result<Key, Problem> {
        let known = self.schema.table(table);
        let known =
            known.map_err(|code| Problem::new(code, format!("the table '{table}' is not synced, or not known yet")))?;
        if known.ids != Ids::Server {
            return Err(Problem::new(Code::BadKey, format!("the ids of '{table}' are given by who inserts")));
        }
        self.meta.temporaries += 1;
        Ok(temporary_key(self.meta.temporaries))
    }

    /// Keys stand for other keys from here on: the overlay moves, in this step. What is in the outbox stays as it is,
    /// because it may have to be sent again.
    pub(super) fn learn(&mut self, step: &mut Step, aliases: Vec<Alias>) {
        let news: Vec<Alias> = aliases.into_iter().filter(|alias| !self.aliases.knows(alias)).collect();
        if news.is_empty() {
            return;
        }
        let proposed: Vec<RowKey> = news.iter().map(Alias::proposed).collect();
        let affected: Vec<EntryId> = self.pending_naming(&proposed);
        for id in &affected {
            self.leave_overlay(step, *id);
        }
        for alias in &news {
            if !self.faults.has(PlantedBug::AliasNotFollowed) {
                self.aliases.insert(alias.clone());
            }
            if !self.faults.has(PlantedBug::AliasNotSaved) {
                step.writes.aliases.push(write_of(alias));
            }
        }
        self.forget_surplus(step);
        for id in &affected {
            self.touch_entry(step, *id);
            if let Some(entry) = self.outbox.entry(*id) {
                self.overlay.insert(Sight { schema: &self.schema, aliases: &self.aliases }, entry);
            }
        }
        step.aliases.extend(news);
    }

    /// A restored server does not know what these mutations made: their keys are temporary again, also where later edits
    /// already used the id that was lost.
    pub(super) fn forget_aliases_above(&mut self, step: &mut Step, last: MutationNumber) {
        let lost: Vec<Alias> = self.aliases.all().filter(|alias| alias.n > last).collect();
        if lost.is_empty() {
            return;
        }
        let overlaid: Vec<RowKey> = self.overlay.keys().cloned().collect();
        overlaid.iter().for_each(|row| self.touch(step, row));
        let mut back = Aliases::default();
        for Alias { n, table, from, to } in lost {
            let proposed = RowKey { table: table.clone(), key: from.clone() };
            self.aliases.remove(&proposed);
            if self.schema.table(&table).is_ok_and(|table| table.is_temporary(&from)) {
                back.insert(Alias { n, table, from: to, to: from });
            }
            step.writes.aliases.push(AliasWrite::Delete(proposed));
        }
        let pending: Vec<EntryId> = self.outbox.pending().map(|entry| entry.id).collect();
        self.rewrite_entries(&pending, &back);
        self.write_entries(step, &pending);
        self.overlay = Overlay::default();
        for id in &pending {
            self.touch_entry(step, *id);
            if let Some(entry) = self.outbox.entry(*id) {
                self.overlay.insert(Sight { schema: &self.schema, aliases: &self.aliases }, entry);
            }
        }
    }

    /// Another device id comes, for which the server knows no alias: what is sent under it names rows by their own keys.
    pub(super) fn settle_keys(&mut self, step: &mut Step) {
        let known = self.aliases.clone();
        let entries: Vec<EntryId> = self.outbox.pending().map(|entry| entry.id).collect();
        self.rewrite_entries(&entries, &known);
        for alias in known.all().map(|alias| Alias { n: MutationNumber(0), ..alias }) {
            step.writes.aliases.push(write_of(&alias));
            self.aliases.insert(alias);
        }
    }

    fn rewrite_entries(&mut self, ids: &[EntryId], aliases: &Aliases) {
        for id in ids {
            let Some(entry) = self.outbox.entry_mut(*id) else { continue };
            for operation in &mut entry.mutation.operations {
                if let Some(table) = self.schema.tables.get(&operation.row().table) {
                    *operation = replace(table, operation, &|place| aliases.target(place)).into_owned();
                }
            }
        }
    }

    /// The pending entries that name one of these rows, as they are written or as they are looked at.
    fn pending_naming(&self, rows: &[RowKey]) -> Vec<EntryId> {
        let names = |operation: &Operation| {
            let table = self.schema.tables.get(&operation.row().table);
            let now = table.map(|table| referenced(table, operation)).unwrap_or_default();
            let before = table.map(|table| referenced_before(table, operation)).unwrap_or_default();
            [operation.row()].into_iter().chain(&now).chain(&before).any(|row| rows.contains(row))
        };
        let pending = self.outbox.pending().filter(|entry| {
            let seen = self.sight().operations(entry);
            entry.mutation.operations.iter().chain(seen.iter()).any(names)
        });
        pending.map(|entry| entry.id).collect()
    }

    fn forget_surplus(&mut self, step: &mut Step) {
        while self.aliases.len() > ALIASES_MAX
            && let Some(oldest) = self.aliases.oldest()
        {
            self.aliases.remove(&oldest);
            step.writes.aliases.push(AliasWrite::Delete(oldest));
        }
    }
}

/// The n-th temporary key of a store (spec M10).
pub(in crate::client) fn temporary_key(n: u64) -> Key {
    Key::of(Value::int64(i64::try_from(n).map_or(i64::MIN, |n| -n)))
}

fn write_of(alias: &Alias) -> AliasWrite {
    if alias.from == alias.to {
        return AliasWrite::Delete(alias.proposed());
    }
    AliasWrite::Put(alias.clone())
}
