//! The triggers that note which rows may have changed, and what they were (spec S3).
//!
//! They only note; the writer reads the rows when it gives the position. So it does not matter in which order triggers
//! run, or what the application's own do. What they note, per record of `swain_capture`:
//!
//! | kind | noted | by |
//! | --- | --- | --- |
//! | `u` | the row as it was | BEFORE UPDATE |
//! | `d` | the row as it was | BEFORE DELETE |
//! | `p` | a row that holds the new row's key or unique values: REPLACE would delete it without firing DELETE | BEFORE INSERT, UPDATE |
//! | `i` | a key that comes | BEFORE INSERT, BEFORE UPDATE of the key |
//! | `g` | a key that goes | BEFORE UPDATE of the key |
//! | `a` | what a program calls itself (spec S13); null: no longer | a row of `swain_actor` that comes or goes |
//!
//! Each record also has the connection's count of changes: it never falls within a connection, so where it falls,
//! another program has written.
//!
//! All is noted BEFORE: an application's AFTER trigger may run before ours and write the row again, or fail under OR FAIL,
//! which keeps the row and stops all other triggers. Only a rowid that SQLite draws is not known before, and is noted AFTER.
//! Values are kept as SQL values without affinity: a BLOB in JSON would make the application's write fail.
//! Only what SQLite 3.38 has is used, because any program may open the file.

mod unique;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use swain_core::Name;

use crate::failure::Failure;
use crate::integer::limit;
use crate::layout::{Layout, TableLayout, literal, quote};
use unique::{Uniques, uniques};

/// Where a program writes what it calls itself.
pub(crate) const ACTORS: &str = "swain_actor";

/// Makes the triggers of these tables, but for those that are paused, and no others, be there. Inside a write transaction,
/// with nothing captured.
pub(crate) fn install(conn: &Connection, layout: &Layout, paused: &BTreeSet<Name>) -> Result<(), Failure> {
    widen(conn, layout.width().max(1))?;
    let mut wanted = BTreeMap::from(actor_triggers());
    for table in layout.tables.values().filter(|table| !paused.contains(&table.name)) {
        let uniques = uniques(conn, table)?;
        wanted.extend(triggers(table, &uniques));
    }
    for (name, sql) in installed(conn)? {
        if wanted.get(&name) == Some(&sql) {
            wanted.remove(&name);
        } else {
            conn.execute_batch(&format!("DROP TRIGGER {}", quote(&name)))?;
        }
    }
    for sql in wanted.values() {
        conn.execute_batch(sql)?;
    }
    Ok(())
}

/// Takes away the triggers of one table.
pub(crate) fn remove(conn: &Connection, table: &str) -> Result<(), Failure> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE AND name GLOB 'swain_*'";
    let names: Vec<String> = conn.prepare(sql)?.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        conn.execute_batch(&format!("DROP TRIGGER {}", quote(&name)))?;
    }
    Ok(())
}

/// Forgets what was noted and has no position.
pub(crate) fn forget(conn: &Connection) -> Result<(), Failure> {
    conn.execute("DELETE FROM swain_capture", [])?;
    Ok(())
}

/// True when an application's trigger is younger than one of ours on its table.
pub(crate) fn is_overtaken(conn: &Connection) -> Result<bool, Failure> {
    Ok(installed(conn)?.iter().any(|(_, sql)| sql.is_empty()))
}

fn widen(conn: &Connection, width: usize) -> Result<(), Failure> {
    let mut statement =
        conn.prepare("SELECT count(*) FROM pragma_table_info('swain_capture') WHERE name GLOB 'c[0-9]*'")?;
    let present: i64 = statement.query_row([], |row| row.get(0))?;
    for place in present..limit(width) {
        conn.execute_batch(&format!("ALTER TABLE swain_capture ADD COLUMN c{place}"))?;
    }
    Ok(())
}

/// Those that shall stay. One that an application's trigger has overtaken goes: SQLite runs the youngest first, which it
/// does not promise, so that nothing rests on it but the last of the cases above.
fn installed(conn: &Connection) -> Result<Vec<(String, String)>, Failure> {
    let sql = "SELECT name, CASE WHEN EXISTS (
                 SELECT 1 FROM sqlite_schema o WHERE o.type = 'trigger' AND o.tbl_name = s.tbl_name
                 AND o.name NOT GLOB 'swain_*' AND o.rowid > s.rowid) THEN '' ELSE sql END
               FROM sqlite_schema s WHERE type = 'trigger' AND name GLOB 'swain_*'";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn triggers(table: &TableLayout, uniques: &Uniques) -> Vec<(String, String)> {
    let insert_probes = uniques.all.iter().map(|unique| probe(table, &unique.holds_new()));
    let insert = insert_probes.chain([note_key(table, 'i', "NEW", None)]);
    let update_probes = uniques.all.iter().map(|unique| probe(table, &unique.newly_holds_new()));
    let key_changes = key_changes(table);
    let key_notes = [('g', "OLD"), ('i', "NEW")].map(|(kind, of)| note_key(table, kind, of, Some(&key_changes)));
    let update = [note_row(table, 'u')].into_iter().chain(update_probes).chain(key_notes);
    let mut triggers = vec![
        trigger(table, "before_insert", "BEFORE INSERT", insert.collect()),
        trigger(table, "before_update", "BEFORE UPDATE", update.collect()),
        trigger(table, "before_delete", "BEFORE DELETE", vec![note_row(table, 'd')]),
    ];
    if uniques.key_is_rowid {
        triggers.push(trigger(table, "after_insert", "AFTER INSERT", vec![note_key(table, 'i', "NEW", None)]));
    }
    triggers
}

/// A name holds for what is noted behind it, until it is taken back or another one is given.
fn actor_triggers() -> [(String, String); 2] {
    let trigger = |name: &str, event: &str, actor: &str| {
        let (into, quoted) = (into_capture(1), quote(name));
        let note = format!("{into} VALUES ('{ACTORS}', 'a', total_changes(), {actor})");
        (name.to_owned(), format!("CREATE TRIGGER {quoted} AFTER {event} ON {ACTORS} BEGIN {note}; END"))
    };
    [trigger("swain_actor_comes", "INSERT", "NEW.actor"), trigger("swain_actor_goes", "DELETE", "NULL")]
}

fn trigger(table: &TableLayout, suffix: &str, event: &str, body: Vec<String>) -> (String, String) {
    let name = format!("swain_{}_{suffix}", table.name);
    let (quoted, on) = (quote(&name), quote(&table.name));
    let body = body.join("; ");
    let sql = format!("CREATE TRIGGER {quoted} {event} ON {on} BEGIN {body}; END");
    (name, sql)
}

fn note_row(table: &TableLayout, kind: char) -> String {
    let values: Vec<_> = table.columns.iter().map(|(name, _)| format!("OLD.{}", quote(name))).collect();
    format!(
        "{} VALUES ({}, '{kind}', total_changes(), {})",
        into_capture(values.len()),
        literal(&table.name),
        values.join(", ")
    )
}

fn note_key(table: &TableLayout, kind: char, of: &str, only_if: Option<&str>) -> String {
    let values: Vec<_> = table.key_columns().map(|(name, _)| format!("{of}.{}", quote(name))).collect();
    let only_if = only_if.map_or(String::new(), |condition| format!(" WHERE {condition}"));
    let (into, name) = (into_capture(values.len()), literal(&table.name));
    format!("{into} SELECT {name}, '{kind}', total_changes(), {}{only_if}", values.join(", "))
}

fn probe(table: &TableLayout, condition: &str) -> String {
    let (into, name, from) = (into_capture(table.columns.len()), literal(&table.name), quote(&table.name));
    format!("{into} SELECT {name}, 'p', total_changes(), {} FROM {from} WHERE {condition}", table.column_list)
}

fn into_capture(width: usize) -> String {
    let columns: String = (0..width).map(|place| format!(", c{place}")).collect();
    format!("INSERT INTO swain_capture (tbl, kind, total{columns})")
}

fn key_changes(table: &TableLayout) -> String {
    let parts: Vec<_> = table.key_columns().map(|(name, _)| changes(&quote(name))).collect();
    parts.join(" OR ")
}

/// By bytes: a key that changes only its case is another key for Swain.
fn changes(column: &str) -> String {
    format!("NEW.{column} IS NOT OLD.{column} COLLATE BINARY")
}
