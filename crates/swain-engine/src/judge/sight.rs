//! What a user sees of a table that is written to: a hidden column is answered like one that is not there (spec R12), and of
//! other tables no more is said than they may know (spec S17).

use swain_core::rule::Auth;
use swain_core::{Code, Constraint, Name, Operation, Problem, Schema, Table};

use super::upsert::join;
use crate::catalog::{Catalog, table_for};

/// A table and its neighbours as who asks sees them.
pub(super) struct Sight<'a> {
    schema: &'a Schema,
    table: std::borrow::Cow<'a, Table>,
    /// The columns of the whole catalog that are hidden from who asks, by their tables.
    hidden: Vec<(&'a Name, Name)>,
}

impl<'a> Sight<'a> {
    pub(super) fn of(catalog: &'a Catalog, table: &'a Table, auth: &Auth) -> Self {
        let names = catalog.masked_tables();
        let hidden = names.flat_map(|name| {
            catalog.hidden(name, auth).iter().map(move |column| (name, column.clone())).collect::<Vec<_>>()
        });
        let own = catalog.hidden(&table.name, auth);
        Self { schema: &catalog.schema, table: table_for(table, &own), hidden: hidden.collect() }
    }

    /// The unique key of just these columns.
    pub(super) fn unique(&self, on: &[Name]) -> Result<&[Name], Problem> {
        self.table.unique(on).ok_or_else(|| {
            let detail = format!("({}) is no unique key of '{}'", join(on), self.table.name);
            Problem::new(Code::NotUnique, detail).at("on")
        })
    }

    fn hides(&self, constraint: &Constraint) -> bool {
        let is_unknown = !self.schema.tables.contains_key(&constraint.table);
        let is_hidden = |(table, column): &(&Name, Name)| {
            **table == constraint.table && (constraint.columns.contains(column) || names(&constraint.rule, column))
        };
        is_unknown || self.hidden.iter().any(is_hidden)
    }
}

/// Every column that an operation names is one that its user sees. Looked at before anything else, so that a hidden column
/// cannot be told from one that is not there.
pub(super) fn check_columns(sight: &Sight<'_>, operation: &Operation) -> Result<(), Problem> {
    let table = &sight.table;
    let check = |part: &str, name: &Name| match table.column(name) {
        Ok(_) => Ok(()),
        Err(code) => {
            let detail = format!("'{}' has no column '{name}'", table.name);
            Err(Problem::new(code, detail).at(format!("{part}.{name}")))
        }
    };
    let all = |part: &'static str, row: &swain_core::Row| row.0.keys().try_for_each(|name| check(part, name));
    match operation {
        Operation::Insert { set, .. } => all("set", set),
        Operation::Upsert { set, was, .. } => {
            all("set", set)?;
            was.keys().try_for_each(|name| check("was", name))
        }
        Operation::Update { set, was, inc, add, remove, .. } => {
            all("set", set)?;
            was.keys().try_for_each(|name| check("was", name))?;
            [("inc", inc), ("add", add), ("remove", remove)].into_iter().try_for_each(|(part, row)| all(part, row))
        }
        Operation::Delete { .. } => Ok(()),
    }
}

/// What the device may be told: of tables that are not synced not even that they are there, nor of hidden columns.
pub(super) fn disclosed(problem: Problem, sight: &Sight<'_>) -> Problem {
    let says_hidden = |text: &str| sight.hidden.iter().any(|(_, column)| names(text, column));
    let is_hidden = problem.constraint.as_ref().is_some_and(|constraint| sight.hides(constraint))
        // A trigger's own words, or those of a database that does not say which rule it was.
        || (is_of_database(problem.code) && says_hidden(&problem.detail));
    if !is_hidden {
        return problem;
    }
    let detail = format!("a rule of the database behind '{}' does not allow this", sight.table.name);
    Problem::new(problem.code, detail)
}

/// Codes whose words come from the database or from a rule of it.
fn is_of_database(code: Code) -> bool {
    matches!(code, Code::NotNull | Code::CheckFailed | Code::Duplicate | Code::ForeignKey | Code::ConstraintFailed)
}

/// True when the text has the name as a word.
fn names(text: &str, name: &str) -> bool {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    text.match_indices(name).any(|(start, found)| {
        let (before, after) = (&text[..start], &text[start + found.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn a_table_that_is_not_synced_is_not_even_named() {
        let empty = |name: &str| Table::new(name.into(), Default::default(), Vec::new());
        let notes = empty("notes");
        let schema = Schema { version: 1, tables: [(notes.name.clone(), notes.clone())].into() };
        let of = |table: &str| {
            let problem = Problem::new(Code::ForeignKey, format!("still referenced by {table}.note")).at(table);
            problem.breaks(Constraint::new(&table.into(), vec!["note".into()], "REFERENCES notes (id)"))
        };

        let sight = Sight { schema: &schema, table: Cow::Borrowed(&notes), hidden: Vec::new() };

        let hidden = disclosed(of("secrets"), &sight);

        assert_eq!((hidden.code, &hidden.constraint, &hidden.at), (Code::ForeignKey, &None, &None));
        assert!(!format!("{hidden:?}").contains("secrets"), "{hidden:?}");
        assert_eq!(disclosed(of("notes"), &sight), of("notes"));
    }
}
