//! The ledger and the devices.

use swain_core::limits::LEDGER_RESULTS_MAX;
use swain_core::protocol::Outcome;
use swain_core::{MutationNumber, Pos, UserId};

use super::fixture::{Fixture, decided, insert, insert_with, signed_in, submission, update, with_role};
use crate::contract::{DeviceRow, Store};

/// Refusals count, other devices do not.
pub async fn acknowledged_is_what_was_decided_at_a_position<S: Store>(fixture: Fixture<S>) {
    let start = fixture.head().await;
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    fixture.decide("e", 1, vec![insert("n2", "B")]).await;
    fixture.decide("d", 2, vec![insert("n1", "taken")]).await;
    let acked = async |device: &str, at: u64| {
        fixture.store.acked(device.into(), Pos(at)).await.expect("the ledger can be read").0
    };

    assert_eq!(acked("d", start.0).await, 0);
    assert_eq!(acked("d", start.0 + 1).await, 1);
    assert_eq!(acked("d", start.0 + 2).await, 1);
    assert_eq!(acked("d", start.0 + 3).await, 2);
    assert_eq!(acked("e", start.0 + 3).await, 1);
    assert_eq!(acked("nobody", start.0 + 3).await, 0);
}

/// Those that the device may have missed.
pub async fn results_rise_behind_a_number<S: Store>(fixture: Fixture<S>) {
    let submissions = (1..=5).map(|n| submission("d", n, vec![insert(&format!("n{}", n % 4), "T")]));
    let answered: Vec<_> = fixture.submit(submissions.collect()).await.into_iter().map(decided).collect();

    let all = fixture.store.results("d".into(), MutationNumber(0)).await.expect("the ledger can be read");
    let behind = fixture.store.results("d".into(), MutationNumber(3)).await.expect("the ledger can be read");
    let none = fixture.store.results("nobody".into(), MutationNumber(0)).await.expect("the ledger can be read");

    assert_eq!(all, answered);
    assert_eq!(behind, answered[3..]);
    assert!(none.is_empty());
    assert_eq!(answered[4].outcome, Outcome::Refused);
}

/// Lost columns, code, sentence and place.
pub async fn results_keep_every_part<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    let title = swain_core::Row::default().with("title", "B");
    let loses = with_role("loser", submission("d", 2, vec![update("n1", title)]));
    let loses = decided(fixture.answer(loses).await);
    let unknown = swain_core::Row::default().with("state", "unknown");
    let refused = fixture.decide("d", 3, vec![insert_with("n2", "B", unknown)]).await;

    let stored = fixture.store.results("d".into(), MutationNumber(1)).await.expect("the ledger can be read");

    assert_eq!(stored, [loses, refused]);
}

/// A number that old was decided; that is all that is known of it.
pub async fn old_results_are_forgotten_but_not_their_decision<S: Store>(fixture: Fixture<S>) {
    let last = LEDGER_RESULTS_MAX + 2;
    let submissions = (1..=last).map(|n| submission("d", n, vec![insert("n1", "A")]));
    fixture.submit(submissions.collect()).await;
    let head = fixture.head().await;

    let kept = fixture.store.results("d".into(), MutationNumber(0)).await.expect("the ledger can be read");
    let forgotten = fixture.decide("d", 2, vec![insert("n9", "never applied")]).await;
    let remembered = fixture.decide("d", 3, vec![insert("n1", "A")]).await;

    assert_eq!(kept.len() as u64, LEDGER_RESULTS_MAX);
    assert_eq!(forgotten.outcome, Outcome::Applied);
    assert_eq!(remembered.outcome, Outcome::Refused);
    assert_eq!(fixture.head().await, head);
    assert_eq!(fixture.note("n9").await, None);
    let acked = fixture.store.acked("d".into(), Pos(head.0 - last + 1)).await;
    assert_eq!(acked.expect("the ledger can be read"), MutationNumber(1));
}

/// For ever, whether it was claimed or wrote first.
pub async fn a_device_belongs_to_who_claims_it_first<S: Store>(fixture: Fixture<S>) {
    let now = swain_core::Millis(5_000);
    let claim = async |device: &str, user: Option<&str>| {
        fixture.store.claim_device(device.into(), user.map(UserId::from), now).await.expect("a device can be claimed")
    };
    let of = |user: Option<&str>, last| DeviceRow { user: user.map(UserId::from), last: MutationNumber(last) };

    assert_eq!(fixture.store.device_row("d".into()).await.expect("a device can be read"), None);
    assert_eq!(claim("d", Some("u1")).await, of(Some("u1"), 0));
    assert_eq!(claim("d", Some("u2")).await, of(Some("u1"), 0));
    assert_eq!(claim("visitor", None).await, of(None, 0));
    assert_eq!(claim("visitor", Some("u1")).await, of(None, 0));
    decided(fixture.answer(signed_in("u1", submission("d", 1, vec![insert("n1", "A")]))).await);
    decided(fixture.answer(signed_in("u3", submission("writer", 1, vec![insert("n2", "A")]))).await);
    assert_eq!(claim("d", Some("u2")).await, of(Some("u1"), 1));
    assert_eq!(fixture.store.device_row("writer".into()).await.expect("a device can be read"), Some(of(Some("u3"), 1)));
}
