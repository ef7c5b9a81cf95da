//! Two devices that make the same row: one of them is it, whatever they called it.
//!
//! The tables are those of a tournament: a match is known by its event and its number, and scores belong to a match.

use std::collections::BTreeMap;

use swain_core::protocol::Outcome;
use swain_core::{Code, Column, ColumnType, Key, Name, Reference, Row, Schema, Table};
use swain_engine::TableConfig;
use swain_testkit::spec;

use crate::bench::Bench;
use crate::naming::{aliases, code};

const SHAPES: &str = r#""shapes":[{"table":"matches"},{"table":"scores"}]"#;

#[test]
fn two_scorers_who_start_the_same_match_offline_end_on_one_row_with_all_scores() {
    spec!("M11", "P25");
    let mut bench = bench(everybodys());
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPES), bench.connect("ben", "d-ben", SHAPES));

    bench.push(&mut ada, 1, &[upsert("m-ada", 3, r#""court":"A""#), score("s1", "m-ada")].join(","));
    let second = bench.push(&mut ben, 1, &[upsert("m-ben", 3, r#""referee":"Ben""#), score("s2", "m-ben")].join(","));
    let later = bench.push(&mut ben, 2, &score("s3", "m-ben"));
    let renamed = bench.push(&mut ben, 3, &update("m-ben", "court", "\"A\"", "\"B\""));

    for result in [second, later, renamed] {
        assert_eq!(result.outcome, Outcome::Applied, "{result:?}");
    }
    let matches = bench.engine.store().rows("matches");
    assert_eq!(matches.keys().cloned().collect::<Vec<_>>(), [Key::of("m-ada")]);
    let row = &matches[&Key::of("m-ada")];
    assert_eq!(text(row, "court"), Some("B"));
    assert_eq!(text(row, "referee"), Some("Ben"));
    let scores = bench.engine.store().rows("scores");
    assert!(scores.values().all(|score| text(score, "match_id") == Some("m-ada")), "{scores:?}");
    assert_eq!(scores.len(), 3);
    let told = aliases(&ben);
    assert_eq!((&told[0].from, &told[0].to), (&Key::of("m-ben"), &Key::of("m-ada")));
    assert!(aliases(&ada).is_empty());
}

#[test]
fn a_value_that_was_there_first_stays_unless_the_edit_is_later_and_who_loses_is_told() {
    spec!("M11", "M5");
    let mut bench = bench(everybodys());
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPES), bench.connect("ben", "d-ben", SHAPES));
    let before = bench.now;
    bench.push(&mut ada, 1, &upsert("m1", 3, r#""court":"A""#));

    let earlier = upsert("m2", 3, r#""court":"B","referee":"Ben""#);
    let earlier = bench.push_at(&mut ben, 1, before, swain_core::Pos(0), &earlier);
    let later = bench.push(&mut ben, 2, &upsert("m2", 3, r#""court":"C""#));

    assert_eq!((earlier.outcome, earlier.lost), (Outcome::Merged, vec![Name::from("court")]));
    assert_eq!(later.outcome, Outcome::Applied);
    assert_eq!(bench.row("matches", "m1").map(|row| text(&row, "court").map(String::from)), Some(Some("C".into())));
}

#[test]
fn a_row_that_the_person_may_not_read_is_a_duplicate_and_nothing_more() {
    spec!("M11", "R4");
    let own = TableConfig { read: Some("owner = auth.id".into()), write: Some("owner = auth.id".into()), ..filled() };
    let mut bench = bench(own);
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPES), bench.connect("ben", "d-ben", SHAPES));
    bench.push(&mut ada, 1, &upsert("m1", 3, r#""court":"secret court""#));

    let result = bench.push(&mut ben, 1, &upsert("m2", 3, r#""court":"B""#));

    assert_eq!(code(&result), Some(Code::Duplicate));
    let problem = result.problem.expect("a refusal says why");
    assert!(!problem.detail.contains("secret") && !problem.detail.contains("m1"), "{problem}");
    assert_eq!(bench.engine.store().rows("matches").len(), 1);
    assert!(aliases(&ben).is_empty());
}

#[test]
fn an_upsert_of_a_row_that_is_there_obeys_the_rules_of_an_update() {
    spec!("M11", "R4");
    let rules = TableConfig {
        read: Some("true".into()),
        insert: Some("true".into()),
        update: Some("owner = auth.id".into()),
        ..filled()
    };
    let mut bench = bench(rules);
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPES), bench.connect("ben", "d-ben", SHAPES));
    bench.push(&mut ada, 1, &upsert("m1", 3, r#""court":"A""#));

    let others = bench.push(&mut ben, 1, &upsert("m2", 3, r#""referee":"Ben""#));
    let own = bench.push(&mut ada, 2, &upsert("m1", 3, r#""referee":"Ada""#));

    assert_eq!((code(&others), own.outcome), (Some(Code::NotAllowed), Outcome::Applied));
}

#[test]
fn only_a_unique_key_will_do_and_without_a_row_it_is_an_insert() {
    spec!("M11");
    let mut bench = bench(everybodys());
    let mut ada = bench.connect("ada", "d-ada", SHAPES);

    let other = r#"{"upsert":{"table":"matches","key":["m1"],"on":["court"],"set":{"court":"A"}}}"#;
    let other = bench.push(&mut ada, 1, other);
    let none = r#"{"upsert":{"table":"matches","key":["m1"],"on":[],"set":{"court":"A"}}}"#;
    let none = bench.push(&mut ada, 2, none);
    let incomplete = r#"{"upsert":{"table":"matches","key":["m9"],"on":["match_no","event_id"],"set":{"match_no":1}}}"#;
    let incomplete = bench.push(&mut ada, 3, incomplete);
    let by_key = r#"{"upsert":{"table":"matches","key":["m9"],"on":["id"],"set":{"court":"K"}}}"#;
    let by_key = bench.push(&mut ada, 4, by_key);

    assert_eq!((code(&other), code(&none)), (Some(Code::NotUnique), Some(Code::NotUnique)));
    assert_eq!((incomplete.outcome, by_key.outcome), (Outcome::Applied, Outcome::Applied), "null is equal to nothing");
    let row = bench.row("matches", "m9").expect("it is there");
    assert_eq!((text(&row, "court"), row.value("match_no").as_int()), (Some("K"), Some(1)));
}

#[test]
fn a_key_that_lost_names_a_row_of_its_own_when_it_is_inserted_after_all() {
    spec!("P25");
    let mut bench = bench(everybodys());
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPES), bench.connect("ben", "d-ben", SHAPES));
    bench.push(&mut ada, 1, &upsert("m1", 3, r#""court":"A""#));
    bench.push(&mut ben, 1, &upsert("m2", 3, r#""court":"B""#));
    bench.push(&mut ada, 2, r#"{"delete":{"table":"matches","key":["m1"]}}"#);

    let again = bench.push(&mut ben, 2, &upsert("m2", 3, r#""court":"C""#));

    assert_eq!(again.outcome, Outcome::Applied);
    assert!(bench.row("matches", "m2").is_some());
    let last = aliases(&ben).pop().expect("ben is told");
    assert_eq!((last.from, last.to), (Key::of("m2"), Key::of("m2")));
}

fn bench(matches: TableConfig) -> Bench {
    Bench::of(schema(), BTreeMap::from([("matches".to_owned(), matches), ("scores".to_owned(), everybodys())]))
}

fn everybodys() -> TableConfig {
    TableConfig { read: Some("true".into()), write: Some("true".into()), ..TableConfig::default() }
}

fn filled() -> TableConfig {
    TableConfig { fill: BTreeMap::from([("owner".to_owned(), "auth.id".to_owned())]), ..TableConfig::default() }
}

fn schema() -> Schema {
    use ColumnType::{Int64, Text};
    let table = |name: &str, columns: &[(&str, ColumnType)]| {
        let column = |(name, kind): &(&str, ColumnType)| {
            let column = Column { kind: *kind, nullable: *name != "id", has_default: false, generated: false };
            (Name::from(*name), column)
        };
        Table::new(name.into(), columns.iter().map(column).collect(), vec!["id".into()])
    };
    let text = |name| (name, Text);
    let columns = [text("id"), text("event_id"), ("match_no", Int64), text("court"), text("referee"), text("owner")];
    let mut matches = table("matches", &columns);
    matches.uniques = vec![vec!["event_id".into(), "match_no".into()]];
    let mut scores = table("scores", &[text("id"), text("match_id")]);
    scores.references = vec![Reference { columns: vec!["match_id".into()], table: "matches".into() }];
    Schema { version: 0, tables: BTreeMap::from([("matches".into(), matches), ("scores".into(), scores)]) }
}

fn upsert(key: &str, number: i64, more: &str) -> String {
    let set = format!(r#"{{"event_id":"e1","match_no":{number},{more}}}"#);
    format!(r#"{{"upsert":{{"table":"matches","key":["{key}"],"on":["event_id","match_no"],"set":{set}}}}}"#)
}

fn score(id: &str, of: &str) -> String {
    format!(r#"{{"insert":{{"table":"scores","key":["{id}"],"set":{{"match_id":"{of}"}}}}}}"#)
}

fn update(key: &str, column: &str, was: &str, new: &str) -> String {
    format!(
        r#"{{"update":{{"table":"matches","key":["{key}"],"set":{{"{column}":{new}}},"was":{{"{column}":{{"value":{was}}}}}}}}}"#
    )
}

fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.value(column).as_text()
}
