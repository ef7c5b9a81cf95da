//! Types and lengths of what devices send, and what a refusal may tell (spec S17).

use std::collections::BTreeMap;

use swain_core::protocol::Outcome;
use swain_core::{Code, Constraint, Problem};
use swain_engine::{Catalog, ColumnConfig, ConfigError, TableConfig};
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, everybody, insert, update};

fn max_length(column: &str, max: u32) -> BTreeMap<String, ColumnConfig> {
    BTreeMap::from([(column.to_owned(), ColumnConfig { max_length: Some(max), ..ColumnConfig::default() })])
}

fn bench_with(column: &str, max: u32) -> Bench {
    Bench::with(BTreeMap::from([("t".to_owned(), TableConfig { columns: max_length(column, max), ..everybody() })]))
}

fn names(problem: &Problem) -> Option<Constraint> {
    problem.constraint.as_deref().cloned()
}

fn rule(column: &str, rule: &str) -> Option<Constraint> {
    Some(Constraint::new(&"t".into(), vec![column.into()], rule))
}

#[test]
fn a_text_is_as_long_as_its_column_takes_and_no_longer() {
    spec!("S17");
    let mut bench = bench_with("a", 3);
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);

    // Characters, not bytes.
    let fits = bench.push(&mut ada, 1, &insert("k", "äöü"));
    let longer = bench.push(&mut ada, 2, &insert("l", "abcd")).problem.expect("it is refused");
    let changed = bench.push(&mut ada, 3, &update("k", "a", "\"äöü\"", "\"äöüß\"")).problem.expect("it is refused");

    assert_eq!(fits.outcome, Outcome::Applied);
    for problem in [longer, changed] {
        assert_eq!((problem.code, names(&problem)), (Code::TooLong, rule("a", "max_length = 3")));
        assert_eq!(problem.at.as_deref(), Some("ops[0].set.a"));
    }
}

#[test]
fn a_key_has_a_length_too() {
    spec!("S17");
    let mut bench = bench_with("id", 2);
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);

    let problem = bench.push(&mut ada, 1, &insert("key", "x")).problem.expect("it is refused");

    assert_eq!((problem.code, problem.at.as_deref()), (Code::TooLong, Some("ops[0].key")));
    assert_eq!(bench.push(&mut ada, 2, &insert("k2", "x")).outcome, Outcome::Applied);
}

#[test]
fn a_length_of_what_has_none_is_said_at_the_start() {
    let schema = Bench::new().engine.catalog().schema.clone();
    let t = TableConfig { columns: max_length("n", 3), ..everybody() };

    let error = Catalog::new(schema, &BTreeMap::from([("t".to_owned(), t)]));

    let error = error.expect_err("a number has no length");
    assert!(matches!(error, ConfigError::NoLength { .. }));
    assert!(error.to_string().contains("[tables.t.columns.n] max_length"), "{error}");
}

#[test]
fn types_and_missing_values_name_their_rule() {
    spec!("S17");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let cases = [
        (r#"{"insert":{"table":"t","key":["k"],"set":{"a":7}}}"#, Code::WrongType, rule("a", "text")),
        (r#"{"insert":{"table":"t","key":["k"],"set":{"a":null}}}"#, Code::NotNull, rule("a", "NOT NULL")),
        (r#"{"insert":{"table":"t","key":["k"],"set":{"b":"no a"}}}"#, Code::NotNull, rule("a", "NOT NULL")),
        (r#"{"insert":{"table":"t","key":["k"],"set":{"a":"x","n":100}}}"#, Code::CheckFailed, rule("n", "n_small")),
    ];
    for (n, (operation, code, constraint)) in (1..).zip(cases) {
        let problem = bench.push(&mut ada, n, operation).problem.expect("it is refused");

        assert_eq!((problem.code, names(&problem)), (code, constraint), "{operation}");
    }
}

/// Otherwise a unique value or a reference of others could be found out by trying.
#[test]
fn who_may_not_make_a_row_so_does_not_learn_what_else_is_wrong_with_it() {
    spec!("S17", "R4");
    let mine = || Some("b = auth.id".to_owned());
    let t = TableConfig { read: mine(), write: mine(), ..everybody() };
    let mut bench = Bench::with(BTreeMap::from([("t".to_owned(), t)]));
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let own = r#"{"insert":{"table":"t","key":["k"],"set":{"a":"x","b":"ada"}}}"#;
    assert_eq!(bench.push(&mut ada, 1, own).outcome, Outcome::Applied);
    let set = |values: &str| {
        let was = r#""b":{"value":"ada"},"n":{"value":null}"#;
        format!(r#"{{"update":{{"table":"t","key":["k"],"set":{{{values}}},"was":{{{was}}}}}}}"#)
    };

    let both = bench.push(&mut ada, 2, &set(r#""b":"ben","n":100"#)).problem.expect("it is refused");
    let allowed = bench.push(&mut ada, 3, &set(r#""n":100"#)).problem.expect("it is refused");

    assert_eq!(both.code, Code::NotAllowed);
    assert_eq!(allowed.code, Code::CheckFailed);
}
