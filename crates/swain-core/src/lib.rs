//! The pure core of Swain: what server, native client and simulator agree on.
//!
//! Values ([`Value`]), rows ([`Row`], [`Key`]), the schema ([`Schema`]), what somebody wants ([`Mutation`]),
//! what happened ([`Change`]), how two edits meet ([`merge`]), who may see what ([`rule`], [`shape`]),
//! the messages between device and server ([`protocol`]), and the device itself as a machine ([`client`]).
//!
//! The crate is `no_std`: it cannot read a clock, draw a random number, open a socket or start a thread.
//! Time, randomness and ids come in as arguments, and order comes from `BTreeMap`, so the same inputs give the same bytes.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod alias;
mod change;
pub mod client;
pub mod decode;
mod hash;
mod ids;
pub mod inbox;
pub mod limits;
pub mod merge;
mod mutation;
mod problem;
pub mod protocol;
mod row;
pub mod rule;
mod schema;
pub mod shape;
pub mod strict_json;
mod value;

pub use alias::{Alias, Aliases, referenced, referenced_before, replace};
pub use change::{Change, ChangeKind, Position, Who};
pub use hash::hash_text;
pub use ids::{Actor, DeviceId, Epoch, Millis, MutationNumber, Name, Pos, Tag, UserId};
pub use mutation::{Mutation, Operation, Was};
pub use problem::{Code, Constraint, Problem};
pub use row::{Key, Row, RowKey};
pub use schema::{Column, ColumnType, Fill, Ids, OnDelete, Reference, Schema, Strategy, Table};
pub use value::Value;
