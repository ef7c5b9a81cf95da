//! What keys stand for that devices proposed (spec S18).

use std::collections::BTreeMap;

use swain_core::strict_json::parse;
use swain_core::{Alias, DeviceId, Key, MutationNumber, Pos, RowKey, Value};

use crate::connection::Session;
use crate::failure::Failure;
use crate::log::{signed, unsigned};

/// What a key of a device stands for.
pub(crate) async fn find(session: &Session, device: &DeviceId, proposed: &RowKey) -> Result<Option<Key>, Failure> {
    let sql = "SELECT key FROM swain.aliases WHERE device = $1 AND tbl = $2 AND proposed = $3";
    let RowKey { table, key } = proposed;
    let found = session.query_opt(sql, &[&device.as_str(), &table.as_str(), &key.canonical()]).await?;
    found.map(|row| read_key(row.get(0))).transpose()
}

/// Keeps it, in place of what the key stood for before.
pub(crate) async fn put(session: &Session, device: &DeviceId, alias: &Alias) -> Result<(), Failure> {
    let sql = "
        INSERT INTO swain.aliases (device, tbl, proposed, key, n) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (device, tbl, proposed) DO UPDATE SET key = excluded.key, n = excluded.n";
    let Alias { n, table, from, to } = alias;
    let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&device.as_str(), &table.as_str(), &from.canonical(), &to.canonical(), &signed(n.0)];
    session.execute(sql, parameters).await.map(drop)
}

/// Those of the mutations at these positions.
pub(crate) async fn of_positions(session: &Session, positions: &[i64]) -> Result<BTreeMap<Pos, Vec<Alias>>, Failure> {
    let sql = "
        SELECT a.n, a.tbl, a.proposed, a.key, p.pos
        FROM swain.positions p JOIN swain.aliases a ON a.device = p.device AND a.n = p.n
        WHERE p.pos = ANY ($1) ORDER BY a.tbl, a.proposed";
    let mut aliases: BTreeMap<Pos, Vec<Alias>> = BTreeMap::new();
    for row in session.query(sql, &[&positions]).await? {
        aliases.entry(Pos(unsigned(row.get(4)))).or_default().push(read(&row)?);
    }
    Ok(aliases)
}

/// Those of all mutations of a device behind one, in their order.
pub(crate) async fn after(session: &Session, device: &DeviceId, after: MutationNumber) -> Result<Vec<Alias>, Failure> {
    let sql = "
        SELECT n, tbl, proposed, key FROM swain.aliases WHERE device = $1 AND n > $2 ORDER BY n, tbl, proposed";
    session.query(sql, &[&device.as_str(), &signed(after.0)]).await?.iter().map(read).collect()
}

fn read(row: &tokio_postgres::Row) -> Result<Alias, Failure> {
    Ok(Alias {
        n: MutationNumber(unsigned(row.get(0))),
        table: row.get::<_, &str>(1).into(),
        from: read_key(row.get(2))?,
        to: read_key(row.get(3))?,
    })
}

fn read_key(text: &str) -> Result<Key, Failure> {
    match parse(text) {
        Ok(Value::List(values)) => Ok(Key(values)),
        _ => Err(Failure::internal("a key among the aliases cannot be read")),
    }
}
