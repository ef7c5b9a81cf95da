//! What the stories share.

/// The program's own, so that the server is built here for one type of store, too.
#[path = "../../src/any_store.rs"]
pub(crate) mod any_store;
pub(crate) mod cutting_proxy;
pub(crate) mod dice;
pub(crate) mod rude_proxy;
pub(crate) mod shell;
pub(crate) mod stage;
pub(crate) mod witness;
