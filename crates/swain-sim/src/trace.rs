//! One dense line per event: time, who, what. Two runs of a seed have the same lines.

use std::fmt::{Display, Write as _};

use swain_core::Millis;

#[derive(Debug, Default)]
pub(crate) struct Trace {
    keep: bool,
    line: String,
    lines: Vec<String>,
    hash: u64,
    events: u64,
}

impl Trace {
    /// Keeping the lines costs time; without them there is only the hash.
    pub(crate) fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    pub(crate) fn note(&mut self, now: Millis, who: impl Display, what: impl Display) {
        self.events += 1;
        self.line.clear();
        write!(self.line, "{now:>7} {who:<4} {what}", now = now.0).expect("writing to a string cannot fail");
        // FNV-1a over all lines.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.hash = self.line.bytes().fold(self.hash, mix);
        if self.keep {
            self.lines.push(self.line.clone());
        }
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
