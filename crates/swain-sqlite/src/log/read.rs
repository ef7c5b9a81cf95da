//! Reading pages of the log.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, params};
use swain_core::strict_json::parse;
use swain_core::{
    Actor, Change, DeviceId, Key, Millis, MutationNumber, Pos, Position, Row, RowKey, Tag, UserId, Value, Who,
};
use swain_store::{Head, Interest, LargePosition, LogPage, POSITION_CHANGES_MAX, StoreError, StoreErrorKind};

use super::find::{Found, caused_by, find};
use super::{first_change, pos_of};
use crate::failure::Failure;
use crate::integer::{limit, signed, unsigned};
use crate::layout::Layout;
use crate::ledger::device_row;
use crate::{alias, meta};

/// More than anybody asks for, and small enough for SQLite.
const UNLIMITED: usize = 1 << 40;

/// About how many bytes of rows are read for one page; always at least one position.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// The ends of the log.
pub(crate) fn head(conn: &Connection) -> Result<Head, Failure> {
    let mut statement = conn.prepare_cached("SELECT pos, tag FROM swain_positions ORDER BY pos DESC LIMIT 1")?;
    let newest = statement.query_row([], |row| Ok((Pos(unsigned(row.get(0)?)), Tag(row.get(1)?)))).optional()?;
    let (pos, tag) = newest.unwrap_or_default();
    Ok(Head { pos, tag, floor: Pos(unsigned(meta::get(conn, "floor")?.unwrap_or(0))) })
}

/// The tag of a position.
pub(crate) fn tag(conn: &Connection, pos: Pos) -> Result<Option<Tag>, Failure> {
    if pos == Pos(0) {
        return Ok(Some(Tag(0)));
    }
    let mut statement = conn.prepare_cached("SELECT tag FROM swain_positions WHERE pos = ?1")?;
    Ok(statement.query_row([signed(pos.0)], |row| row.get(0).map(Tag)).optional()?)
}

/// The highest n of a device that was decided at or below a position, which is not below the floor.
pub(crate) fn acked(conn: &Connection, device: &DeviceId, at: Pos) -> Result<MutationNumber, Failure> {
    // All positions above the floor are there, so what is before the first behind `at` was decided by then.
    // Backwards from the newest: who asks is nearly always close behind the head.
    let mut statement = conn.prepare_cached("SELECT n, pos FROM swain_positions WHERE device = ?1 ORDER BY n DESC")?;
    let mut rows = statement.query([device.as_str()])?;
    let mut first_behind = None;
    while let Some(row) = rows.next()? {
        if Pos(unsigned(row.get(1)?)) <= at {
            break;
        }
        first_behind = Some(unsigned(row.get(0)?));
    }
    match first_behind {
        Some(n) => Ok(MutationNumber(n - 1)),
        None => Ok(device_row(conn, device)?.map(|device| device.last).unwrap_or_default()),
    }
}

/// How many changes concern the interests, up to `max`; with a position that is not read as one, `max`. Changes of a scope
/// that is not indexed are counted with their table.
pub(crate) fn count(
    conn: &Connection,
    layout: &Layout,
    (after, through): (Pos, Pos),
    interests: &[Interest],
    max: usize,
) -> Result<usize, Failure> {
    let through = through.min(head(conn)?.pos);
    let found = find(conn, layout, (after, through), Some(interests), max.min(UNLIMITED))?;
    let mut of_position = (Pos(0), 0);
    for change in &found.changes {
        let pos = pos_of(*change);
        of_position = (pos, if pos == of_position.0 { of_position.1 + 1 } else { 1 });
        if of_position.1 > POSITION_CHANGES_MAX {
            return Ok(max);
        }
    }
    Ok(found.changes.len().min(max))
}

/// About how large the rows of a change are.
fn image_bytes(change: &Change) -> usize {
    let values = change.before.iter().chain(&change.after).flat_map(|row| row.0.values());
    values.map(|value| value.as_text().map_or(16, str::len)).sum()
}

/// What a page is asked for.
pub(crate) struct Request {
    pub(crate) after: Pos,
    pub(crate) through: Pos,
    pub(crate) interests: Option<Vec<Interest>>,
    pub(crate) device: Option<DeviceId>,
    pub(crate) changes_max: usize,
}

/// A page of the log, inside a read transaction.
pub(crate) fn page(conn: &Connection, layout: &Layout, request: &Request) -> Result<LogPage, Failure> {
    let head = head(conn)?;
    if request.after < head.floor {
        let message = format!("the log behind position {} is no longer whole", request.after);
        return Err(StoreError::new(StoreErrorKind::BelowFloor, message).into());
    }
    let through = request.through.min(head.pos);
    let max = request.changes_max.clamp(1, UNLIMITED);
    let mut plan = plan(conn, layout, request, (request.after, through), max + 1)?;
    if plan.places.is_empty() && plan.through <= request.after && request.after < through {
        // The first position alone is larger than the page: it is given whole, or not at all.
        let pos = plan.through.next();
        plan = self::plan(conn, layout, request, (request.after, pos), POSITION_CHANGES_MAX + 1)?;
        if plan.through < pos {
            return large(conn, layout, pos);
        }
    }
    let mut reached = plan.cut(max);
    let mut positions = Vec::with_capacity(plan.places.len());
    let mut bytes = 0;
    for (pos, changes) in plan.places {
        let position = read_position(conn, pos, &changes)?;
        bytes += position.changes.iter().map(image_bytes).sum::<usize>();
        positions.extend(request.relevant(position));
        if bytes > PAGE_BYTES_MAX {
            reached = pos;
            break;
        }
    }
    let tag = tag(conn, reached)?.unwrap_or_default();
    Ok(LogPage { positions, through: reached, tag, large: None })
}

/// A position of which nothing is read but what it is about.
fn large(conn: &Connection, layout: &Layout, pos: Pos) -> Result<LogPage, Failure> {
    let range = (first_change(pos), first_change(pos.next()));
    // The entry without a scope column is there for every change.
    let mut statement = conn.prepare(
        "SELECT 1 FROM swain_scopes WHERE tbl = ?1 AND col = '' AND value = '' AND change >= ?2 AND change < ?3 LIMIT 1",
    )?;
    let mut tables = BTreeSet::new();
    for name in layout.tables.keys() {
        if statement.exists(params![name.as_str(), range.0, range.1])? {
            tables.insert(name.clone());
        }
    }
    let tag = tag(conn, pos)?.unwrap_or_default();
    Ok(LogPage { positions: Vec::new(), through: pos, tag, large: Some(LargePosition { pos, tag, tables }) })
}

/// Which positions a page will hold, with the ids of their changes.
struct Plan {
    places: BTreeMap<Pos, Vec<i64>>,
    /// Everything up to here is in `places`.
    through: Pos,
}

fn plan(conn: &Connection, layout: &Layout, request: &Request, range: (Pos, Pos), max: usize) -> Result<Plan, Failure> {
    let Found { changes, open_from } = find(conn, layout, range, request.interests.as_deref(), max)?;
    let bare = bare_positions(conn, request, range, max)?;
    let mut through = open_from.map_or(range.1, |open_from| Pos(pos_of(open_from - 1).0 - 1));
    if bare.len() == max
        && let Some(last) = bare.last()
    {
        through = through.min(*last);
    }
    let mut places: BTreeMap<Pos, Vec<i64>> = bare.into_iter().map(|pos| (pos, Vec::new())).collect();
    for change in changes {
        places.entry(pos_of(change)).or_default().push(change);
    }
    places.split_off(&through.next());
    Ok(Plan { places, through })
}

/// Positions that belong to the page even without changes.
fn bare_positions(
    conn: &Connection,
    request: &Request,
    range: (Pos, Pos),
    max: usize,
) -> Result<BTreeSet<Pos>, Failure> {
    match (&request.interests, &request.device) {
        (Some(_), None) => Ok(BTreeSet::new()),
        (Some(_), Some(device)) => caused_by(conn, range, device, max),
        (None, _) => {
            let sql = "SELECT pos FROM swain_positions WHERE pos > ?1 AND pos <= ?2 ORDER BY pos LIMIT ?3";
            let mut statement = conn.prepare_cached(sql)?;
            let positions = statement.query_map(params![signed(range.0.0), signed(range.1.0), limit(max)], |row| {
                row.get(0).map(unsigned).map(Pos)
            })?;
            Ok(positions.collect::<Result<_, _>>()?)
        }
    }
}

impl Plan {
    /// Keeps whole positions up to `max` changes, at least one; says how far that goes.
    fn cut(&mut self, max: usize) -> Pos {
        let mut changes = 0;
        let places = self.places.iter().enumerate();
        let first_beyond = places.skip_while(|(index, (_, ids))| {
            changes += ids.len();
            *index == 0 || (changes <= max && *index < max)
        });
        let first_beyond = first_beyond.map(|(_, (pos, _))| *pos).next();
        if let Some(pos) = first_beyond {
            self.places.split_off(&pos);
            self.through = Pos(pos.0 - 1);
        }
        self.through
    }
}

impl Request {
    /// What the index found by table is filtered by scope here.
    fn relevant(&self, mut position: Position) -> Option<Position> {
        let Some(interests) = &self.interests else { return Some(position) };
        let had_changes = !position.changes.is_empty();
        position.changes.retain(|change| interests.iter().any(|interest| concerns(interest, change)));
        let own = self.device.is_some() && position.who.mutation().map(|(device, _)| device) == self.device.as_ref();
        (own || !had_changes || !position.changes.is_empty()).then_some(position)
    }
}

fn concerns(interest: &Interest, change: &Change) -> bool {
    interest.table == change.row.table
        && interest.scope.as_ref().is_none_or(|(column, values)| {
            let rows = change.before.iter().chain(&change.after);
            rows.into_iter().any(|row| values.contains(row.value(column)))
        })
}

pub(crate) fn read_position(conn: &Connection, pos: Pos, changes: &[i64]) -> Result<Position, Failure> {
    let mut statement =
        conn.prepare_cached("SELECT tag, at, kind, user, device, n FROM swain_positions WHERE pos = ?1")?;
    let (tag, at, who) = statement
        .query_row([signed(pos.0)], |row| Ok((Tag(row.get(0)?), Millis(unsigned(row.get(1)?)), read_who(row)?)))?;
    let mut statement =
        conn.prepare_cached("SELECT id, tbl, key, before, after, actor FROM swain_changes WHERE id = ?1")?;
    let mut read = |id: &i64| {
        let mut rows = statement.query([id])?;
        let row = rows.next()?.ok_or_else(|| Failure::internal("a change is indexed but not in the log"))?;
        Ok(read_change(row)?.1)
    };
    let changes = changes.iter().map(&mut read).collect::<Result<_, Failure>>()?;
    let aliases = match who.mutation() {
        Some((device, n)) => alias::of_mutation(conn, device, n)?,
        None => Vec::new(),
    };
    Ok(Position { pos, tag, at, who, changes, aliases })
}

fn read_who(row: &rusqlite::Row<'_>) -> Result<Who, rusqlite::Error> {
    Ok(match row.get(2)? {
        0 => Who::Device {
            user: row.get_ref(3)?.as_str_or_null()?.map(UserId::from),
            device: DeviceId::from(row.get_ref(4)?.as_str()?),
            n: MutationNumber(unsigned(row.get(5)?)),
        },
        1 => Who::Outside { actor: row.get_ref(3)?.as_str_or_null()?.map(Actor::from) },
        _ => Who::Server,
    })
}

/// A row of `id, tbl, key, before, after, actor`.
pub(crate) fn read_change(row: &rusqlite::Row<'_>) -> Result<(i64, Change), Failure> {
    let text = |place: usize| row.get_ref(place)?.as_str_or_null().map_err(rusqlite::Error::from);
    let key = match text(2)?.map(parse) {
        Some(Ok(Value::List(values))) => Key(values),
        _ => return Err(Failure::internal("a key in the log cannot be read")),
    };
    let table = text(1)?.unwrap_or_default().into();
    let after = text(4)?.map(read_row).transpose()?;
    let mut before = text(3)?.map(read_row).transpose()?;
    if let (Some(before), Some(after)) = (&mut before, &after) {
        for (name, value) in &after.0 {
            before.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    let actor = text(5)?.map(Actor::from);
    Ok((row.get(0)?, Change { row: RowKey { table, key }, before, after, actor }))
}

fn read_row(text: &str) -> Result<Row, Failure> {
    let value = parse(text).ok();
    value.as_ref().and_then(Row::from_value).ok_or_else(|| Failure::internal("a row in the log cannot be read"))
}
