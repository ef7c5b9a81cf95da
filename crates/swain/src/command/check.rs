//! `swain check`

use std::path::PathBuf;

use swain_engine::{Catalog, TableConfig};
use swain_store::Store as _;

use crate::config::{Config, Place};
use crate::database::{Database, names};

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The configuration file.
    #[arg(long, default_value = "swain.toml")]
    config: PathBuf,
    /// The folder of the database; overrides where [database] path puts it.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Check {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let place = Place::of_file(&self.config);
        let config = Config::read_file(&self.config)?;
        let path = config.database_path(&place, self.data.as_deref());
        let database = Database::open(&path)?;
        let schema = database.store.introspect(Some(names(&config.tables))).await?;
        Catalog::new(schema, &config.tables)?;
        for (name, table) in &config.tables {
            println!("{name}: {}", describe(table));
        }
        println!("{} and {} fit together.", self.config.display(), path.display());
        Ok(())
    }
}

fn describe(table: &TableConfig) -> String {
    let TableConfig { read, write, insert, update, delete, .. } = table;
    let rule = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "nobody".into());
    let own = |own: &Option<String>| rule(&own.clone().or_else(|| write.clone()));
    format!("read {}; insert {}; update {}; delete {}", rule(read), own(insert), own(update), own(delete))
}
