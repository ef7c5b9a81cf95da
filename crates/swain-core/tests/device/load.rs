//! Loads: staging, tokens, memberships.

use swain_core::client::{Config, Input, Membership};
use swain_core::protocol::{
    LoadEnd, ShapeState, Up, place_fragment, write_changes, write_load, write_load_changes, write_patch, write_put,
};
use swain_core::shape::Shape;
use swain_core::{MutationNumber, Row, Value};
use swain_testkit::spec;

use super::fake_server::{FakeServer, changes, checkpoint, live_rig, welcome};
use super::rig::{Rig, inc, place, row};

fn chunk(shape: usize, token: &str, rows: &[Row]) -> String {
    let rows: Vec<String> = rows.iter().map(Row::canonical).collect();
    write_load(shape, &rows.join(","), 9, token)
}

fn end(pos: u64, shapes: &[usize]) -> String {
    LoadEnd { checkpoint: checkpoint("e1", pos, 0), shapes: shapes.to_vec() }.to_text()
}

fn greeting(shapes: &[ShapeState], resumes: Option<bool>) -> String {
    let mut welcome = welcome(shapes.len(), ShapeState::Live, MutationNumber(0));
    welcome.shapes = shapes.to_vec();
    welcome.load_resumes = resumes;
    welcome.to_text()
}

fn loading_rig() -> Rig {
    let mut rig = Rig::new();
    rig.open();
    rig.frame(&greeting(&[ShapeState::Load, ShapeState::Load], Some(false)));
    rig
}

#[test]
fn rows_of_a_load_are_invisible_until_its_end() {
    spec!("C6", "P5", "P6");
    let mut rig = loading_rig();

    rig.frame(&chunk(0, "l1", &[row("k", 1), row("l", 1)]));
    assert_eq!(rig.a("k"), None);
    assert_eq!(rig.device.staged_len(), 2);
    assert_eq!(rig.device.status().loading.unwrap().total, 9);
    rig.changes.clear();
    rig.frame(&end(3, &[0, 1]));

    assert_eq!(rig.a("k"), Some(Value::Int(1)));
    assert_eq!(rig.device.staged_len(), 0);
    assert_eq!(rig.changes.len(), 1);
    assert!(rig.stored.staging.is_empty());
    assert_eq!(rig.stored.rows.len(), 2);
}

#[test]
fn a_cut_load_goes_on_behind_its_last_durable_chunk() {
    spec!("C6", "P4");
    let mut rig = loading_rig();
    rig.frame(&chunk(0, "l1", &[row("k", 1)]));
    rig.crash();

    rig.open();
    let Some(Up::Hello(hello)) = rig.sent.pop() else { panic!("a hello is first") };
    assert_eq!(hello.load.as_deref(), Some("l1"));
    rig.frame(&greeting(&[ShapeState::Load, ShapeState::Load], Some(true)));
    rig.frame(&chunk(0, "l2", &[row("l", 1)]));
    rig.frame(&end(3, &[0, 1]));

    assert_eq!(rig.device.visible_rows("t").len(), 2);
}

#[test]
fn a_load_that_starts_over_empties_staging() {
    spec!("P4");
    let mut rig = loading_rig();
    rig.frame(&chunk(0, "l1", &[row("k", 1)]));
    rig.close(1006);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);

    rig.frame(&greeting(&[ShapeState::Load, ShapeState::Load], Some(false)));

    assert_eq!(rig.device.staged_len(), 0);
    assert!(rig.stored.staging.is_empty());
}

#[test]
fn changes_since_the_load_began_go_to_staging_too() {
    spec!("P5");
    let mut rig = loading_rig();
    rig.frame(&chunk(0, "l1", &[row("k", 1), row("l", 1)]));
    let (mut rows, k, gone) = (String::new(), place_fragment(&place("k")), place_fragment(&place("gone")));
    write_patch(&mut rows, &k, &[0], "{\"a\":2}");
    rows.push(',');
    // The row was gone when its chunk was read; its earlier life has no place to go.
    write_patch(&mut rows, &gone, &[0], "{\"a\":2}");
    rows.push(',');
    write_put(&mut rows, &place_fragment(&place("m")), &[0], &row("m", 3).canonical());
    rig.frame(&write_load_changes(&rows));
    rig.frame(&end(3, &[0, 1]));

    assert_eq!(rig.a("k"), Some(Value::Int(2)));
    assert_eq!(rig.a("m"), Some(Value::Int(3)));
    assert_eq!(rig.a("gone"), None);
    assert_eq!(rig.device.visible_rows("t").len(), 3);
}

#[test]
fn a_load_replaces_what_its_shape_held_in_one_step() {
    spec!("C6");
    let mut rig = live_rig();
    rig.frame(&changes(1, 0, &[row("k", 1), row("l", 1)]));
    rig.close(1006);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    rig.frame(&greeting(&[ShapeState::Load, ShapeState::Live], Some(false)));
    rig.frame(&chunk(0, "l1", &[row("l", 2), row("m", 2)]));
    assert_eq!(rig.a("k"), Some(Value::Int(1)), "old rows stay while the load runs");
    rig.changes.clear();

    rig.frame(&end(5, &[0]));

    assert_eq!(rig.changes.len(), 1);
    assert_eq!((rig.a("k"), rig.a("l"), rig.a("m")), (None, Some(Value::Int(2)), Some(Value::Int(2))));
}

#[test]
fn a_row_goes_when_the_last_shape_that_holds_it_goes() {
    spec!("C5");
    let filter = swain_core::strict_json::parse("{\"eq\":[\"a\",1]}").unwrap();
    let some = Shape { table: "t".into(), filter: Some(filter) };
    let mut rig = Rig::with(Config::new(vec![Shape::table("t"), some]));
    rig.open();
    rig.frame(&greeting(&[ShapeState::Load, ShapeState::Load], Some(false)));
    rig.frame(&chunk(0, "l1", &[row("k", 1), row("l", 2)]));
    rig.frame(&chunk(1, "l2", &[row("k", 1)]));
    rig.frame(&end(1, &[0, 1]));
    assert_eq!(rig.stored.rows[&place("k")].shapes, [0, 1].into_iter().collect::<Membership>());

    // The whole table is loaded anew and is empty now; the other shape still holds k.
    rig.close(1006);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    rig.frame(&greeting(&[ShapeState::Load, ShapeState::Live], Some(false)));
    rig.frame(&end(2, &[0]));
    assert_eq!((rig.a("k"), rig.a("l")), (Some(Value::Int(1)), None));

    let mut rows = String::new();
    write_put(&mut rows, &place_fragment(&place("k")), &[], "{}");
    rig.frame(&write_changes(&checkpoint("e1", 3, 0), &rows));
    assert_eq!(rig.a("k"), None);
}

#[test]
fn a_shape_that_is_no_longer_asked_for_takes_its_rows_along() {
    spec!("C5");
    let mut rig = live_rig();
    rig.frame(&changes(1, 0, &[row("k", 1)]));

    rig.config = Config::new(vec![Shape::table("u")]);
    rig.crash();

    assert_eq!(rig.a("k"), None);
    assert!(rig.stored.rows.is_empty());
    assert_eq!(rig.device.meta().cursor, None, "the cursor promised those rows");
}

#[test]
fn shapes_in_another_order_keep_their_rows_and_the_cursor() {
    spec!("C5");
    let mut rig = live_rig();
    rig.frame(&changes(1, 0, &[row("k", 1)]));

    rig.config = Config::new(vec![Shape::table("u"), Shape::table("t")]);
    rig.crash();

    assert_eq!(rig.stored.rows[&place("k")].shapes, Membership::of(1));
    assert_eq!(rig.device.meta().cursor.as_deref(), Some("e1-1"));
}

#[test]
fn another_epoch_loads_everything_and_keeps_edits_and_old_rows_meanwhile() {
    spec!("C7", "P13");
    let mut rig = live_rig();
    rig.frame(&changes(7, 0, &[row("k", 1)]));
    rig.close(1006);
    rig.edit(vec![inc("k", 1)]);

    let mut server = FakeServer::new();
    server.epoch = "e2";
    server.write("k", 5);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    assert_eq!(rig.a("k"), Some(Value::Int(2)));
    server.serve(&mut rig);

    assert_eq!(rig.a("k"), Some(Value::Int(6)));
    assert_eq!(rig.device.pos().0, 2);
}
