//! `cargo xtask e2e`: the browser tests.

use crate::{
    chromium, install,
    report::Outcome,
    shell::{self, Program},
};

pub(crate) const HELP: &str = "\
cargo xtask e2e [ARGUMENT...]

Builds `swain`, installs the packages of e2e/ and a browser where they are missing, and runs
`npm test` there with SWAIN_BIN and CHROMIUM set. Arguments go to the test runner.";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    shell::cargo().args(["build", "-p", "swain"]).run()?;
    // One story builds an application with the library's Vite.
    install::npm_packages(install::LIBRARY)?;
    install::npm_packages(install::BROWSER_TESTS)?;
    program(arguments)?.run()?;
    Ok(Outcome::Passed)
}

/// The browser tests against the last build.
pub(crate) fn program(arguments: &[String]) -> anyhow::Result<Program> {
    install::need_node()?;
    let browser = chromium::ensure()?;
    let program = install::npm(&shell::root().join(install::BROWSER_TESTS))
        .args(["test"])
        .env("SWAIN_BIN", shell::target_folder().join("debug/swain"))
        .env("CHROMIUM", browser);
    if arguments.is_empty() {
        return Ok(program);
    }
    Ok(program.args(["--"]).args(arguments))
}
