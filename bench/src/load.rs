//! The rows that are written: five columns, about 150 bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use swain_core::{Key, Millis, Mutation, MutationNumber, Name, Operation, Pos, Row, RowKey};

pub(crate) const TABLE: &str = "items";

pub(crate) const TABLE_SQL: &str = "CREATE TABLE items (id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, \
    state TEXT NOT NULL, score INTEGER NOT NULL, note TEXT NOT NULL)";

pub(crate) const INSERT_SQL: &str = "INSERT INTO items (id, title, state, score, note) VALUES (?1, ?2, ?3, ?4, ?5)";

pub(crate) const TITLE: &str = "Tuesday evening, court four, doubles";
pub(crate) const STATE: &str = "open";
pub(crate) const NOTE: &str = "Bring the new balls; whoever comes first takes the key from the box at the gate.";

/// The n-th mutation of a device: one new row.
pub(crate) fn mutation(device: &str, schema: u64, n: u64) -> Mutation {
    mutation_in(device, schema, n, STATE)
}

/// The same in a state of its own.
pub(crate) fn mutation_in(device: &str, schema: u64, n: u64, state: &str) -> Mutation {
    let row = RowKey { table: Name::from(TABLE), key: Key::of(format!("{device}-{n}").as_str()) };
    let set = Row::default().with("title", TITLE).with("state", state).with("score", 15).with("note", NOTE);
    let operations = vec![Operation::Insert { row, set }];
    Mutation { n: MutationNumber(n), base: Pos(0), at: now(), schema, operations }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
