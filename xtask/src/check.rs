//! `cargo xtask check`: what must hold before a commit.

use anyhow::bail;

use crate::{
    install,
    report::{Counts, Outcome, Report},
    shell, tidy,
};

pub(crate) const HELP: &str = "\
cargo xtask check

Runs cargo fmt --check, clippy with warnings as errors, tidy, the type check and lint of
packages/swain, and builds its dist, which must not differ from the committed one.
Everything runs, even when something fails.";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    if let Some(argument) = arguments.first() {
        bail!("check takes no argument `{argument}`");
    }
    let mut report = Report::new();
    report.step("fmt", Counts::Step, || {
        // rustfmt colours its differences whatever NO_COLOR says.
        shell::cargo().args(["fmt", "--all", "--check", "--", "--color=never"]).run()
    });
    report.step("clippy", Counts::Step, clippy);
    report.step("tidy", Counts::Step, tidy::inspect_repository);
    report.step("npm packages", Counts::Step, || install::npm_packages(install::LIBRARY));
    report.step("npm run check", Counts::Step, || npm_run("check"));
    report.step("npm run build", Counts::Step, || npm_run("build"));
    report.step("committed dist", Counts::Step, committed_dist);
    Ok(report.summary())
}

fn clippy() -> anyhow::Result<()> {
    shell::cargo().args(["clippy", "--workspace", "--all-targets", "--"]).args(["-D", "warnings"]).run()
}

fn npm_run(script: &str) -> anyhow::Result<()> {
    install::need_node()?;
    install::npm(&shell::root().join(install::LIBRARY)).args(["run", script]).run()
}

/// `cargo build` embeds the committed dist, so an old one would ship.
fn committed_dist() -> anyhow::Result<()> {
    let dist = format!("{}/dist", install::LIBRARY);
    let status = shell::git().args(["status", "--porcelain", "--untracked-files=all", "--", &dist]).capture()?;
    // The first column is the index: what is staged will be committed. The second is what is not.
    let differing: Vec<&str> = status.lines().filter(|line| line.as_bytes().get(1) != Some(&b' ')).collect();
    if !differing.is_empty() {
        bail!("{dist} differs from what is committed:\n{}\nadd it to the commit", differing.join("\n"));
    }
    if !shell::root().join(&dist).exists() {
        bail!("{dist} is missing: `npm run build` must write it");
    }
    Ok(())
}
