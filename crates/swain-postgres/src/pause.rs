//! Pausing a table: its triggers go, so that whatever is done to it costs nothing beside itself, and devices load it anew
//! afterwards (spec S14).
//!
//! That a table is paused is part of its signature: every server notices it as it notices any other change of the table,
//! and a mutation that touched the table meets it before its commit.

use std::collections::BTreeSet;

use swain_core::Name;
use swain_store::StoreError;

use crate::adopt::{ADOPTION_LOCK, stored_layout};
use crate::capture;
use crate::connection::{Connections, Session};
use crate::failure::Failure;
use crate::layout::TableLayout;
use crate::options::PostgresOptions;

/// In `swain.meta`, before the table's name.
const PAUSED: &str = "paused ";

/// Stops noting changes of a table until [`resume`], whether servers run or not; true when it was not paused yet.
/// Devices keep what they have of it, and their edits of it wait. Only the table's owner may take its triggers away.
pub async fn pause(options: PostgresOptions, table: &str) -> Result<bool, StoreError> {
    let session = begin(&options).await?;
    let result = try_pause(&session, table).await;
    Ok(session.end(result).await?)
}

/// Ends a pause; true when there was one. Running servers, or the next start, note changes again, and every device that
/// has rows of the table loads it anew: nobody knows what happened to it.
pub async fn resume(options: PostgresOptions, table: &str) -> Result<bool, StoreError> {
    let session = begin(&options).await?;
    let result = try_resume(&session, table).await;
    Ok(session.end(result).await?)
}

/// Of these tables.
pub(crate) async fn paused(session: &Session, tables: impl Iterator<Item = &Name>) -> Result<BTreeSet<Name>, Failure> {
    let names: Vec<String> = tables.map(|name| format!("{PAUSED}{name}")).collect();
    let rows = session.query("SELECT name FROM swain.meta WHERE name = ANY ($1)", &[&names]).await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, &str>(0).strip_prefix(PAUSED)).map(Name::from).collect())
}

async fn begin(options: &PostgresOptions) -> Result<Session, Failure> {
    let session = Connections::new(options)?.get().await?;
    session.batch("BEGIN").await?;
    Ok(session)
}

async fn try_pause(session: &Session, table: &str) -> Result<bool, Failure> {
    let table = synced(session, table).await?;
    let sql = "INSERT INTO swain.meta (name, value) VALUES ($1, '') ON CONFLICT DO NOTHING";
    let is_new = session.execute(sql, &[&format!("{PAUSED}{}", table.name)]).await? > 0;
    // While this waits for an open transaction, the application's writers wait behind it.
    session.batch(&format!("SET LOCAL lock_timeout = {}", capture::INSTALL_LOCK_MS_MAX)).await?;
    capture::remove(session, &table).await?;
    Ok(is_new)
}

async fn try_resume(session: &Session, table: &str) -> Result<bool, Failure> {
    let table = synced(session, table).await?;
    let sql = "DELETE FROM swain.meta WHERE name = $1";
    Ok(session.execute(sql, &[&format!("{PAUSED}{}", table.name)]).await? > 0)
}

/// The table as it was adopted. No server adopts anything until the end of this transaction.
async fn synced(session: &Session, table: &str) -> Result<std::sync::Arc<TableLayout>, Failure> {
    let is_there: bool = session.query_one("SELECT to_regclass('swain.meta') IS NOT NULL", &[]).await?.get(0);
    if !is_there {
        return Err(Failure::unusable("the database has nothing of Swain in it"));
    }
    session.execute("SELECT pg_advisory_xact_lock($1)", &[&ADOPTION_LOCK]).await?;
    let layout = stored_layout(session).await?;
    if let Some(found) = layout.tables.get(table) {
        return Ok(found.clone());
    }
    let names: Vec<String> = layout.tables.keys().map(|name| format!("`{name}`")).collect();
    Err(Failure::unusable(format!("'{table}' is not a synced table; there are {}", names.join(", "))))
}
