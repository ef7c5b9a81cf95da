//! What sessions see of the clean-up: the floor, and what is below it.

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::protocol::{Close, Outcome};
use swain_core::{Millis, Pos};
use swain_engine::Input;
use swain_engine::limits::HEARTBEAT_MS;
use swain_store::{Retention, Store as _, ready};
use swain_testkit::spec;

use crate::bench::{Bench, SHAPE_T, insert, update};

const DAY: Millis = Millis(24 * 60 * 60 * 1000);

/// Time passes, and everything that was before is older than the log is kept.
fn clean_up(bench: &mut Bench) -> Pos {
    bench.now = bench.now.plus(DAY);
    let retention = Arc::new(Retention { log: DAY, history: BTreeMap::new() });
    ready(bench.engine.store().trim(bench.now, retention, 10_000)).expect("memory does not fail").floor
}

#[test]
fn a_cursor_at_the_floor_goes_on_and_one_below_it_loads() {
    spec!("S16", "P13");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    let below = ada.cursor();
    bench.push(&mut ada, 2, &insert("l", "y"));
    let at = ada.cursor();
    assert_eq!(clean_up(&mut bench), Pos(3));
    bench.push(&mut ada, 3, &update("k", "a", "\"x\"", "\"z\""));

    let story = bench.connect("ada", "d-ada", &format!(r#"{SHAPE_T},"cursor":"{at}","acked":2"#)).story();
    assert_eq!(story, ["welcome last=3 load=None", r#"p4 acked=3 patch ["k"] {"a":"z"}"#, "caught_up p4 acked=3"]);

    let story = bench.connect("ada", "d-ada", &format!(r#"{SHAPE_T},"cursor":"{below}","acked":1"#)).story();
    assert_eq!(story[..2], ["welcome last=3 load=Some(false)", "load 0 rows=2"]);
    assert!(story.contains(&"load_end p4 acked=3".to_owned()), "{story:?}");
}

#[test]
fn a_session_that_is_overtaken_by_the_floor_is_sent_away_and_never_gets_a_hole() {
    spec!("S16", "P11");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let cursor = ada.cursor();
    let mut ben = bench.connect("ben", "d-ben", "\"shapes\":[]");
    ada.story();
    // More than waits for one session: its queue is dropped, and it has to read the log.
    let large = "x".repeat(100_000);
    for n in 1..=4 {
        bench.push(&mut ben, n, &insert(&format!("k{n}"), &large));
    }
    clean_up(&mut bench);

    bench.run(&mut ada);

    assert_eq!(ada.story(), ["goaway 0"]);
    assert_eq!(ada.closed, Some(Close::Restart));
    let story = bench.connect("ada", "d-ada", &format!(r#"{SHAPE_T},"cursor":"{cursor}""#)).story();
    assert_eq!(story[0], "welcome last=0 load=Some(false)");
}

#[test]
fn heartbeats_keep_an_idle_device_above_the_floor() {
    spec!("S16", "P8");
    let mut bench = Bench::new();
    let shape_u = r#""shapes":[{"table":"u"}]"#;
    let mut ada = bench.connect("ada", "d-ada", shape_u);
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);
    bench.push(&mut ben, 1, &insert("k", "nothing that concerns ada"));
    bench.now = bench.now.plus(Millis(HEARTBEAT_MS));
    bench.input(&mut ada, Input::Tick);
    let cursor = ada.cursor();

    assert_eq!(clean_up(&mut bench), Pos(2));

    let story = bench.connect("ada", "d-ada", &format!(r#"{shape_u},"cursor":"{cursor}""#)).story();
    assert_eq!(story, ["welcome last=0 load=None", "caught_up p2 acked=0"]);
}

#[test]
fn an_edit_later_than_the_floor_wins_over_what_is_below_it_and_an_earlier_one_does_not() {
    spec!("S16", "M5");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    let mut ben = bench.connect("ben", "d-ben", SHAPE_T);
    bench.push(&mut ada, 1, &insert("k", "x"));
    bench.push(&mut ada, 2, &update("k", "a", "\"x\"", "\"y\""));
    let floor_time = bench.now;
    clean_up(&mut bench);

    let edit = |new: &str| update("k", "a", "\"x\"", &format!("\"{new}\""));
    let earlier = bench.push_at(&mut ben, 1, floor_time, Pos(2), &edit("earlier"));
    let later = bench.push_at(&mut ben, 2, floor_time.plus(Millis(1)), Pos(2), &edit("later"));

    assert_eq!((earlier.outcome, later.outcome), (Outcome::Overruled, Outcome::Applied));
    assert_eq!(bench.row("t", "k").expect("the row is there").value("a").as_text(), Some("later"));
}

#[test]
fn a_server_that_slept_for_longer_than_the_log_is_kept_goes_on_at_its_head() {
    spec!("S16", "S7");
    let mut bench = Bench::new();
    let mut ada = bench.connect("ada", "d-ada", SHAPE_T);
    ada.story();
    bench.engine.store().write_outside(bench.now, "t", |_| {});
    bench.engine.store().write_outside(bench.now, "t", |_| {});
    assert_eq!(clean_up(&mut bench), Pos(3));

    bench.run(&mut ada);

    assert_eq!(bench.engine.position(), Pos(3));
    assert_eq!(ada.story(), ["goaway 0"]);
}
