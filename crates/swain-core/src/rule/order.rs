//! `<` and its like: numbers by value, times by bytes or by value; what cannot be ordered is unknown (spec R8).

use core::cmp::Ordering;

use crate::schema::ColumnType;
use crate::value::Value;

/// How two values are compared by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

impl Comparison {
    /// True when two values that stand so to each other satisfy it.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// The SQL operator.
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// The same with the sides exchanged.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

/// The types that have an order in rules.
pub fn is_ordered(kind: ColumnType) -> bool {
    matches!(kind, ColumnType::Int64 | ColumnType::Float64 | ColumnType::Time)
}

/// How two values of a type stand to each other; none when one is null or does not belong to the type.
pub fn order(kind: ColumnType, a: &Value, b: &Value) -> Option<Ordering> {
    if kind == ColumnType::Time
        && let (Value::Text(a), Value::Text(b)) = (a, b)
    {
        return Some(a.as_bytes().cmp(b.as_bytes()));
    }
    is_ordered(kind).then_some(())?;
    match (number(kind, a)?, number(kind, b)?) {
        (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(&b)),
        (Number::Real(a), Number::Real(b)) => a.partial_cmp(&b),
        (Number::Whole(a), Number::Real(b)) => Some(compare_exactly(a, b)),
        (Number::Real(a), Number::Whole(b)) => Some(compare_exactly(b, a).reverse()),
    }
}

enum Number {
    Whole(i64),
    Real(f64),
}

fn number(kind: ColumnType, value: &Value) -> Option<Number> {
    match value {
        Value::Int(number) => Some(Number::Whole(*number)),
        Value::Float(number) => Some(Number::Real(*number)),
        Value::Text(text) if kind != ColumnType::Time => match &**text {
            "Infinity" => Some(Number::Real(f64::INFINITY)),
            "-Infinity" => Some(Number::Real(f64::NEG_INFINITY)),
            text => text.parse().ok().map(Number::Whole),
        },
        _ => None,
    }
}

/// A double cannot hold every whole number, so neither side is converted.
fn compare_exactly(whole: i64, real: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if real >= BEYOND {
        return Ordering::Less;
    }
    if real < -BEYOND {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "in range, and the fraction is looked at next")]
    let truncated = real as i64;
    #[expect(clippy::cast_precision_loss, reason = "a truncated double is a double")]
    let back = truncated as f64;
    whole.cmp(&truncated).then_with(|| back.partial_cmp(&real).unwrap_or(Ordering::Equal))
}
