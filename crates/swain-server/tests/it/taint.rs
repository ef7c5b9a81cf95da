//! Every version of a row carries a marker, through the real server: whatever moves, no marker reaches a user who had no
//! right to that version while it was the row, over WebSocket, events and polls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swain_core::protocol::Down;
use swain_core::rule::Auth;
use swain_core::{Column, ColumnType, Epoch, Key, Millis, Pos, Row, Schema, Table, Value};
use swain_engine::{Channel, Engine, PlantedLeak, TableConfig, parse_rule};
use swain_server::{Transport, now};
use swain_store::memory::{MemoryOptions, MemoryStore};
use swain_store::{Accounts as _, Person};
use swain_testkit::audit::{HIDDEN_MARKER, Reign, Remark, all_markers, allowed, may_hear};
use swain_testkit::spec;

use crate::line::Line;
use crate::socket::{Heard, Hello, Socket, insert};
use crate::stage::{Account, Stage};

const RUNS: u64 = 50;
const ACTIONS: usize = 30;
const NAMES: [&str; 2] = ["ada", "ben"];
const RULES: [&str; 3] = [
    "b IN (SELECT a FROM u WHERE owner = auth.id)",
    "auth.role = 'coach' OR b IN (SELECT a FROM u WHERE owner = auth.id)",
    "b NOT IN (SELECT a FROM u WHERE owner <> auth.id) AND b <> 'p'",
];
const MASK: &str = "auth.role <> 'coach'";

#[tokio::test]
async fn taint_no_marker_crosses_the_wire_without_the_right_to_it() {
    spec!("R11", "R12");
    for seed in 0..RUNS {
        if let Err(leak) = run(seed, None).await {
            panic!("seed {seed}: {leak}");
        }
    }
}

#[tokio::test]
async fn taint_leaks_planted_behind_the_wire_are_caught() {
    spec!("R11", "R12");
    let leaks = [PlantedLeak::MaskForgotten(Channel::Live), PlantedLeak::RefusalsTellRows];
    for leak in leaks.into_iter().chain([PlantedLeak::PresenceIgnoresRows, PlantedLeak::RoomsAreOpen]) {
        let mut is_caught = false;
        for seed in 0..RUNS {
            is_caught = is_caught || run(seed, Some(leak)).await.is_err();
        }
        assert!(is_caught, "{leak:?} is not caught");
    }
}

/// A person with a device.
struct Reader {
    name: &'static str,
    id: String,
    role: &'static str,
    access: String,
    socket: Option<Socket>,
    /// How far the device has got, and the rows that it holds there.
    cursor: Option<String>,
    rows: BTreeMap<Key, Row>,
    /// What came, by the role of the token under which it did.
    heard: Vec<(&'static str, String)>,
    said: BTreeSet<String>,
    /// What she said of herself in rooms.
    remarks: Vec<Remark>,
    decided: u64,
}

struct World {
    stage: Stage<MemoryStore>,
    reigns: Vec<Reign>,
}

impl World {
    async fn new(random: &mut Random, planted: Option<PlantedLeak>) -> Self {
        let rule = RULES[random.below(RULES.len())];
        let t = TableConfig {
            read: Some(rule.into()),
            write: Some("true".into()),
            hidden: BTreeMap::from([(HIDDEN_MARKER.to_owned(), MASK.to_owned())]),
            ..TableConfig::default()
        };
        let tables = BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), TableConfig::default())]);
        let (epoch, checks) = (Epoch::from("e1"), BTreeMap::new());
        let options = MemoryOptions { epoch, schema: schema(), checks, seed: 7, planted: None };
        let engine = Engine::open(Arc::new(MemoryStore::new(options)), &tables, now()).await.unwrap();
        let catalog = engine.catalog();
        let parse = |text: &str| parse_rule(&catalog.schema, &catalog.schema.tables["t"], text).unwrap();
        let masked = [HIDDEN_MARKER.into()].into();
        let reigns = vec![Reign { since: Pos(0), read: parse(rule), mask: Some(parse(MASK)), masked }];
        let engine = match planted {
            Some(leak) => engine.with_planted_leak(leak),
            None => engine,
        };
        // So that a position that brings nothing is soon known to have passed.
        let stage = Stage::of(engine, |config| config.heartbeat = Millis(50)).await;
        Self { stage, reigns }
    }

    fn outside(&self, table: &str, key: &str, row: Option<Row>) {
        self.stage.engine.store().write_outside(now(), table, |rows| {
            match row {
                Some(row) => rows.insert(Key::of(key), row),
                None => rows.remove(&Key::of(key)),
            };
        });
    }

    fn head(&self) -> Pos {
        self.stage.engine.store().positions().last().map_or(Pos(0), |position| position.pos)
    }
}

async fn run(seed: u64, planted: Option<PlantedLeak>) -> Result<(), String> {
    let mut random = Random(seed);
    let world = World::new(&mut random, planted).await;
    let mut readers = Vec::new();
    for name in NAMES {
        let account = world.stage.signup(name).await;
        readers.push(Reader::new(name, account));
    }
    for action in 0..ACTIONS {
        act(&mut random, &world, &mut readers, action).await;
    }
    for reader in &mut readers {
        reader.connect(&world, &mut random, true).await;
        reader.read_to(world.head()).await;
    }
    check(&world, &readers)
}

async fn act(random: &mut Random, world: &World, readers: &mut [Reader], action: usize) {
    let ids: Vec<String> = readers.iter().map(|reader| reader.id.clone()).collect();
    let project = ["p", "q", "s"][random.below(3)];
    let key = format!("k{}", random.below(3));
    let reader = &mut readers[random.below(NAMES.len())];
    match random.below(16) {
        0..=3 => {
            let row = Row::default().with("id", &*key).with("a", format!("<{action}>").as_str()).with("b", project);
            world.outside("t", &key, Some(row.with(HIDDEN_MARKER, format!("~{action}~").as_str())));
        }
        4 => world.outside("t", &key, None),
        5 | 6 => {
            let owner = ids[random.below(ids.len())].as_str();
            let row = Row::default().with("id", &*key).with("a", project).with("owner", owner);
            world.outside("u", &key, Some(row));
        }
        7 => world.outside("u", &key, None),
        8 | 9 => {
            let with_cursor = random.below(4) > 0;
            reader.connect(world, random, with_cursor).await;
        }
        10 => reader.socket = None,
        11 => reader.is_now(world, ["user", "coach"][random.below(2)]).await,
        12 => reader.push(&key, action).await,
        13 | 14 => meet(random, world, readers, ["p", "q"][action % 2], action).await,
        _ => reader.read_to(world.head()).await,
    }
}

/// Both are there, and say so in the same room.
async fn meet(random: &mut Random, world: &World, readers: &mut [Reader], project: &str, action: usize) {
    for reader in readers {
        let transport = [Transport::WebSocket, Transport::Sse][random.below(2)];
        reader.connect_over(world, transport, true).await;
        let key = format!("k{}", random.below(3));
        reader.announce(world, (project, (random.below(2) == 0).then_some(&*key)), action).await;
    }
}

impl Reader {
    fn new(name: &'static str, account: Account) -> Self {
        Self {
            name,
            id: account.id,
            role: "user",
            access: account.access,
            socket: None,
            cursor: None,
            rows: BTreeMap::new(),
            heard: Vec::new(),
            said: BTreeSet::new(),
            remarks: Vec::new(),
            decided: 0,
        }
    }

    /// Signs in anew, as who has another role does; the stream that is open goes on under its token.
    async fn is_now(&mut self, world: &World, role: &'static str) {
        let store = world.stage.engine.store();
        let person = store.person(self.id.as_str().into()).await.unwrap().unwrap();
        store.change_person(person.clone(), Person { role: role.to_owned(), ..person }).await.unwrap();
        self.access = world.stage.login(self.name).await.access;
        self.role = role;
    }

    async fn connect(&mut self, world: &World, random: &mut Random, with_cursor: bool) {
        let transport = Transport::ALL[random.below(Transport::ALL.len())];
        self.connect_over(world, transport, with_cursor).await;
    }

    async fn connect_over(&mut self, world: &World, transport: Transport, with_cursor: bool) {
        let hello = Hello::new(Some(&self.access), &format!("d-{}", self.name));
        let hello = match (with_cursor, &self.cursor) {
            (true, Some(cursor)) => hello.at(cursor),
            _ => hello,
        };
        self.heard.push((self.role, String::new()));
        let mut socket = world.stage.line(transport).await;
        socket.rows.clone_from(&self.rows);
        if let Line::Http(line) = &mut socket.line {
            // What moves nothing for a reader is no news to it.
            line.wait = 0;
        }
        socket.send(hello.text()).await;
        self.socket = Some(socket);
    }

    /// An edit, of rows that the person sees and of others; some are refused.
    async fn push(&mut self, key: &str, action: usize) {
        let Some(mut socket) = self.socket.take() else { return };
        let marker = format!("<{}{action}>", self.name);
        self.said.insert(marker.clone());
        // The answer to the last one has to be known, or the numbers have a gap.
        if !self.is_welcomed(&mut socket).await {
            return;
        }
        let before = self.decided;
        socket.push(before + 1, &insert(key, &marker)).await;
        while self.decided == before {
            if self.hear(&mut socket).await.is_none() {
                return;
            }
        }
        self.socket = Some(socket);
    }

    async fn is_welcomed(&mut self, socket: &mut Socket) -> bool {
        while self.heard.last().is_some_and(|(_, heard)| !heard.contains("Welcome")) {
            if self.hear(socket).await.is_none() {
                return false;
            }
        }
        true
    }

    /// Where she is: in a project, on a row of it or not.
    async fn announce(&mut self, world: &World, (project, row): (&str, Option<&str>), action: usize) {
        let Some(mut socket) = self.socket.take() else { return };
        if !self.is_welcomed(&mut socket).await {
            return;
        }
        let marker = format!("@{}{action}@", self.name);
        let (speaker, since) = (self.auth(self.heard.last().unwrap().0), world.stage.engine.position());
        let on = row.map_or(String::new(), |key| format!(r#""row":["{key}"],"#));
        let room = format!(r#"{{"table":"t","where":{{"eq":["b","{project}"]}}}}"#);
        socket.send(format!(r#"{{"presence":{{"room":{room},{on}"state":{{"marker":"{marker}"}}}}}}"#)).await;
        let (scope, row) = (("b".into(), Value::text(project)), row.map(Key::of));
        self.remarks.push(Remark { marker, speaker, scope, row, since, until: Pos(u64::MAX) });
        // Who is there already, or that she may not be there.
        loop {
            match self.hear(&mut socket).await {
                None => return,
                Some(Down::Presence(_)) => break,
                Some(_) => {}
            }
        }
        self.socket = Some(socket);
    }

    fn auth(&self, role: &str) -> Auth {
        Auth { user: Some(self.id.as_str().into()), role: Some(role.to_owned()), ..Auth::default() }
    }

    /// Reads until it has passed a position, or the stream ends.
    async fn read_to(&mut self, head: Pos) {
        let Some(mut socket) = self.socket.take() else { return };
        while socket.checkpoint.as_ref().is_none_or(|checkpoint| checkpoint.pos < head) {
            if self.hear(&mut socket).await.is_none() {
                return;
            }
        }
        self.socket = Some(socket);
    }

    /// The next frame; none at the end of the stream.
    async fn hear(&mut self, socket: &mut Socket) -> Option<Down> {
        let Heard::Frame(frame) = socket.next().await else { return None };
        self.heard.last_mut().unwrap().1.push_str(&format!("{frame:?}\n"));
        match &frame {
            Down::Welcome(welcome) => self.decided = welcome.last.0,
            Down::Results(results) => {
                self.decided = results.results.iter().map(|result| result.n.0).fold(self.decided, u64::max);
            }
            _ => {}
        }
        self.rows.clone_from(&socket.rows);
        self.cursor = socket.checkpoint.as_ref().map(|checkpoint| checkpoint.cursor.clone()).or(self.cursor.take());
        Some(frame)
    }
}

fn check(world: &World, readers: &[Reader]) -> Result<(), String> {
    let positions = world.stage.engine.store().positions();
    let markers = all_markers(&positions);
    for reader in readers {
        for (role, heard) in &reader.heard {
            let auth = reader.auth(role);
            let may = allowed(&positions, &world.reigns, &auth).markers;
            let is_leaked = |marker: &&String| {
                heard.contains(marker.as_str()) && !may.contains(*marker) && !reader.said.contains(*marker)
            };
            if let Some(marker) = markers.iter().find(is_leaked) {
                return Err(format!("{} as {role} has heard {marker}", reader.name));
            }
            let is_leaked = |remark: &&Remark| {
                heard.contains(&remark.marker) && !may_hear(&positions, &world.reigns, &auth, remark)
            };
            if let Some(remark) = readers.iter().flat_map(|reader| &reader.remarks).find(is_leaked) {
                return Err(format!("{} as {role} has heard {remark:?}", reader.name));
            }
        }
    }
    Ok(())
}

fn schema() -> Schema {
    let table = |name: &str, columns: &[&str]| {
        let column = |name: &&str| {
            let column =
                Column { kind: ColumnType::Text, nullable: *name != "id", has_default: false, generated: false };
            ((*name).into(), column)
        };
        let table = Table::new(name.into(), columns.iter().map(column).collect(), vec!["id".into()]);
        (table.name.clone(), table)
    };
    let tables = [table("t", &["id", "a", "b", HIDDEN_MARKER]), table("u", &["id", "a", "owner"])];
    Schema { version: 0, tables: tables.into() }
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
