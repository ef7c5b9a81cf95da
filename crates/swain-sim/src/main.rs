//! `swain-sim --seeds N [--start S] [--plant BUG]` runs seeds; `swain-sim SEED` runs one and prints its trace.

use std::process::ExitCode;
use std::time::Instant;

use swain_sim::{Plan, Planted, Report, run};

const USAGE: &str =
    "usage: swain-sim [--seeds N] [--start S] [--plant BUG] | swain-sim SEED [--plant BUG]";
/// One seed in so many is run twice, and the traces compared.
const TWICE_EVERY: u64 = 50;

struct Arguments {
    seeds: u64,
    start: u64,
    single: Option<u64>,
    planted: Option<Planted>,
}

fn main() -> ExitCode {
    let arguments = match read_arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let passed = match arguments.single {
        Some(seed) => run_one(seed, arguments.planted),
        None => run_many(&arguments),
    };
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read_arguments(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        seeds: 1000,
        start: 1,
        single: None,
        planted: None,
    };
    while let Some(word) = words.next() {
        let mut number = |what: &str| {
            let text = words.next().ok_or(format!("{what} needs a number"))?;
            text.parse::<u64>()
                .map_err(|_| format!("'{text}' is not a number"))
        };
        match word.as_str() {
            "--seeds" => arguments.seeds = number("--seeds")?,
            "--start" => arguments.start = number("--start")?,
            "--plant" => {
                let name = words.next().ok_or("--plant needs a name")?;
                let bug = Planted::all().into_iter().find(|bug| bug.name() == name);
                let known: Vec<String> = Planted::all().into_iter().map(Planted::name).collect();
                arguments.planted =
                    Some(bug.ok_or(format!("no bug '{name}'; there are {}", known.join(", ")))?);
            }
            seed => {
                arguments.single = Some(
                    seed.parse()
                        .map_err(|_| format!("'{seed}' is not a seed"))?,
                )
            }
        }
    }
    Ok(arguments)
}

fn plan(seed: u64, planted: Option<Planted>) -> Plan {
    let plan = Plan::of(seed);
    match planted {
        Some(bug) => plan.planted(bug),
        None => plan,
    }
}

fn run_one(seed: u64, planted: Option<Planted>) -> bool {
    let mut plan = plan(seed, planted);
    plan.trace = true;
    println!("{plan:?}");
    let report = run(&plan);
    report.trace.iter().for_each(|line| println!("{line}"));
    tell(seed, &report)
}

fn run_many(arguments: &Arguments) -> bool {
    let begun = Instant::now();
    let (mut failed, mut events, mut positions) = (0_u64, 0, 0);
    println!(
        "seeds {} to {}",
        arguments.start,
        arguments.start + arguments.seeds - 1
    );
    for seed in arguments.start..arguments.start + arguments.seeds {
        let plan = plan(seed, arguments.planted);
        let report = run(&plan);
        events += report.events;
        positions += report.positions;
        let same = !seed.is_multiple_of(TWICE_EVERY) || run(&plan).trace_hash == report.trace_hash;
        if !same {
            println!("seed {seed}: two runs differ");
        }
        if report.violation.is_some() || !same {
            failed += 1;
            tell(seed, &report);
            if failed == 10 {
                println!("ten seeds failed; stopping");
                break;
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = arguments.seeds as f64 / seconds;
    println!(
        "{} seeds, {events} events, {positions} positions in {seconds:.1} s: {rate:.0} seeds/s",
        arguments.seeds
    );
    println!("{} passed, {failed} failed", arguments.seeds - failed);
    failed == 0
}

fn tell(seed: u64, report: &Report) -> bool {
    match &report.violation {
        None => {
            println!(
                "seed {seed}: {} events, {} positions, no violation",
                report.events, report.positions
            );
            true
        }
        Some(violation) => {
            println!(
                "seed {seed}: {} is broken: {}",
                violation.invariant, violation.detail
            );
            println!("  replay: cargo xtask sim {seed}");
            false
        }
    }
}
