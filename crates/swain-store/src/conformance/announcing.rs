//! What is durable is announced, and only that.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use swain_core::Pos;

use super::fixture::{Fixture, insert};
use crate::bus::Bus as _;
use crate::contract::Store;

/// Not before it.
pub async fn a_reader_is_woken_by_a_commit<S: Store>(fixture: Fixture<S>) {
    let head = fixture.head().await;
    let bus = fixture.store.bus().clone();
    let mut beyond = pin!(bus.beyond(head));
    let early = beyond.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(early, Poll::Pending, "nothing is beyond the head");

    fixture.decide("d", 1, vec![insert("n1", "A")]).await;

    assert_eq!(beyond.await, head.next());
}

/// Whoever reads after an answer reads what was answered.
pub async fn a_submission_is_committed_when_it_is_answered<S: Store>(fixture: Fixture<S>) {
    for n in 1..=30 {
        fixture.decide("d", n, vec![insert(&format!("n{n}"), "T")]).await;

        assert_eq!(fixture.head().await, Pos(n + 1));
        assert!(fixture.note(&format!("n{n}")).await.is_some());
    }
}
