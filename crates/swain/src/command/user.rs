//! `swain user …`

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use swain_server::{NewAccount, add_account};

use crate::config::{Config, Place};
use crate::database::Database;
use crate::secret::draw_word;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum User {
    /// Make an account. The password comes from --password-file or standard input; without either one is drawn.
    Add(Add),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// With what the person signs in.
    email: String,
    /// For display.
    #[arg(long)]
    name: Option<String>,
    /// What rules call auth.role.
    #[arg(long, default_value = "user")]
    role: String,
    /// A file with the password.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, default_value = "swain.toml")]
    config: PathBuf,
    /// The folder of the database; overrides where [database] path puts it.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl User {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run().await,
        }
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<()> {
        let given = self.password()?;
        let password = given.clone().unwrap_or_else(draw_word);
        let config = Config::read_file(&self.config)?;
        let path = config.database_path(&Place::of_file(&self.config), self.data.as_deref());
        let database = Database::open(&path)?;
        let account = NewAccount { name: self.name, role: self.role, ..NewAccount::new(self.email, password.clone()) };
        let person = match add_account(&*database.store, account).await {
            Ok(person) => person,
            Err(problem) => bail!("{}", problem.detail),
        };
        println!("{} can sign in; the id is {}", person.email, person.id);
        if given.is_none() {
            println!("password: {password}");
        }
        Ok(())
    }

    fn password(&self) -> anyhow::Result<Option<String>> {
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
