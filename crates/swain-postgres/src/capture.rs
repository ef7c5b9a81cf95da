//! The triggers: on each synced table, put there and taken away again.

use std::collections::BTreeSet;

use swain_core::Name;

use crate::connection::Session;
use crate::failure::Failure;
use crate::introspect::{introspect, schema as schema_of};
use crate::layout::{Layout, TableLayout, literal};
use crate::meta;
use crate::wire::Taste;

/// Triggers go by name, and ours have to see a row before the application's own write it again.
const ROW_TRIGGER: &str = "!swain_row";
const TRUNCATE_TRIGGER: &str = "!swain_truncate";

const FUNCTIONS: &str = include_str!("sql/capture.sql");

/// The trigger's function that pins how every value is written down.
const PINNED: &str = "capture";

/// How long the application's writers may be held up by the installing of a trigger.
pub(crate) const INSTALL_LOCK_MS_MAX: u32 = 2_000;

/// The tables with our triggers: each relation, what it is, and whether the triggers are as they should be.
const INSTALLED: &str = "
    SELECT c.oid::regclass::text, c.relkind = 'p', t.tgname::text, t.tgargs, t.tgenabled = 'A', f.proname::text
    FROM pg_partition_tree($1::text::regclass) p
    JOIN pg_class c ON c.oid = p.relid
    LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname IN ('!swain_row', '!swain_truncate')
    LEFT JOIN pg_proc f ON f.oid = t.tgfoid
    UNION ALL
    SELECT c.oid::regclass::text, false, t.tgname::text, t.tgargs, t.tgenabled = 'A', f.proname::text
    FROM pg_class c
    LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname IN ('!swain_row', '!swain_truncate')
    LEFT JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE c.oid = $1::text::regclass AND c.relkind = 'r'";

/// Relations that have our triggers.
const CAPTURED: &str = "
    SELECT c.oid::regclass::text, t.tgname::text, c.relispartition
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgname IN ('!swain_row', '!swain_truncate') AND (t.tgparentid = 0)";

/// The function for tables whose values need so much to be pinned. Each setting that a function pins is set and put back
/// in every call, and some are then compared with what the writer's client was told.
pub(crate) fn function(taste: Taste) -> &'static str {
    match taste {
        Taste::Nothing => "capture_plain",
        Taste::Zone => "capture_zoned",
        Taste::Everything => PINNED,
    }
}

/// All of them: one text, with fewer settings.
pub(crate) fn functions_sql() -> String {
    let with = |taste: Taste, kept: &[&str]| {
        let is_kept = |line: &&str| !line.starts_with("set ") || kept.iter().any(|name| line[4..].starts_with(name));
        let lines: Vec<&str> = FUNCTIONS.lines().filter(is_kept).collect();
        lines.join("\n").replace("swain.capture()", &format!("swain.{}()", function(taste)))
    };
    [FUNCTIONS.to_owned(), with(Taste::Nothing, &["search_path"]), with(Taste::Zone, &["search_path", "timezone"])]
        .join("\n")
}

/// Puts the triggers on these tables and takes them from all others. What is right already is not touched, because
/// touching it waits for every open transaction that wrote to the table. A paused table is one of the others.
pub(crate) async fn install(session: &Session, layout: &Layout, paused: &BTreeSet<Name>) -> Result<(), Failure> {
    let mut wanted = BTreeSet::new();
    for table in layout.tables.values().filter(|table| !paused.contains(&table.name)) {
        for found in relations(session, table).await? {
            for sql in found.missing(table) {
                session.batch(&sql).await?;
            }
            wanted.insert(found.relation);
        }
    }
    for row in session.query(CAPTURED, &[]).await? {
        let (relation, trigger): (String, String) = (row.get(0), row.get(1));
        if !wanted.contains(&relation) {
            session.batch(&format!("DROP TRIGGER \"{trigger}\" ON {relation}")).await?;
        }
    }
    Ok(())
}

/// Takes the triggers from one table.
pub(crate) async fn remove(session: &Session, table: &TableLayout) -> Result<(), Failure> {
    let own: BTreeSet<String> = relations(session, table).await?.into_iter().map(|found| found.relation).collect();
    for row in session.query(CAPTURED, &[]).await? {
        let (relation, trigger): (String, String) = (row.get(0), row.get(1));
        if own.contains(&relation) {
            session.batch(&format!("DROP TRIGGER \"{trigger}\" ON {relation}")).await?;
        }
    }
    Ok(())
}

/// A table, or a part of a partitioned one.
struct Relation {
    relation: String,
    is_partitioned: bool,
    is_root: bool,
    row_trigger: Option<Found>,
    truncate_trigger: Option<Found>,
}

#[derive(Clone, Debug, PartialEq)]
struct Found {
    function: String,
    arguments: Vec<u8>,
    is_always: bool,
}

async fn relations(session: &Session, table: &TableLayout) -> Result<Vec<Relation>, Failure> {
    let mut relations: Vec<Relation> = Vec::new();
    for row in session.query(INSTALLED, &[&table.sql_name]).await? {
        let relation: String = row.get(0);
        if !relations.iter().any(|found| found.relation == relation) {
            relations.push(Relation {
                relation: relation.clone(),
                is_partitioned: row.get(1),
                is_root: relations.is_empty(),
                row_trigger: None,
                truncate_trigger: None,
            });
        }
        let Some(place) = relations.iter_mut().find(|found| found.relation == relation) else { continue };
        if let Some(name) = row.get::<_, Option<String>>(2) {
            let found = Found { function: row.get(5), arguments: row.get(3), is_always: row.get(4) };
            match name.as_str() {
                ROW_TRIGGER => place.row_trigger = Some(found),
                _ => place.truncate_trigger = Some(found),
            }
        }
    }
    Ok(relations)
}

impl Relation {
    /// What makes its triggers right.
    fn missing(&self, table: &TableLayout) -> Vec<String> {
        let arguments = argument_bytes(table);
        let is_right = |found: &Option<Found>, functions: &[&str]| {
            let found = found.as_ref();
            found.is_some_and(|found| functions.contains(&&*found.function) && found.arguments == arguments)
        };
        let is_always = |found: &Option<Found>| found.as_ref().is_some_and(|found| found.is_always);
        // One that pins more than it needs is not worth waiting for the table, nor for the table's owner.
        let is_row_right = is_right(&self.row_trigger, &[table.capture_function(), PINNED]);
        let mut sql = Vec::new();
        // The root's row trigger is copied to every partition, also to one that is made later.
        if self.is_root && !is_row_right {
            sql.push(row_trigger_sql(&self.relation, table));
        }
        if !is_row_right || !is_always(&self.row_trigger) {
            sql.push(always_sql(&self.relation, ROW_TRIGGER));
        }
        // TRUNCATE of the whole fires the triggers of the parts; one on the whole would note every row twice.
        let is_truncate_right =
            is_right(&self.truncate_trigger, &["capture_truncate"]) && is_always(&self.truncate_trigger);
        if !self.is_partitioned && !is_truncate_right {
            sql.push(truncate_trigger_sql(&self.relation, table));
            sql.push(always_sql(&self.relation, TRUNCATE_TRIGGER));
        }
        sql
    }
}

fn row_trigger_sql(relation: &str, table: &TableLayout) -> String {
    format!(
        "CREATE OR REPLACE TRIGGER \"{ROW_TRIGGER}\" AFTER INSERT OR UPDATE OR DELETE ON {relation}
         FOR EACH ROW EXECUTE FUNCTION swain.{}({})",
        table.capture_function(),
        arguments(table).map(|argument| literal(&argument)).collect::<Vec<_>>().join(", ")
    )
}

fn truncate_trigger_sql(relation: &str, table: &TableLayout) -> String {
    format!(
        "CREATE OR REPLACE TRIGGER \"{TRUNCATE_TRIGGER}\" BEFORE TRUNCATE ON {relation}
         FOR EACH STATEMENT EXECUTE FUNCTION swain.capture_truncate({})",
        arguments(table).map(|argument| literal(&argument)).collect::<Vec<_>>().join(", ")
    )
}

/// Otherwise a session with `session_replication_role = replica` would write unseen.
fn always_sql(relation: &str, trigger: &str) -> String {
    format!("ALTER TABLE {relation} ENABLE ALWAYS TRIGGER \"{trigger}\"")
}

/// The table's name, the number of key columns, the key columns, the scope columns.
fn arguments(table: &TableLayout) -> impl Iterator<Item = String> {
    let columns = table.key.iter().chain(&table.scopes).map(|name| name.to_string());
    [table.name.to_string(), table.key.len().to_string()].into_iter().chain(columns)
}

fn argument_bytes(table: &TableLayout) -> Vec<u8> {
    arguments(table).flat_map(|argument| argument.into_bytes().into_iter().chain([0])).collect()
}

/// What a database administrator runs where this session's role may not: schema and functions, which will belong to the
/// role, and the triggers of these tables.
pub(crate) async fn sql_to_attach(session: &Session, tables: &[Name]) -> Result<String, Failure> {
    let (described, rules) = introspect(session, Some(tables)).await?;
    let layout = Layout::of(&schema_of(&described), &described, rules)?;
    let row = session.query_one("SELECT quote_ident(current_user), to_regclass('swain.meta') IS NOT NULL", &[]).await?;
    let (role, is_there): (String, bool) = (row.get(0), row.get(1));
    let mut sql = String::from("BEGIN;\n");
    if !is_there {
        sql.push_str(&format!("CREATE SCHEMA swain AUTHORIZATION {role};\nSET LOCAL ROLE {role};\n"));
        sql.push_str(&meta::migration_inside());
        sql.push_str("RESET ROLE;\n");
    }
    for table in layout.tables.values() {
        for found in relations(session, table).await? {
            for statement in found.missing(table) {
                sql.push_str(&statement);
                sql.push_str(";\n");
            }
        }
    }
    sql.push_str("COMMIT;\n");
    Ok(sql)
}

/// Takes the triggers and everything of Swain's away; the application's tables stay as they are.
pub(crate) async fn detach(session: &Session) -> Result<(), Failure> {
    for row in session.query(CAPTURED, &[]).await? {
        let (relation, trigger): (String, String) = (row.get(0), row.get(1));
        session.batch(&format!("DROP TRIGGER \"{trigger}\" ON {relation}")).await?;
    }
    session.batch("DROP SCHEMA IF EXISTS swain CASCADE").await
}
