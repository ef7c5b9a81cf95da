//! What has a value in a rule: columns of the row, literals, and who asks.

use sqlparser::ast::{Expr, Ident, SetExpr, UnaryOperator, Value as SqlValue};
use sqlparser::ast::{Query, SelectItem};
use swain_core::rule::Operand;
use swain_core::{ColumnType, Name, Table, Value};

use super::nearest::nearest_form;
use super::{ONLY_ASKER, Reader, RuleError, Subject, refuse};

/// The table whose columns a part of a rule names, and the one around it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) table: &'a Table,
    /// `FROM table alias`.
    pub(super) alias: Option<&'a str>,
    pub(super) outer: Option<&'a Scope<'a>>,
}

/// Where a column that an expression names is.
pub(super) enum Place {
    /// In the table of the innermost FROM.
    Here(Name),
    /// In the row outside.
    Outside(Name),
}

impl Scope<'_> {
    fn is_called(&self, word: &Ident) -> bool {
        match self.alias {
            Some(alias) => is(word, alias),
            None => is(word, &self.table.name),
        }
    }

    fn column(&self, ident: &Ident) -> Option<Name> {
        let name = Name::from(ident.value.as_str());
        self.table.columns.contains_key(&name).then_some(name)
    }
}

impl Reader<'_> {
    pub(super) fn operand(&self, expression: &Expr) -> Result<Operand, RuleError> {
        match expression {
            Expr::Nested(inner) => self.operand(inner),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => match auth_operand(expression) {
                Some(operand) => Ok(operand),
                None if self.subject == Subject::Asker => Err(refuse(expression, ONLY_ASKER)),
                None => match self.place(expression)? {
                    Place::Here(name) => Ok(Operand::Column(name)),
                    Place::Outside(_) => Err(refuse(expression, &self.only_by_equality())),
                },
            },
            Expr::Function(_) => auth_operand(expression).ok_or_else(|| nearest_form(expression)),
            // What policies write so that auth.uid() is computed once.
            Expr::Subquery(query) => bare_select(query).and_then(auth_operand).ok_or_else(|| nearest_form(expression)),
            _ => literal(expression).map(Operand::Literal),
        }
    }

    fn only_by_equality(&self) -> String {
        let inner = &self.scope.table.name;
        format!("a column of the row outside is compared by = with a column of '{inner}', joined to the rest by AND")
    }

    /// The column that an expression names; as in SQL, the inner table hides the outer one.
    pub(super) fn place(&self, expression: &Expr) -> Result<Place, RuleError> {
        let (scope, outer) = (&self.scope, self.scope.outer);
        match expression {
            Expr::Nested(inner) => self.place(inner),
            Expr::Identifier(ident) => {
                let here = scope.column(ident).map(Place::Here);
                let outside = || outer.and_then(|outer| outer.column(ident)).map(Place::Outside);
                here.or_else(outside).ok_or_else(|| unknown_column(expression, scope.table, ident))
            }
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] if scope.is_called(table) => {
                    let name = scope.column(column).map(Place::Here);
                    name.ok_or_else(|| unknown_column(expression, scope.table, column))
                }
                [table, column] => match outer.filter(|outer| outer.is_called(table)) {
                    Some(outer) => {
                        let name = outer.column(column).map(Place::Outside);
                        name.ok_or_else(|| unknown_column(expression, outer.table, column))
                    }
                    None => Err(refuse(expression, &format!("there is no table '{table}' here"))),
                },
                _ => Err(nearest_form(expression)),
            },
            _ => Err(nearest_form(expression)),
        }
    }

    pub(super) fn kind(&self, operand: &Operand) -> Option<ColumnType> {
        match operand {
            Operand::Column(name) => self.scope.table.columns.get(name).map(|column| column.kind),
            Operand::AuthId | Operand::AuthRole => Some(ColumnType::Text),
            Operand::AuthNumber => Some(ColumnType::Int64),
            Operand::Literal(_) | Operand::AuthClaim(_) => None,
        }
    }
}

fn auth_operand(expression: &Expr) -> Option<Operand> {
    match expression {
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [auth, id] if is(auth, "auth") && is(id, "id") => Some(Operand::AuthId),
            [auth, role] if is(auth, "auth") && is(role, "role") => Some(Operand::AuthRole),
            [auth, claims, name] if is(auth, "auth") && is(claims, "claims") => {
                Some(Operand::AuthClaim(name.value.as_str().into()))
            }
            _ => None,
        },
        Expr::Function(function) => match function.to_string().to_ascii_lowercase().as_str() {
            "auth.uid()" => Some(Operand::AuthId),
            "auth.role()" => Some(Operand::AuthRole),
            _ => None,
        },
        _ => None,
    }
}

/// The one expression of `(SELECT x)` without a FROM.
fn bare_select(query: &Query) -> Option<&Expr> {
    let SetExpr::Select(select) = &*query.body else { return None };
    match (select.projection.as_slice(), select.from.as_slice(), &select.selection) {
        ([SelectItem::UnnamedExpr(expression)], [], None) => Some(expression),
        _ => None,
    }
}

fn unknown_column(expression: &Expr, table: &Table, column: &Ident) -> RuleError {
    let known: Vec<&str> = table.columns.keys().map(Name::as_str).collect();
    let message = format!("'{}' has no column '{}'; it has {}", table.name, column.value, known.join(", "));
    refuse(expression, &message)
}

fn is(ident: &Ident, word: &str) -> bool {
    ident.value.eq_ignore_ascii_case(word)
}

pub(super) fn literal(expression: &Expr) -> Result<Value, RuleError> {
    let number =
        |text: &str| text.parse::<i64>().map(Value::int64).ok().or_else(|| text.parse().map(Value::number).ok());
    match expression {
        Expr::Value(value) => match &value.value {
            SqlValue::SingleQuotedString(text) => Ok(Value::text(text.as_str())),
            SqlValue::Boolean(truth) => Ok(Value::Bool(*truth)),
            SqlValue::Number(text, _) => number(text).ok_or_else(|| refuse(expression, "this is not a number")),
            SqlValue::Null => Err(refuse(expression, "nothing equals NULL; write IS NULL")),
            _ => Err(nearest_form(expression)),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => {
            number(&expression.to_string().replace(' ', "")).ok_or_else(|| refuse(expression, "this is not a number"))
        }
        _ => Err(nearest_form(expression)),
    }
}
