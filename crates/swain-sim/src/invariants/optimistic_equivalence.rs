//! What a person sees is the confirmed rows with the pending mutations on top, at every step (spec C1).

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::{Aliases, Row, RowKey, merge};

use super::{Finding, TABLES, View, difference};
use crate::oracle::Seen;

pub(crate) fn check(view: &View<'_>) -> Finding {
    let folded = fold(view);
    let visible: Seen<'_> = TABLES.into_iter().flat_map(|table| view.machine.visible_rows(table)).collect();
    let difference = if folded.is_empty() {
        difference(&view.confirmed, &visible)
    } else {
        let untouched = view.confirmed.iter().filter(|(place, _)| !folded.contains_key(*place)).copied();
        let touched = folded.iter().filter_map(|(place, row)| Some((place, row.as_ref()?)));
        let mut expected: Seen<'_> = untouched.chain(touched).collect();
        expected.sort_unstable_by_key(|(place, _)| *place);
        difference(&expected, &visible)
    };
    difference.map_or(Ok(()), Err)
}

/// The rows that pending mutations touch, as they are after all of them, by the keys that those of the mutations stand for.
fn fold(view: &View<'_>) -> BTreeMap<RowKey, Option<Arc<Row>>> {
    let schema = view.machine.schema();
    let mut folded: BTreeMap<RowKey, Option<Arc<Row>>> = BTreeMap::new();
    let mut pending = view.machine.pending().peekable();
    if pending.peek().is_none() {
        return folded;
    }
    let aliases: Aliases = view.machine.aliases().collect();
    for operation in pending.flat_map(|entry| &entry.mutation.operations) {
        let operation = aliases.operation(schema, operation);
        let place = operation.row();
        let Some(table) = schema.tables.get(&place.table) else {
            continue;
        };
        let before = folded.get(place).cloned().unwrap_or_else(|| view.confirmed(place).map(Arc::clone));
        let after = merge::apply(table, before.as_deref(), &operation).map(Arc::new);
        folded.insert(place.clone(), after);
    }
    folded
}
