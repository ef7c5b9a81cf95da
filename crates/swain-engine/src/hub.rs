//! Brings each new position to the sessions that it concerns, and to no other.
//!
//! Sessions are found by index: (table, scope column = value), or the whole table. What waits for a session is bounded;
//! when it is too much, it is dropped and the session reads the log (spec S7): the queue is only a cache of the log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use swain_core::protocol::{Presence, Tab};
use swain_core::{Alias, Change, DeviceId, Millis, MutationNumber, Name, Pos, Problem, Schema, Tag, UserId, Value};
use swain_store::{Interest, LargePosition};

use crate::limits::{ALIAS_BYTES, PRESENCE_WAITING_MAX, SESSION_QUEUE_BYTES_MAX, WATCH_VALUES_MAX};
use crate::matching::{LiveShape, SharedPosition};
use crate::presence::{Arrival, Room, Rooms};
use crate::rights::{Rights, interest_in, is_moved};

/// A connection's server side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// One position for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The position.
    pub pos: Pos,
    /// Its tag.
    pub tag: Tag,
    /// When it was given.
    pub at: Millis,
    /// The number, if it is a mutation of the session's device.
    pub own: Option<MutationNumber>,
    /// The operations, with commas between.
    pub rows: String,
    /// What keys stand for that the session's device proposed in it.
    pub aliases: Vec<Alias>,
}

/// What waits for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// These, and then nothing up to the head.
    Live {
        /// In order.
        deliveries: Vec<Delivery>,
        /// The head.
        head: (Pos, Tag),
    },
    /// The session has to read the log from where it is.
    Behind,
    /// Nothing more is for this session: it comes back, and loads what it has to.
    Moved(Moved),
    /// The same device has connected elsewhere.
    Superseded,
}

/// Why a session's promise has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// What it may read has changed (spec R11).
    Rights,
    /// The tables are no longer those that it was told of (spec S14).
    Schema,
    /// More has changed at once than is told change by change (spec P27).
    TooMuch,
}

impl Moved {
    /// The reason that the device is told.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Rights => "rights changed",
            Self::Schema => "schema changed",
            Self::TooMuch => "too much changed",
        }
    }
}

/// A session that joins.
pub(crate) struct Joining {
    pub(crate) device: DeviceId,
    pub(crate) user: Option<UserId>,
    /// What is live.
    pub(crate) shapes: Arc<[LiveShape]>,
    /// What all shapes depend on, live or not.
    pub(crate) rights: Rights,
    /// The position as of which they are told.
    pub(crate) since: Pos,
    /// The version of the schema that it was opened by.
    pub(crate) schema: u64,
    pub(crate) waker: Waker,
}

/// The sessions, and how far the log has been brought to them.
#[derive(Debug)]
pub(crate) struct Hub {
    head: (Pos, Tag),
    members: BTreeMap<SessionId, Member>,
    index: BTreeMap<Watch, BTreeSet<SessionId>>,
    /// Whose rights a change may move.
    rights: BTreeMap<Watch, BTreeSet<SessionId>>,
    devices: BTreeMap<DeviceId, SessionId>,
    /// The version of the schema by which the index finds sessions.
    schema: u64,
    /// Who is where; who is not entitled to a stream is in no room.
    pub(crate) rooms: Rooms,
    /// What devices said of themselves beside their streams (spec P22).
    mail: BTreeMap<SessionId, Vec<Presence>>,
    /// A leak that a test has planted: rights that move are not noticed.
    pub(crate) is_deaf: bool,
}

#[derive(Debug)]
struct Member {
    device: DeviceId,
    user: Option<UserId>,
    shapes: Arc<[LiveShape]>,
    watches: Vec<Watch>,
    rights: Rights,
    /// By what the rights are found.
    right_watches: Vec<Watch>,
    since: Pos,
    place: Place,
    waker: Waker,
}

#[derive(Debug)]
enum Place {
    Live { queue: VecDeque<Delivery>, bytes: usize },
    Behind,
    Moved(Moved),
    Superseded,
}

/// What a session is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Watch {
    Table(Name),
    Scope(Name, Name, Value),
    Device(DeviceId),
}

impl Hub {
    pub(crate) fn new(head: (Pos, Tag), schema: u64) -> Self {
        Self {
            head,
            schema,
            members: BTreeMap::new(),
            index: BTreeMap::new(),
            rights: BTreeMap::new(),
            devices: BTreeMap::new(),
            rooms: Rooms::default(),
            mail: BTreeMap::new(),
            is_deaf: false,
        }
    }

    pub(crate) fn head(&self) -> (Pos, Tag) {
        self.head
    }

    pub(crate) fn sessions(&self) -> usize {
        self.members.len()
    }

    /// The sessions of a user, without that of `device`, which a new one of it supersedes.
    pub(crate) fn sessions_of(&self, user: &UserId, device: &DeviceId) -> usize {
        let counts = |member: &&Member| member.user.as_ref() == Some(user) && member.device != *device;
        self.members.values().filter(counts).count()
    }

    /// Adds a session, behind; an older session of the device is superseded. From the head on its rights are followed.
    pub(crate) fn join(&mut self, id: SessionId, joining: Joining, schema: &Schema) {
        let Joining { device, user, shapes, rights, since, schema: opened_by, waker } = joining;
        if let Some(older) = self.devices.insert(device.clone(), id)
            && let Some(member) = self.members.get_mut(&older)
        {
            member.place = Place::Superseded;
            member.waker.wake_by_ref();
            self.rooms.leave(older);
            self.wake_guests();
        }
        let right_watches: Vec<Watch> =
            rights.keys().flat_map(|right| watches_in(&interest_in(right, schema))).collect();
        for watch in &right_watches {
            self.rights.entry(watch.clone()).or_default().insert(id);
        }
        let place = if opened_by == self.schema { Place::Behind } else { Place::Moved(Moved::Schema) };
        let (shapes_yet, watches) = (Arc::from([]), Vec::new());
        let member = Member { device, user, shapes: shapes_yet, watches, rights, right_watches, since, place, waker };
        self.members.insert(id, member);
        self.watch(id, shapes, schema);
    }

    /// The session has these live shapes now and is where it last said, so it is behind.
    pub(crate) fn watch(&mut self, id: SessionId, shapes: Arc<[LiveShape]>, schema: &Schema) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let mut watches: Vec<Watch> = shapes.iter().flat_map(|shape| watches_of(shape, schema)).collect();
        watches.push(Watch::Device(member.device.clone()));
        let old = std::mem::replace(&mut member.watches, watches.clone());
        member.shapes = shapes;
        if member.is_entitled() {
            member.place = Place::Behind;
        }
        self.unindex(id, &old);
        for watch in watches {
            self.index.entry(watch).or_default().insert(id);
        }
    }

    /// The session is gone.
    pub(crate) fn leave(&mut self, id: SessionId) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        self.rooms.leave(id);
        self.mail.remove(&id);
        self.wake_guests();
        self.unindex(id, &member.watches);
        for watch in &member.right_watches {
            forget(&mut self.rights, watch, id);
        }
        if self.devices.get(&member.device) == Some(&id) {
            self.devices.remove(&member.device);
        }
    }

    /// The session has read the log up to `pos`: true when that is the head, and from here on it is live.
    pub(crate) fn go_live(&mut self, id: SessionId, pos: Pos) -> bool {
        let Some(member) = self.members.get_mut(&id) else {
            return false;
        };
        if pos != self.head.0 || !member.is_entitled() {
            return false;
        }
        member.place = Place::Live { queue: VecDeque::new(), bytes: 0 };
        true
    }

    /// What waits for a session.
    pub(crate) fn take(&mut self, id: SessionId) -> Taken {
        match self.members.get_mut(&id).map(|member| &mut member.place) {
            Some(Place::Live { queue, bytes }) => {
                *bytes = 0;
                Taken::Live { deliveries: queue.drain(..).collect(), head: self.head }
            }
            Some(Place::Behind) | None => Taken::Behind,
            Some(Place::Moved(why)) => Taken::Moved(*why),
            Some(Place::Superseded) => Taken::Superseded,
        }
    }

    /// Brings a position to those it concerns. One that is not the next is already known.
    pub(crate) fn deliver(&mut self, shared: &SharedPosition, schema: &Schema) {
        if shared.position.pos != self.head.0.next() {
            return;
        }
        self.head = (shared.position.pos, shared.position.tag);
        let watches = watches_touched(shared, schema);
        // First the rights: of a position that moves them, nothing goes to their session.
        self.move_rights_by(&watches, shared);
        let concerned: BTreeSet<SessionId> =
            watches.iter().filter_map(|watch| self.index.get(watch)).flatten().copied().collect();
        for id in concerned {
            let member = self.members.get_mut(&id).expect("the index names members only");
            if member.receive(shared) {
                member.waker.wake_by_ref();
            }
        }
        shared.changes.iter().for_each(|shared| self.rooms.note(shared.change()));
        self.wake_guests();
    }

    /// Goes to a later position without what lies between: every session has to read the log.
    pub(crate) fn skip(&mut self, head: (Pos, Tag)) {
        self.head = head;
        for member in self.members.values_mut() {
            // Whether its rights moved in between is not known.
            if member.rights.is_empty() { member.fall_behind() } else { member.end(Moved::Rights) }
        }
        self.rooms.forget_rows();
        self.clear_rooms();
    }

    /// The session's rights have moved since they were read.
    pub(crate) fn move_rights(&mut self, id: SessionId) {
        if let Some(member) = self.members.get_mut(&id) {
            member.end(Moved::Rights);
        }
        self.clear_rooms();
    }

    /// Why nothing more is for this session, if so.
    pub(crate) fn moved(&self, id: SessionId) -> Option<Moved> {
        match self.members.get(&id)?.place {
            Place::Moved(why) => Some(why),
            _ => None,
        }
    }

    /// What somebody may do has changed elsewhere than in the tables: all sessions of the user end.
    pub(crate) fn end_sessions_of(&mut self, user: &UserId) {
        let members = self.members.values_mut().filter(|member| member.user.as_ref() == Some(user));
        members.for_each(|member| member.end(Moved::Rights));
        self.clear_rooms();
    }

    /// From here on sessions are found by another schema. What those were promised that are there was by the old one.
    pub(crate) fn renew(&mut self, schema: u64) {
        self.schema = schema;
        self.members.values_mut().for_each(|member| member.end(Moved::Schema));
        self.clear_rooms();
    }

    /// Goes past a position that is too large to be read. Those whom its tables concern come back and load, or read of
    /// it what is theirs.
    pub(crate) fn pass(&mut self, large: &LargePosition) {
        if large.pos != self.head.0.next() {
            return;
        }
        self.head = (large.pos, large.tag);
        for member in self.members.values_mut() {
            let concerns = |table: &Name| large.tables.contains(table);
            let is_concerned = member.shapes.iter().any(|shape| concerns(&shape.table))
                || member.rights.keys().any(|right| concerns(&right.table));
            if is_concerned {
                member.end(Moved::TooMuch);
            } else {
                // It may be its own mutation.
                member.fall_behind();
            }
        }
        // Who is on a row of these tables holds a shape of them, and has come to an end with it.
        self.clear_rooms();
    }

    fn move_rights_by(&mut self, watches: &BTreeSet<Watch>, shared: &SharedPosition) {
        let found: BTreeSet<SessionId> =
            watches.iter().filter_map(|watch| self.rights.get(watch)).flatten().copied().collect();
        for id in found {
            let member = self.members.get_mut(&id).expect("the index names members only");
            let is_news = shared.position.pos > member.since && !self.is_deaf;
            if is_news && shared.changes.iter().any(|shared| member.depends_on(shared.change())) {
                member.end(Moved::Rights);
                self.rooms.leave(id);
            }
        }
    }

    // ---- who is where ----

    /// Lets a tab into a room, if its session still has its promise.
    pub(crate) fn arrive(&mut self, arrival: Arrival) -> Result<(), Problem> {
        let is_entitled = self.members.get(&arrival.session).is_some_and(Member::is_entitled);
        let arrived = if is_entitled { self.rooms.arrive(arrival) } else { Ok(()) };
        self.wake_guests();
        arrived
    }

    /// A tab leaves a room, or all of them.
    pub(crate) fn leave_room(&mut self, session: SessionId, tab: &Tab, room: Option<&Room>) {
        self.rooms.leave_room(session, tab, room);
        self.wake_guests();
    }

    /// What a device said of itself beside its stream: its session takes it in, if there is one.
    pub(crate) fn deliver_presence(&mut self, device: &DeviceId, user: Option<&UserId>, said: Vec<Presence>) {
        let Some(id) = self.devices.get(device) else { return };
        let Some(member) = self.members.get(id).filter(|member| member.user.as_ref() == user) else { return };
        let mail = self.mail.entry(*id).or_default();
        mail.extend(said);
        // Of a session that takes nothing in, the latest counts.
        mail.drain(..mail.len().saturating_sub(PRESENCE_WAITING_MAX));
        member.waker.wake_by_ref();
    }

    /// What there is for a session of presence: what its device said, and whether there is something to tell it.
    pub(crate) fn take_presence(&mut self, id: SessionId) -> (Vec<Presence>, bool) {
        (self.mail.remove(&id).unwrap_or_default(), self.rooms.has_news(id))
    }

    /// Who has come to an end is nowhere.
    fn clear_rooms(&mut self) {
        let is_gone = |id: &SessionId| !self.members.get(id).is_some_and(Member::is_entitled);
        let gone: Vec<SessionId> = self.rooms.sessions().filter(is_gone).collect();
        gone.into_iter().for_each(|id| self.rooms.leave(id));
        self.wake_guests();
    }

    fn wake_guests(&mut self) {
        for id in self.rooms.take_woken() {
            if let Some(member) = self.members.get(&id) {
                member.waker.wake_by_ref();
            }
        }
    }

    fn unindex(&mut self, id: SessionId, watches: &[Watch]) {
        watches.iter().for_each(|watch| forget(&mut self.index, watch, id));
    }
}

fn forget(index: &mut BTreeMap<Watch, BTreeSet<SessionId>>, watch: &Watch, id: SessionId) {
    if let Some(sessions) = index.get_mut(watch) {
        sessions.remove(&id);
        if sessions.is_empty() {
            index.remove(watch);
        }
    }
}

/// By what those are found whom a position may concern.
fn watches_touched(shared: &SharedPosition, schema: &Schema) -> BTreeSet<Watch> {
    let mut watches = BTreeSet::new();
    if let Some((device, _)) = shared.position.who.mutation() {
        watches.insert(Watch::Device(device.clone()));
    }
    for change in shared.changes.iter().map(|shared| shared.change()) {
        let table = &change.row.table;
        watches.insert(Watch::Table(table.clone()));
        let scopes = schema.tables.get(table).map(|table| &table.scopes);
        for column in scopes.into_iter().flatten() {
            for row in change.before.iter().chain(&change.after) {
                watches.insert(Watch::Scope(table.clone(), column.clone(), row.value(column).clone()));
            }
        }
    }
    watches
}

impl Member {
    fn depends_on(&self, change: &Change) -> bool {
        self.rights.iter().any(|(right, set)| is_moved(right, Some(set), change))
    }

    /// Whether what it was promised still holds.
    fn is_entitled(&self) -> bool {
        !matches!(self.place, Place::Superseded | Place::Moved(_))
    }

    /// What waits is dropped with the promise of it.
    fn end(&mut self, why: Moved) {
        if self.is_entitled() {
            self.place = Place::Moved(why);
            self.waker.wake_by_ref();
        }
    }

    fn fall_behind(&mut self) {
        if self.is_entitled() {
            self.place = Place::Behind;
            self.waker.wake_by_ref();
        }
    }

    /// True when the session has something new to look at.
    fn receive(&mut self, shared: &SharedPosition) -> bool {
        let Place::Live { queue, bytes } = &mut self.place else {
            return false;
        };
        let own = shared.number_of(&self.device);
        let rows = shared.rows_for(&self.shapes);
        if own.is_none() && rows.is_none() {
            return false;
        }
        let rows = rows.unwrap_or_default();
        let aliases = shared.aliases_for(&self.device);
        *bytes += rows.len() + size_of::<Delivery>() + aliases.len() * ALIAS_BYTES;
        if *bytes > SESSION_QUEUE_BYTES_MAX {
            self.place = Place::Behind;
            return true;
        }
        let &swain_core::Position { pos, tag, at, .. } = &shared.position;
        queue.push_back(Delivery { pos, tag, at, own, rows, aliases });
        true
    }
}

fn watches_of(shape: &LiveShape, schema: &Schema) -> Vec<Watch> {
    interests_of(shape, schema).iter().flat_map(watches_in).collect()
}

fn watches_in(interest: &Interest) -> Vec<Watch> {
    let table = interest.table.clone();
    match &interest.scope {
        Some((column, values)) if values.len() <= WATCH_VALUES_MAX => {
            values.iter().map(|value| Watch::Scope(table.clone(), column.clone(), value.clone())).collect()
        }
        _ => vec![Watch::Table(table)],
    }
}

/// What a shape wants to see of the log.
pub(crate) fn interests_of(shape: &LiveShape, schema: &Schema) -> Vec<Interest> {
    let table = || shape.table.clone();
    let scopes = schema.tables.get(&shape.table).and_then(|known| shape.predicate.scopes(&known.scopes));
    match scopes.filter(|scopes| scopes.iter().map(|(_, values)| values.len()).sum::<usize>() <= WATCH_VALUES_MAX) {
        Some(scopes) => scopes.into_iter().map(|scope| Interest { table: table(), scope: Some(scope) }).collect(),
        None => vec![Interest { table: table(), scope: None }],
    }
}
