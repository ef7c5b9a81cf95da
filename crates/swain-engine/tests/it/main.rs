//! Stories of the engine: sessions over the memory store, driven by hand.

mod bench;
mod load;
mod merge;
mod push;
mod retention;
mod rules;
mod stream;
