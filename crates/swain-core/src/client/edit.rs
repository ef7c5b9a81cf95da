//! From what the application asks to a mutation that can travel: checked values, and what each was based on (spec M3).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::overlay::writes;
use super::replica::Replica;
use crate::ids::{MutationNumber, Name};
use crate::limits::MUTATION_OPERATIONS_MAX;
use crate::merge::{apply, check_commuting};
use crate::mutation::{Operation, Was};
use crate::problem::{Code, Problem};
use crate::row::{Row, RowKey};
use crate::schema::Table;

/// Completes the operations of a mutation.
pub(super) fn complete(replica: &Replica, operations: Vec<Operation>) -> Result<Vec<Operation>, Problem> {
    if operations.is_empty() {
        return Err(Problem::new(Code::MissingMember, "a mutation has at least one operation"));
    }
    if operations.len() > MUTATION_OPERATIONS_MAX {
        let detail = format!("a mutation has at most {MUTATION_OPERATIONS_MAX} operations");
        return Err(Problem::new(Code::LimitMutationOperations, detail));
    }
    let mut draft = Draft { replica, done: Vec::new() };
    for (index, operation) in operations.into_iter().enumerate() {
        let completed = draft.complete(operation);
        draft.done.push(completed.map_err(|problem| problem.at(format!("ops[{index}]")))?);
    }
    Ok(draft.done)
}

/// A mutation half made: later operations see what earlier ones did.
struct Draft<'r> {
    replica: &'r Replica,
    done: Vec<Operation>,
}

impl Draft<'_> {
    fn complete(&self, operation: Operation) -> Result<Operation, Problem> {
        let name = &operation.row().table;
        let table = self
            .replica
            .schema
            .table(name)
            .map_err(|code| Problem::new(code, format!("the table '{name}' is not synced, or not known yet")))?;
        let row = normal_key(table, operation.row())?;
        match operation {
            Operation::Insert { set, .. } => {
                let set = normal_values(table, &set)?;
                Ok(Operation::Insert { row, set })
            }
            Operation::Update { set, was, inc, add, remove, .. } => {
                let set = normal_values(table, &set)?;
                check_parts(table, &set, &inc, &add, &remove)?;
                let was = self.was(table, &row, &set, was);
                Ok(Operation::Update { row, set, was, inc, add, remove })
            }
            Operation::Delete { seen, .. } => {
                let seen = seen.or_else(|| self.seen(table, &row).map(|row| row.hash()));
                Ok(Operation::Delete { row, seen })
            }
        }
    }

    /// The row as the person sees it, with the earlier operations of this mutation.
    fn seen(&self, table: &Table, key: &RowKey) -> Option<Arc<Row>> {
        let earlier = self.done.iter().filter(|operation| operation.row() == key);
        let visible = self.replica.visible(key).cloned();
        earlier.fold(visible, |row, operation| apply(table, row.as_deref(), operation).map(Arc::new))
    }

    /// What each new value is based on; what the application gave itself stays.
    fn was(&self, table: &Table, key: &RowKey, set: &Row, mut given: BTreeMap<Name, Was>) -> BTreeMap<Name, Was> {
        let seen = self.seen(table, key);
        for column in set.0.keys().filter(|column| !table.key.contains(column)) {
            if given.contains_key(column) {
                continue;
            }
            let value = seen.as_ref().map(|row| row.value(column).clone()).unwrap_or_default();
            let was = match self.writer(key, column) {
                Some(n) => Was::After(n, value),
                None => Was::of(&value),
            };
            given.insert(column.clone(), was);
        }
        given.retain(|column, _| set.0.contains_key(column));
        given
    }

    /// The earlier mutation, still on its way, that the value comes from. A value of this mutation itself is plain:
    /// the server is in the middle of it.
    fn writer(&self, key: &RowKey, column: &Name) -> Option<MutationNumber> {
        let mut earlier = self.done.iter();
        if earlier.any(|operation| operation.row() == key && writes(operation, column)) {
            return None;
        }
        self.replica.overlay.writer(&self.replica.outbox, key, column)
    }
}

fn normal_key(table: &Table, row: &RowKey) -> Result<RowKey, Problem> {
    let key = table
        .normalise_key(&row.key)
        .map_err(|code| Problem::new(code, format!("the key of '{}' is {:?}", table.name, table.key)))?;
    Ok(RowKey { table: row.table.clone(), key })
}

fn normal_values(table: &Table, set: &Row) -> Result<Row, Problem> {
    let normal = set.0.iter().map(|(name, value)| {
        let wrong = |code| Problem::new(code, format!("'{}.{name}' does not take this", table.name));
        if table.key.contains(name) {
            // `set` leaves the key columns out; a row keeps its key for ever (spec M1).
            return Err(wrong(Code::ColumnTwice));
        }
        let column = table.column(name).map_err(wrong)?;
        Ok((name.clone(), column.kind.normalise(value).map_err(wrong)?))
    });
    normal.collect()
}

/// A column is changed in one way only, and `inc`, `add`, `remove` fit its type (spec M1).
fn check_parts(table: &Table, set: &Row, inc: &Row, add: &Row, remove: &Row) -> Result<(), Problem> {
    let in_sets = |name: &Name| add.0.contains_key(name) || remove.0.contains_key(name);
    let twice_set = set.0.keys().find(|name| inc.0.contains_key(*name) || in_sets(name));
    let twice = twice_set.or_else(|| inc.0.keys().find(|name| in_sets(name)));
    if let Some(name) = twice {
        let detail = format!("'{}.{name}' is changed in two ways", table.name);
        return Err(Problem::new(Code::ColumnTwice, detail));
    }
    check_commuting(table, inc, add, remove).map_err(|name| {
        let detail = format!("'{}.{name}' does not take this", table.name);
        Problem::new(Code::WrongType, detail)
    })
}
