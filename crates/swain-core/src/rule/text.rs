//! An expression as the text of a rule: what [`Expression`] was read from, or something that reads as the same.

use core::fmt::{self, Display, Formatter};

use super::{Comparison, Expression, Operand, Selection};
use crate::value::Value;

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(truth) => f.write_str(word(*truth)),
            Self::Equal(a, b) => write!(f, "{a} = {b}"),
            Self::Differs(a, b) => write!(f, "{a} <> {b}"),
            Self::Compare(a, how, b, _) => write!(f, "{a} {how} {b}"),
            Self::In(operand, values) => list(f, operand, "IN", values.iter()),
            Self::Among(operand, set) => list(f, operand, "IN", set.values.iter()),
            Self::Member(operand, selection) => member(f, operand, "", selection),
            Self::IsNull(operand) => write!(f, "{operand} IS NULL"),
            Self::And(parts) => joined(f, parts, " AND "),
            Self::Or(parts) => joined(f, parts, " OR "),
            Self::Not(part) => match &**part {
                Self::IsNull(operand) => write!(f, "{operand} IS NOT NULL"),
                Self::In(operand, values) => list(f, operand, "NOT IN", values.iter()),
                Self::Member(operand, selection) => member(f, operand, "NOT ", selection),
                other => write!(f, "NOT ({other})"),
            },
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => identifier(f, name),
            Self::Literal(value) => literal(f, value),
            Self::AuthId | Self::AuthNumber => f.write_str("auth.id"),
            Self::AuthRole => f.write_str("auth.role"),
            Self::AuthClaim(name) => {
                f.write_str("auth.claims.")?;
                identifier(f, name)
            }
        }
    }
}

impl Display for Selection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT {} FROM ", self.column)?;
        identifier(f, &self.table)?;
        match &self.condition {
            Expression::Constant(true) => Ok(()),
            condition => write!(f, " WHERE {condition}"),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

/// What is looked for is a literal when the selection is that of EXISTS without a column of the row outside.
fn member(f: &mut Formatter<'_>, operand: &Operand, not: &str, selection: &Selection) -> fmt::Result {
    match operand {
        Operand::Literal(_) => write!(f, "{not}EXISTS ({selection})"),
        operand => write!(f, "{operand} {not}IN ({selection})"),
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expression], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match part {
            Expression::And(_) | Expression::Or(_) => write!(f, "({part})")?,
            part => write!(f, "{part}")?,
        }
    }
    Ok(())
}

fn list<'a>(
    f: &mut Formatter<'_>,
    operand: &Operand,
    word: &str,
    values: impl Iterator<Item = &'a Value>,
) -> fmt::Result {
    write!(f, "{operand} {word} (")?;
    for (index, value) in values.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        literal(f, value)?;
    }
    f.write_str(")")
}

fn literal(f: &mut Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => f.write_str("NULL"),
        Value::Bool(truth) => f.write_str(word(*truth)),
        Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        Value::Int(_) | Value::Float(_) => f.write_str(&value.canonical()),
        Value::List(_) | Value::Object(_) => write!(f, "'{}'", value.canonical().replace('\'', "''")),
    }
}

/// Bare where SQL takes it bare, otherwise in quotes.
fn identifier(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    match is_plain {
        true => f.write_str(name),
        false => write!(f, "\"{}\"", name.replace('"', "\"\"")),
    }
}

fn word(truth: bool) -> &'static str {
    if truth { "TRUE" } else { "FALSE" }
}
