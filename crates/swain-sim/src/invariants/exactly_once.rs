//! The effects of a mutation occur exactly once (law 1): a device's counter is the number of its accepted increments.

use swain_core::Key;
use swain_core::RowKey;
use swain_core::protocol::Outcome;

use super::{Finding, View};

pub(crate) fn check(view: &View<'_>) -> Finding {
    let device = view.device;
    let counter = RowKey { table: "t".into(), key: Key::of(format!("c{}", device.index).as_str()) };
    let rows = view.oracle.rows_at(view.oracle.head()).expect("the head is known");
    let Some(row) = rows.get(&counter) else {
        return Ok(());
    };
    let outcome = |id| view.machine.entry(id).and_then(|entry| entry.result.as_ref()).map(|result| result.outcome);
    let accepted = |id: &&swain_core::client::EntryId| outcome(**id) == Some(Outcome::Applied);
    let counted = row.value("n").as_int().unwrap_or(0);
    let increments = device.increments.iter().filter(accepted).count();
    if i64::try_from(increments) == Ok(counted) {
        return Ok(());
    }
    Err(format!("{increments} increments were accepted, the counter says {counted}"))
}
