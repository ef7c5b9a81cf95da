//! `swain types`

use std::path::PathBuf;

use anyhow::Context as _;

use crate::common::Common;
use crate::file::write_whole;
use crate::project::Project;
use crate::typescript::{Numbers, typescript};

/// TypeScript types of the tables that the configuration names.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain types --out src/tables.ts
  swain types > tables.ts

An interface of each table's rows, one of what insert takes (what the database or the server fills is left out or
optional), and the type of its key. With them: client.table<Notes>(\"notes\"), client.query<Notes>(\"notes\").")]
pub(crate) struct Types {
    /// The file to write; without it the types go to standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Say everything that can come: whole numbers beyond ±(2^53−1) as text, times kept as numbers.
    #[arg(long)]
    exact: bool,
}

impl Types {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let project = Project::read(common)?;
        let database = project.open().await?;
        let catalog = project.catalog(&database).await?;
        let numbers = if self.exact { Numbers::Exact } else { Numbers::Plain };
        let text = typescript(&catalog, numbers);
        let tables = catalog.schema.tables.len();
        match &self.out {
            Some(out) => {
                write_whole(out, text.as_bytes()).with_context(|| format!("{} cannot be written", out.display()))?;
                let said = format!("{} has the types of {tables} tables", out.display());
                common.report(&said, &serde_json::json!({ "file": out, "tables": tables }));
            }
            None => common.report(text.trim_end(), &serde_json::json!({ "typescript": text, "tables": tables })),
        }
        Ok(())
    }
}
