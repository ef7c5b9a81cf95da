//! Reading log and tables for sessions.

use std::collections::BTreeMap;

use swain_core::protocol::{place_fragment, write_put, write_remove};
use swain_core::{DeviceId, Key, Pos, Row, RowKey};
use swain_store::{Interest, Store, StoreError};

use super::{Channel, Engine, Told};
use crate::hub::{Delivery, Moved, SessionId, interests_of};
use crate::limits::{LOAD_CHUNK_BYTES_MAX, LOAD_CHUNK_ROWS_MAX, LOG_PAGE_CHANGES_MAX};
use crate::matching::{LiveShape, SharedPosition, holding};

impl<S: Store> Engine<S> {
    pub(super) async fn read_log(
        &self,
        session: SessionId,
        after: Pos,
        shapes: &[LiveShape],
        device: DeviceId,
    ) -> Result<Told, StoreError> {
        if self.hub().head().0 < after {
            // The session knows more than this hub: another node, or a commit that is not brought around yet.
            self.follow().await?;
        }
        let target = {
            let mut hub = self.hub();
            // Under the lock: up to the hub's head the rights are what the shapes' predicates say.
            if let Some(why) = hub.moved(session) {
                return Ok(Told::Moved(why));
            }
            if hub.go_live(session, after) {
                return Ok(Told::Log { deliveries: Vec::new(), through: hub.head(), live: true });
            }
            hub.head().0
        };
        let shapes = &*self.shapes_on(Channel::Log, shapes);
        let schema = &self.catalog().schema;
        let interests = shapes.iter().flat_map(|shape| interests_of(shape, schema)).collect();
        let page = self.store.log(after, target, Some(interests), Some(device.clone()), LOG_PAGE_CHANGES_MAX).await?;
        if page.large.is_some() {
            return Ok(Told::Moved(Moved::TooMuch));
        }
        let deliveries = page.positions.into_iter().map(SharedPosition::new).filter_map(|shared| {
            let own = shared.number_of(&device);
            let rows = shared.rows_for(shapes);
            let aliases = shared.aliases_for(&device);
            let swain_core::Position { pos, tag, at, .. } = shared.position;
            let is_seen = own.is_some() || rows.is_some();
            is_seen.then(|| Delivery { pos, tag, at, own, rows: rows.unwrap_or_default(), aliases })
        });
        let deliveries = deliveries.collect();
        let live = self.hub().go_live(session, page.through);
        Ok(Told::Log { deliveries, through: (page.through, page.tag), live })
    }

    pub(super) async fn read_rows(
        &self,
        session: SessionId,
        shape: &LiveShape,
        after: Option<Key>,
    ) -> Result<Told, StoreError> {
        let shape = &self.shapes_on(Channel::Load, std::slice::from_ref(shape))[0];
        // Before the rows are read: what the store has adopted meanwhile, the session was not promised.
        let catalog = self.catalog();
        let predicate = shape.loading.clone();
        let chunk = self.store.load(shape.table.clone(), predicate, after, LOAD_CHUNK_ROWS_MAX).await?;
        if let Some(why) = self.hub().moved(session) {
            return Ok(Told::Moved(why));
        }
        let Some(table) = catalog.schema.tables.get(&shape.table) else { return Ok(Told::Moved(Moved::Schema)) };
        let mut rows = String::new();
        for row in &chunk.rows {
            if row.0.keys().any(|column| !table.columns.contains_key(column)) {
                // A column that was renamed could be one that is hidden.
                return Ok(Told::Moved(Moved::Schema));
            }
            if !rows.is_empty() {
                rows.push(',');
            }
            row.without(&shape.hidden).write_canonical(&mut rows);
            if rows.len() >= LOAD_CHUNK_BYTES_MAX && Some(row) != chunk.rows.last() {
                return Ok(Told::Rows { rows, more: Some(row.key(table)), head: chunk.head });
            }
        }
        Ok(Told::Rows { rows, more: chunk.more, head: chunk.head })
    }

    /// The next page of (after, through] on the loaded shapes, each row of the page once, as it ended there.
    pub(super) async fn read_load_log(
        &self,
        session: SessionId,
        after: Pos,
        through: Pos,
        shapes: &[LiveShape],
    ) -> Result<Told, StoreError> {
        let shapes = &*self.shapes_on(Channel::LoadLog, shapes);
        let schema = &self.catalog().schema;
        let interests: Vec<Interest> = shapes.iter().flat_map(|shape| interests_of(shape, schema)).collect();
        let page = self.store.log(after, through, Some(interests), None, LOG_PAGE_CHANGES_MAX).await?;
        // The hub goes beyond a new schema only when all sessions have been told of it.
        if let Some(why) = self.hub().moved(session) {
            return Ok(Told::Moved(why));
        }
        if page.large.is_some() {
            return Ok(Told::Moved(Moved::TooMuch));
        }
        let mut last: BTreeMap<RowKey, Option<Row>> = BTreeMap::new();
        for change in page.positions.into_iter().flat_map(|position| position.changes) {
            // A row that was never held in this page may not even be named: its user may have no right to know of it.
            let is_held = |row: &Option<Row>| !holding(shapes, &change.row.table, row.as_ref()).is_empty();
            if is_held(&change.before) || is_held(&change.after) || last.contains_key(&change.row) {
                last.insert(change.row, change.after);
            }
        }
        let mut out = String::new();
        for (row, after) in last {
            if !out.is_empty() {
                out.push(',');
            }
            // A put where it is held in the end, a removal where it is not; staging takes both for a row it lacks.
            let (place, holders) = (place_fragment(&row), holding(shapes, &row.table, after.as_ref()));
            match after {
                Some(after) if !holders.is_empty() => {
                    let hidden = shapes.iter().find(|shape| shape.table == row.table).map(|shape| &shape.hidden);
                    let hidden = hidden.expect("a shape that holds the row is of its table");
                    write_put(&mut out, &place, &holders, &after.without(hidden).canonical());
                }
                Some(_) | None => write_remove(&mut out, &place),
            }
        }
        Ok(Told::LoadLog { changes: out, through: page.through })
    }
}
