//! Tests of the PostgreSQL store, on a throw-away server of their own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bed;
mod checker;
mod conformance;
mod documents;
mod order;
mod outside;
mod schema_changes;
mod types;
