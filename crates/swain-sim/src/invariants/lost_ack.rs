//! A mutation whose acknowledgement a device has seen is in the log (law 1).

use super::{Finding, View};

pub(crate) fn check(view: &View<'_>) -> Finding {
    let meta = view.machine.meta();
    let acked = meta.acked;
    if acked.0 > 0 && view.oracle.position_of(&meta.device, acked).is_none() {
        return Err(format!("{}:m{acked} is acknowledged and not in the log", meta.device));
    }
    Ok(())
}
