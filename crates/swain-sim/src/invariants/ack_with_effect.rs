//! The state in which a mutation stops being pending contains its result (spec P9, C4).

use std::collections::BTreeSet;

use swain_core::MutationNumber;

use super::{Finding, View, is_promised};

pub(crate) fn check(view: &View<'_>) -> Finding {
    let meta = view.machine.meta();
    let pending: BTreeSet<MutationNumber> = view.machine.pending().map(|entry| entry.mutation.n).collect();
    let unacknowledged: BTreeSet<MutationNumber> = (meta.acked.0 + 1..=meta.highest.0).map(MutationNumber).collect();
    if pending != unacknowledged {
        return Err(format!("pending {pending:?}, not acknowledged {unacknowledged:?}"));
    }
    let sequenced = view.oracle.acked(&meta.device, meta.pos);
    if is_promised(view) && meta.acked > sequenced {
        return Err(format!("m{} is acknowledged; up to here only m{sequenced} has taken effect", meta.acked));
    }
    Ok(())
}
