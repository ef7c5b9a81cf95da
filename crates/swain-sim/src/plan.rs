//! What a seed means: how many devices, which store, which faults (swarm testing: each run has some of them).

use std::collections::BTreeSet;

use swain_core::client::PlantedBug as DeviceBug;
use swain_store::memory::PlantedBug as StoreBug;

use crate::dice::Dice;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Messages take long.
    Delay,
    /// A connection ends and what was on its way is lost.
    Cut,
    /// A message arrives twice.
    Duplicate,
    /// Two messages change places.
    Reorder,
    /// A message is lost though the connection goes on.
    Drop,
    /// A device stops and starts from its disk; what was not written is lost.
    DeviceCrash,
    /// The server stops and starts; the database stays.
    ServerCrash,
    /// A device comes back with a cursor that is no longer honoured.
    StaleCursor,
    /// Another program writes to the database.
    Outside,
    /// The log is cleaned up, up to nearly its head.
    Retention,
}

impl Fault {
    /// Every fault whose coming is drawn with the plan; [`Fault::Retention`] came later and has a draw of its own, so that
    /// the seeds before it mean what they meant.
    pub const ALL: &[Fault] = &[
        Fault::Delay,
        Fault::Cut,
        Fault::Duplicate,
        Fault::Reorder,
        Fault::Drop,
        Fault::DeviceCrash,
        Fault::ServerCrash,
        Fault::StaleCursor,
        Fault::Outside,
    ];
}

/// A bug that is put in to see whether the checkers find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// In the device machine.
    Device(DeviceBug),
    /// In the store.
    Store(StoreBug),
}

impl Planted {
    /// Every bug that can be planted.
    pub fn all() -> Vec<Planted> {
        let store = [
            StoreBug::LedgerForgets,
            StoreBug::LogSkipsFirst,
            StoreBug::LogTearsPosition,
            StoreBug::AckAhead,
            StoreBug::LeavingRowForgotten,
            StoreBug::CommitLost,
            StoreBug::FloorForgotten,
            StoreBug::AliasUntold,
            StoreBug::AliasWrong,
        ];
        let device = DeviceBug::ALL.iter().copied().map(Planted::Device);
        device.chain(store.into_iter().map(Planted::Store)).collect()
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        match self {
            Self::Device(bug) => format!("{bug:?}"),
            Self::Store(bug) => format!("{bug:?}"),
        }
    }
}

/// What a run does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// The faults of this run.
    pub faults: BTreeSet<Fault>,
    /// How many devices.
    pub devices: usize,
    /// How long edits and faults go on, in simulated milliseconds.
    pub chaos_ms: u64,
    /// SQLite instead of memory.
    pub sqlite: bool,
    /// A bug on purpose.
    pub planted: Option<Planted>,
    /// Keep the lines of the trace.
    pub trace: bool,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x5eed);
        let mut faults: BTreeSet<Fault> = Fault::ALL.iter().copied().filter(|_| dice.permille(450)).collect();
        if Dice::new(seed ^ 0xf100).permille(450) {
            faults.insert(Fault::Retention);
        }
        Self {
            seed,
            faults,
            devices: 2 + usize::try_from(dice.below(3)).expect("a small number"),
            chaos_ms: 4_000 + dice.below(12_000),
            sqlite: seed.is_multiple_of(16),
            planted: None,
            trace: false,
        }
    }

    /// The same with a bug. Store bugs are in the memory store.
    #[must_use]
    pub fn planted(mut self, bug: Planted) -> Self {
        self.sqlite = false;
        self.planted = Some(bug);
        self
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    pub(crate) fn device_bug(&self) -> Option<DeviceBug> {
        match self.planted {
            Some(Planted::Device(bug)) => Some(bug),
            Some(Planted::Store(_)) | None => None,
        }
    }

    pub(crate) fn store_bug(&self) -> Option<StoreBug> {
        match self.planted {
            Some(Planted::Store(bug)) => Some(bug),
            Some(Planted::Device(_)) | None => None,
        }
    }
}
