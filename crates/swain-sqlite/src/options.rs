//! How a store is set up.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swain_core::Millis;

/// How a [`crate::SqliteStore`] is set up. Time and randomness come in here, so that a simulation replays exactly.
pub struct SqliteOptions {
    /// Where tags and the epoch of a new database come from.
    pub random: Box<dyn FnMut() -> u64 + Send>,
    /// The time of what is found without a caller: outside writes at open and by the idle look.
    pub clock: Box<dyn Fn() -> Millis + Send>,
    /// How many threads read.
    pub readers: usize,
    /// How often an idle writer looks whether another program wrote.
    pub look_every: Duration,
}

impl SqliteOptions {
    /// For a server: the operating system's clock and randomness.
    pub fn system() -> Self {
        Self {
            random: Box::new(|| getrandom::u64().expect("the operating system gives random bytes")),
            clock: Box::new(now),
            readers: 4,
            look_every: Duration::from_millis(100),
        }
    }

    /// For a simulation: everything follows from the seed, and time stands still unless it is given.
    pub fn seeded(seed: u64) -> Self {
        Self { random: Box::new(splitmix(seed)), clock: Box::new(|| Millis(0)), ..Self::system() }
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn splitmix(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
