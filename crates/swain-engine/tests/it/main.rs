//! Stories of the engine: sessions over the memory store, driven by hand.

mod bench;
mod explain;
mod histories;
mod history;
mod inbox;
mod input;
mod load;
mod logbook;
mod masks;
mod memberships;
mod merge;
mod naming;
mod presence;
mod push;
mod random;
mod retention;
mod rule_grammar;
mod rules;
mod stream;
mod taint;
mod upsert;
