//! The reference store: everything in memory, one lock, no cleverness.
//!
//! It is what the conformance suite and the simulator compare the real stores with. It knows null, keys, and checks
//! written as predicates; it has no unique or foreign keys and no triggers.

mod accounts;
mod log;
mod retention;
mod shape_lists;
mod transaction;

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use swain_core::limits::LEDGER_RESULTS_MAX;
use swain_core::protocol::{MutationResult, Outcome};
use swain_core::rule::{Expression, resolve_in};
use swain_core::{
    Actor, Alias, Change, Code, DeviceId, Epoch, Key, Millis, MutationNumber, Name, Pos, Position, Problem, Row,
    RowKey, Schema, Tag, UserId, Value, Who,
};

use crate::accounts::{Person, RefreshToken};
use crate::bus::{Bus, LocalBus};
use crate::commit::{Answer, Arbiter, Submission, commit_one};
use crate::contract::{DeviceRow, Head, Interest, LedgerRow, LoadChunk, LogPage, Retention, Store, Trimmed};
use crate::error::{StoreError, StoreErrorKind};
use transaction::MemoryTransaction;

/// A store in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryStore {
    bus: Arc<LocalBus>,
    state: Arc<Mutex<State>>,
}

/// How a memory store is set up.
pub struct MemoryOptions {
    /// The id of its history.
    pub epoch: Epoch,
    /// Its tables.
    pub schema: Schema,
    /// What a row of a table has to be, and the rule's name.
    pub checks: BTreeMap<Name, Vec<(String, Expression)>>,
    /// Seed of the tags.
    pub seed: u64,
    /// A bug to plant; for testing the checkers.
    pub planted: Option<PlantedBug>,
}

/// Bugs that the simulator's checkers have to catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedBug {
    /// The ledger forgets what it decided, so a retry is applied again.
    LedgerForgets,
    /// A page of the log leaves out its first position.
    LogSkipsFirst,
    /// A position is sent without its last change.
    LogTearsPosition,
    /// An acknowledgement names a mutation whose position has not been sent.
    AckAhead,
    /// A row that leaves a scope is not reported to those who watch the scope.
    LeavingRowForgotten,
    /// The clean-up does not say how far it went, so that cursors below are honoured.
    FloorForgotten,
    /// A commit is answered and then lost.
    CommitLost,
    /// What a proposed key stands for is not told.
    AliasUntold,
    /// What a proposed key stands for is kept wrongly.
    AliasWrong,
}

pub(crate) struct State {
    epoch: Epoch,
    schema: Schema,
    checks: BTreeMap<Name, Vec<(String, Expression)>>,
    tables: BTreeMap<Name, BTreeMap<Key, Row>>,
    /// Never without the floor's position, so the last one is the head.
    log: BTreeMap<Pos, Position>,
    floor: Pos,
    /// The highest id that each table has given; none is given twice.
    ids: BTreeMap<Name, i64>,
    devices: BTreeMap<DeviceId, Device>,
    persons: BTreeMap<UserId, Person>,
    refresh: BTreeMap<String, (RefreshToken, Option<Millis>)>,
    /// By hash, with their last use.
    shape_lists: BTreeMap<String, (String, Millis)>,
    random: u64,
    planted: Option<PlantedBug>,
}

#[derive(Clone, Default)]
struct Device {
    user: Option<UserId>,
    last: MutationNumber,
    ledger: BTreeMap<MutationNumber, LedgerRow>,
    seen: Millis,
    retired: bool,
    aliases: BTreeMap<RowKey, (Key, MutationNumber)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(options: MemoryOptions) -> Self {
        let MemoryOptions { epoch, schema, checks, seed, planted } = options;
        let tables = schema.tables.keys().map(|name| (name.clone(), BTreeMap::new())).collect();
        let state = State {
            epoch,
            schema,
            checks,
            tables,
            log: BTreeMap::new(),
            floor: Pos(0),
            ids: BTreeMap::new(),
            devices: BTreeMap::new(),
            persons: BTreeMap::new(),
            refresh: BTreeMap::new(),
            shape_lists: BTreeMap::new(),
            random: seed,
            planted,
        };
        Self { bus: Arc::default(), state: Arc::new(Mutex::new(state)) }
    }

    /// What another program would do: changes rows of one table without Swain. One position.
    pub fn write_outside(&self, now: Millis, table: &str, write: impl FnOnce(&mut BTreeMap<Key, Row>)) {
        self.write_outside_as(None, now, table, write);
    }

    /// The same by a program that names itself.
    pub fn write_outside_as(
        &self,
        actor: Option<Actor>,
        now: Millis,
        table: &str,
        write: impl FnOnce(&mut BTreeMap<Key, Row>),
    ) {
        let pos = {
            let mut state = self.state();
            let before = state.tables.get(table).cloned().unwrap_or_default();
            let mut after = before.clone();
            write(&mut after);
            let changes = difference(&Name::from(table), &before, &after);
            state.tables.insert(table.into(), after);
            state.append(Who::Outside { actor }, now, changes)
        };
        self.bus.announce(pos);
    }

    /// All rows of a table, for checkers.
    pub fn rows(&self, table: &str) -> BTreeMap<Key, Row> {
        self.state().tables.get(table).cloned().unwrap_or_default()
    }

    /// The whole log, for checkers.
    pub fn positions(&self) -> Vec<Position> {
        self.state().log.values().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn head(&self) -> Pos {
        self.log.last_key_value().map_or(Pos(0), |(pos, _)| *pos)
    }

    fn tag_of(&self, pos: Pos) -> Option<Tag> {
        match pos {
            Pos(0) => Some(Tag(0)),
            pos => self.log.get(&pos).map(|position| position.tag),
        }
    }

    /// The predicate with what its selections give now.
    fn resolve(&self, predicate: &Expression) -> Expression {
        resolve_in(predicate, &|table| {
            self.tables.get(table).into_iter().flat_map(|rows| rows.values().cloned()).collect()
        })
    }

    fn append(&mut self, who: Who, at: Millis, changes: Vec<Change>) -> Pos {
        let pos = self.head().next();
        let tag = self.draw_tag();
        let aliases = match who.mutation() {
            Some((device, n)) => self.aliases_of(device, |made_by| made_by == n),
            None => Vec::new(),
        };
        self.log.insert(pos, Position { pos, tag, at, who, changes, aliases });
        pos
    }

    fn aliases_of(&self, device: &DeviceId, wanted: impl Fn(MutationNumber) -> bool) -> Vec<Alias> {
        if self.planted == Some(PlantedBug::AliasUntold) {
            return Vec::new();
        }
        let known = self.devices.get(device).into_iter().flat_map(|device| &device.aliases);
        let found = known.filter(|(_, (_, n))| wanted(*n));
        let mut aliases: Vec<Alias> = found
            .map(|(proposed, (to, n))| {
                let RowKey { table, key } = proposed.clone();
                Alias { n: *n, table, from: key, to: to.clone() }
            })
            .collect();
        aliases.sort_by_key(|alias| alias.n);
        aliases
    }

    /// splitmix64: tags need to differ, not to be secret.
    fn draw_tag(&mut self) -> Tag {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Tag((mixed >> 32) as u32)
    }

    fn submit_all<A: Arbiter>(&mut self, arbiter: &A, submissions: &[Submission]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(submissions.len());
        let mut stopped: BTreeMap<DeviceId, Problem> = BTreeMap::new();
        for submission in submissions {
            if let Some(problem) = stopped.get(&submission.device) {
                answers.push(Answer::NotAttempted(problem.clone()));
                continue;
            }
            let mut tx = MemoryTransaction::new(self);
            let answer = match crate::ready(commit_one(&mut tx, arbiter, submission)) {
                Ok(answer) => answer,
                Err(error) => Answer::NotAttempted(Problem::new(Code::Transient, error.to_string())),
            };
            if let Answer::NotAttempted(problem) = &answer {
                stopped.insert(submission.device.clone(), problem.clone());
            }
            answers.push(answer);
        }
        answers
    }
}

impl Store for MemoryStore {
    fn epoch(&self) -> Epoch {
        self.state().epoch.clone()
    }

    fn bus(&self) -> &Arc<LocalBus> {
        &self.bus
    }

    fn introspect(&self, tables: Option<Vec<Name>>) -> impl Future<Output = Result<Schema, StoreError>> + Send {
        let mut schema = self.state().schema.clone();
        match tables {
            Some(tables) => schema.tables.retain(|name, _| tables.contains(name)),
            None => drop(schema.tables.remove(swain_core::inbox::TABLE)),
        }
        ready(Ok(schema))
    }

    /// Nobody changes its tables but who adopts them.
    fn has_drifted(&self) -> bool {
        false
    }

    fn adopt(&self, mut schema: Schema, now: Millis) -> impl Future<Output = Result<Schema, StoreError>> + Send {
        let (schema, pos) = {
            let mut state = self.state();
            let unchanged = state.schema.version > 0 && state.schema.hash() == schema.hash();
            schema.version = if unchanged { state.schema.version } else { state.schema.version + 1 };
            for table in schema.tables.keys() {
                state.tables.entry(table.clone()).or_default();
            }
            state.schema = schema.clone();
            let row = RowKey { table: "swain_schema".into(), key: Key::of(schema.version.cast_signed()) };
            let after =
                Row::default().with("version", schema.version.cast_signed()).with("hash", Value::text(schema.hash()));
            let change = Change { row, before: None, after: Some(after), actor: None };
            let pos = if unchanged { state.head() } else { state.append(Who::Server, now, vec![change]) };
            (schema, pos)
        };
        self.bus.announce(pos);
        ready(Ok(schema))
    }

    fn submit<A: Arbiter>(
        &self,
        arbiter: Arc<A>,
        submissions: Vec<Submission>,
    ) -> impl Future<Output = Vec<Answer>> + Send {
        let (answers, head) = {
            let mut state = self.state();
            let answers = state.submit_all(&*arbiter, &submissions);
            (answers, state.head())
        };
        self.bus.announce(head);
        ready(answers)
    }

    fn head(&self) -> impl Future<Output = Result<Head, StoreError>> + Send {
        let state = self.state();
        let pos = state.head();
        let tag = state.tag_of(pos).expect("the head is in the log");
        ready(Ok(Head { pos, tag, floor: state.floor }))
    }

    fn tag(&self, pos: Pos) -> impl Future<Output = Result<Option<Tag>, StoreError>> + Send {
        ready(Ok(self.state().tag_of(pos)))
    }

    fn log(
        &self,
        after: Pos,
        through: Pos,
        interests: Option<Vec<Interest>>,
        device: Option<DeviceId>,
        changes_max: usize,
    ) -> impl Future<Output = Result<LogPage, StoreError>> + Send {
        let state = self.state();
        ready(match after < state.floor {
            true => Err(below_floor(after)),
            false => Ok(state.page(after, through, interests.as_deref(), device.as_ref(), changes_max)),
        })
    }

    fn log_count(
        &self,
        after: Pos,
        through: Pos,
        interests: Vec<Interest>,
        max: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send {
        ready(Ok(self.state().count(after, through, &interests, max)))
    }

    fn load(
        &self,
        table: Name,
        predicate: Expression,
        after: Option<Key>,
        rows_max: usize,
    ) -> impl Future<Output = Result<LoadChunk, StoreError>> + Send {
        let state = self.state();
        let predicate = state.resolve(&predicate);
        let rows = state.tables.get(&table).into_iter().flatten();
        let mut rows = rows
            .filter(|(key, row)| after.as_ref().is_none_or(|after| *key > after) && predicate.grants(row))
            .map(|(key, row)| (key.clone(), row.clone()));
        let chunk: Vec<(Key, Row)> = rows.by_ref().take(rows_max).collect();
        let more = rows.next().and(chunk.last()).map(|(key, _)| key.clone());
        let rows = chunk.into_iter().map(|(_, row)| row).collect();
        ready(Ok(LoadChunk { rows, more, head: state.head() }))
    }

    fn estimate(&self, table: Name, predicate: Expression) -> impl Future<Output = Result<u64, StoreError>> + Send {
        let state = self.state();
        let predicate = state.resolve(&predicate);
        let rows = state.tables.get(&table).into_iter().flatten();
        ready(Ok(rows.filter(|(_, row)| predicate.grants(row)).count() as u64))
    }

    fn device_row(&self, device: DeviceId) -> impl Future<Output = Result<Option<DeviceRow>, StoreError>> + Send {
        ready(Ok(self.state().devices.get(&device).map(Device::row)))
    }

    fn claim_device(
        &self,
        device: DeviceId,
        user: Option<UserId>,
        now: Millis,
    ) -> impl Future<Output = Result<DeviceRow, StoreError>> + Send {
        let mut state = self.state();
        let device = state.devices.entry(device).or_insert_with(|| Device { user, ..Device::default() });
        device.see(now);
        ready(Ok(device.row()))
    }

    fn acked(&self, device: DeviceId, at: Pos) -> impl Future<Output = Result<MutationNumber, StoreError>> + Send {
        let state = self.state();
        let at = if state.planted == Some(PlantedBug::AckAhead) { Pos(u64::MAX) } else { at };
        // All positions above the floor are there, so what is before the first behind `at` was decided by then.
        let numbers = |position: &Position| position.who.mutation().filter(|(by, _)| **by == device).map(|(_, n)| n);
        let behind = state.log.values().rev().take_while(|position| position.pos > at).filter_map(numbers).last();
        let acked = behind.map(|first| MutationNumber(first.0 - 1));
        let acked = acked.or_else(|| state.devices.get(&device).map(|device| device.last));
        ready(Ok(acked.unwrap_or_default()))
    }

    fn results(
        &self,
        device: DeviceId,
        after: MutationNumber,
    ) -> impl Future<Output = Result<Vec<MutationResult>, StoreError>> + Send {
        let state = self.state();
        ready(Ok(state.devices.get(&device).map(|device| device.results(after)).unwrap_or_default()))
    }

    fn trim(
        &self,
        now: Millis,
        retention: Arc<Retention>,
        rows_max: usize,
    ) -> impl Future<Output = Result<Trimmed, StoreError>> + Send {
        ready(Ok(self.state().trim(now, &retention, rows_max)))
    }

    fn history(
        &self,
        table: Name,
        key: Key,
        before: Option<Pos>,
        max: usize,
    ) -> impl Future<Output = Result<Vec<Position>, StoreError>> + Send {
        ready(Ok(self.state().history(&RowKey { table, key }, before, max)))
    }

    fn aliases(
        &self,
        device: DeviceId,
        after: MutationNumber,
    ) -> impl Future<Output = Result<Vec<Alias>, StoreError>> + Send {
        ready(Ok(self.state().aliases_of(&device, |n| n > after)))
    }
}

impl Device {
    fn row(&self) -> DeviceRow {
        DeviceRow { user: self.user.clone(), last: self.last }
    }

    fn see(&mut self, now: Millis) {
        self.seen = self.seen.max(now);
        self.retired = false;
    }

    fn results(&self, after: MutationNumber) -> Vec<MutationResult> {
        let forgotten = MutationNumber(self.last.0.saturating_sub(LEDGER_RESULTS_MAX));
        let numbers = (after.max(forgotten).0 + 1..=self.last.0).map(MutationNumber);
        let applied = |n| MutationResult { n, outcome: Outcome::Applied, lost: Vec::new(), problem: None };
        numbers.map(|n| self.ledger.get(&n).map_or_else(|| applied(n), |row| row.result.clone())).collect()
    }
}

fn difference(table: &Name, before: &BTreeMap<Key, Row>, after: &BTreeMap<Key, Row>) -> Vec<Change> {
    let keys: std::collections::BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let changes = keys.into_iter().map(|key| Change {
        row: RowKey { table: table.clone(), key: key.clone() },
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
        actor: None,
    });
    changes.filter(|change| change.before != change.after).collect()
}

fn below_floor(after: Pos) -> StoreError {
    StoreError::new(StoreErrorKind::BelowFloor, format!("the log behind position {after} is no longer whole"))
}
