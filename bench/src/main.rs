//! Measures of the server, each beside the raw limit of this machine, taken in the same run.
//!
//! `swain-bench smoke [--check] [--json]` takes all of them: [`propagation`], [`writes`], [`memory`]. The load comes from this
//! process over the wire protocol; what is measured runs in a process of its own, which is this program again
//! (`swain-bench serve`, [`serve`]). What must hold on any machine stands in `floors.rs`.
//! `swain-bench retention [--check] [--json]` holds writes during a clean-up of the log against writes without one: [`retention`].
//! `swain-bench scopes [--check] [--json]` holds deliveries to a thousand scopes against deliveries to one: [`scopes`].
//! `swain-bench postgres [--check] [--json]` holds what other programs get through on PostgreSQL against a trigger that only logs,
//! and `postgres-held` holds answers beside a transaction that is open for ten minutes against answers without: [`postgres`].
#![forbid(unsafe_code)]

mod device;
mod events;
mod load;
mod memory;
mod peer;
mod postgres;
mod propagation;
mod retention;
mod scopes;
mod scratch;
mod serve;
mod writes;

use std::process::ExitCode;
use std::time::Instant;

use swain_bench::figure::Figures;
use swain_bench::floors;

const USAGE: &str = "swain-bench smoke|retention|scopes|postgres|postgres-held [--check] [--json]

smoke          propagation, writes and memory in about a minute
retention      propagation while the log is cleaned up, and while it is not; about three minutes
scopes         what a delivered frame costs when a thousand scopes are held; about two minutes
postgres       what other programs get through on PostgreSQL, with and without capture; about twenty minutes
postgres-held  answers beside a transaction that is open for ten minutes; about twenty minutes
--check        fails when a figure misses its floor
--json         prints the figures for a machine";

/// Each figure is the median of so many rounds; what it is compared with takes turns with it.
const ROUNDS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["serve", what, folder] => serve::serve(what, folder.as_ref()),
        [name @ ("smoke" | "retention" | "scopes" | "postgres" | "postgres-held"), options @ ..]
            if options.iter().all(|option| ["--check", "--json"].contains(option)) =>
        {
            bench(name, options.contains(&"--check"), options.contains(&"--json"))
        }
        _ => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(name: &str, is_checked: bool, is_json: bool) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    let figures = runtime.block_on(async {
        let mut figures = Figures::default();
        match name {
            "retention" => retention::measure(&mut figures).await?,
            "scopes" => scopes::measure(&mut figures).await?,
            "postgres" => postgres::measure(&mut figures).await?,
            "postgres-held" => postgres::measure_long(&mut figures).await?,
            _ => {
                propagation::measure(&mut figures).await?;
                writes::measure(&mut figures).await?;
                memory::measure(&mut figures).await?;
            }
        }
        anyhow::Ok(figures)
    })?;
    if is_json {
        println!("{}", figures.to_json());
    } else {
        println!("{figures}\n{:.0} s", begun.elapsed().as_secs_f64());
    }
    let misses = match (is_checked, name) {
        (false, _) => Vec::new(),
        (true, "retention") => floors::retention_misses(&figures),
        (true, "scopes") => floors::scopes_misses(&figures),
        (true, "postgres") => floors::postgres_misses(&figures),
        (true, "postgres-held") => floors::held_misses(&figures),
        (true, _) => floors::misses(&figures),
    };
    misses.iter().for_each(|miss| eprintln!("{miss}"));
    Ok(if misses.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
