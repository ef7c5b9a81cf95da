//! Upsert by a unique key (spec M11).

use swain_core::{Code, Key, Name, Problem, Row, Table};
use swain_store::{Transaction, WriteError};

use super::{Case, Wish};
use crate::catalog::TableRules;

impl<T: Transaction> Case<'_, T> {
    pub(super) async fn upsert(
        &mut self,
        table: &Table,
        rules: &TableRules,
        key: &Key,
        unique: &[Name],
        wish: &Wish<'_>,
    ) -> Result<(), WriteError> {
        let Some(found) = self.holder(table, key, unique, wish.set).await? else {
            return self.insert(table, rules, key, wish.set.clone()).await.map(drop);
        };
        let current = self.tx.row(table, &found).await?;
        let readable = match current {
            Some(row) if self.grants(&rules.read, &row).await? => Some(row),
            _ => None,
        };
        let Some(current) = readable else {
            // Said as the database says it of any insert, so that the row is not disclosed.
            self.insert(table, rules, key, wish.set.clone()).await?;
            return Err(Problem::new(Code::Duplicate, format!("another row has the same {}", join(unique))).into());
        };
        self.change(table, rules, &found, &current, wish).await?;
        if found != *key {
            self.stands_for(table, key, &found).await?;
        }
        Ok(())
    }

    /// The key of the row that has these values. A null is equal to nothing, as in SQL.
    async fn holder(
        &mut self,
        table: &Table,
        key: &Key,
        unique: &[Name],
        set: &Row,
    ) -> Result<Option<Key>, WriteError> {
        if unique == table.key {
            let row = if table.is_temporary(key) { None } else { self.tx.row(table, key).await? };
            return Ok(row.map(|_| key.clone()));
        }
        let value = |column: &Name| match table.key_place(column) {
            Some(place) => key.0[place].clone(),
            None => set.value(column).clone(),
        };
        let values: Row = unique.iter().map(|column| (column.clone(), value(column))).collect();
        if values.0.values().any(swain_core::Value::is_null) {
            return Ok(None);
        }
        Ok(self.tx.find(table, &values).await?)
    }
}

pub(super) fn join(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}
