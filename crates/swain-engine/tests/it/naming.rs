//! Rows whose ids the server gives: what a device calls them before it knows, and what becomes of the name.

use std::collections::BTreeMap;

use swain_core::protocol::{Down, MutationResult, Outcome};
use swain_core::{Alias, Code, Column, ColumnType, Ids, Key, MutationNumber, Reference, Schema, Table};
use swain_engine::{Catalog, TableConfig};
use swain_testkit::spec;

use crate::bench::{Bench, Connection};

pub(crate) const SHAPES: &str = r#""shapes":[{"table":"sessions"},{"table":"laps"}]"#;

#[test]
fn a_row_gets_its_id_from_the_database_and_its_maker_is_told_which() {
    spec!("M10", "P25");
    let mut bench = bench();
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPES), bench.connect("ben", "d-ben", SHAPES));

    let made = bench.push(&mut ada, 1, &session(-1, "final"));
    bench.run(&mut ben);

    assert_eq!(made.outcome, Outcome::Applied);
    assert_eq!(ids(&bench, "sessions"), ["[1]"]);
    assert_eq!(aliases(&ada), [alias(1, -1, 1)]);
    assert_eq!(aliases(&ben), [], "nobody else's business");
    assert!(ben.story().join("\n").contains("put [1]"));
}

#[test]
fn what_names_the_row_is_written_with_its_id_whenever_it_comes() {
    spec!("M10");
    let mut bench = bench();
    let mut ada = bench.connect("ada", "d-ada", SHAPES);

    let together = bench.push(&mut ada, 1, &[session(-1, "A"), lap("l1", -1)].join(","));
    let child_first = bench.push(&mut ada, 2, &[lap("l2", -2), session(-2, "B")].join(","));
    let later = bench.push(&mut ada, 3, &lap("l3", -1));
    let moved = bench.push(&mut ada, 4, &edit("laps", "\"l1\"", "session_id", "-1", "-2"));
    let renamed = bench.push(&mut ada, 5, &edit("sessions", "-2", "title", "\"B\"", "\"B2\""));

    for result in [together, child_first, later, moved, renamed] {
        assert_eq!(result.outcome, Outcome::Applied, "{result:?}");
    }
    assert_eq!(lap_sessions(&bench), [("l1", 2), ("l2", 2), ("l3", 1)].map(|(lap, id)| (lap.to_owned(), id)));
    let renamed = bench.engine.store().rows("sessions").remove(&Key::of(2)).expect("it is there");
    assert_eq!(renamed.value("title").as_text(), Some("B2"));
}

#[test]
fn a_temporary_id_that_stands_for_nothing_is_refused_and_never_written() {
    spec!("M10");
    let mut bench = bench();
    let mut ada = bench.connect("ada", "d-ada", SHAPES);
    let mut ben = bench.connect("ben", "d-ben", SHAPES);
    bench.push(&mut ben, 1, &session(-1, "ben's"));

    let refused = bench.push(&mut ada, 1, &session_without_title(-1));
    let child = bench.push(&mut ada, 2, &lap("l1", -1));
    let update = bench.push(&mut ada, 3, &edit("sessions", "-1", "title", "null", "\"x\""));
    let as_text = bench.push(&mut ada, 4, r#"{"insert":{"table":"laps","key":["l2"],"set":{"session_id":"-1"}}}"#);
    let own = bench.push(&mut ada, 5, &lap("l3", -77));
    let delete = bench.push(&mut ada, 6, r#"{"delete":{"table":"sessions","key":[-1]}}"#);

    assert_eq!(code(&refused), Some(Code::NotNull));
    for result in [child, update, as_text, own] {
        assert_eq!(code(&result), Some(Code::ParentMissing), "{result:?}");
    }
    assert_eq!(delete.outcome, Outcome::Applied, "there is nothing to delete");
    assert_eq!(ids(&bench, "sessions"), ["[1]"]);
    assert!(lap_sessions(&bench).is_empty());
}

#[test]
fn a_device_that_was_cut_is_told_at_its_return_and_a_retry_is_the_same_mutation() {
    spec!("P25", "P14");
    let mut bench = bench();
    let mut ada = bench.connect("ada", "d-ada", SHAPES);
    bench.push(&mut ada, 1, &session(-1, "A"));

    let mut again = bench.connect("ada", "d-ada", &format!(r#""acked":0,{SHAPES}"#));
    let retried = bench.push(&mut again, 1, &session(-1, "A"));
    let knows = bench.connect("ada", "d-ada", &format!(r#""acked":1,{SHAPES}"#));

    assert_eq!(retried.outcome, Outcome::Applied);
    assert_eq!(ids(&bench, "sessions"), ["[1]"]);
    let welcome = |connection: &Connection| match &connection.frames[0] {
        Down::Welcome(welcome) => welcome.aliases.clone(),
        frame => panic!("{frame:?}"),
    };
    assert_eq!(welcome(&again), [alias(1, -1, 1)]);
    assert_eq!(welcome(&knows), []);
}

#[test]
fn an_id_that_somebody_chose_stays_and_a_table_may_take_negative_ones() {
    spec!("M10");
    let mut bench = bench();
    let mut ada = bench.connect("ada", "d-ada", SHAPES);
    let chosen = bench.push(&mut ada, 1, &session(40, "chosen"));
    let next = bench.push(&mut ada, 2, &session(-1, "given"));

    assert_eq!((chosen.outcome, next.outcome), (Outcome::Applied, Outcome::Applied));
    assert_eq!(ids(&bench, "sessions"), ["[40]", "[41]"]);

    let own_ids = TableConfig { ids: Some("device".into()), ..everybodys() };
    let tables = BTreeMap::from([("sessions".to_owned(), own_ids), ("laps".to_owned(), everybodys())]);
    let mut bench = Bench::of(schema(), tables);
    let mut ada = bench.connect("ada", "d-ada", SHAPES);
    bench.push(&mut ada, 1, &session(-1, "mine"));
    assert_eq!(ids(&bench, "sessions"), ["[-1]"]);
}

#[test]
fn a_second_row_under_the_same_temporary_key_is_refused_while_the_first_is_there() {
    spec!("M6");
    let mut bench = bench();
    let mut ada = bench.connect("ada", "d-ada", SHAPES);
    bench.push(&mut ada, 1, &session(-1, "A"));

    let taken = bench.push(&mut ada, 2, &session(-1, "B"));
    bench.push(&mut ada, 3, r#"{"delete":{"table":"sessions","key":[-1]}}"#);
    let again = bench.push(&mut ada, 4, &session(-1, "C"));

    assert_eq!((code(&taken), again.outcome), (Some(Code::IdTaken), Outcome::Applied));
    assert_eq!(ids(&bench, "sessions"), ["[2]"]);
    assert_eq!(aliases(&ada).last(), Some(&alias(4, -1, 2)));
}

#[test]
fn a_configuration_that_cannot_be_is_refused_with_its_place() {
    spec!("M10");
    let refused = |table: &str, config: TableConfig| {
        let tables = BTreeMap::from([("sessions".to_owned(), everybodys()), (table.to_owned(), config)]);
        Catalog::new(schema(), &tables).expect_err("it cannot be").to_string()
    };
    let ids = |ids: &str| TableConfig { ids: Some(ids.into()), ..everybodys() };
    let references = |column: &str, table: &str| TableConfig {
        references: BTreeMap::from([(column.to_owned(), table.to_owned())]),
        ..everybodys()
    };
    let unique = TableConfig { unique: vec![vec!["nothing".into()]], ..everybodys() };

    assert!(refused("laps", ids("server")).contains("[tables.laps] ids"));
    assert!(refused("laps", ids("nobody")).contains("server, device"));
    assert!(refused("laps", references("session_id", "nothing")).contains("no table 'nothing'"));
    assert!(refused("laps", references("nothing", "sessions")).contains("no column 'nothing'"));
    assert!(refused("laps", unique).contains("no column 'nothing'"));
}

pub(crate) fn bench() -> Bench {
    let tables = ["sessions", "laps"].map(|table| (table.to_owned(), everybodys()));
    Bench::of(schema(), tables.into())
}

fn everybodys() -> TableConfig {
    TableConfig { read: Some("true".into()), write: Some("true".into()), ..TableConfig::default() }
}

fn schema() -> Schema {
    let column = |kind, nullable, has_default| Column { kind, nullable, has_default, generated: false };
    let sessions = BTreeMap::from([
        ("id".into(), column(ColumnType::Int64, false, true)),
        ("title".into(), column(ColumnType::Text, false, false)),
    ]);
    let laps = BTreeMap::from([
        ("id".into(), column(ColumnType::Text, false, false)),
        ("session_id".into(), column(ColumnType::Int64, true, false)),
    ]);
    let mut sessions = Table::new("sessions".into(), sessions, vec!["id".into()]);
    sessions.ids = Ids::Server;
    let mut laps = Table::new("laps".into(), laps, vec!["id".into()]);
    laps.references = vec![Reference { columns: vec!["session_id".into()], table: "sessions".into() }];
    Schema { version: 0, tables: BTreeMap::from([("sessions".into(), sessions), ("laps".into(), laps)]) }
}

fn session(id: i64, title: &str) -> String {
    format!(r#"{{"insert":{{"table":"sessions","key":[{id}],"set":{{"title":"{title}"}}}}}}"#)
}

fn session_without_title(id: i64) -> String {
    format!(r#"{{"insert":{{"table":"sessions","key":[{id}],"set":{{}}}}}}"#)
}

fn lap(id: &str, session: i64) -> String {
    format!(r#"{{"insert":{{"table":"laps","key":["{id}"],"set":{{"session_id":{session}}}}}}}"#)
}

fn edit(table: &str, key: &str, column: &str, was: &str, new: &str) -> String {
    format!(
        r#"{{"update":{{"table":"{table}","key":[{key}],"set":{{"{column}":{new}}},"was":{{"{column}":{{"value":{was}}}}}}}}}"#
    )
}

fn ids(bench: &Bench, table: &str) -> Vec<String> {
    bench.engine.store().rows(table).keys().map(Key::canonical).collect()
}

fn lap_sessions(bench: &Bench) -> Vec<(String, i64)> {
    let laps = bench.engine.store().rows("laps").into_values();
    let pair = |row: swain_core::Row| {
        (row.value("id").as_text().map(String::from).unwrap_or_default(), row.value("session_id").as_int().unwrap_or(0))
    };
    laps.map(pair).collect()
}

pub(crate) fn aliases(connection: &Connection) -> Vec<Alias> {
    let told = connection.frames.iter().filter_map(|frame| match frame {
        Down::Changes { aliases, .. } => Some(aliases.clone()),
        _ => None,
    });
    told.flatten().collect()
}

fn alias(n: u64, from: i64, to: i64) -> Alias {
    Alias { n: MutationNumber(n), table: "sessions".into(), from: Key::of(from), to: Key::of(to) }
}

pub(crate) fn code(result: &MutationResult) -> Option<Code> {
    result.problem.as_ref().map(|problem| problem.code)
}
