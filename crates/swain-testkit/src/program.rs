//! A program of ours in a process of its own.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::wait::{soon, wait_for};

/// A process whose output is kept. It is killed with the value.
pub struct Program {
    child: Child,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let started = command.spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = Arc::default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let readers = vec![keep(out.expect("it is piped"), &output), keep(err.expect("it is piped"), &output)];
        Self { child, output, readers }
    }

    /// Everything that it said.
    pub fn output(&self) -> String {
        let output = self.output.lock();
        output.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said something.
    pub async fn says(&self, text: &str) {
        wait_for(text, || async { self.output().contains(text).then_some(()) }).await;
    }

    /// The address of the first `http://…` that it says.
    pub async fn address(&self) -> SocketAddr {
        let address = wait_for("an address", || async {
            let output = self.output();
            let (_, rest) = output.split_once("http://")?;
            // Only a whole line is the whole address.
            let (line, _) = rest.split_once('\n')?;
            Some(line.trim().to_owned())
        });
        let text = address.await;
        text.parse().unwrap_or_else(|error| panic!("{text} is no address: {error}"))
    }

    /// The most memory that it has held so far, in bytes.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn memory_peak(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux tells");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number");
        kilobytes * 1024
    }

    /// Sends a signal, by its name without SIG.
    ///
    /// # Panics
    /// When that cannot be done.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs");
        let mut kill = Command::new("kill");
        let sent = kill.arg(format!("-{name}")).arg(id.to_string()).status();
        let sent = sent.await.expect("kill can be run");
        assert!(sent.success(), "kill -{name} {id}");
    }

    /// Ends it as a power cut would: SIGKILL.
    ///
    /// # Panics
    /// When that cannot be done.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Waits for its end, and for its last words.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn end(&mut self) -> ExitStatus {
        let ended = soon("the end of a program", self.child.wait()).await;
        for reader in std::mem::take(&mut self.readers) {
            soon("the last words of a program", reader).await.expect("reading does not panic");
        }
        ended.expect("it can be waited for")
    }
}

fn keep(pipe: impl AsyncRead + Send + Unpin + 'static, output: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.push_str(&line);
            output.push('\n');
        }
    })
}
