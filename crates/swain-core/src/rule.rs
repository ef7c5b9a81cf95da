//! The expression that rules and filters share, and its meaning in memory (spec R1 to R3).
//!
//! Stores turn the same expression into SQL. A property test holds the two together.

mod order;
mod scope_right;
mod selection;
mod text;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{Name, UserId};
use crate::row::Row;
use crate::schema::ColumnType;
use crate::value::Value;
pub use order::{Comparison, is_ordered, order};
pub use scope_right::ScopeRight;
pub use selection::{Selection, ValueSet, resolve_in};

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// The signed-in user; none for a visitor.
    pub user: Option<UserId>,
    /// The user's role.
    pub role: Option<String>,
    /// What else the token says of the user.
    pub claims: BTreeMap<Name, Value>,
}

/// Something that has a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// A column of the row.
    Column(Name),
    /// A constant.
    Literal(Value),
    /// `auth.id`; null for a visitor.
    AuthId,
    /// `auth.id` where it is compared with whole numbers; null for a visitor, and for an id that is none.
    AuthNumber,
    /// `auth.role`; null without a role.
    AuthRole,
    /// `auth.claims.x`; null without that claim.
    AuthClaim(Name),
}

/// A predicate over a row and who asks. Unknown (null in a comparison) is neither true nor false.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expression {
    /// Always or never.
    Constant(bool),
    /// `=`.
    Equal(Operand, Operand),
    /// `<>`.
    Differs(Operand, Operand),
    /// `<`, `<=`, `>`, `>=` on values of one ordered type.
    Compare(Operand, Comparison, Operand, ColumnType),
    /// `IN (…)`.
    In(Operand, Vec<Value>),
    /// `IN (SELECT …)`. In memory it is unknown until it is resolved.
    Member(Operand, Box<Selection>),
    /// The same, once the values are known.
    Among(Operand, Arc<ValueSet>),
    /// `IS NULL`.
    IsNull(Operand),
    /// All of them.
    And(Vec<Expression>),
    /// At least one of them.
    Or(Vec<Expression>),
    /// The opposite; unknown stays unknown.
    Not(Box<Expression>),
}

impl Auth {
    /// `auth.id` as a value.
    pub fn id(&self) -> Value {
        self.user.as_ref().map_or(Value::Null, |user| Value::text(user.as_str()))
    }

    /// `auth.id` as a whole number, if it is one in its shortest form.
    pub fn number(&self) -> Value {
        let number = |user: &UserId| user.as_str().parse::<i64>().ok().filter(|id| id.to_string() == user.as_str());
        self.user.as_ref().and_then(number).map_or(Value::Null, Value::int64)
    }

    /// `auth.role` as a value.
    pub fn role(&self) -> Value {
        self.role.as_ref().map_or(Value::Null, |role| Value::text(role.as_str()))
    }

    /// `auth.claims.x` as a value.
    pub fn claim(&self, name: &Name) -> Value {
        self.claims.get(name).cloned().unwrap_or_default()
    }
}

impl Expression {
    /// The same predicate with `auth` put in: what is left depends on the row alone.
    pub fn bind(&self, auth: &Auth) -> Expression {
        let operand = |operand: &Operand| match operand {
            Operand::AuthId => Operand::Literal(auth.id()),
            Operand::AuthNumber => Operand::Literal(auth.number()),
            Operand::AuthRole => Operand::Literal(auth.role()),
            Operand::AuthClaim(name) => Operand::Literal(auth.claim(name)),
            Operand::Column(_) | Operand::Literal(_) => operand.clone(),
        };
        match self {
            Self::Constant(truth) => Self::Constant(*truth),
            Self::Equal(a, b) => Self::Equal(operand(a), operand(b)),
            Self::Differs(a, b) => Self::Differs(operand(a), operand(b)),
            Self::Compare(a, how, b, kind) => Self::Compare(operand(a), *how, operand(b), *kind),
            Self::In(a, values) => Self::In(operand(a), values.clone()),
            Self::Member(a, selection) => {
                let Selection { table, column, condition } = &**selection;
                let (table, column) = (table.clone(), operand(column));
                Self::Member(operand(a), Box::new(Selection { table, column, condition: condition.bind(auth) }))
            }
            Self::Among(a, set) => Self::Among(operand(a), Arc::clone(set)),
            Self::IsNull(a) => Self::IsNull(operand(a)),
            Self::And(parts) => Self::And(parts.iter().map(|part| part.bind(auth)).collect()),
            Self::Or(parts) => Self::Or(parts.iter().map(|part| part.bind(auth)).collect()),
            Self::Not(part) => Self::Not(Box::new(part.bind(auth))),
        }
    }

    /// True when the row is granted: unknown grants nothing (spec R2).
    pub fn grants(&self, row: &Row) -> bool {
        self.truth(row) == Some(true)
    }

    /// Both predicates.
    pub fn and(self, other: Expression) -> Expression {
        match (self, other) {
            (Self::Constant(true), other) => other,
            (this, Self::Constant(true)) => this,
            (Self::And(mut parts), Self::And(more)) => {
                parts.extend(more);
                Self::And(parts)
            }
            (Self::And(mut parts), other) => {
                parts.push(other);
                Self::And(parts)
            }
            (this, Self::And(mut parts)) => {
                parts.insert(0, this);
                Self::And(parts)
            }
            (this, other) => Self::And(alloc::vec![this, other]),
        }
    }

    /// The claims that it asks for, those of its selections included.
    pub fn claims(&self) -> BTreeSet<Name> {
        let mut claims = BTreeSet::new();
        self.visit(&mut |operand| {
            if let Operand::AuthClaim(name) = operand {
                claims.insert(name.clone());
            }
        });
        self.selections(&mut |_, selection| claims.append(&mut selection.condition.claims()));
        claims
    }

    /// The columns that it names.
    pub fn columns(&self) -> BTreeSet<Name> {
        let mut columns = BTreeSet::new();
        self.visit(&mut |operand| {
            if let Operand::Column(name) = operand {
                columns.insert(name.clone());
            }
        });
        columns
    }

    /// The columns that it compares with `auth` directly or with a selection: changes are indexed by them (spec R6).
    pub fn auth_columns(&self) -> BTreeSet<Name> {
        match self {
            Self::Equal(Operand::Column(name), other) | Self::Equal(other, Operand::Column(name))
                if other.is_auth() =>
            {
                BTreeSet::from([name.clone()])
            }
            Self::Member(Operand::Column(name), _) => BTreeSet::from([name.clone()]),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::auth_columns).collect(),
            Self::Not(part) => part.auth_columns(),
            _ => BTreeSet::new(),
        }
    }

    /// A scope that every granted row is in: a column of `columns` and the values it must have. The predicate must be bound.
    pub fn scope(&self, columns: &BTreeSet<Name>) -> Option<(Name, Vec<Value>)> {
        match self {
            Self::Equal(Operand::Column(name), Operand::Literal(value))
            | Self::Equal(Operand::Literal(value), Operand::Column(name))
                if columns.contains(name) =>
            {
                Some((name.clone(), alloc::vec![value.clone()]))
            }
            Self::In(Operand::Column(name), values) if columns.contains(name) => Some((name.clone(), values.clone())),
            Self::Among(Operand::Column(name), set) if columns.contains(name) => {
                Some((name.clone(), set.values.iter().cloned().collect()))
            }
            Self::And(parts) => parts.iter().find_map(|part| part.scope(columns)),
            _ => None,
        }
    }

    /// Scopes of which every granted row is in at least one; none when it may be anywhere in the table.
    pub fn scopes(&self, columns: &BTreeSet<Name>) -> Option<Vec<(Name, Vec<Value>)>> {
        match self {
            Self::Constant(false) => Some(Vec::new()),
            Self::And(parts) => parts.iter().find_map(|part| part.scopes(columns)),
            Self::Or(parts) => {
                let scopes: Option<Vec<_>> = parts.iter().map(|part| part.scopes(columns)).collect();
                Some(scopes?.concat())
            }
            _ => self.scope(columns).map(|scope| alloc::vec![scope]),
        }
    }

    fn visit(&self, see: &mut impl FnMut(&Operand)) {
        match self {
            Self::Constant(_) => {}
            Self::Equal(a, b) | Self::Differs(a, b) | Self::Compare(a, _, b, _) => {
                see(a);
                see(b);
            }
            Self::In(a, _) | Self::Member(a, _) | Self::Among(a, _) | Self::IsNull(a) => see(a),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.visit(see)),
            Self::Not(part) => part.visit(see),
        }
    }

    /// True, false or unknown for a row.
    pub fn truth(&self, row: &Row) -> Option<bool> {
        match self {
            Self::Constant(truth) => Some(*truth),
            Self::Equal(a, b) => compare(a.value(row), b.value(row)),
            Self::Differs(a, b) => compare(a.value(row), b.value(row)).map(|equal| !equal),
            Self::Compare(a, how, b, kind) => order(*kind, a.value(row), b.value(row)).map(|order| how.holds(order)),
            Self::In(a, values) => any(values.iter().map(|value| compare(a.value(row), value))),
            // Unresolved: nobody said which values, so nothing is granted by it.
            Self::Member(..) => None,
            Self::Among(a, set) => set.contains(a.value(row)),
            Self::IsNull(a) => Some(a.value(row).is_null()),
            Self::And(parts) => any(parts.iter().map(|part| part.truth(row).map(|truth| !truth))).map(|truth| !truth),
            Self::Or(parts) => any(parts.iter().map(|part| part.truth(row))),
            Self::Not(part) => part.truth(row).map(|truth| !truth),
        }
    }
}

impl Operand {
    /// Its value in a row; null for who asks, unless bound.
    pub fn value<'a>(&'a self, row: &'a Row) -> &'a Value {
        const NULL: &Value = &Value::Null;
        match self {
            Self::Column(name) => row.value(name),
            Self::Literal(value) => value,
            // Unbound: nobody is asking, so nothing is granted by it.
            Self::AuthId | Self::AuthNumber | Self::AuthRole | Self::AuthClaim(_) => NULL,
        }
    }

    /// True for what is known of who asks, and not of the row.
    pub fn is_auth(&self) -> bool {
        matches!(self, Self::AuthId | Self::AuthNumber | Self::AuthRole | Self::AuthClaim(_))
    }
}

fn compare(a: &Value, b: &Value) -> Option<bool> {
    if a.is_null() || b.is_null() { None } else { Some(a == b) }
}

/// SQL's OR: true if any is true, else unknown if any is unknown, else false.
fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut unknown = false;
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(false) }
}
