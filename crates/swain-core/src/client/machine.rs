//! The device: inputs to outputs.

mod connection;
mod frames;

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::backoff::Backoff;
use super::batch::{Batch, BatchId, Meta, OutboxWrite, StoredDevice, Writes};
use super::config::{Config, Identity, PlantedBug};
use super::input::Input;
use super::outbox::{Entry, EntryId};
use super::output::{Cause, ChangeSet, Origin, Output};
use super::random::Random;
use super::replica::{Applied, Replica};
use super::session::{Connection, Push};
use super::status::{Status, Stop};
use crate::alias::Alias;
use crate::ids::{DeviceId, Millis, MutationNumber, Name, Pos};
use crate::limits::RESULTS_MS_MAX;
use crate::mutation::Operation;
use crate::problem::{Code, Problem};
use crate::protocol::Up;
use crate::row::{Key, Row, RowKey};
use crate::schema::Schema;

/// A device. The order of calls is in the documentation of [`client`](crate::client).
#[derive(Debug)]
pub struct Device {
    config: Config,
    replica: Replica,

    connection: Connection,
    reconnects: Backoff,
    push_pauses: Backoff,
    random: Random,
    token: Token,
    is_cached: bool,
    /// Frames of this connection so far (spec P19).
    frames: u64,

    last_batch: BatchId,
    /// Batches on their way to the disk that mutations wait for.
    saving: BTreeMap<BatchId, Vec<EntryId>>,
    outputs: VecDeque<Output>,
    told: Status,
}

/// The access token.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Not asked for yet, or used up.
    Unknown,
    /// None: the visitor is signed out.
    Known(Option<String>),
    /// The last one was not accepted; a second time ends it (spec C8).
    Renewing(Option<String>),
}

impl Device {
    /// A device at the start of a run, from what its storage holds. Its first output asks for a token.
    pub fn new(identity: Identity, config: Config, restored: Option<StoredDevice>) -> Self {
        let (replica, writes) = Replica::open(&identity, &config, restored.unwrap_or_default());
        let mut device = Self {
            replica,
            connection: Connection::NeedsToken,
            reconnects: Backoff::new(config.first_delay),
            push_pauses: Backoff::new(config.first_delay),
            random: Random::from_seed(identity.seed),
            token: Token::Unknown,
            is_cached: true,
            frames: 0,
            last_batch: BatchId(0),
            saving: BTreeMap::new(),
            outputs: VecDeque::from([Output::NeedToken { renew: false }]),
            told: Status::default(),
            config,
        };
        if !writes.is_empty() {
            device.persist(writes, Vec::new());
        }
        device.tell_status();
        device
    }

    /// Takes in what happened. Afterwards `poll` until it gives nothing.
    pub fn handle(&mut self, now: Millis, input: Input) {
        match input {
            Input::Mutate { operations } => {
                if let Err(problem) = self.mutate(now, operations) {
                    self.outputs.push_back(Output::Rejected(problem));
                }
                return;
            }
            Input::Retry(id) => self.retry(now, id),
            Input::Discard(id) => self.discard(id),
            Input::TransportOpened => self.opened(now),
            Input::FrameReceived(text) => self.frame(now, &text),
            Input::TransportClosed { code } => self.closed(now, code),
            Input::TransportRestarts if self.connection.is_open() => self.connect(now),
            Input::TransportRestarts => {}
            Input::Persisted(batch) => self.persisted(batch),
            Input::StorageFailed => self.stop(Stop::StorageFailed),
            Input::Tick => self.tick(now),
            Input::Token(token) => self.token(now, token),
            Input::DeviceId(device) => self.rename(now, device),
            Input::Wake => self.wake(now),
            Input::Pause => self.stop(Stop::Paused),
            Input::Resume => self.resume(now),
        }
        self.step(now);
    }

    /// Takes an edit: it is visible when this returns, and `Saved` and `Settled` tell of its way.
    /// The device fills in what each column was based on; what the application gives itself stays.
    pub fn mutate(&mut self, now: Millis, operations: Vec<Operation>) -> Result<EntryId, Problem> {
        self.mutate_instead(now, operations, None)
    }

    /// What to do next, or to pass on.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `Tick` is due, and why.
    pub fn poll_timeout(&self) -> Option<(Millis, &'static str)> {
        self.connection.timeout()
    }

    /// A row as the person sees it (spec C1). The key may be one that the device proposed (spec C19).
    pub fn visible(&self, row: &RowKey) -> Option<&Arc<Row>> {
        self.replica.visible(&self.replica.aliases.row(&self.replica.schema, row))
    }

    /// The row that a key means now: a key that the device proposed stands for the one that came of it.
    pub fn resolve<'r>(&self, row: &'r RowKey) -> Cow<'r, RowKey> {
        self.replica.aliases.row(&self.replica.schema, row)
    }

    /// What keys stand for that this device proposed.
    pub fn aliases(&self) -> impl Iterator<Item = Alias> + '_ {
        self.replica.aliases.all()
    }

    /// A temporary key for a new row of a table whose ids the server gives; never given out again (spec C19).
    pub fn new_key(&mut self, table: &str) -> Result<Key, Problem> {
        self.replica.new_key(table)
    }

    /// All rows of a table as the person sees them, in order of key.
    pub fn visible_rows(&self, table: &str) -> Vec<(&RowKey, &Arc<Row>)> {
        self.replica.visible_rows(&Name::from(table))
    }

    /// A row as the server confirmed it.
    pub fn confirmed(&self, row: &RowKey) -> Option<&Arc<Row>> {
        self.replica.confirmed.row(&self.resolve(row))
    }

    /// All confirmed rows of a table, in order of key.
    pub fn confirmed_rows(&self, table: &str) -> Vec<(&RowKey, &Arc<Row>)> {
        let table = Name::from(table);
        let held = self.replica.confirmed.table(&table);
        held.map(|(row, held)| (row, &held.row)).collect()
    }

    /// Mutations without acknowledgement, in order.
    pub fn pending(&self) -> impl Iterator<Item = &Entry> {
        self.replica.outbox.pending()
    }

    /// Dead letters, oldest first (spec C15).
    pub fn dead_letters(&self) -> impl Iterator<Item = &Entry> {
        self.replica.outbox.refused()
    }

    /// An outbox entry, until it is no longer kept.
    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.replica.outbox.entry(id)
    }

    /// Rows of loads that have not ended.
    pub fn staged_len(&self) -> usize {
        self.replica.staging.len()
    }

    /// Who the device is, and how far it has got.
    pub fn meta(&self) -> &Meta {
        &self.replica.meta
    }

    /// The position of the cursor.
    pub fn pos(&self) -> Pos {
        self.replica.meta.pos
    }

    /// The synced tables; empty before the first welcome.
    pub fn schema(&self) -> &Schema {
        &self.replica.schema
    }

    /// What a person may be shown (spec C12).
    pub fn status(&self) -> Status {
        let loading = match &self.connection {
            Connection::Running(session) => session.loading,
            Connection::NeedsToken
            | Connection::NeedsDevice { .. }
            | Connection::Stopped(_)
            | Connection::Waiting { .. }
            | Connection::Connecting { .. }
            | Connection::Greeting { .. } => None,
        };
        Status {
            state: self.connection.state(),
            cached: self.is_cached,
            last_synced: self.replica.meta.last_synced,
            pending: self.replica.outbox.pending_len(),
            refused: self.replica.outbox.refused_len(),
            loading,
            stop: self.connection.stop(),
        }
    }

    /// The server's time now, as far as it is known (spec M5).
    pub fn server_time(&self, now: Millis) -> Millis {
        Millis(now.0.saturating_add_signed(self.replica.meta.offset_ms))
    }

    /// What every input ends with.
    fn step(&mut self, now: Millis) {
        self.push(now);
        self.tell_status();
    }

    /// Takes an edit in place of a dead letter, if there is one: both in one transaction.
    fn mutate_instead(
        &mut self,
        now: Millis,
        operations: Vec<Operation>,
        dead_letter: Option<EntryId>,
    ) -> Result<EntryId, Problem> {
        self.check_room()?;
        let at = self.server_time(now);
        let (id, mut applied) = self.replica.mutate(at, operations)?;
        if let Some(dead_letter) = dead_letter.and_then(|id| self.replica.outbox.discard(id)) {
            let gone = OutboxWrite::Delete(dead_letter.id);
            applied.writes.outbox.push(gone);
        }
        self.persist(applied.writes, alloc::vec![id]);
        self.outputs.push_back(Output::Changed(ChangeSet {
            pos: self.replica.meta.pos,
            origin: Origin::Local(id),
            rows: applied.rows,
            aliases: Vec::new(),
        }));
        self.step(now);
        Ok(id)
    }

    fn check_room(&self) -> Result<(), Problem> {
        if self.connection.stop() == Some(Stop::StorageFailed) {
            let detail = "the device cannot store anything";
            return Err(Problem::new(Code::StorageFull, detail));
        }
        if self.replica.outbox.pending_len() >= self.config.pending_max {
            let detail = "too many mutations wait for the server";
            return Err(Problem::new(Code::LimitPendingMutations, detail));
        }
        Ok(())
    }

    fn retry(&mut self, now: Millis, id: EntryId) {
        let Some(operations) = self.replica.retry_operations(id) else {
            return;
        };
        if let Err(problem) = self.mutate_instead(now, operations, Some(id)) {
            self.outputs.push_back(Output::Rejected(problem));
        }
    }

    fn discard(&mut self, id: EntryId) {
        if self.replica.outbox.discard(id).is_none() {
            return;
        }
        let outbox = alloc::vec![OutboxWrite::Delete(id)];
        self.persist(Writes { outbox, ..Writes::default() }, Vec::new());
    }

    fn persisted(&mut self, batch: BatchId) {
        let later = self.saving.split_off(&BatchId(batch.0 + 1));
        let durable = core::mem::replace(&mut self.saving, later);
        for id in durable.into_values().flatten() {
            self.replica.outbox.mark_saved(id);
            self.outputs.push_back(Output::Saved(id));
        }
    }

    /// Pushes what may be pushed: nothing in flight, saved entries only (spec C2, C9).
    fn push(&mut self, now: Millis) {
        let Some(session) = self.connection.session() else {
            return;
        };
        let was_paused = match session.push {
            Push::InFlight { .. } => return,
            Push::Paused { until } if now < until => return,
            Push::Paused { .. } => true,
            Push::Idle => false,
        };
        session.push = Push::Idle;
        if was_paused && self.replica.outbox.lacks_results() {
            // It was decided, but its answer is lost; the welcome of the next connection has it.
            self.close_transport(Cause::Left);
            return self.connect(now);
        }
        let Some(session) = self.connection.session() else {
            return;
        };
        let also_unsaved = self.config.faults.has(PlantedBug::SendBeforeSaved);
        // Acked may be ahead of the results: what it covers was decided, too.
        let after = session.decided.max(self.replica.meta.acked);
        let mutations = self.replica.outbox.sendable(after, also_unsaved);
        if mutations.is_empty() {
            return;
        }
        debug_assert_eq!(mutations[0].n, after.next(), "mutations are sent without gaps");
        let until = now.plus(Millis(RESULTS_MS_MAX));
        session.push = Push::InFlight { until };
        self.outputs.push_back(Output::Send(Up::push(&mutations)));
    }

    /// Passes on what a step did, in the order: store, show, tell.
    fn apply(&mut self, applied: Applied, telling: Telling) {
        self.persist(applied.writes, Vec::new());
        if telling == Telling::Always || !applied.rows.is_empty() || !applied.aliases.is_empty() {
            self.outputs.push_back(Output::Changed(ChangeSet {
                pos: self.replica.meta.pos,
                origin: Origin::Server,
                rows: applied.rows,
                aliases: applied.aliases,
            }));
        }
        self.outputs.extend(applied.settled.into_iter().map(Output::Settled));
    }

    /// Writes, with the small things that go with every batch. `entries` wait for it to be durable.
    fn persist(&mut self, writes: Writes, entries: Vec<EntryId>) {
        let mut meta = self.replica.meta.clone();
        if self.config.faults.has(PlantedBug::CursorBeforeRows) && !writes.rows.is_empty() {
            self.send_batch(false, Writes::default(), meta.clone());
            meta = self.replica.meta.clone();
        }
        let id = self.send_batch(!entries.is_empty(), writes, meta);
        if !entries.is_empty() {
            self.saving.insert(id, entries);
        }
    }

    fn send_batch(&mut self, strict: bool, writes: Writes, meta: Meta) -> BatchId {
        let id = BatchId(self.last_batch.0 + 1);
        self.last_batch = id;
        self.outputs.push_back(Output::Persist(Batch { id, strict, writes, meta }));
        id
    }

    fn rename(&mut self, now: Millis, device: DeviceId) {
        let Connection::NeedsDevice { lost_above } = self.connection else {
            return;
        };
        let applied = self.replica.rename(device, lost_above);
        let Applied { rows, writes, settled, aliases } = applied;
        let resent = self.replica.outbox.pending().map(|entry| entry.id).collect();
        // Batches still on their way save these entries under their old numbers; only the new batch counts.
        self.saving.clear();
        self.persist(writes, resent);
        self.apply(Applied { rows, settled, aliases, writes: Writes::default() }, Telling::WhenRowsChanged);
        self.connect(now);
    }

    /// Goes to `NeedsDevice` (spec C10).
    fn need_device(&mut self, lost_above: Option<MutationNumber>) {
        self.close_transport(Cause::Left);
        self.connection = Connection::NeedsDevice { lost_above };
        self.outputs.push_back(Output::NeedDeviceId);
    }

    fn tell_status(&mut self) {
        let status = self.status();
        // A moving time alone is no news; who shows it reads it.
        let told = Status { last_synced: status.last_synced, ..self.told.clone() };
        if status != told {
            self.told = status.clone();
            self.outputs.push_back(Output::Status(status));
        }
    }
}

/// When a step is worth a change set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// It applied a position (spec C13).
    Always,
    /// It moved the cursor at most.
    WhenRowsChanged,
}
