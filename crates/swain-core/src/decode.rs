//! Reading a parsed JSON value into a type, with the place of what is wrong: `push.mutations[0].ops[2].set.title`.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::Name;
use crate::problem::{Code, Problem};
use crate::row::{Key, Row};
use crate::value::Value;

/// A value together with the way to it.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    value: &'a Value,
    parent: Option<&'a Node<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Member(&'a str),
    Index(usize),
}

impl<'a> Node<'a> {
    /// The start of a way, with a name for it.
    pub fn root(name: &'a str, value: &'a Value) -> Self {
        Self { value, parent: None, step: Step::Root(name) }
    }

    /// The value here.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// A problem at this place.
    pub fn problem(&self, code: Code, detail: impl Into<String>) -> Problem {
        Problem::new(code, detail).at(self)
    }

    /// A member, if it is there and not null.
    pub fn member(&'a self, name: &'a str) -> Result<Option<Node<'a>>, Problem> {
        let value = self.object()?.get(name);
        Ok(value.filter(|value| !value.is_null()).map(|value| self.down(value, Step::Member(name))))
    }

    /// A member that has to be there. It may be null.
    pub fn required(&'a self, name: &'a str) -> Result<Node<'a>, Problem> {
        match self.object()?.get(name) {
            Some(value) => Ok(self.down(value, Step::Member(name))),
            None => Err(self.problem(Code::MissingMember, format!("member '{name}' is missing"))),
        }
    }

    /// All members.
    pub fn members(&'a self) -> Result<Vec<(&'a Arc<str>, Node<'a>)>, Problem> {
        let members = self.object()?;
        Ok(members.iter().map(|(name, value)| (name, self.down(value, Step::Member(name)))).collect())
    }

    /// All items.
    pub fn items(&'a self) -> Result<Vec<Node<'a>>, Problem> {
        let Value::List(items) = self.value else {
            return Err(self.wrong("an array"));
        };
        Ok(items.iter().enumerate().map(|(index, value)| self.down(value, Step::Index(index))).collect())
    }

    /// Text.
    pub fn text(&self) -> Result<&'a str, Problem> {
        self.value.as_text().ok_or_else(|| self.wrong("text"))
    }

    /// A name of a table or column.
    pub fn name(&self) -> Result<Name, Problem> {
        self.text().map(Name::from)
    }

    /// A whole number from 0.
    pub fn count(&self) -> Result<u64, Problem> {
        let Value::Int(number) = self.value else {
            let beyond = matches!(self.value, Value::Float(number) if number.abs() >= 9_007_199_254_740_991.0);
            let code = if beyond { Code::NumberOutOfRange } else { Code::WrongType };
            return Err(self.problem(code, "a whole number from 0 to 2^53 − 1 is expected"));
        };
        u64::try_from(*number).map_err(|_| self.problem(Code::NumberOutOfRange, "the number is negative"))
    }

    /// A row or part of a row.
    pub fn row(&self) -> Result<Row, Problem> {
        Row::from_value(self.value).ok_or_else(|| self.wrong("an object"))
    }

    /// A key.
    pub fn key(&self) -> Result<Key, Problem> {
        match self.value {
            Value::List(values) if !values.is_empty() => Ok(Key(values.clone())),
            _ => Err(self.problem(Code::BadKey, "a key is a JSON array of the key columns' values")),
        }
    }

    /// The problem that something else is expected here.
    pub fn wrong(&self, expected: &str) -> Problem {
        self.problem(Code::WrongType, format!("{expected} is expected, this is {}", self.value.kind()))
    }

    fn object(&self) -> Result<&'a BTreeMap<Arc<str>, Value>, Problem> {
        match self.value {
            Value::Object(members) => Ok(members),
            _ => Err(self.wrong("an object")),
        }
    }

    fn down(&'a self, value: &'a Value, step: Step<'a>) -> Node<'a> {
        Node { value, parent: Some(self), step }
    }
}

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root(name) => f.write_str(name),
            Step::Member(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string())
    }
}
