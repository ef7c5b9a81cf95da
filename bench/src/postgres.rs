//! What capture and sequencing cost other programs on PostgreSQL, beside a trigger that only logs and beside no trigger.
//!
//! Each round makes every [`Arm`] anew in a database of its own and lets sixteen writers of pgbench write to it. What has
//! no position when they end is waited for, and that time counts. `CPU-bound`, nobody waits for the disk; `commit-bound`,
//! every flush takes 2 ms more. The transactions are an application's, with savepoints and rollbacks ([`MIXED`]); those of
//! one row ([`ONE_ROW`]) have nothing else in them beside which capture could hide.

mod arm;
mod held;
mod processor;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use swain_bench::figure::{Figures, median};
use swain_bench::floors::{CAPTURE_COMMIT, CAPTURE_CPU};
use swain_testkit::postgres::{Server, program, run_sql};

use arm::Arm;
use processor::Moment;

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

const MIXED: &str = include_str!("postgres/mixed.pgbench");
const ONE_ROW: &str = include_str!("postgres/update.pgbench");

const ONE_ROW_CPU: &str = "CPU-bound, without scope rows, one row a transaction";
const AUDIT: &str = "bare trigger log";

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
    mixed(&server, Bound::Cpu, figures).await?;
    let rounds = throughput(&server, Bound::Cpu, ONE_ROW, &[Arm::Audit, Arm::Bare]).await?;
    let [audit, bare] = &rounds[..] else { unreachable!("one for each arm") };
    add(figures, ONE_ROW_CPU, &bare.per_second, (AUDIT, &audit.per_second));
    add_costs(figures, [("one row, bare trigger log", audit), ("one row, without scope rows", bare)]);
    mixed(&server, Bound::Commit, figures).await?;
    held::measure(&server, HELD, ROUNDS, figures).await
}

async fn mixed(server: &Server, bound: Bound, figures: &mut Figures) -> anyhow::Result<()> {
    let rounds = throughput(server, bound, MIXED, &Arm::ALL).await?;
    let [off, audit, bare, whole, moved] = &rounds[..] else { unreachable!("one for each arm") };
    let [name, name_whole, name_off, name_moved] = bound.names();
    add(figures, name, &bare.per_second, (AUDIT, &audit.per_second));
    add(figures, name_whole, &whole.per_second, (AUDIT, &audit.per_second));
    add(figures, name_off, &whole.per_second, ("capture off", &off.per_second));
    add(figures, name_moved, &moved.per_second, (AUDIT, &audit.per_second));
    if let Bound::Cpu = bound {
        add_costs(
            figures,
            [
                ("capture off", off),
                ("bare trigger log", audit),
                ("without scope rows", bare),
                ("with scope rows", whole),
                ("the moved outbox", moved),
            ],
        );
    }
    Ok(())
}

fn add_costs<const N: usize>(figures: &mut Figures, costs: [(&'static str, &Rounds); N]) {
    for (name, rounds) in costs {
        figures.add_cost(name, &rounds.server_us, &rounds.load_us);
        eprintln!(
            "{name}: {:.0} µs of the server, {:.0} of the load",
            median(&rounds.server_us),
            median(&rounds.load_us)
        );
    }
}

fn add(figures: &mut Figures, name: &'static str, rounds: &[f64], beside: (&'static str, &[f64])) {
    figures.add((name, "1/s"), rounds, beside);
    eprintln!("by round: {:.2?}; median {:.2}", figures.ratios(name), median(&figures.ratios(name)));
}

/// One pair with a transaction that is open for ten minutes.
pub(crate) async fn measure_long(figures: &mut Figures) -> anyhow::Result<()> {
    held::measure(&Server::start_with(SETTINGS), HELD_LONG, 1, figures).await
}

/// What one arm gave, round by round.
#[derive(Clone, Default)]
struct Rounds {
    per_second: Vec<f64>,
    server_us: Vec<f64>,
    load_us: Vec<f64>,
}

async fn throughput(server: &Server, bound: Bound, load: &str, arms: &[Arm]) -> anyhow::Result<Vec<Rounds>> {
    let mut rounds = vec![Rounds::default(); arms.len()];
    for round in 0..ROUNDS {
        // Who comes first changes, so that a machine that gets slower or faster favours nobody.
        for turn in 0..arms.len() {
            let place = (turn + round) % arms.len();
            rounds[place].add(server, arms[place], bound, load).await?;
            let per_second = rounds[place].per_second[round];
            eprintln!("{:?}, round {round}: {per_second:.0}/s", arms[place]);
        }
    }
    Ok(rounds)
}

impl Rounds {
    async fn add(&mut self, server: &Server, arm: Arm, bound: Bound, load: &str) -> anyhow::Result<()> {
        let database = Database::create(server, bound.settings());
        let sequencing = arm.set_up(&database.url).await?;
        run_sql(&database.url, "CHECKPOINT");
        let (begun, used) = (Instant::now(), Moment::now(&server.url())?);
        let written = pgbench(&database.url, load, &["-c", WRITERS, "-j", "2"], TIME)?.finish()?;
        let positions = sequencing.catch_up(&database.url).await?;
        let seconds = begun.elapsed().as_secs_f64();
        // A fifth of them are rolled back.
        ensure!(positions.is_none_or(|given| given * 2 > written), "{arm:?}: {positions:?} positions of {written}");
        #[expect(clippy::cast_precision_loss, reason = "a measure")]
        let written = written as f64;
        let (server_us, load_us) = used.until(Moment::now(&server.url())?, written);
        self.per_second.push(written / seconds);
        self.server_us.push(server_us);
        self.load_us.push(load_us);
        Ok(())
    }
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

fn pgbench(url: &str, load: &str, options: &[&str], time: Duration) -> anyhow::Result<Writers> {
    let mut script = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut script, load.as_bytes())?;
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
