//! Swain's own tables and functions, and the few values that are kept by name.

use crate::capture;
use crate::connection::Session;
use crate::failure::Failure;

/// The layout of Swain's tables. A database with a newer one is refused.
const FORMAT: i64 = 1;

/// Two nodes that start at once make the tables one after the other.
const MIGRATION_LOCK: i64 = 7_743_231;

const TABLES: &str = include_str!("sql/tables.sql");
const FUNCTIONS: &[&str] = &[include_str!("sql/keys.sql"), include_str!("sql/sequence.sql")];

/// The first state: nothing was seen yet, so that the first pass sees everything.
const STATE: &str = "
    INSERT INTO swain.state (epoch, system, snapshot, head, floor)
    SELECT replace(gen_random_uuid()::text, '-', ''), system_identifier, '1:1:', 0, 0 FROM pg_control_system();";

fn functions() -> String {
    format!("{}\n{}", capture::functions_sql(), FUNCTIONS.join("\n"))
}

/// All of it as one script.
fn migration() -> String {
    format!("CREATE SCHEMA swain;\n{}", migration_inside())
}

/// The same in a schema that is there.
pub(crate) fn migration_inside() -> String {
    format!("{TABLES}\n{}\n{STATE}\n{}\n", functions(), format_sql())
}

/// Makes or checks Swain's tables, inside a transaction.
pub(crate) async fn migrate(session: &Session) -> Result<(), Failure> {
    check_server(session).await?;
    session.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    let is_there: bool = session.query_one("SELECT to_regclass('swain.meta') IS NOT NULL", &[]).await?.get(0);
    if !is_there {
        return session.batch(&migration()).await;
    }
    match get(session, "format").await?.and_then(|format| format.parse::<i64>().ok()) {
        Some(FORMAT) => {
            add_columns(session).await?;
            upgrade_functions(session).await
        }
        Some(format) => Err(Failure::unusable(format!(
            "the database has format {format} of Swain's tables, this program knows {FORMAT}: use a newer program"
        ))),
        None => Err(Failure::unusable("the schema 'swain' of this database was not made by Swain")),
    }
}

async fn check_server(session: &Session) -> Result<(), Failure> {
    let row = session
        .query_one(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), pg_is_in_recovery()",
            &[],
        )
        .await?;
    let (version, encoding, is_standby): (i32, String, bool) = (row.get(0), row.get(1), row.get(2));
    if version < 150_000 {
        return Err(Failure::unusable(format!("PostgreSQL {} is too old: 15 is needed", version / 10_000)));
    }
    if encoding != "UTF8" {
        return Err(Failure::unusable(format!("the database is encoded in {encoding}; UTF8 is needed")));
    }
    if is_standby {
        return Err(Failure::unusable("this server is a standby; Swain needs the primary"));
    }
    Ok(())
}

/// Columns that came later, by table.
const ADDED_COLUMNS: [(&str, &str, &str); 3] = [
    ("swain.persons", "verified", "boolean NOT NULL DEFAULT false"),
    ("swain.refresh", "begun", "bigint NOT NULL DEFAULT 0"),
    ("swain.refresh", "agent", "text NOT NULL DEFAULT ''"),
];

/// Each is looked for first: whoever runs Swain need not own its tables.
async fn add_columns(session: &Session) -> Result<(), Failure> {
    let there = "SELECT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = $2 AND NOT attisdropped)";
    for (table, column, kind) in ADDED_COLUMNS {
        if !session.query_one(there, &[&table, &column]).await?.get::<_, bool>(0) {
            session.batch(&format!("ALTER TABLE {table} ADD COLUMN {column} {kind}")).await?;
        }
    }
    Ok(())
}

/// Functions have no state: those of this program replace those of an older one.
async fn upgrade_functions(session: &Session) -> Result<(), Failure> {
    let functions = functions();
    let hash = swain_core::hash_text(&functions);
    if get(session, "functions").await?.as_deref() == Some(&*hash) {
        return Ok(());
    }
    session.batch(&functions).await?;
    set(session, "functions", &hash).await
}

fn format_sql() -> String {
    let hash = swain_core::hash_text(&functions());
    format!("INSERT INTO swain.meta (name, value) VALUES ('format', '{FORMAT}'), ('functions', '{hash}');")
}

pub(crate) async fn get(session: &Session, name: &str) -> Result<Option<String>, Failure> {
    let row = session.query_opt("SELECT value FROM swain.meta WHERE name = $1", &[&name]).await?;
    Ok(row.map(|row| row.get(0)))
}

pub(crate) async fn set(session: &Session, name: &str, value: &str) -> Result<(), Failure> {
    let sql =
        "INSERT INTO swain.meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    session.execute(sql, &[&name, &value]).await.map(drop)
}
