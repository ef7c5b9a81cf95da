//! The writer's transaction: changes go to the tables at once and are undone from what was noted.

use std::collections::BTreeMap;
use std::future::{Future, ready};

use swain_core::limits::LEDGER_RESULTS_MAX;
use swain_core::merge::LastWrite;
use swain_core::rule::Expression;
use swain_core::{
    Alias, Change, Code, Constraint, DeviceId, Key, Millis, MutationNumber, Name, Pos, Problem, Row, RowKey, Table,
    Value, Who,
};

use super::{PlantedBug, State};
use crate::contract::{DeviceRow, LedgerRow, Transaction, WriteTransaction};
use crate::error::{StoreError, WriteError};

pub(super) struct MemoryTransaction<'a> {
    state: &'a mut State,
    /// The rows that this mutation touched, as they were before it.
    before: BTreeMap<RowKey, Option<Row>>,
    /// The aliases that it made, with what the keys stood for before it.
    aliases_before: Vec<AliasBefore>,
}

struct AliasBefore {
    device: DeviceId,
    proposed: RowKey,
    before: Option<(Key, MutationNumber)>,
}

impl<'a> MemoryTransaction<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        Self { state, before: BTreeMap::new(), aliases_before: Vec::new() }
    }

    fn current(&self, table: &Name, key: &Key) -> Option<Row> {
        self.state.tables.get(table).and_then(|rows| rows.get(key)).cloned()
    }

    fn write(&mut self, table: &Table, key: &Key, row: Option<Row>) -> Result<(), WriteError> {
        if let Some(row) = &row {
            self.check(table, row)?;
        }
        let place = RowKey { table: table.name.clone(), key: key.clone() };
        let before = self.current(&table.name, key);
        self.before.entry(place.clone()).or_insert(before);
        self.put(place, row);
        Ok(())
    }

    fn put(&mut self, place: RowKey, row: Option<Row>) {
        let rows = self.state.tables.entry(place.table).or_default();
        match row {
            Some(row) => rows.insert(place.key, row),
            None => rows.remove(&place.key),
        };
    }

    fn check(&self, table: &Table, row: &Row) -> Result<(), Problem> {
        let missing = table.columns.iter().find(|(name, column)| !column.nullable && row.value(name).is_null());
        if let Some((name, _)) = missing {
            let problem = Problem::new(Code::NotNull, format!("{}.{name} needs a value", table.name)).at(name);
            return Err(problem.breaks(Constraint::new(&table.name, vec![name.clone()], "NOT NULL")));
        }
        let checks = self.state.checks.get(&table.name).into_iter().flatten();
        // As in SQL, a CHECK that is unknown passes.
        let failed = checks.into_iter().find(|(_, check)| Expression::Not(Box::new(check.clone())).grants(row));
        match failed {
            Some((name, check)) => {
                let columns = check.columns().into_iter().collect();
                let problem = Problem::new(Code::CheckFailed, format!("{}: {name}", table.name)).at(name);
                Err(problem.breaks(Constraint::new(&table.name, columns, name)))
            }
            None => Ok(()),
        }
    }

    fn changes(&mut self) -> Vec<Change> {
        let before = std::mem::take(&mut self.before);
        let changes = before.into_iter().map(|(row, before)| {
            let after = self.current(&row.table, &row.key);
            Change { row, before, after, actor: None }
        });
        changes.filter(|change| change.before != change.after).collect()
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn row(&mut self, table: &Table, key: &Key) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send {
        ready(Ok(self.current(&table.name, key)))
    }

    fn exists(
        &mut self,
        table: &Table,
        predicate: &Expression,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let predicate = self.state.resolve(predicate);
        let rows = self.state.tables.get(&table.name).into_iter().flatten();
        ready(Ok(rows.into_iter().any(|(_, row)| predicate.grants(row))))
    }

    fn insert(&mut self, table: &Table, row: &Row) -> impl Future<Output = Result<(), WriteError>> + Send {
        let mut complete: Row = table.columns.keys().map(|name| (name.clone(), Value::Null)).collect();
        complete.0.extend(row.0.clone());
        let key = row.key(table);
        ready(self.write(table, &key, Some(complete)))
    }

    fn insert_new(&mut self, table: &Table, row: &Row) -> impl Future<Output = Result<Key, WriteError>> + Send {
        let rows = self.state.tables.get(&table.name).into_iter().flat_map(BTreeMap::keys);
        let highest = rows.filter_map(|key| key.0.first().and_then(Value::as_int)).max().unwrap_or(0);
        let last = self.state.ids.entry(table.name.clone()).or_insert(0);
        *last = highest.max(*last) + 1;
        let key = Key::of(Value::int64(*last));
        let mut complete: Row = table.columns.keys().map(|name| (name.clone(), Value::Null)).collect();
        complete.0.extend(row.0.clone());
        complete.0.extend(table.key.iter().cloned().zip(key.0.iter().cloned()));
        ready(self.write(table, &key, Some(complete)).map(|()| key))
    }

    fn find(&mut self, table: &Table, values: &Row) -> impl Future<Output = Result<Option<Key>, StoreError>> + Send {
        let holds = |row: &Row| values.0.iter().all(|(name, value)| row.value(name) == value);
        let mut rows = self.state.tables.get(&table.name).into_iter().flatten();
        ready(Ok(rows.find(|(_, row)| holds(row)).map(|(key, _)| key.clone())))
    }

    fn alias(
        &mut self,
        device: &DeviceId,
        proposed: &RowKey,
    ) -> impl Future<Output = Result<Option<Key>, StoreError>> + Send {
        let known = self.state.devices.get(device).and_then(|device| device.aliases.get(proposed));
        ready(Ok(known.map(|(to, _)| to.clone())))
    }

    fn add_alias(&mut self, device: &DeviceId, alias: &Alias) -> impl Future<Output = Result<(), StoreError>> + Send {
        let mut to = alias.to.clone();
        if self.state.planted == Some(PlantedBug::AliasWrong)
            && let Some(Value::Int(id)) = to.0.first_mut()
        {
            *id += 1000;
        }
        let known = self.state.devices.entry(device.clone()).or_default();
        let before = known.aliases.insert(alias.proposed(), (to, alias.n));
        self.aliases_before.push(AliasBefore { device: device.clone(), proposed: alias.proposed(), before });
        ready(Ok(()))
    }

    fn update(&mut self, table: &Table, key: &Key, set: &Row) -> impl Future<Output = Result<(), WriteError>> + Send {
        let updated = self.current(&table.name, key).map(|mut row| {
            row.0.extend(set.0.clone());
            row
        });
        ready(self.write(table, key, updated))
    }

    fn delete(&mut self, table: &Table, key: &Key) -> impl Future<Output = Result<(), WriteError>> + Send {
        ready(self.write(table, key, None))
    }

    fn last_write(
        &mut self,
        table: &Table,
        key: &Key,
        column: &Name,
    ) -> impl Future<Output = Result<Option<LastWrite>, StoreError>> + Send {
        let place = RowKey { table: table.name.clone(), key: key.clone() };
        let value = |row: &Option<Row>| row.as_ref().map_or(Value::Null, |row| row.value(column).clone());
        let wrote = |change: &Change| change.row == place && value(&change.before) != value(&change.after);
        let last = self.state.log.values().rev().find(|position| position.changes.iter().any(wrote));
        let last = last.map(|position| LastWrite::by(&position.who, position.at));
        ready(Ok(last.or_else(|| Some(LastWrite::unknown(self.state.log.get(&self.state.floor)?.at)))))
    }

    fn time_of(&mut self, pos: Pos) -> impl Future<Output = Result<Option<Millis>, StoreError>> + Send {
        let in_log = self.state.log.get(&pos).filter(|_| pos >= self.state.floor);
        ready(Ok(in_log.map(|position| position.at)))
    }
}

impl WriteTransaction for MemoryTransaction<'_> {
    fn device(&mut self, device: &DeviceId) -> impl Future<Output = Result<Option<DeviceRow>, StoreError>> + Send {
        ready(Ok(self.state.devices.get(device).map(super::Device::row)))
    }

    fn decided(
        &mut self,
        device: &DeviceId,
        n: MutationNumber,
    ) -> impl Future<Output = Result<Option<LedgerRow>, StoreError>> + Send {
        let ledger = self.state.devices.get(device).map(|device| &device.ledger);
        ready(Ok(ledger.and_then(|ledger| ledger.get(&n)).cloned()))
    }

    fn begin(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.before.clear();
        self.aliases_before.clear();
        ready(Ok(()))
    }

    fn check_deferred(&mut self) -> impl Future<Output = Result<(), WriteError>> + Send {
        ready(Ok(()))
    }

    fn undo(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send {
        for (place, row) in std::mem::take(&mut self.before) {
            self.put(place, row);
        }
        for AliasBefore { device, proposed, before } in std::mem::take(&mut self.aliases_before).into_iter().rev() {
            let aliases = &mut self.state.devices.entry(device).or_default().aliases;
            match before {
                Some(before) => drop(aliases.insert(proposed, before)),
                None => drop(aliases.remove(&proposed)),
            }
        }
        ready(Ok(()))
    }

    fn decide(
        &mut self,
        who: &Who,
        now: Millis,
        row: LedgerRow,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let changes = self.changes();
        let lost = self.state.planted == Some(PlantedBug::CommitLost) && now.0.is_multiple_of(16);
        if lost {
            for change in &changes {
                self.put(change.row.clone(), change.before.clone());
            }
        }
        self.state.append(who.clone(), now, if lost { Vec::new() } else { changes });
        let Who::Device { user, device, n } = who else { unreachable!("only devices have mutations") };
        let forgets = self.state.planted == Some(PlantedBug::LedgerForgets) && n.0.is_multiple_of(3);
        let device = self.state.devices.entry(device.clone()).or_default();
        device.user.clone_from(user);
        if !forgets {
            device.last = *n;
        }
        device.see(now);
        device.ledger.insert(*n, row);
        if device.ledger.len() as u64 > LEDGER_RESULTS_MAX {
            device.ledger.pop_first();
        }
        ready(Ok(()))
    }
}
