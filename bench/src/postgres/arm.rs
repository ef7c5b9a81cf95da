//! What is compared: the same table, and what else is done when somebody writes to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use swain_core::{Millis, Schema};
use swain_postgres::{PostgresOptions, PostgresStore};
use swain_store::Store as _;
use swain_testkit::Psql;
use swain_testkit::postgres::run_sql;

const AUDIT: &str = include_str!("audit.sql");
const MOVED: &str = include_str!("moved.sql");
const SEQUENCE: &str = include_str!("../../../crates/swain-postgres/src/sql/sequence.sql");

/// What the pass that is shipped does for the index by table and scope.
const SCOPE_ROWS: &str = "insert into swain.scopes (tbl, scope, pos, first, last)
        select distinct tbl, scope, pos, first, last from told, unnest(scopes || array['']) as scope
        returning 1";

/// As often as a server looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Arm {
    /// No trigger.
    Off,
    /// A trigger that writes one row of a log.
    Audit,
    /// Capture and sequencing, without scope rows.
    Bare,
    /// As it is shipped, with one scope column.
    Whole,
    /// Changes that are moved from an outbox into the log, without scope rows.
    Moved,
}

/// What gives positions while others write.
pub(crate) enum Sequencing {
    Nobody,
    Store(PostgresStore),
    Passes(Passes),
}

impl Arm {
    pub(crate) const ALL: [Self; 5] = [Self::Off, Self::Audit, Self::Bare, Self::Whole, Self::Moved];

    pub(crate) async fn set_up(self, url: &str) -> anyhow::Result<Sequencing> {
        Ok(match self {
            Self::Off => Sequencing::Nobody,
            Self::Audit => {
                run_sql(url, AUDIT);
                Sequencing::Nobody
            }
            Self::Bare => {
                let (store, _) = open(url, &[]).await?;
                run_sql(url, &replaced(SEQUENCE, SCOPE_ROWS, "select 1 where false")?);
                Sequencing::Store(store)
            }
            Self::Whole => Sequencing::Store(open(url, &["court"]).await?.0),
            Self::Moved => {
                drop(open(url, &[]).await?);
                run_sql(url, MOVED);
                let capture = run_sql(url, "SELECT pg_get_functiondef('swain.capture_plain'::regproc)");
                run_sql(url, &replaced(&capture, "insert into swain.changes", "insert into swain.outbox")?);
                Sequencing::Passes(Passes::begin(url))
            }
        })
    }
}

/// A node that has adopted the table.
pub(crate) async fn open(url: &str, scopes: &[&str]) -> anyhow::Result<(PostgresStore, Schema)> {
    let store = PostgresStore::open(PostgresOptions::new(url)).await?;
    let mut schema = store.introspect(None).await?;
    let table = schema.tables.get_mut("items").context("the table is there")?;
    table.scopes = scopes.iter().map(|scope| (*scope).into()).collect();
    let schema = store.adopt(schema, Millis(1)).await?;
    Ok((store, schema))
}

/// What is compared is what is shipped, but for this.
fn replaced(sql: &str, from: &str, to: &str) -> anyhow::Result<String> {
    ensure!(sql.contains(from), "the store's SQL has no longer: {from}");
    Ok(sql.replace(from, to))
}

impl Sequencing {
    /// Waits until everything has its position; gives the number of positions, if there are any.
    pub(crate) async fn catch_up(&self, url: &str) -> anyhow::Result<Option<u64>> {
        match self {
            Self::Nobody => return Ok(None),
            Self::Store(store) => store.look_outside().await?,
            Self::Passes(passes) => passes.catch_up(),
        }
        Ok(Some(run_sql(url, "SELECT head FROM swain.state").parse()?))
    }
}

/// Somebody who runs passes as often as a node does.
pub(crate) struct Passes {
    url: String,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Passes {
    fn begin(url: &str) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (mut psql, seen) = (Psql::open(url), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                psql.say("SELECT swain.sequence()");
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self { url: url.to_owned(), is_over, thread: Some(thread) }
    }

    /// Another pass may be going on, which does not see all.
    fn catch_up(&self) {
        while run_sql(&self.url, "SELECT swain.sequence()") != "0" {}
    }
}

impl Drop for Passes {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It cannot fail but by the end of the database.
            let _ = thread.join();
        }
    }
}
