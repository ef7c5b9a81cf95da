//! The tables that the suite works on.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::rule::{Expression, Operand};
use swain_core::{Column, ColumnType, Ids, Name, Reference, Schema, Table, Value};

/// The tables as SQLite makes them. Stores without SQL take [`schema`] and [`checks`].
pub const SQLITE_TABLES: &str = "
    CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE notes (
        id TEXT PRIMARY KEY NOT NULL,
        owner INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED,
        title TEXT NOT NULL,
        slug TEXT UNIQUE,
        state TEXT NOT NULL CONSTRAINT known_state CHECK (state IN ('open', 'done')),
        score INTEGER,
        ratio REAL,
        done BOOLEAN,
        tags JSON,
        photo BLOB,
        due DATE);
";

/// The same tables, with `owner` as the scope of notes.
pub fn schema() -> Schema {
    let mut owners = table("owners", &[("id", ColumnType::Int64, false), ("name", ColumnType::Text, false)], &[]);
    let mut notes = table(
        "notes",
        &[
            ("id", ColumnType::Text, false),
            ("owner", ColumnType::Int64, true),
            ("title", ColumnType::Text, false),
            ("slug", ColumnType::Text, true),
            ("state", ColumnType::Text, false),
            ("score", ColumnType::Int64, true),
            ("ratio", ColumnType::Float64, true),
            ("done", ColumnType::Bool, true),
            ("tags", ColumnType::Json, true),
            ("photo", ColumnType::Bytes, true),
            ("due", ColumnType::Time, true),
        ],
        &["owner"],
    );
    owners.ids = Ids::Server;
    notes.references = vec![Reference { columns: vec!["owner".into()], table: "owners".into() }];
    notes.uniques = vec![vec!["slug".into()]];
    Schema { version: 0, tables: BTreeMap::from([("owners".into(), owners), ("notes".into(), notes)]) }
}

/// The checks that the SQL text holds, by table, with their names.
pub fn checks() -> BTreeMap<Name, Vec<(String, Expression)>> {
    let state = Operand::Column("state".into());
    let known = Expression::In(state, vec![Value::text("open"), Value::text("done")]);
    BTreeMap::from([("notes".into(), vec![("known_state".into(), known)])])
}

fn table(name: &str, columns: &[(&str, ColumnType, bool)], scopes: &[&str]) -> Table {
    let columns = columns.iter().map(|(name, kind, nullable)| {
        let column = Column {
            kind: *kind,
            nullable: *nullable,
            // SQLite draws an INTEGER PRIMARY KEY that is left out.
            has_default: *kind == ColumnType::Int64 && *name == "id",
            generated: false,
        };
        (Name::from(*name), column)
    });
    let mut table = Table::new(name.into(), columns.collect(), vec!["id".into()]);
    table.scopes = scopes.iter().map(|name| Name::from(*name)).collect::<BTreeSet<_>>();
    table
}
