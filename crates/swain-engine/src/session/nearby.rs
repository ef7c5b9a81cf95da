//! Presence in a session: takes in what its tabs say, asks them whether they are still there, and tells them of others,
//! no faster than anybody can look (spec P28).

use std::collections::{BTreeMap, VecDeque};

use swain_core::limits::PRESENCE_ROOMS_MAX;
use swain_core::protocol::{Nearby as Frame, Presence, Said, Tab};
use swain_core::{Code, Millis, Problem};

use crate::limits::{PRESENCE_INTERVAL_MS, PRESENCE_SILENCES_MAX, PRESENCE_WAITING_MAX};

/// Silences that may be the line's: a tab is not given up before it was asked so often.
const ASKED_MIN: u64 = PRESENCE_SILENCES_MAX - 1;

#[derive(Debug, Default)]
pub(super) struct Nearby {
    heartbeat: Millis,
    tabs: BTreeMap<Tab, Silence>,
    asked: Millis,
    /// What was said and is not taken in yet.
    said: VecDeque<Presence>,
    hearing: bool,

    has_news: bool,
    looking: bool,
    looked: Option<Millis>,
    frames: VecDeque<String>,
}

/// How long nothing was heard of a tab.
#[derive(Debug)]
struct Silence {
    since: Millis,
    /// How often it was asked since then.
    asks: u64,
}

/// What is to be done.
pub(super) enum Step {
    /// Take this in.
    Hear(Presence),
    /// Look what is new.
    Look,
    /// Send this.
    Send(String),
}

impl Nearby {
    pub(super) fn new(heartbeat: Millis) -> Self {
        Self { heartbeat, ..Self::default() }
    }

    pub(super) fn handle_said(&mut self, now: Millis, presence: Presence) -> Result<(), Problem> {
        if self.tabs.is_empty() {
            self.asked = now;
        }
        if let Said::Left(None) = presence.said {
            self.tabs.remove(&presence.tab);
        } else if !self.tabs.contains_key(&presence.tab) && self.tabs.len() >= PRESENCE_ROOMS_MAX {
            self.refuse(&presence);
            return Ok(());
        } else {
            self.tabs.insert(presence.tab.clone(), Silence { since: now, asks: 0 });
        }
        // The latest counts.
        self.said.retain(|waiting| !is_outdated(waiting, &presence));
        if self.said.len() >= PRESENCE_WAITING_MAX {
            return Err(Problem::new(Code::LimitMessageRate, "presence comes faster than it can be taken in"));
        }
        self.said.push_back(presence);
        Ok(())
    }

    fn refuse(&mut self, presence: &Presence) {
        if let (Said::In { room, .. }, true) = (&presence.said, self.frames.len() < PRESENCE_WAITING_MAX) {
            let detail = format!("at most {PRESENCE_ROOMS_MAX} tabs of one connection are anywhere");
            let problem = Problem::new(Code::LimitPresenceRooms, detail);
            self.frames.push_back(Frame::refused(&presence.tab, room, &problem));
        }
    }

    pub(super) fn handle_news(&mut self) {
        self.has_news = true;
    }

    /// The answer to either question.
    pub(super) fn handle_told(&mut self, frames: Vec<String>) {
        match self.hearing {
            true => self.hearing = false,
            false => self.looking = false,
        }
        self.frames.extend(frames);
    }

    /// Nothing more is told under what was promised.
    pub(super) fn end(&mut self) {
        self.said.clear();
        self.frames.clear();
        self.tabs.clear();
        self.has_news = false;
    }

    /// The next thing that is to happen by itself.
    pub(super) fn timeout(&self) -> Option<Millis> {
        let look = (self.has_news && !self.looking && !self.hearing).then(|| self.look_due()).flatten();
        let ask = (!self.tabs.is_empty()).then(|| self.asked.plus(self.heartbeat));
        look.into_iter().chain(ask).chain(self.tabs.values().filter_map(|silence| self.lost_at(silence))).min()
    }

    pub(super) fn poll(&mut self, now: Millis) -> Option<Step> {
        if let Some(frame) = self.frames.pop_front() {
            return Some(Step::Send(frame));
        }
        self.give_up(now);
        // One question at a time: an answer says nothing of which it is.
        if !self.hearing && !self.looking {
            if let Some(presence) = self.said.pop_front() {
                self.hearing = true;
                return Some(Step::Hear(presence));
            }
            if self.has_news && self.look_due().is_none_or(|due| due <= now) {
                (self.has_news, self.looking, self.looked) = (false, true, Some(now));
                return Some(Step::Look);
            }
        }
        if !self.tabs.is_empty() && self.asked.plus(self.heartbeat) <= now {
            self.asked = now;
            self.tabs.values_mut().for_each(|silence| silence.asks += 1);
            return Some(Step::Send(Frame::ask()));
        }
        None
    }

    /// Tabs of which nothing was heard for too long have left.
    fn give_up(&mut self, now: Millis) {
        let is_lost = |silence: &Silence| self.lost_at(silence).is_some_and(|at| at <= now);
        let lost: Vec<Tab> =
            self.tabs.iter().filter(|(_, silence)| is_lost(silence)).map(|(tab, _)| tab.clone()).collect();
        for tab in lost {
            self.tabs.remove(&tab);
            self.said.push_back(Presence { tab, said: Said::Left(None) });
        }
    }

    fn lost_at(&self, silence: &Silence) -> Option<Millis> {
        let patience = Millis(self.heartbeat.0 * PRESENCE_SILENCES_MAX);
        (silence.asks >= ASKED_MIN).then(|| silence.since.plus(patience))
    }

    /// Not before this it looks again; none: at once.
    fn look_due(&self) -> Option<Millis> {
        self.looked.map(|looked| looked.plus(Millis(PRESENCE_INTERVAL_MS)))
    }
}

/// What waits says nothing any more beside what came now.
fn is_outdated(waiting: &Presence, now: &Presence) -> bool {
    let room = |said: &Said| match said {
        Said::In { room, .. } => Some(room.clone()),
        Said::Left(room) => room.clone(),
        Said::Here => None,
    };
    if waiting.tab != now.tab {
        return false;
    }
    match (&waiting.said, &now.said) {
        (_, Said::Left(None)) | (Said::Here, _) => true,
        (Said::Left(None), _) | (_, Said::Here) => false,
        (waiting, now) => room(waiting) == room(now),
    }
}
