//! What a predicate says of a scope as a whole (spec R18).

use alloc::collections::BTreeSet;

use super::Expression;
use crate::ids::Name;
use crate::row::Row;
use crate::value::Value;

/// What somebody may do with the rows of a scope, as far as the scope decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeRight {
    /// The scope is granted; single rows of it may not be.
    Held,
    /// No row of it is granted.
    Refused,
    /// The scope decides nothing.
    Open,
}

impl Expression {
    /// What this says of all rows with that value in that column, or of the whole table. It must be bound and resolved.
    pub fn scope_right(&self, scope: Option<&(Name, Value)>) -> ScopeRight {
        let mut known = Row::default();
        if let Some((column, value)) = scope {
            known.set(column.clone(), value.clone());
        }
        self.right_in(&known)
    }

    fn right_in(&self, known: &Row) -> ScopeRight {
        use ScopeRight::{Held, Open, Refused};
        let is_known = |column: &Name| known.0.contains_key(column);
        match self {
            _ if self.columns().iter().all(is_known) => {
                if self.grants(known) {
                    Held
                } else {
                    Refused
                }
            }
            Self::And(parts) => {
                let rights: BTreeSet<ScopeRight> = parts.iter().map(|part| part.right_in(known)).collect();
                [Refused, Held].into_iter().find(|right| rights.contains(right)).unwrap_or(Open)
            }
            Self::Or(parts) => {
                let rights: BTreeSet<ScopeRight> = parts.iter().map(|part| part.right_in(known)).collect();
                [Held, Open].into_iter().find(|right| rights.contains(right)).unwrap_or(Refused)
            }
            _ => Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec;

    use super::ScopeRight::{Held, Open, Refused};
    use super::*;
    use crate::rule::Operand;

    fn is(column: &str, value: &str) -> Expression {
        Expression::Equal(Operand::Column(column.into()), Operand::Literal(Value::text(value)))
    }

    #[test]
    fn a_scope_is_granted_by_what_names_it_and_by_nothing_else() {
        let (held, refused, open) = (is("project", "p"), is("project", "q"), is("owner", "ada"));
        let and = |parts: &[&Expression]| Expression::And(parts.iter().map(|part| (*part).clone()).collect());
        let or = |parts: &[&Expression]| Expression::Or(parts.iter().map(|part| (*part).clone()).collect());
        let cases = [
            (held.clone(), Held),
            (refused.clone(), Refused),
            (open.clone(), Open),
            (Expression::Constant(true), Held),
            (Expression::Constant(false), Refused),
            (Expression::Not(Box::new(held.clone())), Refused),
            (Expression::Not(Box::new(open.clone())), Open),
            (and(&[&held, &open]), Held),
            (and(&[&held, &refused, &open]), Refused),
            (or(&[&refused, &open]), Open),
            (or(&[&held, &open]), Held),
            (or(&[&refused, &and(&[&refused, &held])]), Refused),
            (Expression::In(Operand::Column("project".into()), vec![Value::text("o"), Value::text("p")]), Held),
        ];
        let scope = ("project".into(), Value::text("p"));
        for (predicate, right) in cases {
            assert_eq!(predicate.scope_right(Some(&scope)), right, "{predicate:?}");
            // Of a scope that is refused no row is granted, whatever else is in it.
            for owner in [Value::text("ada"), Value::text("ben"), Value::Null] {
                let row = Row::default().with("project", "p").with("owner", owner);
                assert!(right != Refused || !predicate.grants(&row), "{predicate:?}");
            }
        }
        assert_eq!((held.scope_right(None), Expression::Constant(true).scope_right(None)), (Open, Held));
    }
}
