//! The commands, one file each.

mod check;
mod demo;
mod serve;
mod user;

use std::future::Future;

use anyhow::Context as _;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Serve the database that the configuration names.
    Serve(serve::Serve),
    /// Run an example application that is inside this program.
    Demo(demo::Demo),
    /// Check the configuration and its rules against the database.
    Check(check::Check),
    /// Look after accounts.
    #[command(subcommand)]
    User(user::User),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(serve) => on_runtime(serve.run()),
            Self::Demo(demo) => on_runtime(demo.run()),
            Self::Check(check) => on_runtime(check.run()),
            Self::User(user) => on_runtime(user.run()),
        }
    }
}

fn on_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime does not start")?;
    runtime.block_on(work)
}
