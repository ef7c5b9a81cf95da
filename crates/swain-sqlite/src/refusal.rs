//! A constraint that said no, as a problem for people: table, columns and rule, and no other row's values (spec S17).

mod foreign_key;
mod rule_text;

use rusqlite::{Connection, OptionalExtension as _, ffi, params_from_iter};
use swain_core::{Change, Code, Constraint, Key, Name, Problem, Row};

use crate::failure::Failure;
use crate::layout::{Layout, TableLayout};
use crate::load::stored_key;
use foreign_key::Side;
use rule_text::{check_of, names_in};

/// What was tried.
#[derive(Clone, Copy)]
pub(crate) enum Attempt<'a> {
    Insert(&'a Row),
    Update(&'a Key, &'a Row),
    Delete(&'a Key),
}

impl Attempt<'_> {
    /// The row as it is, and as it was to be.
    fn rows(self, conn: &Connection, table: &TableLayout) -> Result<(Option<Row>, Option<Row>), Failure> {
        let current = |key: &Key| -> Result<Option<Row>, Failure> {
            let mut statement = conn.prepare_cached(&table.select_sql)?;
            let row = statement.query_row(params_from_iter(stored_key(table, key)?), |row| table.read_row(row, 0));
            Ok(row.optional()?)
        };
        Ok(match self {
            Self::Insert(row) => (None, Some(row.clone())),
            Self::Delete(key) => (current(key)?, None),
            Self::Update(key, set) => {
                let before = current(key)?;
                let after = before.clone().map(|mut row| {
                    row.0.extend(set.0.clone());
                    row
                });
                (before, after)
            }
        })
    }
}

/// The problem, when the mutation is at fault; otherwise the failure.
pub(crate) fn refusal(
    conn: &Connection,
    table: &TableLayout,
    attempt: Attempt<'_>,
    error: rusqlite::Error,
) -> Result<Problem, Failure> {
    let rusqlite::Error::SqliteFailure(code, Some(text)) = &error else { return Err(error.into()) };
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_NOTNULL => Ok(not_null(table, after_colon(text))),
        ffi::SQLITE_CONSTRAINT_CHECK => Ok(check_failed(conn, table, after_colon(text))?),
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Ok(duplicate(conn, table, after_colon(text))?)
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Ok(foreign_key(conn, table, attempt)?),
        ffi::SQLITE_CONSTRAINT_DATATYPE => Ok(wrong_type(table, text)),
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

/// Deferred foreign keys are not satisfied at the end of a mutation that changed these rows.
pub(crate) fn deferred(conn: &Connection, layout: &Layout, changes: &[Change]) -> Result<Problem, Failure> {
    for change in changes {
        let Some(table) = layout.tables.get(&change.row.table) else { continue };
        if let Some(problem) = broken(conn, table, change.before.as_ref(), change.after.as_ref())? {
            return Ok(problem);
        }
    }
    let mut tables: Vec<&str> = changes.iter().map(|change| change.row.table.as_str()).collect();
    tables.dedup();
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

/// `notes.slug, notes.lang` as a table, which a trigger may have made another one than was written to, and its columns.
fn split_columns(written: &TableLayout, text: &str) -> (Name, Vec<Name>) {
    let own = format!("{}.", written.name);
    let table = match text.strip_prefix(&own) {
        Some(_) => written.name.clone(),
        None => Name::from(text.split_once('.').map_or(text, |(table, _)| table)),
    };
    let prefix = format!("{table}.");
    let columns = text.split(", ").filter_map(|column| column.strip_prefix(&prefix)).map(Name::from);
    (table.clone(), columns.collect())
}

fn not_null(table: &TableLayout, column: &str) -> Problem {
    let (named, columns) = split_columns(table, column);
    let problem = Problem::new(Code::NotNull, format!("{column} needs a value")).at(column);
    problem.breaks(Constraint::new(&named, columns, "NOT NULL"))
}

/// The rule is the constraint's name, or its expression when it has none.
fn check_failed(conn: &Connection, table: &TableLayout, rule: &str) -> Result<Problem, Failure> {
    let mut statement = conn.prepare_cached("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1")?;
    let sql: Option<String> = statement.query_row([table.name.as_str()], |row| row.get(0)).optional()?;
    let expression = sql.as_deref().and_then(|sql| check_of(sql, rule)).unwrap_or(rule);
    let columns = names_in(expression, table.columns.iter().map(|(name, _)| name));
    let detail = format!("{}: the rule '{rule}' is not met", table.name);
    let problem = Problem::new(Code::CheckFailed, detail).at(format!("{}: {rule}", table.name));
    Ok(problem.breaks(Constraint::new(&table.name, columns, rule)))
}

/// That the values are taken is all that is said: not by which row, nor whose.
fn duplicate(conn: &Connection, table: &TableLayout, columns: &str) -> Result<Problem, Failure> {
    let Some(index) = columns.strip_prefix("index ") else {
        let (named, names) = split_columns(table, columns);
        let problem = Problem::new(Code::Duplicate, format!("another row has the same {columns}")).at(columns);
        return Ok(problem.breaks(Constraint::new(&named, names, "UNIQUE")));
    };
    let name = index.trim_matches('\'');
    let mut statement = conn.prepare_cached("SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?1")?;
    let sql: Option<String> = statement.query_row([name], |row| row.get(0)).optional()?;
    let terms = sql.as_deref().and_then(|sql| sql.split_once('(')).map_or("", |(_, terms)| terms);
    let names = names_in(terms, table.columns.iter().map(|(name, _)| name));
    let detail = format!("{}: another row has these values ({index} has to be unique)", table.name);
    let problem = Problem::new(Code::Duplicate, detail).at(columns);
    Ok(problem.breaks(Constraint::new(&table.name, names, "UNIQUE")))
}

/// A STRICT table: `cannot store TEXT value in INTEGER column notes.score`.
fn wrong_type(table: &TableLayout, text: &str) -> Problem {
    let words: Vec<&str> = text.split(' ').collect();
    let problem = Problem::new(Code::WrongType, format!("{}: {text}", table.name)).at(&table.name);
    match words.iter().position(|word| *word == "column") {
        Some(place) if place > 0 && place + 1 < words.len() => {
            let (named, columns) = split_columns(table, &words[place + 1..].join(" "));
            problem.breaks(Constraint::new(&named, columns, words[place - 1]))
        }
        _ => problem,
    }
}

fn constraint(table: &TableLayout, text: &str) -> Problem {
    Problem::new(Code::ConstraintFailed, format!("{}: {text}", table.name)).at(&table.name)
}

/// SQLite does not say which key, so they are tried.
fn foreign_key(conn: &Connection, table: &TableLayout, attempt: Attempt<'_>) -> Result<Problem, Failure> {
    let (before, after) = attempt.rows(conn, table)?;
    if let Some(problem) = broken(conn, table, before.as_ref(), after.as_ref())? {
        return Ok(problem);
    }
    let detail = format!("{}: a referenced row is not there, or a row is still referenced", table.name);
    let problem = Problem::new(Code::ForeignKey, detail).at(&table.name);
    Ok(problem.breaks(Constraint::new(&table.name, Vec::new(), "REFERENCES")))
}

/// The rule is the referencing table's, whichever side was written to.
fn broken(
    conn: &Connection,
    table: &TableLayout,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Result<Option<Problem>, Failure> {
    let Some((key, side)) = foreign_key::broken(conn, table, before, after)? else { return Ok(None) };
    let columns = key.columns.iter().map(|name| Name::from(name.as_str())).collect();
    let constraint = Constraint::new(&Name::from(key.table.as_str()), columns, key.rule());
    let (child, parent, columns) = (&key.table, &key.parent, key.columns.join(", "));
    let detail = match side {
        Side::Child => format!("{child}.{columns} refers to a row of {parent} that is not there"),
        Side::Parent => format!("{parent}: the row is still referenced by {child}.{columns}"),
    };
    Ok(Some(Problem::new(Code::ForeignKey, detail).at(&table.name).breaks(constraint)))
}
