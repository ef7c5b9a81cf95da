//! What a device is told at its start.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::ids::{DeviceId, Millis};
use crate::limits::PENDING_MUTATIONS_MAX;
use crate::shape::Shape;

/// Who the device is when its store is new, and where its jitter comes from.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The id of a new store; a restored store has its own.
    pub device: DeviceId,
    /// Drawn by the driver at each start.
    pub seed: u64,
}

/// What the device holds and how it behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// What to hold, at most 64 shapes; the index in this list names a shape on the wire.
    pub shapes: Vec<Shape>,
    /// The range of the first reconnect delay (spec C8).
    pub first_delay: Millis,
    /// Mutations that may wait for their acknowledgement; one more is rejected.
    pub pending_max: usize,
    /// Whether the server may compress what it sends (spec P23).
    pub compression: bool,
    /// Planted bugs; none outside tests.
    pub faults: Faults,
}

impl Config {
    /// The defaults, for these shapes.
    pub fn new(shapes: Vec<Shape>) -> Self {
        Self {
            shapes,
            first_delay: Millis(1000),
            pending_max: PENDING_MUTATIONS_MAX,
            compression: false,
            faults: Faults::default(),
        }
    }
}

/// Bugs that are switched on to prove that the checkers of the simulator find them. For tests only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeSet<PlantedBug>);

impl Faults {
    /// One bug.
    pub fn only(bug: PlantedBug) -> Self {
        Self(BTreeSet::from([bug]))
    }

    /// True when this bug is planted.
    pub fn has(&self, bug: PlantedBug) -> bool {
        self.0.contains(&bug)
    }
}

/// A bug of the device that a checker has to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlantedBug {
    /// Results drop the overlay; only acked may (against C4).
    DropOverlayOnResults,
    /// The cursor is stored in a transaction before its rows (against C3).
    CursorBeforeRows,
    /// A mutation is sent before it is saved, so that a crash uses its number again (against C2).
    SendBeforeSaved,
    /// A frame that is not ahead of the device is applied (against C7).
    AcceptOldFrame,
    /// Rows that leave stay (against P7).
    SkipRemove,
    /// The end of a load keeps rows that the load did not have (against C6).
    LoadKeepsAbsentRows,
    /// What a proposed key stands for is not written to the storage (against C19).
    AliasNotSaved,
    /// Pending edits go on under the proposed key (against C19).
    AliasNotFollowed,
}

impl PlantedBug {
    /// Every bug, for the simulator's own test.
    pub const ALL: &[Self] = &[
        Self::DropOverlayOnResults,
        Self::CursorBeforeRows,
        Self::SendBeforeSaved,
        Self::AcceptOldFrame,
        Self::SkipRemove,
        Self::LoadKeepsAbsentRows,
        Self::AliasNotSaved,
        Self::AliasNotFollowed,
    ];
}
