//! The server without a server.
//!
//! [`Engine`] answers what sessions ask of a store; [`Session`] is one connection as a machine: frames in, frames and
//! questions out. [`Hub`] brings each new position to the sessions that it concerns. No sockets, no runtime, no clock:
//! `swain-server` drives them over HTTP, `swain-sim` in a simulation.
//!
//! The way of a push: `Session::handle(Frame)` → [`Ask::Push`] → `Engine::answer` → `Store::submit` → [`Judge`] →
//! log → `Engine::follow` → [`Hub`] → `Engine::take` → `Session::handle(Taken)` → frames.
#![forbid(unsafe_code)]

mod catalog;
mod engine;
mod explain;
mod grant;
mod hub;
mod judge;
pub mod limits;
mod matching;
mod presence;
mod rights;
mod rule_parser;
mod rules_diff;
mod session;

pub use catalog::{Catalog, ColumnConfig, ConfigError, HistoryConfig, KeepConfig, TableConfig};
pub use engine::{
    Ask, Channel, Engine, EngineError, History, HistoryError, Identity, OpenRequest, Opened, PlantedLeak,
    PresenceHeard, SessionLimits, Step, Told,
};
pub use explain::{Clause, Departure, Explanation, Reason, Right, explain};
pub use hub::{Delivery, Moved, SessionId, Taken};
pub use judge::Judge;
pub use matching::LiveShape;
pub use rule_parser::{RuleError, parse_rule};
pub use rules_diff::{RowsDiff, changed_rules, rows_diff};
pub use session::{Input, Output, Session};
