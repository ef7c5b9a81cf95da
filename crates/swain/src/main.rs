//! The command line of Swain.
#![forbid(unsafe_code)]

mod any_store;
mod command;
mod common;
mod config;
mod database;
mod file;
mod import;
mod nearest;
mod progress;
mod project;
mod run;
mod secret;
mod typescript;
mod watch;

use std::process::ExitCode;
use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use clap::Parser as _;
use clap::builder::Styles;
use command::Command;
use common::Common;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Makes the SQL tables that an application has live, offline-capable and multi-user.
#[derive(Debug, clap::Parser)]
#[command(name = "swain", version, long_version = VERSION.as_str(), styles = STYLES, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  swain demo                 look at an application that is ready
  swain init                 begin: two tables and a page
  swain dev                  serve it, reload on save
  swain check                is my swain.toml right?
  swain serve                make my tables live

It ends with 0 when all is well, with 1 when something is wrong, and with 2 when the command itself is.
NO_COLOR turns colours off. docs/command-line.md and docs/configuration.md have everything.";

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (sqlite, os, processor) = (swain_sqlite::library_version(), std::env::consts::OS, std::env::consts::ARCH);
    format!(
        "{}\nprotocol {}, SQLite {sqlite}, {os} {processor}",
        env!("CARGO_PKG_VERSION"),
        swain_core::protocol::PROTOCOL
    )
});

const STYLES: Styles = Styles::plain()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().bold());

fn main() -> ExitCode {
    let cli = Cli::parse();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(anstream::stderr().current_choice() != anstream::ColorChoice::Never)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(log_filter()).init();
    let json = cli.common.json;
    match cli.command.run(&cli.common) {
        Ok(code) => code,
        Err(error) => {
            if json {
                println!("{}", serde_json::json!({ "error": format!("{error:#}") }));
            }
            let red = AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{red}error:{red:#} {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What `RUST_LOG` asks for, as in `debug` or `swain_server=debug,info`.
fn log_filter() -> Targets {
    let asked = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| Targets::new().with_default(Level::INFO))
}
