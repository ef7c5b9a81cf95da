//! `swain demo`: an example application that is inside this program.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use rust_embed::RustEmbed;
use swain_core::{Code, UserId};
use swain_server::{Assets, NewAccount, add_account};
use swain_sqlite::ServerLock;
use swain_store::Store as _;

use crate::any_store::AnyStore;
use crate::common::Common;
use crate::database::{Database, Location};
use crate::project::Project;
use crate::run::run;

const PASSWORD: &str = "pickup-game";

/// Their ids are fixed, so that the sample rows can name them.
const PEOPLE: [(&str, &str); 3] = [("ada", "Ada"), ("ben", "Ben"), ("cleo", "Cleo")];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain demo
  swain demo pace --listen 127.0.0.1:0
  swain demo --fresh

Its data is in .swain/NAME, or in the folder that --data names.")]
pub(crate) struct Demo {
    /// Which example.
    #[arg(value_enum, default_value = "pace")]
    name: Example,
    /// Where to listen. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Forget the data of earlier runs.
    #[arg(long)]
    fresh: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Example {
    /// Pick-up games at the riverside courts.
    Pace,
}

#[derive(RustEmbed)]
#[folder = "../../examples/pace/"]
struct Pace;

impl Demo {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let data = common.data.clone().unwrap_or_else(|| Path::new(".swain").join(self.name.name()));
        std::fs::create_dir_all(&data).with_context(|| format!("the folder {} cannot be made", data.display()))?;
        let mut project = Project::inside(&self.name.text("swain.toml")?, "the demo's swain.toml", &data)?;
        // A demo is on SQLite, whatever database the shell's variables are about.
        project.config.database.url = None;
        let path = project.database_file("a demo")?;
        let _lock = ServerLock::take(&path)?;
        if self.fresh {
            forget(&path)?;
        }
        let database = Database::open_or_create(&Location::File(path.clone())).await?;
        self.name.fill(&database).await?;
        let engine = project.engine(&database).await?;

        let mut server = project.server_config()?;
        server.listen = self.listen;
        server.public = self.name.assets();
        run(server, engine, |address| {
            let report = serde_json::json!({ "database": path, "address": format!("http://{address}") });
            common.report(&welcome(address, &data), &report);
        })
        .await
    }
}

impl Example {
    fn name(self) -> &'static str {
        match self {
            Self::Pace => "pace",
        }
    }

    fn file(self, path: &str) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::Pace => Pace::get(path).map(|file| file.data),
        }
    }

    fn text(self, path: &str) -> anyhow::Result<String> {
        let file = self.file(path);
        let file = file.with_context(|| format!("this program was built without {path}"))?;
        String::from_utf8(file.into_owned()).with_context(|| format!("{path} is not UTF-8"))
    }

    fn assets(self) -> Assets {
        match self {
            Self::Pace => Assets::Embedded(|path| Self::Pace.file(&format!("public/{path}"))),
        }
    }

    /// Tables, sample rows and people, where they are not there yet.
    async fn fill(self, database: &Database) -> anyhow::Result<()> {
        let tables = database.store.introspect(None).await?.tables;
        if tables.is_empty() {
            // In one transaction: a demo that is ended in the middle begins again.
            let sql = format!("BEGIN IMMEDIATE;\n{}\n{}\nCOMMIT;", self.text("schema.sql")?, self.text("sample.sql")?);
            let AnyStore::Sqlite(store) = &*database.store else { bail!("a demo runs on SQLite") };
            store.execute_outside(sql).await.context("the demo's tables cannot be made")?;
        }
        for (id, name) in PEOPLE {
            let account = NewAccount {
                id: Some(UserId::from(id)),
                name: Some(name.to_owned()),
                ..NewAccount::new(format!("{id}@example.com"), PASSWORD)
            };
            match add_account(&*database.store, account).await {
                Err(problem) if problem.code != Code::EmailTaken => bail!("{}", problem.detail),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Removes what earlier runs wrote, and nothing else that may be in the folder.
fn forget(path: &Path) -> anyhow::Result<()> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn welcome(address: SocketAddr, data: &Path) -> String {
    let emails = PEOPLE.map(|(id, _)| format!("{id}@example.com")).join("  ");
    format!(
        "The demo runs at http://{address}

  Sign in as   {emails}
  Password     {PASSWORD}

Try this:
  1. Open the address in two windows, as two people: what one changes, the other sees.
  2. Pull the cable: the switch at the top of the page. Change things in both windows, plug it in again.
  3. Stop this server with Ctrl-C, go on working in the page, and start it again: nothing is lost.

The data is in {}; --fresh begins anew. Ctrl-C ends it.",
        data.display()
    )
}
