//! A room: a scope of a table, or a table whose rows belong to nobody in particular (spec R18).

use swain_core::decode::Node;
use swain_core::rule::{Expression, Operand, ScopeRight};
use swain_core::shape::Shape;
use swain_core::{Code, Name, Problem, Row, Schema, Value};

use crate::matching::LiveShape;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Room {
    table: Name,
    scope: Option<(Name, Value)>,
}

impl Room {
    /// The room that a shape names, by the schema as its user sees it.
    pub(crate) fn of(shape: &Shape, seen: &Schema) -> Result<Self, Problem> {
        let value = shape.to_value();
        let place = Node::root("presence.room", &value);
        let scope = match shape.predicate(seen, &place)? {
            Expression::Constant(true) => None,
            Expression::Equal(Operand::Column(column), Operand::Literal(value)) if !value.is_null() => {
                Some((column, value))
            }
            _ => {
                let detail = "a room is a table, or one of its scopes: \"where\":{\"eq\":[column, value]}";
                return Err(Problem::new(Code::BadFilter, detail).at("presence.room.where"));
            }
        };
        Ok(Self { table: shape.table.clone(), scope })
    }

    pub(crate) fn table(&self) -> &Name {
        &self.table
    }

    pub(crate) fn column(&self) -> Option<&Name> {
        self.scope.as_ref().map(|(column, _)| column)
    }

    pub(crate) fn has(&self, row: &Row) -> bool {
        self.scope.as_ref().is_none_or(|(column, value)| row.value(column) == value)
    }

    /// Whether one of these shapes may read rows of the scope. Where the rule asks who somebody is, the scope itself has
    /// to be granted; where it does not, everybody who holds a shape of it is in the same room.
    pub(crate) fn admits(&self, held: &[LiveShape], rule: &Expression) -> bool {
        let asks_who = !rule.auth_columns().is_empty();
        let mut shapes = held.iter().filter(|shape| shape.table == self.table);
        shapes.any(|shape| match shape.predicate.scope_right(self.scope.as_ref()) {
            ScopeRight::Held => true,
            ScopeRight::Open => !asks_who,
            ScopeRight::Refused => false,
        })
    }
}
