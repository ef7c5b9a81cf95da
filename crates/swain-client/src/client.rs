//! The handle of a client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use swain_core::client::{Device, EntryId, Identity, Input, State, Status};
use swain_core::{DeviceId, Key, Name, Operation, Problem, Row, RowKey};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::ClientConfig;
use crate::driver::Driver;
use crate::error::ClientError;
use crate::shared::{Changes, Patch, Shared};
use crate::store::{MemoryStore, Store};
use crate::transport::{Transport, TransportConfig};
use crate::written::Written;

/// A device of this process. Edits and reads never wait for the network.
///
/// Dropping it ends its task at once; [`Client::close`] writes what is not written yet.
pub struct Client {
    shared: Arc<Shared>,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Client {
    /// A client that forgets everything when it ends.
    pub async fn connect(config: ClientConfig) -> Result<Self, ClientError> {
        Self::open(config, MemoryStore::default()).await
    }

    /// A client that goes on from what a store holds. It returns before there is a connection.
    pub async fn open<S: Store>(config: ClientConfig, mut store: S) -> Result<Self, ClientError> {
        let clock = Clock::start();
        let transport = Transport::new(&TransportConfig {
            url: &config.url,
            transports: &config.transports,
            compression: config.device_config.compression,
            clock,
        })?;
        let stored = store.load().await?;
        let device = match config.device {
            Some(device) => device,
            None => DeviceId::from(random_device_id()?.as_str()),
        };
        let seed = getrandom::u64().map_err(ClientError::Random)?;
        let mut device = Device::new(Identity { device, seed }, config.device_config, stored);
        if config.paused {
            device.handle(clock.now(), Input::Pause);
        }
        let shared = Arc::new(Shared::new(device, clock));
        let driver = Driver {
            shared: Arc::clone(&shared),
            store,
            transport,
            token: config.token,
            on_change: config.on_change,
            asking: None,
        };
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(driver.run(async move { drop(ended.await) }));
        Ok(Self { shared, end: Some(end), task })
    }

    /// Several operations, all or nothing. Visible when this returns.
    pub fn mutate(&self, operations: Vec<Operation>) -> Result<Written, Problem> {
        self.shared.mutate(operations)
    }

    /// A new row; `set` leaves the key columns out.
    pub fn insert(&self, table: &str, key: Key, set: Row) -> Result<Written, Problem> {
        self.mutate(vec![Operation::Insert { row: place(table, key), set }])
    }

    /// The row that has these values in the columns `on`, a unique key of the table, is changed, here or on the server;
    /// when there is none, it is a new row under `key` (spec M11).
    pub fn upsert(&self, table: &str, key: Key, on: &[&str], set: Row) -> Result<Written, Problem> {
        let on = on.iter().map(|column| Name::from(*column)).collect();
        self.mutate(vec![Operation::Upsert { row: place(table, key), on, set, was: BTreeMap::new() }])
    }

    /// A temporary key for a new row of a table whose ids the server gives. It names the row for as long as the store
    /// keeps it, also when the real key is known (spec C19).
    pub fn new_key(&self, table: &str) -> Result<Key, Problem> {
        self.shared.new_key(table)
    }

    /// The key by which a row is known now: of a temporary key, the real one as soon as there is one.
    pub fn resolve(&self, table: &str, key: Key) -> Key {
        let place = place(table, key);
        self.read(|device| device.resolve(&place).into_owned().key)
    }

    /// Changes of a row: a [`Row`] with new values, or a [`Patch`] that also counts and edits sets.
    pub fn update(&self, table: &str, key: Key, patch: impl Into<Patch>) -> Result<Written, Problem> {
        let Patch { set, inc, add, remove } = patch.into();
        let row = place(table, key);
        self.mutate(vec![Operation::Update { row, set, was: BTreeMap::new(), inc, add, remove }])
    }

    /// The end of a row.
    pub fn delete(&self, table: &str, key: Key) -> Result<Written, Problem> {
        self.mutate(vec![Operation::Delete { row: place(table, key), seen: None }])
    }

    /// Tries a refused mutation again, as a new one.
    pub fn retry(&self, id: EntryId) {
        self.shared.ask(Input::Retry(id));
    }

    /// Gives a refused mutation up.
    pub fn discard(&self, id: EntryId) {
        self.shared.ask(Input::Discard(id));
    }

    /// A row as the person sees it.
    pub fn row(&self, table: &str, key: Key) -> Option<Arc<Row>> {
        let place = place(table, key);
        self.read(|device| device.visible(&place).cloned())
    }

    /// All rows of a table as the person sees them, in order of key.
    pub fn rows(&self, table: &str) -> Vec<(Key, Arc<Row>)> {
        self.read(|device| {
            let rows = device.visible_rows(table).into_iter();
            rows.map(|(place, row)| (place.key.clone(), Arc::clone(row))).collect()
        })
    }

    /// Everything else that the device tells: confirmed rows, pending mutations, dead letters, position.
    /// The device stands still meanwhile.
    pub fn read<T>(&self, read: impl FnOnce(&Device) -> T) -> T {
        self.shared.read(read)
    }

    /// Every step of the visible rows from now on, in order (spec C13).
    pub fn changes(&self) -> Changes {
        self.shared.changes()
    }

    /// Where the device is.
    pub fn status(&self) -> Status {
        self.read(Device::status)
    }

    /// The status and its changes.
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// Waits until the device is in a state, at most so long.
    pub async fn wait_for(
        &self,
        limit: Duration,
        mut is_there: impl FnMut(&Device) -> bool,
    ) -> Result<(), ClientError> {
        let mut steps = self.shared.steps.subscribe();
        let come = async {
            while !self.read(&mut is_there) {
                if steps.changed().await.is_err() {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(limit, come).await;
        in_time.map_err(|_| ClientError::TimedOut { limit, status: Box::new(self.status()) })
    }

    /// Connects at once if the device is only waiting, and waits until everything is here and nothing is pending.
    pub async fn sync(&self, limit: Duration) -> Result<(), ClientError> {
        self.wake();
        let is_synced = |status: Status| status.state == State::Live && status.pending == 0;
        self.wait_for(limit, |device| is_synced(device.status())).await
    }

    /// Online again, visible again: a reason to try at once.
    pub fn wake(&self) {
        self.shared.ask(Input::Wake);
    }

    /// Perhaps another network: better transports are tried again, and at once (spec C17).
    pub fn online(&self) {
        self.shared.online.notify_one();
        self.wake();
    }

    /// The transport that is in use, or being tried; none without a connection.
    pub fn transport(&self) -> Option<swain_core::protocol::Transport> {
        *self.shared.transport.borrow()
    }

    /// Disconnects; edits go on.
    pub fn pause(&self) {
        self.shared.ask(Input::Pause);
    }

    /// The end of a pause, or another try after a stop.
    pub fn resume(&self) {
        self.shared.ask(Input::Resume);
    }

    /// The person signed in again, or out.
    pub fn set_token(&self, token: Option<String>) {
        self.shared.ask(Input::Token(token));
    }

    /// Writes what is not written yet, says goodbye, and ends.
    pub async fn close(mut self) {
        if let Some(end) = self.end.take() {
            // A task that is over has nothing to write.
            let _ = end.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.end();
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// A random UUID.
pub(crate) fn random_device_id() -> Result<String, ClientError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(ClientError::Random)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

fn place(table: &str, key: Key) -> RowKey {
    RowKey { table: Name::from(table), key }
}
