//! Which changes concern somebody: by the scope index, not by reading the log.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use swain_core::{DeviceId, Pos};
use swain_store::Interest;

use super::first_change;
use crate::failure::Failure;
use crate::integer::{limit, signed, unsigned};
use crate::layout::Layout;

/// The ids of changes in a range, at least the first `max` of them.
pub(super) struct Found {
    pub(super) changes: BTreeSet<i64>,
    /// From this id on there may be more than was found.
    pub(super) open_from: Option<i64>,
}

impl Found {
    /// Keeps what is complete.
    pub(super) fn close(&mut self) {
        if let Some(open_from) = self.open_from {
            self.changes.split_off(&open_from);
        }
    }

    fn limit(&mut self, last: i64) {
        let next = last + 1;
        self.open_from = Some(self.open_from.map_or(next, |open_from| open_from.min(next)));
    }
}

/// Changes in (after, through] that concern the interests, from each index at most `max`.
pub(super) fn find(
    conn: &Connection,
    layout: &Layout,
    (after, through): (Pos, Pos),
    interests: Option<&[Interest]>,
    max: usize,
) -> Result<Found, Failure> {
    let range = (first_change(after.next()), first_change(through.next()));
    let mut found = Found { changes: BTreeSet::new(), open_from: None };
    let Some(interests) = interests else {
        let sql = "SELECT id FROM swain_changes WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3";
        collect(conn, sql, params![range.0, range.1, limit(max)], max, &mut found)?;
        return Ok(found);
    };
    let sql = "SELECT change FROM swain_scopes
               WHERE tbl = ?4 AND col = ?5 AND value = ?6 AND change >= ?1 AND change < ?2 ORDER BY change LIMIT ?3";
    for interest in interests {
        for (column, value) in index_entries(layout, interest) {
            let table = interest.table.as_str();
            collect(conn, sql, params![range.0, range.1, limit(max), table, column, value], max, &mut found)?;
        }
    }
    found.close();
    Ok(found)
}

/// The positions in (after, through] that a device caused, the first `max` of them.
pub(super) fn caused_by(
    conn: &Connection,
    (after, through): (Pos, Pos),
    device: &DeviceId,
    max: usize,
) -> Result<BTreeSet<Pos>, Failure> {
    // A device's numbers rise with the positions, so the numbers decided at or below `after` need not be read.
    let decided = super::acked(conn, device, after)?;
    let mut statement = conn.prepare_cached(
        "SELECT pos FROM swain_positions WHERE device = ?1 AND n > ?2 AND pos <= ?3 ORDER BY n LIMIT ?4",
    )?;
    let params = params![device.as_str(), signed(decided.0), signed(through.0), limit(max)];
    let positions = statement.query_map(params, |row| row.get(0).map(unsigned).map(Pos))?;
    Ok(positions.collect::<Result<_, _>>()?)
}

/// A column by which changes are not indexed is looked for in the whole table; who reads the changes filters them.
fn index_entries(layout: &Layout, interest: &Interest) -> Vec<(String, String)> {
    match indexed_scope(layout, interest) {
        Some((column, values)) => {
            let values: BTreeSet<String> = values.iter().map(swain_core::Value::canonical).collect();
            values.into_iter().map(|value| (column.to_string(), value)).collect()
        }
        None => vec![(String::new(), String::new())],
    }
}

fn indexed_scope<'a>(
    layout: &Layout,
    interest: &'a Interest,
) -> Option<&'a (swain_core::Name, Vec<swain_core::Value>)> {
    let scope = interest.scope.as_ref()?;
    let table = layout.tables.get(&interest.table)?;
    table.scope_columns().any(|column| *column == scope.0).then_some(scope)
}

fn collect(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    max: usize,
    found: &mut Found,
) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(sql)?;
    let ids: Vec<i64> = statement.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?;
    if let Some(last) = ids.last()
        && ids.len() == max
    {
        found.limit(*last);
    }
    found.changes.extend(ids);
    Ok(())
}
