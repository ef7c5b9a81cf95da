//! The memory store runs the suite that every store runs.

use swain_core::Epoch;
use swain_store::conformance::{Enforces, Fixture, checks, schema};
use swain_store::memory::{MemoryOptions, MemoryStore};
use swain_testkit::spec;

swain_store::store_conformance!(open, spec);

fn open() -> Fixture<MemoryStore> {
    let options =
        MemoryOptions { epoch: Epoch::from("epoch"), schema: schema(), checks: checks(), seed: 1, planted: None };
    Fixture { store: MemoryStore::new(options), enforces: Enforces::NoMore, cases: 20_000, keep: Box::new(()) }
}
