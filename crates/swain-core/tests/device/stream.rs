//! Positions of the log on the device.

use swain_core::Value;
use swain_core::client::{Input, Origin, State};
use swain_core::protocol::{number_frame, place_fragment, write_changes, write_patch, write_remove};
use swain_testkit::spec;

use super::fake_server::{FakeServer, changes, checkpoint, live_rig};
use super::rig::{Rig, Storage, inc, place, row, set, values};

#[test]
fn each_position_calls_once_in_order_with_what_changed() {
    spec!("C13", "C3");
    let mut rig = live_rig();
    rig.changes.clear();

    rig.frame(&changes(1, 0, &[row("k", 1), row("l", 1)]));
    rig.frame(&changes(2, 0, &[]));
    rig.frame(&changes(5, 0, &[row("k", 2)]));

    let told: Vec<_> = rig.changes.iter().map(|set| (set.pos.0, set.rows.len())).collect();
    assert_eq!(told, [(1, 2), (2, 0), (5, 1)]);
    let k = &rig.changes[2].rows[0];
    assert_eq!(k.before.as_ref().unwrap().value("a"), &Value::Int(1));
    assert_eq!(k.after.as_ref().unwrap().value("a"), &Value::Int(2));
    assert_eq!(rig.stored.meta.as_ref().unwrap().cursor.as_deref(), Some("e1-5"));
}

#[test]
fn the_overlay_stays_on_top_of_what_others_change() {
    spec!("C1");
    let mut rig = live_rig();
    rig.frame(&changes(1, 0, &[row("k", 1)]));
    rig.edit(vec![inc("k", 10)]);
    rig.changes.clear();

    rig.frame(&changes(2, 0, &[row("k", 2)]));

    assert_eq!(rig.a("k"), Some(Value::Int(12)));
    assert_eq!(rig.changes[0].origin, Origin::Server);
    let rows = rig.device.visible_rows("t");
    assert_eq!(values(&rows), [("[\"k\"]".to_owned(), Value::Int(12))]);
    let rows = rig.device.confirmed_rows("t");
    assert_eq!(values(&rows), [("[\"k\"]".to_owned(), Value::Int(2))]);
}

#[test]
fn a_position_that_is_not_ahead_ends_the_connection() {
    spec!("C7", "P7");
    let mut rig = live_rig();
    rig.frame(&changes(3, 0, &[row("k", 1)]));

    rig.frame(&changes(3, 0, &[row("k", 9)]));

    assert_eq!(rig.closes, 1);
    assert_eq!(rig.a("k"), Some(Value::Int(1)));
    assert_eq!(rig.device.pos().0, 3);
}

#[test]
fn a_heartbeat_may_repeat_the_position_and_not_go_behind_it() {
    spec!("C7", "P8");
    let mut rig = live_rig();
    rig.frame(&changes(3, 0, &[]));

    rig.frame(&checkpoint("e1", 3, 0).heartbeat(None));
    assert_eq!(rig.closes, 0);
    rig.frame(&checkpoint("e1", 2, 0).heartbeat(None));
    assert_eq!(rig.closes, 1);
}

#[test]
fn a_heartbeat_drops_the_overlay_too() {
    spec!("P9");
    let mut rig = live_rig();
    rig.frame(&changes(1, 0, &[row("k", 1)]));
    rig.edit(vec![set("k", 2)]);

    rig.frame(&checkpoint("e1", 2, 1).heartbeat(None));

    assert!(rig.pending_numbers().is_empty());
    assert_eq!(rig.a("k"), Some(Value::Int(1)));
}

#[test]
fn a_patch_changes_columns_and_a_remove_takes_the_row_away() {
    spec!("P7", "C5");
    let mut rig = live_rig();
    rig.frame(&changes(1, 0, &[row("k", 1).with("b", "x")]));

    let mut patch = String::new();
    write_patch(&mut patch, &place_fragment(&place("k")), &[0], "{\"a\":7}");
    rig.frame(&write_changes(&checkpoint("e1", 2, 0), &patch));
    let shown = rig.device.visible(&place("k")).unwrap();
    assert_eq!((shown.value("a"), shown.value("b")), (&Value::Int(7), &Value::text("x")));

    let mut remove = String::new();
    write_remove(&mut remove, &place_fragment(&place("k")));
    rig.frame(&write_changes(&checkpoint("e1", 3, 0), &remove));
    assert_eq!(rig.a("k"), None);
    assert!(rig.stored.rows.is_empty());
}

#[test]
fn a_patch_of_a_row_that_is_not_held_starts_over_and_keeps_the_outbox() {
    spec!("P7", "C3");
    let mut rig = live_rig();
    rig.edit(vec![inc("k", 1)]);
    let mut rows = String::new();
    write_patch(&mut rows, &place_fragment(&place("k")), &[0], "{\"a\":7}");

    rig.frame(&write_changes(&checkpoint("e1", 2, 0), &rows));

    assert_eq!(rig.closes, 1);
    assert_eq!(rig.device.meta().cursor, None);
    assert_eq!(rig.stored.meta.as_ref().unwrap().cursor, None);
    assert_eq!(rig.pending_numbers(), [1]);
}

#[test]
fn a_crash_comes_back_to_a_position_that_was_stored_whole() {
    spec!("C3");
    let mut rig = live_rig();
    rig.storage = Storage::Slow;
    rig.frame(&changes(1, 0, &[row("k", 1)]));
    rig.write();
    rig.frame(&changes(2, 0, &[row("k", 2)]));

    rig.crash();

    assert_eq!(rig.a("k"), Some(Value::Int(1)));
    assert_eq!(rig.device.meta().cursor.as_deref(), Some("e1-1"));
}

#[test]
fn status_tells_cached_from_current() {
    spec!("C12");
    let mut rig = Rig::new();
    assert!(rig.device.status().cached);
    rig.give(Input::Token(None));
    assert_eq!(rig.device.status().state, State::Connecting);
    rig.give(Input::TransportOpened);
    let hello = rig.sent.pop().unwrap();
    let frames = FakeServer::new().answer(hello);

    rig.frame(&frames[0]);
    assert_eq!(rig.device.status().state, State::Syncing);
    assert!(rig.device.status().loading.is_some());
    frames[1..].iter().for_each(|frame| rig.frame(frame));

    let status = rig.device.status();
    assert_eq!(status.state, State::Live);
    assert!(!status.cached && status.loading.is_none());
    assert_eq!(status.last_synced.unwrap().0, 5_000_000);
    rig.close(1006);
    assert_eq!(rig.device.status().state, State::Offline);
    rig.crash();
    assert!(rig.device.status().cached);
    assert_eq!(rig.device.status().last_synced.unwrap().0, 5_000_000);
}

#[test]
fn a_frame_of_a_newer_server_is_ignored() {
    let mut rig = live_rig();

    rig.frame("{\"tomorrow\":{}}");

    assert_eq!(rig.closes, 0);
}

#[test]
fn a_frame_that_cannot_be_read_ends_the_connection() {
    let mut rig = live_rig();

    rig.frame("{\"changes\":{}}");

    assert_eq!(rig.closes, 1);
    assert_eq!(rig.device.status().state, State::Offline);
}

#[test]
fn a_lost_doubled_or_swapped_frame_ends_the_connection() {
    spec!("P19");
    for numbers in [[2, 4], [2, 2], [3, 2]] {
        let mut rig = live_rig();
        rig.close(1006);
        rig.give(Input::Wake);
        rig.give(Input::TransportOpened);
        let hello = rig.sent.pop().unwrap();
        let mut greeting = FakeServer::new().answer(hello).remove(0);
        number_frame(&mut greeting, 1);
        rig.frame(&greeting);
        let closes = rig.closes;

        for (pos, number) in (1..).zip(numbers) {
            let mut frame = changes(pos, 0, &[]);
            number_frame(&mut frame, number);
            rig.frame(&frame);
        }

        assert_eq!(rig.closes, closes + 1, "{numbers:?}");
    }
}

#[test]
fn results_that_do_not_come_are_a_dead_stream() {
    spec!("P19");
    let mut rig = live_rig();
    rig.edit(vec![inc("k", 1)]);

    rig.pass(29_999);
    assert_eq!(rig.closes, 0);
    rig.pass(1);

    assert_eq!(rig.closes, 1);
}
