//! Connecting, waiting, stopping.

use swain_core::Millis;
use swain_core::client::{Config, Input, State, Stop};
use swain_core::protocol::{Goaway, ShapeState, Up};
use swain_core::shape::Shape;
use swain_testkit::spec;

use super::fake_server::{FakeServer, changes, checkpoint, live_rig, welcome};
use super::rig::{Rig, insert};

#[test]
fn delays_grow_and_a_wake_tries_at_once() {
    spec!("C8");
    let mut rig = live_rig();
    let connects = rig.connects;
    for attempt in 0..12 {
        rig.close(1006);
        let (until, _) = rig.device.poll_timeout().unwrap();
        assert!(until.since(rig.now).0 < (1000 << attempt).min(30_000));
        assert_eq!(rig.pass_to_timer(), "reconnect");
    }
    assert_eq!(rig.connects, connects + 12);

    rig.close(1006);
    rig.give(Input::Wake);
    assert_eq!(rig.connects, connects + 13);
}

#[test]
fn attempts_start_over_after_half_a_minute_of_health() {
    spec!("C8");
    let mut rig = Rig::new();
    let mut server = FakeServer::new();
    rig.open();
    (0..10).for_each(|_| {
        rig.close(1006);
        rig.pass_to_timer();
    });
    rig.give(Input::TransportOpened);
    server.serve(&mut rig);
    rig.now = rig.now.plus(Millis(30_000));
    rig.frame(&checkpoint("e1", 0, 0).heartbeat(None));

    rig.close(1006);

    let (until, _) = rig.device.poll_timeout().unwrap();
    assert!(until.since(rig.now).0 < 1000);
}

#[test]
fn a_hasty_device_starts_over_with_caught_up() {
    spec!("C8");
    let mut config = Config::new(vec![Shape::table("t"), Shape::table("u")]);
    config.first_delay = Millis(10);
    let mut rig = Rig::with(config);
    let mut server = FakeServer::new();
    rig.open();
    for _ in 0..20 {
        rig.sent.retain(|up| matches!(up, Up::Hello(_)));
        server.serve(&mut rig);
        rig.close(1006);
        let (until, _) = rig.device.poll_timeout().unwrap();
        assert!(until.since(rig.now).0 < 10);
        rig.pass_to_timer();
        rig.give(Input::TransportOpened);
    }
}

#[test]
fn a_silent_stream_is_dead_after_two_and_a_half_heartbeats() {
    spec!("C8");
    let mut rig = live_rig();

    rig.pass(37_499);
    assert_eq!(rig.closes, 0);
    rig.frame(&changes(1, 0, &[]));
    rig.pass(37_499);
    assert_eq!(rig.closes, 0);
    rig.pass(1);

    assert_eq!(rig.closes, 1);
    assert_eq!(rig.device.status().state, State::Offline);
}

#[test]
fn goaway_is_waited_for_whatever_wakes_the_device() {
    spec!("C8", "P11");
    let mut rig = live_rig();
    let connects = rig.connects;

    rig.frame(&Goaway { reason: "draining".into(), retry: Millis(1500) }.to_text());
    rig.give(Input::Wake);
    rig.pass(1499);
    assert_eq!(rig.connects, connects);
    rig.pass(1);

    assert_eq!(rig.connects, connects + 1);
}

#[test]
fn overload_is_waited_for() {
    spec!("C8", "P15");
    let mut rig = live_rig();
    let connects = rig.connects;

    rig.close(1013);
    rig.give(Input::Wake);
    assert_eq!(rig.connects, connects);
    rig.pass(1000);

    assert_eq!(rig.connects, connects + 1);
}

#[test]
fn an_expired_token_is_renewed_once() {
    spec!("C8", "P15");
    let mut rig = live_rig();

    rig.close(4401);
    assert_eq!(rig.token_requests, [false, true]);
    rig.open();
    rig.close(4401);

    assert_eq!(rig.token_requests, [false, true]);
    assert_eq!(rig.device.status().stop, Some(Stop::Unauthenticated));
    // Signing in goes on.
    rig.open();
    assert_eq!(rig.device.status().state, State::Connecting);
}

#[test]
fn a_renewal_that_worked_makes_the_next_one_possible() {
    spec!("P18");
    let mut rig = live_rig();
    for _ in 0..3 {
        rig.close(4401);
        rig.sent.clear();
        rig.open();
        FakeServer::new().serve(&mut rig);
    }

    assert_eq!(rig.device.status().state, State::Live);
}

#[test]
fn forbidden_stops_and_unsent_edits_stay_for_their_owner() {
    spec!("C8", "C11", "P15");
    let mut rig = live_rig();

    rig.close(4403);
    rig.edit(vec![insert("k", 1)]);
    rig.give(Input::Wake);

    assert_eq!(rig.pending_numbers(), [1]);
    assert_eq!(rig.stored.outbox.len(), 1);

    assert_eq!(rig.device.status().stop, Some(Stop::Forbidden));
    assert_eq!(rig.device.poll_timeout(), None);
}

#[test]
fn the_right_to_the_stream_is_renewed_in_band() {
    spec!("P3");
    let mut rig = Rig::new();
    rig.open();
    let mut greeting = welcome(2, ShapeState::Live, swain_core::MutationNumber(0));
    greeting.expires = Some(Millis(5_600_000));
    greeting.heartbeat = Millis(1_000_000);
    rig.frame(&greeting.to_text());
    rig.sent.clear();

    assert_eq!(rig.pass_to_timer(), "renew token");
    assert_eq!(rig.now, Millis(1_540_000));
    assert_eq!(rig.token_requests, [false, true]);
    rig.give(Input::Token(Some("second".into())));
    assert_eq!(rig.sent, [Up::Auth("second".into())]);
    let mut heartbeat = checkpoint("e1", 0, 0);
    heartbeat.now = Millis(5_540_000);
    rig.frame(&heartbeat.heartbeat(Some(Millis(6_140_000))));

    assert_eq!(rig.device.poll_timeout(), Some((Millis(2_080_000), "renew token")));
}

#[test]
fn a_pause_holds_until_it_is_lifted_and_edits_go_on() {
    let mut rig = live_rig();

    rig.give(Input::Pause);
    rig.give(Input::Wake);
    rig.edit(vec![insert("k", 1)]);
    assert_eq!((rig.closes, rig.connects), (1, 1));
    assert_eq!(rig.saved.len(), 1);
    rig.give(Input::Resume);

    assert_eq!(rig.connects, 2);
}

#[test]
fn nothing_can_be_promised_after_the_storage_failed() {
    let mut rig = live_rig();

    rig.give(Input::StorageFailed);
    rig.give(Input::Mutate { operations: vec![insert("k", 1)] });

    assert_eq!(rig.rejected.len(), 1);
    assert_eq!(rig.device.status().stop, Some(Stop::StorageFailed));
}

#[test]
fn the_hello_says_where_the_device_is() {
    spec!("P1");
    let mut rig = live_rig();
    rig.frame(&changes(4, 0, &[]));
    rig.crash();

    rig.open();

    let Some(Up::Hello(hello)) = rig.sent.pop() else { panic!("a hello is first") };
    assert_eq!(hello.cursor.as_deref(), Some("e1-4"));
    assert_eq!(hello.token.as_deref(), Some("token"));
    assert_eq!(hello.device.as_str(), "d1");
    assert_eq!(hello.shapes, [Shape::table("t"), Shape::table("u")]);
}
