//! Taking over a schema: triggers, scopes, and the schema's own row with a position (spec S8).

use std::time::Duration;

use swain_core::{Millis, Name, Schema, Value};
use tokio::time::sleep;

use crate::adopted::{count_generations, note, sign, stored};
use crate::capture;
use crate::connection::Session;
use crate::failure::Failure;
use crate::inbox;
use crate::introspect::introspect;
use crate::layout::{Layout, SCHEMA_TABLE};
use crate::log::{signed, unsigned};
use crate::meta;
use crate::pause::paused;
use crate::writer::Shared;

/// Two nodes adopt one after the other.
pub(crate) const ADOPTION_LOCK: i64 = 7_743_233;

/// A trigger waits for the transactions that have written to its table; it gives way and tries again so often.
const INSTALL_ATTEMPTS_MAX: usize = 15;

/// Between two attempts, so that the application's writers get through.
const INSTALL_PAUSE: Duration = Duration::from_millis(500);

/// Adopts a schema. Gives it with its version, and the layout to be used from now on.
pub(crate) async fn adopt(shared: &Shared, schema: Schema, now: Millis) -> Result<(Schema, Layout), Failure> {
    install(shared, &schema).await?;
    // What the old triggers noted gets its positions before the index is brought up to date.
    shared.sequencer.pass().await?;
    let session = shared.connections.get().await?;
    session.batch("BEGIN").await?;
    let result = write_schema(&session, schema, now).await;
    let adopted = session.end(result).await?;
    shared.sequencer.pass().await?;
    Ok(adopted)
}

/// The triggers, in a transaction of their own: it may have to wait for the application's.
async fn install(shared: &Shared, schema: &Schema) -> Result<(), Failure> {
    let mut attempt = 0;
    loop {
        let session = shared.connections.get().await?;
        session.batch("BEGIN").await?;
        let result = try_install(&session, schema).await;
        attempt += 1;
        match session.end(result).await {
            // Lock timeout, or a deadlock with a writer.
            Err(failure)
                if attempt < INSTALL_ATTEMPTS_MAX
                    && failure.code().is_some_and(|code| matches!(code.code(), "55P03" | "40P01")) =>
            {
                sleep(INSTALL_PAUSE).await;
            }
            result => return result,
        }
    }
}

async fn try_install(session: &Session, schema: &Schema) -> Result<(), Failure> {
    session.execute("SELECT pg_advisory_xact_lock($1)", &[&ADOPTION_LOCK]).await?;
    inbox::install(session, schema).await?;
    lock_tables(session, &layout_of(session, schema).await?).await?;
    let layout = layout_of(session, schema).await?;
    let found = sign(session, layout.tables.values().map(|table| &**table)).await?;
    capture::install(session, &layout, &paused(session, layout.tables.keys()).await?).await?;
    let now = sign(session, layout.tables.values().map(|table| &**table)).await?;
    note(session, &found, now).await
}

/// Until the end of the transaction nobody changes these tables, so that what is found and what is noted are the same.
async fn lock_tables(session: &Session, layout: &Layout) -> Result<(), Failure> {
    session.batch(&format!("SET LOCAL lock_timeout = {}", capture::INSTALL_LOCK_MS_MAX)).await?;
    let names: Vec<&str> = layout.tables.values().map(|table| &*table.sql_name).collect();
    match names.is_empty() {
        true => Ok(()),
        false => session.batch(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "))).await,
    }
}

async fn write_schema(session: &Session, mut schema: Schema, now: Millis) -> Result<(Schema, Layout), Failure> {
    session.execute("SELECT pg_advisory_xact_lock($1)", &[&ADOPTION_LOCK]).await?;
    let mut layout = layout_of(session, &schema).await?;
    layout.signatures = stored(session).await?;
    count_generations(session, &mut schema).await?;
    let old = stored_layout(session).await?;
    for (table, column) in new_scopes(&old, &layout) {
        index_scope(session, &table, &column).await?;
    }
    meta::set(session, "layout", &layout.to_value().canonical()).await?;

    let hash = schema.hash();
    let sql = "SELECT version, hash FROM swain.schemas ORDER BY version DESC LIMIT 1";
    let stored = session.query_opt(sql, &[]).await?;
    let stored = stored.map(|row| (unsigned(row.get(0)), row.get::<_, String>(1)));
    match stored {
        Some((version, stored)) if stored == hash => schema.version = version,
        stored => {
            schema.version = stored.map_or(0, |(version, _)| version) + 1;
            write_version(session, &schema, &hash, now).await?;
        }
    }
    Ok((schema, layout))
}

async fn layout_of(session: &Session, schema: &Schema) -> Result<Layout, Failure> {
    let names: Vec<Name> = schema.tables.keys().cloned().collect();
    let (described, rules) = introspect(session, Some(&names)).await?;
    Layout::of(schema, &described, rules)
}

/// What was adopted last, by whatever node.
pub(crate) async fn stored_layout(session: &Session) -> Result<Layout, Failure> {
    let Some(text) = meta::get(session, "layout").await? else { return Ok(Layout::default()) };
    let layout = swain_core::strict_json::parse(&text).ok().as_ref().and_then(Layout::from_value);
    layout.ok_or_else(|| Failure::internal("the stored layout of the tables cannot be read"))
}

fn new_scopes(old: &Layout, new: &Layout) -> Vec<(Name, Name)> {
    let had = |table: &Name, column: &Name| old.tables.get(table).is_some_and(|table| table.scopes.contains(column));
    let scopes = new.tables.values();
    let scopes = scopes.flat_map(|table| table.scopes.iter().map(|column| (table.name.clone(), column.clone())));
    scopes.filter(|(table, column)| !had(table, column)).collect()
}

/// Indexes the changes that are in the log already by a scope column that is new.
async fn index_scope(session: &Session, table: &Name, column: &Name) -> Result<(), Failure> {
    let sql = "INSERT INTO swain.ever_scopes (tbl, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    session.execute(sql, &[&table.as_str(), &column.as_str()]).await?;
    let sql = "
        INSERT INTO swain.scopes (tbl, scope, pos, first, last)
        SELECT DISTINCT s.tbl, swain.scope($2, image.text::json ->> $2), s.pos, s.first, s.last
        FROM swain.scopes s
        JOIN swain.positions p USING (pos)
        CROSS JOIN LATERAL (
            SELECT c.before FROM swain.changes c WHERE c.tx = p.tx AND c.id = s.first
            UNION ALL
            SELECT c.after FROM swain.changes c WHERE c.tx = p.tx AND c.id = s.last
        ) AS image (text)
        WHERE s.tbl = $1 AND s.scope = '' AND image.text IS NOT NULL
        ON CONFLICT DO NOTHING";
    session.execute(sql, &[&table.as_str(), &column.as_str()]).await.map(drop)
}

/// The row, its change, and the mark that says that Swain did it.
async fn write_version(session: &Session, schema: &Schema, hash: &str, now: Millis) -> Result<(), Failure> {
    let version = signed(schema.version);
    let tables = schema.to_value().canonical();
    let sql = "INSERT INTO swain.schemas (version, hash, tables) VALUES ($1, $2, $3)";
    session.execute(sql, &[&version, &hash, &tables]).await?;
    let key = Value::List(vec![Value::text(version.to_string())]).canonical();
    let after = swain_core::Row::default().with("version", version).with("hash", Value::text(hash)).canonical();
    let sql = "
        INSERT INTO swain.changes (op, at, tbl, key, scopes, after)
        VALUES ('i', $1, $2, $3, '{}', $4), ('s', $1, '', NULL, NULL, NULL)";
    session.execute(sql, &[&signed(now.0), &SCHEMA_TABLE, &key, &after]).await.map(drop)
}
