//! `cargo xtask test`: everything that shows that Swain works, browsers included.

use std::{fs, path::Path};

use anyhow::{Context, bail};

use crate::{
    chromium, e2e, install, newcomer,
    report::{Counts, Outcome, Report},
    shell::{self, Finished, Program},
    tidy,
};

pub(crate) const HELP: &str = "\
cargo xtask test

Installs what is missing (as root with apt-get: a browser; npm packages always), builds once,
then runs the Rust tests, doctests, TypeScript tests, 5000 seeds of the simulator, the browser
tests and `tidy --executed`. Everything runs, even when something fails.
The last line is `N passed, M failed`.";

const SIMULATOR_SEEDS: &str = "5000";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    if let Some(argument) = arguments.first() {
        bail!("test takes no argument `{argument}`");
    }
    let spec_log = tidy::executed_log();
    empty(&spec_log)?;

    let mut report = Report::new();
    report.step("install", Counts::Failure, install_everything);
    report.step("build", Counts::Failure, || shell::cargo().args(["build", "--workspace", "--all-targets"]).run());
    report.stream("Rust tests", Counts::Cases, || rust_tests(&spec_log));
    report.stream("doctests", Counts::Cases, || {
        logged(shell::cargo(), &spec_log).args(["test", "--workspace", "--doc", "--no-fail-fast"]).stream()
    });
    report.stream("TypeScript tests", Counts::Cases, || typescript(&spec_log));
    report.step("README's first line", Counts::Step, newcomer::run_readme);
    report.step("simulator", Counts::Step, || simulator(&spec_log));
    report.stream("browser tests", Counts::Cases, || logged(e2e::program(&[])?, &spec_log).stream());
    report.step("tidy --executed", Counts::Step, tidy::inspect_executed);

    let outcome = report.summary();
    let total = report.total();
    println!("\n{} passed, {} failed", total.passed, total.failed);
    Ok(outcome)
}

fn install_everything() -> anyhow::Result<()> {
    // Each is tried, so that one run names all that is missing.
    let results = [
        install::npm_packages(install::LIBRARY),
        install::npm_packages(install::BROWSER_TESTS),
        chromium::ensure().map(|path| println!("browser: {}", path.display())),
    ];
    let missing: Vec<String> = results.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    if !missing.is_empty() {
        bail!(missing.join("\n"));
    }
    Ok(())
}

fn rust_tests(spec_log: &Path) -> anyhow::Result<Finished> {
    let with_nextest = shell::is_there("cargo-nextest", "--version");
    let arguments: &[&str] = if with_nextest {
        println!("runner: cargo nextest");
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        println!("runner: cargo test (cargo-nextest is not installed)");
        // Doctests are a step of their own.
        &["test", "--workspace", "--all-targets", "--no-fail-fast"]
    };
    logged(shell::cargo(), spec_log).args(arguments).stream()
}

fn typescript(spec_log: &Path) -> anyhow::Result<Finished> {
    install::need_node()?;
    let npm = install::npm(&shell::root().join(install::LIBRARY));
    logged(npm, spec_log).args(["test"]).stream()
}

/// Starts the binary of the workspace build: `cargo run -p` would select other features and
/// build half of the dependencies again (as README's first line would, if it named the package rather than the binary).
fn simulator(spec_log: &Path) -> anyhow::Result<()> {
    let binary = shell::target_folder().join("debug/swain-sim");
    let program = Program::new(binary).shown_as("swain-sim");
    logged(program, spec_log).args(["--seeds", SIMULATOR_SEEDS, "--start", "1"]).run()
}

fn logged(program: Program, spec_log: &Path) -> Program {
    program.env("SWAIN_SPEC_LOG", spec_log)
}

fn empty(spec_log: &Path) -> anyhow::Result<()> {
    let folder = spec_log.parent().expect("the log lies in the target folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(spec_log, ""))
        .with_context(|| format!("cannot empty {}", spec_log.display()))
}
