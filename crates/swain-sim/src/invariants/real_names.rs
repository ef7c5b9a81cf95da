//! The database holds no temporary id, no reference to a row that is not there, and no two rows of one unique key; and what
//! a device made under a temporary key, it finds under that key for ever (spec M10, M11, C19).

use std::collections::BTreeSet;

use swain_core::protocol::Outcome;
use swain_core::{Key, Row, RowKey, Value};

use super::{Finding, View};
use crate::oracle::Rows;

pub(crate) fn check(view: &View<'_>) -> Finding {
    let rows = view.oracle.rows_at(view.oracle.head()).expect("the head is known");
    check_rows(rows)?;
    for alias in view.machine.aliases() {
        let row = RowKey { table: alias.table.clone(), key: alias.to.clone() };
        if !rows.contains_key(&row) {
            return Err(format!("{} {} stands for no row", alias.table, alias.from.canonical()));
        }
    }
    for (entry, row) in &view.device.made {
        let outcome = view.machine.entry(*entry).and_then(|entry| entry.result.as_ref()).map(|result| result.outcome);
        if outcome == Some(Outcome::Applied) && view.machine.visible(row).is_none() {
            return Err(format!("{entry:?} made {} and cannot find it", row.key.canonical()));
        }
    }
    Ok(())
}

fn check_rows(rows: &Rows) -> Finding {
    let mut matches: BTreeSet<(&Value, &Value)> = BTreeSet::new();
    for (place, row) in rows {
        match &*place.table {
            "s" if place.key.0[0].as_int().is_none_or(|id| id <= 0) => {
                return Err(format!("session {} is no id of the database", place.key.canonical()));
            }
            "m" if !matches.insert((row.value("event"), row.value("no"))) => {
                return Err(format!("match {} is there twice", row.canonical()));
            }
            "r" => check_references(rows, row)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_references(rows: &Rows, row: &Row) -> Finding {
    for table in ["s", "m"] {
        let value = row.value(table);
        let parent = RowKey { table: table.into(), key: Key(vec![value.clone()]) };
        if !value.is_null() && !rows.contains_key(&parent) {
            return Err(format!("{} names a row of {table} that is not there", row.canonical()));
        }
    }
    Ok(())
}
