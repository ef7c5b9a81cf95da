//! `cargo xtask bench`: one benchmark, in release.

use crate::{
    chromium, install,
    report::Outcome,
    shell::{self, Program},
};

pub(crate) const HELP: &str = "\
cargo xtask bench NAME [--check] [--json]

Runs one benchmark of bench/ in release. --check fails when a figure misses its floor,
--json prints the figures for a machine. Without a name, the benchmarks are listed.

smoke          propagation, writes and memory beside the raw limits of this machine; about a minute
retention      propagation while the log is cleaned up beside propagation while it is not; about three minutes
scopes         what a delivered frame costs the server when a thousand scopes are held, beside one; two minutes
postgres       what other programs get through on PostgreSQL beside a bare trigger log, the same without
               scope rows, in the other layout, and answers beside an open transaction; about twenty minutes
postgres-held  answers beside a transaction that is open for ten minutes; about twenty minutes
browser        load, first query and edits with 100 000 rows in a real Chromium; some minutes";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    if arguments.is_empty() {
        println!("{HELP}");
        return Ok(Outcome::Passed);
    }
    if arguments == ["browser"] {
        return browser();
    }
    shell::cargo().args(["run", "--release", "-p", "swain-bench", "--"]).args(arguments).run()?;
    Ok(Outcome::Passed)
}

/// The page measures itself, so the server is the one of the browser tests.
fn browser() -> anyhow::Result<Outcome> {
    shell::cargo().args(["build", "-p", "swain"]).run()?;
    install::npm_packages(install::BROWSER_TESTS)?;
    Program::new("node")
        .folder(&shell::root().join(install::BROWSER_TESTS))
        .args(["bench/browser.mjs"])
        .env("SWAIN_BIN", shell::target_folder().join("debug/swain"))
        .env("CHROMIUM", chromium::ensure()?)
        .run()?;
    Ok(Outcome::Passed)
}
