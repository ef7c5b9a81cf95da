//! Which transport the next attempt uses (spec C17).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::ids::Millis;
use crate::limits::{
    TRANSPORT_CUTS_MAX, TRANSPORT_LIFE_SHORT_MS, TRANSPORT_RETURN_MS_FIRST, TRANSPORT_RETURN_MS_MAX,
    TRANSPORT_RETURN_SOON_MS,
};
use crate::protocol::Transport;

/// How long a poll may wait at the server, in seconds; the next one after each poll that was cut while it waited.
const POLL_WAITS_S: [u64; 4] = [25, 12, 6, 0];

/// How an attempt or a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nobody said why: refused, cut, silent, late with its welcome, or garbled on the way.
    Lost,
    /// The server itself ended it, by a close code or a problem: so the transport reaches it.
    Closed,
    /// The server does not offer this transport: `transport_off`.
    Off,
    /// This device wanted it to end.
    Left,
}

/// One attempt is [`Picker::choose`], then perhaps [`Picker::handle_welcome`], then [`Picker::handle_end`].
///
/// ```text
/// first ──lost before its welcome, cut three times, off──► next ──…──► last ──► first
///   ▲                                                        │
///   └───────────────── return time, or online ───────────────┘
/// ```
#[derive(Clone, Debug)]
pub struct Picker {
    /// In order of preference; at least one.
    transports: Vec<Transport>,
    current: Transport,
    cuts: u32,
    wait: usize,
    /// Lost without a welcome since the last welcome of any.
    failed: BTreeSet<Transport>,
    /// Had a welcome, and was not given up since.
    worked: BTreeSet<Transport>,
    off_until: BTreeMap<Transport, Millis>,
    return_at: Option<Millis>,
    return_after: Millis,
    is_return_soon: bool,
}

impl Picker {
    /// In order of preference; none at all is the usual order.
    pub fn new(transports: &[Transport]) -> Self {
        let transports = if transports.is_empty() { Transport::ALL } else { transports };
        Self {
            transports: transports.to_vec(),
            current: transports[0],
            cuts: 0,
            wait: 0,
            failed: BTreeSet::new(),
            worked: BTreeSet::new(),
            off_until: BTreeMap::new(),
            return_at: None,
            return_after: Millis(TRANSPORT_RETURN_MS_FIRST),
            is_return_soon: false,
        }
    }

    /// When a quiet moment is to be used to come back to a better transport; none: there is none.
    pub fn return_at(&self) -> Option<Millis> {
        self.return_at
    }

    /// How long a poll asks the server to wait, in seconds.
    pub fn wait_seconds(&self) -> u64 {
        POLL_WAITS_S[self.wait]
    }

    /// True when there is nothing to fall back to, so nothing is gained by giving up early.
    pub fn is_single(&self) -> bool {
        self.transports.len() == 1
    }

    /// An attempt begins.
    pub fn choose(&mut self, now: Millis) -> Transport {
        if self.return_at.is_some_and(|at| now >= at) {
            self.come_back(now);
        }
        self.current
    }

    /// The connection has its welcome.
    pub fn handle_welcome(&mut self, now: Millis) {
        let best = self.best(now);
        let was_away = self.failed.contains(&self.current) || self.worked.contains(&best);
        self.failed.clear();
        self.worked.insert(self.current);
        if self.is_best() {
            self.return_at = None;
        } else if self.return_at.is_none() {
            self.is_return_soon = was_away && self.current != best;
            let after = if self.is_return_soon { Millis(TRANSPORT_RETURN_SOON_MS) } else { self.return_after };
            self.return_at = Some(now.plus(after));
        }
    }

    /// The attempt is over. `life`: from the welcome to the last frame; none: there was no welcome.
    pub fn handle_end(&mut self, now: Millis, ending: Ending, life: Option<Millis>) {
        let is_long = life.is_some_and(|life| life.0 >= TRANSPORT_LIFE_SHORT_MS);
        if is_long {
            self.cuts = 0;
            if self.current == self.transports[0] {
                self.return_after = Millis(TRANSPORT_RETURN_MS_FIRST);
            }
        }
        match (ending, life) {
            (Ending::Off, _) => {
                self.off_until.insert(self.current, now.plus(self.return_after));
                self.move_on(now);
            }
            (Ending::Lost, None) => {
                self.failed.insert(self.current);
                self.move_on(now);
            }
            (Ending::Lost, Some(_)) if !is_long => {
                self.cuts += 1;
                if self.cuts >= TRANSPORT_CUTS_MAX {
                    self.worked.remove(&self.current);
                    self.move_on(now);
                }
            }
            (Ending::Lost | Ending::Closed | Ending::Left, _) => {}
        }
    }

    /// A poll was cut while the server had nothing to say: something in between does not wait that long.
    pub fn handle_wait_cut(&mut self, now: Millis) {
        self.wait = (self.wait + 1).min(POLL_WAITS_S.len() - 1);
        self.return_at.get_or_insert(now.plus(self.return_after));
    }

    /// Perhaps another network: what was learned of the old one does not count.
    pub fn handle_online(&mut self, now: Millis) {
        self.return_after = Millis(TRANSPORT_RETURN_MS_FIRST);
        self.off_until.clear();
        if !self.is_best() {
            self.is_return_soon = true;
            self.return_at = Some(now);
        }
    }

    fn is_best(&self) -> bool {
        self.current == self.transports[0] && self.wait == 0
    }

    fn come_back(&mut self, now: Millis) {
        self.return_at = None;
        self.cuts = 0;
        self.wait = 0;
        self.current = self.best(now);
        self.worked.remove(&self.current);
        if !self.is_return_soon {
            self.return_after = Millis((2 * self.return_after.0).min(TRANSPORT_RETURN_MS_MAX));
        }
        self.is_return_soon = false;
    }

    /// To the next that is offered; when none is, to the next.
    fn move_on(&mut self, now: Millis) {
        self.cuts = 0;
        let place = self.transports.iter().position(|transport| *transport == self.current).unwrap_or(0);
        let (before, after) = self.transports.split_at(place + 1);
        let others: Vec<Transport> = after.iter().chain(before).copied().collect();
        let offered = others.iter().copied().find(|transport| !self.is_off(*transport, now));
        self.current = offered.unwrap_or(others[0]);
    }

    fn best(&self, now: Millis) -> Transport {
        let mut transports = self.transports.iter().copied();
        transports.find(|transport| !self.is_off(*transport, now)).unwrap_or(self.transports[0])
    }

    fn is_off(&self, transport: Transport, now: Millis) -> bool {
        self.off_until.get(&transport).is_some_and(|until| now < *until)
    }
}
