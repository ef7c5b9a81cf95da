//! A replica from nothing, or from what a storage gave back.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::Replica;
use crate::client::batch::{Meta, RowWrite, StagingWrite, StoredDevice, Writes};
use crate::client::config::{Config, Identity};
use crate::client::confirmed::{Confirmed, Held, Membership};
use crate::client::outbox::{EntryId, Outbox};
use crate::client::overlay::{Overlay, Sight};
use crate::client::staging::Staging;
use crate::ids::{MutationNumber, Pos};
use crate::row::RowKey;

impl Replica {
    /// The replica at the start of a run, and what the storage has to catch up with.
    pub(in crate::client) fn open(identity: &Identity, config: &Config, stored: StoredDevice) -> (Self, Writes) {
        let shapes = canonical_shapes(config);
        let mut meta = stored.meta.unwrap_or_else(|| empty(identity));
        let mut rows = stored.rows;
        let mut staging = stored.staging;
        let mut writes = Writes::default();
        if meta.shapes != shapes {
            // The first start has nothing to move, and so writes nothing.
            staging.clear();
            writes = move_rows(&mut meta, &mut rows, shapes);
        }
        let mut replica = Self {
            meta,
            schema: stored.schema.unwrap_or_default(),
            confirmed: Confirmed::new(rows),
            staging: Staging::new(staging),
            outbox: Outbox::new(stored.outbox),
            overlay: Overlay::default(),
            aliases: stored.aliases,
            tables: config.shapes.iter().map(|shape| shape.table.clone()).collect(),
            faults: config.faults.clone(),
        };
        for entry in replica.outbox.pending() {
            let sight = Sight { schema: &replica.schema, aliases: &replica.aliases };
            replica.overlay.push(sight, &replica.confirmed, entry);
        }
        (replica, writes)
    }
}

fn canonical_shapes(config: &Config) -> Vec<String> {
    let shapes = config.shapes.iter();
    shapes.map(|shape| shape.to_value().canonical()).collect()
}

fn empty(identity: &Identity) -> Meta {
    Meta {
        device: identity.device.clone(),
        epoch: None,
        cursor: None,
        pos: Pos(0),
        acked: MutationNumber(0),
        highest: MutationNumber(0),
        last_entry: EntryId(0),
        temporaries: 0,
        load: None,
        shapes: Vec::new(),
        offset_ms: 0,
        last_synced: None,
    }
}

/// The application asks for other shapes than at its last start: memberships move to the new indexes, and rows
/// that no shape holds any more go (spec C5).
fn move_rows(meta: &mut Meta, rows: &mut BTreeMap<RowKey, Held>, shapes: Vec<String>) -> Writes {
    let new_index = |old: usize| {
        let text = meta.shapes.get(old)?;
        shapes.iter().position(|shape| shape == text)
    };
    let mut writes = Writes::default();
    if meta.load.take().is_some() {
        writes.staging.push(StagingWrite::Clear);
    }
    rows.retain(|row, held| {
        let moved: Membership = held.shapes.indexes().filter_map(new_index).collect();
        if moved != held.shapes {
            held.shapes = moved;
            writes.rows.push(match moved.is_empty() {
                true => RowWrite::Delete(row.clone()),
                false => RowWrite::Put(row.clone(), held.clone()),
            });
        }
        !moved.is_empty()
    });
    if meta.shapes.iter().any(|shape| !shapes.contains(shape)) {
        // The cursor still promises the rows that just went; were the shape asked for again, they would be missing.
        meta.cursor = None;
        meta.pos = Pos(0);
    }
    meta.shapes = shapes;
    writes
}
