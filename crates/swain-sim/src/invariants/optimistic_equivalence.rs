//! What a person sees is the confirmed rows with the pending mutations on top, at every step (spec C1).

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::{Row, RowKey, merge};

use super::{Finding, View, confirmed_rows, difference};
use crate::oracle::Seen;

pub(crate) fn check(view: &View<'_>) -> Finding {
    let confirmed = confirmed_rows(view.machine);
    let folded = fold(view, &confirmed);
    let mut expected = confirmed;
    for (place, row) in &folded {
        match row {
            Some(row) => drop(expected.insert(place, row)),
            None => drop(expected.remove(place)),
        }
    }
    let visible: Seen<'_> = ["t", "u"].into_iter().flat_map(|table| view.machine.visible_rows(table)).collect();
    match difference(&expected, &visible) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}

/// The rows that pending mutations touch, as they are after all of them.
fn fold<'a>(view: &'a View<'_>, confirmed: &Seen<'_>) -> BTreeMap<&'a RowKey, Option<Arc<Row>>> {
    let schema = view.machine.schema();
    let mut folded: BTreeMap<&RowKey, Option<Arc<Row>>> = BTreeMap::new();
    for operation in view.machine.pending().flat_map(|entry| &entry.mutation.operations) {
        let place = operation.row();
        let Some(table) = schema.tables.get(&place.table) else {
            continue;
        };
        let before = folded.get(place).cloned().unwrap_or_else(|| confirmed.get(place).map(|row| Arc::clone(row)));
        folded.insert(place, merge::apply(table, before.as_deref(), operation).map(Arc::new));
    }
    folded
}
