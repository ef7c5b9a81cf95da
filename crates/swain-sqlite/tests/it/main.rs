//! Tests of the SQLite store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod actors;
mod attach;
mod bed;
mod conformance;
mod memberships;
mod outside;
mod paging;
mod processes;
mod random;
mod refusals;
mod schema_changes;
