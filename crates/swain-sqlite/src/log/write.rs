//! Writing a position with its changes and their scopes.

use rusqlite::{Connection, params};
use swain_core::{Actor, Change, Millis, Name, Pos, Row, Tag, UserId, Who};
use swain_store::LedgerRow;

use super::{POSITION_CHANGES_MAX, first_change};
use crate::failure::Failure;
use crate::integer::{limit, signed};
use crate::layout::Layout;
use crate::ledger::write_result;

/// A position to be written, without its changes.
pub(crate) struct Entry<'a> {
    pub(crate) pos: Pos,
    pub(crate) tag: Tag,
    pub(crate) at: Millis,
    pub(crate) who: &'a Who,
    /// A decided mutation's place in the ledger.
    pub(crate) decided: Option<&'a LedgerRow>,
}

/// Writes the changes of a position one by one, inside the writer's transaction; the position itself comes at the end.
pub(crate) struct Changes<'a> {
    conn: &'a Connection,
    layout: &'a Layout,
    pub(crate) pos: Pos,
    count: usize,
}

impl<'a> Changes<'a> {
    pub(crate) fn of(conn: &'a Connection, layout: &'a Layout, pos: Pos) -> Self {
        Self { conn, layout, pos, count: 0 }
    }

    pub(crate) fn append(&mut self, change: &Change) -> Result<(), Failure> {
        if self.is_full() {
            return Err(Failure::unusable(format!("a position holds at most {POSITION_CHANGES_MAX} changes")));
        }
        let id = first_change(self.pos) + limit(self.count);
        self.count += 1;
        append_change(self.conn, id, change)?;
        append_scope(self.conn, id, &change.row.table, "", "")?;
        let table = self.layout.tables.get(&change.row.table);
        let mut scopes = table.into_iter().flat_map(|table| table.scope_columns());
        scopes.try_for_each(|column| append_scope_values(self.conn, id, change, column))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count == POSITION_CHANGES_MAX
    }
}

/// Indexes the changes that are in the log already by a scope column that is new.
pub(crate) fn index_scope(conn: &Connection, table: &Name, column: &Name) -> Result<(), Failure> {
    conn.execute("DELETE FROM swain_scopes WHERE tbl = ?1 AND col = ?2", params![table.as_str(), column.as_str()])?;
    let mut statement = conn.prepare("SELECT id, tbl, key, before, after, actor FROM swain_changes WHERE tbl = ?1")?;
    let mut rows = statement.query([table.as_str()])?;
    while let Some(row) = rows.next()? {
        let (id, change) = super::read::read_change(row)?;
        append_scope_values(conn, id, &change, column)?;
    }
    Ok(())
}

/// Writes a position behind its changes.
pub(crate) fn append_position(conn: &Connection, entry: &Entry<'_>) -> Result<(), Failure> {
    let (kind, user, device, n) = match entry.who {
        Who::Device { user, device, n } => (0, user.as_ref().map(UserId::as_str), Some(device), Some(signed(n.0))),
        Who::Outside { actor } => (1, actor.as_ref().map(Actor::as_str), None, None),
        Who::Server => (2, None, None, None),
    };
    let result = entry.decided.map(|row| write_result(&row.result));
    let mut statement = conn.prepare_cached(
        "INSERT INTO swain_positions (pos, tag, at, kind, user, device, n, content, result)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        signed(entry.pos.0),
        entry.tag.0,
        signed(entry.at.0),
        kind,
        user,
        device.map(|device| device.as_str()),
        n,
        entry.decided.map(|row| &row.content_hash),
        result,
    ])?;
    Ok(())
}

/// An update keeps of the row before only what differs from the row after.
fn append_change(conn: &Connection, id: i64, change: &Change) -> Result<(), Failure> {
    let before = match (&change.before, &change.after) {
        (Some(before), Some(after)) => Some(before.changed_since(after).canonical()),
        (before, _) => before.as_ref().map(Row::canonical),
    };
    let after = change.after.as_ref().map(Row::canonical);
    let mut statement = conn.prepare_cached(
        "INSERT INTO swain_changes (id, tbl, key, before, after, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let actor = change.actor.as_ref().map(Actor::as_str);
    statement.execute(params![id, change.row.table.as_str(), change.row.key.canonical(), before, after, actor])?;
    Ok(())
}

fn append_scope_values(conn: &Connection, id: i64, change: &Change, column: &Name) -> Result<(), Failure> {
    let table = &change.row.table;
    scope_values(change, column).iter().try_for_each(|value| append_scope(conn, id, table, column, value))
}

/// The values of a column by which a change is found: the one that the row had, and the one that it has.
pub(crate) fn scope_values(change: &Change, column: &str) -> Vec<String> {
    let rows = change.before.iter().chain(&change.after);
    let mut values: Vec<String> = rows.map(|row| row.value(column).canonical()).collect();
    values.dedup();
    values
}

fn append_scope(conn: &Connection, id: i64, table: &str, column: &str, value: &str) -> Result<(), Failure> {
    let mut statement =
        conn.prepare_cached("INSERT INTO swain_scopes (tbl, col, value, change) VALUES (?1, ?2, ?3, ?4)")?;
    statement.execute(params![table, column, value, id])?;
    Ok(())
}
