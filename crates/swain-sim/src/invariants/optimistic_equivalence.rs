//! What a person sees is the confirmed rows with the pending mutations on top, at every step (spec C1).

use std::sync::Arc;

use swain_core::merge;

use super::{Finding, View, confirmed_rows, difference};
use crate::oracle::Rows;

pub(crate) fn check(view: &View<'_>) -> Finding {
    let schema = view.machine.schema();
    let mut expected = confirmed_rows(view.machine);
    for operation in view
        .machine
        .pending()
        .flat_map(|entry| &entry.mutation.operations)
    {
        let place = operation.row();
        let Some(table) = schema.tables.get(&place.table) else {
            continue;
        };
        let before = expected.get(place).map(|row| &**row);
        match merge::apply(table, before, operation) {
            Some(row) => drop(expected.insert(place.clone(), Arc::new(row))),
            None => drop(expected.remove(place)),
        }
    }
    let tables = ["t", "u"]
        .into_iter()
        .flat_map(|table| view.machine.visible_rows(table));
    let visible: Rows = tables
        .map(|(place, row)| (place.clone(), row.clone()))
        .collect();
    match difference(&expected, &visible) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}
