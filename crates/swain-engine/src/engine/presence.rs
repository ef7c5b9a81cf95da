//! What tabs say of themselves: who may be in which room, and on which row (spec R18, P28).

use std::sync::Arc;

use swain_core::protocol::{Nearby, Presence, Said, Tab};
use swain_core::rule::{Auth, Expression, Operand};
use swain_core::shape::Shape;
use swain_core::{Code, DeviceId, Key, Problem, Row, RowKey, Table, UserId, Value};
use swain_store::{Store, StoreError};

use super::{Engine, PlantedLeak, PresenceHeard, Told};
use crate::hub::{SessionId, Taken};
use crate::limits::RIGHTS_TRIES_MAX;
use crate::matching::LiveShape;
use crate::presence::{Arrival, NewGuest, Room};

/// What a tab says of a room.
struct Announcement {
    session: SessionId,
    tab: Tab,
    room: Room,
    shape: Shape,
    state: Value,
}

impl<S: Store> Engine<S> {
    /// The same as [`Engine::take`], and what there is of presence: what the device said beside the stream, and whether
    /// there is something to tell it of others.
    pub fn take_turn(&self, session: SessionId) -> (Taken, Vec<Presence>, bool) {
        let mut hub = self.hub();
        let taken = hub.take(session);
        let (said, has_news) = hub.take_presence(session);
        (taken, said, has_news)
    }

    /// Hands over what a device said beside its stream (spec P22). Without a stream nobody is anywhere.
    pub fn deliver_presence(&self, device: &DeviceId, user: Option<&UserId>, said: Vec<Presence>) {
        self.hub().deliver_presence(device, user, said);
    }

    pub(super) async fn hear_presence(&self, session: SessionId, heard: PresenceHeard) -> Result<Told, StoreError> {
        let PresenceHeard { auth, held, said: Presence { tab, said } } = heard;
        let answer = match said {
            Said::Here => {
                let is_somewhere = self.hub().rooms.has_tab(session, &tab);
                (!is_somewhere).then(|| Nearby::again(&tab))
            }
            Said::Left(None) => {
                self.hub().leave_room(session, &tab, None);
                None
            }
            Said::Left(Some(shape)) => {
                // A room that cannot be read is one that nobody is in.
                if let Ok(room) = Room::of(&shape, &self.catalog().schema_for(&auth)) {
                    self.hub().leave_room(session, &tab, Some(&room));
                }
                None
            }
            Said::In { room: shape, row, state } => {
                let announced = match self.admit_to(&shape, &auth, &held) {
                    Ok(room) => {
                        let (tab, shape) = (tab.clone(), shape.clone());
                        self.announce(Announcement { session, tab, room, shape, state }, auth, held, row).await?
                    }
                    Err(problem) => Err(problem),
                };
                announced.err().map(|problem| Nearby::refused(&tab, &shape, &problem))
            }
        };
        Ok(Told::Presence(answer.into_iter().collect()))
    }

    /// The room, if rows of it may be read under what the session holds.
    fn admit_to(&self, shape: &Shape, auth: &Auth, held: &[LiveShape]) -> Result<Room, Problem> {
        let catalog = self.catalog();
        let room = Room::of(shape, &catalog.schema_for(auth))?;
        let is_open = self.planted == Some(PlantedLeak::RoomsAreOpen);
        if !is_open && !room.admits(held, &catalog.rules(room.table()).read) {
            let detail = format!("no shape of this device holds this part of '{}'", room.table());
            return Err(Problem::new(Code::NotAllowed, detail).at("presence.room"));
        }
        Ok(room)
    }

    async fn announce(
        &self,
        announcement: Announcement,
        auth: Auth,
        held: Arc<[LiveShape]>,
        row: Option<Key>,
    ) -> Result<Result<(), Problem>, StoreError> {
        let Announcement { session, tab, room, shape, state } = announcement;
        let key = match row.map(|key| self.row_key(&room, &key)).transpose() {
            Ok(key) => key,
            Err(problem) => return Ok(Err(problem)),
        };
        let known = self.hub().rooms.guest(session).cloned();
        let guest = match known {
            Some(guest) => guest,
            None => NewGuest { name: self.name_of(auth.user.as_ref()).await?, user: auth.user, held },
        };
        let mut arrival = Arrival { session, guest, tab, room, shape, row: None, state };
        let Some(key) = key else { return Ok(self.hub().arrive(arrival)) };
        for _ in 0..RIGHTS_TRIES_MAX {
            let watched = self.hub().rooms.row(&key);
            let (row, at) = match watched {
                Some(row) => (row, None),
                None => self.read_row(&key).await.map(|(row, at)| (row, Some(at)))?,
            };
            let mut hub = self.hub();
            // What the hub has passed meanwhile, it did not tell of this row; and one that somebody was on may be left.
            let is_current = match at {
                Some(at) => hub.head().0 <= at,
                None => hub.rooms.row(&key).is_some(),
            };
            if is_current {
                let row = hub.rooms.row(&key).unwrap_or(row);
                arrival.row = Some((key, row));
                return Ok(hub.arrive(arrival));
            }
        }
        // Faster than it can be read: nobody is told which row it is, until it is said again.
        arrival.row = Some((key, None));
        Ok(self.hub().arrive(arrival))
    }

    fn row_key(&self, room: &Room, key: &Key) -> Result<RowKey, Problem> {
        let catalog = self.catalog();
        let wrong = |code| Problem::new(code, "no key of a row of the room").at("presence.row");
        let table = catalog.schema.table(room.table()).map_err(wrong)?;
        Ok(RowKey { table: table.name.clone(), key: table.normalise_key(key).map_err(wrong)? })
    }

    async fn name_of(&self, user: Option<&UserId>) -> Result<Option<String>, StoreError> {
        let Some(user) = user else { return Ok(None) };
        let person = self.store().person(user.clone()).await?;
        Ok(person.map(|person| person.name).filter(|name| !name.is_empty()))
    }

    /// The row as it is, and the position at which it is so.
    async fn read_row(&self, key: &RowKey) -> Result<(Option<Row>, swain_core::Pos), StoreError> {
        let catalog = self.catalog();
        let table = catalog.schema.tables.get(&key.table);
        let is_it = table.map_or(Expression::Constant(false), |table| is_row(table, &key.key));
        let chunk = self.store().load(key.table.clone(), is_it, None, 1).await?;
        Ok((chunk.rows.into_iter().next(), chunk.head))
    }
}

fn is_row(table: &Table, key: &Key) -> Expression {
    let columns = table.key.iter().zip(&key.0);
    let equal = |(column, value): (&swain_core::Name, &Value)| {
        Expression::Equal(Operand::Column(column.clone()), Operand::Literal(value.clone()))
    };
    Expression::And(columns.map(equal).collect())
}
