//! Whether a rule grants a row inside the writer's transaction (spec R10).
//!
//! The sets that live matching keeps may be behind the writer. So what an inner SELECT gives is asked of the transaction
//! itself: whether it holds the one value that the row compares it with.

use std::sync::Arc;

use swain_core::rule::{Auth, Expression, Operand, Selection, ValueSet};
use swain_core::{Row, Schema, Value};
use swain_store::{StoreError, StoreErrorKind, Transaction};

/// True when the rule grants the row to who asks, by the tables as the transaction sees them.
pub(crate) async fn grants<T: Transaction>(
    tx: &mut T,
    schema: &Schema,
    rule: &Expression,
    auth: &Auth,
    row: &Row,
) -> Result<bool, StoreError> {
    let bound = rule.bind(auth);
    let mut questions: Vec<(Value, Selection)> = Vec::new();
    bound.selections(&mut |operand, selection| questions.push((operand.value(row).clone(), selection.clone())));
    let mut answers = Vec::with_capacity(questions.len());
    for (value, selection) in questions {
        answers.push(Arc::new(answer(tx, schema, value, selection).await?));
    }
    let mut answers = answers.into_iter();
    Ok(bound.resolve(&mut |_| answers.next().expect("one answer for each selection")).grants(row))
}

/// Of what the selection gives, only as much as decides about this value.
async fn answer<T: Transaction>(
    tx: &mut T,
    schema: &Schema,
    value: Value,
    selection: Selection,
) -> Result<ValueSet, StoreError> {
    let Selection { table, column, condition } = selection;
    let table = schema.tables.get(&table).ok_or_else(|| {
        StoreError::new(StoreErrorKind::Internal, format!("a rule looks into '{table}', which is not synced"))
    })?;
    let mut has_null = false;
    let mut values = Vec::new();
    if value.is_null() {
        // Null is in no set; whether that is false or unknown depends on the set being empty.
        has_null = tx.exists(table, &condition).await?;
    } else {
        let equal = Expression::Equal(column.clone(), Operand::Literal(value.clone()));
        if tx.exists(table, &condition.clone().and(equal)).await? {
            values.push(value);
        } else if matches!(column, Operand::Column(_)) {
            has_null = tx.exists(table, &condition.and(Expression::IsNull(column))).await?;
        }
    }
    Ok(values.into_iter().chain(has_null.then_some(Value::Null)).collect())
}
