//! `cargo xtask bench`: one benchmark, in release.

use crate::{report::Outcome, shell};

pub(crate) const HELP: &str = "\
cargo xtask bench NAME [--check] [--json]

Runs one benchmark of crates/swain-testkit in release. --check fails when it misses its target,
--json prints the figures for a machine. Without a name, the benchmarks are listed.";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    shell::cargo()
        .args(["run", "--release", "-p", "swain-testkit", "--bin", "bench"])
        .args(["--"])
        .args(arguments)
        .run()?;
    Ok(Outcome::Passed)
}
