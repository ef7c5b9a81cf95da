//! `swain inbox …`

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::json;
use swain_core::inbox::{self, Choice};
use swain_core::protocol::Outcome;
use swain_core::rule::{Auth, Expression, Operand};
use swain_core::strict_json::parse;
use swain_core::{DeviceId, Key, Mutation, MutationNumber, Name, Operation, Row, RowKey, Schema, Table, Value, Was};
use swain_server::now;
use swain_store::{Accounts as _, Person, Store as _};

use crate::common::Common;
use crate::database::Database;
use crate::project::Project;
use crate::secret::draw_word;

/// Rows that are read at once.
const PAGE: usize = 500;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Inbox {
    /// What waits for somebody: conflicts, and edits that were refused.
    #[command(after_help = "Examples:\n  swain inbox list\n  swain inbox list --all --json")]
    List {
        /// What is decided, too.
        #[arg(long)]
        all: bool,
    },
    /// One item with its values.
    #[command(after_help = "Example:\n  swain inbox show 5f0c2a9b1d3e4f60")]
    Show {
        /// Its id, as `list` has it.
        id: String,
    },
    /// Decide one item as somebody who may.
    Resolve(Resolve),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain inbox resolve 5f0c2a9b1d3e4f60 theirs --as ada@example.com
  swain inbox resolve 5f0c2a9b1d3e4f60 edited --value '\"both\"' --as ada@example.com

The rules count for it as for an edit of that person. On SQLite no server may run meanwhile; there, decide in the application.")]
pub(crate) struct Resolve {
    /// Its id, as `list` has it.
    id: String,
    /// Of a conflict: mine (what waits), theirs (what the row had), merged or edited; of a refusal: discarded.
    choice: String,
    /// With `edited`: the value, as JSON.
    #[arg(long, value_name = "JSON")]
    value: Option<String>,
    /// Whose decision it is.
    #[arg(long = "as", value_name = "EMAIL")]
    by: String,
}

impl Inbox {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let project = Project::read(common)?;
        match self {
            Self::List { all } => list(&project.open().await?, common, all).await,
            Self::Show { id } => show(&project.open().await?, common, &id).await,
            Self::Resolve(resolve) => resolve.run(&project, common).await,
        }
    }
}

async fn list(database: &Database, common: &Common, all: bool) -> anyhow::Result<()> {
    let rows = rows(database).await?;
    let rows: Vec<&Row> = rows.iter().filter(|row| all || inbox::is_open(row)).collect();
    let text: Vec<String> = rows.iter().map(|row| line(row)).collect();
    let text = if text.is_empty() { "nothing waits".to_owned() } else { text.join("\n") };
    common.report(&text, &rows.iter().map(|row| about(row)).collect::<Vec<_>>().into());
    Ok(())
}

async fn show(database: &Database, common: &Common, id: &str) -> anyhow::Result<()> {
    let row = find(database, id).await?;
    let mut text = line(&row);
    for column in ["base", "mine", "theirs", "merged", "problem", "ops", "resolution"] {
        let value = row.value(column);
        if !value.is_null() {
            text.push_str(&format!("\n  {column}: {}", value.canonical()));
        }
    }
    common.report(&text, &about(&row));
    Ok(())
}

/// All rows; none when there is no inbox.
async fn rows(database: &Database) -> anyhow::Result<Vec<Row>> {
    let store = &database.store;
    if store.introspect(Some(vec![inbox::TABLE.into()])).await.is_err() {
        bail!("there is no inbox: no table of the configuration has one, or no server has run with it yet");
    }
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let chunk = store.load(inbox::TABLE.into(), Expression::Constant(true), after, PAGE).await;
        let chunk = chunk.context("the inbox cannot be read")?;
        rows.extend(chunk.rows);
        after = chunk.more;
        if after.is_none() {
            rows.sort_by_key(|row| row.value("opened_at").as_int());
            return Ok(rows);
        }
    }
}

async fn find(database: &Database, id: &str) -> anyhow::Result<Row> {
    let rows = rows(database).await?;
    let row = rows.into_iter().find(|row| word(row, "id") == id);
    row.with_context(|| format!("there is no item {id}; `swain inbox list --all` shows what there is"))
}

impl Resolve {
    async fn run(self, project: &Project, common: &Common) -> anyhow::Result<()> {
        let _lock = project.location()?.lock().context("decide in the application while its server runs")?;
        let database = project.open().await?;
        let row = find(&database, &self.id).await?;
        let person = database.store.person_by_email(self.by.trim().to_lowercase()).await?;
        let person = person.with_context(|| format!("nobody has an account for {}", self.by))?;
        let engine = project.engine(&database).await?;
        let operations = self.operations(&database, &engine.catalog().schema, &row).await?;
        let mutation = Mutation { n: MutationNumber(1), base: engine.position(), at: now(), schema: 0, operations };
        let device = DeviceId::from(format!("cli-{}", draw_word()).as_str());
        let results = engine.push_batch(auth_of(&person), device, now(), vec![Ok(mutation)]).await;
        let results = results.map_err(|problem| anyhow::anyhow!("{}", problem.detail))?;
        let problem = results.problem.or_else(|| results.results.first().and_then(|result| result.problem.clone()));
        if let Some(problem) = problem {
            bail!("{}", problem.detail);
        }
        let outcome = results.results.first().map_or(Outcome::Applied, |result| result.outcome);
        let row = find(&database, &self.id).await?;
        common.report(&format!("{} ({})", line(&row), outcome.as_str()), &about(&row));
        Ok(())
    }

    /// What the decision does to the application's row, and the decision.
    async fn operations(&self, database: &Database, schema: &Schema, row: &Row) -> anyhow::Result<Vec<Operation>> {
        let choice =
            Choice::from_text(&self.choice).with_context(|| format!("there is no choice '{}'", self.choice))?;
        let value = match (choice, &self.value) {
            (Choice::Mine, None) => Some(row.value("mine").clone()),
            (Choice::Merged, None) => Some(row.value("merged").clone()),
            (Choice::Edited, Some(text)) => Some(parse(text).ok().context("--value is no JSON")?),
            (Choice::Edited, None) => bail!("`edited` needs --value"),
            (Choice::Theirs | Choice::Discarded, None) => None,
            (Choice::Retried, _) => bail!("an edit is tried again from the application, which knows the rows"),
            (_, Some(_)) => bail!("--value goes with `edited` only"),
        };
        let mut operations = Vec::new();
        if let Some(value) = value {
            let table = schema.tables.get(word(row, "row_table")).context("its table is not synced any more")?;
            let Value::List(key) = row.value("row_key").clone() else { bail!("it is about no row") };
            let (key, column) = (Key(key), Name::from(word(row, "row_column")));
            let present = present(database, table, &key).await?.context("its row is gone; take `theirs`")?;
            let was = Was::Value(present.value(&column).clone());
            operations.push(update(&table.name, key, column, value, was));
        }
        let key = Key::of(self.id.as_str());
        let choice = Value::text(choice.as_str());
        operations.push(update(&inbox::TABLE.into(), key, "choice".into(), choice, Was::Value(Value::Null)));
        Ok(operations)
    }
}

async fn present(database: &Database, table: &Table, key: &Key) -> anyhow::Result<Option<Row>> {
    let parts = table.key.iter().zip(&key.0);
    let parts =
        parts.map(|(name, value)| Expression::Equal(Operand::Column(name.clone()), Operand::Literal(value.clone())));
    let chunk = database.store.load(table.name.clone(), Expression::And(parts.collect()), None, 1).await?;
    Ok(chunk.rows.into_iter().next())
}

fn update(table: &Name, key: Key, column: Name, value: Value, was: Was) -> Operation {
    Operation::Update {
        row: RowKey { table: table.clone(), key },
        set: [(column.clone(), value)].into_iter().collect(),
        was: BTreeMap::from([(column, was)]),
        inc: Row::default(),
        add: Row::default(),
        remove: Row::default(),
    }
}

fn auth_of(person: &Person) -> Auth {
    Auth { user: Some(person.id.clone()), role: Some(person.role.clone()), claims: BTreeMap::new() }
}

fn line(row: &Row) -> String {
    let about = match row.value("row_column").as_text() {
        Some(column) => format!("{}.{column}", word(row, "row_table")),
        None => word(row, "row_table").to_owned(),
    };
    let key = row.value("row_key").canonical();
    let end = match row.value("choice").as_text() {
        Some(choice) => format!("{choice} by {}", word(row, "resolved_by")),
        None => "open".to_owned(),
    };
    format!("{}  {}  {about} {key}  of {}  {end}", word(row, "id"), word(row, "kind"), word(row, "mine_by"))
}

/// What the rules compare is no part of it.
fn about(row: &Row) -> serde_json::Value {
    let members = row.0.iter().filter(|(name, _)| !name.starts_with("seat_"));
    let members = members.map(|(name, value)| {
        let value = serde_json::from_str(&value.canonical()).unwrap_or(json!(null));
        (name.to_string(), value)
    });
    serde_json::Value::Object(members.collect())
}

fn word<'a>(row: &'a Row, column: &str) -> &'a str {
    row.value(column).as_text().unwrap_or("nobody")
}
