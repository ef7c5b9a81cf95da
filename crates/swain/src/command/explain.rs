//! `swain explain`

use anyhow::{Context as _, anyhow, bail};
use serde_json::json;
use swain_core::rule::Auth;
use swain_core::strict_json::parse;
use swain_core::{Key, Name, Table, UserId, Value, Who};
use swain_engine::{Clause, Departure, Explanation, Reason, Right, explain};
use swain_store::{Accounts as _, Person};

use crate::common::Common;
use crate::database::Database;
use crate::project::{Project, table_of};

/// Say which clause of a rule lets somebody see or change a row, or keeps them from it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain explain ada@example.com games g1
  swain explain visitor games g1
  swain explain 42 scores '[7, \"home\"]' --role coach --claims '{\"club\": \"c1\"}'

+ grants, - does not, ? is unknown (something is null), which grants nothing. When the person does not see the row, it says
how the row last went out of sight, if the log still knows.")]
pub(crate) struct Explain {
    /// An e-mail address of an account, a user id, or `visitor`.
    user: String,
    /// The table.
    table: String,
    /// The row's key; a JSON array if it has several columns.
    key: String,
    /// What auth.role is, for users whose accounts are not Swain's.
    #[arg(long)]
    role: Option<String>,
    /// What auth.claims are, as a JSON object.
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
}

impl Explain {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let project = Project::read(common)?;
        let database = project.open().await?;
        let catalog = project.catalog(&database).await?;
        let table = table_of(&catalog, &self.table, common)?;
        let key = read_key(table, &self.key)?;
        let auth = self.auth(&database).await?;
        let explained = explain(&*database.store, &catalog, &auth, table, &key).await;
        let explained =
            explained.context("the row cannot be explained; has `swain serve` run with this configuration?")?;
        common.report(&text(&self, &key, &auth, &explained), &report(&key, &auth, &explained));
        Ok(())
    }

    async fn auth(&self, database: &Database) -> anyhow::Result<Auth> {
        let claims = self.claims.as_deref().map(read_claims).transpose()?.unwrap_or_default();
        if self.user == "visitor" {
            return Ok(Auth { user: None, role: self.role.clone(), claims });
        }
        let (user, role) = match person_named(database, &self.user).await? {
            Some(person) => (person.id, Some(person.role)),
            None => (UserId::from(self.user.as_str()), None),
        };
        Ok(Auth { user: Some(user), role: self.role.clone().or(role), claims })
    }
}

/// Whose account an address or an id names. An address has to be somebody's; an id may be of another identity provider.
pub(super) async fn person_named(database: &Database, name: &str) -> anyhow::Result<Option<Person>> {
    if !name.contains('@') {
        return Ok(database.store.person(UserId::from(name)).await?);
    }
    let person = database.store.person_by_email(name.trim().to_lowercase()).await?;
    person.map(Some).with_context(|| format!("nobody has an account for {name}; `swain user list` shows who has one"))
}

fn read_claims(text: &str) -> anyhow::Result<std::collections::BTreeMap<Name, Value>> {
    let value = parse(text).ok().context("--claims takes a JSON object")?;
    let Value::Object(members) = value else { bail!("--claims takes a JSON object") };
    Ok(members.into_iter().map(|(name, value)| (Name::from(&*name), value)).collect())
}

/// The key as it stands, or as JSON: what fits the types of the key's columns.
pub(super) fn read_key(table: &Table, text: &str) -> anyhow::Result<Key> {
    let names = || table.key.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
    table.key_of_text(text).map_err(|_| match table.key.len() {
        1 => anyhow!("{text} does not fit the key of '{}', which is ({})", table.name, names()),
        count => anyhow!("the key of '{}' is ({}): write it as a JSON array of {count}", table.name, names()),
    })
}

fn text(asked: &Explain, key: &Key, auth: &Auth, explained: &Explanation) -> String {
    let who = match &auth.user {
        Some(user) if user.as_str() != asked.user => format!("{} (id {user})", asked.user),
        _ => asked.user.clone(),
    };
    let role = auth.role.as_ref().map(|role| format!(", role {role}")).unwrap_or_default();
    let mut text = format!("{} {} for {who}{role}, at position {}\n", asked.table, key.canonical(), explained.pos);
    if explained.row.is_none() {
        text.push_str("There is no such row; every column counts as null.\n");
    }
    for right in &explained.rights {
        text.push_str(&format!("\n{}: {}\n", right.name, verdict(right)));
        text.extend(right.clauses.iter().map(line));
    }
    if !explained.hidden.is_empty() {
        let hidden: Vec<&str> = explained.hidden.iter().map(Name::as_str).collect();
        text.push_str(&format!("\nhidden from them: {}\n", hidden.join(", ")));
    }
    if let Some(departure) = &explained.departure {
        text.push_str(&format!("\nIt went out of their sight at position {}: {}\n", departure.pos, way(departure)));
    }
    text.trim_end().to_owned()
}

fn verdict(right: &Right) -> &'static str {
    if right.truth == Some(true) { "granted" } else { "refused" }
}

fn line(clause: &Clause) -> String {
    let values: Vec<String> = clause.values.iter().map(|(what, value)| format!("{what} = {value}")).collect();
    let values = values.join("; ").replace("the SELECT = ", "the SELECT ");
    let because = if values.is_empty() { String::new() } else { format!("      [{values}]") };
    format!("  {}{} {}{because}\n", "  ".repeat(clause.depth), sign(clause.truth), clause.text)
}

fn sign(truth: Option<bool>) -> char {
    match truth {
        Some(true) => '+',
        Some(false) => '-',
        None => '?',
    }
}

fn way(departure: &Departure) -> String {
    let who = match &departure.who {
        Who::Device { user: Some(user), .. } => format!("by user {user}"),
        Who::Device { user: None, .. } => "by a visitor".to_owned(),
        Who::Outside { actor: Some(actor) } => format!("by {actor}, outside Swain"),
        Who::Outside { actor: None } => "by another program".to_owned(),
        Who::Server => "by Swain".to_owned(),
    };
    match &departure.reason {
        Reason::Deleted => format!("deleted {who}"),
        Reason::Changed(columns) => {
            let columns: Vec<&str> = columns.iter().map(Name::as_str).collect();
            format!("{} changed {who}", columns.join(", "))
        }
        Reason::RightLost(row) => {
            format!("{} {}, which gave the right, deleted or changed {who}", row.table, row.key.canonical())
        }
    }
}

fn report(key: &Key, auth: &Auth, explained: &Explanation) -> serde_json::Value {
    let clause = |clause: &Clause| {
        let values: serde_json::Map<_, _> =
            clause.values.iter().map(|(what, value)| (what.clone(), value.as_str().into())).collect();
        json!({ "depth": clause.depth, "text": clause.text, "truth": clause.truth, "values": values })
    };
    let right = |right: &Right| {
        let clauses: Vec<_> = right.clauses.iter().map(clause).collect();
        (right.name.to_owned(), json!({ "granted": right.truth == Some(true), "clauses": clauses }))
    };
    let rights: serde_json::Map<_, _> = explained.rights.iter().map(right).collect();
    let departure = explained.departure.as_ref();
    let departure = departure.map(|gone| json!({ "position": gone.pos.0, "at": gone.at.0, "how": way(gone) }));
    json!({ "key": key.canonical(), "user": auth.user.as_ref().map(UserId::as_str), "role": auth.role,
        "position": explained.pos.0, "exists": explained.row.is_some(), "rights": rights,
        "hidden": explained.hidden.iter().map(Name::as_str).collect::<Vec<_>>(), "departure": departure })
}
