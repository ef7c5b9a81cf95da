//! What a session's rows depend on beyond the rows themselves: the values that the inner SELECTs of its read rules give
//! (spec R11). They are read when the session opens and put into its predicates, so that live matching is exact without a
//! query; a change that moves one of them ends the session's promise at that position, and concerns nobody else.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use swain_core::rule::{Expression, Selection, ValueSet};
use swain_core::{Change, Name, Pos, Row, Schema};
use swain_store::{Head, Interest, Store, StoreError, StoreErrorKind};

use crate::engine::Engine;
use crate::limits::{LOAD_CHUNK_ROWS_MAX, LOG_PAGE_CHANGES_MAX, RIGHTS_TRIES_MAX, RIGHTS_VALUES_MAX};

/// Selections with everything that they depend on put in, and what they give.
pub(crate) type Rights = BTreeMap<Selection, Arc<ValueSet>>;

/// Why rights cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RightsError {
    /// A selection gives more than is kept for a session.
    #[error("a rule selects more than {RIGHTS_VALUES_MAX} rows of '{0}' for one user")]
    TooMany(Name),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RightsError {
    /// For an operator, who may know which table it is.
    pub(crate) fn told(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::TooMany(_) => StoreError::new(StoreErrorKind::Unusable, self.to_string()),
        }
    }
}

/// Predicates whose selections have become values, all as of one position.
pub(crate) struct Resolved {
    /// The position, which is the head or was it a moment ago.
    pub(crate) head: Head,
    /// Each predicate, and the rights that it depends on.
    pub(crate) predicates: Vec<(Expression, Rights)>,
}

/// True when the change may move what the selection gives; `set` is what it gave before, if that is known.
pub(crate) fn is_moved(selection: &Selection, set: Option<&ValueSet>, change: &Change) -> bool {
    if selection.table != change.row.table {
        return false;
    }
    let given = |row: &Option<Row>| row.as_ref().and_then(|row| selection.contributed(row));
    match (given(&change.before), given(&change.after), set) {
        // One more row that gives what is given already.
        (None, Some(value), Some(set)) if value.is_null() => !set.has_null,
        (None, Some(value), Some(set)) => !set.values.contains(&value),
        (before, after, _) => before != after,
    }
}

/// The part of the log that can move a selection.
pub(crate) fn interest_in(selection: &Selection, schema: &Schema) -> Interest {
    let scopes = schema.tables.get(&selection.table).map(|table| &table.scopes);
    let scope = scopes.and_then(|scopes| selection.condition.scope(scopes));
    Interest { table: selection.table.clone(), scope }
}

/// Reads rights from a store whose tables are these.
pub(crate) struct Reading<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) schema: &'a Schema,
}

impl<S: Store> Engine<S> {
    /// See [`Reading::resolve_all`].
    pub(crate) async fn resolve_all(&self, predicates: &[&Expression]) -> Result<Resolved, RightsError> {
        Reading { store: &**self.store(), schema: &self.catalog().schema }.resolve_all(predicates).await
    }

    /// See [`Reading::have_moved`].
    pub(crate) async fn have_moved<'a>(
        &self,
        rights: impl Iterator<Item = &'a Selection> + Clone + Send,
        after: Pos,
        through: Pos,
    ) -> Result<bool, StoreError> {
        Reading { store: &**self.store(), schema: &self.catalog().schema }.have_moved(rights, after, through).await
    }
}

impl<S: Store> Reading<'_, S> {
    /// Puts the values of their selections into predicates. What is read is of one position: when a right moves
    /// meanwhile, it is read again.
    pub(crate) async fn resolve_all(&self, predicates: &[&Expression]) -> Result<Resolved, RightsError> {
        for _ in 0..RIGHTS_TRIES_MAX {
            let head = self.store.head().await?;
            let mut known = Rights::new();
            let mut resolved = Vec::with_capacity(predicates.len());
            for predicate in predicates {
                let mut rights = Rights::new();
                let predicate = self.resolve(predicate, &mut known, &mut rights).await?;
                resolved.push((predicate, rights));
            }
            if known.is_empty() {
                return Ok(Resolved { head, predicates: resolved });
            }
            let read = self.store.head().await?;
            if !self.have_moved(known.keys(), head.pos, read.pos).await? {
                return Ok(Resolved { head, predicates: resolved });
            }
        }
        Err(StoreError::new(StoreErrorKind::Transient, "the rights of a session move faster than they are read").into())
    }

    fn resolve<'a>(
        &'a self,
        predicate: &'a Expression,
        known: &'a mut Rights,
        rights: &'a mut Rights,
    ) -> Pin<Box<dyn Future<Output = Result<Expression, RightsError>> + Send + 'a>> {
        Box::pin(async move {
            let mut selections = Vec::new();
            predicate.selections(&mut |_, selection| selections.push(selection.clone()));
            let mut sets = Vec::with_capacity(selections.len());
            for selection in selections {
                let condition = self.resolve(&selection.condition, known, rights).await?;
                let selection = Selection { condition, ..selection };
                let set = match known.get(&selection) {
                    Some(set) => Arc::clone(set),
                    None => Arc::new(self.values(&selection).await?),
                };
                known.insert(selection.clone(), Arc::clone(&set));
                rights.insert(selection, Arc::clone(&set));
                sets.push(set);
            }
            let mut sets = sets.into_iter();
            Ok(predicate.resolve(&mut |_| sets.next().expect("one set for each selection")))
        })
    }

    async fn values(&self, selection: &Selection) -> Result<ValueSet, RightsError> {
        let (mut values, mut after, mut rows) = (Vec::new(), None, 0);
        loop {
            let (table, condition) = (selection.table.clone(), selection.condition.clone());
            let chunk = self.store.load(table, condition, after, LOAD_CHUNK_ROWS_MAX).await?;
            rows += chunk.rows.len();
            if rows > RIGHTS_VALUES_MAX {
                return Err(RightsError::TooMany(selection.table.clone()));
            }
            values.extend(chunk.rows.iter().filter_map(|row| selection.contributed(row)));
            after = chunk.more;
            if after.is_none() {
                return Ok(values.into_iter().collect());
            }
        }
    }

    /// True when a position in (after, through] moves one of these; also when there is too much to look at.
    async fn have_moved<'a>(
        &self,
        rights: impl Iterator<Item = &'a Selection> + Clone + Send,
        after: Pos,
        through: Pos,
    ) -> Result<bool, StoreError> {
        let interests: Vec<Interest> = rights.clone().map(|selection| interest_in(selection, self.schema)).collect();
        if interests.is_empty() || after >= through {
            return Ok(false);
        }
        let page = self.store.log(after, through, Some(interests), None, LOG_PAGE_CHANGES_MAX).await?;
        let mut changes = page.positions.iter().flat_map(|position| &position.changes);
        Ok(page.through < through
            || page.large.is_some()
            || changes.any(|change| rights.clone().any(|right| is_moved(right, None, change))))
    }
}
