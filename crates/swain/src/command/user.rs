//! `swain user …`

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use swain_server::{NewAccount, add_account};

use crate::common::Common;
use crate::project::Project;
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
}

impl User {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run(common).await,
        }
    }
}

impl Add {
    async fn run(self, common: &Common) -> anyhow::Result<()> {
        let given = self.password()?;
        let password = given.clone().unwrap_or_else(draw_word);
        let database = Project::read(common)?.open()?;
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
