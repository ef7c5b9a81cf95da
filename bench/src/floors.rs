//! What must hold on any machine, generously: `--check` finds what got much worse, not what got a little worse.

use crate::figure::{Figures, median};

/// From a write to another device's sight of it.
pub const P50: &str = "propagation p50, 50 writes/s";
/// The next when the last is here.
pub const SINGLE: &str = "writes, one at a time";
/// Many at once.
pub const BATCHED: &str = "writes, 8 writers, pushes of 50";
/// What a device costs that says nothing.
pub const IDLE_1000: &str = "memory of an idle connection, of 1000";
/// The slowest of a hundred while the log is cleaned up.
pub const CLEANING_P99: &str = "propagation p99 during a clean-up";

/// What the server spends on one delivered frame while a thousand scopes are held.
pub const DELIVERY_1000_SCOPES: &str = "a delivered frame, 1000 scopes of 10 devices";
/// What other programs get through where nobody waits for the disk.
pub const CAPTURE_CPU: &str = "CPU-bound, without scope rows";
/// What they get through where a flush takes 2 ms more.
pub const CAPTURE_COMMIT: &str = "commit-bound, without scope rows";
/// The slowest of a hundred while somebody's transaction is open.
pub const HELD_P99: &str = "answer p99 beside an open transaction";

/// Milliseconds from a write to another device's sight of it, in the median.
const PROPAGATION_P50_MS_MAX: f64 = 20.0;
/// Writes a second, one at a time.
const SINGLE_WRITES_MIN: f64 = 100.0;
/// Writes a second in pushes of 50.
const BATCHED_WRITES_MIN: f64 = 1000.0;
/// Kibibytes of the server for one idle connection.
const IDLE_CONNECTION_KIB_MAX: f64 = 200.0;
/// A clean-up may move the p99 by less than a fifth.
const CLEANING_P99_RATIO_MAX: f64 = 1.2;
/// A thousand scopes may cost half as much again as one.
const SCOPES_RATIO_MAX: f64 = 1.5;
/// What capture and sequencing leave of a bare trigger log's transactions.
const CAPTURE_CPU_RATIO_MIN: f64 = 0.7;
/// The same where commits wait for the disk.
const CAPTURE_COMMIT_RATIO_MIN: f64 = 0.9;
/// An open transaction may move the p99 by less than a fifth.
const HELD_P99_RATIO_MAX: f64 = 1.2;

enum Floor {
    AtLeast(f64),
    AtMost(f64),
}

const FLOORS: [(&str, Floor); 4] = [
    (P50, Floor::AtMost(PROPAGATION_P50_MS_MAX)),
    (SINGLE, Floor::AtLeast(SINGLE_WRITES_MIN)),
    (BATCHED, Floor::AtLeast(BATCHED_WRITES_MIN)),
    (IDLE_1000, Floor::AtMost(IDLE_CONNECTION_KIB_MAX)),
];

/// What is not as it must be. A figure that is missing or no number misses its floor.
pub fn misses(figures: &Figures) -> Vec<String> {
    let missed = FLOORS.iter().filter_map(|(name, floor)| {
        let value = figures.median(name).unwrap_or(f64::NAN);
        let (holds, wanted) = match floor {
            Floor::AtLeast(least) => (value >= *least, format!("at least {least}")),
            Floor::AtMost(most) => (value <= *most, format!("at most {most}")),
        };
        (!holds).then(|| format!("{name}: {value:.1}, wanted {wanted}"))
    });
    missed.collect()
}

/// The same of what a clean-up of the log costs those who write meanwhile: the median of the pairs decides.
pub fn retention_misses(figures: &Figures) -> Vec<String> {
    let ratio = median(&figures.ratios(CLEANING_P99));
    let holds = ratio < CLEANING_P99_RATIO_MAX;
    let miss = format!("{CLEANING_P99}: {ratio:.2} times that without, wanted less than {CLEANING_P99_RATIO_MAX}");
    (!holds).then_some(miss).into_iter().collect()
}

/// The same of what a delivered frame costs among many scopes.
pub fn scopes_misses(figures: &Figures) -> Vec<String> {
    let ratio = median(&figures.ratios(DELIVERY_1000_SCOPES));
    let miss = format!("{DELIVERY_1000_SCOPES}: {ratio:.2} times that of 1 scope, wanted at most {SCOPES_RATIO_MAX}");
    (ratio.is_nan() || ratio > SCOPES_RATIO_MAX).then_some(miss).into_iter().collect()
}

/// The same of what capture on PostgreSQL costs other programs.
pub fn postgres_misses(figures: &Figures) -> Vec<String> {
    let mut misses = held_misses(figures);
    for (name, least) in [(CAPTURE_CPU, CAPTURE_CPU_RATIO_MIN), (CAPTURE_COMMIT, CAPTURE_COMMIT_RATIO_MIN)] {
        let ratio = median(&figures.ratios(name));
        if ratio.is_nan() || ratio < least {
            misses.push(format!("{name}: {ratio:.2} of a bare trigger log, wanted at least {least}"));
        }
    }
    misses
}

/// The same of what an open transaction costs those who write meanwhile.
pub fn held_misses(figures: &Figures) -> Vec<String> {
    let ratio = median(&figures.ratios(HELD_P99));
    let holds = ratio < HELD_P99_RATIO_MAX;
    let miss = format!("{HELD_P99}: {ratio:.2} times that without, wanted less than {HELD_P99_RATIO_MAX}");
    (!holds).then_some(miss).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_missing_misses_its_floor() {
        let mut figures = Figures::default();
        figures.add((BATCHED, "1/s"), &[BATCHED_WRITES_MIN], ("raw", &[1.0]));

        let misses = misses(&figures);

        assert_eq!(misses.len(), FLOORS.len() - 1);
        assert!(!misses.iter().any(|miss| miss.starts_with(BATCHED)));
    }

    #[test]
    fn the_median_of_the_pairs_decides() {
        let mut figures = Figures::default();
        figures.add((CLEANING_P99, "ms"), &[1.0, 2.0, 9.0], ("without", &[1.0, 2.0, 3.0]));
        assert!(retention_misses(&figures).is_empty());

        let mut figures = Figures::default();
        figures.add((CLEANING_P99, "ms"), &[1.3, 2.6, 3.0], ("without", &[1.0, 2.0, 3.0]));
        assert_eq!(retention_misses(&figures).len(), 1);
        assert_eq!(retention_misses(&Figures::default()).len(), 1);
    }

    #[test]
    fn what_was_not_measured_misses() {
        let mut figures = Figures::default();
        assert_eq!(postgres_misses(&figures).len(), 3);

        figures.add((CAPTURE_CPU, "1/s"), &[0.8, 0.2, 0.7], ("bare trigger log", &[1.0, 1.0, 1.0]));
        figures.add((HELD_P99, "ms"), &[1.1], ("without", &[1.0]));

        assert_eq!(postgres_misses(&figures).len(), 1);
        assert!(postgres_misses(&figures)[0].starts_with(CAPTURE_COMMIT));
    }
}
