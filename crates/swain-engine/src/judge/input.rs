//! What a device sends, held against the types and lengths of its columns (spec S17).

use swain_core::{Code, ColumnType, Constraint, Key, Name, Problem, Row, Table, Value};

use super::check_writable;
use crate::catalog::TableRules;

/// The columns that a device sets, each of the type and length that its column has.
pub(super) fn checked(table: &Table, rules: &TableRules, set: &Row) -> Result<Row, Problem> {
    let columns = set.0.iter().map(|(name, value)| {
        let place = format!("set.{name}");
        check_writable(table, name, &place)?;
        let column = table.columns.get(name).expect("a writable column is there");
        if value.is_null() && !column.nullable {
            let problem = Problem::new(Code::NotNull, format!("'{name}' needs a value")).at(&place);
            return Err(problem.breaks(of(table, name, "NOT NULL")));
        }
        let value = column.kind.normalise(value).map_err(|code| {
            let detail = format!("'{name}' takes {}, this is {}", column.kind.as_str(), value.kind());
            Problem::new(code, detail).at(&place).breaks(of(table, name, column.kind.as_str()))
        })?;
        check_length(table, rules, name, &value).map_err(|problem| problem.at(&place))?;
        Ok((name.clone(), value))
    });
    columns.collect()
}

/// The lengths of a key's values.
pub(super) fn check_key(table: &Table, rules: &TableRules, key: &Key) -> Result<(), Problem> {
    let mut values = table.key.iter().zip(&key.0);
    values.try_for_each(|(name, value)| check_length(table, rules, name, value).map_err(|problem| problem.at("key")))
}

fn check_length(table: &Table, rules: &TableRules, name: &Name, value: &Value) -> Result<(), Problem> {
    let (Some(max), Some(text)) = (rules.lengths.get(name), value.as_text()) else { return Ok(()) };
    let (length, unit) = match table.columns.get(name).map(|column| column.kind) {
        Some(ColumnType::Bytes) => (text.len() / 4 * 3 - text.matches('=').count(), "bytes"),
        _ => (text.chars().count(), "characters"),
    };
    if u32::try_from(length).is_ok_and(|length| length <= *max) {
        return Ok(());
    }
    let detail = format!("'{name}' takes at most {max} {unit}, these are {length}");
    Err(Problem::new(Code::TooLong, detail).breaks(of(table, name, &format!("max_length = {max}"))))
}

/// `inc`, `add` or `remove` on a column that does not take it.
pub(super) fn no_such_operation(table: &Table, name: &Name) -> Problem {
    let kind = table.columns.get(name).map_or("unknown", |column| column.kind.as_str());
    let problem = Problem::new(Code::WrongType, format!("'{name}' takes no such operation")).at(name);
    problem.breaks(of(table, name, kind))
}

/// A sum beyond 64 bits.
pub(super) fn out_of_range(table: &Table, name: &Name) -> Problem {
    let detail = format!("'{name}' would leave the range of 64-bit integers");
    Problem::new(Code::NumberOutOfRange, detail).at(format!("inc.{name}")).breaks(of(table, name, "int64"))
}

fn of(table: &Table, column: &Name, rule: &str) -> Constraint {
    Constraint::new(&table.name, vec![column.clone()], rule)
}
