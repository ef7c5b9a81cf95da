//! A constraint that said no, as a problem for people: table, columns and rule, and no row's values.

use swain_core::{Code, Constraint, Name, Problem};
use tokio_postgres::error::DbError;

use crate::failure::Failure;
use crate::layout::{Layout, TableLayout};

/// The problem, when the mutation is at fault; otherwise the failure. Without a table: at the end of the mutation.
pub(crate) fn refusal(layout: &Layout, table: Option<&TableLayout>, failure: Failure) -> Result<Problem, Failure> {
    let Failure::Sql(error) = &failure else { return Err(failure) };
    let Some(answer) = error.as_db_error() else { return Err(failure) };
    let name = table_name(table, answer);
    match answer.code().code() {
        "23502" => Ok(not_null(&name, answer)),
        "23514" => Ok(check_failed(&name, constraint(layout, &name, answer))),
        "23505" => Ok(duplicate(&name, constraint(layout, &name, answer))),
        "23503" | "23001" => Ok(foreign_key(&name, table, constraint(layout, &name, answer))),
        "22P02" | "22007" | "22008" | "22P03" => Ok(problem(Code::WrongType, &name, answer)),
        "22003" => Ok(problem(Code::NumberOutOfRange, &name, answer)),
        // Another rule of the table (exclusion, trigger, generated column, row security), or an expression of the schema
        // that failed on these values: it would fail again.
        code if is_of_the_mutation(code) => Ok(problem(Code::ConstraintFailed, &name, answer)),
        _ => Err(failure),
    }
}

/// The database did nothing, without an error: a rule, or a trigger that returned null.
pub(crate) fn ignored(table: &TableLayout) -> Problem {
    let detail = format!("{}: the database ignored the row (a rule or trigger of the table)", table.name);
    Problem::new(Code::ConstraintFailed, detail).at(&table.name)
}

/// Classes: not supported, cardinality, data, integrity, triggered data change, functions and external routines, syntax or
/// access in a trigger's function, with check option, raised by the application. Not: connection, resources, locks.
fn is_of_the_mutation(code: &str) -> bool {
    ["0A", "21", "22", "23", "27", "2F", "38", "39", "42", "44", "P0"].contains(&&code[..2])
}

/// The table that PostgreSQL names, as Swain calls it; otherwise the one that was written to.
fn table_name(table: Option<&TableLayout>, answer: &DbError) -> Name {
    match (answer.table(), answer.schema()) {
        (Some(name), Some("public") | None) => name.into(),
        (Some(name), Some(schema)) => format!("{schema}.{name}").into(),
        (None, _) => table.map_or_else(|| Name::from(""), |table| table.name.clone()),
    }
}

fn constraint(layout: &Layout, table: &Name, answer: &DbError) -> Constraint {
    layout.rules.constraint(table, answer.constraint().unwrap_or_default())
}

fn not_null(table: &Name, answer: &DbError) -> Problem {
    let column = answer.column().unwrap_or("?");
    let place = format!("{table}.{column}");
    let constraint = Constraint::new(table, vec![column.into()], "NOT NULL");
    Problem::new(Code::NotNull, format!("{place} needs a value")).at(place).breaks(constraint)
}

fn check_failed(table: &Name, constraint: Constraint) -> Problem {
    let rule = constraint.rule.clone();
    let detail = format!("{table}: the rule '{rule}' is not met");
    Problem::new(Code::CheckFailed, detail).at(format!("{table}: {rule}")).breaks(constraint)
}

/// That the values are taken is all that is said: not by which row, nor whose.
fn duplicate(table: &Name, constraint: Constraint) -> Problem {
    let columns: Vec<_> = constraint.columns.iter().map(|column| format!("{table}.{column}")).collect();
    let place = if columns.is_empty() { format!("{table}: {}", constraint.rule) } else { columns.join(", ") };
    Problem::new(Code::Duplicate, format!("another row has the same {place}")).at(place).breaks(constraint)
}

/// The rule is the referencing table's, whichever side was written to.
fn foreign_key(child: &Name, table: Option<&TableLayout>, constraint: Constraint) -> Problem {
    let what = match table {
        Some(table) if table.name == *child => "the referenced row is not there",
        Some(_) => "the row is still referenced",
        None => "at the end of the mutation a referenced row is missing, or a row that went is still referenced",
    };
    let columns: Vec<&str> = constraint.columns.iter().map(Name::as_str).collect();
    let detail = format!("{child}: {what} ({} {})", columns.join(", "), constraint.rule);
    Problem::new(Code::ForeignKey, detail).at(child).breaks(constraint)
}

/// The server's own sentence: it names what was sent, or what a trigger says.
fn problem(code: Code, table: &Name, answer: &DbError) -> Problem {
    Problem::new(code, format!("{table}: {}", answer.message())).at(table)
}
