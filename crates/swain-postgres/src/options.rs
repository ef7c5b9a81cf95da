//! How a store is set up.

use std::path::PathBuf;
use std::time::Duration;

/// How a [`crate::PostgresStore`] is set up.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://user:password@host/database`. Without `sslmode`, TLS is required except on a socket or a loopback
    /// address; a certificate is always checked.
    pub url: String,
    /// A file with the certificates (PEM) that are trusted instead of the operating system's.
    pub root_certificate: Option<PathBuf>,
    /// Connections at most, besides the one that listens and the one that gives positions.
    pub connections: usize,
    /// Groups of mutations that are committed at the same time.
    pub writers: usize,
    /// How often a node looks for what other programs wrote.
    pub look_every: Duration,
    /// The longest statement.
    pub statement_timeout: Duration,
    /// The longest pass of the sequencer. It takes as long as the largest transaction that waits for its position, and it
    /// cannot be divided: one that is ended begins anew.
    pub pass_timeout: Duration,
    /// The longest wait for a row or table that somebody else has locked.
    pub lock_timeout: Duration,
}

impl PostgresOptions {
    /// For a server.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            root_certificate: None,
            connections: 12,
            writers: 4,
            look_every: Duration::from_millis(100),
            statement_timeout: Duration::from_secs(60),
            pass_timeout: Duration::from_secs(60 * 60),
            lock_timeout: Duration::from_secs(10),
        }
    }
}
