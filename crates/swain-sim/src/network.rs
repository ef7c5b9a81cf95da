//! Connections between devices and the server: in order, late, cut, and by fault lossy, doubled or out of order.

use std::collections::BTreeMap;

use swain_core::Millis;

use crate::dice::Dice;
use crate::plan::{Fault, Plan};

/// A connection. Its number is its session's, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link(pub(crate) u64);

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Up,
    Down,
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    last: u64,
    links: BTreeMap<Link, Ends>,
    healed: bool,
}

#[derive(Debug)]
struct Ends {
    device: usize,
    /// No message arrives before an earlier one.
    arrival: [Millis; 2],
}

impl Network {
    pub(crate) fn open(&mut self, device: usize, now: Millis) -> Link {
        self.last += 1;
        let link = Link(self.last);
        self.links.insert(link, Ends { device, arrival: [now, now] });
        link
    }

    pub(crate) fn device(&self, link: Link) -> Option<usize> {
        self.links.get(&link).map(|ends| ends.device)
    }

    /// What is on its way is lost. True when it was open.
    pub(crate) fn close(&mut self, link: Link) -> bool {
        self.links.remove(&link).is_some()
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        self.links.keys().copied().collect()
    }

    /// No more faults.
    pub(crate) fn heal(&mut self) {
        self.healed = true;
    }

    /// When a message that is sent now arrives: never, once, or twice.
    pub(crate) fn arrivals(&mut self, plan: &Plan, dice: &mut Dice, now: Millis, link: Link, way: Way) -> Vec<Millis> {
        let Some(ends) = self.links.get_mut(&link) else {
            return Vec::new();
        };
        let faulty = |fault| !self.healed && plan.has(fault);
        let delay = if faulty(Fault::Delay) { 1 + dice.below(400) } else { 1 + dice.below(20) };
        if faulty(Fault::Drop) && dice.permille(15) {
            return Vec::new();
        }
        let last = &mut ends.arrival[way as usize];
        let mut at = now.plus(Millis(delay)).max(*last);
        if faulty(Fault::Reorder) && dice.permille(25) {
            at = at.plus(Millis(40));
        } else {
            *last = at;
        }
        if faulty(Fault::Duplicate) && dice.permille(30) {
            return vec![at, at.plus(Millis(dice.below(60)))];
        }
        vec![at]
    }
}
