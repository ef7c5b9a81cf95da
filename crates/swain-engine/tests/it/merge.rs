//! Two people, one row.

use swain_core::protocol::Outcome;
use swain_core::{Millis, Pos};
use swain_engine::{ColumnConfig, TableConfig};
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, everybody, insert, update};

#[test]
fn different_columns_of_one_row_both_survive() {
    spec!("M4");
    let mut bench = Bench::new();
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPE_T), bench.connect("ben", "d-ben", SHAPE_T));
    bench.push(&mut ada, 1, &insert("k", "x"));

    let first = bench.push(&mut ada, 2, &update("k", "a", "\"x\"", "\"ada\""));
    let second = bench.push(&mut ben, 1, &update("k", "b", "null", "\"ben\""));

    assert_eq!((first.outcome, second.outcome), (Outcome::Applied, Outcome::Applied));
    let row = bench.row("t", "k").expect("it is there");
    assert_eq!((row.value("a").as_text(), row.value("b").as_text()), (Some("ada"), Some("ben")));
}

#[test]
fn of_two_edits_of_a_column_the_later_edit_wins_whichever_arrives_first() {
    spec!("M5");
    let mut bench = Bench::new();
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPE_T), bench.connect("ben", "d-ben", SHAPE_T));
    bench.push(&mut ada, 1, &insert("k", "x"));
    let edited = bench.now;
    bench.now = bench.now.plus(Millis(60_000));
    bench.push(&mut ada, 2, &update("k", "a", "\"x\"", "\"ada\""));

    let earlier = bench.push_at(&mut ben, 1, edited, Pos(2), &update("k", "a", "\"x\"", "\"ben\""));
    let later = bench.push(&mut ben, 2, &update("k", "a", "\"x\"", "\"ben again\""));

    assert_eq!((earlier.outcome, earlier.lost.len()), (Outcome::Overruled, 1));
    assert_eq!(later.outcome, Outcome::Applied);
    assert_eq!(bench.row("t", "k").expect("it is there").value("a").as_text(), Some("ben again"));
}

#[test]
fn a_clock_in_the_future_wins_nothing() {
    spec!("M5");
    let mut bench = Bench::new();
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPE_T), bench.connect("ben", "d-ben", SHAPE_T));
    bench.push(&mut ada, 1, &insert("k", "x"));
    let year_2038 = Millis(2_145_916_800_000);
    bench.push_at(&mut ben, 1, year_2038, Pos(2), &update("k", "a", "\"x\"", "\"ben\""));

    let next = bench.push(&mut ada, 2, &update("k", "a", "\"x\"", "\"ada\""));

    assert_eq!(next.outcome, Outcome::Applied, "ben's edit counts as made when it arrived");
}

#[test]
fn a_column_of_the_server_keeps_its_value_and_the_rest_is_merged() {
    spec!("M5");
    let mut bench = Bench::new();
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPE_T), bench.connect("ben", "d-ben", SHAPE_T));
    bench.push(&mut ada, 1, &insert("k", "x"));
    bench.push(&mut ada, 2, &update("k", "kept", "null", "\"ada\""));

    let two = r#"{"update":{"table":"t","key":["k"],"set":{"kept":"ben","b":"ben"},"was":{"kept":{"value":null},"b":{"value":null}}}}"#;
    let merged = bench.push(&mut ben, 1, two);

    assert_eq!((merged.outcome, merged.lost[0].as_str()), (Outcome::Merged, "kept"));
    let row = bench.row("t", "k").expect("it is there");
    assert_eq!((row.value("kept").as_text(), row.value("b").as_text()), (Some("ada"), Some("ben")));
}

/// The rules of a practice log: notes are put together, of two durations the longer counts, tags are united.
#[test]
fn a_practice_log_merges_by_its_configuration() {
    spec!("M13");
    let column = |strategy: &str, separator: Option<&str>| ColumnConfig {
        strategy: Some(strategy.into()),
        separator: separator.map(str::to_owned),
        ..ColumnConfig::default()
    };
    let columns = [
        ("b", column("concat", Some("\n\n---\n\n"))),
        ("n", column("max", None)),
        ("tags", column("union", None)),
        ("a", column("server-wins", None)),
    ];
    let table = TableConfig { columns: columns.map(|(name, config)| (name.to_owned(), config)).into(), ..everybody() };
    let mut bench = Bench::with([("t".to_owned(), table)].into());
    let (mut phone, mut tablet) = (bench.connect("ada", "d-phone", SHAPE_T), bench.connect("ada", "d-tablet", SHAPE_T));
    bench.push(&mut phone, 1, &insert("k", "Scales"));
    let edit = |a: &str, b: &str, n: i64, tags: &str| {
        format!(
            r#"{{"update":{{"table":"t","key":["k"],"set":{{"a":"{a}","b":"{b}","n":{n},"tags":{tags}}},
            "was":{{"a":{{"value":"Scales"}},"b":{{"value":null}},"n":{{"value":null}},"tags":{{"value":null}}}}}}}}"#
        )
    };
    let first = bench.push(&mut phone, 2, &edit("Arpeggios", "slowly", 30, r#"["hands"]"#));

    let second = bench.push(&mut tablet, 1, &edit("Chords", "with pedal", 45, r#"["pedal","hands"]"#));

    assert_eq!(first.outcome, Outcome::Applied);
    let lost: Vec<&str> = second.lost.iter().map(|column| column.as_str()).collect();
    assert_eq!((second.outcome, lost), (Outcome::Merged, vec!["a", "b", "tags"]));
    let row = bench.row("t", "k").expect("it is there");
    assert_eq!(row.value("b").as_text(), Some("slowly\n\n---\n\nwith pedal"));
    assert_eq!((row.value("n").as_int(), row.value("a").as_text()), (Some(45), Some("Arpeggios")));
    assert_eq!(row.value("tags").canonical(), r#"["hands","pedal"]"#);

    // What the tablet sends next knows nothing of the phone's part yet, and brings nothing twice.
    let again = bench.push(&mut tablet, 2, &edit("Chords", "with pedal", 40, r#"["pedal"]"#));
    assert_eq!((again.outcome, bench.row("t", "k")), (Outcome::Overruled, Some(row)));
}

#[test]
fn increments_and_set_operations_of_two_people_all_count() {
    spec!("M2");
    spec!("M4");
    let mut bench = Bench::new();
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPE_T), bench.connect("ben", "d-ben", SHAPE_T));
    bench.push(&mut ada, 1, &insert("k", "x"));
    let op = |tag: &str| {
        format!(r#"{{"update":{{"table":"t","key":["k"],"inc":{{"n":2}},"add":{{"tags":["{tag}","both"]}}}}}}"#)
    };

    bench.push(&mut ada, 2, &op("ada"));
    bench.push(&mut ben, 1, &op("ben"));

    let row = bench.row("t", "k").expect("it is there");
    assert_eq!(row.value("n").as_int(), Some(4));
    assert_eq!(row.value("tags").canonical(), r#"["ada","both","ben"]"#);
}

#[test]
fn an_edit_based_on_ones_own_edit_on_the_way_is_no_conflict() {
    spec!("M3");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    bench.push(&mut ada, 2, &update("k", "kept", "null", "\"Mixed\""));
    // What a lower() trigger would do: the database has another value than the one that was sent.
    let now = bench.now;
    let was_after =
        r#"{"update":{"table":"t","key":["k"],"set":{"kept":"third"},"was":{"kept":{"after":2,"value":"mIXED"}}}}"#;

    let third = bench.push_at(&mut ada, 3, now, Pos(0), was_after);

    assert_eq!(third.outcome, Outcome::Applied, "the newest change of the column is this device's own");
}

#[test]
fn a_delete_wins_over_an_edit_it_did_not_see_and_is_calm_about_a_row_that_is_gone() {
    spec!("M8");
    let mut bench = Bench::new();
    let (mut ada, mut ben) = (bench.connect("ada", "d-ada", SHAPE_T), bench.connect("ben", "d-ben", SHAPE_T));
    bench.push(&mut ada, 1, &insert("k", "x"));
    let delete = r#"{"delete":{"table":"t","key":["k"],"seen":"0000000000000000"}}"#;

    let first = bench.push(&mut ben, 1, delete);
    let second = bench.push(&mut ada, 2, delete);

    assert_eq!((first.outcome, second.outcome), (Outcome::Applied, Outcome::Applied));
    assert!(bench.row("t", "k").is_none());
}
