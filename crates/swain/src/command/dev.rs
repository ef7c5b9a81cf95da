//! `swain dev`: serves, and serves again what was saved.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use swain_core::Name;
use swain_server::{Assets, Devtools, Reloads, Running, Server};
use swain_sqlite::ServerLock;
use swain_store::Store as _;

use crate::common::Common;
use crate::database::Database;
use crate::file::write_whole;
use crate::project::Project;
use crate::run::Signals;
use crate::typescript::{Numbers, typescript};
use crate::watch::Look;

/// Between two looks at files and tables.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Serve for who develops: reload on save, with a panel in the page.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain dev
  swain dev --types src/tables.ts
  swain dev --listen 0.0.0.0:8080      also for the phone in the same network

It looks at swain.toml, at the tables and at public/. What is wrong is shown here and in the page, and the server of
before goes on. Not for production: that is swain serve.")]
pub(crate) struct Dev {
    /// Where to listen; overrides [server] listen. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Keep the TypeScript types of the tables in this file.
    #[arg(long, value_name = "FILE")]
    types: Option<PathBuf>,
}

impl Dev {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let mut signals = Signals::new().context("signals cannot be heard")?;
        let mut site = Site::start(self, common).await?;
        let mut seen = site.look().await?;
        loop {
            tokio::select! {
                () = signals.next() => break,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let now = site.look().await?;
            if now != seen {
                site.take(&now, &seen).await?;
                // With the paths of the configuration that is in use now.
                seen = site.look().await?;
            }
        }
        eprintln!("Draining; once more ends it at once.");
        tokio::select! {
            () = site.end() => {}
            () = signals.next() => {}
        }
        Ok(())
    }
}

/// The server that runs, and what it was made from.
struct Site {
    options: Dev,
    common: Common,
    reloads: Reloads,
    project: Project,
    database: Database,
    lock: Option<ServerLock>,
    /// None only while one takes the place of another.
    running: Option<Running>,
    /// Stays the same from one server to the next, so that open pages find it again.
    address: SocketAddr,
}

/// Everything that is looked at.
#[derive(PartialEq)]
struct Seen {
    config: Look,
    public: Look,
    /// What the database says of the tables.
    tables: String,
}

impl Site {
    async fn start(options: Dev, common: &Common) -> anyhow::Result<Self> {
        let project = Project::read(common)?;
        let location = project.location()?;
        let database = project.open().await?;
        let lock = location.lock()?;
        let reloads = Reloads::default();
        let listen = options.listen.unwrap_or(project.config.server.listen);
        let running = serve(&project, &database, &reloads, listen).await?;
        let (common, address) = (common.clone(), running.address);
        let site = Self { options, common, reloads, project, database, lock, running: Some(running), address };
        site.write_types().await?;
        let text = format!("Swain serves {location} at http://{address}\nIt reloads on save; Ctrl-C ends it.");
        let report = serde_json::json!({ "database": location.to_string(), "address": format!("http://{address}") });
        site.common.report(&text, &report);
        Ok(site)
    }

    async fn look(&self) -> anyhow::Result<Seen> {
        let (config, public) = (self.common.config.clone(), self.public());
        let files = tokio::task::spawn_blocking(move || (Look::at(&[&config]), Look::at(&[&public])));
        let (config, public) = files.await.context("files cannot be looked at")?;
        let names = self.project.config.tables.keys().map(|name| Name::from(name.as_str())).collect();
        let tables = match self.database.store.introspect(Some(names)).await {
            Ok(schema) => schema.hash(),
            Err(error) => error.to_string(),
        };
        Ok(Seen { config, public, tables })
    }

    fn public(&self) -> PathBuf {
        self.project.place.resolve(&self.project.config.server.public)
    }

    /// Brings what was saved to the pages. An error of what was saved is told; only one of ours ends it all.
    async fn take(&mut self, now: &Seen, before: &Seen) -> anyhow::Result<()> {
        let is_page_only = now.config == before.config && now.tables == before.tables;
        let what = match now.public.changed_since(&before.public) {
            Some(path) if is_page_only => path.display().to_string(),
            _ => self.common.config.display().to_string(),
        };
        let outcome = if is_page_only { Ok(()) } else { self.renew().await };
        match outcome {
            Ok(()) => {
                eprintln!("{what}: reloaded");
                self.reloads.reload(&what);
                Ok(())
            }
            Err(error) if self.running.is_some() => {
                let text = format!("{error:#}");
                eprintln!("error: {text}\nThe server of before goes on.");
                self.reloads.problem(&text);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// A server of the saved configuration in the place of the one that runs.
    async fn renew(&mut self) -> anyhow::Result<()> {
        let project = Project::read(&self.common)?;
        let location = project.location()?;
        let other = match location == self.project.location()? {
            true => None,
            false => Some((project.open().await?, location.lock()?)),
        };
        let database = other.as_ref().map_or(&self.database, |(database, _)| database).clone();
        // What is wrong is found while the old one still runs.
        project.catalog(&database).await?;
        project.server_config()?;
        let is_same_place =
            self.options.listen.is_some() || project.config.server.listen == self.project.config.server.listen;
        let listen = if is_same_place { self.address } else { project.config.server.listen };
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
        match serve(&project, &database, &self.reloads, listen).await {
            Ok(running) => {
                self.address = running.address;
                self.running = Some(running);
                self.project = project;
                if let Some((database, lock)) = other {
                    (self.database, self.lock) = (database, lock);
                }
                self.write_types().await
            }
            Err(error) => {
                let old = serve(&self.project, &self.database, &self.reloads, self.address).await;
                self.running = Some(old.context("the server of before does not start again")?);
                Err(error)
            }
        }
    }

    async fn write_types(&self) -> anyhow::Result<()> {
        let Some(path) = &self.options.types else { return Ok(()) };
        let catalog = self.project.catalog(&self.database).await?;
        let text = typescript(&catalog, Numbers::Plain);
        // A file that is written for nothing wakes other watchers.
        if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        write_whole(path, text.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))
    }

    async fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.drain().await;
        }
    }
}

async fn serve(
    project: &Project,
    database: &Database,
    reloads: &Reloads,
    listen: SocketAddr,
) -> anyhow::Result<Running> {
    let engine = project.engine(database).await?;
    let mut server = project.server_config()?;
    server.listen = listen;
    server.public = Assets::Folder(project.place.resolve(&project.config.server.public));
    server.devtools = Devtools::On;
    server.reloads = Some(reloads.clone());
    let started = Server::start(server, engine).await;
    started.context("the server does not start (another address: --listen 127.0.0.1:0)")
}
