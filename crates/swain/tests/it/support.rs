//! What the stories share.

pub(crate) mod cutting_proxy;
pub(crate) mod dice;
pub(crate) mod rude_proxy;
pub(crate) mod shell;
pub(crate) mod stage;
pub(crate) mod witness;
