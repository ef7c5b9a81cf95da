//! The writer's transaction as the arbiter of a mutation sees it.

use rusqlite::{OptionalExtension as _, params, params_from_iter};
use swain_core::merge::LastWrite;
use swain_core::rule::Expression;
use swain_core::{
    Alias, Change, DeviceId, Key, Millis, MutationNumber, Name, Pos, Problem, Row, RowKey, Table, Value, Who,
};
use swain_store::{DeviceRow, LedgerRow, StoreError, StoreErrorKind, Transaction, WriteError, WriteTransaction};

use crate::database::Database;
use crate::deferred::has_deferred_violations;
use crate::failure::Failure;
use crate::integer::{signed, unsigned};
use crate::layout::TableLayout;
use crate::load::{exists, stored_key};
use crate::refusal::{self, Attempt, refusal};
use crate::sequence::take_changes;
use crate::wire::{to_sql, to_wire};
use crate::{alias, ledger, log};

/// Changes of one row that a conflict looks through for who wrote a column last; an older writer counts as unknown.
/// Every other writer waits meanwhile.
const CONFLICT_CHANGES_MAX: i64 = 1000;

/// One mutation's view of the open write transaction. Nothing here ever waits.
pub(crate) struct SqliteTransaction<'a> {
    db: &'a mut Database,
    /// Why the database ended the whole transaction (ON CONFLICT ROLLBACK).
    ended: Option<Problem>,
}

impl<'a> SqliteTransaction<'a> {
    pub(crate) fn new(db: &'a mut Database) -> Self {
        Self { db, ended: None }
    }

    /// The refusal that ended the whole transaction, if one did.
    pub(crate) fn into_ended(self) -> Option<Problem> {
        self.ended
    }

    /// Executes a write. After an ended transaction nothing may be written: it would be committed at once.
    fn write(
        &mut self,
        table: &TableLayout,
        attempt: Attempt<'_>,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<(), WriteError> {
        if self.ended.is_some() {
            return Err(ended().into());
        }
        let conn = &self.db.conn;
        let mut statement = conn.prepare_cached(sql).map_err(Failure::from)?;
        match statement.execute(params) {
            Ok(0) => Err(WriteError::Refused(refusal::ignored(table))),
            Ok(_) => Ok(()),
            Err(error) => {
                let problem = refusal(conn, table, attempt, error)?;
                if conn.is_autocommit() {
                    self.ended = Some(problem);
                    return Err(ended().into());
                }
                Err(WriteError::Refused(problem))
            }
        }
    }

    /// Executes an insert and gives the key that the database gave.
    fn write_new(&mut self, table: &TableLayout, row: &Row) -> Result<Key, WriteError> {
        if self.ended.is_some() {
            return Err(ended().into());
        }
        let conn = &self.db.conn;
        let sql = table.insert_new_sql(row.0.keys());
        let mut statement = conn.prepare_cached(&sql).map_err(Failure::from)?;
        let given = statement.query_row(params_from_iter(bound(table, row)?), |result| {
            let key = table.key_columns().enumerate();
            key.map(|(place, (_, kind))| Ok(to_wire(*kind, result.get_ref(place)?))).collect::<Result<Vec<_>, _>>()
        });
        match given.optional() {
            Ok(Some(key)) => Ok(Key(key)),
            Ok(None) => Err(WriteError::Refused(refusal::ignored(table))),
            Err(error) => {
                let problem = refusal(conn, table, Attempt::Insert(row), error)?;
                if conn.is_autocommit() {
                    self.ended = Some(problem);
                    return Err(ended().into());
                }
                Err(WriteError::Refused(problem))
            }
        }
    }

    fn find_key(&self, table: &Table, values: &Row) -> Result<Option<Key>, Failure> {
        let layout = self.db.layout.table(&table.name)?;
        let mut statement = self.db.conn.prepare_cached(&layout.find_sql(values.0.keys()))?;
        let found = statement.query_row(params_from_iter(bound(layout, values)?), |result| {
            let key = layout.key_columns().enumerate();
            key.map(|(place, (_, kind))| Ok(to_wire(*kind, result.get_ref(place)?))).collect::<Result<Vec<_>, _>>()
        });
        Ok(found.optional()?.map(Key))
    }

    fn read_row(&self, table: &Table, key: &Key) -> Result<Option<Row>, Failure> {
        let table = self.db.layout.table(&table.name)?;
        let mut statement = self.db.conn.prepare_cached(&table.select_sql)?;
        let row = statement.query_row(params_from_iter(stored_key(table, key)?), |row| table.read_row(row, 0));
        Ok(row.optional()?)
    }

    fn read_last_write(&self, table: &Table, key: &Key, column: &Name) -> Result<Option<LastWrite>, Failure> {
        let mut statement = self.db.conn.prepare_cached(
            "SELECT id, tbl, key, before, after, actor FROM swain_changes WHERE tbl = ?1 AND key = ?2 ORDER BY id DESC LIMIT ?3",
        )?;
        let mut rows = statement.query(params![table.name.as_str(), key.canonical(), CONFLICT_CHANGES_MAX])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            seen += 1;
            let (id, change) = log::read_change(row)?;
            if wrote(&change, column) {
                let position = log::read_position(&self.db.conn, log::pos_of(id), &[])?;
                let mut last = LastWrite::by(&position.who, position.at);
                last.actor = change.actor.or(last.actor);
                return Ok(Some(last));
            }
        }
        if seen == CONFLICT_CHANGES_MAX {
            return Ok(None);
        }
        let floor = log::head(&self.db.conn)?.floor;
        Ok(self.read_time(floor)?.map(LastWrite::unknown))
    }

    fn read_time(&self, pos: Pos) -> Result<Option<Millis>, Failure> {
        if pos < log::head(&self.db.conn)?.floor {
            return Ok(None);
        }
        let mut statement = self.db.conn.prepare_cached("SELECT at FROM swain_positions WHERE pos = ?1")?;
        Ok(statement.query_row([signed(pos.0)], |row| row.get(0).map(unsigned).map(Millis)).optional()?)
    }

    fn savepoint(&self, sql: &str) -> Result<(), StoreError> {
        if self.ended.is_some() {
            return Err(ended());
        }
        let execute = || -> Result<(), Failure> {
            self.db.conn.prepare_cached(sql)?.execute([])?;
            Ok(())
        };
        Ok(execute()?)
    }
}

impl Transaction for SqliteTransaction<'_> {
    async fn row(&mut self, table: &Table, key: &Key) -> Result<Option<Row>, StoreError> {
        Ok(self.read_row(table, key)?)
    }

    async fn exists(&mut self, table: &Table, predicate: &Expression) -> Result<bool, StoreError> {
        Ok(exists(&self.db.conn, &self.db.layout, &table.name, predicate)?)
    }

    async fn insert(&mut self, table: &Table, row: &Row) -> Result<(), WriteError> {
        let layout = self.db.layout.table(&table.name)?.clone();
        let values = bound(&layout, row)?;
        self.write(&layout, Attempt::Insert(row), &layout.insert_sql(row.0.keys()), params_from_iter(values))
    }

    async fn insert_new(&mut self, table: &Table, row: &Row) -> Result<Key, WriteError> {
        let layout = self.db.layout.table(&table.name)?.clone();
        self.write_new(&layout, row)
    }

    async fn find(&mut self, table: &Table, values: &Row) -> Result<Option<Key>, StoreError> {
        Ok(self.find_key(table, values)?)
    }

    async fn alias(&mut self, device: &DeviceId, proposed: &RowKey) -> Result<Option<Key>, StoreError> {
        Ok(alias::find(&self.db.conn, device, proposed)?)
    }

    async fn add_alias(&mut self, device: &DeviceId, alias: &Alias) -> Result<(), StoreError> {
        Ok(alias::put(&self.db.conn, device, alias)?)
    }

    async fn update(&mut self, table: &Table, key: &Key, set: &Row) -> Result<(), WriteError> {
        if set.0.is_empty() {
            return Ok(());
        }
        let layout = self.db.layout.table(&table.name)?.clone();
        let stored = stored_key(&layout, key)?.into_iter().map(rusqlite::types::ToSqlOutput::Owned);
        let values = stored.chain(bound(&layout, set)?);
        self.write(&layout, Attempt::Update(key, set), &layout.update_sql(set.0.keys()), params_from_iter(values))
    }

    async fn delete(&mut self, table: &Table, key: &Key) -> Result<(), WriteError> {
        let layout = self.db.layout.table(&table.name)?.clone();
        let stored = stored_key(&layout, key)?;
        self.write(&layout, Attempt::Delete(key), &layout.delete_sql, params_from_iter(stored))
    }

    async fn last_write(&mut self, table: &Table, key: &Key, column: &Name) -> Result<Option<LastWrite>, StoreError> {
        Ok(self.read_last_write(table, key, column)?)
    }

    async fn time_of(&mut self, pos: Pos) -> Result<Option<Millis>, StoreError> {
        Ok(self.read_time(pos)?)
    }
}

impl WriteTransaction for SqliteTransaction<'_> {
    async fn device(&mut self, device: &DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        Ok(ledger::device_row(&self.db.conn, device)?)
    }

    async fn decided(&mut self, device: &DeviceId, n: MutationNumber) -> Result<Option<LedgerRow>, StoreError> {
        Ok(ledger::decided(&self.db.conn, device, n)?)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.savepoint("SAVEPOINT swain_mutation")
    }

    async fn check_deferred(&mut self) -> Result<(), WriteError> {
        if has_deferred_violations(&self.db.conn) {
            // The mutation is undone, so what was noted of it may be taken out.
            let changes = take_changes(&self.db.conn, &self.db.layout)?;
            return Err(WriteError::Refused(refusal::deferred(&self.db.conn, &self.db.layout, &changes)?));
        }
        Ok(())
    }

    async fn undo(&mut self) -> Result<(), StoreError> {
        self.savepoint("ROLLBACK TO swain_mutation")
    }

    async fn decide(&mut self, who: &Who, now: Millis, row: LedgerRow) -> Result<(), StoreError> {
        self.db.sequence(who, now, &row)?;
        if let Who::Device { user, device, n } = who {
            ledger::advance(&self.db.conn, device, user.as_ref(), *n, now)?;
        }
        self.savepoint("RELEASE swain_mutation")
    }
}

fn bound<'a>(table: &TableLayout, row: &'a Row) -> Result<Vec<rusqlite::types::ToSqlOutput<'a>>, Failure> {
    let values = row.0.iter().map(|(name, value)| match table.kind(name) {
        Some(kind) => Ok(to_sql(kind, value)),
        None => Err(Failure::internal(format!("table '{}' has no column '{name}'", table.name))),
    });
    values.collect()
}

fn wrote(change: &Change, column: &Name) -> bool {
    let value = |row: &Option<Row>| row.as_ref().map_or(Value::Null, |row| row.value(column).clone());
    value(&change.before) != value(&change.after)
}

fn ended() -> StoreError {
    StoreError::new(StoreErrorKind::Transient, "the database has ended the transaction")
}
