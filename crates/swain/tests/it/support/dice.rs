//! Random numbers that a printed seed gives again.

/// SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    /// From `SWAIN_SEED`, or drawn; printed either way.
    pub(crate) fn from_environment() -> Self {
        let given = std::env::var("SWAIN_SEED").ok().map(|seed| seed.parse().expect("SWAIN_SEED is a number"));
        let seed = given.unwrap_or_else(drawn);
        println!("SWAIN_SEED={seed}");
        Self(seed)
    }

    /// Below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// True once in so many.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

fn drawn() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) ^ now.as_secs() << 32
}
