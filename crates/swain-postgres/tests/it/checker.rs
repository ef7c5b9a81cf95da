//! What an order of transactions has to be, whoever made it: each change follows the row before it, each transaction is a
//! consistent cut, and the rows at the end are the rows. And two orders that somebody might make, who took what is at
//! hand: by the ids of the captured changes, and by the numbers of their transactions.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::strict_json::parse;
use swain_core::{Change, Name, Position, Row, RowKey, Value};
use swain_testkit::Psql;

use crate::bed::Rows;

/// The changes of a transaction, as somebody tells them.
pub(crate) type Told = Vec<Change>;

/// Replays an order over what the tables held; gives the number of transactions. `sum` is what the balances always come to.
pub(crate) fn check(order: &[Told], begin: &Rows, end: &Rows, sum: i64) -> Result<usize, String> {
    let mut rows = begin.clone();
    for (told, place) in order.iter().zip(1..) {
        for change in told {
            if rows.get(&change.row) != change.before.as_ref() {
                let (had, said) = (rows.get(&change.row), &change.before);
                return Err(format!("{:?} was {had:?} and not {said:?}, at {place}", change.row));
            }
            match &change.after {
                Some(after) => rows.insert(change.row.clone(), after.clone()),
                None => rows.remove(&change.row),
            };
        }
        let found = balances(&rows);
        if found != sum {
            return Err(format!("{place} is no consistent cut: the balances come to {found}"));
        }
    }
    let keys: BTreeSet<_> = rows.keys().chain(end.keys()).collect();
    match keys.into_iter().find(|key| rows.get(key) != end.get(key)) {
        Some(key) => Err(format!("{key:?} ends as {:?} and is {:?}", rows.get(key), end.get(key))),
        None => Ok(order.len()),
    }
}

fn balances(rows: &Rows) -> i64 {
    rows.values().filter_map(|row| row.value("balance").as_int()).sum()
}

/// What the log tells. Its positions are dense.
pub(crate) fn of_log(log: &[Position]) -> Vec<Told> {
    let told = log.iter().zip(1..).map(|(position, pos)| {
        assert_eq!(position.pos.0, pos, "positions are dense");
        position.changes.iter().filter(|change| &*change.row.table != "swain_schema").cloned().collect()
    });
    told.collect()
}

/// By the numbers of the transactions.
pub(crate) fn by_transaction(url: &str) -> Vec<Told> {
    grouped(captured(&mut Psql::open(url), "true", "tx, id"))
}

/// A reader whose cursor is the highest id that it has seen.
pub(crate) struct ById {
    psql: Psql,
    cursor: i64,
    told: Vec<Told>,
}

impl ById {
    pub(crate) fn new(url: &str) -> Self {
        Self { psql: Psql::open(url), cursor: 0, told: Vec::new() }
    }

    /// What is behind the cursor, transactions in the order of their last ids.
    pub(crate) fn read(&mut self) {
        let found = captured(&mut self.psql, &format!("id > {}", self.cursor), "max(id) OVER (PARTITION BY tx), id");
        self.cursor = found.iter().map(|(_, id, _)| *id).max().unwrap_or(0).max(self.cursor);
        self.told.extend(grouped(found));
    }

    pub(crate) fn told(self) -> Vec<Told> {
        self.told
    }
}

type Captured = (String, i64, Change);

fn captured(psql: &mut Psql, condition: &str, order: &str) -> Vec<Captured> {
    let sql = format!(
        "SELECT json_build_array(tx::text, id, tbl, before::json, after::json) FROM swain.changes
         WHERE op NOT IN ('m', 's') AND tbl <> 'swain_schema' AND {condition} ORDER BY {order}"
    );
    psql.ask(&sql).iter().map(|line| read(line)).collect()
}

fn read(line: &str) -> Captured {
    let Ok(Value::List(parts)) = parse(line) else { panic!("{line}") };
    let [tx, id, table, before, after] = &parts[..] else { panic!("{line}") };
    let row = |value: &Value| match value {
        Value::Object(columns) => {
            Some(columns.iter().map(|(name, value)| (Name::from(name.clone()), value.clone())).collect::<Row>())
        }
        _ => None,
    };
    let (before, after) = (row(before), row(after));
    let key = after.as_ref().or(before.as_ref()).unwrap().value("id").clone();
    let row = RowKey { table: table.as_text().unwrap().into(), key: swain_core::Key(vec![key]) };
    (tx.as_text().unwrap().into(), id.as_int().unwrap(), Change { row, before, after, actor: None })
}

fn grouped(captured: Vec<Captured>) -> Vec<Told> {
    let (mut told, mut places) = (Vec::<Told>::new(), BTreeMap::new());
    for (tx, _, change) in captured {
        let place = *places.entry(tx).or_insert_with(|| {
            told.push(Vec::new());
            told.len() - 1
        });
        told[place].push(change);
    }
    told
}
