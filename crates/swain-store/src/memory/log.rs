//! Reading the log.

use swain_core::{Change, DeviceId, Pos, Position, RowKey};

use super::{PlantedBug, State};
use crate::contract::{Interest, LargePosition, LogPage, POSITION_CHANGES_MAX};

impl State {
    pub(super) fn page(
        &self,
        after: Pos,
        through: Pos,
        interests: Option<&[Interest]>,
        device: Option<&DeviceId>,
        changes_max: usize,
    ) -> LogPage {
        let mut positions: Vec<Position> = Vec::new();
        let mut changes = 0;
        let mut reached = through.min(self.head());
        let in_range = self.log.iter().skip_while(|(pos, _)| **pos <= after).take_while(|(pos, _)| **pos <= through);
        for (_, position) in in_range {
            let Some(relevant) = self.relevant(position, interests, device) else {
                continue;
            };
            if !positions.is_empty() && changes + relevant.changes.len() > changes_max {
                reached = Pos(relevant.pos.0 - 1);
                break;
            }
            if relevant.changes.len() > POSITION_CHANGES_MAX {
                return large(&relevant);
            }
            changes += relevant.changes.len();
            positions.push(relevant);
        }
        if self.planted == Some(PlantedBug::LogSkipsFirst) && interests.is_some() && positions.len() > 1 {
            positions.remove(0);
        }
        let tag = self.tag_of(reached).expect("a page ends at or below the head");
        LogPage { positions, through: reached, tag, large: None }
    }

    /// The newest positions below `before` that changed a row, each with that change alone.
    pub(super) fn history(&self, row: &RowKey, before: Option<Pos>, max: usize) -> Vec<Position> {
        let below = self.log.iter().rev().skip_while(|(pos, _)| before.is_some_and(|before| **pos >= before));
        let of_row = below.filter_map(|(_, position)| {
            let changes: Vec<Change> = position.changes.iter().filter(|change| change.row == *row).cloned().collect();
            (!changes.is_empty()).then(|| Position { changes, ..position.clone() })
        });
        of_row.take(max).collect()
    }

    /// How many changes concern somebody, up to `max`; with a position that is not read as one, `max`.
    pub(super) fn count(&self, after: Pos, through: Pos, interests: &[Interest], max: usize) -> usize {
        let in_range = self.log.iter().skip_while(|(pos, _)| **pos <= after).take_while(|(pos, _)| **pos <= through);
        let counts = in_range.filter_map(|(_, position)| self.relevant(position, Some(interests), None));
        let counts = counts.map(|relevant| relevant.changes.len());
        let count = counts.map(|count| if count > POSITION_CHANGES_MAX { max } else { count });
        count.fold(0, usize::saturating_add).min(max)
    }

    fn relevant(
        &self,
        position: &Position,
        interests: Option<&[Interest]>,
        device: Option<&DeviceId>,
    ) -> Option<Position> {
        let Some(interests) = interests else {
            return Some(position.clone());
        };
        let concerns = |change: &&Change| interests.iter().any(|interest| self.concerns(interest, change));
        let mut changes: Vec<Change> = position.changes.iter().filter(concerns).cloned().collect();
        if self.planted == Some(PlantedBug::LogTearsPosition) && changes.len() > 1 {
            changes.pop();
        }
        let own = device.is_some() && position.who.mutation().map(|(device, _)| device) == device;
        (own || !changes.is_empty()).then(|| Position { changes, ..position.clone() })
    }

    fn concerns(&self, interest: &Interest, change: &Change) -> bool {
        if interest.table != change.row.table {
            return false;
        }
        let Some((column, values)) = &interest.scope else {
            return true;
        };
        let forgotten = self.planted == Some(PlantedBug::LeavingRowForgotten) && change.after.is_some();
        let before = change.before.as_ref().filter(|_| !forgotten);
        before.into_iter().chain(&change.after).any(|row| values.contains(row.value(column)))
    }
}

fn large(position: &Position) -> LogPage {
    let tables = position.changes.iter().map(|change| change.row.table.clone()).collect();
    let large = LargePosition { pos: position.pos, tag: position.tag, tables };
    LogPage { positions: Vec::new(), through: position.pos, tag: position.tag, large: Some(large) }
}
