//! Rows of a table in key order, with the head that they are not newer than.

use swain_core::rule::Expression;
use swain_core::{Key, Name, Pos};
use swain_store::LoadChunk;
use tokio_postgres::types::Type;

use crate::connection::{Parameter, Session};
use crate::failure::Failure;
use crate::layout::{Layout, ROW, TableLayout, quote};
use crate::log::{limit, unsigned};
use crate::predicate::{Predicate, predicate};
use crate::selection::resolve;

/// An estimate stops counting here.
const ESTIMATE_MAX: i64 = 100_000;

/// About how many bytes of values are read for one chunk, whatever the number of rows asked for.
const CHUNK_BYTES_MAX: usize = 512 * 1024;

/// Rows fetched at once while nobody knows how large they are, and when they are known to be small.
const FETCH_ROWS: usize = 64;
const FETCH_ROWS_MAX: usize = 1024;

/// A chunk, and whether it saw changes that have no position yet: then the caller has to wait for the next pass.
pub(crate) struct Loaded {
    pub(crate) chunk: LoadChunk,
    pub(crate) sees_more: bool,
}

/// Rows behind `after` that the predicate grants, inside a transaction with one snapshot.
pub(crate) async fn load(
    session: &Session,
    layout: &Layout,
    table: &Name,
    expression: &Expression,
    after: Option<&Key>,
    rows_max: usize,
) -> Result<Loaded, Failure> {
    let table = layout.table(table)?;
    let expression = resolve(session, layout, expression).await?;
    let predicate = predicate(table, &expression);
    let mut chunk = LoadChunk { rows: Vec::new(), more: None, head: Pos(0) };
    let mut behind = after.cloned();
    let (mut rows, mut bytes) = (0, 0);
    loop {
        let fetch = rows_max.saturating_sub(chunk.rows.len()).saturating_add(1).min(fetch_max(rows, bytes));
        let texts = fetch_rows(session, table, &predicate, behind.as_ref(), fetch).await?;
        let is_last = texts.len() < fetch;
        for text in texts {
            if chunk.rows.len() == rows_max || (bytes > CHUNK_BYTES_MAX && !chunk.rows.is_empty()) {
                chunk.more = behind.clone();
                break;
            }
            rows += 1;
            bytes += text.len();
            let row = table.read_row(&text)?;
            behind = Some(table.key_of(&row));
            // SQL finds at least what is granted; memory, which decides for live changes, decides here, too.
            if expression.grants(&row) {
                chunk.rows.push(row);
            }
        }
        if is_last || chunk.more.is_some() {
            break;
        }
    }
    let row = session.query_one("SELECT head, swain.waits() FROM swain.latest", &[]).await?;
    chunk.head = Pos(unsigned(row.get(0)));
    Ok(Loaded { chunk, sees_more: row.get(1) })
}

/// As many as have about the bytes that a chunk still takes, if the next ones are like those that came.
fn fetch_max(rows: usize, bytes: usize) -> usize {
    match bytes.checked_div(rows) {
        None => FETCH_ROWS,
        Some(size) => (CHUNK_BYTES_MAX.saturating_sub(bytes) / size.max(1)).clamp(FETCH_ROWS, FETCH_ROWS_MAX),
    }
}

async fn fetch_rows(
    session: &Session,
    table: &TableLayout,
    predicate: &Predicate,
    after: Option<&Key>,
    rows: usize,
) -> Result<Vec<String>, Failure> {
    let mut parameters: Vec<Parameter<'_>> = predicate.parameters();
    let key = after.map(|after| table.key_texts(after)).transpose()?.unwrap_or_default();
    let mut behind = String::new();
    if !key.is_empty() {
        let first = parameters.len() + 1;
        let places = table.key.iter().zip(first..).map(|(name, place)| table.cast(name, place));
        behind = format!(" AND ({}) > ({})", key_list(table), places.collect::<Vec<_>>().join(", "));
        parameters.extend(key.iter().map(|text| (text as _, Type::TEXT)));
    }
    let sql = format!(
        "SELECT row_to_json({ROW})::text FROM {} {ROW} WHERE {}{behind} ORDER BY {} LIMIT {}",
        table.sql_name,
        predicate.sql,
        key_list(table),
        limit(rows),
    );
    let rows = session.query_typed(&sql, &parameters).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// About how many rows the predicate grants: exact while it is cheap.
pub(crate) async fn estimate(
    session: &Session,
    layout: &Layout,
    table: &Name,
    expression: &Expression,
) -> Result<u64, Failure> {
    let table = layout.table(table)?;
    let predicate = predicate(table, &resolve(session, layout, expression).await?);
    let sql = format!(
        "SELECT count(*) FROM (SELECT FROM {} {ROW} WHERE {} LIMIT {ESTIMATE_MAX}) AS found",
        table.sql_name, predicate.sql
    );
    let rows = session.query_typed(&sql, &predicate.parameters()).await?;
    Ok(rows.first().map_or(0, |row| unsigned(row.get(0))))
}

fn key_list(table: &TableLayout) -> String {
    table.key.iter().map(|name: &Name| format!("{ROW}.{}", quote(name))).collect::<Vec<_>>().join(", ")
}
