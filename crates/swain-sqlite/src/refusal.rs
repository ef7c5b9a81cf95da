//! A constraint that said no, as a problem for people: table, column and rule, and no other row's values.

use rusqlite::{Connection, ffi};
use swain_core::{Code, Problem};

use crate::failure::Failure;
use crate::layout::TableLayout;

/// What was tried.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Attempt {
    Insert,
    Update,
    Delete,
}

/// The problem, when the mutation is at fault; otherwise the failure.
pub(crate) fn refusal(
    conn: &Connection,
    table: &TableLayout,
    attempt: Attempt,
    error: rusqlite::Error,
) -> Result<Problem, Failure> {
    let rusqlite::Error::SqliteFailure(code, Some(text)) = &error else { return Err(error.into()) };
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_NOTNULL => Ok(not_null(after_colon(text))),
        ffi::SQLITE_CONSTRAINT_CHECK => Ok(check_failed(table, after_colon(text))),
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Ok(duplicate(table, after_colon(text)))
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Ok(foreign_key(conn, table, attempt)?),
        // A trigger's RAISE speaks for itself.
        ffi::SQLITE_CONSTRAINT_TRIGGER => Ok(constraint(table, text)),
        extended if primary(extended) == ffi::SQLITE_CONSTRAINT => Ok(constraint(table, text)),
        // An expression of the schema (CHECK, trigger, generated column) failed on these values: it would fail again.
        extended if matches!(primary(extended), ffi::SQLITE_ERROR | ffi::SQLITE_MISMATCH | ffi::SQLITE_TOOBIG) => {
            Ok(constraint(table, text))
        }
        _ => Err(error.into()),
    }
}

/// Deferred foreign keys are not satisfied at the end of the mutation.
pub(crate) fn deferred(conn: &Connection) -> Result<Problem, Failure> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT tbl FROM swain_capture")?;
    let tables: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let detail = format!(
        "{}: at the end of the mutation a referenced row is missing, or a row that went is still referenced",
        tables.join(", ")
    );
    Ok(Problem::new(Code::ForeignKey, detail).at(tables.join(",")))
}

/// The database did nothing, without an error: ON CONFLICT IGNORE in the schema, or a trigger's RAISE(IGNORE).
pub(crate) fn ignored(table: &TableLayout) -> Problem {
    let detail = format!("{}: the database ignored the row (a rule or trigger of the table)", table.name);
    Problem::new(Code::ConstraintFailed, detail).at(&table.name)
}

fn primary(extended: i32) -> i32 {
    extended & 0xff
}

/// SQLite's messages are `UNIQUE constraint failed: notes.slug, notes.lang`.
fn after_colon(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(_, subject)| subject)
}

fn not_null(column: &str) -> Problem {
    Problem::new(Code::NotNull, format!("{column} needs a value")).at(column)
}

fn check_failed(table: &TableLayout, rule: &str) -> Problem {
    let detail = format!("{}: the rule '{rule}' is not met", table.name);
    Problem::new(Code::CheckFailed, detail).at(format!("{}: {rule}", table.name))
}

fn duplicate(table: &TableLayout, columns: &str) -> Problem {
    let detail = match columns.strip_prefix("index ") {
        Some(index) => format!("{}: another row has these values ({index} has to be unique)", table.name),
        None => format!("another row has the same {columns}"),
    };
    Problem::new(Code::Duplicate, detail).at(columns)
}

fn constraint(table: &TableLayout, text: &str) -> Problem {
    Problem::new(Code::ConstraintFailed, format!("{}: {text}", table.name)).at(&table.name)
}

/// SQLite does not say which key, so the candidates are named.
fn foreign_key(conn: &Connection, table: &TableLayout, attempt: Attempt) -> Result<Problem, Failure> {
    let (sql, what) = match attempt {
        Attempt::Delete => (
            "SELECT m.name || '.' || group_concat(f.\"from\", ', ') FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
             WHERE m.type = 'table' AND f.\"table\" = ?1 COLLATE NOCASE GROUP BY m.name, f.id",
            "the row is still referenced by",
        ),
        Attempt::Insert | Attempt::Update => (
            "SELECT group_concat(\"from\", ', ') || ' → ' || \"table\" FROM pragma_foreign_key_list(?1) GROUP BY id",
            "the referenced row is not there, or this row is still referenced:",
        ),
    };
    let mut statement = conn.prepare_cached(sql)?;
    let keys = statement.query_map([table.name.as_str()], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let detail = format!("{}: {what} {}", table.name, keys.join(" or "));
    Ok(Problem::new(Code::ForeignKey, detail).at(&table.name))
}
