//! Why somebody sees a row, or not: each clause of each rule with its truth for that row and that person (spec R16).
//!
//! For the operator, who may read the database anyway; nothing of it goes to a device.

mod departure;

use std::collections::BTreeMap;

use swain_core::rule::{Auth, Expression, Operand, Selection, ValueSet};
use swain_core::{Key, Name, Pos, Row, Table, Value};
use swain_store::{Store, StoreError};

use crate::catalog::Catalog;
use crate::rights::{Reading, Rights, RightsError};
use departure::Search;
pub use departure::{Departure, Reason};

/// What the rules say of one row and one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The position that this is of.
    pub pos: Pos,
    /// The row; none when there is no such row.
    pub row: Option<Row>,
    /// `read`, `insert`, `update`, `delete`, `check`, in this order. Without a row they are those of a row of nulls.
    pub rights: Vec<Right>,
    /// Columns that are hidden from the person.
    pub hidden: Vec<Name>,
    /// How the row last went out of the person's sight, when it is not in it now and the log still knows.
    pub departure: Option<Departure>,
}

/// A rule and what it comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Right {
    /// Which rule.
    pub name: &'static str,
    /// True grants; unknown grants as little as false.
    pub truth: Option<bool>,
    /// The whole rule and its parts, each behind what it is a part of.
    pub clauses: Vec<Clause>,
}

/// A part of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// How deep it is inside the rule; the whole rule is at 0.
    pub depth: usize,
    /// Its text.
    pub text: String,
    /// Its truth for the row.
    pub truth: Option<bool>,
    /// What it compares: a column, `auth.id` or a SELECT, and its value.
    pub values: Vec<(String, String)>,
}

/// Values of a SELECT that are shown.
const VALUES_SHOWN_MAX: usize = 5;

/// Explains a row of a table of the catalog. The store has adopted the table.
pub async fn explain<S: Store>(
    store: &S,
    catalog: &Catalog,
    auth: &Auth,
    table: &Table,
    key: &Key,
) -> Result<Explanation, StoreError> {
    let rules = catalog.rules(&table.name);
    let all = [&rules.read, &rules.insert, &rules.update, &rules.delete, &rules.check];
    let bound: Vec<Expression> = all.iter().map(|rule| rule.bind(auth)).collect();
    let reading = Reading { store, schema: &catalog.schema };
    let resolved = reading.resolve_all(&bound.iter().collect::<Vec<_>>()).await.map_err(RightsError::told)?;
    let chunk = store.load(table.name.clone(), by_key(table, key), None, 1).await?;
    let row = chunk.rows.into_iter().next();
    let seen = row.clone().unwrap_or_default();
    let names = ["read", "insert", "update", "delete", "check"];
    let rights = names.into_iter().zip(all).zip(&resolved.predicates).map(|((name, rule), (predicate, _))| {
        let mut clauses = Vec::new();
        describe(rule, predicate, auth, &seen, 0, &mut clauses);
        Right { name, truth: clauses[0].truth, clauses }
    });
    let rights: Vec<Right> = rights.collect();
    let (predicate, depends) = &resolved.predicates[0];
    let departure = match row.as_ref().is_some_and(|row| predicate.grants(row)) {
        true => None,
        false => {
            let (needs, row) = (direct(&bound[0], depends), row.clone());
            Search { table, key, predicate, needs, row, found: None }.run(&reading, depends).await?
        }
    };
    let hidden = catalog.hidden(&table.name, auth).iter().cloned().collect();
    Ok(Explanation { pos: resolved.head.pos, row, rights, hidden, departure })
}

/// The row with this key, as a predicate.
fn by_key(table: &Table, key: &Key) -> Expression {
    let equal = |(column, value): (&Name, &Value)| {
        Expression::Equal(Operand::Column(column.clone()), Operand::Literal(value.clone()))
    };
    table.key.iter().zip(&key.0).map(equal).fold(Expression::Constant(true), Expression::and)
}

/// The rule as written goes side by side with its resolved form, which has the same shape.
fn describe(rule: &Expression, resolved: &Expression, auth: &Auth, row: &Row, depth: usize, out: &mut Vec<Clause>) {
    let values = compared(rule, resolved, auth, row);
    out.push(Clause { depth, text: rule.to_string(), truth: resolved.truth(row), values });
    match (rule, resolved) {
        (Expression::And(parts), Expression::And(known)) | (Expression::Or(parts), Expression::Or(known)) => {
            for (part, known) in parts.iter().zip(known) {
                describe(part, known, auth, row, depth + 1, out);
            }
        }
        (Expression::Not(part), Expression::Not(known)) if has_parts(part) => {
            describe(part, known, auth, row, depth + 1, out);
        }
        _ => {}
    }
}

fn has_parts(expression: &Expression) -> bool {
    matches!(expression, Expression::And(_) | Expression::Or(_) | Expression::Not(_))
}

/// What a clause without parts compares.
fn compared(rule: &Expression, resolved: &Expression, auth: &Auth, row: &Row) -> Vec<(String, String)> {
    let mut values = BTreeMap::new();
    let mut see = |operand: &Operand| {
        let value = match operand {
            Operand::Literal(_) => return,
            Operand::Column(name) => row.value(name).clone(),
            Operand::AuthId => auth.id(),
            Operand::AuthNumber => auth.number(),
            Operand::AuthRole => auth.role(),
            Operand::AuthClaim(name) => auth.claim(name),
        };
        values.insert(operand.to_string(), value.canonical());
    };
    match (rule, resolved) {
        (Expression::Equal(a, b) | Expression::Differs(a, b) | Expression::Compare(a, _, b, _), _) => {
            see(a);
            see(b);
        }
        (Expression::In(a, _) | Expression::IsNull(a), _) => see(a),
        (Expression::Member(a, _), Expression::Among(_, set)) => {
            see(a);
            values.insert("the SELECT".to_owned(), shown(set));
        }
        (Expression::Not(part), Expression::Not(known)) if !has_parts(part) => return compared(part, known, auth, row),
        _ => {}
    }
    values.into_iter().collect()
}

fn shown(set: &ValueSet) -> String {
    if set.values.is_empty() && !set.has_null {
        return "gives nothing".to_owned();
    }
    let null = set.has_null.then(|| "null".to_owned());
    let listed: Vec<String> = null.into_iter().chain(set.values.iter().map(Value::canonical)).collect();
    let more = listed.len().saturating_sub(VALUES_SHOWN_MAX);
    let text = listed[..listed.len() - more].join(", ");
    if more == 0 { format!("gives {text}") } else { format!("gives {text} and {more} more") }
}

/// The rights that a predicate itself compares with, each with the operand that is looked for.
fn direct<'a>(bound: &'a Expression, rights: &'a Rights) -> Vec<(&'a Operand, &'a Selection)> {
    let mut operands = Vec::new();
    collect(bound, &mut operands);
    // What is resolved has the same table and column; its condition has the values put in.
    let named = |(operand, wanted): (&'a Operand, &'a Selection)| {
        let same = rights.keys().filter(move |known| known.table == wanted.table && known.column == wanted.column);
        same.map(move |known| (operand, known))
    };
    operands.into_iter().flat_map(named).collect()
}

fn collect<'a>(expression: &'a Expression, out: &mut Vec<(&'a Operand, &'a Selection)>) {
    match expression {
        Expression::Member(operand, selection) => out.push((operand, selection)),
        Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| collect(part, out)),
        Expression::Not(part) => collect(part, out),
        _ => {}
    }
}
