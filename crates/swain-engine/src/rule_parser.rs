//! A rule's SQL text becomes an expression (spec R1). Parsed once, at start; what is not in the subset is refused by place.

use sqlparser::ast::{BinaryOperator, Expr, Ident, Spanned, UnaryOperator, Value as SqlValue};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use swain_core::rule::{Expression, Operand};
use swain_core::{ColumnType, Name, Table, Value};

/// What is wrong with a rule, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {column} of the rule)")]
pub struct RuleError {
    /// What is wrong and what to write instead.
    pub message: String,
    /// From 1; where in the rule's text.
    pub column: u64,
}

const SUBSET: &str = "a rule takes true, false, =, <>, IN (literals), IS NULL, AND, OR, NOT over columns, literals, auth.id and auth.role";

/// Reads a rule of a table.
pub fn parse_rule(table: &Table, text: &str) -> Result<Expression, RuleError> {
    let syntax = |error: &dyn std::fmt::Display| RuleError { message: format!("this is not SQL: {error}"), column: 1 };
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(text).map_err(|error| syntax(&error))?;
    let expression = parser.parse_expr().map_err(|error| syntax(&error))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let message = format!("the rule ends before '{}'", rest.token);
        return Err(RuleError { message, column: rest.span.start.column });
    }
    Reader { table }.expression(&expression)
}

struct Reader<'a> {
    table: &'a Table,
}

impl Reader<'_> {
    fn expression(&self, expression: &Expr) -> Result<Expression, RuleError> {
        match expression {
            Expr::Nested(inner) => self.expression(inner),
            Expr::Value(value) => match value.value {
                SqlValue::Boolean(truth) => Ok(Expression::Constant(truth)),
                _ => Err(refuse(expression, SUBSET)),
            },
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(Expression::Not(Box::new(self.expression(expr)?))),
            Expr::IsNull(inner) => Ok(Expression::IsNull(self.operand(inner)?)),
            Expr::IsNotNull(inner) => Ok(Expression::Not(Box::new(Expression::IsNull(self.operand(inner)?)))),
            Expr::InList { expr, list, negated } => {
                let operand = self.operand(expr)?;
                let values = list.iter().map(|item| self.literal_for(&operand, item)).collect::<Result<_, _>>()?;
                let contains = Expression::In(operand, values);
                Ok(if *negated { Expression::Not(Box::new(contains)) } else { contains })
            }
            Expr::BinaryOp { left, op, right } => self.binary(expression, left, op, right),
            _ => Err(refuse(expression, SUBSET)),
        }
    }

    fn binary(&self, whole: &Expr, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Expression, RuleError> {
        match op {
            BinaryOperator::And => Ok(self.expression(left)?.and(self.expression(right)?)),
            BinaryOperator::Or => Ok(Expression::Or(vec![self.expression(left)?, self.expression(right)?])),
            BinaryOperator::Eq | BinaryOperator::NotEq => {
                let (left, right) = self.pair(whole, left, right)?;
                let equal = *op == BinaryOperator::Eq;
                Ok(if equal { Expression::Equal(left, right) } else { Expression::Differs(left, right) })
            }
            _ => Err(refuse(whole, SUBSET)),
        }
    }

    /// Two operands of one type, so that memory and database compare alike.
    fn pair(&self, whole: &Expr, left: &Expr, right: &Expr) -> Result<(Operand, Operand), RuleError> {
        let (mut a, mut b) = (self.operand(left)?, self.operand(right)?);
        if matches!(b, Operand::Literal(_)) {
            b = Operand::Literal(self.literal_for(&a, right)?);
        } else if matches!(a, Operand::Literal(_)) {
            a = Operand::Literal(self.literal_for(&b, left)?);
        }
        match (self.kind(&a), self.kind(&b)) {
            (Some(a), Some(b)) if a != b => {
                let message = format!("{} is compared with {}; both sides need one type", a.as_str(), b.as_str());
                Err(refuse(whole, &message))
            }
            _ => Ok((a, b)),
        }
    }

    fn operand(&self, expression: &Expr) -> Result<Operand, RuleError> {
        match expression {
            Expr::Nested(inner) => self.operand(inner),
            Expr::Identifier(ident) => self.column(expression, ident),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [auth, id] if is(auth, "auth") && is(id, "id") => Ok(Operand::AuthId),
                [auth, role] if is(auth, "auth") && is(role, "role") => Ok(Operand::AuthRole),
                [table, column] if is(table, &self.table.name) => self.column(expression, column),
                _ => Err(refuse(expression, SUBSET)),
            },
            Expr::Function(function) if function.to_string().eq_ignore_ascii_case("auth.uid()") => Ok(Operand::AuthId),
            _ => literal(expression).map(Operand::Literal),
        }
    }

    fn column(&self, expression: &Expr, ident: &Ident) -> Result<Operand, RuleError> {
        let name = Name::from(ident.value.as_str());
        if self.table.columns.contains_key(&name) {
            return Ok(Operand::Column(name));
        }
        let known: Vec<&str> = self.table.columns.keys().map(Name::as_str).collect();
        let message = format!("'{}' has no column '{name}'; it has {}", self.table.name, known.join(", "));
        Err(refuse(expression, &message))
    }

    fn literal_for(&self, other: &Operand, expression: &Expr) -> Result<Value, RuleError> {
        let value = literal(expression)?;
        let Some(kind) = self.kind(other) else {
            return Ok(value);
        };
        // SQLite writes booleans as 0 and 1.
        let value = match (kind, &value) {
            (ColumnType::Bool, Value::Int(number @ 0..=1)) => Value::Bool(*number == 1),
            _ => value,
        };
        let normal = kind.normalise(&value);
        normal.map_err(|_| refuse(expression, &format!("a value of type {} is expected", kind.as_str())))
    }

    fn kind(&self, operand: &Operand) -> Option<ColumnType> {
        match operand {
            Operand::Column(name) => self.table.columns.get(name).map(|column| column.kind),
            Operand::AuthId | Operand::AuthRole => Some(ColumnType::Text),
            Operand::Literal(_) => None,
        }
    }
}

fn is(ident: &Ident, word: &str) -> bool {
    ident.value.eq_ignore_ascii_case(word)
}

fn literal(expression: &Expr) -> Result<Value, RuleError> {
    let number =
        |text: &str| text.parse::<i64>().map(Value::int64).ok().or_else(|| text.parse().map(Value::number).ok());
    match expression {
        Expr::Value(value) => match &value.value {
            SqlValue::SingleQuotedString(text) => Ok(Value::text(text.as_str())),
            SqlValue::Boolean(truth) => Ok(Value::Bool(*truth)),
            SqlValue::Number(text, _) => number(text).ok_or_else(|| refuse(expression, "this is not a number")),
            _ => Err(refuse(expression, SUBSET)),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => {
            number(&expression.to_string().replace(' ', "")).ok_or_else(|| refuse(expression, "this is not a number"))
        }
        _ => Err(refuse(expression, SUBSET)),
    }
}

fn refuse(expression: &Expr, message: &str) -> RuleError {
    RuleError { message: format!("'{expression}': {message}"), column: expression.span().start.column.max(1) }
}
