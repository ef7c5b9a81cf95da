//! `swain pause` and `swain resume`

use anyhow::Context as _;
use serde_json::json;

use crate::common::Common;
use crate::project::Project;

/// Let a table go for a while, so that anything may be done to it: drop a column, rebuild it, import millions of rows.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  swain pause games
  sqlite3 app.db 'ALTER TABLE games DROP COLUMN place'
  swain resume games

The server may run or not; on PostgreSQL the table's owner pauses it. Devices keep the rows they have; edits of the table wait on them until it is resumed.")]
pub(crate) struct Pause {
    /// Which table.
    table: String,
}

/// End a pause: changes are noted again, and every device loads the table anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  swain resume games")]
pub(crate) struct Resume {
    /// Which table.
    table: String,
}

impl Pause {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let (table, location) = (self.table, Project::read(common)?.location()?);
        let is_new = match location.postgres_options() {
            Some(options) => swain_postgres::pause(options, &table).await,
            None => swain_sqlite::pause(location.file().context("it is no file")?, &table),
        };
        let is_new = is_new.with_context(|| format!("'{table}' cannot be paused"))?;
        let text = match is_new {
            true => format!("'{table}' is paused. When you are done: swain resume {table}"),
            false => format!("'{table}' was paused already. To end it: swain resume {table}"),
        };
        common.report(&text, &json!({ "table": table, "paused": true, "changed": is_new }));
        Ok(())
    }
}

impl Resume {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let (table, location) = (self.table, Project::read(common)?.location()?);
        let was_paused = match location.postgres_options() {
            Some(options) => swain_postgres::resume(options, &table).await,
            None => swain_sqlite::resume(location.file().context("it is no file")?, &table),
        };
        let was_paused = was_paused.with_context(|| format!("'{table}' cannot be resumed"))?;
        let text = match was_paused {
            true => format!("'{table}' is live again; devices load it anew, a running server within a second"),
            false => format!("'{table}' was not paused"),
        };
        common.report(&text, &json!({ "table": table, "paused": false, "changed": was_paused }));
        Ok(())
    }
}
