//! The SQLite store of Swain.
//!
//! One writer thread owns the only connection that writes. It commits what is queued in one transaction, a savepoint for
//! each mutation, and answers when the commit is on disk ([`SqliteStore`]). Triggers note what changed, whoever changed
//! it; the writer gives the positions under the write lock. Readers come from a small pool of threads, and one more thread
//! copies the WAL into the file.
//!
//! The same writer can be stepped by the caller instead, for the simulator ([`SqliteStore::open_stepped`]).

mod accounts;
mod adopt;
mod adopted;
mod alias;
mod attach;
mod capture;
mod checkpoint;
mod database;
mod deferred;
mod failure;
mod inbox;
mod indexes;
mod integer;
mod introspect;
mod layout;
mod ledger;
mod load;
mod lock;
mod log;
mod meta;
mod options;
mod pause;
mod predicate;
mod refusal;
mod retention;
mod sequence;
mod shape_lists;
mod store;
mod threads;
mod transaction;
mod wire;
mod writer;

pub use attach::{Detached, LeftOut, Remark, Survey, Surveyed, detach, survey};
pub use indexes::Index;
pub use lock::{LockError, ServerLock};
pub use options::SqliteOptions;
pub use pause::{pause, resume};
pub use store::SqliteStore;

/// The version of the SQLite library inside.
pub fn library_version() -> &'static str {
    rusqlite::version()
}
