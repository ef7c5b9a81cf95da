//! `swain rules …`

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value as Json, json};
use swain_core::rule::Auth;
use swain_core::{Key, Name, Table};
use swain_engine::{Catalog, RowsDiff, changed_rules, rows_diff};
use swain_store::{Accounts as _, Person};

use super::explain::person_named;
use crate::common::Common;
use crate::database::Database;
use crate::progress::Progress;
use crate::project::Project;

/// Accounts that are read at once.
const PEOPLE_AT_ONCE: usize = 500;

/// Look at rules before they are deployed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Rules {
    Diff(Diff),
}

/// Show which rows people would gain and lose by the rules of the configuration, held against those of another file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  git show HEAD:swain.toml > old.toml && swain rules diff old.toml
  swain rules diff old.toml --user ada@example.com --user visitor
  swain rules diff old.toml --json

Only tables whose rules differ are looked at. Without --user it asks for every account and for a visitor. It reads the
database and changes nothing.")]
pub(crate) struct Diff {
    /// The configuration that is deployed now.
    old: PathBuf,
    /// An e-mail address of an account, a user id, or `visitor`; may be given several times.
    #[arg(long, value_name = "USER")]
    user: Vec<String>,
}

/// Somebody, and how the report calls them.
struct Somebody {
    name: String,
    auth: Auth,
}

impl Rules {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        match self {
            Self::Diff(diff) => diff.run(common).await,
        }
    }
}

impl Diff {
    async fn run(self, common: &Common) -> anyhow::Result<()> {
        let project = Project::read(common)?;
        let before = Project::read_other(&self.old, common)?;
        let database = project.open().await?;
        let catalogs = (before.catalog(&database).await?, project.catalog(&database).await?);
        let people = self.people(&database).await?;
        let changed = changed_tables(&catalogs);
        let work = u64::try_from(changed.len() * people.len()).unwrap_or(u64::MAX);
        let progress = Progress::of(work, "looks");
        let (mut text, mut report) = (String::new(), serde_json::Map::new());
        for table in &changed {
            let mut diffs = Vec::new();
            for somebody in &people {
                let diff = rows_diff(&*database.store, (&catalogs.0, &catalogs.1), &somebody.auth, table).await;
                let diff =
                    diff.with_context(|| format!("{} cannot be read; has `swain serve` run with it?", table.name))?;
                progress.advance(1);
                if diff != RowsDiff::default() {
                    diffs.push((somebody.name.as_str(), diff));
                }
            }
            let rules = changed_rules(&catalogs.0, &catalogs.1, &table.name);
            text.push_str(&describe(table, &rules, &diffs, people.len()));
            report.insert(table.name.as_str().to_owned(), to_json(&rules, &diffs));
        }
        drop(progress);
        if changed.is_empty() {
            text = format!("No rule differs from those of {}.", self.old.display());
        }
        common.report(text.trim_end(), &Json::Object(report));
        Ok(())
    }

    async fn people(&self, database: &Database) -> anyhow::Result<Vec<Somebody>> {
        let mut people = Vec::new();
        for name in &self.user {
            people.push(somebody(database, name).await?);
        }
        if !people.is_empty() {
            return Ok(people);
        }
        people.push(visitor());
        let mut after = None;
        loop {
            let page = database.store.persons(after, PEOPLE_AT_ONCE).await.context("accounts cannot be read")?;
            after = page.last().map(|person| person.email.clone());
            let is_last = page.len() < PEOPLE_AT_ONCE;
            people.extend(page.into_iter().map(of_person));
            if is_last {
                return Ok(people);
            }
        }
    }
}

async fn somebody(database: &Database, name: &str) -> anyhow::Result<Somebody> {
    if name == "visitor" {
        return Ok(visitor());
    }
    match person_named(database, name).await? {
        Some(person) => Ok(of_person(person)),
        // Somebody of the application's own identity provider.
        None => Ok(Somebody { name: name.to_owned(), auth: Auth { user: Some(name.into()), ..Auth::default() } }),
    }
}

fn visitor() -> Somebody {
    Somebody { name: "visitors".to_owned(), auth: Auth::default() }
}

fn of_person(person: Person) -> Somebody {
    let auth = Auth { user: Some(person.id), role: Some(person.role), ..Auth::default() };
    Somebody { name: person.email, auth }
}

/// Tables whose rules, or hidden columns, differ.
fn changed_tables((old, new): &(Catalog, Catalog)) -> Vec<Table> {
    let all = old
        .schema
        .tables
        .iter()
        .chain(new.schema.tables.iter().filter(|(name, _)| !old.schema.tables.contains_key(*name)));
    all.filter(|(name, _)| !changed_rules(old, new, name).is_empty()).map(|(_, table)| table.clone()).collect()
}

type Changed = (&'static str, String, String);

fn describe(table: &Table, rules: &[Changed], diffs: &[(&str, RowsDiff)], people: usize) -> String {
    let mut text = format!("{}\n", table.name);
    for (name, old, new) in rules {
        let of = |text: &str| if text.is_empty() || text == "FALSE" { "nobody".to_owned() } else { text.to_owned() };
        text.push_str(&format!("  {name}: {}\n    now: {}\n", of(old), of(new)));
    }
    for (name, diff) in diffs {
        let mut parts = Vec::new();
        let mut rows = |what: &str, (count, first): &(u64, Option<Key>)| {
            if let Some(first) = first {
                parts.push(format!("{what} {count} (first {})", first.canonical()));
            }
        };
        rows("gains", &diff.gained);
        rows("loses", &diff.lost);
        for (what, columns) in [("sees column", &diff.shown), ("no longer sees column", &diff.hidden)] {
            let columns: Vec<&str> = columns.iter().map(Name::as_str).collect();
            if !columns.is_empty() {
                parts.push(format!("{what} {}", columns.join(", ")));
            }
        }
        text.push_str(&format!("  {name} {}\n", parts.join(", ")));
    }
    text.push_str(&format!("  {} of {people} asked for see a difference\n\n", diffs.len()));
    text
}

fn to_json(rules: &[Changed], diffs: &[(&str, RowsDiff)]) -> Json {
    let rules: serde_json::Map<_, _> =
        rules.iter().map(|(name, old, new)| ((*name).to_owned(), json!({ "old": old, "new": new }))).collect();
    let names = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
    let people: serde_json::Map<_, _> = diffs
        .iter()
        .map(|(name, diff)| {
            let columns = json!({ "shown": names(&diff.shown), "hidden": names(&diff.hidden) });
            ((*name).to_owned(), json!({ "gained": diff.gained.0, "lost": diff.lost.0, "columns": columns }))
        })
        .collect();
    json!({ "rules": rules, "people": people })
}
