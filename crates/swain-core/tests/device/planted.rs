//! Each planted bug does its harm, so that a checker that finds nothing is at fault.

use swain_core::Value;
use swain_core::client::{Config, Faults, Input, PlantedBug};
use swain_core::protocol::{LoadEnd, Outcome, ShapeState, place_fragment, write_changes, write_remove};
use swain_core::shape::Shape;

use super::fake_server::{FakeServer, changes, checkpoint, results, welcome};
use super::rig::{Rig, Storage, insert, place, row};

fn rig_with(bug: PlantedBug) -> Rig {
    let mut config = Config::new(vec![Shape::table("t"), Shape::table("u")]);
    config.faults = Faults::only(bug);
    let mut rig = Rig::with(config);
    rig.open();
    FakeServer::new().serve(&mut rig);
    rig
}

#[test]
fn dropping_the_overlay_on_results_makes_the_edit_vanish() {
    let mut rig = rig_with(PlantedBug::DropOverlayOnResults);
    rig.edit(vec![insert("k", 1)]);

    rig.frame(&results(&[(1, Outcome::Applied)], None));

    assert_eq!(rig.a("k"), None);
}

#[test]
fn a_cursor_stored_before_its_rows_loses_them_in_a_crash() {
    let mut rig = rig_with(PlantedBug::CursorBeforeRows);
    rig.storage = Storage::Slow;
    rig.frame(&changes(1, 0, &[row("k", 1)]));

    rig.write_first();
    rig.crash();

    assert_eq!(rig.device.meta().cursor.as_deref(), Some("e1-1"));
    assert_eq!(rig.a("k"), None);
}

#[test]
fn sending_before_saving_uses_a_number_again_after_a_crash() {
    let mut rig = rig_with(PlantedBug::SendBeforeSaved);
    rig.storage = Storage::Slow;
    rig.edit(vec![insert("k", 1)]);
    let sent = rig.pushed()[0].n;

    rig.crash();
    rig.edit(vec![insert("l", 1)]);

    assert_eq!(rig.pending_numbers(), [sent.0]);
}

#[test]
fn accepting_an_old_frame_goes_back() {
    let mut rig = rig_with(PlantedBug::AcceptOldFrame);
    rig.frame(&changes(2, 0, &[row("k", 2)]));

    rig.frame(&changes(1, 0, &[row("k", 1)]));

    assert_eq!(rig.a("k"), Some(Value::Int(1)));
}

#[test]
fn skipping_removals_keeps_the_row() {
    let mut rig = rig_with(PlantedBug::SkipRemove);
    rig.frame(&changes(1, 0, &[row("k", 1)]));
    let mut remove = String::new();
    write_remove(&mut remove, &place_fragment(&place("k")));

    rig.frame(&write_changes(&checkpoint("e1", 2, 0), &remove));

    assert_eq!(rig.a("k"), Some(Value::Int(1)));
}

#[test]
fn a_load_that_drops_nothing_keeps_what_is_gone() {
    let mut rig = rig_with(PlantedBug::LoadKeepsAbsentRows);
    rig.frame(&changes(1, 0, &[row("k", 1)]));
    rig.close(1006);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    let greeting = welcome(2, ShapeState::Load, swain_core::MutationNumber(0));
    rig.frame(&greeting.to_text());

    rig.frame(&LoadEnd { checkpoint: checkpoint("e1", 2, 0), shapes: vec![0, 1] }.to_text());

    assert_eq!(rig.a("k"), Some(Value::Int(1)));
}
