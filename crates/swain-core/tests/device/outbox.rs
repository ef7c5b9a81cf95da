//! Mutations from the edit to their end.

use swain_core::client::{Config, EntryState, Input, Origin, StoredDevice};
use swain_core::limits::{PUSH_MUTATIONS_MAX, RETAINED_MUTATIONS_MAX};
use swain_core::protocol::Outcome;
use swain_core::shape::Shape;
use swain_core::{Code, DeviceId, MutationNumber, Operation, Pos, Problem, Row, Value, Was};
use swain_testkit::spec;

use super::fake_server::{FakeServer, changes, live_rig, results};
use super::rig::{Rig, Storage, delete, inc, insert, place, row, set};

#[test]
fn an_edit_is_visible_at_once_and_sent_only_when_saved() {
    spec!("C2");
    let mut rig = live_rig();
    rig.storage = Storage::Slow;

    let id = rig.edit(vec![insert("k", 1)]);

    assert_eq!(rig.a("k"), Some(Value::Int(1)));
    assert!(rig.sent.is_empty() && rig.saved.is_empty());
    rig.write();
    assert_eq!(rig.saved, [id]);
    assert_eq!(rig.pushed().len(), 1);
}

#[test]
fn an_edit_that_was_not_saved_is_gone_after_a_crash_and_its_number_is_free() {
    spec!("C2");
    let mut rig = live_rig();
    rig.storage = Storage::Slow;
    rig.edit(vec![insert("k", 1)]);

    rig.crash();
    rig.open();

    assert_eq!(rig.a("k"), None);
    assert_eq!(rig.device.meta().highest, MutationNumber(0));
}

#[test]
fn results_drop_nothing_and_acked_drops_the_overlay_with_its_frame() {
    spec!("C4", "P9", "P10");
    let mut rig = live_rig();
    rig.edit(vec![insert("k", 1)]);

    rig.frame(&results(&[(1, Outcome::Applied)], None));
    assert_eq!(rig.pending_numbers(), [1]);
    assert!(rig.settled.is_empty());

    // The server's trigger made 5 of it.
    rig.changes.clear();
    rig.frame(&changes(1, 1, &[row("k", 5)]));
    assert_eq!(rig.pending_numbers(), [0; 0]);
    assert_eq!(rig.a("k"), Some(Value::Int(5)));
    assert_eq!(rig.settled.len(), 1);
    assert_eq!(rig.changes.len(), 1);
    assert_eq!(rig.changes[0].rows.len(), 1);
}

#[test]
fn results_may_come_after_acked() {
    spec!("C4");
    let mut rig = live_rig();
    rig.edit(vec![insert("k", 1)]);

    rig.frame(&changes(1, 1, &[row("k", 1)]));
    assert!(rig.settled.is_empty());
    rig.frame(&results(&[(1, Outcome::Merged)], None));

    assert_eq!(rig.settled[0].result.outcome, Outcome::Merged);
}

#[test]
fn a_result_that_was_lost_with_the_connection_is_asked_for_again() {
    spec!("P4");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    rig.open();
    server.serve(&mut rig);
    server.refuses = Some("k");
    rig.edit(vec![insert("k", 1)]);
    let push = rig.sent.pop().unwrap();
    let frames = server.answer(push);

    // The changes arrive, the results before them do not.
    rig.frame(&frames[1]);
    rig.close(1006);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    server.serve(&mut rig);

    assert_eq!(rig.settled.len(), 1);
    assert_eq!(rig.settled[0].result.outcome, Outcome::Refused);
    assert_eq!(rig.device.dead_letters().count(), 1);
}

#[test]
fn offline_edits_are_sent_in_order_after_the_reconnect_and_applied_once() {
    spec!("C9", "P14");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    rig.open();
    server.serve(&mut rig);
    rig.close(1006);
    rig.edit(vec![insert("k", 1)]);
    rig.edit(vec![inc("k", 2)]);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    let hello = rig.sent.pop().unwrap();
    server.answer(hello).iter().for_each(|frame| rig.frame(frame));

    // The server decides, and its answer is lost.
    let push = rig.sent.pop().unwrap();
    server.answer(push);
    rig.close(1006);
    rig.crash();
    rig.open();
    server.serve(&mut rig);

    assert_eq!(server.applied, 2);
    assert_eq!(rig.a("k"), Some(Value::Int(3)));
    assert_eq!(rig.device.confirmed(&place("k")), rig.device.visible(&place("k")));
    assert!(rig.pending_numbers().is_empty());
}

#[test]
fn a_push_has_at_most_fifty_mutations_and_waits_for_the_results_of_the_last() {
    spec!("C9", "P2");
    let mut rig = live_rig();
    rig.storage = Storage::Slow;
    let edits = PUSH_MUTATIONS_MAX as u64 + 1;
    for _ in 0..edits {
        rig.edit(vec![insert("k", 1)]);
    }
    rig.write_at_once();

    assert_eq!(rig.pushed().len(), PUSH_MUTATIONS_MAX);
    let numbers: Vec<_> = (1..edits).map(|n| (n, Outcome::Applied)).collect();
    rig.frame(&results(&numbers, None));

    let rest = rig.pushed();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].n, MutationNumber(edits));
}

#[test]
fn a_push_stays_below_one_mebibyte() {
    spec!("C9", "P16");
    let mut rig = live_rig();
    rig.storage = Storage::Slow;
    for key in ["k1", "k2", "k3"] {
        let set = Row::default().with("b", "x".repeat(400_000).as_str());
        rig.edit(vec![Operation::Insert { row: place(key), set }]);
    }

    rig.write_at_once();

    assert_eq!(rig.pushed().len(), 2);
}

#[test]
fn a_mutation_that_does_not_fit_into_a_message_is_rejected() {
    let mut rig = live_rig();
    let set = Row::default().with("b", "x".repeat(1_100_000).as_str());

    rig.give(Input::Mutate { operations: vec![Operation::Insert { row: place("k"), set }] });

    assert_eq!(rig.rejected[0].code, Code::LimitMessageBytes);
    assert_eq!(rig.a("k"), None);
}

#[test]
fn a_transient_problem_sends_the_same_again_after_a_pause() {
    spec!("C9", "P10");
    let mut rig = live_rig();
    rig.edit(vec![insert("k", 1)]);
    let first = rig.pushed();

    for _ in 0..20 {
        rig.frame(&results(&[], Some(Problem::new(Code::Transient, "busy"))));
        while rig.sent.is_empty() {
            assert_eq!(rig.pass_to_timer(), "push again");
        }
        assert_eq!(rig.pushed(), first);
    }
    assert_eq!(rig.closes, 0);
}

#[test]
fn a_gap_reconnects_and_goes_on_behind_what_the_server_has() {
    spec!("P14");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    rig.open();
    server.serve(&mut rig);
    rig.edit(vec![insert("k", 1)]);

    rig.frame(&results(&[], Some(Problem::new(Code::MutationGap, "expected 7"))));
    assert_eq!(rig.closes, 1);
    rig.sent.clear();
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    server.serve(&mut rig);

    assert_eq!(server.applied, 1);
}

#[test]
fn an_edit_says_what_it_was_based_on() {
    spec!("M3");
    let mut rig = live_rig();
    rig.frame(&changes(1, 0, &[row("k", 4)]));
    rig.storage = Storage::Slow;

    rig.edit(vec![set("k", 5)]);
    rig.edit(vec![set("k", 6)]);
    let long = "x".repeat(300);
    rig.frame(&changes(2, 0, &[row("l", 1).with("b", long.as_str())]));
    let b = Operation::Update {
        row: place("l"),
        set: Row::default().with("b", "short"),
        was: Default::default(),
        inc: Row::default(),
        add: Row::default(),
        remove: Row::default(),
    };
    rig.edit(vec![b]);
    rig.edit(vec![delete("l")]);

    let was = |index: usize, column: &str| {
        let entry = rig.device.pending().nth(index).unwrap();
        match &entry.mutation.operations[0] {
            Operation::Update { was, .. } => was[column].clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(was(0, "a"), Was::Value(Value::Int(4)));
    assert_eq!(was(1, "a"), Was::After(MutationNumber(1), Value::Int(5)));
    assert!(matches!(was(2, "b"), Was::Hash(_)));
    let seen = rig.device.pending().nth(3).unwrap().mutation.operations[0].clone();
    let Operation::Delete { seen, .. } = seen else { panic!("{seen:?}") };
    assert_eq!(seen, Some(row("l", 1).with("b", "short").hash()));
    let first = rig.device.pending().next().unwrap();
    assert_eq!(first.mutation.base, Pos(1));
    // The server's clock is 4 000 000 ms ahead.
    assert_eq!(first.mutation.at.0, 5_000_000);
}

#[test]
fn a_refused_mutation_rolls_back_with_its_acknowledgement_and_stays_as_a_dead_letter() {
    spec!("C15", "C13");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    server.refuses = Some("k");
    rig.open();
    server.serve(&mut rig);
    let id = rig.edit(vec![insert("k", 1)]);
    rig.changes.clear();
    server.serve(&mut rig);

    assert_eq!(rig.a("k"), None);
    assert_eq!(rig.changes.len(), 1, "the roll-back is part of the position");
    assert_eq!(rig.changes[0].origin, Origin::Server);
    let entry = rig.device.entry(id).unwrap();
    assert_eq!(entry.state, EntryState::Refused);

    // A crash later it is still there; a retry is a new mutation.
    rig.crash();
    server.refuses = None;
    rig.give(Input::Retry(id));
    rig.open();
    server.serve(&mut rig);
    assert_eq!(rig.a("k"), Some(Value::Int(1)));
    assert_eq!(rig.device.dead_letters().count(), 0);
    assert_eq!(rig.stored.outbox.len(), 1);
}

#[test]
fn a_discarded_dead_letter_is_gone() {
    spec!("C15");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    server.refuses = Some("k");
    rig.open();
    server.serve(&mut rig);
    let id = rig.edit(vec![insert("k", 1)]);
    server.serve(&mut rig);

    rig.give(Input::Discard(id));

    assert_eq!(rig.stored.outbox.len(), 0);
    assert_eq!(rig.device.status().refused, 0);
}

#[test]
fn acknowledged_mutations_are_kept_for_a_day_or_a_thousand() {
    spec!("C16");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    rig.open();
    server.serve(&mut rig);

    for _ in 0..=RETAINED_MUTATIONS_MAX {
        rig.edit(vec![insert("k", 1)]);
        server.serve(&mut rig);
    }
    assert_eq!(rig.stored.outbox.len(), RETAINED_MUTATIONS_MAX);

    rig.now.0 += 24 * 60 * 60 * 1000 + 1;
    rig.edit(vec![insert("k", 1)]);
    server.serve(&mut rig);
    assert_eq!(rig.stored.outbox.len(), 1);
}

#[test]
fn one_mutation_more_than_may_wait_is_rejected() {
    spec!("P16");
    let mut config = Config::new(vec![Shape::table("t"), Shape::table("u")]);
    config.pending_max = 2;
    let mut rig = Rig::with(config);
    rig.open();
    FakeServer::new().serve(&mut rig);

    (0..3).for_each(|_| rig.give(Input::Mutate { operations: vec![insert("k", 1)] }));

    assert_eq!(rig.pending_numbers(), [1, 2]);
    assert_eq!(rig.rejected[0].code, Code::LimitPendingMutations);
}

#[test]
fn a_device_behind_its_own_numbers_takes_a_new_id() {
    spec!("C10", "P4");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    server.ledgers.insert(DeviceId::from("d1"), vec![Outcome::Applied; 5]);
    rig.open();
    server.serve(&mut rig);
    assert_eq!((rig.device_requests, rig.closes), (1, 1));

    rig.give(Input::DeviceId(DeviceId::from("d2")));
    rig.give(Input::TransportOpened);
    server.serve(&mut rig);
    rig.edit(vec![insert("k", 1)]);
    server.serve(&mut rig);

    assert_eq!(server.ledgers[&DeviceId::from("d2")].len(), 1);
    assert_eq!(rig.stored.meta.unwrap().device, DeviceId::from("d2"));
}

#[test]
fn a_cloned_device_takes_a_new_id_when_the_server_tells_it() {
    spec!("C10", "P14");
    let mut rig = live_rig();
    rig.edit(vec![insert("k", 1)]);
    rig.edit(vec![set("k", 2)]);

    rig.frame(&results(&[], Some(Problem::new(Code::MutationMismatch, "cloned"))));
    assert_eq!(rig.device_requests, 1);
    rig.give(Input::DeviceId(DeviceId::from("d2")));
    rig.sent.clear();
    rig.give(Input::TransportOpened);
    let mut server = FakeServer::new();
    server.serve(&mut rig);

    assert_eq!(server.ledgers[&DeviceId::from("d2")].len(), 2);
    assert_eq!(rig.a("k"), Some(Value::Int(2)));
    assert!(rig.pending_numbers().is_empty());
}

#[test]
fn a_restored_server_gets_again_what_it_lost() {
    spec!("C10", "C16");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    rig.open();
    server.serve(&mut rig);
    rig.edit(vec![insert("k", 1)]);
    server.serve(&mut rig);
    rig.edit(vec![insert("l", 2)]);
    server.serve(&mut rig);

    // The server goes back to where it knew only the first one.
    server.epoch = "e2";
    server.rows.remove(&place("l"));
    server.log.pop();
    server.ledgers.get_mut(&DeviceId::from("d1")).unwrap().pop();
    rig.close(1006);
    rig.give(Input::Wake);
    rig.give(Input::TransportOpened);
    server.serve(&mut rig);

    assert!(server.rows.contains_key(&place("l")));
    assert_eq!(rig.a("l"), Some(Value::Int(2)));
    assert_eq!(rig.device_requests, 0);
}

#[test]
fn a_restored_server_and_a_gap_in_what_was_kept_make_a_new_device() {
    spec!("C10");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    rig.open();
    server.serve(&mut rig);
    for key in ["k", "l", "m"] {
        rig.edit(vec![insert(key, 1)]);
        server.serve(&mut rig);
    }
    let kept: StoredDevice = rig.stored.clone();
    rig.stored.outbox.remove(kept.outbox.keys().nth(1).unwrap());
    rig.crash();

    let mut restored = FakeServer::new();
    restored.epoch = "e2";
    rig.open();
    restored.serve(&mut rig);
    assert_eq!(rig.device_requests, 1);
    rig.give(Input::DeviceId(DeviceId::from("d2")));
    rig.give(Input::TransportOpened);
    restored.serve(&mut rig);

    // What was kept is not lost.
    assert_eq!(restored.ledgers[&DeviceId::from("d2")].len(), 2);
    assert!(restored.rows.contains_key(&place("k")) && restored.rows.contains_key(&place("m")));
    assert!(rig.pending_numbers().is_empty());
}
