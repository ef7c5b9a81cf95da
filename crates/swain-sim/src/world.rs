//! The event loop: what happens when, and what follows from it.

mod faults;

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::client::{Input as DeviceInput, Output as DeviceOutput, State};
use swain_core::{Epoch, Millis};
use swain_engine::{Input, Told};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::memory::{MemoryOptions, MemoryStore};
use swain_store::{Store, ready};

use crate::device::SimDevice;
use crate::dice::Dice;
use crate::invariants::{self, View};
use crate::network::{Link, Network, Way};
use crate::oracle::Oracle;
use crate::plan::{Fault, Plan};
use crate::server::{Server, Wish};
use crate::trace::Trace;
use crate::workload::{self, Kind};

/// A wall clock of some day; only differences matter.
const START: Millis = Millis(1_700_000_000_000);
/// A healed world is quiet after this long, or something is stuck.
const QUIET_MS_MAX: u64 = 180_000;
/// Events of a run; more is a loop.
const EVENTS_MAX: u64 = 400_000;

/// What a run has shown.
#[derive(Debug)]
pub struct Report {
    /// What was wrong; none: nothing.
    pub violation: Option<Violation>,
    /// The same for the same seed.
    pub trace_hash: u64,
    /// How many events there were.
    pub events: u64,
    /// How many positions the log has.
    pub positions: u64,
    /// The lines of the trace, if they were wanted.
    pub trace: Vec<String>,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: &'static str,
    /// How it was seen.
    pub detail: String,
}

#[derive(Debug)]
enum Event {
    Edit(usize),
    Fault(Fault),
    Start(usize),
    Connect(usize, u64),
    Arrive(Link, Way, String),
    EndOfLink(Link, Way, Option<u16>, u64),
    Written(usize, u64),
    DeviceTick(usize, u64),
    SessionTick(Link),
    Answered(Link, Told),
    ServerStart,
    Heal,
}

struct World<S> {
    plan: Plan,
    dice: Dice,
    now: Millis,
    events: BTreeMap<(Millis, u64), Event>,
    last_event: u64,
    server: Server<S>,
    network: Network,
    devices: Vec<SimDevice>,
    oracle: Oracle,
    trace: Trace,
    healed: bool,
    markers: u64,
    outside: Option<Outside<S>>,
}

/// Writes to the database without Swain.
type Outside<S> = fn(&S, Millis, u64);

/// Runs a plan.
pub fn run(plan: &Plan) -> Report {
    if plan.sqlite {
        return World::new(plan, sqlite(plan.seed), Some(write_outside_sql)).run();
    }
    let options = MemoryOptions {
        epoch: Epoch::from("sim"),
        schema: workload::schema(),
        checks: workload::checks(),
        seed: plan.seed,
        planted: plan.store_bug(),
    };
    World::new(plan, Arc::new(MemoryStore::new(options)), Some(write_outside)).run()
}

fn sqlite(seed: u64) -> Arc<SqliteStore> {
    let options = SqliteOptions::seeded(seed);
    let store = swain_sqlite::SqliteStore::open_in_memory(options).expect("SQLite opens a database in memory");
    ready(store.execute_outside(workload::SQL)).expect("the tables are right");
    Arc::new(store)
}

/// The same from another program's SQL, which gets its position at the next look.
fn write_outside_sql(store: &SqliteStore, now: Millis, marker: u64) {
    let sql = format!("UPDATE t SET a = 'outside {marker} ' || id WHERE id IN ('k0', 'k1')");
    ready(store.execute_outside(sql)).expect("the tables are right");
    ready(store.look_outside(now)).expect("a simulated store answers");
}

/// Another program sets column a of all rows that it finds under two keys.
fn write_outside(store: &MemoryStore, now: Millis, marker: u64) {
    store.write_outside(now, "t", |rows| {
        for (key, row) in
            rows.iter_mut().filter(|(key, _)| key.canonical() == "[\"k0\"]" || key.canonical() == "[\"k1\"]")
        {
            row.set("a", format!("outside {marker} {}", key.canonical()).as_str());
        }
    });
}

impl<S: Store> World<S> {
    fn new(plan: &Plan, store: Arc<S>, outside: Option<Outside<S>>) -> Self {
        let bug = plan.device_bug();
        // The second device of a larger run holds a part of table t only.
        let devices = (0..plan.devices).map(|index| SimDevice::new(index, plan.devices > 2 && index == 1, bug));
        Self {
            plan: plan.clone(),
            dice: Dice::new(plan.seed),
            now: START,
            events: BTreeMap::new(),
            last_event: 0,
            server: Server::new(store),
            network: Network::default(),
            devices: devices.collect(),
            oracle: Oracle::new(),
            trace: Trace::new(plan.trace),
            healed: false,
            markers: 0,
            outside,
        }
    }

    fn run(mut self) -> Report {
        let violation = self.play().err();
        Report {
            violation,
            trace_hash: self.trace.hash(),
            events: self.trace.events(),
            positions: self.oracle.head().0,
            trace: self.trace.into_lines(),
        }
    }

    fn play(&mut self) -> Result<(), Violation> {
        self.server.start(self.now).map_err(|detail| Violation { invariant: "start", detail })?;
        for index in 0..self.devices.len() {
            self.schedule(index as u64 * 3, Event::Start(index));
        }
        self.schedule(self.plan.chaos_ms, Event::Heal);
        for fault in self.plan.faults.clone() {
            self.schedule_fault(fault);
        }
        while let Some(((at, _), event)) = self.events.pop_first() {
            self.now = at;
            self.happen(event)?;
            if self.healed && self.is_quiet() {
                return self.check_end();
            }
            if self.trace.events() > EVENTS_MAX || at.since(START).0 > self.plan.chaos_ms + QUIET_MS_MAX {
                let detail = format!("not quiet after {} events: {}", self.trace.events(), self.describe());
                return Err(Violation { invariant: "liveness", detail });
            }
        }
        Err(Violation { invariant: "liveness", detail: format!("nothing happens any more: {}", self.describe()) })
    }

    // ---- events ----

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Edit(index) => self.edit(index),
            Event::Fault(fault) => self.strike(fault),
            Event::Start(index) => self.start_device(index),
            Event::Connect(index, incarnation) => self.connect(index, incarnation),
            Event::Arrive(link, Way::Up, text) => self.arrive_up(link, text),
            Event::Arrive(link, Way::Down, text) => self.arrive_down(link, text),
            Event::EndOfLink(link, Way::Up, _, _) => {
                self.server.leave(link);
                Ok(())
            }
            Event::EndOfLink(link, Way::Down, code, device) => self.end_down(link, code, device),
            Event::Written(index, incarnation) => self.written(index, incarnation),
            Event::DeviceTick(index, incarnation) => {
                if self.devices[index].incarnation == incarnation {
                    self.devices[index].tick = None;
                    return self.tell_device(index, DeviceInput::Tick);
                }
                Ok(())
            }
            Event::SessionTick(link) => self.tell_session(link, Input::Tick),
            Event::Answered(link, told) => self.tell_session(link, Input::Told(told)),
            Event::ServerStart if self.server.is_up() => Ok(()),
            Event::ServerStart => {
                self.trace.note(self.now, "srv", "start");
                self.server.start(self.now).map_err(|detail| Violation { invariant: "start", detail })?;
                self.learn()
            }
            Event::Heal => self.heal(),
        }
    }

    fn start_device(&mut self, index: usize) -> Result<(), Violation> {
        if self.devices[index].machine.is_some() {
            return Ok(());
        }
        self.trace.note(self.now, format_args!("d{index}"), "start");
        let seed = self.dice.next();
        self.devices[index].start(seed);
        let delay = 100 + self.dice.below(400);
        self.schedule(delay, Event::Edit(index));
        self.drain_device(index)
    }

    fn edit(&mut self, index: usize) -> Result<(), Violation> {
        if self.healed {
            return Ok(());
        }
        let delay = 30 + self.dice.below(500);
        self.schedule(delay, Event::Edit(index));
        let Some(machine) = &mut self.devices[index].machine else {
            return Ok(());
        };
        // The first device makes the rows that the checkers watch, once it has seen that they are not there.
        let is_first = index == 0 && self.markers == 0 && machine.status().state == State::Live;
        if is_first {
            self.markers = 1;
            let rows = workload::first_rows(self.devices.len());
            return self.mutate(index, Kind::Other, rows);
        }
        if machine.schema().tables.is_empty() {
            return Ok(());
        }
        self.markers += 1;
        let marker = format!("d{index}-{}", self.markers);
        match workload::edit(&mut self.dice, machine, index, &marker) {
            Some((kind, operations)) => self.mutate(index, kind, operations),
            None => Ok(()),
        }
    }

    fn mutate(&mut self, index: usize, kind: Kind, operations: Vec<swain_core::Operation>) -> Result<(), Violation> {
        let device = &mut self.devices[index];
        let Some(machine) = &mut device.machine else {
            return Ok(());
        };
        if let Ok(entry) = machine.mutate(self.now, operations) {
            self.trace.note(self.now, format_args!("d{index}"), format_args!("edit {entry:?} {kind:?}"));
            device.increments.remove(&entry);
            device.made.remove(&entry);
            match kind {
                Kind::Increment => drop(device.increments.insert(entry)),
                Kind::Makes(row) => drop(device.made.insert(entry, row)),
                Kind::Other => {}
            }
        }
        self.drain_device(index)
    }

    fn connect(&mut self, index: usize, incarnation: u64) -> Result<(), Violation> {
        if self.devices[index].incarnation != incarnation || self.devices[index].machine.is_none() {
            return Ok(());
        }
        if !self.server.is_up() {
            return self.tell_device(index, DeviceInput::TransportClosed { code: None });
        }
        let link = self.network.open(index, self.now);
        self.trace.note(self.now, format_args!("d{index}"), format_args!("open {}", link.0));
        self.devices[index].link = Some(link);
        self.server.accept(self.now, link);
        self.tell_device(index, DeviceInput::TransportOpened)
    }

    fn arrive_up(&mut self, link: Link, text: String) -> Result<(), Violation> {
        if self.network.device(link).is_none() {
            return Ok(());
        }
        self.tell_session(link, Input::Frame(text))
    }

    fn arrive_down(&mut self, link: Link, text: String) -> Result<(), Violation> {
        match self.network.device(link) {
            Some(index) if self.devices[index].link == Some(link) => {
                self.trace.note(self.now, format_args!("d{index}"), format_args!("< {text:.90}"));
                self.tell_device(index, DeviceInput::FrameReceived(text))
            }
            _ => Ok(()),
        }
    }

    fn end_down(&mut self, link: Link, code: Option<u16>, device: u64) -> Result<(), Violation> {
        let index = usize::try_from(device).expect("a device's index");
        self.network.close(link);
        if self.devices[index].link != Some(link) {
            return Ok(());
        }
        self.devices[index].link = None;
        self.trace.note(self.now, format_args!("d{index}"), format_args!("closed {code:?}"));
        self.tell_device(index, DeviceInput::TransportClosed { code })
    }

    fn written(&mut self, index: usize, incarnation: u64) -> Result<(), Violation> {
        if self.devices[index].incarnation != incarnation {
            return Ok(());
        }
        match self.devices[index].written() {
            Some(batch) => self.tell_device(index, DeviceInput::Persisted(batch)),
            None => Ok(()),
        }
    }

    // ---- what follows ----

    fn tell_device(&mut self, index: usize, input: DeviceInput) -> Result<(), Violation> {
        if let Some(machine) = &mut self.devices[index].machine {
            machine.handle(self.now, input);
        }
        self.drain_device(index)
    }

    fn drain_device(&mut self, index: usize) -> Result<(), Violation> {
        let mut is_touched = false;
        while let Some(output) = self.devices[index].machine.as_mut().and_then(|machine| machine.poll()) {
            // What changes a device is shown or stored; without either there is nothing new to check.
            is_touched |= matches!(output, DeviceOutput::Changed(_) | DeviceOutput::Persist(_));
            self.carry_out(index, output)?;
        }
        let device = &mut self.devices[index];
        let Some(machine) = &device.machine else {
            return Ok(());
        };
        if let Some((at, _)) = machine.poll_timeout()
            && device.tick.is_none_or(|tick| at < tick)
        {
            let at = at.max(self.now);
            device.tick = Some(at);
            let incarnation = device.incarnation;
            self.schedule_at(at, Event::DeviceTick(index, incarnation));
        }
        if is_touched { self.check_device(index) } else { Ok(()) }
    }

    fn carry_out(&mut self, index: usize, output: DeviceOutput) -> Result<(), Violation> {
        let device = &mut self.devices[index];
        let incarnation = device.incarnation;
        let machine = device.machine.as_mut().expect("it gave the output");
        match output {
            DeviceOutput::NeedToken { .. } => machine.handle(self.now, DeviceInput::Token(Some(device.user.into()))),
            DeviceOutput::NeedDeviceId => {
                let id = device.next_device_id();
                let machine = device.machine.as_mut().expect("it gave the output");
                machine.handle(self.now, DeviceInput::DeviceId(id));
            }
            DeviceOutput::Connect => {
                let delay = 1 + self.dice.below(30);
                self.schedule(delay, Event::Connect(index, incarnation));
            }
            DeviceOutput::Close(_) => self.close_from_device(index),
            DeviceOutput::Send(text) => {
                invariants::saved_before_sent::check(device, &text).map_err(invariants::saved_before_sent::violated)?;
                let link = device.link;
                self.trace.note(self.now, format_args!("d{index}"), format_args!("> {text:.90}"));
                if let Some(link) = link {
                    self.send(link, Way::Up, text);
                }
            }
            DeviceOutput::Persist(batch) => {
                let slow = if batch.strict { 15 } else { 150 };
                let delay = Millis(1 + self.dice.below(slow));
                let at = device.write(self.now, delay, batch);
                self.schedule_at(at, Event::Written(index, incarnation));
            }
            DeviceOutput::Problem(problem) => {
                self.trace.note(self.now, format_args!("d{index}"), format_args!("problem {problem}"));
            }
            DeviceOutput::Saved(_)
            | DeviceOutput::Settled(_)
            | DeviceOutput::Rejected(_)
            | DeviceOutput::Changed(_)
            | DeviceOutput::Status(_) => {}
        }
        Ok(())
    }

    fn close_from_device(&mut self, index: usize) {
        let Some(link) = self.devices[index].link.take() else {
            return;
        };
        self.network.close(link);
        self.schedule(5, Event::EndOfLink(link, Way::Up, None, index as u64));
    }

    fn tell_session(&mut self, link: Link, input: Input) -> Result<(), Violation> {
        let wishes = self.server.handle(self.now, link, input);
        self.follow_wishes(wishes)
    }

    fn follow_wishes(&mut self, wishes: Vec<Wish>) -> Result<(), Violation> {
        for wish in wishes {
            match wish {
                Wish::Send(link, frame) => self.send(link, Way::Down, frame),
                Wish::Close(link, code) => self.close_from_server(link, Some(code)),
                Wish::Answer(link, told) => {
                    let delay = self.dice.below(12);
                    self.schedule(delay, Event::Answered(link, told));
                }
                Wish::Tick(link, at) => self.schedule_at(at.max(self.now.plus(Millis(1))), Event::SessionTick(link)),
            }
        }
        self.learn()
    }

    fn close_from_server(&mut self, link: Link, code: Option<u16>) {
        if let Some(index) = self.network.device(link) {
            // What was sent before the close still arrives.
            self.schedule(450, Event::EndOfLink(link, Way::Down, code, index as u64));
        }
    }

    fn send(&mut self, link: Link, way: Way, text: String) {
        for at in self.network.arrivals(&self.plan, &mut self.dice, self.now, link, way) {
            self.schedule_at(at, Event::Arrive(link, way, text.clone()));
        }
    }

    // ---- checks ----

    fn learn(&mut self) -> Result<(), Violation> {
        let log = self.server.log(self.oracle.head());
        let learnt = log.and_then(|positions| self.oracle.learn(positions));
        learnt.map_err(|detail| Violation { invariant: "log", detail })
    }

    fn check_device(&mut self, index: usize) -> Result<(), Violation> {
        let device = &mut self.devices[index];
        let Some(machine) = &device.machine else {
            return Ok(());
        };
        let view = View::new(device, machine, &self.oracle);
        invariants::check_step(&view)?;
        device.seen = device.seen.max(machine.pos());
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        let quiet = |device: &SimDevice| {
            device.machine.as_ref().is_some_and(|machine| {
                let status = machine.status();
                let answered = |id| machine.entry(id).is_none_or(|entry| entry.result.is_some());
                status.state == State::Live
                    && status.pending == 0
                    && device.increments.iter().chain(device.made.keys()).copied().all(answered)
                    && machine.pos() >= self.relevant_head(device)
            })
        };
        self.server.is_up() && self.devices.iter().all(quiet)
    }

    /// The newest position that the device has to have: the last that changed what it may see.
    fn relevant_head(&self, device: &SimDevice) -> swain_core::Pos {
        let head = self.oracle.head();
        if device.machine.as_ref().is_some_and(|machine| machine.pos() == head) {
            return head;
        }
        let wanted = invariants::expected_rows(device, &self.oracle, head);
        let mut pos = head;
        while pos.0 > 0 {
            let earlier = swain_core::Pos(pos.0 - 1);
            if invariants::expected_rows(device, &self.oracle, earlier) != wanted {
                break;
            }
            pos = earlier;
        }
        pos
    }

    fn check_end(&self) -> Result<(), Violation> {
        for device in &self.devices {
            let machine = device.machine.as_ref().expect("a quiet world has all devices on");
            invariants::check_end(&View::new(device, machine, &self.oracle))?;
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let of = |device: &SimDevice| match &device.machine {
            Some(machine) => format!("d{} {:?} at p{}", device.index, machine.status(), machine.pos()),
            None => format!("d{} off", device.index),
        };
        let devices: Vec<String> = self.devices.iter().map(of).collect();
        format!("head p{}; {}", self.oracle.head(), devices.join("; "))
    }

    fn schedule(&mut self, delay: u64, event: Event) {
        self.schedule_at(self.now.plus(Millis(delay)), event);
    }

    fn schedule_at(&mut self, at: Millis, event: Event) {
        self.last_event += 1;
        self.events.insert((at, self.last_event), event);
    }
}
