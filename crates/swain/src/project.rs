//! What a command works on: the configuration, the folder it starts from, and the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use swain_core::{Name, Schema, Table};
use swain_engine::{Catalog, Engine, EngineError};
use swain_server::{ServerConfig, now};
use swain_store::Store as _;

use crate::any_store::AnyStore;
use crate::common::Common;
use crate::config::{Config, Place, Source};
use crate::database::{Database, Location};
use crate::nearest::nearest;

/// A configuration and where it is.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) config: Config,
    pub(crate) place: Place,
    source: Source,
    data: Option<PathBuf>,
}

/// The table of the catalog that somebody named; the error says which one may have been meant.
pub(crate) fn table_of<'a>(catalog: &'a Catalog, name: &str, common: &Common) -> anyhow::Result<&'a Table> {
    let tables = &catalog.schema.tables;
    tables.get(name).ok_or_else(|| {
        let near = nearest(name, tables.keys().map(Name::as_str));
        let help = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        anyhow!("{} names no table '{name}'{help}", common.config.display())
    })
}

impl Project {
    /// Reads the file that the command line names, with the environment over it.
    pub(crate) fn read(common: &Common) -> anyhow::Result<Self> {
        let (config, source) = Config::read_file(&common.config)?;
        Ok(Self { config, place: Place::of_file(&common.config), source, data: common.data.clone() })
    }

    /// The same of another file.
    pub(crate) fn read_other(path: &Path, common: &Common) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::of_text(&text, common)
    }

    /// The same of a text that is to become that file.
    pub(crate) fn of_text(text: &str, common: &Common) -> anyhow::Result<Self> {
        let (config, source) = Config::read(text, &common.config.display().to_string())?;
        Ok(Self { config, place: Place::of_file(&common.config), source, data: common.data.clone() })
    }

    /// A configuration that is not in a file, for data in a folder.
    pub(crate) fn inside(text: &str, name: &str, folder: &Path) -> anyhow::Result<Self> {
        let (config, source) = Config::read(text, name)?;
        Ok(Self { config, place: Place::of_folder(folder), source, data: Some(folder.to_owned()) })
    }

    pub(crate) fn location(&self) -> anyhow::Result<Location> {
        self.config.location(&self.place, self.data.as_deref())
    }

    /// The file of the database, for what only a file can have done to it.
    pub(crate) fn database_file(&self, what: &str) -> anyhow::Result<PathBuf> {
        match self.location()? {
            Location::File(path) => Ok(path),
            Location::Server { .. } => bail!("{what} is for an SQLite file; on PostgreSQL it is not there yet"),
        }
    }

    /// Opens the database, which has to be there.
    pub(crate) async fn open(&self) -> anyhow::Result<Database> {
        Database::open(&self.location()?).await
    }

    pub(crate) fn server_config(&self) -> anyhow::Result<ServerConfig> {
        self.config.server_config(&self.place, &self.location()?)
    }

    /// The tables of the configuration as the database has them.
    pub(crate) async fn schema(&self, database: &Database) -> anyhow::Result<Schema> {
        let store = &database.store;
        if self.config.tables.is_empty() {
            bail!(
                "the configuration names no table; add a [tables.NAME] with its rules, or let `swain attach` list them"
            );
        }
        let mut schema = Schema::default();
        for name in self.config.tables.keys() {
            match store.introspect(Some(vec![Name::from(name.as_str())])).await {
                Ok(one) => schema.tables.extend(one.tables),
                Err(error) => {
                    let known = store.introspect(None).await.unwrap_or_default();
                    let near = nearest(name, known.tables.keys().map(Name::as_str));
                    let help = match near {
                        Some(near) => format!("help: did you mean [tables.{near}]?"),
                        None => "help: make the table with your own tool, or take its section out; `swain check` looks again".into(),
                    };
                    return Err(self.source.about_table(name, &error.to_string(), &help));
                }
            }
        }
        Ok(schema)
    }

    /// The tables with their rules.
    pub(crate) async fn catalog(&self, database: &Database) -> anyhow::Result<Catalog> {
        let schema = self.schema(database).await?;
        Catalog::new(schema, &self.config.tables).map_err(|error| self.source.table_error(&error))
    }

    /// The engine over these tables.
    pub(crate) async fn engine(&self, database: &Database) -> anyhow::Result<Arc<Engine<AnyStore>>> {
        // Errors are told with their place before the database is touched.
        self.catalog(database).await?;
        match Engine::open(Arc::clone(&database.store), &self.config.tables, now()).await {
            Ok(engine) => Ok(Arc::new(engine.with_session_limits(self.config.session_limits()))),
            Err(EngineError::Config(error)) => Err(self.source.table_error(&error)),
            Err(error) => Err(error.into()),
        }
    }
}
