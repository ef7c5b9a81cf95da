//! `cargo xtask tidy`: the written rules that a machine can check.
//!
//! Each check is a function from the repository to complaints; it starts nothing and reads
//! nothing else, so its tests are small repositories in strings.

mod banned;
mod brackets;
mod documents;
mod exceptions;
mod imports;
mod kinds;
mod kinds_rust;
mod kinds_script;
mod lengths;
mod links;
mod machine_paths;
mod markdown;
mod repository;
mod rust_functions;
mod script_functions;
mod source;
mod spec_ids;
mod untested;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, bail};

use crate::{report::Outcome, shell};
use repository::Repository;

pub(crate) const HELP: &str = "\
cargo xtask tidy [--executed] [--table]

Checks the import table, lengths of functions and files, spec ids, banned words, crate docs,
CHANGELOG, links, headings, machine paths, tests that no target runs and the README's first two commands.
--executed  each spec id must also be in target/spec-ids.txt, which the tests write
--table     print which tests name which spec id";

/// Something that is not as it should be, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    path: String,
    line: usize,
    text: String,
}

impl Complaint {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.text)
    }
}

const CHECKS: &[fn(&Repository) -> Vec<Complaint>] = &[
    imports::inspect,
    lengths::inspect,
    spec_ids::inspect,
    banned::inspect,
    documents::inspect,
    links::inspect,
    machine_paths::inspect,
    untested::inspect,
];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    for argument in arguments {
        if !matches!(argument.as_str(), "--executed" | "--table") {
            bail!("tidy has no option `{argument}`; see `cargo xtask tidy --help`");
        }
    }
    let asked = |option: &str| arguments.iter().any(|argument| argument == option);

    let begun = Instant::now();
    let repository = Repository::read(&shell::root())?;
    if asked("--table") {
        println!("{}", spec_ids::table(&repository));
    }
    let mut complaints = inspect(&repository);
    if asked("--executed") {
        complaints.extend(executed(&repository, &executed_log())?);
    }
    print(&complaints);
    println!(
        "tidy: {} files, {} complaints, {:.1} s",
        repository.files.len(),
        complaints.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(if complaints.is_empty() { Outcome::Passed } else { Outcome::Failed })
}

/// The checks as a step of another verb.
pub(crate) fn inspect_repository() -> anyhow::Result<()> {
    settle(&inspect(&Repository::read(&shell::root())?))
}

/// The same, with the spec ids that the tests have just recorded.
pub(crate) fn inspect_executed() -> anyhow::Result<()> {
    let repository = Repository::read(&shell::root())?;
    let mut complaints = inspect(&repository);
    complaints.extend(executed(&repository, &executed_log())?);
    settle(&complaints)
}

/// Where tests record the spec ids they ran, one in a line (`SWAIN_SPEC_LOG`).
pub(crate) fn executed_log() -> PathBuf {
    shell::target_folder().join("spec-ids.txt")
}

fn inspect(repository: &Repository) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> = CHECKS.iter().flat_map(|check| check(repository)).collect();
    complaints.sort();
    complaints
}

fn executed(repository: &Repository, log: &Path) -> anyhow::Result<Vec<Complaint>> {
    let ids = fs::read_to_string(log)
        .with_context(|| format!("{} is missing: `cargo xtask test` writes it", log.display()))?;
    Ok(spec_ids::inspect_executed(repository, &ids))
}

fn settle(complaints: &[Complaint]) -> anyhow::Result<()> {
    print(complaints);
    if !complaints.is_empty() {
        bail!("{} complaints", complaints.len());
    }
    Ok(())
}

fn print(complaints: &[Complaint]) {
    for complaint in complaints {
        println!("{complaint}");
    }
}
