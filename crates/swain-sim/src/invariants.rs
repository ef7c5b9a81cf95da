//! What must hold, each in a file of its own.
//!
//! | invariant | file | when |
//! | --- | --- | --- |
//! | an acknowledged mutation is in the log | [`lost_ack`] | after each step |
//! | a mutation takes effect exactly once | [`exactly_once`] | at the end |
//! | a quiet device equals the database | [`convergence`] | at the end |
//! | the rows at a confirmed position are those of the log at that position: no hole, no torn position, no leak | [`no_hole`] | after each step |
//! | a device never goes back | [`monotonic`] | after each step |
//! | two rows that change together are never seen apart | [`atomic_position`] | after each step |
//! | an acknowledgement comes with its effect | [`ack_with_effect`] | after each step |
//! | visible = confirmed + pending | [`optimistic_equivalence`] | after each step |
//! | nothing is sent before it is saved | [`saved_before_sent`] | with each push |
//! | no temporary id and no dangling reference in the database, and every alias names a row | [`real_names`] | at the end |
//!
//! That the log itself is dense, tells the truth and has no mutation twice is checked by the oracle as it reads it.

pub mod ack_with_effect;
pub mod atomic_position;
pub mod convergence;
pub mod exactly_once;
pub mod lost_ack;
pub mod monotonic;
pub mod no_hole;
pub mod optimistic_equivalence;
pub mod real_names;
pub mod saved_before_sent;

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::client::Device;
use swain_core::protocol::Cursor;
use swain_core::{Pos, Row, RowKey};

use crate::device::SimDevice;
use crate::oracle::{Oracle, Seen};
use crate::workload::SHARED;
use crate::world::Violation;

/// All tables of a run, in order.
pub(crate) const TABLES: [&str; 5] = ["m", "r", "s", "t", "u"];

/// What a checker sees.
pub(crate) struct View<'a> {
    pub(crate) device: &'a SimDevice,
    pub(crate) machine: &'a Device,
    pub(crate) oracle: &'a Oracle,
    /// The confirmed rows of all tables.
    pub(crate) confirmed: Seen<'a>,
}

impl<'a> View<'a> {
    pub(crate) fn new(device: &'a SimDevice, machine: &'a Device, oracle: &'a Oracle) -> Self {
        let confirmed = TABLES.into_iter().flat_map(|table| machine.confirmed_rows(table)).collect();
        Self { device, machine, oracle, confirmed }
    }

    pub(crate) fn confirmed(&self, place: &RowKey) -> Option<&'a Arc<Row>> {
        let found = self.confirmed.binary_search_by_key(&place, |(place, _)| *place);
        found.ok().map(|index| self.confirmed[index].1)
    }
}

/// What a checker says: nothing, or what it saw.
pub(crate) type Finding = Result<(), String>;

/// An invariant's name and its checker.
type Checker = (&'static str, fn(&View<'_>) -> Finding);

pub(crate) fn check_step(view: &View<'_>) -> Result<(), Violation> {
    let checks: [Checker; 6] = [
        ("monotonic", monotonic::check),
        ("lost_ack", lost_ack::check),
        ("ack_with_effect", ack_with_effect::check),
        ("optimistic_equivalence", optimistic_equivalence::check),
        ("atomic_position", atomic_position::check),
        ("no_hole", no_hole::check),
    ];
    run(view, &checks)
}

pub(crate) fn check_end(view: &View<'_>) -> Result<(), Violation> {
    let checks: [Checker; 3] =
        [("convergence", convergence::check), ("exactly_once", exactly_once::check), ("real_names", real_names::check)];
    run(view, &checks)
}

fn run(view: &View<'_>, checks: &[Checker]) -> Result<(), Violation> {
    for (invariant, check) in checks {
        check(view).map_err(|finding| {
            let detail = format!("d{} at p{}: {finding}", view.device.index, view.machine.pos());
            Violation { invariant, detail }
        })?;
    }
    Ok(())
}

/// The rows that a device has to hold at a position, by the rules of the run.
pub(crate) fn expected_rows<'a>(device: &SimDevice, oracle: &'a Oracle, pos: Pos) -> Seen<'a> {
    let Some(rows) = oracle.rows_at(pos) else {
        return Seen::new();
    };
    let held = rows.iter().filter(|(place, row)| match place.table.as_str() {
        "t" => !device.only_red || row.value("grp").as_text() == Some("red"),
        "u" => row.value("owner").as_text() == Some(device.user),
        table => SHARED.contains(&table),
    });
    held.map(|(place, row)| (&**place, row)).collect()
}

/// True when the device's cursor promises something for all of its shapes.
pub(crate) fn is_promised(view: &View<'_>) -> bool {
    let cursor = view.machine.meta().cursor.as_deref().and_then(Cursor::decode);
    cursor.is_some_and(|cursor| cursor.views.len() == view.device.shapes().len())
}

/// How two sets of rows differ, in one line.
pub(crate) fn difference(expected: &Seen<'_>, found: &Seen<'_>) -> Option<String> {
    if expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| is_same(*expected, *found)) {
        return None;
    }
    let found: BTreeMap<_, _> = found.iter().copied().collect();
    let missing = expected.iter().find(|(place, row)| found.get(place) != Some(row));
    if let Some((place, row)) = missing {
        let found = found.get(place).map_or_else(|| "nothing".to_owned(), |row| row.canonical());
        return Some(format!("{} {}: expected {}, found {found}", place.table, place.key.canonical(), row.canonical()));
    }
    let expected: BTreeMap<_, _> = expected.iter().copied().collect();
    let extra = found.iter().find(|(place, _)| !expected.contains_key(**place));
    extra.map(|(place, row)| {
        format!("{} {}: found {}, expected nothing", place.table, place.key.canonical(), row.canonical())
    })
}

/// Most rows are the same place in memory.
fn is_same((place, row): (&RowKey, &Arc<Row>), (other, others): (&RowKey, &Arc<Row>)) -> bool {
    (std::ptr::eq(place, other) || place == other) && (Arc::ptr_eq(row, others) || row == others)
}
