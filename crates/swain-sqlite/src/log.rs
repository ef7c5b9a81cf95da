//! The log: writing a position, and reading parts of it.

mod find;
mod history;
mod read;
mod write;

pub(crate) use history::history;
pub(crate) use read::{Request, acked, count, head, page, read_change, read_position, tag};
pub(crate) use write::{Changes, Entry, append_position, index_scope, scope_values};

use crate::meta::CHANGE_ID_BITS;
use swain_core::Pos;

/// The id of a position's first possible change.
pub(crate) fn first_change(pos: Pos) -> i64 {
    (pos.0 << CHANGE_ID_BITS).cast_signed()
}

pub(crate) fn pos_of(change: i64) -> Pos {
    Pos(change.cast_unsigned() >> CHANGE_ID_BITS)
}

/// How many changes one position can hold.
pub(crate) const POSITION_CHANGES_MAX: usize = 1 << CHANGE_ID_BITS;
