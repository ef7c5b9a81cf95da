//! What the keys in an operation stand for, before rules and merge see it (spec M10).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use swain_core::limits::ALIAS_STEPS_MAX;
use swain_core::{
    Alias, Code, Ids, Key, Operation, Problem, Row, RowKey, Schema, Table, Value, referenced, referenced_before,
    replace,
};
use swain_store::{Transaction, WriteError};

use super::{Case, describe_key, taken};

impl<'a, T: Transaction> Case<'a, T> {
    /// The operation with its keys in their one form, and with the rows that temporary and lost keys stand for.
    /// None: it is to delete a row that was never made.
    pub(super) async fn named<'o>(
        &mut self,
        table: &Table,
        operation: &'o Operation,
    ) -> Result<Option<Cow<'o, Operation>>, WriteError> {
        let operation = normalised(table, operation)?;
        let mut targets: BTreeMap<RowKey, Key> = BTreeMap::new();
        for named in referenced(table, &operation) {
            if let Some(parent) = self.may_be_alias(&named) {
                match self.target(&named).await? {
                    Some(to) => drop(targets.insert(named, to)),
                    None if parent.is_temporary(&named.key) => return Err(parent_missing(&named).into()),
                    None => {}
                }
            }
        }
        for named in referenced_before(table, &operation) {
            if self.may_be_alias(&named).is_some()
                && let Some(to) = self.target(&named).await?
            {
                targets.insert(named, to);
            }
        }
        let own = operation.row();
        if table.is_temporary(&own.key) {
            match (&*operation, self.target(own).await?) {
                (Operation::Update { .. } | Operation::Delete { .. }, Some(to)) => {
                    drop(targets.insert(own.clone(), to))
                }
                (Operation::Update { .. }, None) => return Err(parent_missing(own).at("key").into()),
                (Operation::Delete { .. }, None) => {
                    self.verdict.won_any = true;
                    return Ok(None);
                }
                (Operation::Insert { .. } | Operation::Upsert { .. }, _) => {}
            }
        }
        if targets.is_empty() {
            return Ok(Some(operation));
        }
        Ok(Some(Cow::Owned(replace(table, &operation, &|row| targets.get(row).cloned()).into_owned())))
    }

    /// The row of a key; a key that lost an upsert stands for the row that won.
    pub(super) async fn current(&mut self, table: &Table, key: &Key) -> Result<Option<(Key, Row)>, WriteError> {
        if let Some(row) = self.tx.row(table, key).await? {
            return Ok(Some((key.clone(), row)));
        }
        if table.uniques.is_empty() {
            return Ok(None);
        }
        let Some(key) = self.target(&RowKey { table: table.name.clone(), key: key.clone() }).await? else {
            return Ok(None);
        };
        let row = self.tx.row(table, &key).await?;
        Ok(row.map(|row| (key, row)))
    }

    /// Adds a row under the key that the device gave, or under one that the database gives for a temporary one.
    pub(super) async fn add(&mut self, table: &Table, key: &Key, row: &Row) -> Result<Key, WriteError> {
        let proposed = RowKey { table: table.name.clone(), key: key.clone() };
        if table.is_temporary(key) {
            if let Some(real) = self.tx.alias(&self.submission.device, &proposed).await?
                && self.tx.row(table, &real).await?.is_some()
            {
                return Err(taken(table).into());
            }
            let to = self.tx.insert_new(table, row).await?;
            self.stands_for(table, key, &to).await?;
            return Ok(to);
        }
        if self.tx.row(table, key).await?.is_some() {
            return Err(taken(table).into());
        }
        self.tx.insert(table, row).await?;
        if !table.uniques.is_empty() && self.tx.alias(&self.submission.device, &proposed).await?.is_some() {
            // The key lost an upsert once; now it names a row of its own.
            self.stands_for(table, key, key).await?;
        }
        Ok(key.clone())
    }

    /// The device's key stands for another one from here on.
    pub(super) async fn stands_for(&mut self, table: &Table, from: &Key, to: &Key) -> Result<(), WriteError> {
        let alias = Alias { n: self.mutation.n, table: table.name.clone(), from: from.clone(), to: to.clone() };
        Ok(self.tx.add_alias(&self.submission.device, &alias).await?)
    }

    /// The table of a key that may be one that this device proposed: only such keys are looked up.
    fn may_be_alias(&self, named: &RowKey) -> Option<&'a Table> {
        let table = self.schema.tables.get(&named.table)?;
        (table.is_temporary(&named.key) || !table.uniques.is_empty()).then_some(table)
    }

    async fn target(&mut self, row: &RowKey) -> Result<Option<Key>, WriteError> {
        let mut place = row.clone();
        for _ in 0..ALIAS_STEPS_MAX {
            match self.tx.alias(&self.submission.device, &place).await? {
                Some(to) if to != place.key => place.key = to,
                Some(_) | None => break,
            }
        }
        Ok((place.key != row.key).then_some(place.key))
    }
}

/// The order in which operations are decided: as they came, but who names a row that a later one makes comes after it.
pub(super) fn in_order(schema: &Schema, operations: &[Operation]) -> Vec<usize> {
    let mut makers: BTreeMap<&RowKey, usize> = BTreeMap::new();
    for (index, operation) in operations.iter().enumerate() {
        let is_new = matches!(operation, Operation::Insert { .. } | Operation::Upsert { .. });
        let table = schema.tables.get(&operation.row().table).filter(|table| table.ids == Ids::Server);
        if is_new && table.is_some_and(|table| table.is_temporary(&operation.row().key)) {
            makers.entry(operation.row()).or_insert(index);
        }
    }
    if makers.is_empty() {
        return (0..operations.len()).collect();
    }
    let mut order = Order { schema, operations, makers, seen: BTreeSet::new(), done: Vec::new() };
    (0..operations.len()).for_each(|index| order.visit(index));
    order.done
}

struct Order<'o> {
    schema: &'o Schema,
    operations: &'o [Operation],
    makers: BTreeMap<&'o RowKey, usize>,
    seen: BTreeSet<usize>,
    done: Vec<usize>,
}

impl Order<'_> {
    /// A circle ends at who was seen first; its row is missing then, and the mutation is refused.
    fn visit(&mut self, start: usize) {
        let mut waiting = vec![start];
        while let Some(&index) = waiting.last() {
            self.seen.insert(index);
            let operation = &self.operations[index];
            let table = self.schema.tables.get(&operation.row().table);
            let named = table.map(|table| referenced(table, operation)).unwrap_or_default();
            let makers = named.iter().filter_map(|row| self.makers.get(row)).copied();
            let next = makers.into_iter().find(|maker| !self.seen.contains(maker));
            match next {
                Some(maker) => waiting.push(maker),
                None => {
                    waiting.pop();
                    if !self.done.contains(&index) {
                        self.done.push(index);
                    }
                }
            }
        }
    }
}

/// Keys in their one form, so that each is recognised however the device wrote it.
fn normalised<'o>(table: &Table, operation: &'o Operation) -> Result<Cow<'o, Operation>, Problem> {
    let key = table.normalise_key(&operation.row().key).map_err(|code| {
        Problem::new(code, format!("the key of '{}' is {}", table.name, describe_key(table))).at("key")
    })?;
    let mut normal = Cow::Borrowed(operation);
    if key != operation.row().key {
        normal.to_mut().row_mut().key = key;
    }
    for column in table.references.iter().flat_map(|reference| &reference.columns) {
        let (Operation::Insert { set, .. } | Operation::Update { set, .. } | Operation::Upsert { set, .. }) = &*normal
        else {
            continue;
        };
        let Some(value) = set.0.get(column) else { continue };
        let kind = table.columns.get(column).map(|column| column.kind);
        // What does not fit its column is refused with the other values.
        if let Some(Ok(new)) = kind.map(|kind| kind.normalise(value))
            && new != *value
        {
            set_column(normal.to_mut(), column, new);
        }
    }
    Ok(normal)
}

fn set_column(operation: &mut Operation, column: &swain_core::Name, value: Value) {
    if let Operation::Insert { set, .. } | Operation::Update { set, .. } | Operation::Upsert { set, .. } = operation {
        set.0.insert(column.clone(), value);
    }
}

fn parent_missing(row: &RowKey) -> Problem {
    let detail = format!("the row of '{}' that {} stands for was never made", row.table, row.key.canonical());
    Problem::new(Code::ParentMissing, detail)
}
