//! A session of another program that stays open.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use crate::postgres;

/// An open `psql`.
pub struct Psql {
    child: Child,
    said: usize,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Psql {
    /// Begins a session.
    ///
    /// # Panics
    /// When `psql` cannot be run.
    pub fn open(url: &str) -> Self {
        let mut psql = postgres::program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-d", url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().expect("psql can be run");
        let answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, said: 0, answers }
    }

    /// Runs SQL and waits for its end.
    ///
    /// # Panics
    /// When the session has ended.
    pub fn say(&mut self, sql: &str) {
        self.ask(sql);
    }

    /// The same; gives the lines that it prints.
    ///
    /// # Panics
    /// When the session has ended.
    pub fn ask(&mut self, sql: &str) -> Vec<String> {
        self.said += 1;
        let end = format!("-- end {}", self.said);
        let input = self.child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{sql};\n\\echo '{end}'").expect("psql takes it");
        self.answers.by_ref().map(|line| line.expect("psql writes text")).take_while(|line| *line != end).collect()
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
