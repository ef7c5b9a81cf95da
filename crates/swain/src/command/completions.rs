//! `swain completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Cli;

/// Completions for a shell, on standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain completions bash > ~/.local/share/bash-completion/completions/swain
  swain completions zsh > ~/.zfunc/_swain
  swain completions fish > ~/.config/fish/completions/swain.fish
  swain completions powershell >> $PROFILE")]
pub(crate) struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) {
        clap_complete::generate(self.shell, &mut Cli::command(), "swain", &mut std::io::stdout());
    }
}
