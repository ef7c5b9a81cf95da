//! The front door for developers: `cargo xtask VERB`.
//!
//! One verb, one file. A verb prints its steps as it goes, a summary at the end, and leaves with
//! status 1 when anything failed; nothing is skipped without saying so.

mod bench;
mod check;
mod chromium;
mod e2e;
mod install;
mod long;
mod newcomer;
mod report;
mod shell;
mod sim;
mod tally;
mod test;
mod tidy;
mod vectors;

use std::process::ExitCode;

use report::Outcome;

/// Something a developer can ask for by name.
struct Verb {
    name: &'static str,
    summary: &'static str,
    help: &'static str,
    run: fn(&[String]) -> anyhow::Result<Outcome>,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "check",
        summary: "before every commit: fmt, clippy, tidy, types and the committed dist",
        help: check::HELP,
        run: check::run,
    },
    Verb {
        name: "test",
        summary: "everything: Rust, TypeScript, simulator, browsers; installs what is missing",
        help: test::HELP,
        run: test::run,
    },
    Verb {
        name: "tidy",
        summary: "the written rules: imports, lengths, spec ids, banned words, documents",
        help: tidy::HELP,
        run: tidy::run,
    },
    Verb { name: "sim", summary: "the simulator, from a given or a random seed", help: sim::HELP, run: sim::run },
    Verb { name: "e2e", summary: "the browser tests alone", help: e2e::HELP, run: e2e::run },
    Verb { name: "vectors", summary: "the shared vectors, in both languages", help: vectors::HELP, run: vectors::run },
    Verb { name: "bench", summary: "one benchmark, in release", help: bench::HELP, run: bench::run },
    Verb {
        name: "long",
        summary: "runs that take longer than a coffee; without a name, lists them",
        help: long::HELP,
        run: long::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> anyhow::Result<Outcome> {
    let Some((name, rest)) = arguments.split_first() else {
        println!("{}", overview());
        return Ok(Outcome::Failed);
    };
    if asks_for_help(name) {
        println!("{}", overview());
        return Ok(Outcome::Passed);
    }
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        anyhow::bail!("no verb `{name}`; `cargo xtask --help` lists them");
    };
    if rest.iter().any(|argument| asks_for_help(argument)) {
        println!("{}", verb.help);
        return Ok(Outcome::Passed);
    }
    (verb.run)(rest)
}

fn asks_for_help(argument: &str) -> bool {
    matches!(argument, "--help" | "-h" | "help")
}

fn overview() -> String {
    let mut text = String::from("cargo xtask VERB [--help]\n");
    for verb in VERBS {
        text.push_str(&format!("\n  {:<8} {}", verb.name, verb.summary));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_help_that_begins_with_its_own_usage() {
        for verb in VERBS {
            let usage = format!("cargo xtask {}", verb.name);
            assert!(verb.help.starts_with(&usage), "{}", verb.name);
        }
    }

    #[test]
    fn unknown_verb_names_the_way_to_the_list() {
        let error = dispatch(&["nonsense".to_owned()]).expect_err("there is no such verb");

        assert!(error.to_string().contains("cargo xtask --help"));
    }
}
