//! The database of a command.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use swain_core::Name;
use swain_engine::{Engine, TableConfig};
use swain_server::now;
use swain_sqlite::{SqliteOptions, SqliteStore};

pub(crate) struct Database {
    pub(crate) store: Arc<SqliteStore>,
}

impl Database {
    /// The database at this path, which has to be there: its tables are the application's.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            bail!("there is no database {}; make it with your tables first, or see `swain demo`", path.display());
        }
        Self::open_or_create(path)
    }

    pub(crate) fn open_or_create(path: &Path) -> anyhow::Result<Self> {
        let store = SqliteStore::open(path, SqliteOptions::system())
            .with_context(|| format!("the database {} cannot be used", path.display()))?;
        Ok(Self { store: Arc::new(store) })
    }

    /// The engine over these tables.
    pub(crate) async fn engine(
        &self,
        tables: &BTreeMap<String, TableConfig>,
    ) -> anyhow::Result<Arc<Engine<SqliteStore>>> {
        if tables.is_empty() {
            bail!("the configuration names no table; add a [tables.NAME] with its rules");
        }
        let engine = Engine::open(Arc::clone(&self.store), tables, now()).await?;
        Ok(Arc::new(engine))
    }
}

pub(crate) fn names(tables: &BTreeMap<String, TableConfig>) -> Vec<Name> {
    tables.keys().map(|name| Name::from(name.as_str())).collect()
}
