//! What capture and sequencing cost other programs on PostgreSQL, beside a trigger that only logs and beside no trigger.
//!
//! Each round makes every [`Arm`] anew in a database of its own and lets sixteen writers of pgbench update one row a
//! transaction: there is nothing else beside which capture could hide. What has no position when the writers end is
//! waited for, and that time counts. `CPU-bound`, nobody waits for the disk; `commit-bound`, every flush takes 2 ms more.

mod arm;
mod held;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use swain_bench::figure::{Figures, median};
use swain_bench::floors::{CAPTURE_COMMIT, CAPTURE_CPU};
use swain_testkit::postgres::{Server, program, run_sql};

use arm::Arm;

const ROUNDS: usize = 5;
/// How long the writers write.
const TIME: Duration = Duration::from_secs(8);
const WRITERS: &str = "16";
/// How long a transaction stays open beside others, and in the one long pair.
const HELD: Duration = Duration::from_secs(60);
const HELD_LONG: Duration = Duration::from_secs(600);

/// Over those of a test's server: durable, and no checkpoint within a round.
const SETTINGS: &str = "
fsync = on
full_page_writes = on
shared_buffers = 512MB
max_wal_size = 8GB
checkpoint_timeout = 1h
";

const UPDATE: &str = include_str!("postgres/update.pgbench");

/// What a commit waits for.
#[derive(Clone, Copy)]
enum Bound {
    Cpu,
    Commit,
}

impl Bound {
    /// For every session of a database.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Cpu => &["synchronous_commit = off"],
            // Who flushes waits so long before it, for those who come behind.
            Self::Commit => &["commit_delay = 2000", "commit_siblings = 0"],
        }
    }

    /// What is left out, what is kept as it is, the same with everything, and the other layout.
    fn names(self) -> [&'static str; 4] {
        match self {
            Self::Cpu => [
                CAPTURE_CPU,
                "CPU-bound, with scope rows",
                "CPU-bound, as shipped",
                "CPU-bound, the moved outbox without scope rows",
            ],
            Self::Commit => [
                CAPTURE_COMMIT,
                "commit-bound, with scope rows",
                "commit-bound, as shipped",
                "commit-bound, the moved outbox without scope rows",
            ],
        }
    }
}

/// All but the long pair, in about twenty minutes.
pub(crate) async fn measure(figures: &mut Figures) -> anyhow::Result<()> {
    let server = Server::start_with(SETTINGS);
    for bound in [Bound::Cpu, Bound::Commit] {
        throughput(&server, bound, figures).await?;
    }
    held::measure(&server, HELD, ROUNDS, figures).await
}

/// One pair with a transaction that is open for ten minutes.
pub(crate) async fn measure_long(figures: &mut Figures) -> anyhow::Result<()> {
    held::measure(&Server::start_with(SETTINGS), HELD_LONG, 1, figures).await
}

async fn throughput(server: &Server, bound: Bound, figures: &mut Figures) -> anyhow::Result<()> {
    let mut rounds: [Vec<f64>; Arm::ALL.len()] = Default::default();
    for round in 0..ROUNDS {
        // Who comes first changes, so that a machine that gets slower or faster favours nobody.
        for turn in 0..Arm::ALL.len() {
            let place = (turn + round) % Arm::ALL.len();
            let arm = Arm::ALL[place];
            let per_second = transactions_per_second(server, arm, bound).await?;
            eprintln!("{arm:?}, round {round}: {per_second:.0}/s");
            rounds[place].push(per_second);
        }
    }
    let [off, audit, bare, whole, moved] = &rounds;
    let [name, name_whole, name_off, name_moved] = bound.names();
    for (name, rounds, beside) in [
        (name, bare, ("bare trigger log", audit)),
        (name_whole, whole, ("bare trigger log", audit)),
        (name_off, whole, ("capture off", off)),
        (name_moved, moved, ("bare trigger log", audit)),
    ] {
        figures.add((name, "1/s"), rounds, (beside.0, beside.1));
        eprintln!("by round: {:.2?}; median {:.2}", figures.ratios(name), median(&figures.ratios(name)));
    }
    Ok(())
}

async fn transactions_per_second(server: &Server, arm: Arm, bound: Bound) -> anyhow::Result<f64> {
    let database = Database::create(server, bound.settings());
    let sequencing = arm.set_up(&database.url).await?;
    run_sql(&database.url, "CHECKPOINT");
    let begun = Instant::now();
    let written = pgbench(&database.url, &["-c", WRITERS, "-j", "2"], TIME)?.finish()?;
    let positions = sequencing.catch_up(&database.url).await?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(positions.is_none_or(|positions| positions >= written), "{arm:?}: {positions:?} positions of {written}");
    drop(sequencing);
    #[expect(clippy::cast_precision_loss, reason = "a measure")]
    let written = written as f64;
    Ok(written / seconds)
}

/// A database with the rows. It goes with the value.
struct Database<'s> {
    url: String,
    name: &'static str,
    server: &'s Server,
}

impl<'s> Database<'s> {
    fn create(server: &'s Server, settings: &[&str]) -> Self {
        let name = "bench";
        let url = server.database(name);
        for setting in settings {
            run_sql(&server.url(), &format!("ALTER DATABASE {name} SET {setting}"));
        }
        run_sql(&url, include_str!("postgres/tables.sql"));
        run_sql(&url, "VACUUM ANALYZE items");
        Self { url, name, server }
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        run_sql(&self.server.url(), &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Writers of another program.
struct Writers {
    child: std::process::Child,
    /// What they do; goes after them.
    _script: tempfile::NamedTempFile,
}

fn pgbench(url: &str, options: &[&str], time: Duration) -> anyhow::Result<Writers> {
    let mut script = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut script, UPDATE.as_bytes())?;
    let mut command = program("pgbench");
    command.args(["-n", "-M", "prepared", "-T", &time.as_secs().to_string()]).args(options);
    command.arg("-f").arg(script.path()).arg(url);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    Ok(Writers { child, _script: script })
}

impl Writers {
    /// Transactions that they committed.
    fn finish(self) -> anyhow::Result<u64> {
        let output = self.child.wait_with_output()?;
        ensure!(output.status.success(), "pgbench failed");
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
        Ok(line.context("pgbench says no count")?.trim().parse()?)
    }
}
