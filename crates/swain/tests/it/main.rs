//! The binary and the server as their users meet them: the command line, real clients, real processes.

#![allow(missing_docs, clippy::unwrap_used)]

mod attaching;
mod attaching_postgres;
mod beginning;
mod cuts;
mod developing;
mod explaining;
mod inbox;
mod kill;
mod large;
mod names;
mod newcomer;
mod postgres;
mod proxies;
mod races;
mod readme;
mod retention;
mod rules_diff;
mod support;
mod traps;
mod upgrade;
