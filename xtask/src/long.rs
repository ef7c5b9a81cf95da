//! `cargo xtask long`: runs that are too long for every change.

use anyhow::bail;

use crate::{
    report::{Counts, Outcome, Report},
    shell,
};

pub(crate) const HELP: &str = "\
cargo xtask long [NAME]

Runs NAME in release where that matters. Without a name, lists the runs with what each does and
how long it takes.";

/// A long run. A new one is a new entry in [`RUNS`].
struct LongRun {
    name: &'static str,
    what: &'static str,
    takes: &'static str,
    arguments: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

const RUNS: &[LongRun] = &[
    LongRun {
        name: "sim",
        what: "200 000 seeds of the simulator, in release",
        takes: "up to 1 h",
        arguments: &["run", "--release", "-p", "swain-sim", "--", "--seeds", "200000", "--start", "1"],
        env: &[],
    },
    LongRun {
        name: "kill",
        what: "50 rounds of kill -9 on a server under load",
        takes: "about 10 min",
        arguments: &["test", "-p", "swain", "--test", "it", "--", "kill", "--nocapture"],
        env: &[("SWAIN_KILL_ROUNDS", "50")],
    },
    LongRun {
        name: "order",
        what: "100 000 transactions of 12 writers on PostgreSQL",
        takes: "about 10 min",
        arguments: &["test", "-p", "swain-postgres", "--test", "it", "--", "order::twelve", "--nocapture"],
        env: &[("SWAIN_ORDER_TRANSACTIONS", "100000")],
    },
    LongRun {
        name: "attach",
        what: "200 000 rows in one transaction on PostgreSQL, live",
        takes: "about 2 min",
        arguments: &["test", "-p", "swain", "--test", "it", "--", "attaching_postgres", "--nocapture"],
        env: &[("SWAIN_ATTACH_ROWS", "200000")],
    },
    LongRun {
        name: "races",
        what: "20 000 races of a push and another program",
        takes: "about 10 min",
        arguments: &["test", "-p", "swain", "--test", "it", "--", "races", "--nocapture"],
        env: &[("SWAIN_RACES", "20000")],
    },
];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    let Some(name) = arguments.first() else {
        println!("{}", list());
        return Ok(Outcome::Passed);
    };
    let Some(found) = RUNS.iter().find(|run| run.name == name) else {
        bail!("no long run `{name}`; there are:\n{}", list());
    };
    let mut report = Report::new();
    report.step(found.name, Counts::Step, || {
        let program = found.env.iter().fold(shell::cargo(), |program, (name, value)| program.env(name, value));
        program.args(found.arguments).args(&arguments[1..]).run()
    });
    Ok(report.summary())
}

fn list() -> String {
    let lines: Vec<String> =
        RUNS.iter().map(|run| format!("  {:<8} {:<48} {}", run.name, run.what, run.takes)).collect();
    lines.join("\n")
}
