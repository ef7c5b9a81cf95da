//! Helpers that tests of several crates share.

pub mod audit;
pub mod postgres;
mod program;
mod psql;
mod wait;

pub use program::Program;
pub use psql::Psql;
pub use wait::{PATIENCE, soon, wait_for};

use std::fs::OpenOptions;
use std::io::Write as _;

/// Says that this test holds a rule of the contract: `spec!("C4")`. `cargo xtask tidy` collects the ids.
#[macro_export]
macro_rules! spec {
    ($($id:literal),+ $(,)?) => {
        $($crate::record_spec($id);)+
    };
}

/// Appends an id to the file that the environment names by `SWAIN_SPEC_LOG`, if it names one.
pub fn record_spec(id: &str) {
    let Some(path) = std::env::var_os("SWAIN_SPEC_LOG") else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    // One write for the whole line: tests of several threads and processes share the file.
    file.and_then(|mut file| file.write_all(format!("{id}\n").as_bytes()))
        .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.to_string_lossy()));
}
