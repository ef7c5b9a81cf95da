//! Runs spec/vectors/*.json: the same cases that the TypeScript client runs.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use swain_core::client::{
    Config, Device, Ending, Entry, EntryId, EntryState, Held, Identity, Input, Membership, Meta, Output, Picker, State,
    StoredDevice,
};
use swain_core::decode::Node;
use swain_core::merge::apply;
use swain_core::protocol::{Down, Nearby, Other, Transport};
use swain_core::shape::Shape;
use swain_core::strict_json::parse;
use swain_core::{
    DeviceId, Key, Millis, Mutation, MutationNumber, Name, Operation, Pos, Row, RowKey, Schema, Table, Value, hash_text,
};

#[test]
fn every_vector_holds() {
    let mut failures = Vec::new();
    for file in files() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let vectors = parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let run = runner(text(member(&vectors, "kind")), &name);
        let cases = list(member(&vectors, "cases"));
        println!("ran spec/vectors/{name}: {} cases", cases.len());
        for case in cases {
            name_specs(text(member(case, "why")));
            if let Err(failure) = run(case) {
                failures.push(format!("{name} {}: {failure}", text(member(case, "name"))));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

type Run = fn(&Value) -> Result<(), String>;

fn runner(kind: &str, file: &str) -> Run {
    match kind {
        "canonical" => canonical,
        "operations" => operations,
        "overlay" => overlay,
        "session" => session,
        "transport_pick" => transport_pick,
        "presence_room" => presence_room,
        other => panic!("{file}: nobody knows how to run '{other}'"),
    }
}

/// What the frames of the server amount to, for whoever has such a room.
fn presence_room(case: &Value) -> Result<(), String> {
    let mut here: BTreeMap<u64, Other> = BTreeMap::new();
    let mut refusal = None;
    for (place, step) in list(member(case, "steps")).iter().enumerate() {
        let Value::Object(step) = step else { panic!("a step is an object") };
        if let Some(expected) = step.get("expect") {
            let others = here.values().map(|other| parse(&other.to_text()).unwrap()).map(with_nothing_said);
            check(&Value::List(others.collect()) == member(expected, "others"), &format!("step {place}: {here:?}"))?;
            check(refusal.as_deref() == member(expected, "problem").as_text(), &format!("step {place}: {refusal:?}"))?;
            continue;
        }
        match Down::read(&step["frame"].canonical()) {
            Ok(Down::Presence(Nearby::Room { is_whole, here: came, left, .. })) => {
                refusal = None;
                if is_whole {
                    here.clear();
                }
                left.iter().for_each(|id| drop(here.remove(id)));
                here.extend(came.into_iter().map(|other| (other.id, other)));
            }
            Ok(Down::Presence(Nearby::Refused { problem, .. })) => {
                refusal = Some(problem.code.as_str().to_owned());
                here.clear();
            }
            other => return Err(format!("step {place}: {other:?}")),
        }
    }
    Ok(())
}

/// To the page, nothing said and nothing to be known are the same.
fn with_nothing_said(other: Value) -> Value {
    let Value::Object(mut members) = other else { panic!("somebody is an object") };
    members.entry("row".into()).or_insert(Value::Null);
    members.entry("state".into()).or_insert(Value::Object(BTreeMap::new()));
    Value::Object(members)
}

fn transport_pick(case: &Value) -> Result<(), String> {
    let transport = |value: &Value| Transport::from_text(text(value)).unwrap();
    let transports: Vec<Transport> = list(member(case, "transports")).iter().map(transport).collect();
    let mut picker = Picker::new(&transports);
    for (place, step) in list(member(case, "steps")).iter().enumerate() {
        let Value::Object(step) = step else { panic!("a step is an object") };
        let millis = |name: &str| {
            let value = step.get(name).and_then(Value::as_int);
            value.map(|value| Millis(value.cast_unsigned()))
        };
        let at = millis("at").unwrap_or_default();
        if let Some(wanted) = step.get("use") {
            let chosen = picker.choose(at);
            check(chosen == transport(wanted), &format!("step {place} uses {}", chosen.as_str()))?;
        } else if let Some(ending) = step.get("end") {
            let ending = match text(ending) {
                "lost" => Ending::Lost,
                "closed" => Ending::Closed,
                "off" => Ending::Off,
                "left" => Ending::Left,
                other => panic!("no connection ends so: {other}"),
            };
            picker.handle_end(at, ending, millis("life"));
        } else if step.contains_key("welcome") {
            picker.handle_welcome(at);
        } else if step.contains_key("online") {
            picker.handle_online(at);
        } else if step.contains_key("wait_cut") {
            picker.handle_wait_cut(at);
        } else {
            expect_pick(&picker, step.get("expect").expect("a step does something"), place)?;
        }
    }
    Ok(())
}

fn expect_pick(picker: &Picker, expected: &Value, place: usize) -> Result<(), String> {
    let Value::Object(expected) = expected else { panic!("what is expected is an object") };
    if let Some(return_at) = expected.get("return_at") {
        let at = picker.return_at();
        let wanted = return_at.as_int().map(|at| Millis(at.cast_unsigned()));
        check(at == wanted, &format!("step {place} returns at {at:?}"))?;
    }
    if let Some(wait) = expected.get("wait") {
        let seconds = picker.wait_seconds();
        check(wait.as_int() == Some(seconds.cast_signed()), &format!("step {place} waits {seconds} s"))?;
    }
    Ok(())
}

fn check(holds: bool, failure: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(failure.to_owned()) }
}

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

/// The rules that a case proves are named in its reason.
fn name_specs(why: &str) {
    let words = why.split(|char: char| !char.is_ascii_alphanumeric());
    for word in words {
        let is_id = word
            .strip_prefix(['V', 'M', 'P', 'C', 'S', 'R'])
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
        if is_id {
            swain_testkit::record_spec(word);
        }
    }
}

fn canonical(case: &Value) -> Result<(), String> {
    swain_testkit::spec!("V2", "V3", "V4");
    let parsed = parse(text(member(case, "input")));
    match (parsed, optional(case, "error")) {
        (Ok(value), None) => {
            let found = value.canonical();
            same("canonical", &found.as_str(), &text(member(case, "canonical")))?;
            same("hash", &hash_text(&found).as_str(), &text(member(case, "hash")))
        }
        (Err(problem), Some(code)) => same("error", &problem.code.as_str(), &text(code)),
        (found, expected) => Err(format!("found {found:?}, expected {expected:?}")),
    }
}

fn operations(case: &Value) -> Result<(), String> {
    swain_testkit::spec!("M1", "M2", "V7");
    let ops = read_operations(member(case, "ops"));
    let table = only_table(&ops[0].row().table, member(case, "table"));
    let before = Row::from_value(member(case, "row"));
    let after = ops.iter().fold(before, |row, operation| apply(&table, row.as_ref(), operation));
    same("after", &after, &Row::from_value(member(case, "after")))
}

fn overlay(case: &Value) -> Result<(), String> {
    swain_testkit::spec!("C1", "C4", "V5", "V6");
    let schema = Schema::from_value(member(case, "schema")).unwrap();
    let shapes: Vec<Shape> = schema.tables.keys().map(|table| Shape::table(table)).collect();
    let acked = MutationNumber(count(member(case, "acked")));
    let mut stored = StoredDevice::default();
    for (table, rows) in object(member(case, "confirmed")) {
        for row in list(rows) {
            let row = Row::from_value(row).unwrap();
            let key = row.key(&schema.tables[&**table]);
            let place = RowKey { table: Name::from(table.clone()), key };
            stored.rows.insert(place, Held { row: row.into(), shapes: Membership::of(0) });
        }
    }
    for entry in list(member(case, "pending")) {
        let entry = read_entry(entry, acked);
        stored.outbox.insert(entry.id, entry);
    }
    stored.meta = Some(meta(&shapes, acked));
    stored.schema = Some(schema);
    let device = Device::new(identity(), Config::new(shapes), Some(stored));
    same_rows(&device, member(case, "visible"))
}

/// A welcome stands for a new connection: the device says hello first.
fn session(case: &Value) -> Result<(), String> {
    let schema = Schema::from_value(member(case, "schema")).unwrap();
    let shapes = list(member(case, "shapes")).iter();
    let shapes: Vec<Shape> = shapes.map(|shape| Shape::read(&Node::root("shape", shape)).unwrap()).collect();
    let mut stored = StoredDevice { schema: Some(schema), ..StoredDevice::default() };
    stored.meta = Some(meta(&shapes, MutationNumber(0)));
    let mut driver = Driver { device: Device::new(identity(), Config::new(shapes), Some(stored)), devices: 0 };
    for (index, step) in list(member(case, "steps")).iter().enumerate() {
        driver.step(step).map_err(|failure| format!("step {index}: {failure}"))?;
    }
    Ok(())
}

const NOW: Millis = Millis(1_700_000_000_000);

struct Driver {
    device: Device,
    devices: usize,
}

impl Driver {
    fn step(&mut self, step: &Value) -> Result<(), String> {
        if let Some(frame) = optional(step, "frame") {
            if optional(frame, "welcome").is_some() {
                self.reconnect();
            }
            self.give(Input::FrameReceived(frame.canonical()));
            return Ok(());
        }
        if let Some(mutate) = optional(step, "mutate") {
            let operations = read_operations(member(mutate, "ops"));
            self.device.mutate(NOW, operations).map_err(|problem| problem.to_string())?;
            self.drain();
            return Ok(());
        }
        self.check(member(step, "expect"))
    }

    fn reconnect(&mut self) {
        self.drain();
        self.give(Input::Token(None));
        self.give(Input::TransportClosed { code: Some(1006) });
        self.give(Input::Wake);
        self.give(Input::TransportOpened);
    }

    fn give(&mut self, input: Input) {
        self.device.handle(NOW, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.device.poll() {
            match output {
                Output::Persist(batch) => self.device.handle(NOW, Input::Persisted(batch.id)),
                Output::NeedDeviceId => {
                    self.devices += 1;
                    let id = DeviceId::from(format!("device-{}", self.devices).as_str());
                    self.device.handle(NOW, Input::DeviceId(id));
                }
                _ => {}
            }
        }
    }

    fn check(&self, expected: &Value) -> Result<(), String> {
        let numbers = |entries: Vec<&Entry>| -> Vec<u64> { entries.iter().map(|entry| entry.mutation.n.0).collect() };
        if let Some(visible) = optional(expected, "visible") {
            same_rows(&self.device, visible)?;
        }
        for row in optional(expected, "get").map(list).unwrap_or_default() {
            let Value::List(key) = member(row, "key") else { panic!("a key is a list") };
            let place = RowKey { table: text(member(row, "table")).into(), key: Key(key.clone()) };
            let found = self.device.visible(&place).map_or(Value::Null, |row| row.to_value());
            same(&place.key.canonical(), &found.canonical(), &member(row, "row").canonical())?;
        }
        if let Some(cursor) = optional(expected, "cursor") {
            same("cursor", &self.device.meta().cursor.as_deref(), &cursor.as_text())?;
        }
        if let Some(pending) = optional(expected, "pending") {
            same("pending", &numbers(self.device.pending().collect()), &counts(pending))?;
        }
        if let Some(refused) = optional(expected, "refused") {
            same("refused", &numbers(self.device.dead_letters().collect()), &counts(refused))?;
        }
        if let Some(staged) = optional(expected, "staged") {
            same("staged", &(self.device.staged_len() as u64), &count(staged))?;
        }
        if let Some(connected) = optional(expected, "connected") {
            let is_connected = matches!(self.device.status().state, State::Syncing | State::Live);
            same("connected", &Value::Bool(is_connected), connected)?;
        }
        Ok(())
    }
}

fn same_rows(device: &Device, visible: &Value) -> Result<(), String> {
    for (table, expected) in object(visible) {
        let rows = device.visible_rows(table);
        let by_key: BTreeMap<String, Value> =
            rows.iter().map(|(place, row)| (place.key.canonical(), row.to_value())).collect();
        let found = Value::List(by_key.into_values().collect());
        same(table, &found.canonical(), &expected.canonical())?;
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}"))
}

fn identity() -> Identity {
    Identity { device: DeviceId::from("device-0"), seed: 1 }
}

fn meta(shapes: &[Shape], acked: MutationNumber) -> Meta {
    Meta {
        device: identity().device,
        epoch: None,
        cursor: None,
        pos: Pos(0),
        acked,
        highest: acked,
        last_entry: EntryId(acked.0),
        temporaries: 0,
        load: None,
        shapes: shapes.iter().map(|shape| shape.to_value().canonical()).collect(),
        offset_ms: 0,
        last_synced: None,
    }
}

fn read_entry(entry: &Value, acked: MutationNumber) -> Entry {
    let n = MutationNumber(count(member(entry, "n")));
    let operations = read_operations(member(entry, "ops"));
    let state = match n <= acked {
        true => EntryState::Acknowledged { at: Millis(0) },
        false => EntryState::Pending,
    };
    Entry {
        id: EntryId(n.0),
        mutation: Mutation { n, base: Pos(0), at: Millis(0), schema: 1, operations },
        state,
        result: None,
    }
}

/// Vectors may leave out what the device fills in: `was`.
fn read_operations(ops: &Value) -> Vec<Operation> {
    let read = |operation: &Value| {
        let given = optional(operation, "update").and_then(|update| optional(update, "was")).cloned();
        let whole = with_every_was(operation);
        let mut operation = Operation::read(&Node::root("operation", &whole)).unwrap();
        if let Operation::Update { was, .. } = &mut operation {
            was.retain(|column, _| given.as_ref().is_some_and(|given| optional(given, column).is_some()));
        }
        operation
    };
    list(ops).iter().map(read).collect()
}

fn with_every_was(operation: &Value) -> Value {
    let mut operation = operation.clone();
    let Value::Object(members) = &mut operation else { panic!("an operation is an object") };
    if let Some(Value::Object(update)) = members.get_mut("update") {
        let columns: Vec<_> =
            update.get("set").map(object).into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let was = update.entry("was".into()).or_insert_with(|| Value::Object(BTreeMap::new()));
        let Value::Object(was) = was else { panic!("was is an object") };
        for column in columns {
            let null = Value::Object(BTreeMap::from([("value".into(), Value::Null)]));
            was.entry(column).or_insert(null);
        }
    }
    operation
}

fn only_table(name: &Name, table: &Value) -> Table {
    let tables = Value::Object(BTreeMap::from([(name.into(), table.clone())]));
    let schema = BTreeMap::from([("version".into(), Value::Int(1)), ("tables".into(), tables)]);
    Schema::from_value(&Value::Object(schema)).unwrap().tables.remove(name).unwrap()
}

fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    optional(value, name).unwrap_or_else(|| panic!("'{name}' is missing in {}", value.canonical()))
}

fn optional<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    object(value).get(name)
}

fn object(value: &Value) -> &BTreeMap<std::sync::Arc<str>, Value> {
    let Value::Object(members) = value else { panic!("an object is expected, this is {}", value.kind()) };
    members
}

fn list(value: &Value) -> &[Value] {
    let Value::List(items) = value else { panic!("an array is expected, this is {}", value.kind()) };
    items
}

fn text(value: &Value) -> &str {
    value.as_text().unwrap()
}

fn count(value: &Value) -> u64 {
    value.as_int().unwrap().try_into().unwrap()
}

fn counts(value: &Value) -> Vec<u64> {
    list(value).iter().map(count).collect()
}

#[test]
fn a_key_is_found_by_its_canonical_form() {
    swain_testkit::spec!("V5");
    assert_eq!(Key(vec![Value::number(1.0), Value::text("a")]).canonical(), "[1,\"a\"]");
}
