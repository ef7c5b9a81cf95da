//! A device that confirmed position p has everything relevant up to p, and nothing else (laws 3 and 4).

use super::{Finding, View, difference, expected_rows, is_promised};

pub(crate) fn check(view: &View<'_>) -> Finding {
    // Until a first load has ended, and while the cursor is not honoured, nothing is promised.
    if !is_promised(view) {
        return Ok(());
    }
    let expected = expected_rows(view.device, view.oracle, view.machine.pos());
    match difference(&expected, &view.confirmed) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}
