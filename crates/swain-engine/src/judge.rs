//! What a mutation does: input checks, rules on the old row and the new, merge per column, writes (spec S5, M4 to M9, R4).

mod inbox;
mod input;
mod naming;
mod sight;
mod upsert;

use std::sync::Arc;

use swain_core::limits::ROW_BYTES_MAX;
use swain_core::merge::{self, Edit, LastWrite};
use swain_core::rule::{Auth, Expression};
use swain_core::{
    Code, ColumnType, Fill, Key, Millis, Mutation, Name, OnDelete, Operation, Problem, Row, Schema, Table, Value, Was,
};
use swain_store::{Arbiter, StoreError, Submission, Transaction, Verdict, WriteError};

use crate::catalog::{Catalog, TableRules};
use crate::grant::grants;
use inbox::{Dispute, held};
use input::{check_key, checked, no_such_operation, out_of_range};
use naming::in_order;
use sight::{Sight, check_columns, disclosed};

/// Decides mutations by a catalog.
#[derive(Debug)]
pub struct Judge {
    catalog: Arc<Catalog>,
}

/// One mutation on the bench.
struct Case<'a, T> {
    tx: &'a mut T,
    catalog: &'a Catalog,
    schema: &'a Schema,
    auth: &'a Auth,
    submission: &'a Submission,
    mutation: &'a Mutation,
    verdict: Verdict,
}

/// The columns of an update.
struct Wish<'a> {
    set: &'a Row,
    was: &'a std::collections::BTreeMap<Name, Was>,
    inc: &'a Row,
    add: &'a Row,
    remove: &'a Row,
}

impl<'a> Wish<'a> {
    /// Values to set, and nothing else.
    fn of(set: &'a Row, was: &'a std::collections::BTreeMap<Name, Was>) -> Self {
        const NOTHING: &Row = &Row(std::collections::BTreeMap::new());
        Self { set, was, inc: NOTHING, add: NOTHING, remove: NOTHING }
    }
}

impl Judge {
    /// A judge by these rules.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog }
    }

    fn table(&self, operation: &Operation) -> Result<(&Table, &TableRules), Problem> {
        let name = &operation.row().table;
        let table = self.catalog.schema.table(name);
        let table =
            table.map_err(|code| Problem::new(code, format!("the table '{name}' is not synced")).at("table"))?;
        Ok((table, self.catalog.rules(name)))
    }
}

impl Arbiter for Judge {
    async fn apply<T: Transaction>(
        &self,
        tx: &mut T,
        submission: &Submission,
        mutation: &Mutation,
    ) -> Result<Verdict, WriteError> {
        let auth = &submission.auth;
        let schema = &self.catalog.schema;
        let catalog = &*self.catalog;
        let mut case = Case { tx, catalog, schema, auth, submission, mutation, verdict: Verdict::default() };
        case.check_open().await?;
        for index in in_order(schema, &mutation.operations) {
            let operation = &mutation.operations[index];
            let (table, rules) = self.table(operation).map_err(|problem| placed(problem, index))?;
            let done = case.operation(table, rules, operation).await;
            done.map_err(|error| match error {
                WriteError::Refused(problem) => {
                    WriteError::Refused(placed(disclosed(problem, &Sight::of(catalog, table, auth)), index))
                }
                WriteError::Store(error) => WriteError::Store(error),
            })?;
        }
        Ok(case.verdict)
    }

    async fn note_refusal<T: Transaction>(
        &self,
        tx: &mut T,
        submission: &Submission,
        mutation: &Mutation,
        problem: &Problem,
    ) -> Result<(), WriteError> {
        let (catalog, auth) = (&*self.catalog, &submission.auth);
        let schema = &catalog.schema;
        let mut case = Case { tx, catalog, schema, auth, submission, mutation, verdict: Verdict::default() };
        case.keep_refusal(problem).await
    }
}

fn placed(problem: Problem, index: usize) -> Problem {
    let at = problem.at.as_ref().map(|at| format!("ops[{index}].{at}"));
    Problem { at: at.or_else(|| Some(format!("ops[{index}]"))), ..problem }
}

impl<T: Transaction> Case<'_, T> {
    async fn operation(&mut self, table: &Table, rules: &TableRules, operation: &Operation) -> Result<(), WriteError> {
        let sight = Sight::of(self.catalog, table, self.auth);
        check_columns(&sight, operation)?;
        let Some(operation) = self.named(table, operation).await? else {
            return Ok(());
        };
        let key = &operation.row().key;
        check_key(table, rules, key)?;
        if table.name.as_str() == swain_core::inbox::TABLE {
            let Operation::Update { set, inc, add, remove, .. } = &*operation else {
                return Err(Problem::new(Code::NotAllowed, "the inbox is written by the server").into());
            };
            if let Some(column) = inc.0.keys().chain(add.0.keys()).chain(remove.0.keys()).next() {
                return Err(no_such_operation(table, column).into());
            }
            return self.resolve(table, key, set).await;
        }
        match &*operation {
            Operation::Insert { set, .. } => {
                self.insert(table, rules, key, checked(table, rules, set)?).await.map(drop)
            }
            Operation::Update { set, was, inc, add, remove, .. } => {
                let set = checked(table, rules, set)?;
                self.update(table, rules, key, &Wish { set: &set, was, inc, add, remove }).await
            }
            Operation::Upsert { on, set, was, .. } => {
                let set = checked(table, rules, set)?;
                self.upsert(table, rules, key, sight.unique(on)?, &Wish::of(&set, was)).await
            }
            Operation::Delete { seen, .. } => self.delete(table, rules, key, seen.as_deref()).await,
        }
    }

    /// A new row; gives its key.
    async fn insert(&mut self, table: &Table, rules: &TableRules, key: &Key, mut row: Row) -> Result<Key, WriteError> {
        if !table.is_temporary(key) {
            row.0.extend(table.key.iter().cloned().zip(key.0.iter().cloned()));
        }
        self.fill(table, &mut row, true);
        let proposed = self.propose(rules, &rules.insert, &row, table).await?;
        let is_given = |column: &Name| row.0.contains_key(column);
        if let Err(problem) = &proposed
            && rules.insert.columns().iter().chain(&rules.check.columns()).all(is_given)
        {
            return Err(problem.clone().into());
        }
        let inserted = self.add(table, key, &row).await;
        if let (Err(WriteError::Refused(_)), Err(problem)) = (&inserted, proposed) {
            // Who may not insert it does not learn what is there: no key, no unique value, no reference.
            return Err(problem.into());
        }
        let key = inserted?;
        self.check_new(table, rules, &rules.insert, &key).await?;
        self.verdict.won_any = true;
        Ok(key)
    }

    async fn update(
        &mut self,
        table: &Table,
        rules: &TableRules,
        key: &Key,
        wish: &Wish<'_>,
    ) -> Result<(), WriteError> {
        for (part, columns) in [("inc", wish.inc), ("add", wish.add), ("remove", wish.remove)] {
            columns.0.keys().try_for_each(|name| check_writable(table, name, &format!("{part}.{name}")))?;
        }
        merge::check_commuting(table, wish.inc, wish.add, wish.remove)
            .map_err(|column| no_such_operation(table, &column))?;
        let gone = || Problem::new(Code::RowGone, format!("the row of '{}' is not there", table.name)).at("key");
        let (key, current) = self.current(table, key).await?.ok_or_else(gone)?;
        if !self.grants(&rules.read, &current).await? {
            return Err(gone().into());
        }
        self.change(table, rules, &key, &current, wish).await
    }

    /// Changes a row that is there and that the person may read.
    async fn change(
        &mut self,
        table: &Table,
        rules: &TableRules,
        key: &Key,
        current: &Row,
        wish: &Wish<'_>,
    ) -> Result<(), WriteError> {
        self.allow(&rules.update, current, table).await?;

        const NOTHING: &Was = &Was::Value(Value::Null);
        let mut next = current.clone();
        for (column, new) in &wish.set.0 {
            // The decoder checked that an update says what each column was; an upsert may not have seen the row (M11).
            let was = wish.was.get(column).unwrap_or(NOTHING);
            let decided = self.decide(table, key, column, current, new, was).await?;
            if decided != *new {
                self.verdict.lost.push(column.clone());
            }
            self.verdict.won_any |= decided == *new || decided != *current.value(column);
            next.0.insert(column.clone(), decided);
        }
        merge::commute(table, &mut next, wish.inc, wish.add, wish.remove);
        check_sums(table, current, &next, wish.inc)?;
        self.verdict.won_any |= !(wish.inc.0.is_empty() && wish.add.0.is_empty() && wish.remove.0.is_empty());

        let mut write = next.changed_since(current);
        if write.0.is_empty() {
            return Ok(());
        }
        self.fill(table, &mut write, false);
        next.0.extend(write.0.clone());
        let proposed = self.propose(rules, &rules.update, &next, table).await?;
        let updated = self.tx.update(table, key, &write).await;
        if let (Err(WriteError::Refused(_)), Err(problem)) = (&updated, proposed) {
            // Who may not make it so does not learn what is there: no unique value, no reference.
            return Err(problem.into());
        }
        updated?;
        self.check_new(table, rules, &rules.update, key).await
    }

    async fn delete(
        &mut self,
        table: &Table,
        rules: &TableRules,
        key: &Key,
        seen: Option<&str>,
    ) -> Result<(), WriteError> {
        let found = self.current(table, key).await?;
        let Some((key, current)) = found else {
            self.verdict.won_any = true;
            return Ok(());
        };
        if !self.grants(&rules.read, &current).await? {
            // Answered like a row that is not there: nothing to delete.
            self.verdict.won_any = true;
            return Ok(());
        }
        self.allow(&rules.delete, &current, table).await?;
        if table.on_delete != OnDelete::DeleteWins && self.was_changed(table, &key, &current, seen).await? {
            if table.on_delete == OnDelete::Manual {
                return Err(held(table).into());
            }
            self.verdict.kept = true;
            return Ok(());
        }
        self.verdict.won_any = true;
        self.tx.delete(table, &key).await
    }

    /// Whether somebody else changed the row since the person saw it. What the device itself wrote, and what the database
    /// made of it, the person knows.
    async fn was_changed(
        &mut self,
        table: &Table,
        key: &Key,
        current: &Row,
        seen: Option<&str>,
    ) -> Result<bool, WriteError> {
        let visible = current.without(&self.catalog.hidden(&table.name, self.auth));
        if seen == Some(visible.hash().as_str()) {
            return Ok(false);
        }
        let Some(base) = self.tx.time_of(self.mutation.base).await? else { return Ok(true) };
        for column in visible.0.keys() {
            let last = self.tx.last_write(table, key, column).await?;
            let is_own =
                |last: &LastWrite| last.mutation.as_ref().is_some_and(|(device, _)| *device == self.submission.device);
            if last.is_some_and(|last| last.at > base && !is_own(&last)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Under the row's lock: is the column still what the edit was based on? If not, its strategy decides what it becomes
    /// (spec M4, M5, M13).
    async fn decide(
        &mut self,
        table: &Table,
        key: &Key,
        column: &Name,
        row: &Row,
        new: &Value,
        was: &Was,
    ) -> Result<Value, WriteError> {
        let current = row.value(column);
        if merge::is_undisputed(current, new, was) {
            return Ok(new.clone());
        }
        let last = self.tx.last_write(table, key, column).await?;
        let strategy = table.strategy(column);
        // What a strategy made of the earlier edit has somebody else's part in it.
        if !strategy.combines() && merge::is_own(was, last.as_ref(), &self.submission.device) {
            return Ok(new.clone());
        }
        let kind = table.columns.get(column).map(|column| column.kind);
        if let Some(combined) = kind.and_then(|kind| merge::combine(strategy, kind, was, current, new)) {
            return Ok(combined);
        }
        let edit = Edit { at: self.edit_time().await? };
        if strategy.asks_a_person() {
            let edited = edit.at;
            self.ask_person(&Dispute { table, key, current: row, column, was, new, last, edited }).await?;
            return Ok(current.clone());
        }
        let wins = merge::wins(strategy, last.as_ref(), edit);
        Ok(if wins { new } else { current }.clone())
    }

    /// Device time, clamped to [time of base, now]: a clock that is wrong wins nothing by it.
    async fn edit_time(&mut self) -> Result<Millis, WriteError> {
        let earliest = self.tx.time_of(self.mutation.base).await?.unwrap_or(Millis(0));
        Ok(self.mutation.at.max(earliest).min(self.submission.now))
    }

    /// The row as the database has it now, triggers and defaults included, has to be allowed and of a bearable size.
    async fn check_new(
        &mut self,
        table: &Table,
        rules: &TableRules,
        rule: &Expression,
        key: &Key,
    ) -> Result<(), WriteError> {
        // A trigger may have removed the row again; then there is nothing to check.
        let Some(row) = self.tx.row(table, key).await? else {
            return Ok(());
        };
        self.allow(rule, &row, table).await?;
        self.allow(&rules.check, &row, table).await?;
        if row.canonical().len() > ROW_BYTES_MAX {
            let detail = format!("a row of '{}' is at most {ROW_BYTES_MAX} bytes", table.name);
            return Err(Problem::new(Code::LimitRowBytes, detail).into());
        }
        Ok(())
    }

    /// Whether a new row would be allowed, before it is written.
    async fn propose(
        &mut self,
        rules: &TableRules,
        rule: &Expression,
        row: &Row,
        table: &Table,
    ) -> Result<Result<(), Problem>, StoreError> {
        let allowed = match self.allow(rule, row, table).await {
            Ok(()) => self.allow(&rules.check, row, table).await,
            refused => refused,
        };
        match allowed {
            Ok(()) => Ok(Ok(())),
            Err(WriteError::Refused(problem)) => Ok(Err(problem)),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    async fn allow(&mut self, rule: &Expression, row: &Row, table: &Table) -> Result<(), WriteError> {
        if self.grants(rule, row).await? {
            return Ok(());
        }
        Err(Problem::new(Code::NotAllowed, format!("the rules of '{}' do not allow this", table.name)).into())
    }

    async fn grants(&mut self, rule: &Expression, row: &Row) -> Result<bool, StoreError> {
        grants(self.tx, self.schema, rule, self.auth, row).await
    }

    /// Who asks, as a column of this type holds it.
    fn user_value(&self, table: &Table, column: &Name) -> Value {
        match table.columns.get(column).map(|column| column.kind) {
            Some(ColumnType::Int64) => self.auth.number(),
            Some(_) | None => self.auth.id(),
        }
    }

    fn fill(&self, table: &Table, row: &mut Row, inserting: bool) {
        for (column, fill) in &table.fills {
            match fill {
                Fill::AuthId if inserting => row.set(column.clone(), self.user_value(table, column)),
                Fill::AuthId => {}
                Fill::Time => row.set(column.clone(), time_value(table, column, self.submission.now)),
            }
        }
    }
}

fn taken(table: &Table) -> Problem {
    Problem::new(Code::IdTaken, format!("'{}' has a row with this key", table.name)).at("key")
}

fn time_value(table: &Table, column: &Name, now: Millis) -> Value {
    let millis = Value::int64(i64::try_from(now.0).unwrap_or(i64::MAX));
    match table.columns.get(column).map(|column| column.kind) {
        Some(ColumnType::Int64 | ColumnType::Float64) | None => millis,
        Some(_) => Value::text(millis.canonical()),
    }
}

/// A device may write this column, whichever way.
fn check_writable(table: &Table, name: &Name, place: &str) -> Result<(), Problem> {
    if let Err(code) = table.column(name) {
        return Err(Problem::new(code, format!("'{}' has no column '{name}'", table.name)).at(place));
    }
    if table.is_readonly(name) {
        return Err(Problem::new(Code::ColumnReadonly, format!("'{name}' is filled by the server")).at(place));
    }
    if table.key.contains(name) {
        return Err(Problem::new(Code::BadKey, format!("'{name}' belongs to the key, not to set")).at(place));
    }
    Ok(())
}

/// A sum beyond 64 bits leaves its column as it was, on the device too; here it is refused, so that nobody is misled.
fn check_sums(table: &Table, before: &Row, after: &Row, inc: &Row) -> Result<(), Problem> {
    let is_stuck = |name: &Name, amount: &Value| {
        let is_whole = table.columns.get(name).is_some_and(|column| column.kind == ColumnType::Int64);
        is_whole && *amount != Value::Int(0) && before.value(name) == after.value(name)
    };
    match inc.0.iter().find(|(name, amount)| is_stuck(name, amount)) {
        Some((name, _)) => Err(out_of_range(table, name)),
        None => Ok(()),
    }
}

fn describe_key(table: &Table) -> String {
    let parts = table.key.iter().map(|name| {
        let kind = table.columns.get(name).map_or("value", |column| column.kind.as_str());
        format!("{name} ({kind})")
    });
    format!("[{}]", parts.collect::<Vec<_>>().join(", "))
}
