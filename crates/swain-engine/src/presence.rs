//! Who is where: rooms, in memory and nowhere else (spec R18, P28).
//!
//! A room is a scope of a table. Who is in it has been admitted under the rights of a session, and leaves with them: the
//! hub takes a session out of all rooms in the moment in which its promise ends, so nobody is told of anybody under a
//! right that has gone. Nothing here is ever written down.

mod entry;
mod room;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swain_core::limits::PRESENCE_ROOMS_MAX;
use swain_core::protocol::{Nearby, Tab};
use swain_core::shape::Shape;
use swain_core::{Change, Code, Name, Problem, Row, RowKey, UserId};

use crate::hub::SessionId;
use crate::limits::PRESENCE_MEMBERS_MAX;
use crate::matching::LiveShape;
use entry::{Entry, Outlook};
pub(crate) use room::Room;

/// All rooms of a server.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: BTreeMap<Room, Crowd>,
    guests: BTreeMap<SessionId, Guest>,
    rows: BTreeMap<RowKey, OnRow>,
    /// Who has something new to look at since the hub last asked.
    woken: BTreeSet<SessionId>,
    /// A leak that a test has planted: everybody sees on which row somebody is.
    pub(crate) ignores_rows: bool,
}

/// Who asks to be in a room.
pub(crate) struct Arrival {
    pub(crate) session: SessionId,
    pub(crate) guest: NewGuest,
    pub(crate) tab: Tab,
    pub(crate) room: Room,
    /// As the device named it.
    pub(crate) shape: Shape,
    /// The row, and what it is; none when there is no such row.
    pub(crate) row: Option<(RowKey, Option<Row>)>,
    pub(crate) state: swain_core::Value,
}

/// Who a session is for others, and what it may see of them.
#[derive(Clone, Debug)]
pub(crate) struct NewGuest {
    pub(crate) user: Option<UserId>,
    pub(crate) name: Option<String>,
    pub(crate) held: Arc<[LiveShape]>,
}

#[derive(Debug)]
struct Guest {
    who: NewGuest,
    seats: BTreeMap<(Room, Tab), u64>,
    has_news: bool,
}

/// Those in a room, by their number in it.
#[derive(Debug, Default)]
struct Crowd {
    last: u64,
    entries: BTreeMap<u64, Entry>,
}

/// A row that somebody is on: as much of it as rights depend on.
#[derive(Debug)]
struct OnRow {
    row: Option<Row>,
    columns: BTreeSet<Name>,
    entries: BTreeSet<(Room, u64)>,
}

impl Rooms {
    /// What a session was admitted as, if it is somewhere.
    pub(crate) fn guest(&self, session: SessionId) -> Option<&NewGuest> {
        self.guests.get(&session).map(|guest| &guest.who)
    }

    /// Whether the row is known because somebody is on it already.
    pub(crate) fn row(&self, key: &RowKey) -> Option<Option<Row>> {
        self.rows.get(key).map(|on| on.row.clone())
    }

    pub(crate) fn has_tab(&self, session: SessionId, tab: &Tab) -> bool {
        self.guests.get(&session).is_some_and(|guest| guest.seats.keys().any(|(_, seated)| seated == tab))
    }

    /// Lets somebody in, or tells the others how he is now.
    pub(crate) fn arrive(&mut self, arrival: Arrival) -> Result<(), Problem> {
        let Arrival { session, guest, tab, room, shape, row, state } = arrival;
        let id = match self.seat_of(session, &room, &tab) {
            Some(id) => id,
            None => self.sit_down(session, guest.clone(), &room, &tab, shape)?,
        };
        let key = row.as_ref().map(|(key, _)| key.clone());
        let crowd = self.rooms.get_mut(&room).expect("who is in a room made it");
        let entry = crowd.entries.get_mut(&id).expect("a seat is one of the room");
        let left = entry.say(&guest, key.clone(), state);
        self.get_up_from(left.filter(|left| Some(left) != key.as_ref()), &room, id);
        if let Some((key, row)) = row {
            self.get_on(key, row, &guest.held, &room, id);
        }
        self.tell_others(&room, id);
        Ok(())
    }

    /// A tab is no longer in a room, or in none at all.
    pub(crate) fn leave_room(&mut self, session: SessionId, tab: &Tab, room: Option<&Room>) {
        let Some(guest) = self.guests.get(&session) else { return };
        let is_left = |(at, seated): &&(Room, Tab)| seated == tab && room.is_none_or(|room| room == at);
        let left: Vec<(Room, Tab)> = guest.seats.keys().filter(is_left).cloned().collect();
        for seat in left {
            self.stand_up(session, &seat);
        }
        if self.guests.get(&session).is_some_and(|guest| guest.seats.is_empty()) {
            self.guests.remove(&session);
        }
    }

    /// A session is nowhere any more, and hears of nobody.
    pub(crate) fn leave(&mut self, session: SessionId) {
        let seats = self.guests.get(&session).map(|guest| guest.seats.keys().cloned().collect::<Vec<_>>());
        for seat in seats.into_iter().flatten() {
            self.stand_up(session, &seat);
        }
        self.guests.remove(&session);
    }

    /// A row has changed: who may know who is on it may have changed with it.
    pub(crate) fn note(&mut self, change: &Change) {
        let Some(on) = self.rows.get_mut(&change.row) else { return };
        on.row = change.after.as_ref().map(|row| part(row, &on.columns));
        self.tell_of_row(&change.row.clone());
    }

    /// What happened to rows is not known: nobody is told who is on one until it changes, or is named anew.
    pub(crate) fn forget_rows(&mut self) {
        let keys: Vec<RowKey> = self.rows.keys().cloned().collect();
        for key in keys {
            self.rows.get_mut(&key).expect("it was listed").row = None;
            self.tell_of_row(&key);
        }
    }

    /// Those who are somewhere.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.guests.keys().copied()
    }

    /// Whether there is something new for a session.
    pub(crate) fn has_news(&self, session: SessionId) -> bool {
        self.guests.get(&session).is_some_and(|guest| guest.has_news)
    }

    /// What a session has not heard yet, as it is now.
    pub(crate) fn look(&mut self, session: SessionId) -> Vec<String> {
        let Some(guest) = self.guests.get_mut(&session) else { return Vec::new() };
        guest.has_news = false;
        let seats: Vec<(Room, Tab, u64)> =
            guest.seats.iter().map(|((room, tab), id)| (room.clone(), tab.clone(), *id)).collect();
        seats.iter().filter_map(|(room, tab, id)| self.look_around(session, room, tab, *id)).collect()
    }

    /// Who has to be woken.
    pub(crate) fn take_woken(&mut self) -> BTreeSet<SessionId> {
        std::mem::take(&mut self.woken)
    }

    // ---- seats ----

    fn seat_of(&self, session: SessionId, room: &Room, tab: &Tab) -> Option<u64> {
        self.guests.get(&session)?.seats.get(&(room.clone(), tab.clone())).copied()
    }

    fn sit_down(
        &mut self,
        session: SessionId,
        who: NewGuest,
        room: &Room,
        tab: &Tab,
        shape: Shape,
    ) -> Result<u64, Problem> {
        if self.guests.get(&session).is_some_and(|guest| guest.seats.len() >= PRESENCE_ROOMS_MAX) {
            let detail = format!("a connection is in at most {PRESENCE_ROOMS_MAX} rooms");
            return Err(Problem::new(Code::LimitPresenceRooms, detail));
        }
        if self.rooms.get(room).is_some_and(|crowd| crowd.entries.len() >= PRESENCE_MEMBERS_MAX) {
            let detail = format!("at most {PRESENCE_MEMBERS_MAX} are in a room");
            return Err(Problem::new(Code::LimitPresenceMembers, detail));
        }
        let crowd = self.rooms.entry(room.clone()).or_default();
        crowd.last += 1;
        let id = crowd.last;
        crowd.entries.insert(id, Entry::new(id, session, shape));
        let guest = self.guests.entry(session);
        let guest = guest.or_insert_with(|| Guest { who, seats: BTreeMap::new(), has_news: true });
        guest.seats.insert((room.clone(), tab.clone()), id);
        guest.has_news = true;
        self.woken.insert(session);
        Ok(id)
    }

    fn stand_up(&mut self, session: SessionId, seat: &(Room, Tab)) {
        let room = &seat.0;
        let Some(id) = self.guests.get_mut(&session).and_then(|guest| guest.seats.remove(seat)) else { return };
        let entry = self.rooms.get_mut(room).and_then(|crowd| crowd.entries.remove(&id));
        self.get_up_from(entry.and_then(|entry| entry.row().cloned()), room, id);
        self.tell_others(room, id);
        if self.rooms.get(room).is_some_and(|crowd| crowd.entries.is_empty()) {
            self.rooms.remove(room);
        }
    }

    // ---- rows ----

    fn get_on(&mut self, key: RowKey, row: Option<Row>, held: &[LiveShape], room: &Room, id: u64) {
        let on = self.rows.entry(key.clone()).or_insert_with(|| {
            let shapes = held.iter().filter(|shape| shape.table == key.table);
            let columns = shapes.flat_map(|shape| shape.predicate.columns()).chain(room.column().cloned());
            OnRow { row: None, columns: columns.collect(), entries: BTreeSet::new() }
        });
        on.row = row.map(|row| part(&row, &on.columns));
        on.entries.insert((room.clone(), id));
    }

    fn get_up_from(&mut self, row: Option<RowKey>, room: &Room, id: u64) {
        let Some(key) = row else { return };
        if let Some(on) = self.rows.get_mut(&key) {
            on.entries.remove(&(room.clone(), id));
            if on.entries.is_empty() {
                self.rows.remove(&key);
            }
        }
    }

    // ---- telling ----

    fn tell_of_row(&mut self, key: &RowKey) {
        let entries = self.rows.get(key).map(|on| on.entries.clone());
        for (room, id) in entries.into_iter().flatten() {
            self.tell_others(&room, id);
        }
    }

    fn tell_others(&mut self, room: &Room, id: u64) {
        let Some(crowd) = self.rooms.get_mut(room) else { return };
        for (_, other) in crowd.entries.iter_mut().filter(|(other, _)| **other != id) {
            other.note(id);
            // Once: until it has looked, there is nothing more to say to it.
            if let Some(guest) = self.guests.get_mut(&other.session).filter(|guest| !guest.has_news) {
                guest.has_news = true;
                self.woken.insert(other.session);
            }
        }
    }

    fn look_around(&mut self, session: SessionId, room: &Room, tab: &Tab, id: u64) -> Option<String> {
        let crowd = self.rooms.get_mut(room)?;
        let others: BTreeSet<u64> = crowd.entries.keys().copied().filter(|other| *other != id).collect();
        let outlook = crowd.entries.get_mut(&id)?.look(&others);
        let (crowd, held) = (self.rooms.get(room)?, &self.guests.get(&session)?.who.held);
        let here = outlook.here().iter().filter_map(|id| crowd.entries.get(id));
        let here: Vec<&str> = here.map(|other| other.told(self.shows(room, other, held))).collect();
        let shape = crowd.entries.get(&id)?.shape();
        match &outlook {
            Outlook::Nothing => None,
            Outlook::All(_) => Some(Nearby::room(tab, shape, true, &here.join(","), &[])),
            Outlook::News { left, .. } => Some(Nearby::room(tab, shape, false, &here.join(","), left)),
        }
    }

    /// Whether what somebody said is for whoever holds these: on a row, only for who may read it, and from who may.
    fn shows(&self, room: &Room, other: &Entry, held: &[LiveShape]) -> bool {
        let Some(key) = other.row() else { return true };
        if self.ignores_rows {
            return true;
        }
        let Some(row) = self.rows.get(key).and_then(|on| on.row.as_ref()) else { return false };
        let Some(speaker) = self.guests.get(&other.session) else { return false };
        let grants =
            |held: &[LiveShape]| held.iter().any(|shape| shape.table == key.table && shape.predicate.grants(row));
        room.has(row) && grants(&speaker.who.held) && grants(held)
    }
}

/// As much of a row as is looked at: long values that no rule names would only fill the memory.
fn part(row: &Row, columns: &BTreeSet<Name>) -> Row {
    const SHORT_BYTES: usize = 256;
    let is_kept =
        |name: &Name, value: &swain_core::Value| columns.contains(name) || value.canonical().len() <= SHORT_BYTES;
    Row(row
        .0
        .iter()
        .filter(|(name, value)| is_kept(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect())
}
