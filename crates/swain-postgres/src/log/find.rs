//! Which changes concern somebody: by the scope index, not by reading the log.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::{DeviceId, Name, Pos, Value};
use swain_store::Interest;

use super::{limit, signed, unsigned};
use crate::connection::Session;
use crate::failure::Failure;
use crate::layout::{Layout, SCHEMA_TABLE};
use crate::wire::to_text;

/// Characters of a value in the index; as in the capture function.
const SCOPE_CHARS_MAX: usize = 200;

/// Where a change is: the position, and the captured row that holds the image before it.
pub(super) type Place = (Pos, i64);

/// Changes in a range, at least the first ones.
pub(super) struct Found {
    /// Each with the captured row that holds the image after it, and its table.
    pub(super) changes: BTreeMap<Place, (i64, Name)>,
    /// All of them up to here were found.
    pub(super) complete_through: Pos,
}

/// Changes in (after, through] that concern the interests, for each entry of the index at most `max`.
pub(super) async fn find(
    session: &Session,
    layout: &Layout,
    (after, through): (Pos, Pos),
    interests: Option<&[Interest]>,
    max: usize,
) -> Result<Found, Failure> {
    let entries = index_entries(layout, interests);
    let (tables, scopes): (Vec<&str>, Vec<&str>) = entries.iter().map(|(table, scope)| (&**table, &**scope)).unzip();
    let sql = "
        SELECT entry.place, found.pos, found.first, found.last
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS entry (tbl, scope, place)
        CROSS JOIN LATERAL (
            SELECT pos, first, last FROM swain.scopes s
            WHERE s.tbl = entry.tbl AND s.scope = entry.scope AND s.pos > $3 AND s.pos <= $4
            ORDER BY s.tbl, s.scope, s.pos, s.first LIMIT $5) found";
    let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&tables, &scopes, &signed(after.0), &signed(through.0), &limit(max)];
    let (mut changes, mut complete_through) = (BTreeMap::new(), through);
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for row in session.query(sql, parameters).await? {
        let (place, pos): (i64, Pos) = (row.get(0), Pos(unsigned(row.get(1))));
        let table = usize::try_from(place - 1).ok().and_then(|place| entries.get(place)).map(|(table, _)| table);
        let count = counts.entry(place).or_default();
        *count += 1;
        if *count == max {
            // There may be more of this position.
            complete_through = complete_through.min(Pos(pos.0 - 1));
        }
        if let Some(table) = table {
            changes.insert((pos, row.get(2)), (row.get(3), table.clone()));
        }
    }
    changes.split_off(&(complete_through.next(), i64::MIN));
    Ok(Found { changes, complete_through })
}

/// The positions in (after, through] that a device caused, the first `max` of them.
pub(super) async fn caused_by(
    session: &Session,
    (after, through): (Pos, Pos),
    device: &DeviceId,
    max: usize,
) -> Result<BTreeSet<Pos>, Failure> {
    let sql = "SELECT pos FROM swain.positions WHERE device = $1 AND pos > $2 AND pos <= $3 ORDER BY pos LIMIT $4";
    let rows = session.query(sql, &[&device.as_str(), &signed(after.0), &signed(through.0), &limit(max)]).await?;
    Ok(rows.iter().map(|row| Pos(unsigned(row.get(0)))).collect())
}

/// A column by which changes are not indexed is looked for in the whole table; who reads the changes filters them.
fn index_entries(layout: &Layout, interests: Option<&[Interest]>) -> Vec<(Name, String)> {
    let whole = |table: &Name| (table.clone(), String::new());
    let Some(interests) = interests else {
        return layout.tables.keys().chain([&Name::from(SCHEMA_TABLE)]).map(whole).collect();
    };
    let mut entries = BTreeSet::new();
    for interest in interests {
        match scope_entries(layout, interest) {
            Some(scopes) => entries.extend(scopes.into_iter().map(|scope| (interest.table.clone(), scope))),
            None => drop(entries.insert(whole(&interest.table))),
        }
    }
    entries.into_iter().collect()
}

fn scope_entries(layout: &Layout, interest: &Interest) -> Option<Vec<String>> {
    let (column, values) = interest.scope.as_ref()?;
    let table = layout.tables.get(&interest.table)?;
    let kind = table.kind(column).filter(|kind| table.scopes.contains(column) && kind.has_one_text())?;
    let entry = |value: &Value| match to_text(kind, value) {
        Some(text) => format!("{column}={}", text.chars().take(SCOPE_CHARS_MAX).collect::<String>()),
        None => format!("{column}~"),
    };
    Some(values.iter().map(entry).collect())
}
