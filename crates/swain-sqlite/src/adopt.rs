//! Taking over a schema: triggers, scopes, and the schema's own row with a position (spec S8).

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension as _, params};
use swain_core::strict_json::parse;
use swain_core::{Change, Key, Millis, Name, Row, RowKey, Schema, Value, Who};

use crate::adopted::Adopted;
use crate::database::Database;
use crate::failure::Failure;
use crate::integer::{signed, unsigned};
use crate::layout::Layout;
use crate::{capture, inbox, introspect, log, meta, pause};

const GENERATIONS: &str = "generations";

/// An adoption, to be used after the commit.
pub(crate) struct Adoption {
    /// The schema with its version.
    pub(crate) schema: Schema,
    pub(crate) layout: Layout,
    pub(crate) adopted: Adopted,
}

/// Adopts a schema inside a write transaction.
pub(crate) fn adopt(db: &mut Database, mut schema: Schema, now: Millis) -> Result<Adoption, Failure> {
    // What is waiting was captured under the old layout. Of tables that are no longer as they were, nobody knows it.
    db.sequence_outside(now)?;
    capture::forget(&db.conn)?;
    inbox::install(&db.conn, &schema)?;
    check_tables(db, &schema)?;
    let paused = pause::paused(&db.conn)?;
    count_generations(db, &mut schema, &paused)?;
    let layout = Layout::of(&schema)?;
    capture::install(&db.conn, &layout, &paused)?;
    for (table, column) in new_scopes(&db.layout, &layout) {
        log::index_scope(&db.conn, &table, &column)?;
    }
    meta::set(&db.conn, "layout", layout.to_value().canonical())?;

    let hash = schema.hash();
    let (version, stored_hash) = stored_version(db)?;
    if stored_hash.as_deref() == Some(&*hash) {
        schema.version = version;
    } else {
        schema.version = version + 1;
        write_version(db, &schema, &hash, now)?;
    }
    let adopted = db.adopted.after(&db.conn, &layout, &paused)?;
    Ok(Adoption { schema, layout, adopted })
}

/// Another generation for each table whose changes may not all have been noted (spec S14).
fn count_generations(db: &Database, schema: &mut Schema, paused: &BTreeSet<Name>) -> Result<(), Failure> {
    let stored: Option<String> = meta::get(&db.conn, GENERATIONS)?;
    let mut generations = match stored.and_then(|text| parse(&text).ok()) {
        Some(Value::Object(generations)) => generations,
        _ => BTreeMap::new(),
    };
    for (name, table) in &mut schema.tables {
        let known = generations.get(name.as_str()).and_then(Value::as_int).unwrap_or(0);
        let has_gap = db.adopted.has_gap(&db.conn, name, paused.contains(name))?;
        let generation = known + i64::from(has_gap);
        table.generation = unsigned(generation);
        if generation > 0 {
            generations.insert(name.into(), Value::Int(generation));
        }
    }
    meta::set(&db.conn, GENERATIONS, Value::Object(generations).canonical())
}

fn check_tables(db: &Database, schema: &Schema) -> Result<(), Failure> {
    let names: Vec<Name> = schema.tables.keys().cloned().collect();
    let present = introspect::introspect(&db.conn, Some(&names))?;
    for (name, table) in &schema.tables {
        let missing = table.columns.keys().find(|column| !present.tables[name].columns.contains_key(*column));
        if let Some(column) = missing {
            return Err(Failure::unusable(format!("table '{name}' has no column '{column}'")));
        }
        if table.key != present.tables[name].key {
            return Err(Failure::unusable(format!("the key of table '{name}' is its PRIMARY KEY and nothing else")));
        }
    }
    Ok(())
}

fn new_scopes(old: &Layout, new: &Layout) -> Vec<(Name, Name)> {
    let had = |table: &Name, column: &Name| {
        old.tables.get(table).is_some_and(|table| table.scope_columns().any(|scope| scope == column))
    };
    let scopes =
        new.tables.values().flat_map(|table| table.scope_columns().map(|column| (table.name.clone(), column.clone())));
    scopes.filter(|(table, column)| !had(table, column)).collect()
}

fn stored_version(db: &Database) -> Result<(u64, Option<String>), Failure> {
    let mut statement = db.conn.prepare("SELECT version, hash FROM swain_schema ORDER BY version DESC LIMIT 1")?;
    let stored = statement.query_row([], |row| Ok((unsigned(row.get(0)?), row.get(1)?))).optional()?;
    Ok(stored.map_or((0, None), |(version, hash)| (version, Some(hash))))
}

fn write_version(db: &mut Database, schema: &Schema, hash: &str, now: Millis) -> Result<(), Failure> {
    let version = signed(schema.version);
    db.conn.execute(
        "INSERT INTO swain_schema (version, hash, tables) VALUES (?1, ?2, ?3)",
        params![version, hash, schema.to_value().canonical()],
    )?;
    let row = RowKey { table: "swain_schema".into(), key: Key::of(version) };
    let after = Row::default().with("version", version).with("hash", Value::text(hash));
    db.append(&Who::Server, now, &[Change { row, before: None, after: Some(after), actor: None }])?;
    Ok(())
}
