//! Leaks that the taint tests have to catch. Only they set one.

use std::borrow::Cow;
use std::sync::Arc;

use swain_core::protocol::Results;
use swain_core::rule::Expression;
use swain_core::{Name, Row};
use swain_store::Store;

use super::Engine;
use crate::matching::LiveShape;

/// What an engine does wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedLeak {
    /// A session goes on under the rights that it opened with.
    RightsNotFollowed,
    /// A cursor is honoured though rights have moved behind it.
    ResumeIgnoresRights,
    /// One way to a device does not know of hidden columns.
    MaskForgotten(Channel),
    /// Everybody in a room is told what is said on which row.
    PresenceIgnoresRows,
    /// Everybody is let into every room.
    RoomsAreOpen,
    /// A refusal tells what stands in the table.
    RefusalsTellRows,
}

/// A way on which rows reach a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// What the hub brings.
    Live,
    /// What a session reads of the log.
    Log,
    /// The rows of a load.
    Load,
    /// The log over a load.
    LoadLog,
}

impl<S: Store> Engine<S> {
    /// The shapes, as this way to the device takes them.
    pub(super) fn shapes_on<'a>(&self, channel: Channel, shapes: &'a [LiveShape]) -> Cow<'a, [LiveShape]> {
        if self.planted != Some(PlantedLeak::MaskForgotten(channel)) {
            return Cow::Borrowed(shapes);
        }
        shapes.iter().map(|shape| LiveShape { hidden: Arc::default(), ..shape.clone() }).collect()
    }

    pub(super) async fn leak_into(&self, results: &mut Results) {
        if self.planted != Some(PlantedLeak::RefusalsTellRows) {
            return;
        }
        let names: Vec<Name> = self.catalog().schema.tables.keys().cloned().collect();
        for name in names {
            let Ok(chunk) = self.store.load(name, Expression::Constant(true), None, 1).await else { continue };
            let rows: String = chunk.rows.iter().map(Row::canonical).collect();
            let problems = results.results.iter_mut().filter_map(|result| result.problem.as_mut());
            problems.for_each(|problem| problem.detail.push_str(&rows));
        }
    }
}
