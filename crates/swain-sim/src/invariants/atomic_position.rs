//! Nobody ever sees a part of a position, nor a part of a mutation (law 3): rows p1 and p2 only change together.

use swain_core::{Key, RowKey};

use super::{Finding, View};

pub(crate) fn check(view: &View<'_>) -> Finding {
    let place = |key: &str| RowKey { table: "t".into(), key: Key::of(key) };
    let seen = ["p1", "p2"].map(|key| view.machine.visible(&place(key)).map(|row| row.value("b").clone()));
    let confirmed = ["p1", "p2"].map(|key| view.machine.confirmed(&place(key)).map(|row| row.value("b").clone()));
    for [first, second] in [seen, confirmed] {
        if first != second {
            return Err(format!("the pair is apart: {first:?} and {second:?}"));
        }
    }
    Ok(())
}
