//! A simulated device: the real machine, a disk that loses what it has not written, and what the person was told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use swain_core::client::{Batch, Config, Device, EntryId, Faults, Identity, PlantedBug, StoredDevice};
use swain_core::shape::Shape;
use swain_core::{DeviceId, Millis, Pos, RowKey, Value};

use crate::network::Link;
use crate::workload::SHARED;

pub(crate) struct SimDevice {
    pub(crate) index: usize,
    pub(crate) user: &'static str,
    /// Holds only the red rows of table t.
    pub(crate) only_red: bool,
    /// None while it is off.
    pub(crate) machine: Option<Device>,
    pub(crate) link: Option<Link>,
    pub(crate) incarnation: u64,
    pub(crate) tick: Option<Millis>,

    /// What would survive a crash.
    pub(crate) stored: StoredDevice,
    disk: VecDeque<Batch>,
    disk_time: Millis,

    /// The newest position that this incarnation has applied.
    pub(crate) seen: Pos,
    /// The mutations that count up.
    pub(crate) increments: BTreeSet<EntryId>,
    /// The mutations that made a row under a temporary key.
    pub(crate) made: BTreeMap<EntryId, RowKey>,
    renames: u64,
    bug: Option<PlantedBug>,
}

impl SimDevice {
    pub(crate) fn new(index: usize, only_red: bool, bug: Option<PlantedBug>) -> Self {
        Self {
            index,
            user: ["ada", "ben", "ada", "cleo"][index % 4],
            only_red,
            machine: None,
            link: None,
            incarnation: 0,
            tick: None,
            stored: StoredDevice::default(),
            disk: VecDeque::new(),
            disk_time: Millis(0),
            seen: Pos(0),
            increments: BTreeSet::new(),
            made: BTreeMap::new(),
            renames: 0,
            bug,
        }
    }

    pub(crate) fn shapes(&self) -> Vec<Shape> {
        let filter = || {
            let red = Value::List(vec!["grp".into(), "red".into()]);
            Value::Object([("eq".into(), red)].into())
        };
        let t = Shape { table: "t".into(), filter: self.only_red.then(filter) };
        [t, Shape::table("u")].into_iter().chain(SHARED.map(Shape::table)).collect()
    }

    /// Starts from what is on the disk.
    pub(crate) fn start(&mut self, seed: u64) {
        self.incarnation += 1;
        let identity = Identity { device: DeviceId::from(format!("d{}", self.index).as_str()), seed };
        let mut config = Config::new(self.shapes());
        config.first_delay = Millis(100);
        config.faults = self.bug.map(Faults::only).unwrap_or_default();
        let machine = Device::new(identity, config, Some(self.stored.clone()));
        self.seen = machine.pos();
        self.machine = Some(machine);
    }

    /// Stops at once: what is not on the disk is lost.
    pub(crate) fn crash(&mut self) {
        self.machine = None;
        self.disk.clear();
        self.tick = None;
        // Edits that nobody saved are gone, and their ids are given out again.
        let last = self.stored.meta.as_ref().map(|meta| meta.last_entry).unwrap_or_default();
        self.increments.retain(|entry| *entry <= last);
        self.made.retain(|entry, _| *entry <= last);
    }

    pub(crate) fn next_device_id(&mut self) -> DeviceId {
        self.renames += 1;
        DeviceId::from(format!("d{}-{}", self.index, self.renames).as_str())
    }

    /// Takes a batch to the disk; gives the time at which it is there. In order.
    pub(crate) fn write(&mut self, now: Millis, delay: Millis, batch: Batch) -> Millis {
        self.disk_time = self.disk_time.max(now.plus(delay));
        self.disk.push_back(batch);
        self.disk_time
    }

    /// The oldest batch is on the disk.
    pub(crate) fn written(&mut self) -> Option<swain_core::client::BatchId> {
        let batch = self.disk.pop_front()?;
        let id = batch.id;
        self.stored.apply(batch);
        Some(id)
    }
}
