//! A transaction of a writer, as the arbiter of a mutation sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use swain_core::merge::LastWrite;
use swain_core::rule::Expression;
use swain_core::{Alias, DeviceId, Key, Millis, MutationNumber, Name, Pos, Problem, Row, RowKey, Table, Value, Who};
use swain_store::{DeviceRow, LedgerRow, StoreError, Transaction, WriteError, WriteTransaction};
use tokio_postgres::error::SqlState;

use crate::adopted::{has_drifted, has_paused};
use crate::connection::Session;
use crate::failure::Failure;
use crate::layout::{Layout, TableLayout};
use crate::log::{limit, read_image, read_who, signed, unsigned};
use crate::refusal::{self, refusal};
use crate::selection::exists;
use crate::wire::to_text;
use crate::{alias, ledger, log};

/// Changes of one row that a conflict looks through for who wrote a column last; an older writer counts as unknown.
const CONFLICT_CHANGES_MAX: i64 = 1000;

/// Opens a mutation. What the schema allows to be checked later is checked at the mutation's end.
const BEGIN: &str = "SAVEPOINT swain_mutation; SET CONSTRAINTS ALL DEFERRED";

/// A transaction in which a group of mutations is decided.
pub(crate) struct PostgresTransaction {
    session: Session,
    layout: Arc<Layout>,
    /// PostgreSQL's code of the error that lost the transaction.
    lost: Option<SqlState>,
    /// Tables of which rows were read or written.
    touched: BTreeSet<Name>,
}

impl PostgresTransaction {
    pub(crate) async fn open(session: Session, layout: Arc<Layout>) -> Result<Self, Failure> {
        match session.batch("BEGIN").await {
            Ok(()) => Ok(Self { session, layout, lost: None, touched: BTreeSet::new() }),
            Err(failure) => {
                session.rollback().await;
                Err(failure)
            }
        }
    }

    /// Tables of which rows were read or written.
    pub(crate) fn touched(&self) -> &BTreeSet<Name> {
        &self.touched
    }

    /// True when a table was touched that is paused, and was when it was adopted.
    pub(crate) fn has_paused(&self) -> bool {
        has_paused(&self.layout, self.touched.iter())
    }

    /// True when what was decided rests on a table that is no longer as it was adopted. Whoever wants to change a table
    /// that was touched here waits for the end of this transaction; so this is exact when it is asked last.
    pub(crate) async fn has_drifted(&self) -> Result<bool, Failure> {
        has_drifted(&self.session, &self.layout, self.touched.iter()).await
    }

    /// Durable when this returns.
    pub(crate) async fn commit(self) -> Result<(), Failure> {
        self.session.end(Ok(())).await
    }

    pub(crate) async fn rollback(self) {
        self.session.rollback().await;
    }

    /// Why the transaction was lost, in PostgreSQL's words.
    pub(crate) fn lost(&self) -> Option<&SqlState> {
        self.lost.as_ref()
    }

    fn touch(&mut self, table: &Name) {
        if !self.touched.contains(table) {
            self.touched.insert(table.clone());
        }
    }

    /// What the inner SELECTs of a predicate read.
    fn touch_selected(&mut self, predicate: &Expression) {
        let mut selections = Vec::new();
        predicate.selections(&mut |_, selection| selections.push(selection.clone()));
        for selection in selections {
            self.touch(&selection.table);
            self.touch_selected(&selection.condition);
        }
    }

    fn kept<T>(&mut self, result: Result<T, Failure>) -> Result<T, StoreError> {
        if let Err(failure) = &result {
            self.lost = failure.code().cloned();
        }
        Ok(result?)
    }

    /// Executes a write. A refused one leaves nothing possible but to undo the mutation.
    async fn write(&mut self, table: &TableLayout, sql: &str, texts: &[Option<String>]) -> Result<(), WriteError> {
        match self.session.execute_texts(sql, texts).await {
            Ok(0) => Err(WriteError::Refused(refusal::ignored(table))),
            Ok(_) => Ok(()),
            Err(failure) => self.refused(Some(table), failure),
        }
    }

    fn refused(&mut self, table: Option<&TableLayout>, failure: Failure) -> Result<(), WriteError> {
        let code = failure.code().cloned();
        match refusal(&self.layout, table, failure) {
            Ok(problem) => Err(WriteError::Refused(problem)),
            Err(failure) => {
                self.lost = code;
                Err(failure.into())
            }
        }
    }

    async fn read_row(&self, table: &Table, key: &Key) -> Result<Option<Row>, Failure> {
        let table = self.layout.table(&table.name)?;
        let texts = table.key_texts(key)?;
        let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = texts.iter().map(|text| text as _).collect();
        let row = self.session.query_opt(table.select_sql(), &parameters).await?;
        row.map(|row| table.read_row(row.get(0))).transpose()
    }

    /// PostgreSQL may find more equal than wire forms are, so the rows that it finds are looked at.
    async fn find_key(&self, table: &Table, values: &Row) -> Result<Option<Key>, Failure> {
        let layout = self.layout.table(&table.name)?;
        let rows = self.session.query_texts(&layout.find_sql(values.0.keys()), &texts(layout, values)?).await?;
        for row in rows {
            let row = layout.read_row(row.get(0))?;
            if values.0.iter().all(|(name, value)| row.value(name) == value) {
                return Ok(Some(layout.key_of(&row)));
            }
        }
        Ok(None)
    }

    /// The newest change of a column that this transaction sees, also one without a position.
    async fn read_last_write(&self, table: &Table, key: &Key, column: &Name) -> Result<Option<LastWrite>, Failure> {
        let table = self.layout.table(&table.name)?;
        let sql = "
            SELECT tx::text, id, before, after, at FROM swain.changes
            WHERE tbl = $1 AND \"left\"(key, 500) = \"left\"($2, 500) AND key = $2 AND op <> 'm'
            ORDER BY id DESC LIMIT $3";
        let key = table.log_key(key)?;
        let rows = self.session.query(sql, &[&table.name.as_str(), &key, &CONFLICT_CHANGES_MAX]).await?;
        for row in &rows {
            let before = read_image(table, row.get(2))?;
            let after = read_image(table, row.get(3))?;
            let value = |row: &Option<Row>| row.as_ref().map_or(Value::Null, |row| row.value(column).clone());
            if value(&before) != value(&after) {
                return self.read_writer(row.get(0), row.get(1), row.get(4)).await.map(Some);
            }
        }
        if limit(rows.len()) == CONFLICT_CHANGES_MAX {
            return Ok(None);
        }
        // What is older than the log was written at its floor at the latest.
        let floor = log::head(&self.session).await?.floor;
        Ok(self.read_time(floor).await?.map(LastWrite::unknown))
    }

    /// Who made a captured change: the mark behind it says so, whether it has its position or not.
    async fn read_writer(&self, tx: &str, id: i64, at: i64) -> Result<LastWrite, Failure> {
        let sql = "
            SELECT op, usr, device, n, at FROM swain.changes
            WHERE tx = $1::text::xid8 AND id > $2 AND op IN ('m', 's') ORDER BY id LIMIT 1";
        let found = self.session.query_opt(sql, &[&tx, &id]).await?;
        let outside = LastWrite::unknown(Millis(unsigned(at)));
        Ok(found.map_or(outside, |row| {
            let who = read_who(row.get(0), (row.get(1), row.get(2), row.get(3)), None);
            LastWrite::by(&who, Millis(unsigned(row.get(4))))
        }))
    }

    async fn read_time(&self, pos: Pos) -> Result<Option<Millis>, Failure> {
        if pos < log::head(&self.session).await?.floor {
            return Ok(None);
        }
        let sql = "SELECT at FROM swain.positions WHERE pos = $1";
        let row = self.session.query_opt(sql, &[&signed(pos.0)]).await?;
        Ok(row.map(|row| Millis(unsigned(row.get(0)))))
    }
}

impl Transaction for PostgresTransaction {
    async fn row(&mut self, table: &Table, key: &Key) -> Result<Option<Row>, StoreError> {
        self.touch(&table.name);
        let result = self.read_row(table, key).await;
        // A key that its type does not take is a key that no row has; but the mutation has to be undone.
        self.kept(result)
    }

    async fn exists(&mut self, table: &Table, predicate: &Expression) -> Result<bool, StoreError> {
        self.touch(&table.name);
        self.touch_selected(predicate);
        let result = exists(&self.session, &self.layout, &table.name, predicate).await;
        self.kept(result)
    }

    async fn insert(&mut self, table: &Table, row: &Row) -> Result<(), WriteError> {
        self.touch(&table.name);
        let layout = Arc::clone(self.layout.table(&table.name)?);
        let texts = texts(&layout, row)?;
        self.write(&layout, &layout.insert_sql(row.0.keys()), &texts).await
    }

    async fn insert_new(&mut self, table: &Table, row: &Row) -> Result<Key, WriteError> {
        self.touch(&table.name);
        let layout = Arc::clone(self.layout.table(&table.name)?);
        let texts = texts(&layout, row)?;
        match self.session.query_texts(&layout.insert_new_sql(row.0.keys()), &texts).await {
            Ok(rows) => match rows.first() {
                Some(row) => Ok(layout.key_of(&layout.read_row(row.get(0))?)),
                None => Err(WriteError::Refused(refusal::ignored(&layout))),
            },
            Err(failure) => match self.refused(Some(&layout), failure) {
                Err(error) => Err(error),
                Ok(()) => Err(Failure::internal("an error was no error").into()),
            },
        }
    }

    async fn find(&mut self, table: &Table, values: &Row) -> Result<Option<Key>, StoreError> {
        self.touch(&table.name);
        let result = self.find_key(table, values).await;
        self.kept(result)
    }

    async fn alias(&mut self, device: &DeviceId, proposed: &RowKey) -> Result<Option<Key>, StoreError> {
        let result = alias::find(&self.session, device, proposed).await;
        self.kept(result)
    }

    async fn add_alias(&mut self, device: &DeviceId, alias: &Alias) -> Result<(), StoreError> {
        let result = alias::put(&self.session, device, alias).await;
        self.kept(result)
    }

    async fn update(&mut self, table: &Table, key: &Key, set: &Row) -> Result<(), WriteError> {
        if set.0.is_empty() {
            return Ok(());
        }
        let layout = Arc::clone(self.layout.table(&table.name)?);
        let mut parameters = layout.key_texts(key)?;
        parameters.extend(texts(&layout, set)?);
        self.write(&layout, &layout.update_sql(set.0.keys()), &parameters).await
    }

    async fn delete(&mut self, table: &Table, key: &Key) -> Result<(), WriteError> {
        let layout = Arc::clone(self.layout.table(&table.name)?);
        let parameters = layout.key_texts(key)?;
        self.write(&layout, layout.delete_sql(), &parameters).await
    }

    async fn last_write(&mut self, table: &Table, key: &Key, column: &Name) -> Result<Option<LastWrite>, StoreError> {
        let result = self.read_last_write(table, key, column).await;
        self.kept(result)
    }

    async fn time_of(&mut self, pos: Pos) -> Result<Option<Millis>, StoreError> {
        let result = self.read_time(pos).await;
        self.kept(result)
    }
}

impl WriteTransaction for PostgresTransaction {
    async fn device(&mut self, device: &DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        let result = ledger::lock_device(&self.session, device).await;
        self.kept(result)
    }

    async fn decided(&mut self, device: &DeviceId, n: MutationNumber) -> Result<Option<LedgerRow>, StoreError> {
        let result = ledger::decided(&self.session, device, n).await;
        self.kept(result)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        let result = self.session.batch(BEGIN).await;
        self.kept(result)
    }

    async fn check_deferred(&mut self) -> Result<(), WriteError> {
        match self.session.batch("SET CONSTRAINTS ALL IMMEDIATE").await {
            Ok(()) => Ok(()),
            Err(failure) => self.refused(None, failure),
        }
    }

    async fn undo(&mut self) -> Result<(), StoreError> {
        let result = self.session.batch("ROLLBACK TO SAVEPOINT swain_mutation").await;
        self.kept(result)
    }

    async fn decide(&mut self, who: &Who, now: Millis, row: LedgerRow) -> Result<(), StoreError> {
        let result = ledger::decide(&self.session, who, now, &row).await;
        self.kept(result)?;
        let result = self.session.batch("RELEASE SAVEPOINT swain_mutation").await;
        self.kept(result)
    }
}

fn texts(table: &TableLayout, row: &Row) -> Result<Vec<Option<String>>, Failure> {
    let values = row.0.iter().map(|(name, value)| match table.kind(name) {
        Some(kind) => Ok(to_text(kind, value)),
        None => Err(Failure::internal(format!("table '{}' has no column '{name}'", table.name))),
    });
    values.collect()
}

/// What a mutation is refused with when the commit itself fails on it.
pub(crate) fn commit_refused(layout: &Layout, failure: Failure) -> Result<Problem, Failure> {
    refusal(layout, None, failure)
}
