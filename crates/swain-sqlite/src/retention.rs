//! The clean-up: the floor, what is below it, and devices that do not come back (spec S16).
//!
//! Nothing is looked at twice. A position goes at the first of these moments at which nothing holds it any more: the floor
//! passes it and it has no changes; its last change goes; its result is pruned; its device is retired.

use rusqlite::{Connection, OptionalExtension as _, params};
use swain_core::{DeviceId, Millis, MutationNumber, Pos};
use swain_store::{Keep, Retention, Trimmed};

use crate::failure::Failure;
use crate::integer::{limit, signed, unsigned};
use crate::log::{self, first_change, pos_of, scope_values};
use crate::meta::{self, CHANGE_ID_BITS};

/// A result of which nothing is lost when it goes: what a ledger no longer has was applied.
const APPLIED: &str = r#"{"status":"applied"}"#;

/// One step, inside a write transaction.
pub(crate) fn trim(conn: &Connection, now: Millis, retention: &Retention, rows_max: usize) -> Result<Trimmed, Failure> {
    let mut step = Step { conn, now, retention, left: rows_max.max(1), trimmed: Trimmed::default() };
    step.raise_floor()?;
    step.forget_changes()?;
    step.retire_devices()?;
    Ok(step.trimmed)
}

/// What was blanked in the ledger and is below the floor.
pub(crate) fn forget_pruned(
    conn: &Connection,
    device: &DeviceId,
    (after, through): (MutationNumber, MutationNumber),
) -> Result<(), Failure> {
    let floor = log::head(conn)?.floor;
    if floor == Pos(0) {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(&unheld("device = ?2 AND n > ?3 AND n <= ?4 AND pos < ?5"))?;
    let range = (signed(after.0), signed(through.0));
    statement.execute(params![retired_through(conn)?.0, device.as_str(), range.0, range.1, signed(floor.0)])?;
    Ok(())
}

struct Step<'a> {
    conn: &'a Connection,
    now: Millis,
    retention: &'a Retention,
    /// Rows that this step may still touch.
    left: usize,
    trimmed: Trimmed,
}

impl Step<'_> {
    /// To the newest position of which everything up to it is old. A time in the future is no time: what comes behind it tells.
    fn raise_floor(&mut self) -> Result<(), Failure> {
        let old_floor = log::head(self.conn)?.floor;
        let mut floor = old_floor;
        // Half of the step at most: what is below must get on, too, however much comes.
        let rows_max = self.left.div_ceil(2);
        let mut statement =
            self.conn.prepare_cached("SELECT pos, at FROM swain_positions WHERE pos > ?1 ORDER BY pos LIMIT ?2")?;
        let mut rows = statement.query(params![signed(floor.0), limit(rows_max)])?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            match self.age(Millis(unsigned(row.get(1)?)), self.retention.log) {
                Age::Old => floor = Pos(unsigned(row.get(0)?)),
                Age::Unknown => {}
                Age::Young => break,
            }
            looked += 1;
        }
        self.trimmed.floor = floor;
        self.trimmed.raised = floor.0 - old_floor.0;
        if floor == old_floor {
            return Ok(());
        }
        meta::set(self.conn, "floor", signed(floor.0))?;
        let mut statement = self.conn.prepare_cached(&unheld("pos >= ?2 AND pos < ?3"))?;
        statement.execute(params![retired_through(self.conn)?.0, signed(old_floor.0), signed(floor.0)])?;
        self.trimmed.more |= looked == rows_max;
        self.spend(looked);
        Ok(())
    }

    /// Of each table, from the oldest on.
    fn forget_changes(&mut self) -> Result<(), Failure> {
        let mut table = String::new();
        while self.left > 0 {
            let next = self.conn.prepare_cached("SELECT tbl FROM swain_scopes WHERE tbl > ?1 ORDER BY tbl LIMIT 1")?;
            let Some(found) = first_text(next, [&table])? else { break };
            table = found;
            let keep = match self.retention.history.get(table.as_str()) {
                None => None,
                Some(Keep::For(keep)) => Some(*keep),
                Some(Keep::Forever) => continue,
            };
            self.forget_changes_of(&table, keep)?;
        }
        Ok(())
    }

    fn forget_changes_of(&mut self, table: &str, keep: Option<Millis>) -> Result<(), Failure> {
        let ids = self.oldest_changes(table)?;
        if ids.is_empty() {
            return Ok(());
        }
        let scopes = self.scope_columns(table)?;
        let mut last = None;
        for id in ids {
            let pos = pos_of(id);
            if last.is_some_and(|last| last != pos) {
                self.forget_position(last)?;
            }
            if let Some(keep) = keep
                && self.age(self.time_of(pos)?, keep) == Age::Young
            {
                last = None;
                break;
            }
            self.forget_change(table, &scopes, id)?;
            last = Some(pos);
        }
        self.forget_position(last)
    }

    /// The entry without a scope column is there for every change.
    fn oldest_changes(&self, table: &str) -> Result<Vec<i64>, Failure> {
        let mut statement = self.conn.prepare_cached(
            "SELECT change FROM swain_scopes WHERE tbl = ?1 AND col = '' AND value = '' AND change < ?2
             ORDER BY change LIMIT ?3",
        )?;
        let end = first_change(self.trimmed.floor.next());
        let ids = statement.query_map(params![table, end, limit(self.left)], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Those by which changes of the table were ever indexed, whatever the configuration says now.
    fn scope_columns(&self, table: &str) -> Result<Vec<String>, Failure> {
        let mut columns = vec![String::new()];
        while let Some(last) = columns.last() {
            let next = self
                .conn
                .prepare_cached("SELECT col FROM swain_scopes WHERE tbl = ?1 AND col > ?2 ORDER BY col LIMIT 1")?;
            let Some(column) = first_text(next, [table, last])? else { break };
            columns.push(column);
        }
        columns.remove(0);
        Ok(columns)
    }

    fn forget_change(&mut self, table: &str, scopes: &[String], id: i64) -> Result<(), Failure> {
        let mut scope = self
            .conn
            .prepare_cached("DELETE FROM swain_scopes WHERE tbl = ?1 AND col = ?2 AND value = ?3 AND change = ?4")?;
        scope.execute(params![table, "", "", id])?;
        if !scopes.is_empty() {
            let sql = "SELECT id, tbl, key, before, after, actor FROM swain_changes WHERE id = ?1";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query([id])?;
            if let Some(row) = rows.next()? {
                let (_, change) = log::read_change(row)?;
                for column in scopes {
                    for value in scope_values(&change, column) {
                        scope.execute(params![table, column, value, id])?;
                    }
                }
            }
        }
        self.conn.prepare_cached("DELETE FROM swain_changes WHERE id = ?1")?.execute([id])?;
        self.trimmed.changes += 1;
        self.spend(1);
        Ok(())
    }

    /// If nothing holds it any more.
    fn forget_position(&self, pos: Option<Pos>) -> Result<(), Failure> {
        if let Some(pos) = pos.filter(|pos| *pos < self.trimmed.floor) {
            let mut statement = self.conn.prepare_cached(&unheld("pos = ?2"))?;
            statement.execute(params![retired_through(self.conn)?.0, signed(pos.0)])?;
        }
        Ok(())
    }

    /// In the order in which they were last seen. A device that never wrote is forgotten: nothing of it could be applied
    /// twice. Any other keeps its highest n, and what its results say besides "applied".
    fn retire_devices(&mut self) -> Result<(), Failure> {
        let Some(cutoff) = self.now.0.checked_sub(self.retention.log.0) else { return Ok(()) };
        while self.left > 0 {
            let (at, device) = retired_through(self.conn)?;
            let mut statement = self.conn.prepare_cached(
                "SELECT at, device, last FROM swain_devices
                 WHERE at >= ?1 AND (at, device) > (?1, ?2) AND at <= ?3 ORDER BY at, device LIMIT 1",
            )?;
            let next = statement.query_row(params![at, device, signed(cutoff)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
            });
            let Some((at, device, last)) = next.optional()? else { break };
            let forgotten = match last {
                0 => self.conn.prepare_cached("DELETE FROM swain_devices WHERE device = ?1")?.execute([&device])?,
                _ => self.forget_results(&device)?,
            };
            let is_unfinished = forgotten >= self.left;
            self.spend(forgotten.max(1));
            if is_unfinished && last != 0 {
                break;
            }
            meta::set(self.conn, "retired_at", at)?;
            meta::set(self.conn, "retired_device", device)?;
            self.trimmed.devices += 1;
        }
        Ok(())
    }

    fn forget_results(&self, device: &str) -> Result<usize, Failure> {
        let mut statement = self.conn.prepare_cached(&format!(
            "DELETE FROM swain_positions WHERE pos IN (SELECT pos FROM swain_positions
             WHERE device = ?1 AND pos < ?2 AND result = '{APPLIED}' AND {EMPTY} LIMIT ?3)"
        ))?;
        Ok(statement.execute(params![device, signed(self.trimmed.floor.0), limit(self.left)])?)
    }

    fn time_of(&self, pos: Pos) -> Result<Millis, Failure> {
        let mut statement = self.conn.prepare_cached("SELECT at FROM swain_positions WHERE pos = ?1")?;
        Ok(statement.query_row([signed(pos.0)], |row| row.get(0).map(unsigned).map(Millis))?)
    }

    fn age(&self, at: Millis, keep: Millis) -> Age {
        match at > self.now {
            true => Age::Unknown,
            false if self.now.since(at) >= keep => Age::Old,
            false => Age::Young,
        }
    }

    fn spend(&mut self, rows: usize) {
        self.left = self.left.saturating_sub(rows);
        self.trimmed.more |= self.left == 0;
    }
}

/// How a time stands to the end of what is kept.
#[derive(Clone, Copy, PartialEq)]
enum Age {
    Old,
    Young,
    /// In the future: some clock was wrong.
    Unknown,
}

/// A position in which nothing is.
const EMPTY: &str = "NOT EXISTS (SELECT 1 FROM swain_changes WHERE id >= pos << 24 AND id < (pos + 1) << 24)";
const _: () = assert!(CHANGE_ID_BITS == 24, "the text above says so, too");

/// Deletes the positions of a condition that hold nothing and that nobody asks for any more. ?1 is when the last retired
/// device was seen.
fn unheld(condition: &str) -> String {
    format!(
        "DELETE FROM swain_positions WHERE {condition} AND {EMPTY} AND (result IS NULL OR (result = '{APPLIED}'
         AND NOT EXISTS (SELECT 1 FROM swain_devices d WHERE d.device = swain_positions.device AND d.at > ?1)))"
    )
}

/// The last device that was retired, and when it had been seen: all before it in this order are retired.
fn retired_through(conn: &Connection) -> Result<(i64, String), Failure> {
    let at = meta::get(conn, "retired_at")?.unwrap_or(-1);
    Ok((at, meta::get(conn, "retired_device")?.unwrap_or_default()))
}

fn first_text<P: rusqlite::Params>(
    mut statement: rusqlite::CachedStatement<'_>,
    params: P,
) -> Result<Option<String>, Failure> {
    Ok(statement.query_row(params, |row| row.get(0)).optional()?)
}
