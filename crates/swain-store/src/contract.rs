//! The traits.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use swain_core::merge::LastWrite;
use swain_core::protocol::MutationResult;
use swain_core::rule::Expression;
use swain_core::{
    Alias, DeviceId, Epoch, Key, Millis, MutationNumber, Name, Pos, Position, Row, RowKey, Schema, Table, Tag, UserId,
    Value, Who,
};

use crate::bus::LocalBus;
use crate::commit::{Answer, Arbiter, Submission};
use crate::error::{StoreError, WriteError};

/// The ends of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The newest position; 0 when there is none.
    pub pos: Pos,
    /// Its tag.
    pub tag: Tag,
    /// Cursors below this are not honoured.
    pub floor: Pos,
}

/// What a session wants to see of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Interest {
    /// Changes of this table …
    pub table: Name,
    /// … whose row had or has one of these values in this column; none: all of them.
    pub scope: Option<(Name, Vec<Value>)>,
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPage {
    /// Positions that hold something of interest, rising, with at least the changes of interest.
    pub positions: Vec<Position>,
    /// How far this page looked: nothing of interest is left out up to here.
    pub through: Pos,
    /// That position's tag.
    pub tag: Tag,
    /// The one position of this page, when it is too large to be read; `positions` is empty then.
    pub large: Option<LargePosition>,
}

/// A position with more changes than are read as one (spec P27).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargePosition {
    /// The position.
    pub pos: Pos,
    /// Its tag.
    pub tag: Tag,
    /// The tables whose rows it changed.
    pub tables: BTreeSet<Name>,
}

/// More changes of one position are not read as one (spec P27). It is as many as a device may be behind before it loads.
pub const POSITION_CHANGES_MAX: usize = 10_000;

/// A part of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadChunk {
    /// Rows in key order.
    pub rows: Vec<Row>,
    /// The last key, when more rows may follow.
    pub more: Option<Key>,
    /// The head of the log in the same snapshot: the rows are not newer than this.
    pub head: Pos,
}

/// What the ledger knows of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRow {
    /// Whose it is; a visitor's has none.
    pub user: Option<UserId>,
    /// The highest n that was decided.
    pub last: MutationNumber,
}

/// A decided mutation (spec S4).
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerRow {
    /// Tells it from another of the same number.
    pub content_hash: String,
    /// What became of it.
    pub result: MutationResult,
}

/// How long what is in the log stays there (spec S16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Positions as old as this go below the floor, and devices not seen for this long are retired.
    pub log: Millis,
    /// Tables whose changes stay longer; those of all others go when they are below the floor.
    pub history: BTreeMap<Name, Keep>,
}

/// How long the changes of a table stay in the log. Never shorter than the log itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So long.
    For(Millis),
    /// They never go.
    Forever,
}

/// What one step of the clean-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Where the floor is now.
    pub floor: Pos,
    /// How far the step moved it.
    pub raised: u64,
    /// Changes that went.
    pub changes: u64,
    /// Devices that were retired.
    pub devices: u64,
    /// More waits for the next step.
    pub more: bool,
}

/// What the arbiter of a mutation sees of the writer's transaction.
///
/// Reads see what this transaction wrote. A write that the database refuses leaves the transaction usable
/// (the caller rolls back to the savepoint).
pub trait Transaction: Send {
    /// The row under the writer's lock.
    fn row(&mut self, table: &Table, key: &Key) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send;

    /// True when the bound predicate grants a row of the table, as this transaction sees it: what a rule's inner SELECT
    /// gives is asked for here, and never taken from memory.
    fn exists(
        &mut self,
        table: &Table,
        predicate: &Expression,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Adds a row; columns that `row` does not have take their defaults.
    fn insert(&mut self, table: &Table, row: &Row) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Adds a row whose key the database gives; `row` does not have the key's column. Gives the key (spec M10).
    fn insert_new(&mut self, table: &Table, row: &Row) -> impl Future<Output = Result<Key, WriteError>> + Send;

    /// The key of the row that has these values in the columns of a unique key, none of them null (spec M11). When the
    /// database does not enforce the key and there are several, the first in key order.
    fn find(&mut self, table: &Table, values: &Row) -> impl Future<Output = Result<Option<Key>, StoreError>> + Send;

    /// What a key stands for that this device proposed.
    fn alias(
        &mut self,
        device: &DeviceId,
        proposed: &RowKey,
    ) -> impl Future<Output = Result<Option<Key>, StoreError>> + Send;

    /// Keeps what a key of this device stands for, in place of what it stood for before. Kept as long as the device;
    /// undone with the rest of a mutation that is refused.
    fn add_alias(&mut self, device: &DeviceId, alias: &Alias) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sets columns of a row that is there.
    fn update(&mut self, table: &Table, key: &Key, set: &Row) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Removes a row that is there.
    fn delete(&mut self, table: &Table, key: &Key) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// The newest change of a column in the log, positions of this transaction included. Asked for only on a conflict.
    ///
    /// When it is not there and the floor has been raised, it was at the floor at the latest: that is its time then, and
    /// nobody knows whose it was.
    fn last_write(
        &mut self,
        table: &Table,
        key: &Key,
        column: &Name,
    ) -> impl Future<Output = Result<Option<LastWrite>, StoreError>> + Send;

    /// When a position was given; none if it is below the floor or above the head.
    fn time_of(&mut self, pos: Pos) -> impl Future<Output = Result<Option<Millis>, StoreError>> + Send;
}

/// What [`crate::commit_one`] needs on top: the ledger, a savepoint, and positions.
pub trait WriteTransaction: Transaction {
    /// What the ledger knows of a device. Locks it against other writers until the transaction ends.
    fn device(&mut self, device: &DeviceId) -> impl Future<Output = Result<Option<DeviceRow>, StoreError>> + Send;

    /// A decided mutation; none when it is too old to be kept.
    fn decided(
        &mut self,
        device: &DeviceId,
        n: MutationNumber,
    ) -> impl Future<Output = Result<Option<LedgerRow>, StoreError>> + Send;

    /// Opens the savepoint of one mutation.
    fn begin(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Checks what the database would check only at commit (deferred constraints), so that one mutation
    /// cannot spoil the group.
    fn check_deferred(&mut self) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Undoes everything since [`WriteTransaction::begin`].
    fn undo(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes the ledger row and the device's new highest n, and makes everything captured since `begin`, or since
    /// [`WriteTransaction::undo`], one position: its place is known here or, where transactions commit side by side,
    /// when they have committed. Ends the savepoint.
    fn decide(&mut self, who: &Who, now: Millis, row: LedgerRow)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A database with Swain's log in it.
///
/// All methods may be called from any number of tasks at once. Reads see committed positions only, and each read is one
/// consistent snapshot. Positions are dense and rise in commit order; `(epoch, pos)` never changes its content.
pub trait Store: crate::accounts::Accounts + crate::shape_lists::ShapeLists + Send + Sync + 'static {
    /// The id of the database's history (spec S9).
    fn epoch(&self) -> Epoch;

    /// Wakes those who read the log; announced after every commit that gave a position.
    fn bus(&self) -> &Arc<LocalBus>;

    /// The tables, columns and keys as the database has them; of all application tables, or of those named.
    /// A table without a key is an error that names it.
    fn introspect(&self, tables: Option<Vec<Name>>) -> impl Future<Output = Result<Schema, StoreError>> + Send;

    /// True when the database's tables are no longer as they were adopted, or one was paused or resumed: they have to be
    /// adopted again (spec S14). Until then nothing of such a table is given a position, and mutations of it are not
    /// attempted.
    fn has_drifted(&self) -> bool;

    /// Captures the changes of these tables from now on, indexed by their scope columns. When the schema differs from
    /// the stored one it becomes the next version, a row of `swain_schema` with a position (spec S8). Gives the schema
    /// with its version.
    fn adopt(&self, schema: Schema, now: Millis) -> impl Future<Output = Result<Schema, StoreError>> + Send;

    /// Decides mutations, in order. Durable when this returns. The answers have the order of the submissions;
    /// after the first [`Answer::NotAttempted`] of a device all later ones of it are not attempted either.
    fn submit<A: Arbiter>(
        &self,
        arbiter: Arc<A>,
        submissions: Vec<Submission>,
    ) -> impl Future<Output = Vec<Answer>> + Send;

    /// The ends of the log.
    fn head(&self) -> impl Future<Output = Result<Head, StoreError>> + Send;

    /// The tag of a position; none if it is not in the log. Position 0 has tag 0. The floor itself always has one.
    fn tag(&self, pos: Pos) -> impl Future<Output = Result<Option<Tag>, StoreError>> + Send;

    /// The part of the log in (after, through] that concerns `interests` or was caused by `device`;
    /// of all of it when `interests` is none. At most `changes_max` changes, but always whole positions and at least one: if that has
    /// more than [`POSITION_CHANGES_MAX`], it is not read at all ([`LogPage::large`]).
    /// Behind a position below the floor the log has holes: [`crate::StoreErrorKind::BelowFloor`].
    fn log(
        &self,
        after: Pos,
        through: Pos,
        interests: Option<Vec<Interest>>,
        device: Option<DeviceId>,
        changes_max: usize,
    ) -> impl Future<Output = Result<LogPage, StoreError>> + Send;

    /// What happened to one row, the newest first: at most `max` positions below `before` (or all), each with its change of
    /// this row alone. What the log no longer keeps (spec S16) is not there.
    fn history(
        &self,
        table: Name,
        key: Key,
        before: Option<Pos>,
        max: usize,
    ) -> impl Future<Output = Result<Vec<Position>, StoreError>> + Send;

    /// How many changes in (after, through] concern `interests`, counted up to `max`; with more than
    /// [`POSITION_CHANGES_MAX`] at one position, `max`.
    fn log_count(
        &self,
        after: Pos,
        through: Pos,
        interests: Vec<Interest>,
        max: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Rows of a table behind `after`, in key order, that the bound predicate grants; its selections are of the same snapshot.
    fn load(
        &self,
        table: Name,
        predicate: Expression,
        after: Option<Key>,
        rows_max: usize,
    ) -> impl Future<Output = Result<LoadChunk, StoreError>> + Send;

    /// About how many rows a load will bring.
    fn estimate(&self, table: Name, predicate: Expression) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// What the ledger knows of a device.
    fn device_row(&self, device: DeviceId) -> impl Future<Output = Result<Option<DeviceRow>, StoreError>> + Send;

    /// Takes a device for a user (or a visitor) if nobody has it, and notes that it was seen; gives what the ledger knows
    /// of it then.
    fn claim_device(
        &self,
        device: DeviceId,
        user: Option<UserId>,
        now: Millis,
    ) -> impl Future<Output = Result<DeviceRow, StoreError>> + Send;

    /// The highest n of a device that was decided at or below a position, which is not below the floor.
    fn acked(&self, device: DeviceId, at: Pos) -> impl Future<Output = Result<MutationNumber, StoreError>> + Send;

    /// Results of a device's n above `after`, rising. What a retired device's ledger no longer has was applied.
    fn results(
        &self,
        device: DeviceId,
        after: MutationNumber,
    ) -> impl Future<Output = Result<Vec<MutationResult>, StoreError>> + Send;

    /// One step of the clean-up, of about `rows_max` rows (spec S16). It raises the floor to the newest position of which
    /// everything up to it is older than the retention, takes out what is below it and no longer kept, and retires devices.
    /// A step is one transaction, and what it takes out is gone with the floor that says so.
    ///
    /// What stays: the floor's own position; results of the last 1000 n of every device that is not retired, and of a
    /// retired one those that do not say "applied"; the highest n of every device that ever wrote.
    fn trim(
        &self,
        now: Millis,
        retention: Arc<Retention>,
        rows_max: usize,
    ) -> impl Future<Output = Result<Trimmed, StoreError>> + Send;

    /// What keys stand for that this device proposed in its n above `after`, in order of n. The positions of the log have
    /// the same ([`swain_core::Position::aliases`]), but only the newest for each key.
    fn aliases(
        &self,
        device: DeviceId,
        after: MutationNumber,
    ) -> impl Future<Output = Result<Vec<Alias>, StoreError>> + Send;
}
