//! Frames of the server, from text to a step of the replica.

use alloc::format;

use super::{Device, Telling};
use crate::client::config::PlantedBug;
use crate::client::output::Output;
use crate::client::replica::Trouble;
use crate::client::session::{Connection, Progress, Push, Renewal, Session};
use crate::client::status::Loading;
use crate::decode::Node;
use crate::ids::Millis;
use crate::limits::RENEW_BEFORE_MS;
use crate::problem::{Code, Problem};
use crate::protocol::{Checkpoint, Down, LoadChunk, LoadEnd, Results, Welcome};
use crate::strict_json::parse;

impl Device {
    pub(super) fn frame(&mut self, now: Millis, text: &str) {
        let handled = match &mut self.connection {
            Connection::Greeting { .. } => self.read_frame(text).and_then(|frame| self.greeted(now, frame)),
            Connection::Running(session) => {
                session.heard = now;
                self.read_frame(text).and_then(|frame| self.running(now, text, frame))
            }
            // The driver promised not to; what it still had in its hands is void.
            Connection::NeedsToken
            | Connection::NeedsDevice { .. }
            | Connection::Stopped(_)
            | Connection::Waiting { .. }
            | Connection::Connecting { .. } => Ok(()),
        };
        match handled {
            Ok(()) => {}
            Err(Trouble::Diverged) => self.start_over(now),
            Err(Trouble::Protocol(problem)) => {
                self.outputs.push_back(Output::Problem(problem));
                self.drop_connection(now);
            }
        }
    }

    /// Reads a frame and checks that it is the next one of the connection (spec P19).
    fn read_frame(&mut self, text: &str) -> Result<Down, Trouble> {
        let (number, frame) = Down::read_numbered(text)?;
        // What came by another way than the stream has no number, and takes none.
        let Some(number) = number else { return Ok(frame) };
        self.frames += 1;
        let wanted = self.frames;
        if number != wanted && !self.config.faults.has(PlantedBug::AcceptOldFrame) {
            return Err(unexpected(&format!("frame {number} instead of {wanted}")));
        }
        Ok(frame)
    }

    fn greeted(&mut self, now: Millis, frame: Down) -> Result<(), Trouble> {
        match frame {
            Down::Welcome(welcome) => self.welcome(now, &welcome),
            Down::Goaway(goaway) => {
                self.wait_as_asked(now, goaway.retry);
                Ok(())
            }
            Down::Problem(problem) => {
                // A close follows and says what to do.
                self.outputs.push_back(Output::Problem(problem));
                Ok(())
            }
            Down::Presence(_) | Down::Unknown(_) => Ok(()),
            Down::Load(_)
            | Down::LoadChanges(_)
            | Down::LoadEnd(_)
            | Down::Changes { .. }
            | Down::CaughtUp(_)
            | Down::Heartbeat(_)
            | Down::Results(_) => Err(unexpected("a frame before the welcome")),
        }
    }

    fn running(&mut self, now: Millis, text: &str, frame: Down) -> Result<(), Trouble> {
        match frame {
            Down::Welcome(_) => return Err(unexpected("a second welcome")),
            Down::Load(chunk) => self.load(chunk)?,
            Down::LoadChanges(operations) => {
                let applied = self.replica.load_changes(operations)?;
                self.apply(applied, Telling::WhenRowsChanged);
            }
            Down::LoadEnd(end) => self.load_end(now, &end)?,
            Down::Changes { checkpoint, rows, aliases } => {
                self.check_ahead(&checkpoint)?;
                let applied = self.replica.changes(now, &checkpoint, rows, aliases)?;
                self.note_synced(&checkpoint);
                self.apply(applied, Telling::Always);
            }
            Down::CaughtUp(checkpoint) => self.caught_up(now, &checkpoint)?,
            Down::Heartbeat(checkpoint) => self.heartbeat(now, text, &checkpoint)?,
            Down::Results(results) => self.results(now, results),
            Down::Goaway(goaway) => self.wait_as_asked(now, goaway.retry),
            Down::Problem(problem) => self.problem(now, problem),
            Down::Presence(_) | Down::Unknown(_) => {}
        }
        Ok(())
    }

    fn welcome(&mut self, now: Millis, welcome: &Welcome) -> Result<(), Trouble> {
        if welcome.shapes.len() != self.config.shapes.len() {
            return Err(unexpected("a welcome for other shapes"));
        }
        self.token_accepted();
        if welcome.last > self.replica.meta.highest {
            // The store is older than the device: what it would number next was used already (spec C10).
            self.need_device(None);
            return Ok(());
        }
        self.measure_offset(now, welcome.now);
        let Ok(applied) = self.replica.welcome(welcome) else {
            self.need_device(Some(welcome.last));
            return Ok(());
        };
        let expires = welcome.expires.map(|expires| renewal_time(now, welcome.now, expires));
        self.connection = Connection::Running(Session {
            since: now,
            heard: now,
            heartbeat: welcome.heartbeat,
            progress: Progress::Syncing,
            loading: welcome.load_resumes.map(|_| Loading { rows: self.replica.staging.len() as u64, total: 0 }),
            push: Push::Idle,
            decided: welcome.last,
            renewal: expires.map_or(Renewal::NotNeeded, |at| Renewal::Due { at }),
        });
        self.apply(applied, Telling::WhenRowsChanged);
        Ok(())
    }

    fn load(&mut self, chunk: LoadChunk) -> Result<(), Trouble> {
        let total = chunk.total;
        let applied = self.replica.load(chunk)?;
        let rows = self.replica.staging.len() as u64;
        if let Some(session) = self.connection.session() {
            session.loading = Some(Loading { rows, total });
        }
        self.apply(applied, Telling::WhenRowsChanged);
        Ok(())
    }

    fn load_end(&mut self, now: Millis, end: &LoadEnd) -> Result<(), Trouble> {
        self.check_not_behind(&end.checkpoint)?;
        let applied = self.replica.load_end(now, end)?;
        let is_over = self.replica.meta.load.is_none();
        if let Some(session) = self.connection.session()
            && is_over
        {
            session.loading = None;
        }
        self.note_synced(&end.checkpoint);
        self.apply(applied, Telling::Always);
        Ok(())
    }

    fn caught_up(&mut self, now: Millis, checkpoint: &Checkpoint) -> Result<(), Trouble> {
        self.check_not_behind(checkpoint)?;
        let applied = self.replica.checkpoint(now, checkpoint);
        self.is_cached = false;
        if self.reconnects.is_hasty() {
            self.reconnects.reset();
        }
        if let Some(session) = self.connection.session() {
            session.progress = Progress::Live;
        }
        self.note_synced(checkpoint);
        self.apply(applied, Telling::WhenRowsChanged);
        Ok(())
    }

    fn heartbeat(&mut self, now: Millis, text: &str, checkpoint: &Checkpoint) -> Result<(), Trouble> {
        self.check_not_behind(checkpoint)?;
        let applied = self.replica.checkpoint(now, checkpoint);
        self.measure_offset(now, checkpoint.now);
        self.note_synced(checkpoint);
        if let Some(session) = self.connection.session()
            && session.renewal == Renewal::Sent
            && let Some(expires) = expires_of(text)
        {
            let at = renewal_time(now, checkpoint.now, expires);
            session.renewal = Renewal::Due { at };
        }
        self.apply(applied, Telling::WhenRowsChanged);
        Ok(())
    }

    fn results(&mut self, now: Millis, results: Results) {
        if let Some(session) = self.connection.session() {
            session.push = Push::Idle;
            let last = results.results.last().map(|result| result.n);
            session.decided = session.decided.max(last.unwrap_or_default());
        }
        let applied = self.replica.results(&results.results);
        self.apply(applied, Telling::WhenRowsChanged);
        match results.problem {
            None => self.push_pauses.reset(),
            Some(problem) => self.problem(now, problem),
        }
    }

    /// A problem of a push; any other is followed by a close when the connection cannot go on.
    fn problem(&mut self, now: Millis, problem: Problem) {
        match problem.code {
            Code::MutationMismatch => self.need_device(None),
            // The welcome of the next connection tells where to go on.
            Code::MutationGap => self.drop_connection(now),
            _ => self.pause_push(now),
        }
        self.outputs.push_back(Output::Problem(problem));
    }

    /// Changes are ahead of the device (spec C7).
    fn check_ahead(&self, checkpoint: &Checkpoint) -> Result<(), Trouble> {
        self.check_acked(checkpoint)?;
        let is_ahead = checkpoint.pos > self.replica.meta.pos;
        if is_ahead || self.config.faults.has(PlantedBug::AcceptOldFrame) {
            return Ok(());
        }
        Err(self.behind(checkpoint))
    }

    /// Other frames may repeat the device's position, and never go back (spec C7).
    fn check_not_behind(&self, checkpoint: &Checkpoint) -> Result<(), Trouble> {
        self.check_acked(checkpoint)?;
        let is_behind = checkpoint.pos < self.replica.meta.pos;
        if !is_behind || self.config.faults.has(PlantedBug::AcceptOldFrame) {
            return Ok(());
        }
        Err(self.behind(checkpoint))
    }

    /// What was never asked cannot be acknowledged: somebody else uses this device id, and the next welcome tells.
    fn check_acked(&self, checkpoint: &Checkpoint) -> Result<(), Trouble> {
        if checkpoint.acked > self.replica.meta.highest {
            return Err(unexpected("an acknowledgement of what was never asked"));
        }
        Ok(())
    }

    fn behind(&self, checkpoint: &Checkpoint) -> Trouble {
        let (sent, at) = (checkpoint.pos, self.replica.meta.pos);
        unexpected(&format!("position {sent} for a device at {at}"))
    }

    fn measure_offset(&mut self, now: Millis, server: Millis) {
        let offset = i128::from(server.0) - i128::from(now.0);
        self.replica.meta.offset_ms = i64::try_from(offset).unwrap_or(0);
    }

    /// While live, every frame's time is the time at which the device was current (spec C12).
    fn note_synced(&mut self, checkpoint: &Checkpoint) {
        if let Connection::Running(session) = &self.connection
            && session.progress == Progress::Live
        {
            self.replica.meta.last_synced = Some(checkpoint.now);
        }
    }
}

/// When to ask for a new token, by the device's clock.
fn renewal_time(now: Millis, server_now: Millis, expires: Millis) -> Millis {
    let left = expires.since(server_now);
    let before = Millis(RENEW_BEFORE_MS.min(left.0 / 2));
    now.plus(left.since(before))
}

/// The `expires` of a heartbeat; only looked for after a renewal.
fn expires_of(text: &str) -> Option<Millis> {
    let value = parse(text).ok()?;
    let root = Node::root("frame", &value);
    let heartbeat = root.member("heartbeat").ok()??;
    let expires = heartbeat.member("expires").ok()??;
    expires.count().ok().map(Millis)
}

fn unexpected(what: &str) -> Trouble {
    Trouble::Protocol(Problem::new(Code::MalformedMessage, what))
}
