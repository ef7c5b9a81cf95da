//! An arbiter without rules: it does what it is asked.

use swain_core::merge::commute;
use swain_core::rule::Auth;
use swain_core::{Code, Mutation, Name, Operation, Problem, Row, Schema, Table};

use crate::commit::{Arbiter, Submission, Verdict};
use crate::contract::Transaction;
use crate::error::WriteError;

/// Applies every operation as it is. Signed in with the role `"forbidden"`, it writes and refuses then; with the role
/// `"loser"` it writes nothing and says that every column lost.
pub struct PlainArbiter {
    /// The tables that it may write to.
    pub schema: Schema,
}

impl Arbiter for PlainArbiter {
    async fn apply<T: Transaction>(
        &self,
        tx: &mut T,
        submission: &Submission,
        mutation: &Mutation,
    ) -> Result<Verdict, WriteError> {
        if has_role(&submission.auth, "loser") {
            return Ok(Verdict { lost: columns(mutation), won_any: false, ..Verdict::default() });
        }
        for operation in &mutation.operations {
            let place = operation.row();
            let table = self.schema.table(&place.table).map_err(|code| Problem::new(code, "no such table"))?;
            let current = tx.row(table, &place.key).await?;
            apply(tx, table, operation, current).await?;
        }
        if has_role(&submission.auth, "forbidden") {
            return Err(Problem::new(Code::NotAllowed, "this role may not write").into());
        }
        Ok(Verdict { lost: Vec::new(), won_any: true, ..Verdict::default() })
    }
}

async fn apply<T: Transaction>(
    tx: &mut T,
    table: &Table,
    operation: &Operation,
    current: Option<Row>,
) -> Result<(), WriteError> {
    let key = &operation.row().key;
    match (operation, current) {
        (Operation::Insert { .. }, Some(_)) => Err(Problem::new(Code::IdTaken, "a row with this key is there").into()),
        (Operation::Insert { set, .. }, None) => {
            let mut row = set.clone();
            row.0.extend(table.key.iter().cloned().zip(key.0.iter().cloned()));
            tx.insert(table, &row).await
        }
        (Operation::Update { set, inc, add, remove, .. }, Some(current)) => {
            let mut updated = current.clone();
            updated.0.extend(set.0.clone());
            commute(table, &mut updated, inc, add, remove);
            let mut change = updated.changed_since(&current);
            // Columns that are set to what they are have to be written too: the store finds that nothing changed.
            change.0.extend(set.0.clone());
            tx.update(table, key, &change).await
        }
        (Operation::Upsert { .. }, _) => Err(Problem::new(Code::NotUnique, "this arbiter knows no upsert").into()),
        (Operation::Update { .. }, None) => Err(Problem::new(Code::RowGone, "the row is not there").into()),
        (Operation::Delete { .. }, Some(_)) => tx.delete(table, key).await,
        (Operation::Delete { .. }, None) => Ok(()),
    }
}

fn has_role(auth: &Auth, role: &str) -> bool {
    auth.role.as_deref() == Some(role)
}

fn columns(mutation: &Mutation) -> Vec<Name> {
    let sets = mutation.operations.iter().filter_map(|operation| match operation {
        Operation::Insert { set, .. } | Operation::Update { set, .. } | Operation::Upsert { set, .. } => Some(set),
        Operation::Delete { .. } => None,
    });
    sets.flat_map(|set| set.0.keys().cloned()).collect()
}
