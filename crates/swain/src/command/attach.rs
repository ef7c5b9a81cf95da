//! `swain attach`: tables that live already.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use swain_core::Name;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::common::Common;
use crate::database::{Location, has_password, is_address};
use crate::file::write_whole;
use crate::project::Project;

/// Sync the tables of a database that lives already.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain attach app.db            list its tables in swain.toml; nobody reads them until they have rules
  swain attach app.db --open     everybody reads all of it, on this machine only: to look around
  swain attach postgres://app@db.example/app
                                 the same with a PostgreSQL database
  swain attach --sql > swain.sql what an administrator runs where the server's own role may not
  swain attach                   the database that swain.toml names, with tables that have come since

Rules that are in swain.toml stay as they are. `swain detach` leaves the database as it was found.")]
pub(crate) struct Attach {
    /// The SQLite file, or the address of a PostgreSQL database; without it, the one that the configuration names.
    database: Option<PathBuf>,
    /// Let everybody read all tables that are added; only while the server listens on this machine alone.
    #[arg(long)]
    open: bool,
    /// Only print the SQL for PostgreSQL: Swain's schema for the role of the address, and the triggers of the tables.
    #[arg(long, conflicts_with = "open")]
    sql: bool,
}

impl Attach {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let mut draft = Draft::read(&common.config, self.database.as_deref())?;
        let location = Project::of_text(&draft.document.to_string(), common)?.location()?;
        if let Some(path) = location.file().filter(|path| !path.exists()) {
            bail!("there is no database {}; `swain init` makes one to begin with", path.display());
        }
        if self.open {
            draft.check_loopback()?;
        }
        let found = Found::look(&location).await?;
        let tables: Vec<&Line> = found.tables.iter().filter(|table| table.left_out.is_none()).collect();
        if tables.is_empty() {
            bail!("{location} has no table that can be synced\n{}", found.text());
        }
        if self.sql {
            return print_sql(&location, &tables).await;
        }
        let added: Vec<&str> = tables.iter().filter(|table| draft.add(&table.name, self.open)).map(name_of).collect();
        capture(&draft, &location, common).await?;
        // Last: where it says so, everything is captured.
        let (text, has_secret) = draft.text();
        let written = write_whole(&common.config, text.as_bytes());
        written.with_context(|| format!("{} cannot be written", common.config.display()))?;
        let mut text = self.text(&found, &added, &location, common);
        if has_secret {
            text.push_str(
                "\nThe address has a password and is not written down: give it to the server as DATABASE_URL.",
            );
        }
        common.report(&text, &self.json(&found, &added, &location, common));
        Ok(())
    }

    fn text(&self, found: &Found, added: &[&str], location: &Location, common: &Common) -> String {
        let mut text = found.text();
        text.push_str(&format!(
            "\n{location} is attached: every change of these tables is logged from now on, whoever makes it.\n{} {} them.\n",
            common.config.display(),
            if added.is_empty() { "named all of" } else { "names" },
        ));
        if let Some(mode) = found.journal_mode.as_deref().filter(|mode| *mode != "wal") {
            text.push_str(&format!("Its journal_mode is wal now (it was {mode}); `swain detach` sets it back.\n"));
        }
        text.push_str(match self.open {
            true => "\nNext: swain dev     serves it; whoever reaches this machine reads all of it",
            false => "\nNext: give the tables rules in the file, as in read = \"owner = auth.id\"; then swain check, swain dev",
        });
        text
    }

    fn json(&self, found: &Found, added: &[&str], location: &Location, common: &Common) -> Value {
        let tables: Vec<Value> = found.tables.iter().map(Line::json).collect();
        json!({ "config": common.config, "database": location.to_string(), "open": self.open, "added": added,
            "tables": tables, "journal_mode_found": found.journal_mode, "was_attached": found.is_attached })
    }
}

/// Everything is checked before the database is touched; then it is captured, without a server.
async fn capture(draft: &Draft, location: &Location, common: &Common) -> anyhow::Result<()> {
    let project = Project::of_text(&draft.document.to_string(), common)?;
    let _lock = location.lock()?;
    let captured = async {
        let database = project.open().await?;
        project.engine(&database).await.map(drop)
    };
    let help = "where the role may not, its administrator runs what `swain attach --sql` prints";
    match location.file() {
        Some(_) => captured.await,
        None => captured.await.with_context(|| format!("{location} cannot be attached; {help}")),
    }
}

async fn print_sql(location: &Location, tables: &[&Line]) -> anyhow::Result<()> {
    let Some(options) = location.postgres_options() else {
        bail!("--sql is for PostgreSQL; {location} is a file, whose owner attaches it");
    };
    let names: Vec<Name> = tables.iter().map(|table| Name::from(table.name.as_str())).collect();
    let sql = swain_postgres::sql_to_attach(options, &names).await;
    anstream::print!("{}", sql.with_context(|| format!("{location} cannot be used"))?);
    Ok(())
}

/// What is in a database of either kind.
struct Found {
    tables: Vec<Line>,
    /// Of a file: how it is kept.
    journal_mode: Option<String>,
    is_attached: bool,
}

/// A table or view.
struct Line {
    name: String,
    left_out: Option<String>,
    remarks: Vec<String>,
}

impl Found {
    async fn look(location: &Location) -> anyhow::Result<Self> {
        let unusable = || format!("the database {location} cannot be used");
        match (location.file(), location.postgres_options()) {
            (_, Some(options)) => {
                let found = swain_postgres::survey(options).await.with_context(unusable)?;
                let tables =
                    found.tables.iter().map(|table| Line::of(&table.name, table.left_out.as_ref(), &table.remarks));
                Ok(Self { tables: tables.collect(), journal_mode: None, is_attached: found.is_attached })
            }
            (Some(path), None) => {
                let found = swain_sqlite::survey(path).with_context(unusable)?;
                let tables =
                    found.tables.iter().map(|table| Line::of(&table.name, table.left_out.as_ref(), &table.remarks));
                let tables = tables.collect();
                Ok(Self { tables, journal_mode: Some(found.journal_mode), is_attached: found.is_attached })
            }
            (None, None) => bail!("{location} is no place of a database"),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            match &table.left_out {
                None => text.push_str(&format!("{}\n", table.name)),
                Some(why) => text.push_str(&format!("{}: left out, {why}\n", table.name)),
            }
            text.extend(table.remarks.iter().map(|remark| format!("  {remark}\n")));
        }
        text
    }
}

impl Line {
    fn of(name: &Name, left_out: Option<impl ToString>, remarks: &[impl ToString]) -> Self {
        let remarks = remarks.iter().map(ToString::to_string).collect();
        Self { name: name.to_string(), left_out: left_out.map(|why| why.to_string()), remarks }
    }

    fn json(&self) -> Value {
        json!({ "table": self.name, "left_out": self.left_out, "remarks": self.remarks })
    }
}

/// The configuration as it will be.
struct Draft {
    document: DocumentMut,
    /// The command line brought an address that is not for a file.
    has_secret: bool,
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
        let mut draft = Self { document, has_secret: false };
        match database {
            Some(database) if is_address(database) => draft.name_server(config, &database.to_string_lossy())?,
            Some(database) => draft.name_database(config, database)?,
            None => {}
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

    fn name_server(&mut self, config: &Path, url: &str) -> anyhow::Result<()> {
        let named = self.document.get("database").and_then(|section| section.get("url")).and_then(Item::as_str);
        if named.is_some_and(|other| other != url) {
            bail!(
                "{} is about another database; for this one take another file: swain --config other.toml attach …",
                config.display()
            );
        }
        self.has_secret = named.is_none() && has_password(url);
        self.document["database"]["url"] = value(url);
        if let Some(section) = self.document["database"].as_inline_table().cloned() {
            self.document["database"] = Item::Table(section.into_table());
        }
        Ok(())
    }

    /// What is written, and whether something is missing in it that nobody else should read.
    fn text(&self) -> (String, bool) {
        let mut document = self.document.clone();
        if self.has_secret
            && let Some(section) = document.get_mut("database").and_then(Item::as_table_mut)
        {
            section.remove("url");
            section.set_implicit(true);
        }
        (document.to_string(), self.has_secret)
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

fn name_of<'s>(table: &&'s Line) -> &'s str {
    &table.name
}
