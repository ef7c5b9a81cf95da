//! `swain user …`

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use swain_server::{NewAccount, add_account, set_password};
use swain_store::{Accounts as _, Person};

use crate::common::Common;
use crate::database::Database;
use crate::project::Project;
use crate::secret::draw_word;

/// People that are read at once.
const PAGE: usize = 500;

/// Access tokens that are out stay good until they end.
const SOON: &str = "open pages notice within 10 minutes";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum User {
    /// Make an account. The password comes from --password-file or standard input; without either one is drawn.
    Add(Add),
    /// Everybody who has an account.
    #[command(after_help = "Examples:\n  swain user list\n  swain user list --json")]
    List,
    /// Give somebody another role: what rules call auth.role.
    #[command(after_help = "Example:\n  swain user role ada@example.com coach")]
    Role {
        /// Whose.
        email: String,
        /// The new role.
        role: String,
    },
    /// Give somebody another password and end their sign-ins. It comes as with `add`.
    #[command(
        after_help = "Examples:\n  swain user password ada@example.com\n  pass show ada | swain user password ada@example.com"
    )]
    Password {
        /// Whose.
        email: String,
        #[command(flatten)]
        given: GivenPassword,
    },
    /// Remove an account. Rows that name the person stay.
    #[command(after_help = "Example:\n  swain user remove ada@example.com")]
    Remove {
        /// Whose.
        email: String,
    },
    /// End all sign-ins of somebody, on every device.
    #[command(after_help = "Example:\n  swain user sign-out ada@example.com")]
    SignOut {
        /// Whose.
        email: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain user add ada@example.com
  swain user add ben@example.com --role coach --password-file ben.txt")]
pub(crate) struct Add {
    /// With what the person signs in.
    email: String,
    /// For display.
    #[arg(long)]
    name: Option<String>,
    /// What rules call auth.role.
    #[arg(long, default_value = "user")]
    role: String,
    #[command(flatten)]
    given: GivenPassword,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GivenPassword {
    /// A file with the password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl User {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let database = Project::read(common)?.open().await?;
        match self {
            Self::Add(add) => add.run(&database, common).await,
            Self::List => list(&database, common).await,
            Self::Role { email, role } => {
                let person = find(&database, &email).await?;
                let text = format!("{} is {role}; {SOON}", person.email);
                let changed = Person { role, ..person.clone() };
                let report = about(&changed);
                let done = database.store.change_person(person, changed).await.context("the role cannot be changed")?;
                ensure!(done, "the account was changed in this moment; look at it and try again");
                common.report(&text, &report);
                Ok(())
            }
            Self::Password { email, given } => password(&database, common, &email, &given).await,
            Self::Remove { email } => {
                let person = find(&database, &email).await?;
                database.store.remove_person(person.id.clone()).await.context("the account cannot be removed")?;
                let text = format!("{} has no account any more; {SOON}", person.email);
                common.report(&text, &about(&person));
                Ok(())
            }
            Self::SignOut { email } => {
                let person = find(&database, &email).await?;
                let ended = database.store.revoke_person(person.id.clone()).await;
                let ended = ended.context("the sign-ins cannot be ended")?;
                let text = format!("{} is signed out of {ended} devices; {SOON}", person.email);
                common.report(&text, &json!({ "email": person.email, "id": person.id.as_str(), "ended": ended }));
                Ok(())
            }
        }
    }
}

async fn find(database: &Database, email: &str) -> anyhow::Result<Person> {
    let person =
        database.store.person_by_email(email.trim().to_lowercase()).await.context("accounts cannot be read")?;
    person.with_context(|| format!("nobody has an account for {email}; `swain user list` shows who has one"))
}

async fn list(database: &Database, common: &Common) -> anyhow::Result<()> {
    let mut people: Vec<Person> = Vec::new();
    loop {
        let after = people.last().map(|person| person.email.clone());
        let page = database.store.persons(after, PAGE).await.context("accounts cannot be read")?;
        let is_last = page.len() < PAGE;
        people.extend(page);
        if is_last {
            break;
        }
    }
    let width = people.iter().map(|person| person.email.chars().count()).max().unwrap_or_default();
    let line = |person: &Person| format!("{:width$}  {}  {}  {}\n", person.email, person.role, person.id, person.name);
    let text: String = match people.is_empty() {
        true => "nobody has an account; swain user add ada@example.com makes one".to_owned(),
        false => people.iter().map(line).collect(),
    };
    let json: Vec<serde_json::Value> = people.iter().map(about).collect();
    common.report(text.trim_end(), &json.into());
    Ok(())
}

fn about(person: &Person) -> serde_json::Value {
    json!({ "email": person.email, "id": person.id.as_str(), "name": person.name, "role": person.role })
}

async fn password(database: &Database, common: &Common, email: &str, given: &GivenPassword) -> anyhow::Result<()> {
    let person = find(database, email).await?;
    let given = given.read()?;
    let password = given.clone().unwrap_or_else(draw_word);
    if let Err(problem) = set_password(&*database.store, person.clone(), password.clone()).await {
        bail!("{}", problem.detail);
    }
    let mut text = format!("{} has a new password; {SOON}", person.email);
    let mut report = about(&person);
    if given.is_none() {
        text.push_str(&format!("\npassword: {password}"));
        report["password"] = password.into();
    }
    common.report(&text, &report);
    Ok(())
}

impl Add {
    async fn run(self, database: &Database, common: &Common) -> anyhow::Result<()> {
        let given = self.given.read()?;
        let password = given.clone().unwrap_or_else(draw_word);
        let account = NewAccount { name: self.name, role: self.role, ..NewAccount::new(self.email, password.clone()) };
        let person = match add_account(&*database.store, account).await {
            Ok(person) => person,
            Err(problem) => bail!("{}", problem.detail),
        };
        let mut text = format!("{} can sign in; the id is {}", person.email, person.id);
        let mut report = about(&person);
        if given.is_none() {
            text.push_str(&format!("\npassword: {password}"));
            report["password"] = password.into();
        }
        common.report(&text, &report);
        Ok(())
    }
}

impl GivenPassword {
    fn read(&self) -> anyhow::Result<Option<String>> {
        let mut text = String::new();
        if let Some(path) = &self.password_file {
            text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        } else if !std::io::stdin().is_terminal() {
            std::io::stdin().read_to_string(&mut text).context("the password cannot be read")?;
        }
        let password = text.trim_end_matches(['\r', '\n']);
        Ok((!password.is_empty()).then(|| password.to_owned()))
    }
}
