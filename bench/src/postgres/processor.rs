//! Processor time of a PostgreSQL server with all its processes, and of the load: what stays the same on a machine that
//! others use, too.

use std::time::Duration;

use anyhow::Context as _;
use swain_testkit::postgres::run_sql;

/// Linux counts in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// What was used until some moment.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    server: Duration,
    load: Duration,
}

/// Ticks of a process, and of its children that have ended.
struct Process {
    parent: u32,
    own: u32,
    ended: u32,
}

impl Moment {
    /// Of the server that this database is in.
    pub(crate) fn now(url: &str) -> anyhow::Result<Self> {
        let postmaster: u32 = run_sql(url, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").parse()?;
        let first = read(postmaster)?;
        let mut ticks = first.own + first.ended;
        for entry in std::fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse() else { continue };
            // One that ends meanwhile is counted with its parent the next time.
            ticks += read(pid).ok().filter(|process| process.parent == postmaster).map_or(0, |process| process.own);
        }
        let own = read(std::process::id())?;
        Ok(Self { server: TICK * ticks, load: TICK * (own.own + own.ended) })
    }

    /// Microseconds of both for each of so many transactions.
    pub(crate) fn until(self, end: Self, transactions: f64) -> (f64, f64) {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / transactions;
        (each(end.server.saturating_sub(self.server)), each(end.load.saturating_sub(self.load)))
    }
}

fn read(pid: u32) -> anyhow::Result<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in front may hold anything, and ends with the last bracket.
    let (_, fields) = stat.rsplit_once(')').context("/proc tells no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |place: usize| -> anyhow::Result<u32> { Ok(fields.get(place).context("/proc tells less")?.parse()?) };
    Ok(Process { parent: number(1)?, own: number(11)? + number(12)?, ended: number(13)? + number(14)? })
}
