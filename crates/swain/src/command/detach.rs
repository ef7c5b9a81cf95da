//! `swain detach`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;
use swain_sqlite::{detach, survey};
use swain_store::Accounts as _;

use crate::common::Common;
use crate::database::{Database, Location, is_address};
use crate::project::Project;

/// Leave a database as it was found: without Swain's triggers, log and accounts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain detach              the database that swain.toml names
  swain detach app.db --yes
  swain detach postgres://app@db.example/app

What the application's own tables hold stays. Stop the server and every other program that has the file open first.
Edits that devices have not sent yet stay on the devices.")]
pub(crate) struct Detach {
    /// The SQLite file, or the address of a PostgreSQL database; without it, the one that the configuration names.
    database: Option<PathBuf>,
    /// Also when accounts go with it.
    #[arg(long)]
    yes: bool,
}

impl Detach {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let path = match self.database {
            Some(url) if is_address(&url) => {
                let server = Location::Server { url: url.to_string_lossy().into_owned(), root_certificate: None };
                return leave_server(&server, self.yes, common).await;
            }
            Some(path) => path,
            None => match Project::read(common)?.location()? {
                Location::File(path) => path,
                server @ Location::Server { .. } => return leave_server(&server, self.yes, common).await,
            },
        };
        if !path.exists() {
            bail!("there is no database {}", path.display());
        }
        let unusable = || format!("the database {} cannot be used", path.display());
        if !survey(&path).with_context(unusable)?.is_attached {
            bail!("{} has nothing of Swain in it", path.display());
        }
        if !self.yes && has_accounts(&path).await? {
            bail!(
                "accounts are kept in {} and would go, too; `swain user list` shows them; if they may go: swain detach --yes",
                path.display()
            );
        }
        let left = detach(&path).with_context(unusable)?;
        let mut text = format!("{} is as it was found; its journal_mode is {}", path.display(), left.journal_mode);
        if !left.mode_was_known {
            text.push_str(" (nobody had noted how it was before)");
        }
        text.push_str(&format!("\n{} stays where it is.", common.config.display()));
        let report = json!({ "database": path, "journal_mode": left.journal_mode,
            "mode_was_known": left.mode_was_known });
        common.report(&text, &report);
        Ok(())
    }
}

/// The same of a PostgreSQL database. Other servers that have it open notice that their tables are gone.
async fn leave_server(location: &Location, yes: bool, common: &Common) -> anyhow::Result<()> {
    let options = location.postgres_options().context("it is no PostgreSQL database")?;
    let found = swain_postgres::survey(options.clone()).await;
    if !found.with_context(|| format!("the database {location} cannot be used"))?.is_attached {
        bail!("{location} has nothing of Swain in it");
    }
    let database = Database::open(location).await?;
    if !yes && !database.store.persons(None, 1).await.context("accounts cannot be read")?.is_empty() {
        bail!(
            "accounts are kept in {location} and would go, too; `swain user list` shows them; if they may go: swain detach --yes"
        );
    }
    drop(database);
    swain_postgres::detach(options).await.with_context(|| format!("{location} cannot be left"))?;
    let text = format!("{location} is as it was found.\n{} stays where it is.", common.config.display());
    common.report(&text, &json!({ "database": location.to_string() }));
    Ok(())
}

/// The store is closed again when this returns: nobody may have the file open then.
async fn has_accounts(path: &Path) -> anyhow::Result<bool> {
    let database = Database::open(&Location::File(path.to_owned())).await?;
    Ok(!database.store.persons(None, 1).await.context("accounts cannot be read")?.is_empty())
}
