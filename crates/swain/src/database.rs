//! The database of a command.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use swain_sqlite::{SqliteOptions, SqliteStore};

#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) store: Arc<SqliteStore>,
}

impl Database {
    /// The database at this path, which has to be there: its tables are the application's.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            bail!(
                "there is no database {}; make it with your tables first; `swain init` makes one to begin with",
                path.display()
            );
        }
        Self::open_or_create(path)
    }

    pub(crate) fn open_or_create(path: &Path) -> anyhow::Result<Self> {
        let store = SqliteStore::open(path, SqliteOptions::system())
            .with_context(|| format!("the database {} cannot be used", path.display()))?;
        Ok(Self { store: Arc::new(store) })
    }
}
