//! `cargo xtask vectors`: the vectors that hold both languages to the same behaviour.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, bail};

use crate::{
    install,
    report::{Counts, Outcome, Report},
    shell::{self, Finished, Program},
};

pub(crate) const HELP: &str = "\
cargo xtask vectors

Runs the vector tests of Rust and TypeScript and prints which files of spec/vectors each ran.
A file counts as run when the runner's output names it (`values.json`, or `values` in the name
of a test). A file that neither language runs is a failure.";

const FOLDER: &str = "spec/vectors";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    if let Some(argument) = arguments.first() {
        bail!("vectors takes no argument `{argument}`");
    }
    let files = files()?;
    let (mut rust, mut typescript) = (BTreeSet::new(), BTreeSet::new());

    let mut report = Report::new();
    report.stream("Rust", Counts::Cases, || {
        let finished = shell::cargo()
            .args(["test", "-p", "swain-core", "--test", "vectors"])
            .args(["--", "--nocapture"])
            .stream()?;
        rust = named(&files, &finished.text);
        Ok(finished)
    });
    report.stream("TypeScript", Counts::Cases, || {
        let finished = typescript_tests()?;
        typescript = named(&files, &finished.text);
        Ok(finished)
    });
    report.step("every file is run", Counts::Step, || compare(&files, &rust, &typescript));
    Ok(report.summary())
}

fn typescript_tests() -> anyhow::Result<Finished> {
    install::npm_packages(install::LIBRARY)?;
    Program::new("npx")
        .folder(&shell::root().join(install::LIBRARY))
        .args(["vitest", "run", "vectors", "--reporter=verbose"])
        .stream()
}

fn compare(files: &[String], rust: &BTreeSet<String>, typescript: &BTreeSet<String>) -> anyhow::Result<()> {
    let mark = |ran: bool| if ran { "ran" } else { "-" };
    println!("{:<28} {:<6} TypeScript", "file", "Rust");
    for file in files {
        let (in_rust, in_typescript) = (rust.contains(file), typescript.contains(file));
        println!("{file:<28} {:<6} {}", mark(in_rust), mark(in_typescript));
    }
    let lonely: Vec<&str> =
        files.iter().filter(|file| !rust.contains(*file) && !typescript.contains(*file)).map(String::as_str).collect();
    if !lonely.is_empty() {
        bail!("no test names {}", lonely.join(", "));
    }
    Ok(())
}

fn files() -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(shell::root().join(FOLDER)).with_context(|| format!("{FOLDER} cannot be read"))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The files that an output names, by file name or by the stem as a word.
fn named(files: &[String], output: &str) -> BTreeSet<String> {
    let words: BTreeSet<&str> = output
        .split(|character: char| !(character.is_alphanumeric() || "-_".contains(character)))
        .flat_map(|word| word.split('_').chain([word]))
        .collect();
    files.iter().filter(|file| words.contains(file.trim_end_matches(".json"))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_name_or_in_the_name_of_a_test() {
        let files = ["cursor.json", "load.json", "values.json"].map(str::to_owned);
        let output = "test values_hold ... ok\nran spec/vectors/cursor.json: 4 cases\nunloaded";

        let found = named(&files, output);

        assert_eq!(Vec::from_iter(found), ["cursor.json", "values.json"]);
    }
}
