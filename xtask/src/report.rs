//! What a verb says: a line when a step begins, its time, and a summary at the end.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use crate::{shell::Finished, tally::Tally};

/// How a verb ended. `Failed` has been explained already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
}

/// What a step adds to the closing count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// The test cases in its runner's summary; one when there is none.
    Cases,
    /// One.
    Step,
    /// Nothing, unless it fails: preparation is not a test.
    Failure,
}

/// The steps of one run of a verb. A failed step stops none after it.
pub(crate) struct Report {
    paint: Paint,
    steps: Vec<Step>,
}

struct Step {
    name: String,
    outcome: Outcome,
    took: Duration,
    tally: Tally,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { paint: Paint::detect(), steps: Vec::new() }
    }

    /// Runs a step whose output holds its result.
    pub(crate) fn stream(
        &mut self,
        name: &str,
        counts: Counts,
        work: impl FnOnce() -> anyhow::Result<Finished>,
    ) -> Outcome {
        let begun = self.begin(name);
        let (outcome, text) = match work() {
            Ok(finished) if finished.success => (Outcome::Passed, finished.text),
            Ok(finished) => (Outcome::Failed, finished.text),
            Err(error) => {
                println!("{error:#}");
                (Outcome::Failed, String::new())
            }
        };
        self.end(name, begun, outcome, counted(counts, outcome, &text))
    }

    /// Runs a step that either works or says why not.
    pub(crate) fn step(&mut self, name: &str, counts: Counts, work: impl FnOnce() -> anyhow::Result<()>) -> Outcome {
        self.stream(name, counts, || work().map(|()| Finished { success: true, text: String::new() }))
    }

    /// One line per step, then the failed ones once more, so that they are the last thing seen.
    pub(crate) fn summary(&self) -> Outcome {
        println!("\n{}", self.paint.bold("== summary"));
        for step in &self.steps {
            let mark = match step.outcome {
                Outcome::Passed => self.paint.green("ok    "),
                Outcome::Failed => self.paint.red("FAILED"),
            };
            let cases = step.tally.describe();
            println!("{mark} {:<28} {:>8}  {cases}", step.name, seconds(step.took));
        }
        self.outcome()
    }

    pub(crate) fn outcome(&self) -> Outcome {
        if self.steps.iter().all(|step| step.outcome == Outcome::Passed) { Outcome::Passed } else { Outcome::Failed }
    }

    pub(crate) fn total(&self) -> Tally {
        self.steps.iter().fold(Tally::default(), |total, step| total.plus(step.tally))
    }

    fn begin(&self, name: &str) -> Instant {
        println!("\n{}", self.paint.bold(&format!("== {name}")));
        Instant::now()
    }

    fn end(&mut self, name: &str, begun: Instant, outcome: Outcome, tally: Tally) -> Outcome {
        let took = begun.elapsed();
        let word = match outcome {
            Outcome::Passed => self.paint.green("ok"),
            Outcome::Failed => self.paint.red("FAILED"),
        };
        println!("-- {name}: {word} in {}", seconds(took));
        self.steps.push(Step { name: name.to_owned(), outcome, took, tally });
        outcome
    }
}

fn counted(counts: Counts, outcome: Outcome, text: &str) -> Tally {
    let one = match outcome {
        Outcome::Passed => Tally::PASSED,
        Outcome::Failed => Tally::FAILED,
    };
    let tally = match counts {
        Counts::Cases => Tally::read(text).unwrap_or(one),
        Counts::Step => one,
        Counts::Failure if outcome == Outcome::Failed => one,
        Counts::Failure => Tally::default(),
    };
    // A runner that fails without a failing case did not get as far as running it.
    if outcome == Outcome::Failed && tally.failed == 0 { tally.plus(Tally::FAILED) } else { tally }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// Colours, where somebody sees them.
#[derive(Clone, Copy)]
enum Paint {
    Ansi,
    Plain,
}

impl Paint {
    fn detect() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if std::io::stdout().is_terminal() && !refused { Self::Ansi } else { Self::Plain }
    }

    fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_runner_without_a_failing_case_counts_one_failure() {
        let tally = counted(Counts::Cases, Outcome::Failed, "test result: ok. 4 passed; 0 failed");

        assert_eq!((tally.passed, tally.failed), (4, 1));
    }

    #[test]
    fn preparation_counts_only_when_it_fails() {
        assert_eq!(counted(Counts::Failure, Outcome::Passed, ""), Tally::default());
        assert_eq!(counted(Counts::Failure, Outcome::Failed, ""), Tally::FAILED);
    }

    #[test]
    fn a_failed_step_fails_the_report_and_stops_nothing() {
        let mut report = Report::new();

        report.step("one", Counts::Step, || anyhow::bail!("no"));
        report.step("two", Counts::Step, || Ok(()));

        assert_eq!(report.outcome(), Outcome::Failed);
        assert_eq!((report.total().passed, report.total().failed), (1, 1));
    }
}
