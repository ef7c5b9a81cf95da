//! Pushes: exactly once, refusals, order, input checks.

use swain_core::Code;
use swain_core::protocol::{Close, Outcome};
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, insert, update};

#[test]
fn the_same_mutation_twice_is_applied_once_and_answered_twice() {
    spec!("P14");
    spec!("S4");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    let inc = r#"{"update":{"table":"t","key":["k"],"inc":{"n":1}}}"#;

    let first = bench.push(&mut ada, 2, inc);
    let second = bench.push(&mut ada, 2, inc);

    assert_eq!(first, second);
    assert_eq!(bench.row("t", "k").expect("it is there").value("n").as_int(), Some(1));
}

#[test]
fn another_mutation_under_a_used_number_is_a_mismatch() {
    spec!("P14");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    ada.story();

    let push = format!(r#"{{"push":{{"mutations":[{{"n":1,"ops":[{}]}}]}}}}"#, insert("other", "x"));
    bench.send(&mut ada, &push);

    assert_eq!(ada.story(), ["results mutation_mismatch"]);
}

#[test]
fn a_gap_is_named_and_nothing_behind_it_is_attempted() {
    spec!("P10");
    spec!("S11");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    ada.story();

    let op = insert("k", "x");
    let later = insert("l", "x");
    let push = format!(r#"{{"push":{{"mutations":[{{"n":1,"ops":[{op}]}},{{"n":3,"ops":[{later}]}}]}}}}"#);
    bench.send(&mut ada, &push);

    let story = ada.story();
    assert_eq!(story[0], "results 1=applied mutation_gap");
    assert!(bench.row("t", "l").is_none());
}

#[test]
fn a_refusal_takes_a_position_undoes_all_of_it_and_blocks_nothing() {
    spec!("S1");
    spec!("S5");
    spec!("S11");
    spec!("C15");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    ada.story();

    let two = format!("{},{}", insert("k", "x"), r#"{"update":{"table":"t","key":["k"],"inc":{"n":100}}}"#);
    let refused = bench.push(&mut ada, 1, &two);
    let next = bench.push(&mut ada, 2, &insert("l", "x"));

    let problem = refused.problem.expect("it says why");
    assert_eq!((refused.outcome, problem.code), (Outcome::Refused, Code::CheckFailed));
    assert_eq!(problem.at.as_deref(), Some("ops[1].n_small"));
    assert_eq!(next.outcome, Outcome::Applied);
    assert!(bench.row("t", "k").is_none(), "the insert before it is undone");
    assert_eq!(ada.story()[1], "p2 acked=1", "a position with an acknowledgement and no rows");
}

#[test]
fn input_that_does_not_fit_is_refused_by_place() {
    spec!("V1");
    spec!("M1");
    spec!("M6");
    spec!("M7");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    let set = |column: &str, value: &str| update("k", column, "null", value);
    let cases = [
        (r#"{"insert":{"table":"nope","key":["k"]}}"#.to_owned(), Code::UnknownTable, "ops[0].table"),
        (set("nope", "1"), Code::UnknownColumn, "ops[0].set.nope"),
        (set("n", "\"text\""), Code::WrongType, "ops[0].set.n"),
        (set("n", "9007199254740993"), Code::NumberOutOfRange, "ops[0].set.n"),
        (set("n", "1.5"), Code::WrongType, "ops[0].set.n"),
        (set("a", "null"), Code::NotNull, "ops[0].set.a"),
        (set("id", "\"l\""), Code::BadKey, "ops[0].set.id"),
        (insert("k", "again"), Code::IdTaken, "ops[0].key"),
        (update("gone", "a", "\"x\"", "\"y\""), Code::RowGone, "ops[0].key"),
        (r#"{"delete":{"table":"t","key":[1]}}"#.to_owned(), Code::BadKey, "ops[0].key"),
        (r#"{"update":{"table":"t","key":["k"],"inc":{"a":1}}}"#.to_owned(), Code::WrongType, "ops[0].a"),
        (r#"{"update":{"table":"t","key":["k"],"inc":{"nope":1}}}"#.to_owned(), Code::UnknownColumn, "ops[0].inc.nope"),
        (r#"{"update":{"table":"t","key":["k"],"add":{"id":["x"]}}}"#.to_owned(), Code::BadKey, "ops[0].add.id"),
        (r#"{"replace":{"table":"t","key":["k"]}}"#.to_owned(), Code::MalformedMessage, "push.mutations[0].ops[0]"),
    ];
    let before = bench.row("t", "k");

    for (n, (op, code, place)) in (2..).zip(cases) {
        let result = bench.push(&mut ada, n, &op);

        let problem = result.problem.unwrap_or_else(|| panic!("{op} was not refused"));
        assert_eq!((problem.code, problem.at.as_deref()), (code, Some(place)), "{op}");
    }
    assert_eq!(bench.row("t", "k"), before);
}

#[test]
fn a_sum_beyond_64_bits_is_refused() {
    spec!("M1");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, r#"{"insert":{"table":"t","key":["k"],"set":{"a":"x","n":"9223372036854775807"}}}"#);

    let refused = bench.push(&mut ada, 2, r#"{"update":{"table":"t","key":["k"],"inc":{"n":1}}}"#);

    let problem = refused.problem.expect("it says why");
    assert_eq!((problem.code, problem.at.as_deref()), (Code::NumberOutOfRange, Some("ops[0].inc.n")));
}

#[test]
fn limits_hold_at_n_and_not_at_n_plus_one() {
    spec!("P2");
    spec!("P16");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let inc = r#"{"delete":{"table":"t","key":["none"]}}"#;
    let ops = |count: usize| vec![inc; count].join(",");
    assert_eq!(bench.push(&mut ada, 1, &ops(500)).outcome, Outcome::Applied);
    let refused = bench.push(&mut ada, 2, &ops(501)).problem.expect("it says why");
    assert_eq!(refused.code, Code::LimitMutationOperations);

    let mutations = |from: u64, count: u64| {
        let all = (from..from + count).map(|n| format!(r#"{{"n":{n},"ops":[{inc}]}}"#));
        format!(r#"{{"push":{{"mutations":[{}]}}}}"#, all.collect::<Vec<_>>().join(","))
    };
    bench.send(&mut ada, &mutations(3, 50));
    assert_eq!(ada.results().len(), 52);
    ada.story();
    bench.send(&mut ada, &mutations(53, 51));
    assert_eq!(ada.story(), ["problem limit_push_mutations"]);
    assert_eq!(ada.closed, Some(Close::BadMessage));
}

#[test]
fn a_device_stays_with_its_user() {
    spec!("P14");
    let mut bench = Bench::new();
    bench.connect("ada", "d-ada", SHAPE_T);

    let mut eve = bench.connect("eve", "d-ada", SHAPE_T);

    assert_eq!(eve.story(), ["problem device_not_yours"]);
    assert_eq!(eve.closed, Some(Close::Forbidden));
}

#[test]
fn a_lost_answer_comes_with_the_next_welcome() {
    spec!("P4");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));

    let again = bench.connect("ada", "d-ada", SHAPE_T);

    let Some(swain_core::protocol::Down::Welcome(welcome)) = again.frames.first() else { panic!("no welcome") };
    assert_eq!((welcome.last.0, welcome.results.len()), (1, 1));
}

#[test]
fn what_a_device_wrote_comes_back_clipped_in_problems() {
    spec!("P12");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    let long = "x".repeat(900_000);

    let refused = bench.push(&mut ada, 2, &format!(r#"{{"update":{{"table":"t","key":["k"],"inc":{{"{long}":1}}}}}}"#));

    let problem = refused.problem.expect("it says why");
    assert_eq!(problem.code, Code::UnknownColumn);
    assert!(problem.detail.len() < 1100 && problem.at.is_some_and(|at| at.len() < 300));
}
