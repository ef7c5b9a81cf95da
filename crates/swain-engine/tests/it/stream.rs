//! Following the log: live, by cursor, far behind.

use swain_core::Millis;
use swain_core::protocol::Close;
use swain_engine::Input;
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, insert, update};

#[test]
fn an_edit_reaches_the_other_session_and_its_author_with_the_acknowledgement() {
    spec!("P7");
    spec!("P9");
    spec!("R5");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);
    ada.story();
    ben.story();

    bench.push(&mut ada, 1, &insert("k", "x"));
    bench.push(&mut ada, 2, &update("k", "a", "\"x\"", "\"y\""));
    bench.run(&mut ben);

    let row = r#"{"a":"x","b":null,"id":"k","kept":null,"n":null,"tags":null}"#;
    let put = format!(r#"p2 acked=1 put ["k"] {row}"#);
    let patch = r#"p3 acked=2 patch ["k"] {"a":"y"}"#;
    assert_eq!(ada.story(), ["results 1=applied", &put, "results 2=applied", patch]);
    assert_eq!(ben.story(), [put.replace("acked=1", "acked=0"), patch.replace("acked=2", "acked=0")]);
}

#[test]
fn a_cursor_goes_on_where_it_was_without_a_load() {
    spec!("P13");
    spec!("S12");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    let cursor = ada.cursor();
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);
    bench.push(&mut ben, 1, &update("k", "a", "\"x\"", "\"y\""));
    bench.push(&mut ben, 2, &insert("l", "z"));

    let mut again = bench.connect("ada", "d-ada", &format!(r#"{SHAPE_T},"cursor":"{cursor}","acked":1"#));

    let story = again.story();
    assert_eq!(story[0], "welcome last=1 load=None");
    assert_eq!(story[1], r#"p3 acked=1 patch ["k"] {"a":"y"}"#);
    assert!(story[2].starts_with(r#"p4 acked=1 put ["l"]"#), "{story:?}");
    assert_eq!(story[3], "caught_up p4 acked=1");
}

#[test]
fn a_cursor_that_nobody_gave_is_answered_by_a_load() {
    spec!("P13");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    let cursor = ada.cursor();
    let mut forged = swain_core::protocol::Cursor::decode(&cursor).expect("the server wrote it");
    forged.tag = swain_core::Tag(forged.tag.0 ^ 1);
    let mut ahead = forged.clone();
    ahead.pos = swain_core::Pos(99);
    let mut foreign = forged.clone();
    foreign.epoch = swain_core::Epoch::from("e2");

    for cursor in ["zzz".to_owned(), forged.encode(), ahead.encode(), foreign.encode()] {
        let mut again = bench.connect("ada", "d-ada", &format!(r#"{SHAPE_T},"cursor":"{cursor}""#));

        let story = again.story();
        assert_eq!(story[0], "welcome last=1 load=Some(false)", "cursor {cursor}");
        assert_eq!(story[1], "load 0 rows=1");
    }
}

#[test]
fn a_row_that_leaves_the_filter_is_removed_and_one_that_enters_is_put() {
    spec!("R5");
    spec!("R6");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    let filter = r#""shapes":[{"table":"t","where":{"eq":["b","red"]}}]"#;
    let mut ben = bench.connect("ben", "d-ben", filter);
    ben.story();

    bench.push(&mut ada, 2, &update("k", "b", "null", "\"red\""));
    bench.push(&mut ada, 3, &update("k", "a", "\"x\"", "\"y\""));
    bench.push(&mut ada, 4, &update("k", "b", "\"red\"", "\"blue\""));
    bench.push(&mut ada, 5, &update("k", "a", "\"y\"", "\"z\""));
    bench.run(&mut ben);

    let story = ben.story();
    assert_eq!(story.len(), 3, "{story:?}");
    assert!(story[0].starts_with(r#"p3 acked=0 put ["k"]"#));
    assert_eq!(story[1], r#"p4 acked=0 patch ["k"] {"a":"y"}"#);
    assert_eq!(story[2], r#"p5 acked=0 remove ["k"]"#);
}

#[test]
fn a_session_whose_queue_overflows_reads_the_log_and_misses_nothing() {
    spec!("S7");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let mut slow = bench.connect("ben", "d-ben", SHAPE_T);
    slow.story();
    let long = "x".repeat(10_000);

    for n in 1..=60 {
        bench.push(&mut ada, n, &insert(&format!("k{n}"), &long));
    }
    bench.run(&mut slow);

    let story = slow.story();
    assert_eq!(story.len(), 60);
    for (index, frame) in story.iter().enumerate() {
        assert!(frame.starts_with(&format!("p{} ", index + 2)), "{frame:.40}");
    }
}

#[test]
fn silence_ends_with_a_heartbeat_that_moves_the_cursor() {
    spec!("P8");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", r#""shapes":[{"table":"u"}]"#);
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);
    bench.push(&mut ben, 1, &insert("k", "x"));
    bench.run(&mut ada);
    ada.story();

    bench.now = bench.now.plus(Millis(15_000));
    bench.input(&mut ada, Input::Tick);

    assert_eq!(ada.story(), ["heartbeat p2"], "nothing of t concerns ada, and yet she is current");
}

#[test]
fn the_older_connection_of_a_device_is_superseded() {
    spec!("P15");
    let mut bench = Bench::new();
    let mut older = bench.connect("ada", "d-ada", SHAPE_T);
    let newer = bench.connect("ada", "d-ada", SHAPE_T);

    bench.run(&mut older);

    assert_eq!(older.closed, Some(Close::Superseded));
    assert_eq!(newer.closed, None);
}

#[test]
fn a_drain_answers_what_was_pushed_and_says_when_to_come_back() {
    spec!("P11");
    spec!("S10");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    ada.story();

    bench.push(&mut ada, 1, &insert("k", "x"));
    bench.input(&mut ada, Input::Drain(Millis(1500)));

    let story = ada.story();
    assert_eq!(story.first().map(String::as_str), Some("results 1=applied"));
    assert_eq!(story.last().map(String::as_str), Some("goaway 1500"));
    assert_eq!(ada.closed, Some(Close::Restart));
}

#[test]
fn a_renewed_token_keeps_the_stream_another_role_begins_it_anew_and_another_user_ends_it() {
    spec!("P3");
    let mut bench = Bench::new();
    let renew = |bench: &mut Bench, token: &str| {
        let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
        ada.story();
        bench.send(&mut ada, &format!(r#"{{"auth":{{"token":"{token}"}}}}"#));
        (ada.story(), ada.closed)
    };

    assert_eq!(renew(&mut bench, "ada"), (vec!["heartbeat p1".to_owned()], None));
    assert_eq!(renew(&mut bench, "ada/coach"), (vec!["goaway 0".to_owned()], Some(Close::Restart)));
    assert_eq!(renew(&mut bench, "ben"), (vec!["problem user_changed".to_owned()], Some(Close::Forbidden)));
}
