//! `swain check`

use std::process::ExitCode;

use serde_json::json;
use swain_engine::TableConfig;

use crate::common::Common;
use crate::config::notes;
use crate::project::Project;

/// Check the configuration and its rules against the database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  swain check\n  swain check --config live/swain.toml --json")]
pub(crate) struct Check {}

impl Check {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<ExitCode> {
        let project = Project::read(common)?;
        let database = project.open()?;
        project.catalog(&database).await?;
        project.config.retention()?;
        let mut lines = String::new();
        let mut tables = serde_json::Map::new();
        for (name, table) in &project.config.tables {
            lines.push_str(&format!("{name}: {}\n", describe(table)));
            tables.insert(name.clone(), rights(table));
        }
        let notes = notes(|name| std::env::var_os(name).is_some());
        for note in &notes {
            lines.push_str(&format!("note: {note}\n"));
        }
        let path = project.database_path();
        lines.push_str(&format!("{} and {} fit together.", common.config.display(), path.display()));
        common.report(&lines, &json!({ "config": common.config, "database": path, "tables": tables, "notes": notes }));
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(table: &TableConfig) -> String {
    let rights = rights(table);
    let rule = |what: &str| rights[what].as_str().unwrap_or("nobody").to_owned();
    format!("read {}; insert {}; update {}; delete {}", rule("read"), rule("insert"), rule("update"), rule("delete"))
}

fn rights(table: &TableConfig) -> serde_json::Value {
    let TableConfig { read, write, insert, update, delete, .. } = table;
    let own = |own: &Option<String>| own.clone().or_else(|| write.clone());
    json!({ "read": read, "insert": own(insert), "update": own(update), "delete": own(delete) })
}
