//! The ledger: what was decided, by device and number (spec S4).

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use swain_core::limits::LEDGER_RESULTS_MAX;
use swain_core::protocol::{MutationResult, Outcome};
use swain_core::strict_json::parse;
use swain_core::{Code, Constraint, DeviceId, Millis, MutationNumber, Name, Problem, UserId, Value};
use swain_store::{DeviceRow, LedgerRow};

use crate::failure::Failure;
use crate::integer::{signed, unsigned};
use crate::retention::forget_pruned;

/// Old results are blanked once in so many mutations, so that the hot path seldom touches old pages.
const PRUNE_EVERY: u64 = 64;

/// A device that comes is noted as seen when the last note is older than this, in milliseconds: few hellos write.
const SEEN_AGE_MS_MAX: u64 = 60 * 60 * 1000;

/// What the ledger knows of a device.
pub(crate) fn device_row(conn: &Connection, device: &DeviceId) -> Result<Option<DeviceRow>, Failure> {
    let mut statement = conn.prepare_cached("SELECT user, last FROM swain_devices WHERE device = ?1")?;
    let row = statement.query_row([device.as_str()], |row| {
        let user = row.get_ref(0)?.as_str_or_null()?.map(UserId::from);
        Ok(DeviceRow { user, last: MutationNumber(unsigned(row.get(1)?)) })
    });
    Ok(row.optional()?)
}

/// A device that was noted as seen lately.
pub(crate) fn seen_row(conn: &Connection, device: &DeviceId, now: Millis) -> Result<Option<DeviceRow>, Failure> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM swain_devices WHERE device = ?1 AND at >= ?2")?;
    let since = signed(now.0.saturating_sub(SEEN_AGE_MS_MAX));
    if statement.exists(params![device.as_str(), since])? { device_row(conn, device) } else { Ok(None) }
}

/// Takes a device for somebody if nobody has it, and notes that it was seen.
pub(crate) fn claim_device(
    conn: &Connection,
    device: &DeviceId,
    user: Option<&UserId>,
    now: Millis,
) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO swain_devices (device, user, last, at) VALUES (?1, ?2, 0, ?3)
         ON CONFLICT (device) DO UPDATE SET at = max(at, excluded.at)",
    )?;
    statement.execute(params![device.as_str(), user.map(UserId::as_str), signed(now.0)])?;
    Ok(())
}

/// A decided mutation; none when it is too old to be kept.
pub(crate) fn decided(conn: &Connection, device: &DeviceId, n: MutationNumber) -> Result<Option<LedgerRow>, Failure> {
    if device_row(conn, device)?.is_some_and(|row| n <= oldest_forgotten(row.last)) {
        return Ok(None);
    }
    let mut statement = conn.prepare_cached(
        "SELECT n, content, result FROM swain_positions WHERE device = ?1 AND n = ?2 AND result IS NOT NULL",
    )?;
    let mut rows = statement.query(params![device.as_str(), signed(n.0)])?;
    rows.next()?.map(|row| Ok(LedgerRow { content_hash: row.get(1)?, result: read_result(row)? })).transpose()
}

/// Results of a device's n above `after`, rising. What is no longer here was applied (spec S16).
pub(crate) fn results(
    conn: &Connection,
    device: &DeviceId,
    after: MutationNumber,
) -> Result<Vec<MutationResult>, Failure> {
    let Some(row) = device_row(conn, device)? else { return Ok(Vec::new()) };
    let after = after.max(oldest_forgotten(row.last));
    let mut statement = conn.prepare_cached(
        "SELECT n, content, result FROM swain_positions WHERE device = ?1 AND n > ?2 AND result IS NOT NULL ORDER BY n",
    )?;
    let mut rows = statement.query(params![device.as_str(), signed(after.0)])?;
    let mut results = Vec::new();
    let mut next = after.next();
    while let Some(row) = rows.next()? {
        let result = read_result(row)?;
        results.extend((next.0..result.n.0).map(MutationNumber).map(applied));
        next = result.n.next();
        results.push(result);
    }
    results.extend((next.0..=row.last.0).map(MutationNumber).map(applied));
    Ok(results)
}

fn applied(n: MutationNumber) -> MutationResult {
    MutationResult { n, outcome: Outcome::Applied, lost: Vec::new(), problem: None }
}

/// Notes the device's new highest n.
pub(crate) fn advance(
    conn: &Connection,
    device: &DeviceId,
    user: Option<&UserId>,
    n: MutationNumber,
    now: Millis,
) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO swain_devices (device, user, last, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (device) DO UPDATE SET last = excluded.last, at = max(at, excluded.at)",
    )?;
    statement.execute(params![device.as_str(), user.map(UserId::as_str), signed(n.0), signed(now.0)])?;
    if n.0.is_multiple_of(PRUNE_EVERY) {
        prune(conn, device, n)?;
    }
    Ok(())
}

/// Blanks what is too old. The position itself stays: it is the log's, unless it is below the floor and nothing is in it.
fn prune(conn: &Connection, device: &DeviceId, last: MutationNumber) -> Result<(), Failure> {
    let through = oldest_forgotten(last);
    let from = through.0.saturating_sub(PRUNE_EVERY);
    let mut statement = conn.prepare_cached(
        "UPDATE swain_positions SET content = NULL, result = NULL WHERE device = ?1 AND n > ?2 AND n <= ?3",
    )?;
    statement.execute(params![device.as_str(), signed(from), signed(through.0)])?;
    forget_pruned(conn, device, (MutationNumber(from), through))
}

fn oldest_forgotten(last: MutationNumber) -> MutationNumber {
    MutationNumber(last.0.saturating_sub(LEDGER_RESULTS_MAX))
}

/// A result as the ledger keeps it; its n is a column of its own.
pub(crate) fn write_result(result: &MutationResult) -> String {
    let mut members = BTreeMap::from([("status".into(), Value::text(result.outcome.as_str()))]);
    if !result.lost.is_empty() {
        let lost = result.lost.iter().map(|name| Value::text(name.as_str()));
        members.insert("lost".into(), Value::List(lost.collect()));
    }
    if let Some(problem) = &result.problem {
        members.insert("code".into(), Value::text(problem.code.as_str()));
        members.insert("detail".into(), Value::text(problem.detail.as_str()));
        if let Some(at) = &problem.at {
            members.insert("at".into(), Value::text(at.as_str()));
        }
        let constraint = problem.constraint.iter().flat_map(|constraint| constraint.members());
        members.extend(constraint.map(|(name, value)| (name.into(), value)));
    }
    Value::Object(members).canonical()
}

/// A row of `n, content, result`.
fn read_result(row: &rusqlite::Row<'_>) -> Result<MutationResult, Failure> {
    let text: String = row.get(2)?;
    let result = parse(&text).ok().and_then(|value| result_of(MutationNumber(unsigned(row.get(0).ok()?)), &value));
    result.ok_or_else(|| Failure::internal("a result in the ledger cannot be read"))
}

fn result_of(n: MutationNumber, value: &Value) -> Option<MutationResult> {
    let Value::Object(members) = value else { return None };
    let text = |name: &str| members.get(name).and_then(Value::as_text);
    let lost = match members.get("lost") {
        Some(Value::List(names)) => names.iter().filter_map(Value::as_text).map(Name::from).collect(),
        _ => Vec::new(),
    };
    let problem = text("code").map(|code| Problem {
        code: Code::from_text(code).unwrap_or(Code::Internal),
        detail: text("detail").unwrap_or_default().to_owned(),
        at: text("at").map(str::to_owned),
        constraint: Constraint::from_members(members).map(Box::new),
    });
    Some(MutationResult { n, outcome: Outcome::from_text(text("status")?)?, lost, problem })
}
