//! What keys stand for that devices proposed (spec S18).

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use swain_core::strict_json::parse;
use swain_core::{Alias, DeviceId, Key, MutationNumber, RowKey, Value};

use crate::failure::Failure;
use crate::integer::{signed, unsigned};

/// What a key of a device stands for.
pub(crate) fn find(conn: &Connection, device: &DeviceId, proposed: &RowKey) -> Result<Option<Key>, Failure> {
    let mut statement =
        conn.prepare_cached("SELECT key FROM swain_aliases WHERE device = ?1 AND tbl = ?2 AND proposed = ?3")?;
    let wanted = params![device.as_str(), proposed.table.as_str(), proposed.key.canonical()];
    let found: Option<String> = statement.query_row(wanted, |row| row.get(0)).optional()?;
    found.map(|text| read_key(&text)).transpose()
}

/// Keeps it, in place of what the key stood for before.
pub(crate) fn put(conn: &Connection, device: &DeviceId, alias: &Alias) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT OR REPLACE INTO swain_aliases (device, tbl, proposed, key, n) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let Alias { n, table, from, to } = alias;
    statement.execute(params![device.as_str(), table.as_str(), from.canonical(), to.canonical(), signed(n.0)])?;
    Ok(())
}

/// Those of one mutation.
pub(crate) fn of_mutation(conn: &Connection, device: &DeviceId, n: MutationNumber) -> Result<Vec<Alias>, Failure> {
    let sql = "SELECT n, tbl, proposed, key FROM swain_aliases WHERE device = ?1 AND n = ?2 ORDER BY tbl, proposed";
    read(&mut conn.prepare_cached(sql)?, params![device.as_str(), signed(n.0)])
}

/// Those of all mutations of a device behind one, in their order.
pub(crate) fn after(conn: &Connection, device: &DeviceId, after: MutationNumber) -> Result<Vec<Alias>, Failure> {
    let sql = "SELECT n, tbl, proposed, key FROM swain_aliases WHERE device = ?1 AND n > ?2 ORDER BY n, tbl, proposed";
    read(&mut conn.prepare_cached(sql)?, params![device.as_str(), signed(after.0)])
}

fn read(statement: &mut CachedStatement<'_>, wanted: impl rusqlite::Params) -> Result<Vec<Alias>, Failure> {
    let mut rows = statement.query(wanted)?;
    let mut aliases = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |place| Ok::<_, Failure>(row.get_ref(place)?.as_str().map_err(rusqlite::Error::from)?);
        aliases.push(Alias {
            n: MutationNumber(unsigned(row.get(0)?)),
            table: text(1)?.into(),
            from: read_key(text(2)?)?,
            to: read_key(text(3)?)?,
        });
    }
    Ok(aliases)
}

fn read_key(text: &str) -> Result<Key, Failure> {
    match parse(text) {
        Ok(Value::List(values)) => Ok(Key(values)),
        _ => Err(Failure::internal("a key among the aliases cannot be read")),
    }
}
