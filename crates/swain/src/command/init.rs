//! `swain init`: what a project begins with, in one go and without questions.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;
use swain_sqlite::{SqliteOptions, SqliteStore};

use crate::common::Common;
use crate::file::{beside, write_whole};
use crate::import::Draft;
use crate::progress::Progress;

/// Begin: swain.toml, a database with two tables, and a page that shows them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain init                          two tables and a page, ready for `swain dev`
  swain init --from schema.sql        your CREATE TABLEs
  swain init --from src/db.ts         tables after a Dexie schema: db.version(1).stores({ … })
  swain init --from export.json       tables and rows of an export: {\"table\": [{ … }]}

It asks nothing and overwrites nothing. A database that is there already: swain attach app.db")]
pub(crate) struct Init {
    /// SQL (.sql), a Dexie schema (.js, .ts) or a JSON export (.json) to make the tables from.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

const PAGE: [(&str, &str); 3] = [
    ("public/index.html", include_str!("../../template/public/index.html")),
    ("public/app.js", include_str!("../../template/public/app.js")),
    ("public/style.css", include_str!("../../template/public/style.css")),
];
/// For tables that are not known before.
const PAGE_OF_TABLES: [(&str, &str); 3] = [
    ("public/index.html", include_str!("../../template/tables/index.html")),
    ("public/app.js", include_str!("../../template/tables/app.js")),
    ("public/style.css", include_str!("../../template/public/style.css")),
];
const CONFIG: &str = include_str!("../../template/swain.toml");
const SCHEMA: &str = include_str!("../../template/schema.sql");
const DATABASE: &str = "app.db";

impl Init {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let folder = common.config.parent().unwrap_or(Path::new("")).to_owned();
        let plan = match &self.from {
            None => Plan::starter(),
            Some(from) => Plan::from_file(from)?,
        };
        let config = Path::new(common.config.file_name().context("--config names no file")?).to_owned();
        plan.check(&folder, &config)?;
        plan.write(&folder, &config).await?;
        let (text, report) = plan.report(&folder, &config, self.from.as_deref());
        common.report(&text, &report);
        Ok(())
    }
}

/// Everything that will be written.
struct Plan {
    config: String,
    schema: String,
    files: Vec<(&'static str, String)>,
    draft: Option<Draft>,
}

impl Plan {
    fn starter() -> Self {
        let (config, schema) = (CONFIG.to_owned(), SCHEMA.to_owned());
        Self { config, schema, files: owned(&PAGE), draft: None }
    }

    fn from_file(from: &Path) -> anyhow::Result<Self> {
        let draft = Draft::read(from)?;
        let (config, schema) = (draft.config(), draft.schema());
        let mut files = owned(&PAGE_OF_TABLES);
        files.push(("public/tables.js", draft.page_tables()));
        Ok(Self { config, schema, files, draft: Some(draft) })
    }

    /// What is there and is something else stays; then nothing is written at all. What is there and is the same may be
    /// of an init that was ended in the middle.
    fn check(&self, folder: &Path, config: &Path) -> anyhow::Result<()> {
        if folder.join(config).exists() {
            bail!(
                "{} is there already; `swain check` looks at it, and an empty folder is the place for a new one",
                folder.join(config).display()
            );
        }
        let database = folder.join(DATABASE);
        if database.exists() {
            bail!("{} is there already; take it out of the way, or `swain attach {DATABASE}`", database.display());
        }
        for (name, content) in self.texts() {
            let path = folder.join(name);
            match std::fs::read(&path) {
                Ok(there) if there != content.as_bytes() => {
                    bail!("{} is there already and is something else; nothing was written", path.display())
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().map(|(name, content)| (*name, content.as_str()));
        files.chain([("schema.sql", self.schema.as_str())])
    }

    /// The configuration last: where it is, everything is.
    async fn write(&self, folder: &Path, config: &Path) -> anyhow::Result<()> {
        let path = folder.join(DATABASE);
        for (name, content) in self.texts() {
            let path = folder.join(name);
            write_whole(&path, content.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        let unfinished = beside(&path);
        let _ = std::fs::remove_file(&unfinished);
        if let Err(error) = self.fill(&unfinished).await {
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
        std::fs::rename(&unfinished, &path).with_context(|| format!("{} cannot be written", path.display()))?;
        let config = folder.join(config);
        write_whole(&config, self.config.as_bytes()).with_context(|| format!("{} cannot be written", config.display()))
    }

    async fn fill(&self, path: &Path) -> anyhow::Result<()> {
        // Without threads: when it is dropped, everything is in the one file.
        let store = SqliteStore::open_stepped(path, SqliteOptions::system()).context("the database cannot be made")?;
        let schema = format!("BEGIN IMMEDIATE;\n{}\nCOMMIT;", self.schema);
        store.execute_outside(schema).await.context("the tables cannot be made")?;
        let Some(draft) = &self.draft else { return Ok(()) };
        let progress = Progress::of(draft.row_count(), "rows");
        for batch in draft.row_batches() {
            store.execute_outside(batch.sql).await.context("the rows cannot be brought in")?;
            progress.advance(batch.rows);
        }
        Ok(())
    }

    fn report(&self, folder: &Path, config: &Path, from: Option<&Path>) -> (String, serde_json::Value) {
        let mut made: Vec<String> = self.texts().map(|(name, _)| name.to_owned()).collect();
        made.extend([DATABASE.to_owned(), config.display().to_string()]);
        let mut text = format!("Made {}", made.join(", "));
        let mut guesses = Vec::new();
        if let (Some(draft), Some(from)) = (&self.draft, from) {
            text.push_str(&format!(" from {}\n\n{}", from.display(), draft.summary()));
            guesses = draft.guesses.clone();
            if !guesses.is_empty() {
                text.push_str("\nGuessed, please look:\n");
                text.extend(guesses.iter().map(|guess| format!("  {guess}\n")));
            }
        }
        let next = "swain dev     serves it at http://127.0.0.1:8080; open it in two windows";
        text.push_str(&format!("\n\nNext: {}", next));
        if !folder.as_os_str().is_empty() {
            text.push_str(&format!(" (in {})", folder.display()));
        }
        let rows = self.draft.as_ref().map(Draft::row_counts).unwrap_or_default();
        (text, json!({ "made": made, "rows": rows, "guesses": guesses }))
    }
}

fn owned(files: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    files.iter().map(|(name, content)| (*name, (*content).to_owned())).collect()
}
