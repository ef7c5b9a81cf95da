//! Laws of the core, on random values.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use swain_core::client::{Config, Device, Identity, Input, Output, StoredDevice};
use swain_core::merge::{apply, commute};
use swain_core::protocol::{
    Checkpoint, LoadEnd, MutationResult, Outcome, Results, ShapeState, Welcome, place_fragment, write_changes,
    write_put, write_remove,
};
use swain_core::shape::Shape;
use swain_core::strict_json::parse;
use swain_core::{
    Column, ColumnType, DeviceId, Epoch, Key, Millis, MutationNumber, Operation, Pos, Row, RowKey, Schema, Table, Tag,
    Value,
};
use swain_testkit::spec;

proptest! {
    #[test]
    fn what_is_written_in_canonical_form_is_read_as_the_same(value in json()) {
        spec!("V2", "V3", "V7");
        let text = value.canonical();

        let read = parse(&text).unwrap();

        prop_assert_eq!(&read, &value);
        prop_assert_eq!(read.canonical(), text);
    }

    #[test]
    fn canonical_forms_differ_exactly_when_values_differ(a in json(), b in json()) {
        spec!("V7");
        prop_assert_eq!(a == b, a.canonical() == b.canonical());
    }

    #[test]
    fn a_flipped_byte_never_panics_the_parser(value in json(), place in any::<prop::sample::Index>(), byte in 0u8..128) {
        spec!("V2");
        let mut bytes = value.canonical().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = parse(&text);
        }
    }

    #[test]
    fn increments_and_additions_commute(start in table_row(), a in commuting(), b in commuting()) {
        spec!("M4");
        let table = table();
        let after = |first: &Commuting, second: &Commuting| {
            let mut row = start.clone();
            for (inc, add) in [first, second] {
                commute(&table, &mut row, inc, add, &Row::default());
            }
            as_sets(row)
        };

        prop_assert_eq!(after(&a, &b), after(&b, &a));
    }

    #[test]
    fn visible_is_confirmed_with_the_pending_mutations_applied(steps in prop::collection::vec(step(), 1..40)) {
        spec!("C1", "C3", "C4");
        let mut run = Run::new();
        for step in steps {
            run.take(step);
            run.check()?;
        }
    }
}

type Commuting = (Row, Row);

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::int64),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::number),
        "[^\\x00]{0,8}".prop_map(|text| Value::text(text.as_str())),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map("[^\\x00]{0,6}".prop_map(|name| name.into()), inner, 0..6)
                .prop_map(Value::Object),
        ]
    })
}

fn table() -> Table {
    let column = |kind| Column { kind, nullable: true, has_default: true, generated: false };
    Table::new(
        "t".into(),
        BTreeMap::from([
            ("id".into(), column(ColumnType::Int64)),
            ("a".into(), column(ColumnType::Int64)),
            ("b".into(), column(ColumnType::Json)),
        ]),
        vec!["id".into()],
    )
}

fn table_row() -> impl Strategy<Value = Row> {
    (-9i64..9, items()).prop_map(|(a, b)| {
        let mut row = Row::default().with("id", 1).with("a", a);
        row.set("b", Value::Null);
        row.0.insert("b".into(), b);
        row
    })
}

fn commuting() -> impl Strategy<Value = Commuting> {
    (-9i64..9, items()).prop_map(|(amount, items)| {
        let add = Row::from_iter([("b".into(), items)]);
        (Row::default().with("a", amount), add)
    })
}

/// Distinct values, as sets hold them.
fn items() -> impl Strategy<Value = Value> {
    prop::collection::btree_set(0i64..6, 0..4).prop_map(|set| Value::List(set.into_iter().map(Value::Int).collect()))
}

/// A set has no order; the array that holds it has.
fn as_sets(mut row: Row) -> Row {
    if let Some(Value::List(items)) = row.0.get_mut("b") {
        items.sort();
    }
    row
}

/// What may happen to a device, in any order.
#[derive(Clone, Debug)]
enum Step {
    Edit(Vec<Operation>),
    /// The server confirms rows, and mutations up to a share of what is pending.
    Position {
        puts: Vec<(i64, i64)>,
        removes: Vec<i64>,
        acked: usize,
    },
    /// Results of the first so many pending mutations.
    Results(usize, bool),
    Load(Vec<(i64, i64)>),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let pairs = || prop::collection::vec((0i64..5, -9i64..9), 0..4);
    prop_oneof![
        4 => prop::collection::vec(operation(), 1..4).prop_map(Step::Edit),
        4 => (pairs(), prop::collection::vec(0i64..5, 0..2), 0usize..4)
            .prop_map(|(puts, removes, acked)| Step::Position { puts, removes, acked }),
        2 => (1usize..4, any::<bool>()).prop_map(|(count, refused)| Step::Results(count, refused)),
        1 => pairs().prop_map(Step::Load),
        1 => Just(Step::Crash),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    (0i64..5, -9i64..9, 0..4).prop_map(|(key, a, kind)| {
        let (row, value) = (place(key), Row::default().with("a", a));
        match kind {
            0 => Operation::Insert { row, set: value },
            1 => Operation::Delete { row, seen: None },
            2 => update(row, value, Row::default()),
            _ => update(row, Row::default(), value),
        }
    })
}

fn update(row: RowKey, set: Row, inc: Row) -> Operation {
    Operation::Update { row, set, was: BTreeMap::new(), inc, add: Row::default(), remove: Row::default() }
}

fn place(key: i64) -> RowKey {
    RowKey { table: "t".into(), key: Key::of(key) }
}

fn row(key: i64, a: i64) -> Row {
    let mut row = Row::default().with("id", key).with("a", a);
    row.0.insert("b".into(), Value::Null);
    row
}

/// A device with its storage, and what the server said it holds.
struct Run {
    device: Device,
    stored: StoredDevice,
    confirmed: BTreeMap<RowKey, Row>,
    shown: BTreeMap<RowKey, Row>,
    pos: u64,
    acked: u64,
}

impl Run {
    fn new() -> Self {
        let mut run = Self {
            device: device(None),
            stored: StoredDevice::default(),
            confirmed: BTreeMap::new(),
            shown: BTreeMap::new(),
            pos: 0,
            acked: 0,
        };
        run.connect();
        run
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Edit(operations) => {
                self.device.mutate(Millis(0), operations).unwrap();
                self.drain();
            }
            Step::Position { puts, removes, acked } => self.position(&puts, &removes, acked),
            Step::Results(count, refused) => self.results(count, refused),
            Step::Load(rows) => self.load(&rows),
            Step::Crash => {
                self.device = device(Some(self.stored.clone()));
                self.connect();
            }
        }
    }

    /// C1, and that the change sets told the whole way.
    fn check(&self) -> Result<(), TestCaseError> {
        let mut expected = self.confirmed.clone();
        for entry in self.device.pending() {
            for operation in &entry.mutation.operations {
                match apply(&table(), expected.get(operation.row()), operation) {
                    Some(row) => drop(expected.insert(operation.row().clone(), row)),
                    None => drop(expected.remove(operation.row())),
                }
            }
        }
        let rows = self.device.visible_rows("t").into_iter();
        let visible: BTreeMap<_, _> = rows.map(|(key, row)| (key.clone(), Row::clone(row))).collect();
        prop_assert_eq!(&visible, &expected);
        prop_assert_eq!(&self.shown, &expected);
        Ok(())
    }

    fn position(&mut self, puts: &[(i64, i64)], removes: &[i64], acked: usize) {
        self.pos += 1;
        self.acked += acked.min(self.device.pending().count()) as u64;
        let mut rows = Vec::new();
        for (key, a) in puts {
            let mut text = String::new();
            write_put(&mut text, &place_fragment(&place(*key)), &[0], &row(*key, *a).canonical());
            rows.push(text);
            self.confirmed.insert(place(*key), row(*key, *a));
        }
        for key in removes {
            let mut text = String::new();
            write_remove(&mut text, &place_fragment(&place(*key)));
            rows.push(text);
            self.confirmed.remove(&place(*key));
        }
        self.frame(write_changes(&self.checkpoint(), &rows.join(",")));
    }

    fn results(&mut self, count: usize, refused: bool) {
        let numbers: Vec<MutationNumber> = self.device.pending().take(count).map(|entry| entry.mutation.n).collect();
        let outcome = if refused { Outcome::Refused } else { Outcome::Applied };
        let results = numbers.iter().map(|n| MutationResult { n: *n, outcome, lost: Vec::new(), problem: None });
        self.frame(Results { results: results.collect(), problem: None }.to_text());
    }

    fn load(&mut self, rows: &[(i64, i64)]) {
        self.pos += 1;
        let rows: BTreeMap<RowKey, Row> = rows.iter().map(|(key, a)| (place(*key), row(*key, *a))).collect();
        let texts: Vec<String> = rows.values().map(Row::canonical).collect();
        self.frame(swain_core::protocol::write_load(0, &texts.join(","), 1, "l"));
        self.confirmed = rows;
        self.frame(LoadEnd { checkpoint: self.checkpoint(), shapes: vec![0] }.to_text());
    }

    fn connect(&mut self) {
        self.shown.clear();
        for (key, row) in self.device.visible_rows("t") {
            self.shown.insert(key.clone(), Row::clone(row));
        }
        self.give(Input::Token(None));
        self.give(Input::TransportOpened);
        let schema = Schema { version: 1, tables: BTreeMap::from([("t".into(), table())]) };
        let welcome = Welcome {
            epoch: Epoch::from("e"),
            user: None,
            device: DeviceId::from("d"),
            now: Millis(0),
            heartbeat: Millis(1000),
            expires: None,
            shapes: vec![ShapeState::Live],
            last: MutationNumber(self.acked),
            results: Vec::new(),
            aliases: Vec::new(),
            schema: Some(schema),
            load_resumes: None,
        };
        self.frame(welcome.to_text());
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            cursor: "c".into(),
            pos: Pos(self.pos),
            tag: Tag(0),
            acked: MutationNumber(self.acked),
            now: Millis(0),
        }
    }

    fn frame(&mut self, text: String) {
        self.give(Input::FrameReceived(text));
    }

    fn give(&mut self, input: Input) {
        self.device.handle(Millis(0), input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.device.poll() {
            match output {
                Output::Persist(batch) => {
                    let id = batch.id;
                    self.stored.apply(batch);
                    self.device.handle(Millis(0), Input::Persisted(id));
                }
                Output::Changed(set) => {
                    for change in set.rows {
                        let before = self.shown.get(&change.row);
                        assert_eq!(before, change.before.as_deref(), "the change goes on from what was shown");
                        match change.after {
                            Some(row) => drop(self.shown.insert(change.row, Row::clone(&row))),
                            None => drop(self.shown.remove(&change.row)),
                        }
                    }
                }
                Output::Close(_) => panic!("the device found something wrong"),
                _ => {}
            }
        }
    }
}

fn device(stored: Option<StoredDevice>) -> Device {
    let identity = Identity { device: DeviceId::from("d"), seed: 1 };
    Device::new(identity, Config::new(vec![Shape::table("t")]), stored)
}
