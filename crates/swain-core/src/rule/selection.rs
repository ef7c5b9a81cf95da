//! The inner SELECT of a rule, and the values that it gives at one position (spec R8, R9).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;

use super::{Expression, Operand};
use crate::ids::Name;
use crate::row::Row;
use crate::value::Value;

/// `SELECT column FROM table WHERE condition`. It names no column of the row outside: a correlated one was rewritten.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selection {
    /// The inner table.
    pub table: Name,
    /// What it selects: a column of the inner table, or a literal (what EXISTS looks for).
    pub column: Operand,
    /// Which of its rows.
    pub condition: Expression,
}

/// The values that a selection gives. Null among them makes every miss unknown, as in SQL.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueSet {
    /// The values, without null.
    pub values: BTreeSet<Value>,
    /// True when null is among them.
    pub has_null: bool,
}

impl Selection {
    /// What a row of the inner table contributes; none if the condition does not grant it. The condition has no selection left.
    pub fn contributed(&self, row: &Row) -> Option<Value> {
        self.condition.grants(row).then(|| self.column.value(row).clone())
    }
}

impl ValueSet {
    /// `value IN (these)`, three-valued.
    pub fn contains(&self, value: &Value) -> Option<bool> {
        if value.is_null() {
            return if self.values.is_empty() && !self.has_null { Some(false) } else { None };
        }
        match (self.values.contains(value), self.has_null) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        }
    }

    /// The values that are in one of the two only.
    pub fn difference(&self, other: &ValueSet) -> BTreeSet<Value> {
        self.values.symmetric_difference(&other.values).cloned().collect()
    }
}

impl FromIterator<Value> for ValueSet {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut set = Self::default();
        for value in values {
            if value.is_null() {
                set.has_null = true;
            } else {
                set.values.insert(value);
            }
        }
        set
    }
}

impl Expression {
    /// The same predicate over a row whose columns have other names. Inner SELECTs name no column of the row.
    #[must_use]
    pub fn renamed(&self, name: &dyn Fn(&Name) -> Name) -> Expression {
        let operand = |operand: &Operand| match operand {
            Operand::Column(column) => Operand::Column(name(column)),
            other => other.clone(),
        };
        let all = |parts: &[Expression]| parts.iter().map(|part| part.renamed(name)).collect();
        match self {
            Self::Constant(truth) => Self::Constant(*truth),
            Self::Equal(a, b) => Self::Equal(operand(a), operand(b)),
            Self::Differs(a, b) => Self::Differs(operand(a), operand(b)),
            Self::Compare(a, how, b, kind) => Self::Compare(operand(a), *how, operand(b), *kind),
            Self::In(a, values) => Self::In(operand(a), values.clone()),
            Self::Member(a, selection) => Self::Member(operand(a), selection.clone()),
            Self::Among(a, set) => Self::Among(operand(a), Arc::clone(set)),
            Self::IsNull(a) => Self::IsNull(operand(a)),
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Not(part) => Self::Not(alloc::boxed::Box::new(part.renamed(name))),
        }
    }

    /// The same predicate with every selection replaced by its values: what is left depends on the row alone.
    pub fn resolve(&self, values: &mut dyn FnMut(&Selection) -> Arc<ValueSet>) -> Expression {
        match self {
            Self::Member(operand, selection) => Self::Among(operand.clone(), values(selection)),
            Self::And(parts) => Self::And(parts.iter().map(|part| part.resolve(values)).collect()),
            Self::Or(parts) => Self::Or(parts.iter().map(|part| part.resolve(values)).collect()),
            Self::Not(part) => Self::Not(alloc::boxed::Box::new(part.resolve(values))),
            other => other.clone(),
        }
    }

    /// Shows every selection that stands in this predicate itself, in order; what is inside them is not looked into.
    pub fn selections(&self, see: &mut dyn FnMut(&Operand, &Selection)) {
        match self {
            Self::Member(operand, selection) => see(operand, selection),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.selections(see)),
            Self::Not(part) => part.selections(see),
            _ => {}
        }
    }

    /// Shows every set of values that this resolved predicate compares with, in the order of [`Expression::selections`].
    pub fn sets(&self, see: &mut dyn FnMut(&Operand, &Arc<ValueSet>)) {
        match self {
            Self::Among(operand, set) => see(operand, set),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.sets(see)),
            Self::Not(part) => part.sets(see),
            _ => {}
        }
    }

    /// True when a selection is left in it.
    pub fn has_selections(&self) -> bool {
        let mut any = false;
        self.selections(&mut |_, _| any = true);
        any
    }
}

/// The predicate on tables that are in memory: the reference meaning, which stores are compared with.
pub fn resolve_in(expression: &Expression, tables: &dyn Fn(&Name) -> alloc::vec::Vec<Row>) -> Expression {
    let mut known: BTreeMap<Selection, Arc<ValueSet>> = BTreeMap::new();
    expression.resolve(&mut |selection| {
        if let Some(set) = known.get(selection) {
            return Arc::clone(set);
        }
        let condition = resolve_in(&selection.condition, tables);
        let resolved = Selection { condition, ..selection.clone() };
        let set = Arc::new(tables(&selection.table).iter().filter_map(|row| resolved.contributed(row)).collect());
        known.insert(selection.clone(), Arc::clone(&set));
        set
    })
}
