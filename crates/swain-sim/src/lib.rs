//! A deterministic simulator.
//!
//! The device machine of `swain-core` and the engine with its sessions are the real ones. The network between them, the
//! devices' disks, the clock and the people are simulated in one thread from one seed, so a run can be repeated exactly.
//!
//! A run has three parts: chaos (edits and faults; which faults, the seed decides), healing (no more faults, no more
//! edits), and the final check. [`invariants`] look at every device after each of its steps.
#![forbid(unsafe_code)]

mod device;
mod dice;
pub mod invariants;
mod network;
mod oracle;
mod plan;
mod server;
mod trace;
mod workload;
mod world;

pub use plan::{Fault, Plan, Planted};
pub use world::{Report, Violation, run};
