//! Every version of a row carries a marker. Whatever moves (rows, memberships, roles, claims, rules, masks, connections), no
//! marker reaches a user who had no right to that version while it was the row (law: authorisation), and in the end every
//! device holds exactly what its user may read.

mod device;

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::rule::Auth;
use swain_core::{Key, Row, Value};
use swain_engine::{Channel, Engine, PlantedLeak, TableConfig, parse_rule};
use swain_store::ready;
use swain_testkit::audit::{HIDDEN_MARKER, Reign, Remark, all_markers, allowed, may_hear};
use swain_testkit::spec;

use crate::bench::{Bench, everybody, owned, read_token};
use crate::random::Random;
use device::Device;

const RUNS: u64 = 1_000;
const ACTIONS: usize = 60;
const USERS: [&str; 3] = ["ada", "ben", "cyd"];
/// What a token says beside the user: a role, a team.
const STANDINGS: [&str; 4] = ["", "/coach", "/athlete/p", "//q"];
const RULES: [&str; 7] = [
    "b IN (SELECT a FROM u WHERE owner = auth.id)",
    "auth.uid() IN (SELECT owner FROM u WHERE u.a = b)",
    "b IN (SELECT a FROM u WHERE owner IN (SELECT a FROM u WHERE owner = auth.id)) OR kept = auth.id",
    "b NOT IN (SELECT a FROM u WHERE owner <> auth.id) AND b <> 'p'",
    "EXISTS (SELECT 1 FROM u WHERE a = 'p' AND owner = auth.id)",
    "auth.role = 'coach' OR kept = auth.id",
    "b = auth.claims.team OR b IN (SELECT a FROM u WHERE owner = auth.id)",
];
const MASKED: [&str; 2] = [HIDDEN_MARKER, "n"];
const MASKS: [Option<&str>; 4] =
    [None, Some("auth.role <> 'coach'"), Some("auth.claims.team = 'p'"), Some("auth.id = 'ben' OR auth.id = 'cyd'")];

#[test]
fn taint_no_version_reaches_a_user_without_the_right_to_it() {
    spec!("R11", "R12", "R3");
    for seed in 0..RUNS {
        if let Err(leak) = run(seed, None) {
            panic!("seed {seed}: {leak}");
        }
    }
}

#[test]
fn taint_planted_leaks_are_caught() {
    spec!("R11", "R12");
    let channels = [Channel::Live, Channel::Log, Channel::Load, Channel::LoadLog];
    let leaks = channels.map(PlantedLeak::MaskForgotten).into_iter();
    let leaks = leaks.chain([PlantedLeak::RightsNotFollowed, PlantedLeak::ResumeIgnoresRights]);
    let leaks = leaks.chain([PlantedLeak::PresenceIgnoresRows, PlantedLeak::RoomsAreOpen]);
    for leak in leaks.chain([PlantedLeak::RefusalsTellRows]) {
        let caught = (0..RUNS).any(|seed| run(seed, Some(leak)).is_err());
        assert!(caught, "{leak:?} is not caught");
    }
}

/// The server with its rules, which change while it goes on from the same store.
struct World {
    bench: Bench,
    reigns: Vec<Reign>,
    planted: Option<PlantedLeak>,
}

impl World {
    fn new(random: &mut Random, planted: Option<PlantedLeak>) -> Self {
        let tables = BTreeMap::from([("t".to_owned(), everybody()), ("u".to_owned(), owned())]);
        let mut world = Self { bench: Bench::with(tables), reigns: Vec::new(), planted };
        world.change_rules(random);
        world
    }

    /// As a server that starts anew with another configuration.
    fn change_rules(&mut self, random: &mut Random) {
        // No two reigns are alike, as with rules that are counted: blanks change nothing but the text.
        let blanks = " ".repeat(self.reigns.len());
        let (rule, mask) = (RULES[random.below(RULES.len())], MASKS[random.below(MASKS.len())]);
        let hidden = mask.iter().flat_map(|mask| MASKED.map(|column| (column.to_owned(), (*mask).to_owned())));
        let t = TableConfig {
            read: Some(format!("{rule}{blanks}")),
            hidden: hidden.collect(),
            unique: vec![vec!["kept".into()]],
            ..everybody()
        };
        let tables = BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), owned())]);
        let store = Arc::clone(self.bench.engine.store());
        let engine = ready(Engine::open(store, &tables, self.bench.now)).expect("the configuration is right");
        let catalog = engine.catalog();
        let parse = |text: &str| parse_rule(&catalog.schema, &catalog.schema.tables["t"], text).expect("it is a rule");
        let (read, mask) = (parse(rule), mask.map(parse));
        self.reigns.push(Reign { since: engine.position(), read, mask, masked: MASKED.map(Into::into).into() });
        self.bench.engine = match self.planted {
            Some(leak) => engine.with_planted_leak(leak),
            None => engine,
        };
    }

    fn outside(&self, table: &str, key: &str, row: Option<Row>) {
        self.bench.engine.store().write_outside(self.bench.now, table, |rows| {
            match row {
                Some(row) => rows.insert(Key::of(key), row),
                None => rows.remove(&Key::of(key)),
            };
        });
    }
}

fn run(seed: u64, planted: Option<PlantedLeak>) -> Result<(), String> {
    let mut random = Random(seed);
    let mut world = World::new(&mut random, planted);
    let mut devices = USERS.map(Device::new);
    for action in 0..ACTIONS {
        act(&mut random, &mut world, &mut devices, action);
    }
    for device in &mut devices {
        device.settle(&mut world.bench);
    }
    check(&world, &devices)
}

fn act(random: &mut Random, world: &mut World, devices: &mut [Device; 3], action: usize) {
    let project = ["p", "q", "s", "ada", "ben"][random.below(5)];
    let key = format!("k{}", random.below(4));
    let device = &mut devices[random.below(3)];
    match random.below(20) {
        0..=3 => {
            let row = Row::default().with("id", &*key).with("a", format!("<{action}>").as_str());
            let row = row.with("b", project).with("kept", USERS[random.below(3)]).with("n", Value::Null);
            world.outside("t", &key, Some(row.with("tags", format!("~{action}~").as_str())));
        }
        4 => world.outside("t", &key, None),
        5 | 6 => {
            let owner = ["ada", "ben", "cyd", "p", "q"][random.below(5)];
            let row = Row::default().with("id", &*key).with("a", project).with("owner", owner);
            world.outside("u", &key, Some(row));
        }
        7 => world.outside("u", &key, None),
        8 => ready(world.bench.engine.follow()).expect("memory does not fail"),
        9 | 10 => {
            device.connect(&mut world.bench, random.below(4) > 0);
            device.progress(&mut world.bench, random.below(6));
        }
        11 => device.disconnect(&world.bench),
        12 => device.standing = STANDINGS[random.below(STANDINGS.len())],
        13 => device.renew(&mut world.bench),
        18 => meet(random, world, devices, ["p", "q"][action % 2], action),
        19 => device.announce(&mut world.bench, random, project, action),
        14 | 15 => device.push(&mut world.bench, random, &key, action),
        16 if random.below(3) == 0 => {
            devices.iter_mut().for_each(|device| device.disconnect(&world.bench));
            world.change_rules(random);
        }
        _ => device.progress(&mut world.bench, 1 + random.below(8)),
    }
}

/// Everybody is there, and says so in the same room.
fn meet(random: &mut Random, world: &mut World, devices: &mut [Device; 3], project: &str, action: usize) {
    for device in devices.iter_mut() {
        device.come(&mut world.bench);
        device.announce(&mut world.bench, random, project, action);
    }
    devices.iter_mut().for_each(|device| device.progress(&mut world.bench, usize::MAX));
}

fn check(world: &World, devices: &[Device; 3]) -> Result<(), String> {
    let positions = world.bench.engine.store().positions();
    let markers = all_markers(&positions);
    for device in devices {
        let mut known: BTreeMap<&str, swain_testkit::audit::Allowed> = BTreeMap::new();
        for (token, heard) in &device.heard {
            let may = known.entry(token).or_insert_with(|| allowed(&positions, &world.reigns, &auth_of(token)));
            let is_leaked = |marker: &&String| {
                heard.contains(marker.as_str()) && !may.markers.contains(*marker) && !device.said.contains(*marker)
            };
            if let Some(marker) = markers.iter().find(is_leaked) {
                return Err(format!("{token} has heard {marker}"));
            }
            let listener = auth_of(token);
            let is_leaked = |remark: &&Remark| {
                heard.contains(remark.marker.as_str()) && !may_hear(&positions, &world.reigns, &listener, remark)
            };
            if let Some(remark) = devices.iter().flat_map(|device| &device.remarks).find(is_leaked) {
                return Err(format!("{token} has heard {remark:?}"));
            }
        }
        let expected = allowed(&positions, &world.reigns, &auth_of(&device.token())).rows;
        if with_values(&device.rows) != with_values(&expected) {
            return Err(format!("{} holds {:?} and may read {expected:?}", device.token(), device.rows));
        }
    }
    Ok(())
}

/// A row that another program made lacks what it does not set.
fn with_values(rows: &BTreeMap<Key, Row>) -> BTreeMap<Key, Row> {
    let values = |row: &Row| {
        row.0.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    rows.iter().map(|(key, row)| (key.clone(), values(row))).collect()
}

fn auth_of(token: &str) -> Auth {
    read_token(token)
}
