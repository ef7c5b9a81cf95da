//! Aliases: what a key that a device proposed stands for (spec M10, M11, P25).
//!
//! A device never changes what it has written into its outbox: a retry has to be the same bytes. So a key is replaced where
//! an operation is looked at, on the device for the overlay, on the server before rules and merge; both do it here.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::decode::Node;
use crate::ids::{MutationNumber, Name};
use crate::limits::ALIAS_STEPS_MAX;
use crate::mutation::{Operation, Was, count, object};
use crate::problem::Problem;
use crate::row::{Key, Row, RowKey};
use crate::schema::{Reference, Schema, Table};
use crate::value::Value;

/// A key that a device proposed, and the key of the row that came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The device's mutation that proposed the key.
    pub n: MutationNumber,
    /// The table of the row.
    pub table: Name,
    /// The proposed key.
    pub from: Key,
    /// The row's key. The same as `from`: an earlier alias is void.
    pub to: Key,
}

/// The aliases that a device knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    rows: BTreeMap<RowKey, Target>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    key: Key,
    n: MutationNumber,
}

impl Alias {
    /// The place that the proposed key names.
    pub fn proposed(&self) -> RowKey {
        RowKey { table: self.table.clone(), key: self.from.clone() }
    }
}

impl Alias {
    /// Reads the member `alias` of a frame; none is an empty list.
    pub(crate) fn read_all(frame: &Node<'_>) -> Result<Vec<Self>, Problem> {
        let Some(list) = frame.member("alias")? else {
            return Ok(Vec::new());
        };
        let read = |node: &Node<'_>| {
            Ok(Self {
                n: MutationNumber(node.required("n")?.count()?),
                table: node.required("table")?.name()?,
                from: node.required("from")?.key()?,
                to: node.required("to")?.key()?,
            })
        };
        list.items()?.iter().map(read).collect()
    }

    /// The wire form.
    pub fn to_value(&self) -> Value {
        object([
            ("n", count(self.n.0)),
            ("table", Value::text(self.table.as_str())),
            ("from", Value::List(self.from.0.clone())),
            ("to", Value::List(self.to.0.clone())),
        ])
    }
}

impl FromIterator<Alias> for Aliases {
    fn from_iter<I: IntoIterator<Item = Alias>>(aliases: I) -> Self {
        let mut all = Self::default();
        aliases.into_iter().for_each(|alias| all.insert(alias));
        all
    }
}

impl Aliases {
    /// Learns an alias, or forgets one that is void.
    pub fn insert(&mut self, alias: Alias) {
        let proposed = alias.proposed();
        if alias.from == alias.to {
            self.rows.remove(&proposed);
        } else {
            self.rows.insert(proposed, Target { key: alias.to, n: alias.n });
        }
    }

    /// Forgets an alias.
    pub fn remove(&mut self, proposed: &RowKey) {
        self.rows.remove(proposed);
    }

    /// True when nothing would change by learning it.
    pub fn knows(&self, alias: &Alias) -> bool {
        match self.rows.get(&alias.proposed()) {
            Some(target) => target.key == alias.to,
            None => alias.from == alias.to,
        }
    }

    /// All of them, in order of table and proposed key.
    pub fn all(&self) -> impl Iterator<Item = Alias> + '_ {
        self.rows.iter().map(|(proposed, target)| Alias {
            n: target.n,
            table: proposed.table.clone(),
            from: proposed.key.clone(),
            to: target.key.clone(),
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The key that a key stands for now; none: itself.
    pub fn target(&self, row: &RowKey) -> Option<Key> {
        let mut key = self.rows.get(row).map(|target| &target.key)?;
        for _ in 0..ALIAS_STEPS_MAX {
            let place = RowKey { table: row.table.clone(), key: key.clone() };
            match self.rows.get(&place) {
                Some(next) => key = &next.key,
                None => break,
            }
        }
        Some(key.clone())
    }

    /// The oldest, by the mutation that proposed it.
    pub fn oldest(&self) -> Option<RowKey> {
        self.rows.iter().min_by_key(|(_, target)| target.n).map(|(proposed, _)| proposed.clone())
    }

    /// The row that a person means by a key, whichever they know.
    pub fn row<'r>(&self, schema: &Schema, row: &'r RowKey) -> Cow<'r, RowKey> {
        match schema.tables.get(&row.table) {
            Some(table) if !self.is_empty() => replaced_row(table, row, &|place| self.target(place)),
            Some(_) | None => Cow::Borrowed(row),
        }
    }

    /// An operation with every key in it replaced by what it stands for.
    pub fn operation<'o>(&self, schema: &Schema, operation: &'o Operation) -> Cow<'o, Operation> {
        match schema.tables.get(&operation.row().table) {
            Some(table) if !self.is_empty() => replace(table, operation, &|place| self.target(place)),
            Some(_) | None => Cow::Borrowed(operation),
        }
    }

    /// The same for a list of operations.
    pub fn operations<'o>(&self, schema: &Schema, operations: &'o [Operation]) -> Cow<'o, [Operation]> {
        let replaced: Vec<_> = operations.iter().map(|operation| self.operation(schema, operation)).collect();
        if replaced.iter().all(|operation| matches!(operation, Cow::Borrowed(_))) {
            return Cow::Borrowed(operations);
        }
        Cow::Owned(replaced.into_iter().map(Cow::into_owned).collect())
    }
}

/// Every row that an operation names by its references, in its key and in its values.
pub fn referenced(table: &Table, operation: &Operation) -> Vec<RowKey> {
    let parts = Parts::of(table, operation);
    table.references.iter().filter_map(|reference| parts.referenced(reference)).collect()
}

/// Every row that the values were the keys of on which an edit is based.
pub fn referenced_before(table: &Table, operation: &Operation) -> Vec<RowKey> {
    let parts = Parts::of(table, operation);
    table.references.iter().filter_map(|reference| parts.referenced_before(reference)).collect()
}

/// The operation with its references and then its own key replaced by what they stand for.
pub fn replace<'o>(
    table: &Table,
    operation: &'o Operation,
    target: &dyn Fn(&RowKey) -> Option<Key>,
) -> Cow<'o, Operation> {
    let mut replaced = Cow::Borrowed(operation);
    for reference in &table.references {
        let parts = Parts::of(table, &replaced);
        let (now, before) = (parts.referenced(reference), parts.referenced_before(reference));
        if let Some(to) = now.as_ref().and_then(target) {
            put_reference(table, replaced.to_mut(), reference, &to);
        }
        if let Some(to) = before.as_ref().and_then(target) {
            put_reference_before(replaced.to_mut(), reference, &to);
        }
    }
    if let Some(key) = target(replaced.row()) {
        replaced.to_mut().row_mut().key = key;
    }
    replaced
}

/// A row's place with the references in its key and then the key itself replaced.
fn replaced_row<'r>(table: &Table, row: &'r RowKey, target: &dyn Fn(&RowKey) -> Option<Key>) -> Cow<'r, RowKey> {
    let mut replaced = Cow::Borrowed(row);
    for reference in &table.references {
        let places: Option<Vec<usize>> = reference.columns.iter().map(|column| table.key_place(column)).collect();
        let Some(places) = places else { continue };
        let values = places.iter().map(|place| replaced.key.0.get(*place).cloned()).collect::<Option<Vec<_>>>();
        let named = values.map(|values| RowKey { table: reference.table.clone(), key: Key(values) });
        if let Some(to) = named.as_ref().and_then(target) {
            for (place, value) in places.into_iter().zip(to.0) {
                replaced.to_mut().key.0[place] = value;
            }
        }
    }
    if let Some(key) = target(&replaced) {
        replaced.to_mut().key = key;
    }
    replaced
}

/// The parts of an operation in which references are looked for.
struct Parts<'o> {
    table: &'o Table,
    key: &'o Key,
    set: Option<&'o Row>,
    was: Option<&'o BTreeMap<Name, Was>>,
}

impl<'o> Parts<'o> {
    fn of(table: &'o Table, operation: &'o Operation) -> Self {
        let key = &operation.row().key;
        let (set, was) = match operation {
            Operation::Insert { set, .. } => (Some(set), None),
            Operation::Update { set, was, .. } | Operation::Upsert { set, was, .. } => (Some(set), Some(was)),
            Operation::Delete { .. } => (None, None),
        };
        Self { table, key, set, was }
    }

    fn referenced(&self, reference: &Reference) -> Option<RowKey> {
        named_by(reference, |column| match self.table.key_place(column) {
            Some(place) => self.key.0.get(place),
            None => self.set?.0.get(column),
        })
    }

    fn referenced_before(&self, reference: &Reference) -> Option<RowKey> {
        named_by(reference, |column| match self.was?.get(column)? {
            Was::Value(value) | Was::After(_, value) => Some(value),
            Was::Hash(_) => None,
        })
    }
}

fn named_by<'v>(reference: &Reference, value: impl Fn(&Name) -> Option<&'v Value>) -> Option<RowKey> {
    let values = reference.columns.iter().map(|column| value(column).filter(|value| !value.is_null()).cloned());
    Some(RowKey { table: reference.table.clone(), key: Key(values.collect::<Option<_>>()?) })
}

fn put_reference(table: &Table, operation: &mut Operation, reference: &Reference, to: &Key) {
    for (column, value) in reference.columns.iter().zip(&to.0) {
        if let Some(place) = table.key_place(column) {
            operation.row_mut().key.0[place] = value.clone();
            continue;
        }
        if let Operation::Insert { set, .. } | Operation::Update { set, .. } | Operation::Upsert { set, .. } = operation
        {
            set.0.insert(column.clone(), value.clone());
        }
    }
}

fn put_reference_before(operation: &mut Operation, reference: &Reference, to: &Key) {
    let (Operation::Update { was, .. } | Operation::Upsert { was, .. }) = operation else { return };
    for (column, value) in reference.columns.iter().zip(&to.0) {
        if let Some(Was::Value(before) | Was::After(_, before)) = was.get_mut(column) {
            *before = value.clone();
        }
    }
}
