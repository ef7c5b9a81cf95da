//! Where a session is in the log, and how it gets on: by pages while it is behind, by the hub when it is live.
//!
//! ```text
//! Behind ──page up to the head──► Live ──queue dropped──► Behind
//!    ▲───────────── shapes changed (watch) ──────────────────┘
//! ```

use std::collections::VecDeque;

use swain_core::{Pos, Tag};

use crate::hub::Delivery;
use crate::limits::SESSION_QUEUE_BYTES_MAX;

#[derive(Debug)]
pub(super) struct Stream {
    /// Everything relevant up to here was sent.
    at: (Pos, Tag),
    /// What is to be sent, in order.
    ready: VecDeque<Delivery>,
    /// Where the stream is when `ready` has been sent.
    ahead: (Pos, Tag),
    /// What the hub gave before the answer arrived that says that it may.
    early: Vec<Delivery>,
    early_head: Option<(Pos, Tag)>,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Behind {
        asked: bool,
    },
    Live,
    /// The hub is being told of other shapes; then the log is read from `at`.
    Watching,
}

impl Stream {
    pub(super) fn new(at: (Pos, Tag)) -> Self {
        Self {
            at,
            ready: VecDeque::new(),
            ahead: at,
            early: Vec::new(),
            early_head: None,
            mode: Mode::Behind { asked: false },
        }
    }

    pub(super) fn at(&self) -> (Pos, Tag) {
        self.at
    }

    /// Where the stream is, if nothing that is known waits before it.
    pub(super) fn settled(&self) -> Option<(Pos, Tag)> {
        (self.mode == Mode::Live && self.ready.is_empty() && self.at == self.ahead).then_some(self.at)
    }

    /// What is sent next.
    pub(super) fn next(&self) -> Option<&Delivery> {
        self.ready.front()
    }

    pub(super) fn handle_live(&mut self, deliveries: Vec<Delivery>, head: (Pos, Tag)) {
        match self.mode {
            // While the stream is held it takes no more than a queue's worth; the rest it reads from the log later.
            Mode::Live if self.ready_bytes() > SESSION_QUEUE_BYTES_MAX => self.mode = Mode::Behind { asked: false },
            Mode::Live => {
                self.ready.extend(deliveries);
                self.ahead = head;
            }
            Mode::Behind { asked: true } => {
                self.early.extend(deliveries);
                self.early_head = Some(head);
            }
            Mode::Behind { asked: false } | Mode::Watching => {}
        }
    }

    fn ready_bytes(&self) -> usize {
        self.ready.iter().map(|delivery| delivery.rows.len() + size_of::<Delivery>()).sum()
    }

    pub(super) fn handle_behind(&mut self) {
        if self.mode == Mode::Live {
            self.mode = Mode::Behind { asked: false };
        }
    }

    pub(super) fn handle_log(&mut self, deliveries: Vec<Delivery>, through: (Pos, Tag), live: bool) {
        if self.mode != (Mode::Behind { asked: true }) {
            return;
        }
        self.ready.extend(deliveries);
        self.ahead = through;
        let early = std::mem::take(&mut self.early);
        let early_head = self.early_head.take();
        self.mode = Mode::Behind { asked: false };
        if live {
            self.mode = Mode::Live;
            self.ready.extend(early.into_iter().filter(|delivery| delivery.pos > through.0));
            self.ahead = early_head.filter(|head| head.0 > through.0).unwrap_or(through);
        }
    }

    /// The shapes change at `at`: what was prepared for the old ones is read again for the new.
    pub(super) fn hold_for_watch(&mut self) {
        self.ready.clear();
        self.early.clear();
        self.early_head = None;
        self.ahead = self.at;
        self.mode = Mode::Watching;
    }

    pub(super) fn handle_watched(&mut self) {
        self.mode = Mode::Behind { asked: false };
    }

    /// The next position to send; the stream is there then. When there is none, the stream is as far as it is known.
    ///
    /// Nothing else moves the stream, so it stands still while nobody polls it (a load that ends holds it so).
    pub(super) fn poll(&mut self) -> Option<Delivery> {
        let next = self.ready.pop_front();
        self.at = next.as_ref().map_or(self.ahead, |delivery| (delivery.pos, delivery.tag));
        next
    }

    /// From where the log has to be read.
    pub(super) fn poll_read(&mut self) -> Option<Pos> {
        if self.mode != (Mode::Behind { asked: false }) || !self.ready.is_empty() {
            return None;
        }
        self.mode = Mode::Behind { asked: true };
        Some(self.ahead.0)
    }
}
