//! The PostgreSQL store of Swain (15 or newer).
//!
//! Triggers note each change in the writer's own transaction, whoever writes. A pass of the sequencer gives positions to
//! the transactions that it is the first to see: no commit waits for another, and a long transaction holds nobody up.
//! Mutations are committed in groups, a savepoint for each, and answered when they have their positions.
//!
//! Nodes are equal: any number of [`PostgresStore`]s may be open on one database.

mod accounts;
mod adopt;
mod adopted;
mod alias;
mod attach;
mod capture;
mod connection;
mod constraints;
mod failure;
mod inbox;
mod introspect;
mod layout;
mod ledger;
mod load;
mod log;
mod meta;
mod options;
mod pause;
mod predicate;
mod refusal;
mod retention;
mod selection;
mod sequence;
mod shape_lists;
mod store;
mod transaction;
mod wire;
mod writer;

pub use attach::{LeftOut, Remark, Survey, Surveyed, detach, sql_to_attach, survey};
pub use options::PostgresOptions;
pub use pause::{pause, resume};
pub use store::PostgresStore;
