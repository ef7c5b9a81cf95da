//! A device with a driver that a test holds in its hands: clock, wire and storage.

use std::sync::Arc;

use swain_core::client::{
    Batch, BatchId, ChangeSet, Config, Device, EntryId, Identity, Input, Output, Settled, StoredDevice,
};
use swain_core::protocol::Up;
use swain_core::shape::Shape;
use swain_core::{DeviceId, Key, Millis, Mutation, Operation, Problem, Row, RowKey, Value};

/// The storage answers at once, or when the test says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Prompt,
    Slow,
}

pub(crate) struct Rig {
    pub(crate) device: Device,
    pub(crate) config: Config,
    pub(crate) now: Millis,
    pub(crate) storage: Storage,
    pub(crate) stored: StoredDevice,
    unwritten: Vec<Batch>,

    pub(crate) sent: Vec<Up>,
    pub(crate) connects: usize,
    pub(crate) closes: usize,
    pub(crate) changes: Vec<ChangeSet>,
    pub(crate) settled: Vec<Settled>,
    pub(crate) saved: Vec<EntryId>,
    pub(crate) rejected: Vec<Problem>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) token_requests: Vec<bool>,
    pub(crate) device_requests: usize,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(Config::new(vec![Shape::table("t"), Shape::table("u")]))
    }

    pub(crate) fn with(config: Config) -> Self {
        let mut rig = Self {
            device: device(&config, None),
            config,
            now: Millis(1_000_000),
            storage: Storage::Prompt,
            stored: StoredDevice::default(),
            unwritten: Vec::new(),
            sent: Vec::new(),
            connects: 0,
            closes: 0,
            changes: Vec::new(),
            settled: Vec::new(),
            saved: Vec::new(),
            rejected: Vec::new(),
            problems: Vec::new(),
            token_requests: Vec::new(),
            device_requests: 0,
        };
        rig.drain();
        rig
    }

    /// Gives the token, opens the wire and reads the hello.
    pub(crate) fn open(&mut self) {
        self.give(Input::Token(Some("token".into())));
        self.give(Input::TransportOpened);
    }

    pub(crate) fn give(&mut self, input: Input) {
        self.device.handle(self.now, input);
        self.drain();
    }

    pub(crate) fn frame(&mut self, text: &str) {
        self.give(Input::FrameReceived(text.to_owned()));
    }

    pub(crate) fn close(&mut self, code: u16) {
        self.give(Input::TransportClosed { code: Some(code) });
    }

    pub(crate) fn edit(&mut self, operations: Vec<Operation>) -> EntryId {
        let id = self.device.mutate(self.now, operations).unwrap();
        self.drain();
        id
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now = self.now.plus(Millis(ms));
        self.give(Input::Tick);
    }

    /// Lets time pass until the next timer is due.
    pub(crate) fn pass_to_timer(&mut self) -> &'static str {
        let (at, why) = self.device.poll_timeout().unwrap();
        self.now = self.now.max(at);
        self.give(Input::Tick);
        why
    }

    /// The process dies; what was not written is lost.
    pub(crate) fn crash(&mut self) {
        self.unwritten.clear();
        self.device = device(&self.config, Some(self.stored.clone()));
        self.drain();
    }

    /// A slow storage writes everything it has.
    pub(crate) fn write(&mut self) {
        for batch in std::mem::take(&mut self.unwritten) {
            let id = batch.id;
            self.stored.apply(batch);
            self.give(Input::Persisted(id));
        }
    }

    /// A slow storage writes the first thing it has.
    pub(crate) fn write_first(&mut self) {
        let batch = self.unwritten.remove(0);
        self.stored.apply(batch);
    }

    /// A slow storage writes everything it has, and answers once.
    pub(crate) fn write_at_once(&mut self) {
        let last = self.unwritten.last().unwrap().id;
        for batch in std::mem::take(&mut self.unwritten) {
            self.stored.apply(batch);
        }
        self.give(Input::Persisted(last));
    }

    /// The mutations of all pushes since the last look.
    pub(crate) fn pushed(&mut self) -> Vec<Mutation> {
        let sent = std::mem::take(&mut self.sent);
        let pushes = sent.into_iter().filter_map(|up| match up {
            Up::Push(mutations) => Some(mutations),
            Up::Hello(_) | Up::Auth(_) | Up::Presence(_) => None,
        });
        pushes.flatten().map(Result::unwrap).collect()
    }

    pub(crate) fn pending_numbers(&self) -> Vec<u64> {
        self.device.pending().map(|entry| entry.mutation.n.0).collect()
    }

    /// Column `a` of a visible row of `t`.
    pub(crate) fn a(&self, key: &str) -> Option<Value> {
        self.device.visible(&place(key)).map(|row| row.value("a").clone())
    }

    fn drain(&mut self) {
        let mut written: Option<BatchId> = None;
        while let Some(output) = self.device.poll() {
            match output {
                Output::NeedToken { renew } => self.token_requests.push(renew),
                Output::NeedDeviceId => self.device_requests += 1,
                Output::Connect => self.connects += 1,
                Output::Close(_) => self.closes += 1,
                Output::Send(text) => self.sent.push(Up::read(&text).unwrap()),
                Output::Persist(batch) if self.storage == Storage::Prompt => {
                    written = Some(batch.id);
                    self.stored.apply(batch);
                }
                Output::Persist(batch) => self.unwritten.push(batch),
                Output::Saved(id) => self.saved.push(id),
                Output::Rejected(problem) => self.rejected.push(problem),
                Output::Changed(changes) => self.changes.push(changes),
                Output::Settled(settled) => self.settled.push(settled),
                Output::Status(_) => {}
                Output::Problem(problem) => self.problems.push(problem),
            }
        }
        if let Some(batch) = written {
            self.give(Input::Persisted(batch));
        }
    }
}

fn device(config: &Config, stored: Option<StoredDevice>) -> Device {
    let identity = Identity { device: DeviceId::from("d1"), seed: 7 };
    Device::new(identity, config.clone(), stored)
}

pub(crate) fn place(key: &str) -> RowKey {
    RowKey { table: "t".into(), key: Key::of(key) }
}

pub(crate) fn insert(key: &str, a: i64) -> Operation {
    Operation::Insert { row: place(key), set: Row::default().with("a", a) }
}

pub(crate) fn set(key: &str, a: i64) -> Operation {
    update(key, Row::default().with("a", a), Row::default())
}

pub(crate) fn inc(key: &str, a: i64) -> Operation {
    update(key, Row::default(), Row::default().with("a", a))
}

pub(crate) fn delete(key: &str) -> Operation {
    Operation::Delete { row: place(key), seen: None }
}

fn update(key: &str, set: Row, inc: Row) -> Operation {
    Operation::Update {
        row: place(key),
        set,
        was: std::collections::BTreeMap::new(),
        inc,
        add: Row::default(),
        remove: Row::default(),
    }
}

pub(crate) fn row(key: &str, a: i64) -> Row {
    Row::default().with("id", key).with("a", a).with("b", Value::Null)
}

pub(crate) fn values(rows: &[(&RowKey, &Arc<Row>)]) -> Vec<(String, Value)> {
    let pairs = rows.iter().map(|(place, row)| (place.key.canonical(), row.value("a").clone()));
    pairs.collect()
}
