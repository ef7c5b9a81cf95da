//! From what the application asks to a mutation that can travel: checked values, and what each was based on (spec M3).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::overlay::writes;
use super::replica::{Replica, temporary_key};
use crate::alias::{Alias, Aliases};
use crate::ids::{MutationNumber, Name};
use crate::limits::MUTATION_OPERATIONS_MAX;
use crate::merge::{apply, check_commuting};
use crate::mutation::{Operation, Was};
use crate::problem::{Code, Problem};
use crate::row::{Row, RowKey};
use crate::schema::{Ids, Table};
use crate::value::Value;

/// The operations of a mutation, ready to travel, and how many temporary keys there are now.
#[derive(Debug)]
pub(super) struct Completed {
    pub(super) operations: Vec<Operation>,
    pub(super) temporaries: u64,
}

/// Completes the operations of a mutation.
pub(super) fn complete(replica: &Replica, operations: Vec<Operation>) -> Result<Completed, Problem> {
    if operations.is_empty() {
        return Err(Problem::new(Code::MissingMember, "a mutation has at least one operation"));
    }
    if operations.len() > MUTATION_OPERATIONS_MAX {
        let detail = format!("a mutation has at most {MUTATION_OPERATIONS_MAX} operations");
        return Err(Problem::new(Code::LimitMutationOperations, detail));
    }
    let mut draft =
        Draft { replica, done: Vec::new(), temporaries: replica.meta.temporaries, found: Aliases::default() };
    for (index, operation) in operations.into_iter().enumerate() {
        let completed = draft.complete(operation);
        draft.done.push(completed.map_err(|problem| problem.at(format!("ops[{index}]")))?);
    }
    Ok(Completed { operations: draft.done, temporaries: draft.temporaries })
}

/// A mutation half made: later operations see what earlier ones did.
struct Draft<'r> {
    replica: &'r Replica,
    done: Vec<Operation>,
    temporaries: u64,
    /// Keys that upserts of this mutation proposed for rows that are here already: its later operations mean those.
    found: Aliases,
}

impl Draft<'_> {
    fn complete(&mut self, mut operation: Operation) -> Result<Operation, Problem> {
        let name = &operation.row().table;
        let replica = self.replica;
        let table = replica
            .schema
            .table(name)
            .map_err(|code| Problem::new(code, format!("the table '{name}' is not synced, or not known yet")))?;
        self.give_key(table, &mut operation);
        *operation.row_mut() = normal_key(table, operation.row())?;
        let operation = with_normal_values(table, operation)?;
        let operation = replica.aliases.operation(&replica.schema, &operation).into_owned();
        let operation = self.found.operation(&replica.schema, &operation).into_owned();
        match operation {
            Operation::Insert { .. } => Ok(operation),
            Operation::Update { row, set, was, inc, add, remove } => {
                check_parts(table, &set, &inc, &add, &remove)?;
                let was = self.was(table, &row, &set, was);
                Ok(Operation::Update { row, set, was, inc, add, remove })
            }
            Operation::Upsert { row, on, set, was } => self.complete_upsert(table, row, on, set, was),
            Operation::Delete { row, seen } => {
                let seen = seen.or_else(|| self.seen(table, &row).map(|row| row.hash()));
                Ok(Operation::Delete { row, seen })
            }
        }
    }

    /// A new row of a table whose ids the server gives needs no key: it gets a temporary one (spec C19).
    fn give_key(&mut self, table: &Table, operation: &mut Operation) {
        let (Operation::Insert { row, .. } | Operation::Upsert { row, .. }) = operation else { return };
        if table.ids == Ids::Server && row.key.0.iter().all(Value::is_null) {
            self.temporaries += 1;
            row.key = temporary_key(self.temporaries);
        }
    }

    /// A row with the same values in the unique key is here already: the edit is of that row (spec C20).
    fn complete_upsert(
        &mut self,
        table: &Table,
        mut row: RowKey,
        on: Vec<Name>,
        set: Row,
        was: BTreeMap<Name, Was>,
    ) -> Result<Operation, Problem> {
        if table.unique(&on).is_none() {
            let detail = format!("({}) is no unique key of '{}'", join(&on), table.name);
            return Err(Problem::new(Code::NotUnique, detail));
        }
        let value = |column: &Name| match table.key_place(column) {
            Some(place) => &row.key.0[place],
            None => set.value(column),
        };
        let wanted: Vec<(Name, Value)> = on.iter().map(|column| (column.clone(), value(column).clone())).collect();
        if wanted.iter().all(|(_, value)| !value.is_null())
            && let Some(found) = self.holder(table, &wanted)
        {
            let (n, table) = (MutationNumber(0), row.table.clone());
            self.found.insert(Alias { n, table, from: row.key, to: found.key.clone() });
            row = found;
        }
        let was = if self.seen(table, &row).is_some() { self.was(table, &row, &set, was) } else { BTreeMap::new() };
        Ok(Operation::Upsert { row, on, set, was })
    }

    /// The row that the person sees with these values, with the earlier operations of this mutation.
    fn holder(&self, table: &Table, wanted: &[(Name, Value)]) -> Option<RowKey> {
        let holds = |row: &Row| wanted.iter().all(|(column, value)| row.value(column) == value);
        let touched = |key: &RowKey| self.done.iter().any(|operation| operation.row() == key);
        let mut earlier = self.done.iter().map(Operation::row).filter(|key| key.table == table.name);
        let drafted = earlier.find(|key| self.seen(table, key).is_some_and(|row| holds(&row))).cloned();
        drafted.or_else(|| {
            let rows = self.replica.visible_rows(&table.name).into_iter();
            let mut rows = rows.filter(|(key, row)| holds(row) && !touched(key));
            rows.next().map(|(key, _)| key.clone())
        })
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
                None if table.whole.contains(column) => Was::Value(value),
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
        self.replica.overlay.writer(self.replica.sight(), &self.replica.outbox, key, column)
    }
}

fn normal_key(table: &Table, row: &RowKey) -> Result<RowKey, Problem> {
    let key = table
        .normalise_key(&row.key)
        .map_err(|code| Problem::new(code, format!("the key of '{}' is {:?}", table.name, table.key)))?;
    Ok(RowKey { table: row.table.clone(), key })
}

/// Values in their one form; what is added and removed is checked with the rest of an update.
fn with_normal_values(table: &Table, mut operation: Operation) -> Result<Operation, Problem> {
    if let Operation::Insert { set, .. } | Operation::Update { set, .. } | Operation::Upsert { set, .. } =
        &mut operation
    {
        *set = normal_values(table, set)?;
    }
    Ok(operation)
}

fn join(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
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
