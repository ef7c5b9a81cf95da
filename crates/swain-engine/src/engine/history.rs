//! What happened to a row, as somebody may see it (spec R17).

use std::collections::BTreeSet;

use swain_core::rule::{Auth, Expression};
use swain_core::{Change, Code, Key, Millis, Name, Pos, Problem, Row, Table, Who};
use swain_store::{Store, StoreError};

use super::Engine;
use crate::limits::{HISTORY_LOOKED_MAX, HISTORY_PAGE_MAX};
use crate::rights::RightsError;

/// A page of a row's history, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What this person may see of it.
    pub steps: Vec<Step>,
    /// Older steps are read below this position; none when there are none.
    pub more: Option<Pos>,
}

/// One change of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its place in the log, and the version of the row that it made.
    pub pos: Pos,
    /// When.
    pub at: Millis,
    /// Who did it.
    pub who: Who,
    /// The row before; none if it was not there, or is nothing that this person may see.
    pub before: Option<Row>,
    /// The row after; none if it went, or went out of this person's sight.
    pub after: Option<Row>,
}

/// Why there is no history.
#[derive(Debug)]
pub enum HistoryError {
    /// It cannot be asked for so.
    Problem(Problem),
    /// The store could not answer.
    Store(StoreError),
}

impl From<StoreError> for HistoryError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What somebody may see of a table.
struct Sight<'a> {
    predicate: &'a Expression,
    hidden: &'a BTreeSet<Name>,
}

impl<S: Store> Engine<S> {
    /// At most `max` steps below `before`. A version of the row is shown to whom the read rule grants it now, whoever saw
    /// it then; a row that this person never may see has a history like one that never was.
    pub async fn history(
        &self,
        auth: &Auth,
        table: &str,
        key: &str,
        before: Option<Pos>,
        max: usize,
    ) -> Result<History, HistoryError> {
        let catalog = self.catalog();
        let (table, key) = self.place(auth, table, key).map_err(HistoryError::Problem)?;
        let resolved = self.resolve_all(&[&catalog.readable(&table.name, auth)]).await.map_err(told)?;
        let hidden = catalog.hidden(&table.name, auth);
        let sight = Sight { predicate: &resolved.predicates[0].0, hidden: &hidden };
        let (mut steps, mut behind, mut looked) = (Vec::new(), before, 0);
        let max = max.clamp(1, HISTORY_PAGE_MAX);
        loop {
            let page = self.store().history(table.name.clone(), key.clone(), behind, max).await?;
            let is_last = page.len() < max;
            for position in page {
                behind = Some(position.pos);
                looked += 1;
                let changes = position.changes.iter();
                let seen = changes.filter_map(|change| sight.step(&table, change, &position.who));
                steps.extend(seen.map(|(who, before, after)| Step {
                    pos: position.pos,
                    at: position.at,
                    who,
                    before,
                    after,
                }));
                if steps.len() == max || looked == HISTORY_LOOKED_MAX {
                    return Ok(History { steps, more: behind });
                }
            }
            if is_last {
                return Ok(History { steps, more: None });
            }
        }
    }

    /// The table as this person sees it, and the key in its one form.
    fn place(&self, auth: &Auth, table: &str, key: &str) -> Result<(Table, Key), Problem> {
        let catalog = self.catalog();
        let seen = catalog.schema_for(auth);
        let table = seen.table(&Name::from(table));
        let table = table.map_err(|code| Problem::new(code, "this table is not synced").at("table"))?.clone();
        let key = table.key_of_text(key);
        let key = key.map_err(|code| Problem::new(code, "this is no key of the table").at("key"))?;
        Ok((table, key))
    }
}

impl Sight<'_> {
    fn step(&self, table: &Table, change: &Change, who: &Who) -> Option<(Who, Option<Row>, Option<Row>)> {
        let see = |row: &Option<Row>| {
            let row = row.as_ref().filter(|row| self.predicate.grants(row))?;
            // The log may hold columns that the table no longer has.
            let known = row.0.iter().filter(|(name, _)| table.columns.contains_key(*name));
            Some(Row(known.map(|(name, value)| (name.clone(), value.clone())).collect()).without(self.hidden))
        };
        let (before, after) = (see(&change.before), see(&change.after));
        // A change of what is hidden alone is none.
        if before == after {
            return None;
        }
        let who = match (&change.actor, who) {
            (Some(actor), Who::Outside { .. }) => Who::Outside { actor: Some(actor.clone()) },
            _ => who.clone(),
        };
        Some((who, before, after))
    }
}

fn told(error: RightsError) -> HistoryError {
    match error {
        RightsError::Store(error) => HistoryError::Store(error),
        RightsError::TooMany(_) => HistoryError::Problem(Problem::new(Code::Overloaded, error.to_string())),
    }
}
