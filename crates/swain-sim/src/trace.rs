//! One dense line per event: time, who, what. Two runs of a seed have the same lines.

use std::fmt::Display;

use swain_core::{Millis, hash_text};

#[derive(Debug, Default)]
pub(crate) struct Trace {
    keep: bool,
    lines: Vec<String>,
    hash: String,
    events: u64,
}

impl Trace {
    /// Keeping the lines costs time; without them there is only the hash.
    pub(crate) fn new(keep: bool) -> Self {
        Self {
            keep,
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, now: Millis, who: impl Display, what: impl Display) {
        self.events += 1;
        let line = format!("{now:>7} {who:<4} {what}", now = now.0);
        self.hash = hash_text(&format!("{}{line}", self.hash));
        if self.keep {
            self.lines.push(line);
        }
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
