//! From what was captured to what changed: each noted row is read as it is now.
//!
//! Few records are merged by key in memory, in the order in which rows were first touched. Many are sorted by SQLite,
//! which keeps on disk what it cannot hold, and merged one row at a time: another program's transaction has no limit.

mod actors;
mod touched;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use swain_core::{Change, Name};

use crate::failure::Failure;
use crate::layout::{Layout, TableLayout, literal};
pub(crate) use actors::Actors;
use touched::{Noted, Touched};

/// Captured records that are merged in memory.
const MERGED_RECORDS_MAX: i64 = 10_000;

/// What waits for a position.
pub(crate) struct Captured {
    records: i64,
}

impl Captured {
    /// None when nothing waits.
    pub(crate) fn look(conn: &Connection) -> Result<Option<Self>, Failure> {
        // Ids begin anew whenever the table is emptied.
        let sql = "SELECT (SELECT min(id) FROM swain_capture), (SELECT max(id) FROM swain_capture)";
        let ends = conn.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(match ends {
            (Some(first), Some(last)) => {
                let (first, last): (i64, i64) = (first, last);
                Some(Self { records: last - first + 1 })
            }
            _ => None,
        })
    }

    /// Hands on what changed, one change per key: from the first before to the present after. Empties the capture, but
    /// for tables whose schema is not the adopted one: nobody knows what their records mean.
    pub(crate) fn take(
        &self,
        conn: &Connection,
        layout: &Layout,
        held: &BTreeSet<Name>,
        actors: &Actors,
        mut each: impl FnMut(Change) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut change = |touched: Touched<'_>| match touched.into_change(conn, actors)? {
            Some(change) => each(change),
            None => Ok(()),
        };
        if self.records <= MERGED_RECORDS_MAX {
            for touched in merged_in_memory(conn, layout, held)? {
                change(touched)?;
            }
        } else {
            for name in captured_tables(conn)? {
                // A table that is no longer synced may have been written to before its triggers went.
                let Some(table) = layout.tables.get(&*name).filter(|table| !held.contains(&table.name)) else {
                    continue;
                };
                merge_sorted(conn, table, &mut change)?;
            }
        }
        empty(conn, held)
    }
}

/// What an open mutation has changed, all at once, to say why it is refused. Empties the capture.
pub(crate) fn take_changes(conn: &Connection, layout: &Layout) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    if let Some(captured) = Captured::look(conn)? {
        let each = |change| {
            changes.push(change);
            Ok(())
        };
        captured.take(conn, layout, &BTreeSet::new(), &Actors::default(), each)?;
    }
    Ok(changes)
}

fn merged_in_memory<'a>(
    conn: &Connection,
    layout: &'a Layout,
    held: &BTreeSet<Name>,
) -> Result<Vec<Touched<'a>>, Failure> {
    let mut order: Vec<Touched<'a>> = Vec::new();
    let mut places: BTreeMap<(&Name, String), usize> = BTreeMap::new();
    let mut statement = conn.prepare_cached(&layout.captured_sql)?;
    let mut records = statement.query([])?;
    while let Some(record) = records.next()? {
        let name = record.get_ref(1)?.as_str().unwrap_or_default();
        let Some(table) = layout.tables.get(name).filter(|table| !held.contains(&table.name)) else { continue };
        let Some(noted) = Noted::read(table, record)? else { continue };
        let place = *places.entry((&table.name, noted.key.canonical())).or_insert(order.len());
        match order.get_mut(place) {
            Some(touched) => touched.note(&noted),
            None => order.push(noted.into_touched(table)),
        }
    }
    Ok(order)
}

fn captured_tables(conn: &Connection) -> Result<Vec<String>, Failure> {
    let mut statement = conn.prepare("SELECT DISTINCT tbl FROM swain_capture ORDER BY tbl")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn merge_sorted<'a>(
    conn: &Connection,
    table: &'a TableLayout,
    each: &mut impl FnMut(Touched<'a>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = conn.prepare(&sorted_sql(table))?;
    let mut records = statement.query([table.name.as_str()])?;
    let mut current: Option<Touched<'a>> = None;
    while let Some(record) = records.next()? {
        let Some(noted) = Noted::read(table, record)? else { continue };
        match &mut current {
            Some(touched) if touched.key == noted.key => touched.note(&noted),
            _ => {
                let before = current.replace(noted.into_touched(table));
                before.map_or(Ok(()), &mut *each)?;
            }
        }
    }
    current.map_or(Ok(()), each)
}

/// The key is where the row has it, or in front.
fn sorted_sql(table: &TableLayout) -> String {
    let columns: String = (0..table.columns.len()).map(|place| format!(", c{place}")).collect();
    let key = table.key.iter().enumerate();
    let key =
        key.map(|(place, column)| format!("CASE WHEN kind IN ('u', 'd', 'p') THEN c{column} ELSE c{place} END, "));
    format!("SELECT id, tbl, kind{columns} FROM swain_capture WHERE tbl = ?1 ORDER BY {}id", key.collect::<String>())
}

fn empty(conn: &Connection, held: &BTreeSet<Name>) -> Result<(), Failure> {
    if held.is_empty() {
        // Without a condition SQLite empties the table at once.
        conn.prepare_cached("DELETE FROM swain_capture")?.execute([])?;
        return Ok(());
    }
    let held: Vec<_> = held.iter().map(|name| literal(name)).collect();
    conn.execute(&format!("DELETE FROM swain_capture WHERE tbl NOT IN ({})", held.join(", ")), [])?;
    Ok(())
}
