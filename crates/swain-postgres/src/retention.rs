//! The clean-up: the floor, what is below it, and devices that do not come back (spec S16).
//!
//! A position goes when the floor has passed it and its last change has gone. The ledger is a table of its own here and
//! does not hold positions.

use swain_core::{Millis, Pos};
use swain_store::{Keep, Retention, Trimmed};

use crate::connection::Session;
use crate::failure::Failure;
use crate::log::{self, limit, signed, unsigned};

/// One node cleans up at a time.
const CLEANUP_LOCK: i64 = 7_743_234;

/// A result of which nothing is lost when it goes: what a ledger no longer has was applied.
const APPLIED: &str = r#"{"status":"applied"}"#;

/// The tables that have changes in the log, one index probe each.
const TABLES: &str = "
    WITH RECURSIVE tables (tbl) AS (
        (SELECT tbl FROM swain.scopes ORDER BY tbl LIMIT 1)
        UNION ALL
        SELECT (SELECT s.tbl FROM swain.scopes s WHERE s.tbl > tables.tbl ORDER BY s.tbl LIMIT 1)
        FROM tables WHERE tables.tbl IS NOT NULL
    )
    SELECT tbl FROM tables WHERE tbl IS NOT NULL";

/// Deletes what a list of positions holds besides changes that stay, and the position itself if no change stays.
const FORGET_EMPTY: &str = "
    WITH gone AS (
        DELETE FROM swain.positions p
        WHERE p.pos = ANY ($1) AND NOT EXISTS (
            SELECT FROM unnest($2::text[]) AS t (tbl)
            JOIN swain.scopes s ON s.tbl = t.tbl AND s.scope = '' AND s.pos = p.pos)
        RETURNING tx, first, last
    )
    DELETE FROM swain.changes c USING gone WHERE c.tx = gone.tx AND c.id BETWEEN gone.first AND gone.last";

/// Deletes changes by their place in the index, with all that was captured of the row in that position.
const FORGET_CHANGES: &str = "
    WITH wanted AS MATERIALIZED (
        SELECT w.pos, w.first, p.tx, p.first AS low, p.last AS high, c.key, (
            SELECT array_agg(DISTINCT swain.scope(e.name, image.text::json ->> e.name)) || array['']
            FROM swain.changes o
            CROSS JOIN LATERAL (VALUES (o.before), (o.after)) AS image (text)
            JOIN swain.ever_scopes e ON e.tbl = $1
            WHERE o.tx = p.tx AND o.id BETWEEN p.first AND p.last AND o.tbl = $1 AND o.key = c.key
                AND image.text IS NOT NULL
        ) AS scopes
        FROM unnest($2::int8[], $3::int8[]) AS w (pos, first)
        JOIN swain.positions p ON p.pos = w.pos
        JOIN swain.changes c ON c.tx = p.tx AND c.id = w.first
    ), entries AS (
        DELETE FROM swain.scopes s USING wanted
        WHERE s.tbl = $1 AND s.scope = ANY (wanted.scopes) AND s.pos = wanted.pos AND s.first = wanted.first
    )
    DELETE FROM swain.changes c USING wanted
    WHERE c.tx = wanted.tx AND c.id BETWEEN wanted.low AND wanted.high AND c.tbl = $1 AND c.key = wanted.key";

/// One step, inside a transaction.
pub(crate) async fn trim(
    session: &Session,
    now: Millis,
    retention: &Retention,
    rows_max: usize,
) -> Result<Trimmed, Failure> {
    let floor = log::head(session).await?.floor;
    let mut step =
        Step { session, now, retention, left: rows_max.max(1), tables: Vec::new(), trimmed: Trimmed::default() };
    step.trimmed.floor = floor;
    let is_alone: bool = session.query_one("SELECT pg_try_advisory_xact_lock($1)", &[&CLEANUP_LOCK]).await?.get(0);
    if is_alone {
        step.tables = session.query(TABLES, &[]).await?.iter().map(|row| row.get(0)).collect();
        step.raise_floor(floor).await?;
        step.forget_changes().await?;
        step.retire_devices().await?;
    }
    Ok(step.trimmed)
}

struct Step<'a> {
    session: &'a Session,
    now: Millis,
    retention: &'a Retention,
    /// Rows that this step may still touch.
    left: usize,
    tables: Vec<String>,
    trimmed: Trimmed,
}

impl Step<'_> {
    /// To the newest position of which everything up to it is old. A time in the future is no time: what comes behind it tells.
    async fn raise_floor(&mut self, old_floor: Pos) -> Result<(), Failure> {
        let sql = "SELECT pos, at FROM swain.positions WHERE pos > $1 ORDER BY pos LIMIT $2";
        let (mut floor, mut looked, mut passed) = (old_floor, 0, vec![signed(old_floor.0)]);
        for row in self.session.query(sql, &[&signed(old_floor.0), &limit(self.left)]).await? {
            let pos = Pos(unsigned(row.get(0)));
            match self.age(Millis(unsigned(row.get(1))), self.retention.log) {
                Age::Old => floor = pos,
                Age::Unknown => {}
                Age::Young => break,
            }
            passed.push(signed(pos.0));
            looked += 1;
        }
        if floor == old_floor {
            return Ok(());
        }
        self.trimmed.floor = floor;
        self.trimmed.raised = floor.0 - old_floor.0;
        self.session.execute("UPDATE swain.state SET floor = $1", &[&signed(floor.0)]).await?;
        passed.retain(|pos| *pos < signed(floor.0));
        self.session.execute(FORGET_EMPTY, &[&passed, &self.tables]).await?;
        self.spend(looked);
        Ok(())
    }

    /// Of each table, from the oldest on.
    async fn forget_changes(&mut self) -> Result<(), Failure> {
        for table in self.tables.clone() {
            if self.left == 0 {
                break;
            }
            let keep = match self.retention.history.get(table.as_str()) {
                None => None,
                Some(Keep::For(keep)) => Some(*keep),
                Some(Keep::Forever) => continue,
            };
            self.forget_changes_of(&table, keep).await?;
        }
        Ok(())
    }

    async fn forget_changes_of(&mut self, table: &str, keep: Option<Millis>) -> Result<(), Failure> {
        let sql = "
            SELECT s.pos, s.first, p.at FROM swain.scopes s JOIN swain.positions p USING (pos)
            WHERE s.tbl = $1 AND s.scope = '' AND s.pos <= $2 ORDER BY s.pos, s.first LIMIT $3";
        let found = self.session.query(sql, &[&table, &signed(self.trimmed.floor.0), &limit(self.left)]).await?;
        let old = found.iter().take_while(|row| match keep {
            Some(keep) => self.age(Millis(unsigned(row.get(2))), keep) != Age::Young,
            None => true,
        });
        let (positions, firsts): (Vec<i64>, Vec<i64>) =
            old.map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1))).unzip();
        if positions.is_empty() {
            return Ok(());
        }
        self.session.execute(FORGET_CHANGES, &[&table, &positions, &firsts]).await?;
        self.trimmed.changes += positions.len() as u64;
        self.spend(positions.len());
        let mut passed = positions;
        passed.dedup();
        passed.retain(|pos| *pos < signed(self.trimmed.floor.0));
        self.session.execute(FORGET_EMPTY, &[&passed, &self.tables]).await.map(drop)
    }

    /// In the order in which they were last seen. A device that never wrote is forgotten: nothing of it could be applied
    /// twice. Any other keeps its highest n, and what its results say besides "applied".
    async fn retire_devices(&mut self) -> Result<(), Failure> {
        let Some(cutoff) = self.now.0.checked_sub(self.retention.log.0) else { return Ok(()) };
        let sql = "
            SELECT device, last FROM swain.devices WHERE NOT retired AND at <= $1 ORDER BY at, device LIMIT $2
            FOR UPDATE SKIP LOCKED";
        for row in self.session.query(sql, &[&signed(cutoff), &limit(self.left)]).await? {
            if self.left == 0 {
                break;
            }
            let (device, last): (String, i64) = (row.get(0), row.get(1));
            let forgotten = self.forget_results(&device).await?;
            let is_unfinished = forgotten >= self.left;
            self.spend(forgotten.max(1));
            if is_unfinished {
                break;
            }
            let sql = match last {
                0 => "DELETE FROM swain.devices WHERE device = $1",
                _ => "UPDATE swain.devices SET retired = true WHERE device = $1",
            };
            self.session.execute(sql, &[&device]).await?;
            self.trimmed.devices += 1;
        }
        Ok(())
    }

    async fn forget_results(&self, device: &str) -> Result<usize, Failure> {
        let sql = "
            DELETE FROM swain.ledger WHERE device = $1 AND n IN (
                SELECT n FROM swain.ledger WHERE device = $1 AND result = $2 ORDER BY n LIMIT $3)";
        let forgotten = self.session.execute(sql, &[&device, &APPLIED, &limit(self.left)]).await?;
        Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
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
