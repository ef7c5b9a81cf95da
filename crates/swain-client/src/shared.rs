//! What the handle and its task share: the device, and who waits for what.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use swain_core::client::{ChangeSet, Device, EntryId, Input, Output, Settled, Status};
use swain_core::protocol::Transport;
use swain_core::{Key, Operation, Problem, Row};
use tokio::sync::{Notify, mpsc, watch};

use crate::clock::Clock;
use crate::config::OnChange;
use crate::limits::CHANGES_QUEUED_MAX;
use crate::written::{Waiter, Written, promise};

/// The device behind a lock that is held for single steps only, never across an await.
pub(crate) struct Shared {
    inner: Mutex<Inner>,
    /// The task has outputs to look at.
    pub(crate) work: Notify,
    /// Counts steps; whoever waits for a state looks again.
    pub(crate) steps: watch::Sender<u64>,
    pub(crate) status: watch::Sender<Status>,
    /// What is in use.
    pub(crate) transport: watch::Sender<Option<Transport>>,
    /// The network is another one, perhaps.
    pub(crate) online: Notify,
    pub(crate) clock: Clock,
}

struct Inner {
    device: Device,
    waiters: BTreeMap<EntryId, Waiter>,
    readers: Vec<mpsc::Sender<ChangeSet>>,
}

/// Change sets in order, from the moment of asking on.
/// A reader that is more than 1024 behind is cut off: its stream ends while the client lives.
#[derive(Debug)]
pub struct Changes(mpsc::Receiver<ChangeSet>);

impl Changes {
    /// The next change set; none when the client is closed or this reader was too slow.
    pub async fn next(&mut self) -> Option<ChangeSet> {
        self.0.recv().await
    }

    /// The next change set, if it is there already.
    pub fn try_next(&mut self) -> Option<ChangeSet> {
        self.0.try_recv().ok()
    }
}

impl futures::Stream for Changes {
    type Item = ChangeSet;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<ChangeSet>> {
        self.0.poll_recv(cx)
    }
}

/// What an update does to a row, column by column.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// New values.
    pub set: Row,
    /// What to add to numbers.
    pub inc: Row,
    /// What to add to sets: column to array.
    pub add: Row,
    /// What to take out of sets: column to array.
    pub remove: Row,
}

impl From<Row> for Patch {
    fn from(set: Row) -> Self {
        Self { set, ..Self::default() }
    }
}

impl Shared {
    pub(crate) fn new(device: Device, clock: Clock) -> Self {
        let status = watch::Sender::new(device.status());
        Self {
            inner: Mutex::new(Inner { device, waiters: BTreeMap::new(), readers: Vec::new() }),
            work: Notify::new(),
            steps: watch::Sender::new(0),
            status,
            transport: watch::Sender::new(None),
            online: Notify::new(),
            clock,
        }
    }

    pub(crate) fn mutate(&self, operations: Vec<Operation>) -> Result<Written, Problem> {
        let mut inner = self.lock();
        let id = inner.device.mutate(self.clock.now(), operations)?;
        let (waiter, written) = promise(id);
        inner.waiters.insert(id, waiter);
        drop(inner);
        self.work.notify_one();
        self.stepped();
        Ok(written)
    }

    pub(crate) fn new_key(&self, table: &str) -> Result<Key, Problem> {
        self.lock().device.new_key(table)
    }

    /// An input from the task, which looks at the outputs itself.
    pub(crate) fn handle(&self, input: Input) {
        self.lock().device.handle(self.clock.now(), input);
    }

    /// An input from the handle.
    pub(crate) fn ask(&self, input: Input) {
        self.handle(input);
        self.work.notify_one();
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Device) -> T) -> T {
        read(&self.lock().device)
    }

    pub(crate) fn changes(&self) -> Changes {
        let (sender, receiver) = mpsc::channel(CHANGES_QUEUED_MAX);
        self.lock().readers.push(sender);
        Changes(receiver)
    }

    /// Everything that the device wants done now.
    pub(crate) fn outputs(&self) -> Vec<Output> {
        let mut inner = self.lock();
        std::iter::from_fn(|| inner.device.poll()).collect()
    }

    pub(crate) fn saved(&self, id: EntryId) {
        if let Some(waiter) = self.lock().waiters.get_mut(&id)
            && let Some(saved) = waiter.saved.take()
        {
            // Nobody may be waiting.
            let _ = saved.send(());
        }
    }

    pub(crate) fn settled(&self, settled: Settled) {
        if let Some(waiter) = self.lock().waiters.remove(&settled.id) {
            let _ = waiter.synced.send(settled.result);
        }
    }

    /// Tells a step to the callback and to the readers.
    pub(crate) fn changed(&self, changes: ChangeSet, call: Option<&OnChange>) {
        if let Some(call) = call {
            call(&changes);
        }
        let mut inner = self.lock();
        inner.readers.retain(|reader| reader.try_send(changes.clone()).is_ok());
    }

    pub(crate) fn stepped(&self) {
        self.steps.send_modify(|steps| *steps += 1);
    }

    /// The end: whoever waits is told.
    pub(crate) fn end(&self) {
        let mut inner = self.lock();
        inner.waiters.clear();
        inner.readers.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic of a caller's read leaves the device as it was.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
