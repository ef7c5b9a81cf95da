//! Stories of the device machine (spec/client.md), told with a fake server and a storage in memory.

#![allow(missing_docs, clippy::unwrap_used)]

mod connection;
mod fake_server;
mod load;
mod outbox;
mod planted;
mod rig;
mod stream;
