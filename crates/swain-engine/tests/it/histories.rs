//! Law: every edit is exactly one of applied, merged, pending, conflict, refused, overruled, discarded. Random histories
//! of a few devices, with everything that can happen to an edit; each value is written once, so that it can be found again.
//!
//! A history that fails is told by its seed: `HISTORY_SEED=17 cargo nextest run -p swain-engine histories`.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::protocol::{MutationResult, Outcome};
use swain_core::{
    Change, DeviceId, Key, Millis, Mutation, MutationNumber, Name, Operation, Pos, Row, RowKey, Value, Was, inbox,
};
use swain_engine::{ColumnConfig, TableConfig};
use swain_store::ready;
use swain_testkit::spec;

use crate::bench::{Bench, everybody, owned, read_token};
use crate::random::Random;

const HISTORIES: u64 = 5_000;
const STEPS: usize = 12;
const ROWS: usize = 2;

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Applied,
    Merged,
    Pending,
    Conflict,
    Refused,
    Overruled,
    Discarded,
}

/// One person's device: what it saw last, and what it has not sent.
struct Device {
    id: DeviceId,
    user: &'static str,
    seen: BTreeMap<Key, Row>,
    base: Pos,
    made: u64,
    waiting: Vec<Mutation>,
    sent: Vec<(Mutation, MutationResult)>,
}

struct History {
    bench: Bench,
    random: Random,
    devices: Vec<Device>,
    /// Counts values, so that each is there once.
    values: u64,
}

#[test]
fn every_edit_has_exactly_one_fate() {
    spec!("M4", "M5", "M15", "M16");
    let seeds = match std::env::var("HISTORY_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..HISTORIES,
    };
    let mut seen: BTreeMap<Fate, u64> = BTreeMap::new();
    let is_whole = seeds.clone().count() > 1;
    for seed in seeds {
        let told = std::panic::catch_unwind(|| History::new(seed).run());
        for fate in told.unwrap_or_else(|_| panic!("HISTORY_SEED={seed} fails")) {
            *seen.entry(fate).or_default() += 1;
        }
    }
    println!("{seen:?}");
    assert!(
        !is_whole || seen.len() == 7 && seen.values().all(|count| *count > 100),
        "not all of it happened: {seen:?}"
    );
}

impl History {
    fn new(seed: u64) -> Self {
        let strategy = |name: &str| ColumnConfig { strategy: Some(name.into()), ..ColumnConfig::default() };
        let columns = [("a", "manual"), ("b", "text"), ("kept", "last-write-wins"), ("tags", "union")];
        let t = TableConfig {
            columns: columns.map(|(name, rule)| (name.to_owned(), strategy(rule))).into(),
            unique: vec![vec!["kept".into()]],
            on_delete: Some("manual".into()),
            ..everybody()
        };
        let bench = Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]));
        let mut random = Random(seed);
        let count = 2 + random.below(4);
        let device = |index: usize| Device {
            id: DeviceId::from(format!("d{index}").as_str()),
            user: if index.is_multiple_of(2) { "ada" } else { "ben" },
            seen: BTreeMap::new(),
            base: Pos(0),
            made: 0,
            waiting: Vec::new(),
            sent: Vec::new(),
        };
        Self { bench, random, devices: (0..count).map(device).collect(), values: 0 }
    }

    fn run(mut self) -> Vec<Fate> {
        let now = self.tick();
        self.bench.engine.store().write_outside(now, "t", |rows| {
            for key in (0..ROWS).map(|number| Key::of(format!("k{number}").as_str())) {
                let columns = Row::default().with("a", "v0").with("b", "one two").with("kept", "v0").with("n", 1);
                let id = key.0[0].clone();
                rows.insert(key, columns.with("id", id).with("tags", Value::Null));
            }
        });
        (0..self.devices.len()).for_each(|device| self.connect(device));
        for _ in 0..STEPS {
            let device = self.random.below(self.devices.len());
            match self.random.below(10) {
                0..=4 => self.edit(device),
                5 | 6 => self.connect(device),
                7 => self.outside(),
                8 => self.decide(device),
                // An answer that was lost: the same again.
                _ => self.send_again(device),
            }
        }
        let half = self.devices.len() / 2;
        (0..=half).for_each(|device| self.connect(device));
        self.fates()
    }

    fn value(&mut self) -> String {
        self.values += 1;
        format!("v{}", self.values)
    }

    fn key(&mut self) -> Key {
        Key::of(format!("k{}", self.random.below(ROWS)).as_str())
    }

    fn edit(&mut self, device: usize) {
        let count = if self.random.below(6) == 0 { 2 } else { 1 };
        let operations: Vec<Operation> = (0..count).map(|_| self.operation(device)).collect();
        let at = self.tick();
        let device = &mut self.devices[device];
        device.made += 1;
        let n = MutationNumber(device.made);
        device.waiting.push(Mutation { n, base: device.base, at, schema: 1, operations });
    }

    fn operation(&mut self, device: usize) -> Operation {
        let row = RowKey { table: "t".into(), key: self.key() };
        let value = Value::text(self.value());
        let Some(seen) = self.devices[device].seen.get(&row.key).cloned() else {
            return self.new_row(row, value);
        };
        let set = match self.random.below(8) {
            0..=1 => Row::default().with("a", value),
            2 => {
                let (before, new) =
                    (seen.value("b").as_text().unwrap_or_default(), value.as_text().unwrap_or_default());
                let text = match self.random.below(2) {
                    0 => format!("{before} {new}"),
                    _ => format!("{new} {before}"),
                };
                Row::default().with("b", Value::text(text))
            }
            3..=4 => Row::default().with("kept", value),
            5 => Row::default().with("a", value).with("n", 100),
            6 => Row::default().with("tags", Value::List(vec![value])),
            _ => return Operation::Delete { row, seen: Some(seen.hash()) },
        };
        let was = set.0.keys().map(|name| (name.clone(), Was::Value(seen.value(name).clone()))).collect();
        self.devices[device].seen.entry(row.key.clone()).and_modify(|row| row.0.extend(set.0.clone()));
        Operation::Update { row, set, was, inc: Row::default(), add: Row::default(), remove: Row::default() }
    }

    /// An insert, or an upsert on a value that several devices have in mind.
    fn new_row(&mut self, row: RowKey, value: Value) -> Operation {
        let set = Row::default().with("a", value);
        if self.random.below(2) == 0 {
            return Operation::Insert { row, set };
        }
        Operation::Upsert { row, on: vec!["kept".into()], set: set.with("kept", "shared"), was: BTreeMap::new() }
    }

    /// Sends what waits, and sees how things stand.
    fn connect(&mut self, index: usize) {
        let waiting = std::mem::take(&mut self.devices[index].waiting);
        for mutation in waiting {
            let result = self.push(index, &mutation);
            self.devices[index].sent.push((mutation, result));
        }
        let device = &mut self.devices[index];
        device.seen = self.bench.engine.store().rows("t");
        device.base = ready(swain_store::Store::head(&**self.bench.engine.store())).expect("memory does not fail").pos;
    }

    fn push(&mut self, index: usize, mutation: &Mutation) -> MutationResult {
        let now = self.tick();
        let device = &self.devices[index];
        let (auth, id) = (read_token(device.user), device.id.clone());
        let pushed = ready(self.bench.engine.push_batch(auth, id, now, vec![Ok(mutation.clone())]));
        let results = pushed.expect("the device is theirs");
        assert_eq!(results.problem, None, "{mutation:?}");
        results.results.into_iter().next().expect("one mutation has one result")
    }

    fn send_again(&mut self, index: usize) {
        let sent = self.devices[index].sent.last().cloned();
        if let Some((mutation, result)) = sent {
            let items = self.bench.engine.store().rows(inbox::TABLE);
            assert_eq!(self.push(index, &mutation), result, "the same answer");
            assert_eq!(self.bench.engine.store().rows(inbox::TABLE), items, "and nothing more");
        }
    }

    fn outside(&mut self) {
        let (key, value, now) = (self.key(), self.value(), self.tick());
        self.bench.engine.store().write_outside(now, "t", |rows| {
            rows.entry(key).and_modify(|row| row.set("a", Value::text(value.as_str())));
        });
    }

    /// Somebody decides something that is open, and a second one at the same time.
    fn decide(&mut self, device: usize) {
        let items = self.bench.engine.store().rows(inbox::TABLE);
        let open: Vec<(Key, Row)> = items.into_iter().filter(|(_, row)| inbox::is_open(row)).collect();
        if open.is_empty() {
            return;
        }
        let (key, item) = open[self.random.below(open.len())].clone();
        let other = self.random.below(self.devices.len());
        let is_conflict = item.value("kind").as_text() == Some(inbox::CONFLICT);
        let choice = match is_conflict {
            true => ["mine", "theirs"][self.random.below(2)],
            false => "discarded",
        };
        self.connect(device);
        self.connect(other);
        for index in [device, other] {
            let mut operations = Vec::new();
            let target = match item.value("row_key") {
                Value::List(key) => Key(key.clone()),
                _ => continue,
            };
            if choice == "mine" {
                let column = Name::from(item.value("row_column").as_text().unwrap_or_default());
                let current = self.devices[index].seen.get(&target).map(|row| row.value(&column).clone());
                let Some(current) = current else { continue };
                operations.push(Operation::Update {
                    row: RowKey { table: "t".into(), key: target },
                    set: [(column.clone(), item.value("mine").clone())].into_iter().collect(),
                    was: BTreeMap::from([(column, Was::Value(current))]),
                    inc: Row::default(),
                    add: Row::default(),
                    remove: Row::default(),
                });
            }
            operations.push(Operation::Update {
                row: RowKey { table: inbox::TABLE.into(), key: key.clone() },
                set: Row::default().with("choice", choice),
                was: BTreeMap::from([("choice".into(), Was::Value(Value::Null))]),
                inc: Row::default(),
                add: Row::default(),
                remove: Row::default(),
            });
            let at = self.tick();
            let device = &mut self.devices[index];
            device.made += 1;
            let (n, base) = (MutationNumber(device.made), device.base);
            let mutation = Mutation { n, base, at, schema: 1, operations };
            let result = self.push(index, &mutation);
            self.devices[index].sent.push((mutation, result));
        }
        let decided = self.bench.engine.store().rows(inbox::TABLE).remove(&key).expect("it stays");
        assert!(decided.value("state").as_text() == Some("open") || !inbox::is_open(&decided));
    }

    fn tick(&mut self) -> Millis {
        self.bench.now = self.bench.now.plus(Millis(1 + self.random.below(50) as u64));
        self.bench.now
    }

    /// What became of each edit, by what can be found of it, and that it is one thing.
    fn fates(&self) -> Vec<Fate> {
        let mut items: Vec<Row> = self.bench.engine.store().rows(inbox::TABLE).into_values().collect();
        let positions = self.bench.engine.store().positions();
        let mut written: BTreeMap<(DeviceId, MutationNumber), Vec<Change>> = BTreeMap::new();
        for position in positions {
            if let Some((device, n)) = position.who.mutation() {
                let place = written.entry((device.clone(), n));
                assert!(matches!(place, std::collections::btree_map::Entry::Vacant(_)), "{device} {n} happened twice");
                place.or_insert(position.changes);
            }
        }
        let mut fates = Vec::new();
        let mut kept_of = BTreeSet::new();
        for device in &self.devices {
            for mutation in &device.waiting {
                assert!(!written.contains_key(&(device.id.clone(), mutation.n)), "it waits and was written");
                fates.push(Fate::Pending);
            }
            for (mutation, result) in &device.sent {
                let changes = &written[&(device.id.clone(), mutation.n)];
                let decides = mutation.operations.iter().any(|op| op.row().table.as_str() == inbox::TABLE);
                let kept: Vec<&Row> = items.iter().filter(|row| is_refusal_of(row, &device.id, mutation.n)).collect();
                kept_of.extend(kept.iter().map(|row| row.value("id").clone()));
                fates.push(fate(result, mutation, changes, &kept, decides));
                if result.outcome == Outcome::Conflict {
                    self.check_conflict(&items, changes, mutation, result);
                }
            }
        }
        items.retain(|row| row.value("kind").as_text() == Some(inbox::REFUSAL) && !kept_of.contains(row.value("id")));
        assert!(items.is_empty(), "refusals of nobody's edit: {items:?}");
        fates
    }

    /// A column in conflict is in the inbox with the person's value, or with what he made of it since.
    fn check_conflict(&self, items: &[Row], changes: &[Change], mutation: &Mutation, result: &MutationResult) {
        for column in result.lost.iter().filter(|column| ["a", "b"].contains(&column.as_str())) {
            let sets = mutation.operations.iter().filter_map(|operation| match operation {
                Operation::Update { set, .. } | Operation::Upsert { set, .. } => set.0.get(column).cloned(),
                Operation::Insert { .. } | Operation::Delete { .. } => None,
            });
            let mut values: BTreeSet<Value> = sets.collect();
            // His own later edits that were based on it.
            for (later, _) in self.devices.iter().flat_map(|device| &device.sent) {
                for operation in &later.operations {
                    if let Operation::Update { set, was, .. } = operation
                        && let Some(Was::Value(before)) = was.get(column)
                        && values.contains(before)
                    {
                        values.insert(set.value(column).clone());
                    }
                }
            }
            let found = items.iter().filter(|item| item.value("row_column").as_text() == Some(column.as_str()));
            let found = found.filter(|item| values.contains(item.value("mine"))).count();
            let is_merged = values.iter().any(|value| changes.iter().any(|change| is_within(value, column, change)));
            assert!(found >= 1 || (column.as_str() == "b" && is_merged), "{column} is in no inbox: {mutation:?}");
        }
    }
}

fn is_refusal_of(row: &Row, device: &DeviceId, n: MutationNumber) -> bool {
    let is_n = row.value("n").as_int() == i64::try_from(n.0).ok();
    row.value("device").as_text() == Some(device.as_str()) && is_n
}

fn fate(result: &MutationResult, mutation: &Mutation, changes: &[Change], kept: &[&Row], decides: bool) -> Fate {
    let on_tables: Vec<&Change> = changes.iter().filter(|change| change.row.table.as_str() == "t").collect();
    match result.outcome {
        Outcome::Refused => {
            assert!(on_tables.is_empty(), "a refusal changed something: {mutation:?}");
            assert_eq!(kept.len(), usize::from(!decides), "{mutation:?}");
            match kept.first().and_then(|row| row.value("state").as_text()) {
                Some(inbox::DISCARDED) => Fate::Discarded,
                _ => Fate::Refused,
            }
        }
        outcome => {
            assert!(kept.is_empty(), "it was decided and is in the inbox: {mutation:?}");
            let lost: BTreeSet<&Name> = result.lost.iter().collect();
            for operation in &mutation.operations {
                check_written(operation, &on_tables, &lost);
            }
            match outcome {
                Outcome::Applied => Fate::Applied,
                Outcome::Merged => Fate::Merged,
                Outcome::Conflict => Fate::Conflict,
                Outcome::Overruled => Fate::Overruled,
                Outcome::Refused => unreachable!("it was handled above"),
            }
        }
    }
}

/// What a column did not lose is in the row at the mutation's own position, unless a later operation of it wrote again.
fn check_written(operation: &Operation, changes: &[&Change], lost: &BTreeSet<&Name>) {
    let (Operation::Insert { row, set } | Operation::Update { row, set, .. }) = operation else { return };
    let Some(after) = changes.iter().find(|change| change.row == *row).and_then(|change| change.after.as_ref()) else {
        return;
    };
    for (column, value) in set.0.iter().filter(|(column, _)| column.as_str() == "a") {
        let is_there = after.value(column) == value;
        let is_later = count(after.value(column)) > count(value);
        assert!(is_there != lost.contains(column) || is_later, "{operation:?} {after:?} {lost:?}");
    }
}

/// True when what is new in a text was merged into what the change made of the column; the older words of it have a fate
/// of their own.
fn is_within(value: &Value, column: &Name, change: &Change) -> bool {
    let after = change.after.as_ref().and_then(|row| row.value(column).as_text()).unwrap_or_default();
    let number = |word: &str| word.strip_prefix('v').and_then(|digits| digits.parse::<u64>().ok());
    let newest = value.as_text().unwrap_or_default().split(' ').filter_map(number).max();
    after.split(' ').filter_map(number).any(|word| Some(word) == newest)
}

/// The number of a value.
fn count(value: &Value) -> u64 {
    value.as_text().and_then(|text| text.trim_start_matches('v').parse().ok()).unwrap_or(0)
}
