//! A session after its welcome: pushes, the stream, the load, side by side.

use std::collections::VecDeque;
use std::sync::Arc;

use swain_core::protocol::{
    Checkpoint, Close, Cursor, Goaway, MutationResult, Presence, ShapeState, Unreadable, Welcome, write_own_changes,
};
use swain_core::rule::Auth;
use swain_core::{Alias, Code, DeviceId, Epoch, Millis, Mutation, MutationNumber, Problem, Schema};

use super::Output;
use super::load::{Load, Next};
use super::nearby::{Nearby, Step};
use super::stream::Stream;
use crate::engine::{Ask, Identity, Opened, PresenceHeard, Told};
use crate::hub::{Delivery, Moved, Taken};
use crate::limits::SESSION_PUSHES_MAX;
use crate::matching::LiveShape;

#[derive(Debug)]
pub(super) struct Running {
    who: Who,
    greeting: Greeting,

    shapes: Vec<LiveShape>,
    views: Vec<String>,
    live: Arc<[LiveShape]>,

    /// The highest n whose position the stream has passed, and what the device was told of it: while a load goes on,
    /// the effects may still be in staging, so the acknowledgement waits for its end (spec P9).
    acked: MutationNumber,
    told_acked: MutationNumber,
    stream: Stream,
    load: Option<Load>,
    heartbeat_due: bool,
    expiry_news: bool,
    is_caught_up: bool,

    pushes: VecDeque<Vec<Result<Mutation, Unreadable>>>,
    push_asked: bool,
    renewal: Option<String>,
    renewal_asked: bool,

    nearby: Nearby,
    /// All shapes, once presence has asked for them.
    held: Option<Arc<[LiveShape]>>,

    replies: VecDeque<String>,
    goaway: Option<Goaway>,
    closing: Option<Close>,
}

#[derive(Debug)]
struct Who {
    epoch: Epoch,
    device: DeviceId,
    auth: Auth,
    expires: Option<Millis>,
}

/// What only the welcome needs.
#[derive(Debug)]
struct Greeting {
    schema: Option<Schema>,
    last: MutationNumber,
    results: Vec<MutationResult>,
    aliases: Vec<Alias>,
}

impl Running {
    pub(super) fn new(opened: Opened, expires: Option<Millis>, heartbeat: Millis) -> Self {
        let Opened {
            epoch,
            schema,
            device,
            auth,
            shapes,
            views,
            live,
            at,
            acked,
            told_acked,
            last,
            results,
            aliases,
            load,
        } = opened;
        let load = load.map(|load| {
            let loading = (0..shapes.len()).filter(|index| !live.contains(index));
            let (shapes, views) = loading.map(|index| (shapes[index].clone(), views[index].clone())).unzip();
            Load::new(epoch.clone(), load, shapes, views)
        });
        Self {
            who: Who { epoch, device, auth, expires },
            greeting: Greeting { schema, last, results, aliases },
            live: live.iter().map(|index| shapes[*index].clone()).collect(),
            shapes,
            views,
            acked,
            told_acked,
            stream: Stream::new(at),
            load,
            heartbeat_due: false,
            expiry_news: false,
            is_caught_up: false,
            pushes: VecDeque::new(),
            push_asked: false,
            renewal: None,
            renewal_asked: false,
            nearby: Nearby::new(heartbeat),
            held: None,
            replies: VecDeque::new(),
            goaway: None,
            closing: None,
        }
    }

    pub(super) fn expires(&self) -> Option<Millis> {
        self.who.expires
    }

    pub(super) fn welcome(&mut self, now: Millis, heartbeat: Millis) -> Welcome {
        let is_live = |shape: &LiveShape| self.live.iter().any(|live| live.index == shape.index);
        let state = |shape| {
            if is_live(shape) { ShapeState::Live } else { ShapeState::Load }
        };
        Welcome {
            epoch: self.who.epoch.clone(),
            user: self.who.auth.user.clone(),
            device: self.who.device.clone(),
            now,
            heartbeat,
            expires: self.who.expires,
            shapes: self.shapes.iter().map(state).collect(),
            last: self.greeting.last,
            results: std::mem::take(&mut self.greeting.results),
            aliases: std::mem::take(&mut self.greeting.aliases),
            schema: self.greeting.schema.take(),
            load_resumes: self.load.as_ref().map(Load::resumes),
        }
    }

    // ---- in ----

    pub(super) fn handle_push(&mut self, mutations: Vec<Result<Mutation, Unreadable>>) -> Result<(), Problem> {
        if self.pushes.len() >= SESSION_PUSHES_MAX {
            return Err(Problem::new(Code::LimitMessageRate, "wait for the results of a push before the next"));
        }
        self.pushes.push_back(mutations);
        Ok(())
    }

    pub(super) fn handle_auth(&mut self, token: String) {
        self.renewal = Some(token);
    }

    pub(super) fn handle_presence(&mut self, now: Millis, presence: Presence) -> Result<(), Problem> {
        if self.goaway.is_some() {
            // Whoever leaves is nowhere.
            return Ok(());
        }
        self.nearby.handle_said(now, presence)
    }

    pub(super) fn handle_nearby_news(&mut self) {
        self.nearby.handle_news();
    }

    pub(super) fn nearby_timeout(&self) -> Option<Millis> {
        self.nearby.timeout().filter(|_| self.goaway.is_none())
    }

    pub(super) fn handle_goaway(&mut self, goaway: Goaway) {
        self.goaway = Some(goaway);
    }

    pub(super) fn handle_heartbeat_due(&mut self) {
        self.heartbeat_due = true;
    }

    pub(super) fn handle_taken(&mut self, taken: Taken) {
        match taken {
            Taken::Live { deliveries, head } => self.stream.handle_live(deliveries, head),
            Taken::Behind => self.stream.handle_behind(),
            Taken::Moved(why) => self.handle_moved(why),
            Taken::Superseded if self.closing.is_none() => {
                let problem = Problem::new(Code::Superseded, "this device has connected elsewhere");
                self.replies.push_back(problem.to_text());
                self.closing = Some(Close::Superseded);
            }
            Taken::Superseded => {}
        }
    }

    pub(super) fn handle_told(&mut self, told: Told) -> Result<(), (Problem, Close)> {
        match told {
            Told::Log { deliveries, through, live } => self.stream.handle_log(deliveries, through, live),
            Told::Moved(why) => self.handle_moved(why),
            Told::Rows { rows, more, head } => {
                let frame = self.load.as_mut().and_then(|load| load.handle_rows(&rows, more, head));
                self.replies.extend(frame);
            }
            Told::LoadLog { changes, through } => {
                let frame = self.load.as_mut().and_then(|load| load.handle_log(&changes, through));
                self.replies.extend(frame);
            }
            Told::Pushed(results) => {
                self.push_asked = false;
                self.replies.push_back(results.to_text());
            }
            Told::Presence(frames) => self.nearby.handle_told(frames),
            Told::Identity(identity) => return self.handle_renewed(identity),
            Told::Watched => self.stream.handle_watched(),
            Told::Followed | Told::Opened(_) | Told::Expired | Told::Failed(_) => {}
        }
        Ok(())
    }

    /// Nothing more leaves under what was promised: the device comes back and loads what it may read now.
    fn handle_moved(&mut self, why: Moved) {
        self.stream.hold_for_watch();
        self.nearby.end();
        self.goaway.get_or_insert_with(|| Goaway { reason: why.reason().into(), retry: Millis(0) });
    }

    fn handle_renewed(&mut self, identity: Result<Identity, Problem>) -> Result<(), (Problem, Close)> {
        self.renewal_asked = false;
        let identity = identity.map_err(|problem| (problem, Close::AuthExpired))?;
        if identity.auth.user != self.who.auth.user {
            let problem = Problem::new(Code::UserChanged, "a stream keeps its user");
            return Err((problem, Close::Forbidden));
        }
        if identity.auth != self.who.auth {
            // Another role sees other rows: the device comes back and finds its views changed.
            self.goaway = Some(Goaway { reason: "role changed".into(), retry: Millis(0) });
            return Ok(());
        }
        self.who.expires = identity.expires;
        // Said at once, however busy the stream is: the device has to know when to renew next.
        self.expiry_news = true;
        Ok(())
    }

    // ---- out ----

    /// Makes the next outputs, if there is anything to do.
    pub(super) fn poll(&mut self, now: Millis, out: &mut VecDeque<Output>) {
        if let Some(reply) = self.replies.pop_front() {
            out.push_back(Output::Send(reply));
        } else if let Some(close) = self.closing {
            out.push_back(Output::Close(close));
        } else if let Some(ask) = self.poll_push(now).or_else(|| self.poll_renewal()) {
            out.push_back(Output::Ask(ask));
        } else if let Some(goaway) = self.goaway.take_if(|_| !self.push_asked) {
            out.push_back(Output::Send(goaway.to_text()));
            out.push_back(Output::Close(Close::Restart));
        } else if std::mem::take(&mut self.expiry_news) {
            out.push_back(Output::Send(self.checkpoint(now).heartbeat(self.who.expires)));
        } else if let Some(output) = self.poll_nearby(now) {
            out.push_back(output);
        } else if let Some(frame) = self.poll_stream(now) {
            out.push_back(Output::Send(frame));
        } else if let Some(next) = self.poll_load() {
            match next {
                Next::Ask(ask) => out.push_back(Output::Ask(ask)),
                Next::End => self.end_load(now, out),
            }
        } else if let Some(ask) = self.poll_log() {
            out.push_back(Output::Ask(ask));
        } else if let Some(frame) = self.poll_silence(now) {
            out.push_back(Output::Send(frame));
        }
    }

    fn poll_push(&mut self, now: Millis) -> Option<Ask> {
        if self.push_asked {
            return None;
        }
        let mutations = self.pushes.pop_front()?;
        self.push_asked = true;
        Some(Ask::Push { auth: self.who.auth.clone(), device: self.who.device.clone(), now, mutations })
    }

    fn poll_renewal(&mut self) -> Option<Ask> {
        let token = self.renewal.take_if(|_| !self.renewal_asked)?;
        self.renewal_asked = true;
        Some(Ask::Authenticate { token: Some(token) })
    }

    fn poll_nearby(&mut self, now: Millis) -> Option<Output> {
        if self.goaway.is_some() {
            return None;
        }
        Some(match self.nearby.poll(now)? {
            Step::Send(frame) => Output::Send(frame),
            Step::Look => Output::Ask(Ask::LookAround),
            Step::Hear(said) => {
                let held = Arc::clone(self.held.get_or_insert_with(|| self.shapes.as_slice().into()));
                let heard = PresenceHeard { auth: self.who.auth.clone(), held, said };
                Output::Ask(Ask::HearPresence(Box::new(heard)))
            }
        })
    }

    fn poll_stream(&mut self, now: Millis) -> Option<String> {
        let is_own = self.stream.next().is_some_and(|next| next.own.is_some());
        if self.load.as_ref().is_some_and(|load| load.holds_stream() || (is_own && load.reads_rows())) {
            // An own edit is shown by its overlay until the load has its effect; the stream waits with it, so that
            // as little as possible is sent between the effect and its acknowledgement.
            return None;
        }
        let Delivery { own, rows, aliases, .. } = self.stream.poll()?;
        self.acked = self.acked.max(own.unwrap_or_default());
        if self.load.is_none() {
            self.told_acked = self.acked;
        }
        Some(write_own_changes(&self.checkpoint(now), &rows, &aliases))
    }

    fn poll_load(&mut self) -> Option<Next> {
        let settled = self.stream.settled();
        self.load.as_mut()?.poll(settled)
    }

    fn poll_log(&mut self) -> Option<Ask> {
        if self.load.as_ref().is_some_and(Load::holds_stream) {
            return None;
        }
        let after = self.stream.poll_read()?;
        Some(Ask::ReadLog { after, shapes: Arc::clone(&self.live), device: self.who.device.clone() })
    }

    /// Nothing else to send: say where the device is, once when it is current, then when silence gets long.
    fn poll_silence(&mut self, now: Millis) -> Option<String> {
        if !self.is_caught_up && self.load.is_none() && self.stream.settled().is_some() {
            self.is_caught_up = true;
            return Some(self.checkpoint(now).caught_up());
        }
        if std::mem::take(&mut self.heartbeat_due) {
            return Some(self.checkpoint(now).heartbeat(self.who.expires));
        }
        None
    }

    /// The staged rows become the device's, at the position where the stream was held.
    fn end_load(&mut self, now: Millis, out: &mut VecDeque<Output>) {
        let Some(load) = self.load.take() else { return };
        let mut live: Vec<LiveShape> = self.live.iter().chain(load.shapes()).cloned().collect();
        live.sort_by_key(|shape| shape.index);
        self.live = live.into();
        self.stream.hold_for_watch();
        self.told_acked = self.acked;
        out.push_back(Output::Send(load.end(self.checkpoint(now))));
        out.push_back(Output::Ask(Ask::Watch { shapes: Arc::clone(&self.live) }));
    }

    fn checkpoint(&self, now: Millis) -> Checkpoint {
        let (pos, tag) = self.stream.at();
        let views = self.live.iter().map(|shape| self.views[shape.index].clone()).collect();
        let cursor = Cursor { epoch: self.who.epoch.clone(), pos, tag, views }.encode();
        Checkpoint { cursor, pos, tag, acked: self.told_acked, now }
    }
}
