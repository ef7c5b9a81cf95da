//! When the network is quiet, a device holds exactly the rows that its user may read, equal to the database (law 2).

use super::{Finding, View, difference, expected_rows};

pub(crate) fn check(view: &View<'_>) -> Finding {
    let expected = expected_rows(view.device, view.oracle, view.oracle.head());
    match difference(&expected, &view.confirmed) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}
