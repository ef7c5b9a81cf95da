//! Figures, and how they are shown.

use std::fmt;

use serde_json::{Value, json};

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures {
    figures: Vec<Figure>,
    costs: Vec<Cost>,
}

/// Processor time for one operation: of the server, and of the load in this process.
#[derive(Debug)]
struct Cost {
    name: &'static str,
    server_us: f64,
    load_us: f64,
}

/// One measure beside its raw limit: the medians of the rounds.
#[derive(Debug)]
struct Figure {
    name: &'static str,
    unit: &'static str,
    median: f64,
    raw: &'static str,
    raw_median: f64,
    /// Both, round by round.
    rounds: (Vec<f64>, Vec<f64>),
}

impl Figures {
    /// Values of one measure and of its raw limit, a round each.
    pub fn add(&mut self, (name, unit): (&'static str, &'static str), rounds: &[f64], raw: (&'static str, &[f64])) {
        let (both, raw_median) = ((rounds.to_vec(), raw.1.to_vec()), median(raw.1));
        let figure = Figure { name, unit, median: median(rounds), raw: raw.0, raw_median, rounds: both };
        eprintln!("{figure}");
        self.figures.push(figure);
    }

    /// Processor time for one operation, in microseconds, a round each.
    pub fn add_cost(&mut self, name: &'static str, server_us: &[f64], load_us: &[f64]) {
        self.costs.push(Cost { name, server_us: median(server_us), load_us: median(load_us) });
    }

    /// The first figure of this name.
    pub fn median(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.median)
    }

    /// A figure over its raw one, round by round.
    pub fn ratios(&self, name: &str) -> Vec<f64> {
        let figure = self.figures.iter().find(|figure| figure.name == name);
        let rounds = figure.into_iter().flat_map(|figure| figure.rounds.0.iter().zip(&figure.rounds.1));
        rounds.map(|(value, raw)| value / raw).collect()
    }

    /// For a machine.
    pub fn to_json(&self) -> Value {
        let figures: Vec<Value> = self.figures.iter().map(Figure::to_json).collect();
        let costs: Vec<Value> = self.costs.iter().map(Cost::to_json).collect();
        json!({"figures": figures, "costs": costs})
    }
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.median / self.raw_median
    }

    fn to_json(&self) -> Value {
        json!({"name": self.name, "unit": self.unit, "median": self.median,
            "raw": self.raw, "raw_median": self.raw_median, "ratio": self.ratio(),
            "rounds": self.rounds.0, "raw_rounds": self.rounds.1})
    }
}

impl Cost {
    fn to_json(&self) -> Value {
        json!({"name": self.name, "server_us": self.server_us, "load_us": self.load_us})
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| measure | unit | Swain | beside | raw | ratio |\n| --- | --- | ---: | --- | ---: | ---: |")?;
        self.figures.iter().try_for_each(|figure| writeln!(f, "{figure}"))?;
        writeln!(f, "\n| processor time for one | server, µs | load, µs |\n| --- | ---: | ---: |")?;
        self.costs.iter().try_for_each(|Cost { name, server_us, load_us }| {
            writeln!(f, "| {name} | {} | {} |", short(*server_us), short(*load_us))
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, median, raw, raw_median, rounds: _ } = self;
        let (median, raw_median) = (short(*median), short(*raw_median));
        write!(f, "| {name} | {unit} | {median} | {raw} | {raw_median} | {:.2} |", self.ratio())
    }
}

/// Not more digits than a measure has.
fn short(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// Not a number when there are none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The value that so many in a hundred do not exceed.
pub fn percentile(values: &[f64], hundredths: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();

        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (50.0, 99.0));
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert!(median(&[]).is_nan());
    }
}
