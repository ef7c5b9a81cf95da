//! The inner SELECTs of a predicate, answered before the predicate itself: what they give is then a list of values, in SQL
//! as in memory, and both mean the same.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use futures::future::BoxFuture;
use swain_core::rule::{Expression, Selection, ValueSet};

use crate::connection::Session;
use crate::failure::Failure;
use crate::layout::{Layout, ROW};
use crate::predicate::predicate;

/// The predicate with what its selections give now, as this session's transaction sees it.
pub(crate) fn resolve<'a>(
    session: &'a Session,
    layout: &'a Layout,
    expression: &'a Expression,
) -> BoxFuture<'a, Result<Expression, Failure>> {
    Box::pin(async move {
        if !expression.has_selections() {
            return Ok(expression.clone());
        }
        let mut wanted: Vec<Selection> = Vec::new();
        expression.selections(&mut |_, selection| wanted.push(selection.clone()));
        let mut known: BTreeMap<Selection, Arc<ValueSet>> = BTreeMap::new();
        for selection in wanted {
            if let Entry::Vacant(place) = known.entry(selection) {
                let values = values(session, layout, place.key()).await?;
                place.insert(Arc::new(values));
            }
        }
        Ok(expression.resolve(&mut |selection| known.get(selection).cloned().unwrap_or_default()))
    })
}

async fn values(session: &Session, layout: &Layout, selection: &Selection) -> Result<ValueSet, Failure> {
    let condition = resolve(session, layout, &selection.condition).await?;
    let resolved = Selection { condition, ..selection.clone() };
    let table = layout.table(&selection.table)?;
    let predicate = predicate(table, &resolved.condition);
    let sql = format!("SELECT row_to_json({ROW})::text FROM {} {ROW} WHERE {}", table.sql_name, predicate.sql);
    let rows = session.query_typed(&sql, &predicate.parameters()).await?;
    let rows = rows.iter().map(|row| table.read_row(row.get(0)));
    let contributed = rows.filter_map(|row| row.map(|row| resolved.contributed(&row)).transpose());
    contributed.collect()
}

/// True when the predicate grants at least one row of a table.
pub(crate) async fn exists(
    session: &Session,
    layout: &Layout,
    table: &str,
    expression: &Expression,
) -> Result<bool, Failure> {
    let expression = resolve(session, layout, expression).await?;
    let table = layout.table(table)?;
    let predicate = predicate(table, &expression);
    let sql = format!("SELECT row_to_json({ROW})::text FROM {} {ROW} WHERE {}", table.sql_name, predicate.sql);
    for row in session.query_typed(&sql, &predicate.parameters()).await? {
        if expression.grants(&table.read_row(row.get(0))?) {
            return Ok(true);
        }
    }
    Ok(false)
}
