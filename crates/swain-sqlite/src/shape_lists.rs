//! Lists of shapes (spec P20).

use rusqlite::{Connection, OptionalExtension as _, params};
use swain_core::Millis;
use swain_store::{SHAPE_LIST_USE_MS, ShapeLists, StoreError};

use crate::failure::Failure;
use crate::integer::{limit, signed, unsigned};
use crate::store::SqliteStore;

/// Came after the first databases were made, so it is made where it is missing.
pub(crate) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS swain_shapes (
        hash TEXT PRIMARY KEY, list TEXT NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS swain_shapes_used ON swain_shapes (used);";

impl ShapeLists for SqliteStore {
    async fn keep_shapes(&self, hash: String, list: String, now: Millis, lists_max: usize) -> Result<(), StoreError> {
        let found = self.kept_shapes(hash.clone(), now).await?;
        if found.is_some() {
            return Ok(());
        }
        self.write(move |writer| writer.transaction(|db| keep(&db.conn, &hash, &list, now, lists_max))).await
    }

    async fn kept_shapes(&self, hash: String, now: Millis) -> Result<Option<String>, StoreError> {
        let key = hash.clone();
        let Some((list, used)) = self.read_connection(move |conn| find(conn, &key)).await? else {
            return Ok(None);
        };
        if now.since(used).0 > SHAPE_LIST_USE_MS {
            let sql = "UPDATE swain_shapes SET used = max(used, ?2) WHERE hash = ?1";
            let write = move |conn: &Connection| Ok(conn.execute(sql, params![hash, signed(now.0)]).map(drop)?);
            self.write(move |writer| writer.transaction(|db| write(&db.conn))).await?;
        }
        Ok(Some(list))
    }
}

fn keep(conn: &Connection, hash: &str, list: &str, now: Millis, lists_max: usize) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO swain_shapes (hash, list, used) VALUES (?1, ?2, ?3)
         ON CONFLICT (hash) DO UPDATE SET used = max(used, excluded.used)",
    )?;
    statement.execute(params![hash, list, signed(now.0)])?;
    let mut statement = conn.prepare_cached(
        "DELETE FROM swain_shapes WHERE hash IN (SELECT hash FROM swain_shapes ORDER BY used LIMIT
            max(0, (SELECT count(*) FROM swain_shapes) - ?1))",
    )?;
    statement.execute([limit(lists_max)])?;
    Ok(())
}

fn find(conn: &Connection, hash: &str) -> Result<Option<(String, Millis)>, Failure> {
    let mut statement = conn.prepare_cached("SELECT list, used FROM swain_shapes WHERE hash = ?1")?;
    let found = statement.query_row([hash], |row| Ok((row.get(0)?, Millis(unsigned(row.get(1)?)))));
    Ok(found.optional()?)
}
