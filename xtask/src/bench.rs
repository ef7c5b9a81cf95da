//! `cargo xtask bench`: one benchmark, in release.

use crate::{report::Outcome, shell};

pub(crate) const HELP: &str = "\
cargo xtask bench NAME [--check] [--json]

Runs one benchmark of bench/ in release. --check fails when a figure misses its floor,
--json prints the figures for a machine. Without a name, the benchmarks are listed.

smoke      propagation, writes and memory beside the raw limits of this machine; about a minute
retention  propagation while the log is cleaned up beside propagation while it is not; about three minutes";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    if arguments.is_empty() {
        println!("{HELP}");
        return Ok(Outcome::Passed);
    }
    shell::cargo().args(["run", "--release", "-p", "swain-bench", "--"]).args(arguments).run()?;
    Ok(Outcome::Passed)
}
