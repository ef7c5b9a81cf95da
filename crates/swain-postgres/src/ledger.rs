//! The ledger: what was decided, by device and number (spec S4).

use std::collections::BTreeMap;

use swain_core::limits::LEDGER_RESULTS_MAX;
use swain_core::protocol::{MutationResult, Outcome};
use swain_core::strict_json::parse;
use swain_core::{Code, Constraint, DeviceId, Millis, MutationNumber, Name, Problem, UserId, Value, Who};
use swain_store::{DeviceRow, LedgerRow};

use crate::connection::Session;
use crate::failure::Failure;
use crate::log::{signed, unsigned};

/// Old results are forgotten once in so many mutations.
const PRUNE_EVERY: u64 = 64;

/// A device that comes is noted as seen when the last note is older than this: few hellos write.
const SEEN_AGE_MS_MAX: i64 = 60 * 60 * 1000;

/// One class of advisory locks for devices that are new, so that it meets no lock of the application's.
const DEVICE_LOCKS: i32 = 7_743_232;

/// What the ledger knows of a device.
pub(crate) async fn device_row(session: &Session, device: &DeviceId) -> Result<Option<DeviceRow>, Failure> {
    let row = session.query_opt("SELECT usr, last FROM swain.devices WHERE device = $1", &[&device.as_str()]).await?;
    Ok(row.as_ref().map(read_device))
}

/// The same, locked until the transaction ends. A device that is new is locked by its name.
pub(crate) async fn lock_device(session: &Session, device: &DeviceId) -> Result<Option<DeviceRow>, Failure> {
    let sql = "SELECT usr, last FROM swain.devices WHERE device = $1 FOR UPDATE";
    if let Some(row) = session.query_opt(sql, &[&device.as_str()]).await? {
        return Ok(Some(read_device(&row)));
    }
    let lock = "SELECT pg_advisory_xact_lock($1, hashtext($2))";
    session.query(lock, &[&DEVICE_LOCKS, &device.as_str()]).await?;
    Ok(session.query_opt(sql, &[&device.as_str()]).await?.as_ref().map(read_device))
}

fn read_device(row: &tokio_postgres::Row) -> DeviceRow {
    let user = row.get::<_, Option<&str>>(0).map(UserId::from);
    DeviceRow { user, last: MutationNumber(unsigned(row.get(1))) }
}

/// Takes a device for somebody if nobody has it, and notes that it was seen.
pub(crate) async fn claim_device(
    session: &Session,
    device: &DeviceId,
    user: Option<&UserId>,
    now: Millis,
) -> Result<(), Failure> {
    let sql = "
        INSERT INTO swain.devices (device, usr, last, at) VALUES ($1, $2, 0, $3)
        ON CONFLICT (device) DO UPDATE SET at = greatest(devices.at, excluded.at), retired = false
        WHERE devices.retired OR devices.at < excluded.at - $4";
    let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&device.as_str(), &user.map(UserId::as_str), &signed(now.0), &SEEN_AGE_MS_MAX];
    session.execute(sql, parameters).await.map(drop)
}

/// A decided mutation; none when it is too old to be kept.
pub(crate) async fn decided(
    session: &Session,
    device: &DeviceId,
    n: MutationNumber,
) -> Result<Option<LedgerRow>, Failure> {
    if device_row(session, device).await?.is_some_and(|row| n <= oldest_forgotten(row.last)) {
        return Ok(None);
    }
    let sql = "SELECT n, result, content FROM swain.ledger WHERE device = $1 AND n = $2";
    let row = session.query_opt(sql, &[&device.as_str(), &signed(n.0)]).await?;
    row.map(|row| Ok(LedgerRow { content_hash: row.get(2), result: read_result(&row)? })).transpose()
}

/// Results of a device's n above `after`, rising. What is no longer here was applied (spec S16).
pub(crate) async fn results(
    session: &Session,
    device: &DeviceId,
    after: MutationNumber,
) -> Result<Vec<MutationResult>, Failure> {
    let Some(row) = device_row(session, device).await? else { return Ok(Vec::new()) };
    let after = after.max(oldest_forgotten(row.last));
    let sql = "SELECT n, result FROM swain.ledger WHERE device = $1 AND n > $2 ORDER BY n";
    let rows = session.query(sql, &[&device.as_str(), &signed(after.0)]).await?;
    let (mut results, mut next) = (Vec::new(), after.next());
    for found in &rows {
        let result = read_result(found)?;
        results.extend((next.0..result.n.0).map(MutationNumber).map(applied));
        next = result.n.next();
        results.push(result);
    }
    results.extend((next.0..=row.last.0).map(MutationNumber).map(applied));
    Ok(results)
}

/// Writes what became of a mutation, the device's new highest n, and the mark behind the mutation's changes, in one
/// statement.
pub(crate) async fn decide(session: &Session, who: &Who, now: Millis, row: &LedgerRow) -> Result<(), Failure> {
    let Who::Device { user, device, n } = who else {
        return Err(Failure::internal("only devices have mutations"));
    };
    let (device, user, n, at) = (device.as_str(), user.as_ref().map(UserId::as_str), signed(n.0), signed(now.0));
    let sql = "
        WITH advanced AS (
            INSERT INTO swain.devices (device, usr, last, at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (device) DO UPDATE
            SET last = excluded.last, at = greatest(devices.at, excluded.at), retired = false
        ), decided AS (
            INSERT INTO swain.ledger (device, n, content, result) VALUES ($1, $3, $5, $6)
        )
        INSERT INTO swain.changes (op, tbl, at, usr, device, n) VALUES ('m', '', $4, $2, $1, $3)";
    session.execute(sql, &[&device, &user, &n, &at, &row.content_hash, &write_result(&row.result)]).await?;
    if unsigned(n).is_multiple_of(PRUNE_EVERY) {
        let through = oldest_forgotten(MutationNumber(unsigned(n)));
        let sql = "DELETE FROM swain.ledger WHERE device = $1 AND n <= $2";
        session.execute(sql, &[&device, &signed(through.0)]).await?;
    }
    Ok(())
}

fn applied(n: MutationNumber) -> MutationResult {
    MutationResult { n, outcome: Outcome::Applied, lost: Vec::new(), problem: None }
}

fn oldest_forgotten(last: MutationNumber) -> MutationNumber {
    MutationNumber(last.0.saturating_sub(LEDGER_RESULTS_MAX))
}

/// A result as the ledger keeps it; its n is a column of its own.
fn write_result(result: &MutationResult) -> String {
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

/// A row of `n, result`.
fn read_result(row: &tokio_postgres::Row) -> Result<MutationResult, Failure> {
    let result = parse(row.get(1)).ok().and_then(|value| result_of(MutationNumber(unsigned(row.get(0))), &value));
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
