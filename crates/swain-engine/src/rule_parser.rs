//! A rule's SQL text becomes an expression (spec R1, R8). Parsed once, at start; what is not in the subset is refused by
//! its place, with the nearest form that it could be.

mod membership;
mod nearest;
mod operand;

use sqlparser::ast::{BinaryOperator, Expr, Spanned, UnaryOperator, Value as SqlValue};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token};
use swain_core::rule::{Comparison, Expression, Operand, is_ordered};
use swain_core::{ColumnType, Schema, Table, Value};

use nearest::nearest_form;
use operand::{Scope, literal};

/// What is wrong with a rule, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {column} of the rule)")]
pub struct RuleError {
    /// What is wrong and what to write instead.
    pub message: String,
    /// From 1; which line of the rule's text.
    pub line: u64,
    /// From 1; where in that line.
    pub column: u64,
}

/// Reads a rule of a table.
pub fn parse_rule(schema: &Schema, table: &Table, text: &str) -> Result<Expression, RuleError> {
    let scope = Scope { table, alias: None, outer: None };
    read(&Reader { schema, scope, depth: 0, subject: Subject::Row }, text)
}

/// Reads from whom a column is hidden: a condition on who asks, and on nothing else (spec R12).
pub(crate) fn parse_mask(schema: &Schema, table: &Table, text: &str) -> Result<Expression, RuleError> {
    let scope = Scope { table, alias: None, outer: None };
    read(&Reader { schema, scope, depth: 0, subject: Subject::Asker }, text)
}

fn read(reader: &Reader<'_>, text: &str) -> Result<Expression, RuleError> {
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(text).map_err(|error| not_sql(&error.to_string()))?;
    let expression = parser.parse_expr().map_err(|error| not_sql(&error.to_string()))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let Location { line, column } = rest.span.start;
        return Err(RuleError { message: format!("the rule ends before '{}'", rest.token), line, column });
    }
    reader.expression(&expression, Polarity::Positive)
}

/// The parser says where in words.
fn not_sql(error: &str) -> RuleError {
    let number = |label: &str| -> Option<u64> {
        let rest = error.rsplit_once(label)?.1;
        rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    };
    let (line, column) = (number("Line: ").unwrap_or(1), number("Column: ").unwrap_or(1));
    RuleError { message: format!("this is not SQL: {error}"), line, column }
}

/// Whether a part stands under NOT, where unknown and false are not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polarity {
    Positive,
    Negated,
}

struct Reader<'a> {
    schema: &'a Schema,
    scope: Scope<'a>,
    /// How many SELECTs are around.
    depth: usize,
    subject: Subject,
}

/// What a condition may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// The row, what stands in other tables, and who asks.
    Row,
    /// Who asks alone.
    Asker,
}

const ONLY_ASKER: &str = "a column is hidden by who asks alone: auth.id, auth.role and auth.claims.x, whatever the row";

impl Reader<'_> {
    fn expression(&self, expression: &Expr, polarity: Polarity) -> Result<Expression, RuleError> {
        match expression {
            Expr::Nested(inner) => self.expression(inner, polarity),
            Expr::Value(value) => match value.value {
                SqlValue::Boolean(truth) => Ok(Expression::Constant(truth)),
                _ => Err(nearest_form(expression)),
            },
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.flag(expression),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                Ok(Expression::Not(Box::new(self.expression(expr, Polarity::Negated)?)))
            }
            Expr::IsNull(inner) => Ok(Expression::IsNull(self.operand(inner)?)),
            Expr::IsNotNull(inner) => Ok(Expression::Not(Box::new(Expression::IsNull(self.operand(inner)?)))),
            Expr::InList { expr, list, negated } => {
                let operand = self.operand(expr)?;
                let values = list.iter().map(|item| self.literal_for(&operand, item)).collect::<Result<_, _>>()?;
                Ok(not_if(*negated, Expression::In(operand, values)))
            }
            Expr::InSubquery { expr, subquery, negated } => {
                let inner = if *negated { Polarity::Negated } else { polarity };
                Ok(not_if(*negated, self.member(expression, expr, subquery, inner)?))
            }
            Expr::Exists { subquery, negated } => {
                let inner = if *negated { Polarity::Negated } else { polarity };
                Ok(not_if(*negated, self.exists(expression, subquery, inner)?))
            }
            Expr::BinaryOp { left, op, right } => self.binary(expression, left, op, right, polarity),
            _ => Err(nearest_form(expression)),
        }
    }

    /// A boolean column alone.
    fn flag(&self, expression: &Expr) -> Result<Expression, RuleError> {
        let operand = self.operand(expression)?;
        match self.kind(&operand) {
            Some(ColumnType::Bool) => Ok(Expression::Equal(operand, Operand::Literal(Value::Bool(true)))),
            _ => Err(refuse(expression, "this is a value, not a condition; compare it with something")),
        }
    }

    fn binary(
        &self,
        whole: &Expr,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        polarity: Polarity,
    ) -> Result<Expression, RuleError> {
        let comparison = match op {
            BinaryOperator::And => return Ok(self.expression(left, polarity)?.and(self.expression(right, polarity)?)),
            BinaryOperator::Or => {
                return Ok(Expression::Or(vec![self.expression(left, polarity)?, self.expression(right, polarity)?]));
            }
            BinaryOperator::Eq | BinaryOperator::NotEq => {
                let (left, right) = self.pair(whole, left, right)?;
                let equal = *op == BinaryOperator::Eq;
                return Ok(if equal { Expression::Equal(left, right) } else { Expression::Differs(left, right) });
            }
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            _ => return Err(nearest_form(whole)),
        };
        let (left, right) = self.pair(whole, left, right)?;
        match self.kind(&left).or_else(|| self.kind(&right)) {
            Some(kind) if is_ordered(kind) => Ok(Expression::Compare(left, comparison, right, kind)),
            Some(kind) => {
                let message = format!("{op} compares numbers and times, this is {}; compare by = or IN", kind.as_str());
                Err(refuse(whole, &message))
            }
            None => Err(refuse(whole, &format!("{op} needs a column of a number or a time on one side"))),
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
        let (beside_a, beside_b) = (self.kind(&b), self.kind(&a));
        let (a, b) = (fit(a, beside_a), fit(b, beside_b));
        self.check_kinds(whole, (&a, self), (&b, self))?;
        Ok((a, b))
    }

    /// Two operands, each with the table that it is of, are of one type.
    fn check_kinds(&self, whole: &Expr, a: (&Operand, &Reader), b: (&Operand, &Reader)) -> Result<(), RuleError> {
        match (a.1.kind(a.0), b.1.kind(b.0)) {
            (Some(a), Some(b)) if a != b => {
                let message = format!("{} is compared with {}; both sides need one type", a.as_str(), b.as_str());
                Err(refuse(whole, &message))
            }
            _ => Ok(()),
        }
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
}

/// `auth.id` beside whole numbers is one: ids of users are text on the wire, whatever an application keeps them as.
fn fit(operand: Operand, beside: Option<ColumnType>) -> Operand {
    match (operand, beside) {
        (Operand::AuthId, Some(ColumnType::Int64)) => Operand::AuthNumber,
        (operand, _) => operand,
    }
}

fn not_if(negated: bool, expression: Expression) -> Expression {
    if negated { Expression::Not(Box::new(expression)) } else { expression }
}

fn refuse(expression: &Expr, message: &str) -> RuleError {
    let Location { line, column } = expression.span().start;
    RuleError { message: format!("'{expression}': {message}"), line: line.max(1), column: column.max(1) }
}
