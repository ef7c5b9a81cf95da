//! What other rules would change, before they are deployed (spec R19).

use std::collections::BTreeSet;

use swain_core::rule::{Auth, Expression};
use swain_core::{Key, Name, Table};
use swain_store::{Store, StoreError};

use crate::catalog::{Catalog, TableRules};
use crate::limits::LOAD_CHUNK_ROWS_MAX;
use crate::rights::{Reading, RightsError};

/// What one person would gain and lose of one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowsDiff {
    /// Rows that they would see and do not see now, and the first of them.
    pub gained: (u64, Option<Key>),
    /// Rows that they see now and would not see any more, and the first of them.
    pub lost: (u64, Option<Key>),
    /// Columns that would be shown to them, and are hidden now.
    pub shown: Vec<Name>,
    /// Columns that would be hidden from them.
    pub hidden: Vec<Name>,
}

/// The rules of a table that read otherwise, hidden columns among them, each as it was and as it would be; an empty text
/// where there is none.
pub fn changed_rules(old: &Catalog, new: &Catalog, table: &Name) -> Vec<(&'static str, String, String)> {
    let rules = |catalog: &Catalog| {
        let is_there = catalog.schema.tables.contains_key(table);
        is_there.then(|| catalog.rules(table)).map(|rules| {
            let TableRules { read, insert, update, delete, check, masks, .. } = rules;
            let texts = [read, insert, update, delete, check].map(ToString::to_string);
            texts.into_iter().chain([masks.to_string()]).collect::<Vec<_>>()
        })
    };
    let names = ["read", "insert", "update", "delete", "check", "hidden"];
    let none = || vec![String::new(); names.len()];
    let (old, new) = (rules(old).unwrap_or_else(none), rules(new).unwrap_or_else(none));
    let both = names.into_iter().zip(old.into_iter().zip(new));
    both.filter(|(_, (old, new))| old != new).map(|(name, (old, new))| (name, old, new)).collect()
}

/// What a person would see of a table, held against what they see. The store has adopted the table; where only one of
/// the configurations has it, the other shows nothing of it.
pub async fn rows_diff<S: Store>(
    store: &S,
    (old, new): (&Catalog, &Catalog),
    auth: &Auth,
    table: &Table,
) -> Result<RowsDiff, StoreError> {
    let readable = |catalog: &Catalog| match catalog.schema.tables.contains_key(&table.name) {
        true => catalog.readable(&table.name, auth),
        false => Expression::Constant(false),
    };
    let (sees, would_see) = (readable(old), readable(new));
    let reading = Reading { store, schema: &new.schema };
    let resolved = reading.resolve_all(&[&sees, &would_see]).await.map_err(RightsError::told)?;
    let [(sees, _), (would_see, _)] = resolved.predicates.as_slice() else { unreachable!("one for each predicate") };
    let hidden = |catalog: &Catalog| match catalog.schema.tables.contains_key(&table.name) {
        true => catalog.hidden(&table.name, auth).iter().cloned().collect(),
        false => BTreeSet::new(),
    };
    let (hides, would_hide): (BTreeSet<Name>, BTreeSet<Name>) = (hidden(old), hidden(new));
    Ok(RowsDiff {
        gained: count(store, table, would_see, sees).await?,
        lost: count(store, table, sees, would_see).await?,
        shown: hides.difference(&would_hide).cloned().collect(),
        hidden: would_hide.difference(&hides).cloned().collect(),
    })
}

/// Rows that the one grants and the other does not, and the first of them.
async fn count<S: Store>(
    store: &S,
    table: &Table,
    grants: &Expression,
    not: &Expression,
) -> Result<(u64, Option<Key>), StoreError> {
    let (mut count, mut first, mut after) = (0, None, None);
    loop {
        let chunk = store.load(table.name.clone(), grants.clone(), after, LOAD_CHUNK_ROWS_MAX).await?;
        // Not in SQL: what is unknown is not granted, and not denied.
        for row in chunk.rows.iter().filter(|row| !not.grants(row)) {
            count += 1;
            first = first.or_else(|| Some(row.key(table)));
        }
        match chunk.more {
            Some(key) => after = Some(key),
            None => return Ok((count, first)),
        }
    }
}
