//! The commands, one file each.

mod attach;
mod check;
mod completions;
mod demo;
mod detach;
mod dev;
mod explain;
mod history;
mod inbox;
mod init;
mod pause;
mod rules;
mod serve;
mod types;
mod user;

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::common::Common;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Init(init::Init),
    Attach(attach::Attach),
    Detach(detach::Detach),
    Dev(dev::Dev),
    /// Serve the database that the configuration names.
    Serve(serve::Serve),
    /// Run an example application that is inside this program.
    Demo(demo::Demo),
    Check(check::Check),
    Explain(explain::Explain),
    History(history::History),
    /// Look at rules before they are deployed.
    #[command(subcommand)]
    Rules(rules::Rules),
    Pause(pause::Pause),
    Resume(pause::Resume),
    Types(types::Types),
    /// Look after accounts.
    #[command(subcommand)]
    User(user::User),
    /// What waits for somebody to decide: conflicts and refused edits.
    #[command(subcommand)]
    Inbox(inbox::Inbox),
    Completions(completions::Completions),
}

impl Command {
    /// Runs it. What it finds may be bad although it went well, so it says with what to end.
    pub(crate) fn run(self, common: &Common) -> anyhow::Result<ExitCode> {
        match self {
            Self::Init(init) => well(on_runtime(init.run(common))),
            Self::Attach(attach) => well(on_runtime(attach.run(common))),
            Self::Detach(detach) => well(on_runtime(detach.run(common))),
            Self::Dev(dev) => well(on_runtime(dev.run(common))),
            Self::Serve(serve) => well(on_runtime(serve.run(common))),
            Self::Demo(demo) => well(on_runtime(demo.run(common))),
            Self::Check(check) => on_runtime(check.run(common)),
            Self::History(history) => well(on_runtime(history.run(common))),
            Self::Rules(rules) => well(on_runtime(rules.run(common))),
            Self::Explain(explain) => well(on_runtime(explain.run(common))),
            Self::Pause(pause) => well(on_runtime(pause.run(common))),
            Self::Resume(resume) => well(on_runtime(resume.run(common))),
            Self::Types(types) => well(on_runtime(types.run(common))),
            Self::User(user) => well(on_runtime(user.run(common))),
            Self::Inbox(inbox) => well(on_runtime(inbox.run(common))),
            Self::Completions(completions) => {
                completions.run();
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn well(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

fn on_runtime<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime does not start")?;
    runtime.block_on(work)
}
