//! What a person sees is the confirmed rows with the pending mutations on top, at every step (spec C1).

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::{Aliases, Row, RowKey, merge};

use super::{Finding, TABLES, View, confirmed_rows, difference};
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
    let visible: Seen<'_> = TABLES.into_iter().flat_map(|table| view.machine.visible_rows(table)).collect();
    match difference(&expected, &visible) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}

/// The rows that pending mutations touch, as they are after all of them, by the keys that those of the mutations stand for.
fn fold(view: &View<'_>, confirmed: &Seen<'_>) -> BTreeMap<RowKey, Option<Arc<Row>>> {
    let schema = view.machine.schema();
    let aliases: Aliases = view.machine.aliases().collect();
    let mut folded: BTreeMap<RowKey, Option<Arc<Row>>> = BTreeMap::new();
    for operation in view.machine.pending().flat_map(|entry| &entry.mutation.operations) {
        let operation = aliases.operation(schema, operation);
        let place = operation.row();
        let Some(table) = schema.tables.get(&place.table) else {
            continue;
        };
        let before = folded.get(place).cloned().unwrap_or_else(|| confirmed.get(place).map(|row| Arc::clone(row)));
        let after = merge::apply(table, before.as_deref(), &operation).map(Arc::new);
        folded.insert(place.clone(), after);
    }
    folded
}
