//! What happened to one row.

use std::collections::BTreeMap;

use swain_core::{Key, Name, Pos, Position};

use super::read::{Reference, read_positions};
use super::{limit, signed, unsigned};
use crate::connection::Session;
use crate::failure::Failure;
use crate::layout::Layout;

/// Captured writes that are looked at at once: a position may have several of one row.
const WRITES_AT_ONCE: usize = 256;

/// The newest positions below `before` that changed a row, each with that change alone.
///
/// Whoever writes a row holds it until the commit, so the ids of its captured writes rise with their positions, and the
/// index on rows has them in order: what a page costs does not depend on how much happened to the row.
pub(crate) async fn history(
    session: &Session,
    layout: &Layout,
    (table, key): (&Name, &Key),
    before: Option<Pos>,
    max: usize,
) -> Result<Vec<Position>, Failure> {
    let key = layout.table(table)?.log_key(key)?;
    let mut behind = match before {
        Some(pos) => first_write(session, (table, &key), pos).await?,
        None => i64::MAX,
    };
    let end = before.map_or(i64::MAX, |pos| signed(pos.0));
    let mut places: BTreeMap<Pos, Reference> = BTreeMap::new();
    let sql = "
        SELECT p.pos, c.id FROM swain.changes c JOIN swain.positions p ON p.tx = c.tx AND c.id BETWEEN p.first AND p.last
        WHERE c.tbl = $1 AND \"left\"(c.key, 500) = \"left\"($2, 500) AND c.key = $2 AND c.op NOT IN ('m', 's')
            AND c.id < $3 AND p.pos < $4
        ORDER BY c.id DESC LIMIT $5";
    // The oldest position that was found may have more writes than were looked at, until there is an older one.
    while places.len() <= max {
        let rows = session.query(sql, &[&table.as_str(), &key, &behind, &end, &limit(WRITES_AT_ONCE)]).await?;
        for row in &rows {
            let (pos, id): (Pos, i64) = (Pos(unsigned(row.get(0))), row.get(1));
            let place = places.entry(pos).or_insert_with(|| Reference { first: id, last: id, table: table.clone() });
            place.first = place.first.min(id);
            behind = id;
        }
        if rows.len() < WRITES_AT_ONCE {
            break;
        }
    }
    let newest = places.into_iter().rev().take(max);
    let places = newest.map(|(pos, reference)| (pos, vec![reference])).collect();
    let read = read_positions(session, layout, &places).await?;
    Ok(read.into_iter().rev().map(|(position, _)| position).collect())
}

/// The id of the first write of a row at a position; beyond all when it was not written there.
async fn first_write(session: &Session, (table, key): (&Name, &str), pos: Pos) -> Result<i64, Failure> {
    let sql = "
        SELECT min(c.id) FROM swain.positions p JOIN swain.changes c ON c.tx = p.tx AND c.id BETWEEN p.first AND p.last
        WHERE p.pos = $1 AND c.tbl = $2 AND \"left\"(c.key, 500) = \"left\"($3, 500) AND c.key = $3
            AND c.op NOT IN ('m', 's')";
    let row = session.query_one(sql, &[&signed(pos.0), &table.as_str(), &key]).await?;
    Ok(row.get::<_, Option<i64>>(0).unwrap_or(i64::MAX))
}
