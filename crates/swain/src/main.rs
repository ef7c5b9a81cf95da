//! The command line of Swain.
#![forbid(unsafe_code)]

mod command;
mod config;
mod database;
mod lock;
mod run;
mod secret;

use std::process::ExitCode;

use clap::Parser as _;
use command::Command;
use tracing_subscriber::EnvFilter;

/// Makes the SQL tables that an application has live, offline-capable and multi-user.
#[derive(Debug, clap::Parser)]
#[command(name = "swain", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
