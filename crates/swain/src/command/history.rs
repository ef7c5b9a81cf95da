//! `swain history`

use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use serde_json::{Value as Json, json};
use swain_core::{Change, Millis, Name, Pos, Position, Row, Who};
use swain_store::{Accounts as _, Store as _};

use super::explain::read_key;
use crate::common::Common;
use crate::database::Database;
use crate::project::{Project, table_of};

/// Show what happened to a row: when, by whom, and each column before and after.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain history games g1
  swain history scores '[7, \"home\"]' --limit 5
  swain history games g1 --before 1200

The newest comes first. Rules do not count here: this is for whoever may read the database. How long it reaches back says
[tables.NAME.history] keep.")]
pub(crate) struct History {
    /// The table.
    table: String,
    /// The row's key; a JSON array if it has several columns.
    key: String,
    /// So many changes.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Only those below this position.
    #[arg(long, value_name = "POSITION")]
    before: Option<u64>,
}

impl History {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let project = Project::read(common)?;
        let database = project.open().await?;
        let catalog = project.catalog(&database).await?;
        let table = table_of(&catalog, &self.table, common)?;
        let key = read_key(table, &self.key)?;
        let steps = database.store.history(table.name.clone(), key, self.before.map(Pos), self.limit).await;
        let steps = steps.context("the history cannot be read; has `swain serve` run with this configuration?")?;
        let mut text = String::new();
        let mut reports = Vec::with_capacity(steps.len());
        for position in &steps {
            let by = by(&database, position).await?;
            for change in &position.changes {
                text.push_str(&describe(position, change, &by));
                reports.push(report(position, change, &by));
            }
        }
        match steps.last() {
            None => text.push_str("Nothing is known of such a row.\n"),
            Some(last) if steps.len() == self.limit => {
                text.push_str(&format!("\nOlder changes: --before {}\n", last.pos));
            }
            Some(_) => {}
        }
        common.report(text.trim_end(), &Json::from(reports));
        Ok(())
    }
}

/// Who made a change: the address of an account says more than its id.
async fn by(database: &Database, position: &Position) -> anyhow::Result<String> {
    let actor = position.changes.iter().find_map(|change| change.actor.as_ref());
    Ok(match (&position.who, actor) {
        (Who::Device { user: Some(user), .. }, _) => match database.store.person(user.clone()).await? {
            Some(person) => person.email,
            None => format!("user {user}"),
        },
        (Who::Device { user: None, .. }, _) => "a visitor".to_owned(),
        (Who::Outside { actor: Some(actor) }, _) | (Who::Outside { .. }, Some(actor)) => {
            format!("the program {}", actor.as_str())
        }
        (Who::Outside { actor: None }, None) => "another program".to_owned(),
        (Who::Server, _) => "Swain".to_owned(),
    })
}

fn describe(position: &Position, change: &Change, by: &str) -> String {
    let (kind, names) = (kind(change), changed(change));
    let mut text = format!("{}  position {}  {kind} by {by}\n", time(position.at), position.pos);
    for name in names {
        let value = |row: &Option<Row>| row.as_ref().map(|row| row.value(&name).canonical());
        text.push_str(&match (value(&change.before), value(&change.after)) {
            (Some(before), Some(after)) => format!("    {name}: {before} -> {after}\n"),
            (before, after) => format!("    {name}: {}\n", before.or(after).unwrap_or_default()),
        });
    }
    text
}

fn report(position: &Position, change: &Change, by: &str) -> Json {
    let row = |row: &Option<Row>| {
        let known = row.as_ref()?;
        let columns = changed(change).into_iter().map(|name| {
            let value = known.value(&name).canonical();
            (name.as_str().to_owned(), serde_json::from_str::<Json>(&value).unwrap_or_default())
        });
        Some(Json::Object(columns.collect()))
    };
    json!({ "position": position.pos.0, "at": position.at.0, "by": by, "kind": kind(change),
        "before": row(&change.before), "after": row(&change.after) })
}

fn kind(change: &Change) -> &'static str {
    match (&change.before, &change.after) {
        (None, _) => "inserted",
        (_, None) => "deleted",
        _ => "changed",
    }
}

/// The columns that a change is about: of a row that came or went, all of them.
fn changed(change: &Change) -> Vec<Name> {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => after.changed_since(before).0.into_keys().collect(),
        (Some(row), None) | (None, Some(row)) => row.0.keys().cloned().collect(),
        (None, None) => Vec::new(),
    }
}

fn time(at: Millis) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(at.0)).to_string()
}
