//! Every version of a row carries a marker. Whatever moves, no marker reaches a user who had no right to that version
//! while it was the row (law: authorisation), and in the end every device holds exactly what its user may read.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::protocol::{Down, RowOperation};
use swain_core::rule::{Auth, resolve_in};
use swain_core::{Key, Name, Row, RowKey};
use swain_engine::{PlantedLeak, TableConfig, parse_rule};
use swain_store::ready;
use swain_testkit::spec;

use crate::bench::{Bench, Connection, SHAPE_T, everybody, owned};

const RUNS: u64 = 1_000;
const ACTIONS: usize = 60;
const USERS: [&str; 3] = ["ada", "ben", "cyd"];
const RULES: [&str; 5] = [
    "b IN (SELECT a FROM u WHERE owner = auth.id)",
    "auth.uid() IN (SELECT owner FROM u WHERE u.a = b)",
    "b IN (SELECT a FROM u WHERE owner IN (SELECT a FROM u WHERE owner = auth.id)) OR kept = auth.id",
    "b NOT IN (SELECT a FROM u WHERE owner <> auth.id) AND b <> 'p'",
    "EXISTS (SELECT 1 FROM u WHERE a = 'p' AND owner = auth.id)",
];

struct Device {
    user: &'static str,
    connection: Option<Connection>,
    cursor: Option<String>,
    rows: BTreeMap<Key, Row>,
    staged: BTreeMap<Key, Row>,
    /// Everything that ever came, as text.
    heard: String,
}

#[test]
fn taint_no_version_reaches_a_user_without_the_right_to_it() {
    spec!("R11", "R3");
    for seed in 0..RUNS {
        if let Err(leak) = run(seed, None) {
            panic!("seed {seed}: {leak}");
        }
    }
}

#[test]
fn taint_planted_leaks_are_caught() {
    spec!("R11");
    for leak in [PlantedLeak::RightsNotFollowed, PlantedLeak::ResumeIgnoresRights] {
        let caught = (0..200).filter(|seed| run(*seed, Some(leak)).is_err()).count();
        assert!(caught > 0, "{leak:?} is not caught");
    }
}

fn run(seed: u64, planted: Option<PlantedLeak>) -> Result<(), String> {
    let mut random = Random(seed);
    let rule = RULES[random.below(RULES.len())];
    let t = TableConfig { read: Some(rule.into()), ..everybody() };
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]));
    if let Some(planted) = planted {
        bench.engine = bench.engine.with_planted_leak(planted);
    }
    let mut devices = USERS.map(Device::new);
    for action in 0..ACTIONS {
        act(&mut random, &mut bench, &mut devices, action);
    }
    for device in &mut devices {
        device.settle(&mut bench);
    }
    check(&bench, rule, &devices)
}

fn act(random: &mut Random, bench: &mut Bench, devices: &mut [Device; 3], action: usize) {
    let project = ["p", "q", "s", "ada", "ben"][random.below(5)];
    let key = format!("k{}", random.below(4));
    match random.below(12) {
        0..=3 => {
            let kept = USERS[random.below(3)];
            let row = Row::default().with("id", &*key).with("a", format!("<{action}>").as_str());
            outside(bench, "t", &key, Some(row.with("b", project).with("kept", kept)));
        }
        4 => outside(bench, "t", &key, None),
        5 | 6 => {
            let owner = ["ada", "ben", "cyd", "p", "q"][random.below(5)];
            let row = Row::default().with("id", &*key).with("a", project).with("owner", owner);
            outside(bench, "u", &key, Some(row));
        }
        7 => outside(bench, "u", &key, None),
        8 => ready(bench.engine.follow()).expect("memory does not fail"),
        9 => {
            let device = &mut devices[random.below(3)];
            device.connect(bench, random.below(4) > 0);
            device.progress(bench, random.below(6));
        }
        10 => devices[random.below(3)].disconnect(bench),
        _ => devices[random.below(3)].progress(bench, 1 + random.below(8)),
    }
}

fn outside(bench: &Bench, table: &str, key: &str, row: Option<Row>) {
    bench.engine.store().write_outside(bench.now, table, |rows| {
        match row {
            Some(row) => rows.insert(Key::of(key), row),
            None => rows.remove(&Key::of(key)),
        };
    });
}

impl Device {
    fn new(user: &'static str) -> Self {
        let (rows, staged) = (BTreeMap::new(), BTreeMap::new());
        Self { user, connection: None, cursor: None, rows, staged, heard: String::new() }
    }

    fn connect(&mut self, bench: &mut Bench, with_cursor: bool) {
        self.disconnect(bench);
        if !with_cursor {
            self.cursor = None;
        }
        let cursor = self.cursor.as_ref().map_or("null".into(), |cursor| format!("\"{cursor}\""));
        let hello = format!(r#"{SHAPE_T},"cursor":{cursor}"#);
        self.connection = Some(bench.open(self.user, &format!("d-{}", self.user), &hello));
    }

    fn disconnect(&mut self, bench: &Bench) {
        if let Some(connection) = self.connection.take() {
            bench.engine.close(connection.id);
        }
    }

    /// At most so many outputs of the session; a reader that stops reading is one that is not asked again.
    fn progress(&mut self, bench: &mut Bench, outputs: usize) {
        let Some(mut connection) = self.connection.take() else { return };
        for _ in 0..outputs {
            if !bench.step(&mut connection) {
                break;
            }
        }
        for frame in connection.frames.drain(..) {
            self.heard.push_str(&format!("{frame:?}\n"));
            self.apply(frame);
        }
        if connection.closed.is_none() {
            self.connection = Some(connection);
        }
    }

    fn settle(&mut self, bench: &mut Bench) {
        for _ in 0..5 {
            if self.connection.is_none() {
                self.connect(bench, true);
            }
            ready(bench.engine.follow()).expect("memory does not fail");
            self.progress(bench, usize::MAX);
        }
    }

    fn apply(&mut self, frame: Down) {
        let key = |row: &RowKey| row.key.clone();
        match frame {
            Down::Welcome(welcome) if welcome.load_resumes.is_some() => self.staged.clear(),
            Down::Load(chunk) => {
                self.staged.extend(chunk.rows.into_iter().map(|row| (Key(vec![row.value("id").clone()]), row)));
            }
            Down::LoadChanges(operations) => {
                operations.into_iter().for_each(|change| apply(&mut self.staged, change, key))
            }
            Down::LoadEnd(end) => {
                self.rows = std::mem::take(&mut self.staged);
                self.cursor = Some(end.checkpoint.cursor);
            }
            Down::Changes { checkpoint, rows, .. } => {
                rows.into_iter().for_each(|change| apply(&mut self.rows, change, key));
                self.cursor = Some(checkpoint.cursor);
            }
            Down::CaughtUp(checkpoint) | Down::Heartbeat(checkpoint) => self.cursor = Some(checkpoint.cursor),
            _ => {}
        }
    }
}

fn apply(rows: &mut BTreeMap<Key, Row>, operation: RowOperation, key: impl Fn(&RowKey) -> Key) {
    match operation {
        RowOperation::Put { row, values, .. } => drop(rows.insert(key(&row), values)),
        RowOperation::Patch { row, set, .. } => {
            if let Some(held) = rows.get_mut(&key(&row)) {
                held.0.extend(set.0);
            }
        }
        RowOperation::Remove { row } => drop(rows.remove(&key(&row))),
    }
}

/// Replays the log: who could read which version while it was the row.
fn check(bench: &Bench, rule: &str, devices: &[Device; 3]) -> Result<(), String> {
    let schema = &bench.engine.catalog().schema;
    let rule = parse_rule(schema, &schema.tables["t"], rule).expect("it is a rule");
    let mut tables: BTreeMap<Name, BTreeMap<Key, Row>> = BTreeMap::new();
    let mut allowed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut readable: BTreeMap<&str, BTreeMap<Key, Row>> = BTreeMap::new();
    let mut markers = BTreeSet::new();
    for position in bench.engine.store().positions() {
        for change in position.changes {
            let rows = tables.entry(change.row.table).or_default();
            match change.after {
                Some(row) => rows.insert(change.row.key, row),
                None => rows.remove(&change.row.key),
            };
        }
        for user in USERS {
            let auth = Auth { user: Some(user.into()), ..Auth::default() };
            let rows = |name: &Name| tables.get(name).into_iter().flat_map(|rows| rows.values().cloned()).collect();
            let predicate = resolve_in(&rule.bind(&auth), &rows);
            let versions = tables.get("t").into_iter().flatten();
            let granted = versions.filter(|(_, row)| predicate.grants(row));
            let granted: BTreeMap<Key, Row> = granted.map(|(key, row)| (key.clone(), row.clone())).collect();
            let marker = |row: &Row| row.value("a").as_text().map(str::to_owned);
            markers.extend(tables.get("t").into_iter().flat_map(|rows| rows.values().filter_map(marker)));
            allowed.entry(user).or_default().extend(granted.values().filter_map(marker));
            readable.insert(user, granted);
        }
    }
    for device in devices {
        let leaked = markers.iter().find(|marker| {
            device.heard.contains(marker.as_str())
                && !allowed.get(device.user).is_some_and(|allowed| allowed.contains(*marker))
        });
        if let Some(marker) = leaked {
            return Err(format!("{} has heard {marker}", device.user));
        }
        let expected = readable.get(device.user).cloned().unwrap_or_default();
        let same =
            |(key, row): (&Key, &Row)| device.rows.get(key).is_some_and(|held| held.value("a") == row.value("a"));
        if device.rows.len() != expected.len() || !expected.iter().all(same) {
            return Err(format!("{} holds {:?} and may read {expected:?}", device.user, device.rows));
        }
    }
    Ok(())
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("below a usize")
    }
}
