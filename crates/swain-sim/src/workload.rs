//! The tables of a run, and what people do to them.

use std::collections::BTreeMap;

use swain_core::client::Device;
use swain_core::rule::{Expression, Operand};
use swain_core::{Column, ColumnType, Ids, Key, Name, Operation, Reference, Row, RowKey, Schema, Table, Value};
use swain_engine::TableConfig;

use crate::dice::Dice;

/// The same tables for SQLite.
pub(crate) const SQL: &str = "
    CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a TEXT, b TEXT, grp TEXT, n INTEGER, tags JSON,
                    CONSTRAINT n_not_100 CHECK (n IS NULL OR n <> 100));
    CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, a TEXT, owner TEXT);
    CREATE TABLE s (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);
    CREATE TABLE m (id TEXT PRIMARY KEY NOT NULL, event TEXT, no INTEGER, a TEXT, b TEXT, UNIQUE (event, no));
    CREATE TABLE r (id TEXT PRIMARY KEY NOT NULL, s INTEGER REFERENCES s (id), m TEXT REFERENCES m (id));
";

/// What an edit is for the checkers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Counts up the device's own counter by one.
    Increment,
    /// Makes this row, under a temporary key.
    Makes(RowKey),
    /// Anything else.
    Other,
}

pub(crate) fn schema() -> Schema {
    use ColumnType::{Int64, Json, Text};
    let t = [("id", Text), ("a", Text), ("b", Text), ("grp", Text), ("n", Int64), ("tags", Json)];
    let u = [("id", Text), ("a", Text), ("owner", Text)];
    let (m, r) = (
        [("id", Text), ("event", Text), ("no", Int64), ("a", Text), ("b", Text)],
        [("id", Text), ("s", Int64), ("m", Text)],
    );
    let tables =
        [table("t", &t), table("u", &u), table("s", &[("id", Int64), ("a", Text)]), table("m", &m), table("r", &r)];
    let mut tables = BTreeMap::from(tables);
    let reference = |column: &str| Reference { columns: vec![column.into()], table: column.into() };
    for (name, table) in &mut tables {
        match &**name {
            "s" => table.ids = Ids::Server,
            "m" => table.uniques = vec![vec!["event".into(), "no".into()]],
            "r" => table.references = vec![reference("m"), reference("s")],
            _ => {}
        }
    }
    Schema { version: 0, tables }
}

/// The tables whose rows everybody holds: sessions with ids of the server, matches with a unique key, and rows that name
/// one of each.
pub(crate) const SHARED: [&str; 3] = ["s", "m", "r"];

fn table(name: &str, columns: &[(&str, ColumnType)]) -> (Name, Table) {
    let column = |(name, kind): &(&str, ColumnType)| {
        let column =
            Column { kind: *kind, nullable: *name != "id", has_default: *kind == ColumnType::Int64, generated: false };
        (Name::from(*name), column)
    };
    let table = Table::new(name.into(), columns.iter().map(column).collect(), vec!["id".into()]);
    (table.name.clone(), table)
}

pub(crate) fn checks() -> BTreeMap<Name, Vec<(String, Expression)>> {
    let differs = Expression::Differs(Operand::Column("n".into()), Operand::Literal(Value::Int(100)));
    BTreeMap::from([("t".into(), vec![("n_not_100".into(), differs)])])
}

pub(crate) fn table_configs() -> BTreeMap<String, TableConfig> {
    let t = TableConfig {
        read: Some("true".into()),
        write: Some("true".into()),
        scopes: vec!["grp".into()],
        ..TableConfig::default()
    };
    let u = TableConfig {
        read: Some("owner = auth.id".into()),
        write: Some("owner = auth.id".into()),
        fill: BTreeMap::from([("owner".to_owned(), "auth.id".to_owned())]),
        ..TableConfig::default()
    };
    let shared = SHARED.map(|table| {
        let all = Some("true".to_owned());
        (table.to_owned(), TableConfig { read: all.clone(), write: all, ..TableConfig::default() })
    });
    [("t".to_owned(), t), ("u".to_owned(), u)].into_iter().chain(shared).collect()
}

/// The first mutation of a run: the pair, and a counter for each device.
pub(crate) fn first_rows(devices: usize) -> Vec<Operation> {
    let pair = ["p1", "p2"].map(|key| insert("t", key, Row::default().with("b", "start").with("grp", "red")));
    let counters =
        (0..devices).map(|index| insert("t", &format!("c{index}"), Row::default().with("n", 0).with("grp", "red")));
    pair.into_iter().chain(counters).collect()
}

/// What a person does next. The device says what is visible to them.
pub(crate) fn edit(dice: &mut Dice, device: &mut Device, index: usize, marker: &str) -> Option<(Kind, Vec<Operation>)> {
    match dice.below(17) {
        kind @ 0..12 => edit_own_ids(dice, device, index, marker, kind),
        12 | 13 => make_session(dice, device, marker),
        14 => {
            let key = known_session(dice, device)?;
            let row = RowKey { table: "s".into(), key };
            let set = Row::default().with("a", marker);
            let update = Operation::Update {
                row,
                set,
                was: BTreeMap::new(),
                inc: Row::default(),
                add: Row::default(),
                remove: Row::default(),
            };
            Some((Kind::Other, vec![update]))
        }
        15 => {
            let key = known_session(dice, device)?;
            let set = Row::default().with("s", key.0[0].clone());
            Some((Kind::Other, vec![insert("r", marker, set)]))
        }
        _ => {
            let proposed = format!("m-{marker}");
            let no = i64::try_from(dice.below(4)).expect("a small number");
            let column = *dice.pick(&["a", "b"]);
            let set = Row::default().with("event", "e").with("no", no).with(column, marker);
            let on = vec!["event".into(), "no".into()];
            let upsert = Operation::Upsert { row: place("m", &proposed), on, set, was: BTreeMap::new() };
            let child = insert("r", marker, Row::default().with("m", proposed.as_str()));
            Some((Kind::Other, vec![upsert, child]))
        }
    }
}

/// A row whose id the server gives, alone or with a row that names it, before or behind it.
fn make_session(dice: &mut Dice, device: &mut Device, marker: &str) -> Option<(Kind, Vec<Operation>)> {
    let key = device.new_key("s").ok()?;
    let child = insert("r", marker, Row::default().with("s", key.0[0].clone()));
    let made = RowKey { table: "s".into(), key };
    let session = Operation::Insert { row: made.clone(), set: Row::default().with("a", marker) };
    let operations = match dice.below(4) {
        0 => vec![session],
        1 => vec![child, session],
        _ => vec![session, child],
    };
    Some((Kind::Makes(made), operations))
}

/// A session that the device knows, by its present key or by an old one.
fn known_session(dice: &mut Dice, device: &Device) -> Option<Key> {
    let present = device.visible_rows("s").into_iter().map(|(place, _)| place.key.clone());
    let old = device.aliases().filter(|alias| &*alias.table == "s").map(|alias| alias.from);
    let keys: Vec<Key> = present.chain(old).collect();
    (!keys.is_empty()).then(|| dice.pick(&keys).clone())
}

fn edit_own_ids(
    dice: &mut Dice,
    device: &Device,
    index: usize,
    marker: &str,
    kind: u64,
) -> Option<(Kind, Vec<Operation>)> {
    let key = format!("k{}", dice.below(8));
    let other = |operation: Option<Operation>| operation.map(|operation| (Kind::Other, vec![operation]));
    match kind {
        0 | 1 => {
            let counter = format!("c{index}");
            visible(device, "t", &counter)?;
            Some((Kind::Increment, vec![change("t", &counter, Part::Inc, "n", Value::Int(1))]))
        }
        2..=4 if visible(device, "t", &key).is_none() => {
            let grp = *dice.pick(&["red", "blue"]);
            other(Some(insert("t", &key, Row::default().with("a", marker).with("grp", grp))))
        }
        2..=4 => {
            let column = *dice.pick(&["a", "b"]);
            other(Some(change("t", &key, Part::Set, column, marker.into())))
        }
        5 => {
            visible(device, "t", &key)?;
            other(Some(change("t", &key, Part::Set, "grp", (*dice.pick(&["red", "blue"])).into())))
        }
        6 => {
            visible(device, "t", &key)?;
            other(Some(change("t", &key, Part::Add, "tags", Value::List(vec![marker.into()]))))
        }
        7 => {
            visible(device, "t", &key)?;
            other(Some(Operation::Delete { row: place("t", &key), seen: None }))
        }
        8 => {
            visible(device, "t", "p1").and(visible(device, "t", "p2"))?;
            let pair = ["p1", "p2"].map(|key| change("t", key, Part::Set, "b", marker.into()));
            Some((Kind::Other, pair.into()))
        }
        9 => {
            visible(device, "t", &key)?;
            other(Some(change("t", &key, Part::Set, "n", Value::Int(100))))
        }
        10 if visible(device, "u", &key).is_none() => other(Some(insert("u", &key, Row::default().with("a", marker)))),
        10 => other(Some(change("u", &key, Part::Set, "a", marker.into()))),
        _ => {
            visible(device, "u", &key)?;
            other(Some(Operation::Delete { row: place("u", &key), seen: None }))
        }
    }
}

fn visible<'a>(device: &'a Device, table: &str, key: &str) -> Option<&'a Row> {
    device.visible(&place(table, key)).map(|row| &**row)
}

fn place(table: &str, key: &str) -> RowKey {
    RowKey { table: table.into(), key: Key::of(key) }
}

fn insert(table: &str, key: &str, set: Row) -> Operation {
    Operation::Insert { row: place(table, key), set }
}

enum Part {
    Set,
    Inc,
    Add,
}

/// What was before is filled in by the device.
fn change(table: &str, key: &str, part: Part, column: &str, value: Value) -> Operation {
    let row = Row::default().with(column, value);
    let (mut set, mut inc, mut add) = (Row::default(), Row::default(), Row::default());
    match part {
        Part::Set => set = row,
        Part::Inc => inc = row,
        Part::Add => add = row,
    }
    Operation::Update { row: place(table, key), set, was: BTreeMap::new(), inc, add, remove: Row::default() }
}
