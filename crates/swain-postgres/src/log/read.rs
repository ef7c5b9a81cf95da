//! Reading pages of the log.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::{Actor, Change, DeviceId, Millis, MutationNumber, Name, Pos, Position, Row, RowKey, Tag, UserId, Who};
use swain_store::{Head, Interest, LargePosition, LogPage, POSITION_CHANGES_MAX, StoreError, StoreErrorKind};

use super::find::{Found, caused_by, find};
use super::{limit, signed, unsigned};
use crate::alias;
use crate::connection::Session;
use crate::failure::Failure;
use crate::layout::{Layout, SCHEMA_TABLE, TableLayout};
use crate::wire::{Kind, members, to_wire};

/// More than anybody asks for.
const UNLIMITED: usize = 1 << 40;

/// About how many bytes of rows are read for one page; always at least one position.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Changes that are fetched at once.
const FETCH_CHANGES_MAX: usize = 512;

/// The ends of the log.
pub(crate) async fn head(session: &Session) -> Result<Head, Failure> {
    let sql = "
        SELECT s.head, coalesce((SELECT tag FROM swain.positions WHERE pos = s.head), 0), s.floor FROM swain.latest s";
    let row = session.query_one(sql, &[]).await?;
    Ok(Head { pos: Pos(unsigned(row.get(0))), tag: read_tag(row.get(1)), floor: Pos(unsigned(row.get(2))) })
}

/// The tag of a position.
pub(crate) async fn tag(session: &Session, pos: Pos) -> Result<Option<Tag>, Failure> {
    if pos == Pos(0) {
        return Ok(Some(Tag(0)));
    }
    let row = session.query_opt("SELECT tag FROM swain.positions WHERE pos = $1", &[&signed(pos.0)]).await?;
    Ok(row.map(|row| read_tag(row.get(0))))
}

/// The highest n of a device that was decided at or below a position, which is not below the floor.
pub(crate) async fn acked(session: &Session, device: &DeviceId, at: Pos) -> Result<MutationNumber, Failure> {
    // All positions above the floor are there, so what is before the first behind `at` was decided by then.
    let sql = "
        SELECT coalesce(
            (SELECT n - 1 FROM swain.positions WHERE device = $1 AND pos > $2 ORDER BY pos LIMIT 1),
            swain.sequenced($1))";
    let row = session.query_one(sql, &[&device.as_str(), &signed(at.0)]).await?;
    Ok(MutationNumber(unsigned(row.get(0))))
}

/// How many changes concern the interests, up to `max`; with a position that is not read as one, `max`. Changes of a scope
/// that is not indexed are counted with their table.
pub(crate) async fn count(
    session: &Session,
    layout: &Layout,
    (after, through): (Pos, Pos),
    interests: &[Interest],
    max: usize,
) -> Result<usize, Failure> {
    let through = through.min(head(session).await?.pos);
    // One more, because the last of a full entry is left out with its position.
    let found = find(session, layout, (after, through), Some(interests), max.min(UNLIMITED) + 1).await?;
    let is_cut = found.complete_through < through;
    let mut of_position = (Pos(0), 0);
    let has_large = found.changes.keys().any(|(pos, _)| {
        of_position = (*pos, if *pos == of_position.0 { of_position.1 + 1 } else { 1 });
        of_position.1 > POSITION_CHANGES_MAX
    });
    Ok(if is_cut || has_large { max } else { found.changes.len().min(max) })
}

/// What a page is asked for.
pub(crate) struct Request {
    pub(crate) after: Pos,
    pub(crate) through: Pos,
    pub(crate) interests: Option<Vec<Interest>>,
    pub(crate) device: Option<DeviceId>,
    pub(crate) changes_max: usize,
}

/// A page of the log. It grows at its head, up to which is read, and goes at its floor: statements need no common snapshot.
pub(crate) async fn page(session: &Session, layout: &Layout, request: &Request) -> Result<LogPage, Failure> {
    let head = head(session).await?;
    let through = request.through.min(head.pos);
    let max = request.changes_max.clamp(1, UNLIMITED);
    let mut plan = plan(session, layout, request, (request.after, through), max + 1).await?;
    if plan.places.is_empty() && plan.through <= request.after && request.after < through {
        // The first position alone is larger than the page: it is given whole, or not at all.
        let pos = plan.through.next();
        plan = self::plan(session, layout, request, (request.after, pos), POSITION_CHANGES_MAX + 1).await?;
        if plan.through < pos || plan.places.get(&pos).is_some_and(|changes| changes.len() > POSITION_CHANGES_MAX) {
            return large(session, layout, pos).await;
        }
    }
    let mut reached = plan.cut(max);
    let mut positions = Vec::with_capacity(plan.places.len());
    let mut bytes = 0;
    while !plan.places.is_empty() && bytes <= PAGE_BYTES_MAX {
        let read = read_positions(session, layout, &plan.take(FETCH_CHANGES_MAX)).await?;
        for (position, size) in read {
            bytes += size;
            if let Some(position) = request.relevant(position) {
                positions.push(position);
            }
        }
    }
    if let Some((first_unread, _)) = plan.places.first_key_value() {
        reached = reached.min(Pos(first_unread.0 - 1));
    }
    let tag = tag(session, reached).await?.unwrap_or_default();
    // Asked at the end, because the clean-up may have come meanwhile.
    if request.after < self::head(session).await?.floor {
        let message = format!("the log behind position {} is no longer whole", request.after);
        return Err(StoreError::new(StoreErrorKind::BelowFloor, message).into());
    }
    Ok(LogPage { positions, through: reached, tag, large: None })
}

/// A position of which nothing is read but what it is about.
async fn large(session: &Session, layout: &Layout, pos: Pos) -> Result<LogPage, Failure> {
    let names: Vec<&str> = layout.tables.keys().map(Name::as_str).collect();
    // The entry without a scope column is there for every change.
    let sql = "
        SELECT tbl FROM unnest($1::text[]) AS tbl
        WHERE EXISTS (SELECT FROM swain.scopes s WHERE s.tbl = tbl.tbl AND s.scope = '' AND s.pos = $2)";
    let rows = session.query(sql, &[&names, &signed(pos.0)]).await?;
    let tables = rows.iter().map(|row| row.get::<_, &str>(0).into()).collect();
    let tag = tag(session, pos).await?.unwrap_or_default();
    Ok(LogPage { positions: Vec::new(), through: pos, tag, large: Some(LargePosition { pos, tag, tables }) })
}

/// The captured rows of a change, and its table.
#[derive(Clone)]
pub(super) struct Reference {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) table: Name,
}

/// Which positions a page will hold, with their changes.
struct Plan {
    places: BTreeMap<Pos, Vec<Reference>>,
    /// Everything up to here is in `places`.
    through: Pos,
}

async fn plan(
    session: &Session,
    layout: &Layout,
    request: &Request,
    range: (Pos, Pos),
    max: usize,
) -> Result<Plan, Failure> {
    let Found { changes, complete_through } = find(session, layout, range, request.interests.as_deref(), max).await?;
    let bare = bare_positions(session, request, range, max).await?;
    let mut through = complete_through;
    if bare.len() == max
        && let Some(last) = bare.last()
    {
        through = through.min(*last);
    }
    let mut places: BTreeMap<Pos, Vec<Reference>> = bare.into_iter().map(|pos| (pos, Vec::new())).collect();
    for ((pos, first), (last, table)) in changes {
        places.entry(pos).or_default().push(Reference { first, last, table });
    }
    places.split_off(&through.next());
    Ok(Plan { places, through })
}

/// Positions that belong to the page even without changes.
async fn bare_positions(
    session: &Session,
    request: &Request,
    range: (Pos, Pos),
    max: usize,
) -> Result<BTreeSet<Pos>, Failure> {
    match (&request.interests, &request.device) {
        (Some(_), None) => Ok(BTreeSet::new()),
        (Some(_), Some(device)) => caused_by(session, range, device, max).await,
        (None, _) => {
            let sql = "SELECT pos FROM swain.positions WHERE pos > $1 AND pos <= $2 ORDER BY pos LIMIT $3";
            let rows = session.query(sql, &[&signed(range.0.0), &signed(range.1.0), &limit(max)]).await?;
            Ok(rows.iter().map(|row| Pos(unsigned(row.get(0)))).collect())
        }
    }
}

impl Plan {
    /// Keeps whole positions up to `max` changes, at least one; says how far that goes.
    fn cut(&mut self, max: usize) -> Pos {
        let mut changes = 0;
        let places = self.places.iter().enumerate();
        let first_beyond = places.skip_while(|(index, (_, references))| {
            changes += references.len();
            *index == 0 || (changes <= max && *index < max)
        });
        let first_beyond = first_beyond.map(|(_, (pos, _))| *pos).next();
        if let Some(pos) = first_beyond {
            self.places.split_off(&pos);
            self.through = Pos(pos.0 - 1);
        }
        self.through
    }

    /// The first positions, up to about so many changes, at least one.
    fn take(&mut self, changes_max: usize) -> BTreeMap<Pos, Vec<Reference>> {
        let (mut taken, mut changes) = (BTreeMap::new(), 0);
        while let Some(entry) = self.places.first_entry() {
            changes += entry.get().len() + 1;
            if !taken.is_empty() && changes > changes_max {
                break;
            }
            let (pos, references) = entry.remove_entry();
            taken.insert(pos, references);
        }
        taken
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

/// The positions, each with about how many bytes it has.
pub(super) async fn read_positions(
    session: &Session,
    layout: &Layout,
    places: &BTreeMap<Pos, Vec<Reference>>,
) -> Result<Vec<(Position, usize)>, Failure> {
    let wanted: Vec<i64> = places.keys().map(|pos| signed(pos.0)).collect();
    let sql = "
        SELECT pos, tag, at, kind, usr, device, n, actor FROM swain.positions
        WHERE pos = ANY ($1) ORDER BY pos";
    let mut read: BTreeMap<Pos, (Position, usize)> = BTreeMap::new();
    for row in session.query(sql, &[&wanted]).await? {
        let pos = Pos(unsigned(row.get(0)));
        let at = Millis(unsigned(row.get(2)));
        let who = read_who(row.get(3), (row.get(4), row.get(5), row.get(6)), row.get(7));
        read.insert(
            pos,
            (Position { pos, tag: read_tag(row.get(1)), at, who, changes: Vec::new(), aliases: Vec::new() }, 0),
        );
    }
    for (pos, aliases) in alias::of_positions(session, &wanted).await? {
        read.entry(pos).and_modify(|(position, _)| position.aliases = aliases);
    }
    let references = places.iter().flat_map(|(pos, references)| references.iter().map(|found| (*pos, found)));
    let references: Vec<(Pos, &Reference)> = references.collect();
    for part in references.chunks(FETCH_CHANGES_MAX) {
        for ((pos, reference), (images, actor)) in part.iter().zip(read_images(session, part).await?) {
            let Some((position, bytes)) = read.get_mut(pos) else { continue };
            *bytes += images.iter().flatten().map(String::len).sum::<usize>();
            let mut change = change(layout, &reference.table, &images)?;
            if let (Some(change), Who::Outside { actor: None }) = (&mut change, &position.who) {
                change.actor = actor;
            }
            position.changes.extend(change);
        }
    }
    Ok(read.into_values().collect())
}

/// The images before and after of a change.
type Images = [Option<String>; 2];

/// The images of each change, and the program that made it, if it said its name.
async fn read_images(session: &Session, part: &[(Pos, &Reference)]) -> Result<Vec<(Images, Option<Actor>)>, Failure> {
    if part.is_empty() {
        return Ok(Vec::new());
    }
    let positions: Vec<i64> = part.iter().map(|(pos, _)| signed(pos.0)).collect();
    let firsts: Vec<i64> = part.iter().map(|(_, reference)| reference.first).collect();
    let lasts: Vec<i64> = part.iter().map(|(_, reference)| reference.last).collect();
    let sql = "
        SELECT wanted.place, (
            SELECT c.before FROM swain.changes c WHERE c.tx = p.tx AND c.id = wanted.first
        ), (
            SELECT c.after FROM swain.changes c WHERE c.tx = p.tx AND c.id = wanted.last
        ), (
            SELECT c.actor FROM swain.changes c WHERE c.tx = p.tx AND c.id = wanted.last
        )
        FROM unnest($1::int8[], $2::int8[], $3::int8[]) WITH ORDINALITY AS wanted (pos, first, last, place)
        JOIN swain.positions p ON p.pos = wanted.pos ORDER BY 1";
    let rows = session.query(sql, &[&positions, &firsts, &lasts]).await?;
    Ok(rows
        .iter()
        .map(|row| ([row.get(1), row.get(2)], row.get::<_, Option<&str>>(3).and_then(Actor::named)))
        .collect())
}

/// None when both images are the same in wire form, or the table is not synced any more.
fn change(layout: &Layout, table: &Name, [before, after]: &Images) -> Result<Option<Change>, Failure> {
    let (key, before, after) = if &**table == SCHEMA_TABLE {
        let (before, after) = (read_schema_row(before.as_deref())?, read_schema_row(after.as_deref())?);
        let row = after.as_ref().or(before.as_ref());
        (row.map(|row| swain_core::Key(vec![row.value("version").clone()])), before, after)
    } else {
        let Some(table) = layout.tables.get(table) else { return Ok(None) };
        let (before, after) = (read_image(table, before.as_deref())?, read_image(table, after.as_deref())?);
        (after.as_ref().or(before.as_ref()).map(|row| table.key_of(row)), before, after)
    };
    let Some(key) = key.filter(|_| before != after) else { return Ok(None) };
    Ok(Some(Change { row: RowKey { table: table.clone(), key }, before, after, actor: None }))
}

/// A row as it was captured.
pub(crate) fn read_image(table: &TableLayout, image: Option<&str>) -> Result<Option<Row>, Failure> {
    image.map(|image| table.read_row(image)).transpose()
}

fn read_schema_row(image: Option<&str>) -> Result<Option<Row>, Failure> {
    let Some(image) = image else { return Ok(None) };
    let members = members(image).ok_or_else(|| Failure::internal("a schema version in the log cannot be read"))?;
    let kind = |name: &str| if name == "version" { Kind::Integer } else { Kind::Text };
    let row = members.iter().map(|(name, raw)| (Name::from(name.as_str()), to_wire(&kind(name), raw.get())));
    Ok(Some(row.collect()))
}

/// Who caused a position, from its columns.
pub(crate) fn read_who(
    kind: i8,
    (user, device, n): (Option<&str>, Option<&str>, Option<i64>),
    actor: Option<&str>,
) -> Who {
    match (kind.cast_unsigned(), device, n) {
        (b'm', Some(device), Some(n)) => {
            Who::Device { user: user.map(UserId::from), device: DeviceId::from(device), n: MutationNumber(unsigned(n)) }
        }
        (b's', _, _) => Who::Server,
        _ => Who::Outside { actor: actor.and_then(Actor::named) },
    }
}

fn read_tag(tag: i64) -> Tag {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tag has 32 bits")]
    Tag(tag as u32)
}
