//! `IN (SELECT …)` and `EXISTS (SELECT …)`, and the rewriting of those that name the row outside (spec R8).
//!
//! `auth.id IN (SELECT u FROM m WHERE m.k = row.c)` and `EXISTS (SELECT 1 FROM m WHERE m.k = row.c AND m.u = auth.id)`
//! grant exactly the rows that `row.c IN (SELECT k FROM m WHERE u = auth.id)` grants: what the inner SELECT gives then
//! depends on who asks alone, so it can be kept and followed. Under NOT that would not hold: a miss is false in one form
//! and may be unknown in the other.

use sqlparser::ast::{BinaryOperator, Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, Spanned, TableFactor};
use swain_core::rule::{Expression, Operand, Selection};
use swain_core::{Name, Value};

use super::operand::{Place, Scope};
use super::{ONLY_ASKER, Polarity, Reader, RuleError, Subject, fit, refuse};
use crate::limits::RULE_DEPTH_MAX;

const FORM: &str =
    "an inner SELECT has the form SELECT column FROM table WHERE condition; a join becomes a nested IN (SELECT …)";

/// `inner = outside`: the comparison that ties an inner SELECT to the row.
struct Tie {
    inner: Name,
    outside: Name,
}

/// An inner SELECT, read.
struct Inner {
    table: Name,
    condition: Expression,
    tie: Option<Tie>,
}

impl Reader<'_> {
    /// `left IN (query)`.
    pub(super) fn member(
        &self,
        whole: &Expr,
        left: &Expr,
        query: &Query,
        polarity: Polarity,
    ) -> Result<Expression, RuleError> {
        let select = plain_select(whole, query)?;
        let [SelectItem::UnnamedExpr(selected) | SelectItem::ExprWithAlias { expr: selected, .. }] =
            select.projection.as_slice()
        else {
            return Err(at(select, whole, "the inner SELECT gives one column"));
        };
        let operand = self.operand(left)?;
        self.inside(whole, select, |inside| {
            let column = inside.operand(selected)?;
            if !matches!(column, Operand::Column(_)) {
                return Err(refuse(selected, "the inner SELECT gives a column of its table"));
            }
            let operand = fit(operand.clone(), inside.kind(&column));
            inside.check_kinds(selected, (&operand, self), (&column, inside))?;
            let Inner { table, condition, tie } = inside.inner(select, polarity)?;
            let Some(tie) = tie else {
                return Ok(Expression::Member(operand, Box::new(Selection { table, column, condition })));
            };
            if matches!(operand, Operand::Column(_)) {
                let message =
                    "this compares two columns of the row with two of the inner table; only one can be followed";
                return Err(refuse(whole, message));
            }
            let condition = condition.and(Expression::Equal(column, operand));
            Ok(tied(table, tie, condition))
        })
    }

    /// `EXISTS (query)`.
    pub(super) fn exists(&self, whole: &Expr, query: &Query, polarity: Polarity) -> Result<Expression, RuleError> {
        let select = plain_select(whole, query)?;
        self.inside(whole, select, |inside| {
            let Inner { table, condition, tie } = inside.inner(select, polarity)?;
            Ok(match tie {
                Some(tie) => tied(table, tie, condition),
                None => {
                    let found = || Operand::Literal(Value::Bool(true));
                    Expression::Member(found(), Box::new(Selection { table, column: found(), condition }))
                }
            })
        })
    }

    /// Reads with the columns of the inner table in sight.
    fn inside<T>(
        &self,
        whole: &Expr,
        select: &Select,
        read: impl FnOnce(&Reader<'_>) -> Result<T, RuleError>,
    ) -> Result<T, RuleError> {
        if self.subject == Subject::Asker {
            return Err(at(select, whole, ONLY_ASKER));
        }
        if self.depth == RULE_DEPTH_MAX {
            return Err(at(select, whole, &format!("SELECTs are nested at most {RULE_DEPTH_MAX} deep")));
        }
        let [from] = select.from.as_slice() else { return Err(at(select, whole, FORM)) };
        let TableFactor::Table { name, alias, args: None, .. } = &from.relation else {
            return Err(at(select, whole, FORM));
        };
        if !from.joins.is_empty() {
            return Err(at(select, whole, FORM));
        }
        let words = &name.0;
        let word = words.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()).unwrap_or_default();
        let Some(table) = self.schema.tables.get(word.as_str()) else {
            let message = format!(
                "'{word}' is not among the synced tables; add [tables.{word}], without a read rule if nobody shall read it"
            );
            let start = name.span().start;
            return Err(RuleError { message, line: start.line.max(1), column: start.column.max(1) });
        };
        let alias = alias.as_ref().map(|alias| alias.name.value.as_str());
        let scope = Scope { table, alias, outer: Some(&self.scope) };
        read(&Reader { schema: self.schema, scope, depth: self.depth + 1, subject: self.subject })
    }

    /// The condition of an inner SELECT, and what ties it to the row outside.
    fn inner(&self, select: &Select, polarity: Polarity) -> Result<Inner, RuleError> {
        let mut parts = Vec::new();
        if let Some(selection) = &select.selection {
            conjuncts(selection, &mut parts);
        }
        let mut inner =
            Inner { table: self.scope.table.name.clone(), condition: Expression::Constant(true), tie: None };
        for part in parts {
            match self.tie(part)? {
                Some(_) if inner.tie.is_some() => {
                    let message =
                        "an inner SELECT is tied to the row by one column; tie it by one, or nest two of them";
                    return Err(refuse(part, message));
                }
                Some(tie) if polarity == Polarity::Negated => {
                    let Tie { inner, outside } = tie;
                    let table = &self.scope.table.name;
                    let message = format!(
                        "under NOT an inner SELECT does not name the row; write {outside} NOT IN (SELECT {inner} FROM {table} WHERE …)"
                    );
                    return Err(refuse(part, &message));
                }
                Some(tie) => inner.tie = Some(tie),
                // Inside, a condition stands on its own again: NOT around the whole does not change what it selects.
                None => inner.condition = inner.condition.and(self.expression(part, Polarity::Positive)?),
            }
        }
        Ok(inner)
    }

    /// The tie, if this comparison is one.
    fn tie(&self, part: &Expr) -> Result<Option<Tie>, RuleError> {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = part else { return Ok(None) };
        let (Ok(left), Ok(right)) = (self.place(left), self.place(right)) else { return Ok(None) };
        let ((Place::Here(inner), Place::Outside(outside)) | (Place::Outside(outside), Place::Here(inner))) =
            (left, right)
        else {
            return Ok(None);
        };
        let outer = self.scope.outer.expect("a column outside was found");
        let kind = |table: &swain_core::Table, name: &Name| table.columns.get(name).map(|column| column.kind);
        if kind(self.scope.table, &inner) != kind(outer.table, &outside) {
            return Err(refuse(part, "both sides need one type"));
        }
        Ok(Some(Tie { inner, outside }))
    }
}

/// `outside IN (SELECT inner FROM table WHERE condition)`.
fn tied(table: Name, tie: Tie, condition: Expression) -> Expression {
    let selection = Selection { table, column: Operand::Column(tie.inner), condition };
    Expression::Member(Operand::Column(tie.outside), Box::new(selection))
}

fn conjuncts<'e>(expression: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match expression {
        Expr::Nested(inner) => conjuncts(inner, parts),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left, parts);
            conjuncts(right, parts);
        }
        other => parts.push(other),
    }
}

/// The SELECT, if it is nothing but columns, one FROM and a WHERE.
fn plain_select<'q>(whole: &Expr, query: &'q Query) -> Result<&'q Select, RuleError> {
    let SetExpr::Select(select) = &*query.body else { return Err(refuse(whole, FORM)) };
    let is_bare_query = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty();
    let has_groups = !matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    let is_bare_select = !has_groups && select.having.is_none() && select.top.is_none() && select.qualify.is_none();
    if is_bare_query && is_bare_select { Ok(select) } else { Err(at(select, whole, FORM)) }
}

/// An error at the SELECT.
fn at(select: &Select, whole: &Expr, message: &str) -> RuleError {
    let start = select.span().start;
    let mut error = refuse(whole, message);
    if start.line > 0 {
        (error.line, error.column) = (start.line, start.column);
    }
    error
}
