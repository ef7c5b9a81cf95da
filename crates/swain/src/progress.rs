//! How far something long has got, for a person who waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where fewer are done, it is over before anybody reads it.
const SHOWN_FROM: u64 = 10_000;

/// A bar on standard error. Without a terminal there, or of little work, nothing is shown.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of `total` things, named in the plural.
    pub(crate) fn of(total: u64, things: &'static str) -> Self {
        let target = match total < SHOWN_FROM {
            true => ProgressDrawTarget::hidden(),
            // This one is hidden by itself when standard error is no terminal.
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(things);
        let style = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} {msg}, {eta} left");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(crate) fn advance(&self, by: u64) {
        self.0.inc(by);
    }
}

impl Drop for Progress {
    /// The line goes: what the command reports comes in its place.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
