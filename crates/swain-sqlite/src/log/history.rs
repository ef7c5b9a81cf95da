//! What happened to one row.

use rusqlite::{Connection, params};
use swain_core::{Pos, Position, RowKey};

use super::{first_change, pos_of, read_change, read_position};
use crate::failure::Failure;
use crate::integer::limit;

/// The newest positions below `before` that changed a row, each with that change alone. The index on rows has the ids of
/// their changes in order, and ids rise with positions.
pub(crate) fn history(
    conn: &Connection,
    row: &RowKey,
    before: Option<Pos>,
    max: usize,
) -> Result<Vec<Position>, Failure> {
    let end = before.map_or(i64::MAX, first_change);
    let mut statement = conn.prepare_cached(
        "SELECT id, tbl, key, before, after, actor FROM swain_changes
         WHERE tbl = ?1 AND key = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4",
    )?;
    let mut rows = statement.query(params![row.table.as_str(), row.key.canonical(), end, limit(max)])?;
    let mut positions = Vec::new();
    while let Some(found) = rows.next()? {
        let (id, change) = read_change(found)?;
        let position = read_position(conn, pos_of(id), &[])?;
        positions.push(Position { changes: vec![change], ..position });
    }
    Ok(positions)
}
