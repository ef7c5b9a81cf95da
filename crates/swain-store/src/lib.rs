//! What Swain asks of a database.
//!
//! [`Store`] is the whole of it: one ordered log with dense positions, a ledger of mutations, rows to load, accounts.
//! [`Transaction`] is what the arbiter of a mutation sees of the writer's transaction; [`commit_one`] is the order of
//! steps that every store keeps (spec S5). [`memory`] is the reference store, [`conformance`] the suite that every store runs.
//!
//! The traits are async without a runtime: SQLite answers from its own threads, PostgreSQL from a connection,
//! memory at once, and the simulator polls each future once.
#![forbid(unsafe_code)]

mod accounts;
mod bus;
mod commit;
pub mod conformance;
mod contract;
mod error;
mod group;
pub mod memory;
mod ready;
mod shape_lists;

pub use accounts::{Accounts, Person, RefreshToken, Rotation};
pub use bus::{Bus, LocalBus};
pub use commit::{Answer, Arbiter, Submission, Verdict, commit_one};
pub use contract::{
    DeviceRow, Head, Interest, Keep, LargePosition, LedgerRow, LoadChunk, LogPage, POSITION_CHANGES_MAX, Retention,
    Store, Transaction, Trimmed, WriteTransaction,
};
pub use error::{StoreError, StoreErrorKind, WriteError};
pub use group::{Refuse, Stopped};
pub use ready::ready;
pub use shape_lists::{SHAPE_LIST_USE_MS, ShapeLists};
