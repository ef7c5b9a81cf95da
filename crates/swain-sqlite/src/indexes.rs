//! The indexes that an application has on a table.

use rusqlite::Connection;
use swain_core::Name;
use swain_store::StoreError;

use crate::failure::Failure;
use crate::store::SqliteStore;

/// An index over whole columns and all rows; the key is one, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its columns, in order.
    pub columns: Vec<Name>,
    /// No two rows have the same values.
    pub unique: bool,
}

impl SqliteStore {
    /// The indexes of a table. Those over a part of the rows or over expressions are left out: they serve other queries.
    pub async fn indexes(&self, table: Name) -> Result<Vec<Index>, StoreError> {
        self.read_connection(move |conn| indexes(conn, &table)).await
    }
}

fn indexes(conn: &Connection, table: &str) -> Result<Vec<Index>, Failure> {
    let mut statement =
        conn.prepare("SELECT name, \"unique\" FROM pragma_index_list(?1) WHERE NOT partial ORDER BY seq")?;
    let named = statement.query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let named: Vec<(String, bool)> = named.collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    let mut statement = conn.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
    for (name, unique) in named {
        // An expression has no name.
        let columns = statement.query_map([&name], |row| row.get::<_, Option<String>>(0))?;
        let columns: Option<Vec<String>> = columns.collect::<Result<_, _>>()?;
        if let Some(columns) = columns {
            found.push(Index { columns: columns.iter().map(|column| Name::from(column.as_str())).collect(), unique });
        }
    }
    Ok(found)
}
