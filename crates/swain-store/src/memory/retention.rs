//! The clean-up, step by step as a real store does it, without a real store's reasons.

use std::collections::BTreeSet;

use swain_core::protocol::Outcome;
use swain_core::{Millis, Name};

use super::{Device, PlantedBug, State};
use crate::contract::{Keep, Retention, Trimmed};

impl State {
    pub(super) fn trim(&mut self, now: Millis, retention: &Retention, rows_max: usize) -> Trimmed {
        let rows_max = rows_max.max(1);
        let mut trimmed = Trimmed { floor: self.floor, ..Trimmed::default() };
        self.raise_floor(now, retention, rows_max, &mut trimmed);
        self.forget_changes(now, retention, rows_max, &mut trimmed);
        self.retire_devices(now, retention, rows_max, &mut trimmed);
        if self.planted != Some(PlantedBug::FloorForgotten) {
            self.floor = trimmed.floor;
            self.log.retain(|pos, position| *pos >= trimmed.floor || !position.changes.is_empty());
        }
        trimmed
    }

    fn raise_floor(&self, now: Millis, retention: &Retention, rows_max: usize, trimmed: &mut Trimmed) {
        let above = self.log.range(trimmed.floor.next()..).map(|(pos, position)| (*pos, position.at));
        let mut looked = 0;
        for (pos, at) in above.take(rows_max) {
            looked += 1;
            match Age::of(at, now, retention.log) {
                Age::Old => trimmed.floor = pos,
                Age::Unknown => {}
                Age::Young => {
                    looked = 0;
                    break;
                }
            }
        }
        trimmed.raised = trimmed.floor.0 - self.floor.0;
        trimmed.more |= looked == rows_max && trimmed.raised > 0;
    }

    fn forget_changes(&mut self, now: Millis, retention: &Retention, rows_max: usize, trimmed: &mut Trimmed) {
        // Of each table, from the oldest on; what is behind a change that stays, stays.
        let mut kept: BTreeSet<Name> = BTreeSet::new();
        let mut left = rows_max;
        for position in self.log.range_mut(..=trimmed.floor).map(|(_, position)| position) {
            let at = position.at;
            position.changes.retain(|change| {
                let table = &change.row.table;
                let is_old = match retention.history.get(table) {
                    None => true,
                    Some(Keep::Forever) => false,
                    Some(Keep::For(keep)) => Age::of(at, now, *keep) != Age::Young,
                };
                if !is_old {
                    kept.insert(table.clone());
                }
                let goes = left > 0 && !kept.contains(table);
                left -= usize::from(goes);
                trimmed.changes += u64::from(goes);
                !goes
            });
        }
        trimmed.more |= left == 0;
    }

    fn retire_devices(&mut self, now: Millis, retention: &Retention, rows_max: usize, trimmed: &mut Trimmed) {
        let is_unseen = |device: &Device| !device.retired && Age::of(device.seen, now, retention.log) == Age::Old;
        let unseen = self.devices.iter().filter(|(_, device)| is_unseen(device)).map(|(id, _)| id.clone());
        for id in unseen.take(rows_max).collect::<Vec<_>>() {
            let Some(device) = self.devices.get_mut(&id) else { continue };
            device.retired = true;
            device.ledger.retain(|_, row| row.result.outcome != Outcome::Applied);
            if device.last.0 == 0 {
                // It never wrote: nothing of it could be applied twice.
                self.devices.remove(&id);
            }
            trimmed.devices += 1;
        }
        trimmed.more |= trimmed.devices == rows_max as u64;
    }
}

/// How a time stands to the end of what is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Old,
    Young,
    /// In the future: some clock was wrong, and what comes behind it tells.
    Unknown,
}

impl Age {
    fn of(at: Millis, now: Millis, keep: Millis) -> Self {
        match at > now {
            true => Self::Unknown,
            false if now.since(at) >= keep => Self::Old,
            false => Self::Young,
        }
    }
}
