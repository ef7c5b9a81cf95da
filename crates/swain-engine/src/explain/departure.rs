//! How a row went out of somebody's sight: it was deleted, it was changed, or a right went.

use swain_core::rule::{Expression, Operand, Selection};
use swain_core::{Change, Key, Millis, Name, Pos, Position, Row, RowKey, Table, Who};
use swain_store::{Interest, Store, StoreError};

use crate::limits::LOG_PAGE_CHANGES_MAX;
use crate::rights::{Reading, Rights, interest_in};

/// A row's way out of somebody's sight.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    /// Where in the log.
    pub pos: Pos,
    /// When.
    pub at: Millis,
    /// Who did it.
    pub who: Who,
    /// What happened.
    pub reason: Reason,
}

/// What took a row out of sight.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It was deleted.
    Deleted,
    /// These of its columns were changed, and the read rule does not grant it any more.
    Changed(Vec<Name>),
    /// A row that gave the right was deleted or changed.
    RightLost(RowKey),
}

/// Reads the log for the newest departure. Rights that have moved since count as they are now.
pub(super) struct Search<'a> {
    pub(super) table: &'a Table,
    pub(super) key: &'a Key,
    /// The read rule with everything put in.
    pub(super) predicate: &'a Expression,
    /// What the rule looks for in which selection; the selections have everything put in.
    pub(super) needs: Vec<(&'a Operand, &'a Selection)>,
    /// The row as it is, or was last.
    pub(super) row: Option<Row>,
    pub(super) found: Option<Departure>,
}

impl Search<'_> {
    pub(super) async fn run<S: Store>(
        mut self,
        reading: &Reading<'_, S>,
        rights: &Rights,
    ) -> Result<Option<Departure>, StoreError> {
        let own = Interest { table: self.table.name.clone(), scope: None };
        let others = rights.keys().map(|selection| interest_in(selection, reading.schema));
        let interests: Vec<Interest> = std::iter::once(own).chain(others).collect();
        let head = reading.store.head().await?;
        let mut after = head.floor;
        while after < head.pos {
            let page = reading.store.log(after, head.pos, Some(interests.clone()), None, LOG_PAGE_CHANGES_MAX).await?;
            page.positions.iter().for_each(|position| self.see(position));
            after = page.through;
        }
        Ok(self.found)
    }

    fn see(&mut self, position: &Position) {
        for change in &position.changes {
            let reason = match change.row.table == self.table.name && change.row.key == *self.key {
                true => self.of_row(change),
                false => self.loses_right(change).then(|| Reason::RightLost(change.row.clone())),
            };
            if let Some(reason) = reason {
                let Position { pos, at, ref who, .. } = *position;
                self.found = Some(Departure { pos, at, who: who.clone(), reason });
            }
        }
    }

    fn of_row(&mut self, change: &Change) -> Option<Reason> {
        let before = change.before.as_ref()?;
        let Some(after) = &change.after else {
            self.row = Some(before.clone());
            return Some(Reason::Deleted);
        };
        let leaves = self.predicate.grants(before) && !self.predicate.grants(after);
        leaves.then(|| Reason::Changed(after.changed_since(before).0.into_keys().collect()))
    }

    /// True when the change takes a value out of a selection that the row needs there.
    fn loses_right(&self, change: &Change) -> bool {
        let Some(row) = &self.row else { return false };
        self.needs.iter().any(|(operand, selection)| {
            let gave = |row: &Option<Row>| row.as_ref().and_then(|row| selection.contributed(row));
            let needed = operand.value(row);
            let is_taken =
                || gave(&change.before).as_ref() == Some(needed) && gave(&change.after).as_ref() != Some(needed);
            change.row.table == selection.table && !needed.is_null() && is_taken()
        })
    }
}
