//! A process beside this one, whose memory and time are its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

/// Linux counts the time of a process in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// This program, serving something. Ends with the value.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    child: Child,
    /// What it writes; goes after it.
    folder: TempDir,
}

impl Peer {
    /// Starts it and waits until it listens.
    pub(crate) fn start(what: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", what]).arg(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("its output was asked for")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{what} did not start: {line:?}"))?;
        Ok(Self { address, child, folder })
    }

    /// Where it writes.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The memory that it holds now.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("/proc tells no VmRSS")?;
        let number = line.split_whitespace().next().context("VmRSS has no number")?;
        Ok(number.parse()?)
    }

    /// The processor time that it has used.
    fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(Path::new(&format!("/proc/{}/stat", self.child.id())))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor times at a moment, to be compared with a later one.
pub(crate) struct Moment {
    server: Duration,
    load: Duration,
}

impl Moment {
    pub(crate) fn now(server: &Peer) -> anyhow::Result<Self> {
        Ok(Self { server: server.cpu()?, load: own_cpu()? })
    }

    /// Microseconds since then for each of so many operations: the server's and the load's.
    pub(crate) fn since(&self, server: &Peer, operations: f64) -> anyhow::Result<(f64, f64)> {
        let now = Self::now(server)?;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / operations;
        Ok((each(now.server - self.server), each(now.load - self.load)))
    }
}

/// The processor time that this process has used.
fn own_cpu() -> anyhow::Result<Duration> {
    cpu_of(Path::new("/proc/self/stat"))
}

fn cpu_of(path: &Path) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(path)?;
    // The name, in brackets, may hold anything; user and system time are the 12th and 13th number behind it.
    let (_, numbers) = stat.rsplit_once(')').context("/proc tells no times")?;
    let ticks = numbers.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}
