//! What goes to the storage, and what comes back at the next start.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::confirmed::Held;
use super::outbox::{Entry, EntryId};
use crate::alias::{Alias, Aliases};
use crate::ids::{DeviceId, Epoch, Millis, MutationNumber, Pos};
use crate::row::RowKey;
use crate::schema::Schema;

/// Names a batch within a run; rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BatchId(pub u64);

/// One transaction of the storage (spec C3): all of it or nothing, after all earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// To be named in the answer.
    pub id: BatchId,
    /// Somebody waits for it to be on disk. The others may reach the disk later, in order.
    pub strict: bool,
    /// What to write.
    pub writes: Writes,
    /// Replaces the stored one.
    pub meta: Meta,
}

/// The writes of a batch, in order within each list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Writes {
    /// Replaces the stored schema.
    pub schema: Option<Schema>,
    /// To the confirmed rows.
    pub rows: Vec<RowWrite>,
    /// To the rows of a load.
    pub staging: Vec<StagingWrite>,
    /// To the outbox.
    pub outbox: Vec<OutboxWrite>,
    /// To the aliases.
    pub aliases: Vec<AliasWrite>,
}

/// A write to the confirmed rows.
#[derive(Clone, Debug, PartialEq)]
pub enum RowWrite {
    /// The row is now this.
    Put(RowKey, Held),
    /// The row is gone.
    Delete(RowKey),
}

/// A write to the rows of a load.
#[derive(Clone, Debug, PartialEq)]
pub enum StagingWrite {
    /// All rows go.
    Clear,
    /// The row is now this.
    Put(RowKey, Held),
    /// The row is gone.
    Delete(RowKey),
}

/// A write to the outbox.
#[derive(Clone, Debug, PartialEq)]
pub enum OutboxWrite {
    /// The entry is now this.
    Put(Entry),
    /// The entry is gone.
    Delete(EntryId),
}

/// A write to the aliases (spec C19).
#[derive(Clone, Debug, PartialEq)]
pub enum AliasWrite {
    /// The key stands for this now.
    Put(Alias),
    /// The key stands for itself.
    Delete(RowKey),
}

/// The small things that a device knows, written with every batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// Who the device is.
    pub device: DeviceId,
    /// The history that `cursor` is of.
    pub epoch: Option<Epoch>,
    /// How far it has got; opaque.
    pub cursor: Option<String>,
    /// The position of the cursor.
    pub pos: Pos,
    /// The highest n of this device that the confirmed rows contain.
    pub acked: MutationNumber,
    /// The highest n that this device id gave out.
    pub highest: MutationNumber,
    /// The newest outbox entry.
    pub last_entry: EntryId,
    /// How many temporary ids this store gave out (spec C19); never fewer, whatever the device is called.
    pub temporaries: u64,
    /// Where a cut load goes on; the rows up to there are in staging.
    pub load: Option<String>,
    /// The shapes that row memberships are about, by index: their canonical forms.
    pub shapes: Vec<String>,
    /// The server's clock minus the device's, in milliseconds.
    pub offset_ms: i64,
    /// The server's time at which the device was last known to be current.
    pub last_synced: Option<Millis>,
}

/// Everything that a storage holds. Applying every batch in order to an empty one gives what to restore from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredDevice {
    /// None when nothing was ever written.
    pub meta: Option<Meta>,
    /// The synced tables.
    pub schema: Option<Schema>,
    /// Confirmed rows.
    pub rows: BTreeMap<RowKey, Held>,
    /// Rows of a load.
    pub staging: BTreeMap<RowKey, Held>,
    /// Mutations.
    pub outbox: BTreeMap<EntryId, Entry>,
    /// What keys stand for that this device proposed.
    pub aliases: Aliases,
}

impl StoredDevice {
    /// Applies a batch, as a storage does in one transaction.
    pub fn apply(&mut self, batch: Batch) {
        let Batch { writes, meta, .. } = batch;
        self.meta = Some(meta);
        if writes.schema.is_some() {
            self.schema = writes.schema;
        }
        for write in writes.rows {
            match write {
                RowWrite::Put(row, held) => drop(self.rows.insert(row, held)),
                RowWrite::Delete(row) => drop(self.rows.remove(&row)),
            }
        }
        for write in writes.staging {
            match write {
                StagingWrite::Clear => self.staging.clear(),
                StagingWrite::Put(row, held) => drop(self.staging.insert(row, held)),
                StagingWrite::Delete(row) => drop(self.staging.remove(&row)),
            }
        }
        for write in writes.outbox {
            match write {
                OutboxWrite::Put(entry) => drop(self.outbox.insert(entry.id, entry)),
                OutboxWrite::Delete(id) => drop(self.outbox.remove(&id)),
            }
        }
        for write in writes.aliases {
            match write {
                AliasWrite::Put(alias) => self.aliases.insert(alias),
                AliasWrite::Delete(proposed) => self.aliases.remove(&proposed),
            }
        }
    }
}

impl Writes {
    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Self { schema, rows, staging, outbox, aliases } = self;
        schema.is_none() && rows.is_empty() && staging.is_empty() && outbox.is_empty() && aliases.is_empty()
    }
}
