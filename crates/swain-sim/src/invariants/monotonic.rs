//! A device never goes back within an epoch (law 3). After a crash it starts where its disk was.
//! Without a cursor it promises no position; its rows stay what they were until the load ends.

use super::{Finding, View};

pub(crate) fn check(view: &View<'_>) -> Finding {
    let (seen, now) = (view.device.seen, view.machine.pos());
    if view.machine.meta().cursor.is_none() {
        return Ok(());
    }
    if now < seen { Err(format!("went back from p{seen}")) } else { Ok(()) }
}
