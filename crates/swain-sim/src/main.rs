//! `swain-sim --seeds N [--start S] [--plant BUG]` runs seeds; `swain-sim SEED` runs one and prints its trace.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use swain_sim::{Plan, Planted, Report, run};

const USAGE: &str = "usage: swain-sim [--seeds N] [--start S] [--plant BUG] | swain-sim SEED [--plant BUG]";
/// One seed in so many is run twice, and the traces compared.
const TWICE_EVERY: u64 = 50;
/// A line on the way, for long runs.
const PROGRESS_EVERY: u64 = 5_000;
/// After so many failures a run stops.
const FAILURES_MAX: u64 = 10;

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
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read_arguments(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { seeds: 1000, start: 1, single: None, planted: None };
    while let Some(word) = words.next() {
        let mut number = |what: &str| {
            let text = words.next().ok_or(format!("{what} needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("'{text}' is not a number"))
        };
        match word.as_str() {
            "--seeds" => arguments.seeds = number("--seeds")?,
            "--start" => arguments.start = number("--start")?,
            "--plant" => {
                let name = words.next().ok_or("--plant needs a name")?;
                let bug = Planted::all().into_iter().find(|bug| bug.name() == name);
                let known: Vec<String> = Planted::all().into_iter().map(Planted::name).collect();
                arguments.planted = Some(bug.ok_or(format!("no bug '{name}'; there are {}", known.join(", ")))?);
            }
            seed => arguments.single = Some(seed.parse().map_err(|_| format!("'{seed}' is not a seed"))?),
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

/// What the threads share.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    failed: AtomicU64,
    events: AtomicU64,
    positions: AtomicU64,
}

fn run_many(arguments: &Arguments) -> bool {
    let begun = Instant::now();
    let tally = Tally::default();
    println!("seeds {} to {}", arguments.start, arguments.start + arguments.seeds - 1);
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for _ in 0..threads {
            scope.spawn(|| work(arguments, &tally));
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let [failed, events, positions] =
        [&tally.failed, &tally.events, &tally.positions].map(|count| count.load(Ordering::Relaxed));
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = arguments.seeds as f64 / seconds;
    println!("{} seeds, {events} events, {positions} positions in {seconds:.1} s: {rate:.0} seeds/s", arguments.seeds);
    println!("{} passed, {failed} failed", arguments.seeds - failed);
    failed == 0
}

/// One thread: takes the next seed until there is none, or enough have failed.
fn work(arguments: &Arguments, tally: &Tally) {
    loop {
        let index = tally.next.fetch_add(1, Ordering::Relaxed);
        if index > 0 && index.is_multiple_of(PROGRESS_EVERY) {
            eprintln!("{index} of {} seeds", arguments.seeds);
        }
        if index >= arguments.seeds || tally.failed.load(Ordering::Relaxed) >= FAILURES_MAX {
            return;
        }
        let seed = arguments.start + index;
        let plan = plan(seed, arguments.planted);
        let report = run(&plan);
        tally.events.fetch_add(report.events, Ordering::Relaxed);
        tally.positions.fetch_add(report.positions, Ordering::Relaxed);
        let same = !seed.is_multiple_of(TWICE_EVERY) || run(&plan).trace_hash == report.trace_hash;
        if !same {
            println!("seed {seed}: two runs differ");
        }
        if report.violation.is_some() || !same {
            tally.failed.fetch_add(1, Ordering::Relaxed);
            tell(seed, &report);
        }
    }
}

fn tell(seed: u64, report: &Report) -> bool {
    match &report.violation {
        None => {
            println!("seed {seed}: {} events, {} positions, no violation", report.events, report.positions);
            true
        }
        Some(violation) => {
            println!("seed {seed}: {} is broken: {}", violation.invariant, violation.detail);
            println!("  replay: cargo xtask sim {seed}");
            false
        }
    }
}
