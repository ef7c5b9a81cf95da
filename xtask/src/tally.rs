//! How many test cases passed and failed, read from the summaries that test runners print.

/// Test cases, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };

    /// Adds up every summary in a runner's output; `None` when it holds none.
    pub(crate) fn read(output: &str) -> Option<Self> {
        output.lines().filter_map(|line| summary_line(&without_colours(line))).reduce(Self::plus)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// For a person; a step that counts as one says nothing beyond how it ended.
    pub(crate) fn describe(self) -> String {
        if self.passed + self.failed + self.skipped <= 1 {
            return String::new();
        }
        let skipped = match self.skipped {
            0 => String::new(),
            count => format!(", {count} SKIPPED"),
        };
        format!("{} passed, {} failed{skipped}", self.passed, self.failed)
    }
}

fn summary_line(line: &str) -> Option<Tally> {
    let line = line.trim();
    cargo_test(line).or_else(|| nextest(line)).or_else(|| vitest(line)).or_else(|| node_test(line))
}

/// `test result: ok. 5 passed; 0 failed; 0 ignored; …`
fn cargo_test(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result:")?;
    let (_, counts) = counts.split_once(". ")?;
    Some(add_up(counts.split(';')))
}

/// `Summary [ 0.1s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`
fn nextest(line: &str) -> Option<Tally> {
    let rest = line.strip_prefix("Summary [")?;
    let (_, counts) = rest.split_once("tests run: ").or_else(|| rest.split_once("test run: "))?;
    Some(add_up(without_parentheses(counts).split(',')))
}

/// `Tests  3 failed | 10 passed (13)`
fn vitest(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("Tests ")?;
    let counts = without_parentheses(counts);
    Some(add_up(counts.split('|')))
}

/// `# pass 5` (TAP) or `ℹ pass 5` (spec), a line for each count.
fn node_test(line: &str) -> Option<Tally> {
    let rest = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
    let (word, count) = rest.split_once(' ')?;
    if !matches!(word, "pass" | "fail" | "cancelled" | "skipped" | "todo") {
        return None;
    }
    let count = count.trim().parse().ok()?;
    Some(named(count, word))
}

fn add_up<'a>(phrases: impl Iterator<Item = &'a str>) -> Tally {
    phrases
        .filter_map(|phrase| {
            let (count, words) = phrase.trim().split_once(' ')?;
            Some(named(count.parse().ok()?, words.trim()))
        })
        .fold(Tally::default(), Tally::plus)
}

fn named(count: u64, words: &str) -> Tally {
    let mut tally = Tally::default();
    match words {
        "passed" | "pass" => tally.passed = count,
        "failed" | "fail" | "timed out" | "exec failed" | "cancelled" => tally.failed = count,
        "skipped" | "ignored" | "todo" => tally.skipped = count,
        _ => {}
    }
    tally
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::new();
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

fn without_colours(line: &str) -> String {
    let mut kept = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\x1b' {
            let _sequence = characters.find(char::is_ascii_alphabetic);
        } else {
            kept.push(character);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Option<Tally> {
        Some(Tally { passed, failed, skipped })
    }

    #[test]
    fn reads_each_runner() {
        let cases = [
            ("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out", tally(5, 0, 1)),
            ("test result: FAILED. 5 passed; 2 failed; 0 ignored", tally(5, 2, 0)),
            (
                "     Summary [   0.123s] 12 tests run: 11 passed (1 slow, 1 leaky), 1 failed, 2 skipped",
                tally(11, 1, 2),
            ),
            ("     Summary [  60.000s] 3/4 tests run: 1 passed, 1 timed out, 1 exec failed, 0 skipped", tally(1, 2, 0)),
            ("     Summary [   0.010s] 1 test run: 1 passed, 0 skipped", tally(1, 0, 0)),
            ("      Tests  3 failed | 10 passed | 1 skipped (14)", tally(10, 3, 1)),
            (
                "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m10 passed\x1b[39m\x1b[22m\x1b[90m (10)\x1b[39m",
                tally(10, 0, 0),
            ),
            ("# pass 4\n# fail 1\n# cancelled 2\n# skipped 0", tally(4, 3, 0)),
            ("ℹ tests 4\nℹ pass 4\nℹ fail 0", tally(4, 0, 0)),
            ("Finished in 3 s", None),
        ];

        for (output, expected) in cases {
            assert_eq!(Tally::read(output), expected, "{output}");
        }
    }

    #[test]
    fn adds_up_the_binaries_of_one_run() {
        let output = "test result: ok. 2 passed; 0 failed\nnoise\ntest result: ok. 3 passed; 0 failed";

        assert_eq!(Tally::read(output), tally(5, 0, 0));
    }
}
