//! `swain check`

use std::process::ExitCode;

use serde_json::json;
use swain_core::{Name, Table};
use swain_engine::TableConfig;
use swain_sqlite::Index;
use swain_store::Store as _;

use crate::any_store::AnyStore;
use crate::common::Common;
use crate::config::notes;
use crate::database::Database;
use crate::import::quote;
use crate::project::Project;

/// Check configuration, rules and database against each other.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain check
  swain check --config live/swain.toml --json

It says who may do what, which tables nobody reads, and which indexes are missing, with the SQL that makes them.")]
pub(crate) struct Check {}

impl Check {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<ExitCode> {
        let project = Project::read(common)?;
        let database = project.open().await?;
        let catalog = project.catalog(&database).await?;
        project.server_config()?;
        let mut findings = Vec::new();
        for (name, config) in &project.config.tables {
            let indexes = indexes(&database, name).await?;
            findings.push(Finding::new(&catalog.schema.tables[name.as_str()], config, indexes.as_deref()));
        }
        let unsynced = unsynced(&project, &database).await;
        let mut text: String = findings.iter().map(Finding::text).collect();
        let mut notes = notes(|name| std::env::var_os(name).is_some());
        if matches!(&*database.store, AnyStore::Postgres(_)) {
            notes.push("missing indexes are looked for on SQLite only".to_owned());
        }
        if !unsynced.is_empty() {
            text.push_str(&format!("not synced, because swain.toml does not name them: {}\n", unsynced.join(", ")));
        }
        text.extend(notes.iter().map(|note| format!("note: {note}\n")));
        let location = project.location()?;
        text.push_str(&format!("{} and {location} fit together.", common.config.display()));
        let tables: serde_json::Map<_, _> =
            findings.iter().map(|finding| (finding.table.clone(), finding.json())).collect();
        let report = json!({ "config": common.config, "database": location.to_string(), "tables": tables,
            "not_synced": unsynced, "notes": notes });
        common.report(&text, &report);
        Ok(ExitCode::SUCCESS)
    }
}

/// Those of a table; on PostgreSQL they are not looked at yet, so that none is called missing.
async fn indexes(database: &Database, table: &str) -> anyhow::Result<Option<Vec<Index>>> {
    match &*database.store {
        AnyStore::Sqlite(store) => Ok(Some(store.indexes(Name::from(table)).await?)),
        AnyStore::Postgres(_) => Ok(None),
    }
}

/// The application's tables that the configuration does not name.
async fn unsynced(project: &Project, database: &Database) -> Vec<String> {
    let known = database.store.introspect(None).await.unwrap_or_default();
    let names = known.tables.keys().map(Name::to_string);
    names.filter(|name| !project.config.tables.contains_key(name)).collect()
}

/// What there is to say about a table.
struct Finding {
    table: String,
    /// Each right with its rule; none: nobody.
    rights: [(&'static str, Option<String>); 4],
    uniques: Vec<String>,
    /// SQL that makes what is missing.
    missing: Vec<String>,
}

impl Finding {
    fn new(table: &Table, config: &TableConfig, indexes: Option<&[Index]>) -> Self {
        let TableConfig { read, write, insert, update, delete, .. } = config;
        let own = |own: &Option<String>| own.clone().or_else(|| write.clone());
        let rights =
            [("read", read.clone()), ("insert", own(insert)), ("update", own(update)), ("delete", own(delete))];
        let uniques = table.uniques.iter().map(|columns| list(columns)).collect();
        let is_missing = |scope: &&Name| {
            let Some(indexes) = indexes else { return false };
            let firsts = indexes.iter().filter_map(|index| index.columns.first()).chain(table.key.first());
            !firsts.into_iter().any(|first| first == *scope)
        };
        let missing = table.scopes.iter().filter(is_missing).map(|scope| index_for(table, scope)).collect();
        Self { table: table.name.to_string(), rights, uniques, missing }
    }

    fn nobody_reads(&self) -> bool {
        let read = self.rights[0].1.as_deref();
        read.is_none_or(|rule| rule.trim().eq_ignore_ascii_case("false"))
    }

    fn text(&self) -> String {
        let right = |(what, rule): &(&str, Option<String>)| format!("{what} {}", rule.as_deref().unwrap_or("nobody"));
        let rights: Vec<String> = self.rights.iter().map(right).collect();
        let mut text = format!("{}: {}\n", self.table, rights.join("; "));
        for unique in &self.uniques {
            text.push_str(&format!("  unique: {unique}\n"));
        }
        if self.nobody_reads() {
            text.push_str("  nobody can read it: give it a rule, as in read = \"auth.id IS NOT NULL\"\n");
        }
        for sql in &self.missing {
            text.push_str(&format!("  loads of it read the whole table; an index is missing:\n    {sql}\n"));
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let [read, insert, update, delete] = &self.rights;
        json!({ "read": read.1, "insert": insert.1, "update": update.1, "delete": delete.1,
            "unique": self.uniques, "missing_indexes": self.missing, "nobody_reads": self.nobody_reads() })
    }
}

/// Rows of a scope are loaded in key order.
fn index_for(table: &Table, scope: &Name) -> String {
    let columns: Vec<Name> =
        std::iter::once(scope).chain(table.key.iter().filter(|key| *key != scope)).cloned().collect();
    let name = quote(&format!("{}_{scope}", table.name));
    format!("CREATE INDEX {name} ON {} ({});", quote(&table.name), list(&columns))
}

fn list(columns: &[Name]) -> String {
    columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ")
}
