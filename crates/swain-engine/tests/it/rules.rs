//! Who may see and change what.

use std::collections::BTreeMap;

use swain_core::Code;
use swain_core::protocol::Outcome;
use swain_engine::{Catalog, ConfigError, TableConfig, parse_rule};
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, everybody, owned};

const SHAPE_U: &str = r#""shapes":[{"table":"u"}]"#;
const INSERT_U: &str = r#"{"insert":{"table":"u","key":["k"],"set":{"a":"x"}}}"#;

#[test]
fn a_row_is_seen_and_changed_by_its_owner_alone() {
    spec!("R1");
    spec!("R4");
    spec!("M9");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_U);
    let mut ben = bench.connect("ben", "d-ben", SHAPE_U);
    ben.story();
    bench.push(&mut ada, 1, INSERT_U);

    let update = r#"{"update":{"table":"u","key":["k"],"set":{"a":"mine"},"was":{"a":{"value":"x"}}}}"#;
    let update = bench.push(&mut ben, 1, update).problem.expect("it is refused");
    let delete = bench.push(&mut ben, 2, r#"{"delete":{"table":"u","key":["k"]}}"#);
    let readonly = r#"{"insert":{"table":"u","key":["l"],"set":{"a":"x","owner":"ada"}}}"#;
    let readonly = bench.push(&mut ben, 3, readonly).problem.expect("it is refused");

    assert_eq!(update.code, Code::RowGone, "a row that ben may not read is answered like one that is not there");
    assert_eq!(delete.outcome, Outcome::Applied, "and nothing is deleted");
    assert_eq!(readonly.code, Code::ColumnReadonly);
    let inc = bench.push(&mut ada, 2, r#"{"update":{"table":"u","key":["k"],"add":{"owner":["ben"]}}}"#);
    assert_eq!(inc.problem.map(|problem| problem.code), Some(Code::ColumnReadonly), "nor by another operation");
    assert_eq!(bench.row("u", "k").expect("it is there").value("owner").as_text(), Some("ada"));
    assert!(!ben.story().iter().any(|frame| frame.contains("put")), "nothing of it reaches ben");
}

#[test]
fn without_a_rule_nobody_reads_or_writes() {
    spec!("R1");
    let tables = BTreeMap::from([("t".to_owned(), TableConfig::default())]);
    let mut bench = Bench::with(tables);
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);

    let insert = r#"{"insert":{"table":"t","key":["k"],"set":{"a":"x"}}}"#;
    let refused = bench.push(&mut ada, 1, insert).problem.expect("it is refused");

    assert_eq!(refused.code, Code::NotAllowed);
}

#[test]
fn a_key_that_the_server_would_fill_is_refused_at_the_start() {
    spec!("M9");
    let bench = Bench::new();
    let schema = bench.engine.catalog().schema.clone();
    let fill = BTreeMap::from([("id".to_owned(), "auth.id".to_owned())]);

    let error = Catalog::new(schema, &BTreeMap::from([("u".to_owned(), TableConfig { fill, ..owned() })]));

    assert!(matches!(error, Err(ConfigError::FilledKey { .. })));
}

#[test]
fn who_may_not_insert_does_not_learn_which_keys_are_there() {
    spec!("M6");
    let mine = || Some("b = auth.id".to_owned());
    let t = TableConfig { read: mine(), insert: mine(), write: None, ..everybody() };
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), t)]));
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, r#"{"insert":{"table":"t","key":["k"],"set":{"a":"x","b":"ada"}}}"#);
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);

    let there = bench.push(&mut ben, 1, r#"{"insert":{"table":"t","key":["k"],"set":{"a":"x","b":"ada"}}}"#);
    let not_there = bench.push(&mut ben, 2, r#"{"insert":{"table":"t","key":["l"],"set":{"a":"x"}}}"#);

    assert_eq!(there.problem.map(|problem| problem.code), Some(Code::NotAllowed));
    assert_eq!(not_there.problem.map(|problem| problem.code), Some(Code::NotAllowed));
}

#[test]
fn a_null_grants_nothing() {
    spec!("R2");
    let tables =
        BTreeMap::from([("u".to_owned(), TableConfig { read: Some("NOT (owner = auth.id)".into()), ..owned() })]);
    let bench = Bench::with(tables);
    let schema = &bench.engine.catalog().schema;
    let rule = parse_rule(schema, &schema.tables["u"], "NOT (owner = auth.id)").expect("it is a rule");

    let visitor = swain_core::rule::Auth::default();
    assert!(!rule.bind(&visitor).grants(&swain_core::Row::default().with("owner", "ada")));
    let ben = swain_core::rule::Auth { user: Some("ben".into()), ..Default::default() };
    assert!(rule.bind(&ben).grants(&swain_core::Row::default().with("owner", "ada")));
}

#[test]
fn a_wrong_rule_is_refused_with_its_place() {
    spec!("R1");
    let bench = Bench::new();
    let schema = &bench.engine.catalog().schema;
    let table = &schema.tables["t"];
    let cases = [
        ("a = 'x' AND nope = 1", 13, "has no column 'nope'"),
        ("a = 1", 5, "type text"),
        ("n = auth.role", 1, "int64 is compared with text"),
        ("a LIKE 'x%'", 1, "patterns are not in a rule"),
        ("a = 'x' b", 9, "the rule ends before 'b'"),
        ("a = = 1", 5, "this is not SQL"),
    ];

    for (text, column, message) in cases {
        let error = parse_rule(schema, table, text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

#[test]
fn a_configuration_error_shows_a_caret_under_the_word() {
    spec!("R1");
    let bench = Bench::new();
    let schema = bench.engine.catalog().schema.clone();
    let config = TableConfig { read: Some("a = 'x' OR nope = 1".into()), ..TableConfig::default() };

    let error = Catalog::new(schema, &BTreeMap::from([("t".to_owned(), config)])).expect_err("it is wrong");

    assert!(matches!(error, ConfigError::Rule { .. }));
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0].find("nope"), lines[1].find('^'), "{text}");
}

#[test]
fn a_filter_that_is_not_of_the_form_is_refused_by_place() {
    spec!("R6");
    let mut bench = Bench::new();
    let cases = [
        (r#"{"eq":["nope",1]}"#, "unknown_column"),
        (r#"{"eq":["b",1]}"#, "wrong_type"),
        (r#"{"eq":["a","x"]}"#, "shape_needs_scope"),
        (r#"{"like":["b","x"]}"#, "bad_filter"),
        (r#"{"or":[{"eq":["b","x"]},{"eq":["a","x"]}]}"#, "shape_needs_scope"),
        (r#"{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"eq":["b","x"]}}}}}}}}}"#, "limit_filter"),
    ];

    for (filter, code) in cases {
        let shapes = format!(r#""shapes":[{{"table":"t","where":{filter}}}]"#);
        let mut ada = bench.connect("ada", "d-ada", &shapes);
        assert_eq!(ada.story(), [format!("problem {code}")], "{filter}");
    }
}

#[test]
fn a_write_is_judged_by_the_memberships_of_its_own_transaction() {
    spec!("R10");
    let rule = "b IN (SELECT id FROM u WHERE owner = auth.id)";
    let t = TableConfig { write: Some(rule.into()), ..everybody() };
    let u = TableConfig { read: Some("owner = auth.id".into()), ..owned() };
    let tables = BTreeMap::from([("t".to_owned(), t), ("u".to_owned(), u)]);
    let mut bench = Bench::with(tables);
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let insert_t = r#"{"insert":{"table":"t","key":["r"],"set":{"a":"x","b":"k"}}}"#;

    let outside = bench.push(&mut ada, 1, insert_t).problem.expect("ada has no k yet");
    let both = bench.push(&mut ada, 2, &format!("{INSERT_U},{insert_t}"));
    let leave = r#"{"delete":{"table":"u","key":["k"]}},{"delete":{"table":"t","key":["r"]}}"#;
    let leave = bench.push(&mut ada, 3, leave).problem.expect("the right went with the first operation");

    assert_eq!(outside.code, Code::NotAllowed);
    assert_eq!(both.outcome, Outcome::Applied, "what the mutation itself writes counts");
    assert_eq!(leave.code, Code::NotAllowed);
    assert!(bench.row("u", "k").is_some(), "and all of it is undone");
}
