//! `swain attach`: tables that live already.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use swain_sqlite::{ServerLock, Survey, Surveyed, survey};
use toml_edit::{DocumentMut, Item, Table, value};

use crate::common::Common;
use crate::file::write_whole;
use crate::project::Project;

/// Sync the tables of a database that lives already.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain attach app.db            list its tables in swain.toml; nobody reads them until they have rules
  swain attach app.db --open     everybody reads all of it, on this machine only: to look around
  swain attach                   the database that swain.toml names, with tables that have come since

Rules that are in swain.toml stay as they are. `swain detach` leaves the database as it was found.")]
pub(crate) struct Attach {
    /// The SQLite file; without it, the one that the configuration names.
    database: Option<PathBuf>,
    /// Let everybody read all tables that are added; only while the server listens on this machine alone.
    #[arg(long)]
    open: bool,
}

impl Attach {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let mut draft = Draft::read(&common.config, self.database.as_deref())?;
        let path = draft.database_path(common)?;
        if !path.exists() {
            bail!("there is no database {}; `swain init` makes one to begin with", path.display());
        }
        if self.open {
            draft.check_loopback()?;
        }
        let found = survey(&path).with_context(|| format!("the database {} cannot be used", path.display()))?;
        let tables: Vec<&Surveyed> = found.tables.iter().filter(|table| table.left_out.is_none()).collect();
        if tables.is_empty() {
            bail!("{} has no table that can be synced\n{}", path.display(), text_of(&found.tables));
        }
        let added: Vec<&str> = tables.iter().filter(|table| draft.add(&table.name, self.open)).map(name_of).collect();
        capture(&draft, &path, common).await?;
        // Last: where it says so, everything is captured.
        let text = draft.document.to_string();
        let written = write_whole(&common.config, text.as_bytes());
        written.with_context(|| format!("{} cannot be written", common.config.display()))?;
        common.report(&self.text(&found, &added, &path, common), &self.json(&found, &added, &path, common));
        Ok(())
    }

    fn text(&self, found: &Survey, added: &[&str], path: &Path, common: &Common) -> String {
        let mut text = text_of(&found.tables);
        text.push_str(&format!(
            "\n{} is attached: every change of these tables is logged from now on, whoever makes it.\n{} {} them.\n",
            path.display(),
            common.config.display(),
            if added.is_empty() { "named all of" } else { "names" },
        ));
        if found.journal_mode != "wal" {
            text.push_str(&format!(
                "Its journal_mode is wal now (it was {}); `swain detach` sets it back.\n",
                found.journal_mode
            ));
        }
        text.push_str(match self.open {
            true => "\nNext: swain dev     serves it; whoever reaches this machine reads all of it",
            false => "\nNext: give the tables rules in the file, as in read = \"owner = auth.id\"; then swain check, swain dev",
        });
        text
    }

    fn json(&self, found: &Survey, added: &[&str], path: &Path, common: &Common) -> Value {
        let tables: Vec<Value> = found.tables.iter().map(json_of).collect();
        json!({ "config": common.config, "database": path, "open": self.open, "added": added, "tables": tables,
            "journal_mode_found": found.journal_mode, "was_attached": found.is_attached })
    }
}

/// Everything is checked before the database is touched; then it is captured, without a server.
async fn capture(draft: &Draft, path: &Path, common: &Common) -> anyhow::Result<()> {
    let project = Project::of_text(&draft.document.to_string(), common)?;
    let _lock = ServerLock::take(path)?;
    let database = project.open().await?;
    project.engine(&database).await.map(drop)
}

/// The configuration as it will be.
struct Draft {
    document: DocumentMut,
}

const BEGINNING: &str = "\
# Everything that can stand here, with its environment variable: docs/configuration.md.
# A table that is not named here is not synced; what has no rule is not allowed.

[server]
listen = \"127.0.0.1:8080\"
public = \"public\"
";

impl Draft {
    fn read(config: &Path, database: Option<&Path>) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(config) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BEGINNING.to_owned(),
            text => text.with_context(|| format!("{} cannot be read", config.display()))?,
        };
        let document = text.parse().with_context(|| format!("{} is not right", config.display()))?;
        let mut draft = Self { document };
        if let Some(database) = database {
            draft.name_database(config, database)?;
        }
        Ok(draft)
    }

    /// Relative to the file, as everything in it is.
    fn name_database(&mut self, config: &Path, database: &Path) -> anyhow::Result<()> {
        let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty());
        let named = match folder {
            Some(_) => std::path::absolute(database).context("the database's path cannot be read")?,
            None => database.to_owned(),
        };
        let named = named.to_str().context("the database's path is not UTF-8")?;
        match self.document.get("database").and_then(|section| section.get("path")).and_then(Item::as_str) {
            Some(other) if other != named => bail!(
                "{} is about {other}; for another database take another file: swain --config other.toml attach {}",
                config.display(),
                database.display()
            ),
            Some(_) => {}
            None => self.document["database"]["path"] = value(named),
        }
        if let Some(section) = self.document["database"].as_inline_table().cloned() {
            self.document["database"] = Item::Table(section.into_table());
        }
        Ok(())
    }

    fn database_path(&self, common: &Common) -> anyhow::Result<PathBuf> {
        let project = Project::of_text(&self.document.to_string(), common)?;
        project.database_file("swain attach, which lists tables,")
    }

    fn check_loopback(&self) -> anyhow::Result<()> {
        let listen = self.document.get("server").and_then(|server| server.get("listen")).and_then(Item::as_str);
        let address = listen.and_then(|listen| listen.parse::<SocketAddr>().ok());
        match address {
            Some(address) if !address.ip().is_loopback() => bail!(
                "--open lets everybody read, and [server] listen = \"{address}\" is not this machine alone; \
                 set it to 127.0.0.1:8080, or attach without --open and write rules"
            ),
            Some(_) | None => Ok(()),
        }
    }

    /// False when the file names the table already.
    fn add(&mut self, name: &str, open: bool) -> bool {
        let tables = self.document.entry("tables").or_insert_with(|| Item::Table(Table::new()));
        let Some(tables) = tables.as_table_mut() else { return false };
        tables.set_implicit(true);
        if tables.contains_key(name) {
            return false;
        }
        let mut table = Table::new();
        if open {
            table["read"] = value("true");
        }
        tables.insert(name, Item::Table(table));
        true
    }
}

fn name_of<'s>(table: &&'s Surveyed) -> &'s str {
    table.name.as_str()
}

fn text_of(tables: &[Surveyed]) -> String {
    let mut text = String::new();
    for table in tables {
        match table.left_out {
            None => text.push_str(&format!("{}\n", table.name)),
            Some(why) => text.push_str(&format!("{}: left out, {why}\n", table.name)),
        }
        text.extend(table.remarks.iter().map(|remark| format!("  {remark}\n")));
    }
    text
}

fn json_of(table: &Surveyed) -> Value {
    let remarks: Vec<String> = table.remarks.iter().map(ToString::to_string).collect();
    json!({ "table": table.name.as_str(), "left_out": table.left_out.map(|why| why.to_string()), "remarks": remarks })
}
