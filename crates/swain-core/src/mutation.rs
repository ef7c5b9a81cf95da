//! Mutations: what somebody wants (spec M1, M3).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::decode::Node;
use crate::hash::hash_text;
use crate::ids::{Millis, MutationNumber, Name, Pos};
use crate::limits::MUTATION_OPERATIONS_MAX;
use crate::problem::{Code, Problem};
use crate::row::{Row, RowKey};
use crate::value::Value;

/// Operations on one or several rows, all or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutation {
    /// Its number within the device.
    pub n: MutationNumber,
    /// The device's position when the edit was made; for the clamp of edit times and for display.
    pub base: Pos,
    /// When the person made the edit: device time plus measured offset.
    pub at: Millis,
    /// The schema version that the device knew.
    pub schema: u64,
    /// What to do, in order.
    pub operations: Vec<Operation>,
}

/// One operation on one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A new row: `key` and `set` together.
    Insert {
        /// Which row.
        row: RowKey,
        /// The columns that are not in the key.
        set: Row,
    },
    /// Changes of columns.
    Update {
        /// Which row.
        row: RowKey,
        /// New values.
        set: Row,
        /// What each new value was based on.
        was: BTreeMap<Name, Was>,
        /// What to add to numbers.
        inc: Row,
        /// What to add to sets: column to array.
        add: Row,
        /// What to take out of sets: column to array.
        remove: Row,
    },
    /// The row that has these values in a unique key is changed; when there is none, it is a new row (spec M11).
    Upsert {
        /// Which row, if it is a new one.
        row: RowKey,
        /// The columns of the unique key; their values are in `row` and `set`.
        on: Vec<Name>,
        /// The columns that are not in the key.
        set: Row,
        /// What each new value was based on, when the person saw the row; a column not named here had no value.
        was: BTreeMap<Name, Was>,
    },
    /// The row goes.
    Delete {
        /// Which row.
        row: RowKey,
        /// The hash of the row as the person saw it.
        seen: Option<String>,
    },
}

/// What the new value of a column was based on (spec M3).
#[derive(Clone, Debug, PartialEq)]
pub enum Was {
    /// This value.
    Value(Value),
    /// A value with this hash.
    Hash(String),
    /// The value that this device's mutation `n` left, still on its way.
    After(MutationNumber, Value),
}

impl Was {
    /// What an edit of `value` is based on: the value, or its hash when it is long.
    pub fn of(value: &Value) -> Self {
        let canonical = value.canonical();
        if canonical.len() > crate::limits::WAS_VALUE_BYTES_MAX {
            return Self::Hash(hash_text(&canonical));
        }
        Self::Value(value.clone())
    }

    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        if let Some(after) = node.member("after")? {
            let value = node.required("value")?.value().clone();
            return Ok(Self::After(MutationNumber(after.count()?), value));
        }
        if let Some(hash) = node.member("hash")? {
            return Ok(Self::Hash(hash.text()?.into()));
        }
        Ok(Self::Value(node.required("value")?.value().clone()))
    }

    fn to_value(&self) -> Value {
        let object = |members: Vec<(&str, Value)>| {
            Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
        };
        match self {
            Self::Value(value) => object(alloc::vec![("value", value.clone())]),
            Self::Hash(hash) => object(alloc::vec![("hash", Value::text(hash.as_str()))]),
            Self::After(n, value) => object(alloc::vec![("after", count(n.0)), ("value", value.clone())]),
        }
    }
}

impl Mutation {
    /// Reads a mutation; every problem names its place.
    pub fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let ops = node.required("ops")?;
        let items = ops.items()?;
        if items.is_empty() {
            return Err(ops.problem(Code::MissingMember, "a mutation has at least one operation"));
        }
        if items.len() > MUTATION_OPERATIONS_MAX {
            let detail = format!("a mutation has at most {MUTATION_OPERATIONS_MAX} operations");
            return Err(ops.problem(Code::LimitMutationOperations, detail));
        }
        let optional = |name| Ok(node.member(name)?.map(|node| node.count()).transpose()?.unwrap_or(0));
        Ok(Self {
            n: MutationNumber(node.required("n")?.count()?),
            base: Pos(optional("base")?),
            at: Millis(optional("at")?),
            schema: optional("schema")?,
            operations: items.iter().map(Operation::read).collect::<Result<_, Problem>>()?,
        })
    }

    /// The wire form.
    pub fn to_value(&self) -> Value {
        let operations = self.operations.iter().map(Operation::to_value).collect();
        object([
            ("n", count(self.n.0)),
            ("base", count(self.base.0)),
            ("at", count(self.at.0)),
            ("schema", count(self.schema)),
            ("ops", Value::List(operations)),
        ])
    }

    /// Tells two mutations of the same number apart (spec P14): over the operations, which a retry never changes.
    pub fn content_hash(&self) -> String {
        let operations = self.operations.iter().map(Operation::to_value).collect();
        hash_text(&Value::List(operations).canonical())
    }
}

impl Operation {
    /// The row that it is about.
    pub fn row(&self) -> &RowKey {
        match self {
            Self::Insert { row, .. }
            | Self::Update { row, .. }
            | Self::Upsert { row, .. }
            | Self::Delete { row, .. } => row,
        }
    }

    /// The same, to be changed.
    pub fn row_mut(&mut self) -> &mut RowKey {
        match self {
            Self::Insert { row, .. }
            | Self::Update { row, .. }
            | Self::Upsert { row, .. }
            | Self::Delete { row, .. } => row,
        }
    }

    /// Reads an operation.
    pub fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let members = node.members()?;
        let [(kind, body)] = members.as_slice() else {
            return Err(
                node.problem(Code::MalformedMessage, "an operation is {insert}, {update}, {upsert} or {delete}")
            );
        };
        let row = RowKey { table: body.required("table")?.name()?, key: body.required("key")?.key()? };
        let part = |name| Ok(body.member(name)?.map(|node| node.row()).transpose()?.unwrap_or_default());
        match &***kind {
            "insert" => Ok(Self::Insert { row, set: part("set")? }),
            "upsert" => {
                let on = body.required("on")?;
                let columns = on.items()?.iter().map(Node::name).collect::<Result<Vec<_>, _>>()?;
                if columns.is_empty() {
                    return Err(on.problem(Code::NotUnique, "an upsert names the columns of a unique key"));
                }
                Ok(Self::Upsert { row, on: columns, set: part("set")?, was: read_was(body)? })
            }
            "delete" => {
                let seen = body.member("seen")?.map(|seen| seen.text().map(String::from)).transpose()?;
                Ok(Self::Delete { row, seen })
            }
            "update" => {
                let operation = Self::Update {
                    row,
                    set: part("set")?,
                    was: read_was(body)?,
                    inc: part("inc")?,
                    add: part("add")?,
                    remove: part("remove")?,
                };
                operation.check_columns(body)?;
                Ok(operation)
            }
            other => Err(node.problem(Code::MalformedMessage, format!("there is no operation '{other}'"))),
        }
    }

    /// The wire form.
    pub fn to_value(&self) -> Value {
        let RowKey { table, key } = self.row();
        let mut body = alloc::vec![("table", Value::text(table.as_str())), ("key", Value::List(key.0.clone()))];
        if let Self::Upsert { on, .. } = self {
            body.push(("on", Value::List(on.iter().map(|name| Value::text(name.as_str())).collect())));
        }
        let mut part = |name, row: &Row| {
            if !row.0.is_empty() {
                body.push((name, row.to_value()));
            }
        };
        let kind = match self {
            Self::Insert { set, .. } => {
                part("set", set);
                "insert"
            }
            Self::Delete { seen, .. } => {
                body.extend(seen.iter().map(|seen| ("seen", Value::text(seen.as_str()))));
                "delete"
            }
            Self::Update { set, was, inc, add, remove, .. } => {
                part("set", set);
                part("inc", inc);
                part("add", add);
                part("remove", remove);
                body.extend(was_member(was));
                "update"
            }
            Self::Upsert { set, was, .. } => {
                part("set", set);
                body.extend(was_member(was));
                "upsert"
            }
        };
        object([(kind, object(body))])
    }

    fn check_columns(&self, body: &Node<'_>) -> Result<(), Problem> {
        let Self::Update { set, was, inc, add, remove, .. } = self else {
            return Ok(());
        };
        for column in set.0.keys() {
            if !was.contains_key(column) {
                return Err(body.problem(Code::MissingMember, format!("'was' does not say what {column} was")));
            }
        }
        // Add and remove may name one column together; every other pair may not.
        let in_sets = |column: &Name| add.0.contains_key(column) || remove.0.contains_key(column);
        let twice = |column: &&Name| {
            [set.0.contains_key(*column), inc.0.contains_key(*column), in_sets(column)]
                .iter()
                .filter(|in_it| **in_it)
                .count()
                > 1
        };
        match set.0.keys().chain(inc.0.keys()).find(twice) {
            Some(column) => Err(body.problem(Code::ColumnTwice, format!("{column} is changed in two ways"))),
            None => Ok(()),
        }
    }
}

fn was_member(was: &BTreeMap<Name, Was>) -> Option<(&'static str, Value)> {
    let members = was.iter().map(|(name, was)| (name.into(), was.to_value()));
    (!was.is_empty()).then(|| ("was", Value::Object(members.collect())))
}

fn read_was(body: &Node<'_>) -> Result<BTreeMap<Name, Was>, Problem> {
    let Some(was) = body.member("was")? else {
        return Ok(BTreeMap::new());
    };
    let members = was.members()?;
    members.iter().map(|(name, node)| Ok(((*name).clone().into(), Was::read(node)?))).collect()
}

pub(crate) fn count(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Null, Value::int64)
}

pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}
