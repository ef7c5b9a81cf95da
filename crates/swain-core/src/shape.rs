//! Shapes: what a device holds (spec R6, R7).

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use crate::decode::Node;
use crate::hash::hash_text;
use crate::ids::Name;
use crate::limits::{FILTER_DEPTH_MAX, FILTER_NODES_MAX, FILTER_VALUES_MAX};
use crate::mutation::object;
use crate::problem::{Code, Problem};
use crate::rule::{Auth, Expression, Operand};
use crate::schema::{Schema, Table};
use crate::value::Value;

/// A table, and which of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The table.
    pub table: Name,
    /// The filter as the device wrote it.
    pub filter: Option<Value>,
}

impl Shape {
    /// All rows of a table that the user may read.
    pub fn table(table: &str) -> Self {
        Self { table: table.into(), filter: None }
    }

    /// Reads a shape. The filter is read later, against the schema.
    pub fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let filter = node.member("where")?.map(|node| node.value().clone());
        Ok(Self { table: node.required("table")?.name()?, filter })
    }

    /// The wire form.
    pub fn to_value(&self) -> Value {
        let table = ("table", Value::text(self.table.as_str()));
        object([table].into_iter().chain(self.filter.clone().map(|filter| ("where", filter))))
    }

    /// The filter as a predicate, checked against the schema and the limits.
    pub fn predicate(&self, schema: &Schema, place: &Node<'_>) -> Result<Expression, Problem> {
        let table = schema
            .table(&self.table)
            .map_err(|code| place.problem(code, format!("the table '{}' is not synced", self.table)))?;
        let Some(filter) = place.member("where")? else {
            return Ok(Expression::Constant(true));
        };
        let mut nodes = 0;
        let predicate = read_filter(table, &filter, 1, &mut nodes)?;
        if predicate.scope(&table.scopes).is_none() {
            let detail = format!("a filter on '{}' has to name one of its scope columns by eq or in", self.table);
            return Err(filter.problem(Code::ShapeNeedsScope, detail));
        }
        Ok(predicate)
    }

    /// What the shape's promise depends on (spec R7): another view means that the rows are loaded anew.
    pub fn view(&self, auth: &Auth, rule: &str, table: &Table) -> alloc::string::String {
        let mut parts = alloc::vec![self.to_value(), auth.id(), auth.role(), Value::text(rule), table.to_value()];
        if !auth.claims.is_empty() {
            let claims = auth.claims.iter().map(|(name, value)| (name.into(), value.clone()));
            parts.push(Value::Object(claims.collect()));
        }
        hash_text(&Value::List(parts).canonical())
    }
}

fn read_filter(table: &Table, node: &Node<'_>, depth: usize, nodes: &mut usize) -> Result<Expression, Problem> {
    *nodes += 1;
    if depth > FILTER_DEPTH_MAX || *nodes > FILTER_NODES_MAX {
        let detail = format!("a filter is at most {FILTER_DEPTH_MAX} deep and has at most {FILTER_NODES_MAX} nodes");
        return Err(node.problem(Code::LimitFilter, detail));
    }
    let members = node.members()?;
    let [(kind, body)] = members.as_slice() else {
        return Err(node.problem(Code::BadFilter, "a filter is one of eq, in, isNull, and, or, not"));
    };
    let mut parts = || -> Result<Vec<Expression>, Problem> {
        body.items()?.iter().map(|part| read_filter(table, part, depth + 1, nodes)).collect()
    };
    match &***kind {
        "and" => Ok(Expression::And(parts()?)),
        "or" => Ok(Expression::Or(parts()?)),
        "not" => Ok(Expression::Not(Box::new(read_filter(table, body, depth + 1, nodes)?))),
        "isNull" => Ok(Expression::IsNull(Operand::Column(column(table, body)?))),
        "eq" => {
            let (name, value) = pair(table, body)?;
            let value = literal(table, &name, &value)?;
            Ok(Expression::Equal(Operand::Column(name), Operand::Literal(value)))
        }
        "in" => {
            let (name, list) = pair(table, body)?;
            let values = list.items()?;
            if values.len() > FILTER_VALUES_MAX {
                return Err(list.problem(Code::LimitFilter, format!("at most {FILTER_VALUES_MAX} values")));
            }
            let values = values.iter().map(|value| literal(table, &name, value)).collect::<Result<_, _>>()?;
            Ok(Expression::In(Operand::Column(name), values))
        }
        other => Err(node.problem(Code::BadFilter, format!("there is no filter '{other}'"))),
    }
}

fn pair<'a>(table: &Table, node: &'a Node<'a>) -> Result<(Name, Node<'a>), Problem> {
    let items = node.items()?;
    let [name, value] = items.as_slice() else {
        return Err(node.problem(Code::BadFilter, "a column and a value are expected"));
    };
    Ok((column(table, name)?, *value))
}

fn column(table: &Table, node: &Node<'_>) -> Result<Name, Problem> {
    let name = node.name()?;
    let found = table.column(&name).map(|_| name.clone());
    found.map_err(|code| node.problem(code, format!("'{}' has no column '{name}'", table.name)))
}

fn literal(table: &Table, name: &Name, node: &Node<'_>) -> Result<Value, Problem> {
    let column = table.column(name).map_err(|code| node.problem(code, "no such column"))?;
    let value = column.kind.normalise(node.value());
    value.map_err(|code| node.problem(code, format!("'{name}' takes {}", column.kind.as_str())))
}
