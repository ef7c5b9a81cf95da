//! What every command takes.

use std::io::Write as _;
use std::path::PathBuf;

/// Options before or behind every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Common {
    /// The configuration file.
    #[arg(long, global = true, default_value = "swain.toml", env = "SWAIN_CONFIG", value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The folder of database and secret; overrides where [database] path puts them.
    #[arg(long, global = true, env = "SWAIN_DATA", value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Report as JSON, one value on standard output, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Common {
    /// Says what came out: the text to people, or the value to programs.
    pub(crate) fn report(&self, text: &str, json: &serde_json::Value) {
        // Who closed the pipe does not want to know more.
        let _ = match self.json {
            true => writeln!(anstream::stdout(), "{json}"),
            false => writeln!(anstream::stdout(), "{text}"),
        };
    }
}
