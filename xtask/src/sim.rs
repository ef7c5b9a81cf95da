//! `cargo xtask sim`: the deterministic simulator.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

use crate::{report::Outcome, shell};

pub(crate) const HELP: &str = "\
cargo xtask sim [--seeds N] [--start S] [SEED] [OPTION...]

Runs N seeds from S. A bare SEED runs that one alone and prints its trace. Without a seed, 1000 from a random start,
which is printed first and last. Other options go to the simulator.";

const SEEDS_DEFAULT: u64 = 1000;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<Outcome> {
    let seeds = Seeds::parse(arguments)?;
    if let Some(seed) = seeds.single {
        // One seed prints its trace.
        let run = shell::cargo().args(["run", "-p", "swain-sim", "--", &seed.to_string()]).args(seeds.others).run();
        return run.map(|()| Outcome::Passed);
    }
    let (count, start) = (seeds.count, seeds.start.unwrap_or_else(random_start));
    println!("seeds {start} to {}", start + count.saturating_sub(1));

    let result = shell::cargo()
        .args(["run", "-p", "swain-sim", "--"])
        .args(["--seeds", &count.to_string(), "--start", &start.to_string()])
        .args(seeds.others)
        .run();

    println!("again: cargo xtask sim --seeds {count} --start {start}");
    result.map(|()| Outcome::Passed)
}

/// Which seeds to run.
#[derive(Debug, PartialEq, Eq)]
struct Seeds {
    count: u64,
    start: Option<u64>,
    single: Option<u64>,
    others: Vec<String>,
}

impl Seeds {
    fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let mut seeds = Self { count: SEEDS_DEFAULT, start: None, single: None, others: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--seeds" => seeds.count = number(rest.next(), "--seeds")?,
                "--start" => seeds.start = Some(number(rest.next(), "--start")?),
                other => match other.parse() {
                    Ok(seed) => seeds.single = Some(seed),
                    Err(_) => seeds.others.push(argument.clone()),
                },
            }
        }
        Ok(seeds)
    }
}

fn number(argument: Option<&String>, option: &str) -> anyhow::Result<u64> {
    argument.and_then(|text| text.parse().ok()).with_context(|| format!("{option} needs a number"))
}

/// Short enough to type again; a collision costs nothing.
fn random_start() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::from(since.map_or(0, |duration| duration.subsec_micros())) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<Seeds> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Seeds::parse(&arguments)
    }

    #[test]
    fn bare_number_is_one_seed() {
        let seeds = parse("42 --trace").expect("it is well formed");

        assert_eq!(seeds.single, Some(42));
        assert_eq!(seeds.others, ["--trace"]);
    }

    #[test]
    fn count_and_start_are_read() {
        let seeds = parse("--seeds 7 --start 3").expect("it is well formed");

        assert_eq!((seeds.count, seeds.start), (7, Some(3)));
    }

    #[test]
    fn option_without_its_number_is_named() {
        let error = parse("--seeds").expect_err("the number is missing");

        assert_eq!(error.to_string(), "--seeds needs a number");
    }
}
