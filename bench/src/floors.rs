//! What must hold on any machine, generously: `--check` finds what got much worse, not what got a little worse.

use crate::figure::Figures;

/// Milliseconds from a write to another device's sight of it, in the median.
const PROPAGATION_P50_MS_MAX: f64 = 20.0;
/// Writes a second, one at a time.
const SINGLE_WRITES_MIN: f64 = 100.0;
/// Writes a second in pushes of 50.
const BATCHED_WRITES_MIN: f64 = 1000.0;
/// Kibibytes of the server for one idle connection.
const IDLE_CONNECTION_KIB_MAX: f64 = 200.0;

enum Floor {
    AtLeast(f64),
    AtMost(f64),
}

const FLOORS: [(&str, Floor); 4] = [
    (crate::propagation::P50, Floor::AtMost(PROPAGATION_P50_MS_MAX)),
    (crate::writes::SINGLE, Floor::AtLeast(SINGLE_WRITES_MIN)),
    (crate::writes::BATCHED, Floor::AtLeast(BATCHED_WRITES_MIN)),
    (crate::memory::IDLE_1000, Floor::AtMost(IDLE_CONNECTION_KIB_MAX)),
];

/// What is not as it must be. A figure that is missing or no number misses its floor.
pub(crate) fn misses(figures: &Figures) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_missing_misses_its_floor() {
        let mut figures = Figures::default();
        figures.add((crate::writes::BATCHED, "1/s"), &[BATCHED_WRITES_MIN], ("raw", &[1.0]));

        let misses = misses(&figures);

        assert_eq!(misses.len(), FLOORS.len() - 1);
        assert!(!misses.iter().any(|miss| miss.starts_with(crate::writes::BATCHED)));
    }
}
