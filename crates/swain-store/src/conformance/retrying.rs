//! Exactly once.

use swain_core::protocol::Outcome;
use swain_core::{Code, Pos, Row};

use super::fixture::{Fixture, decided, insert, insert_with, signed_in, submission, update};
use crate::commit::Answer;
use crate::contract::Store;

/// Nothing is done again, and no position is given.
pub async fn a_retry_gets_the_stored_result<S: Store>(fixture: Fixture<S>) {
    let first = fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    fixture.decide("e", 1, vec![update("n1", Row::default().with("title", "B"))]).await;
    let head = fixture.head().await;

    let again = fixture.decide("d", 1, vec![insert("n1", "A")]).await;

    assert_eq!(again, first);
    assert_eq!(fixture.head().await, head);
    assert_eq!(fixture.note("n1").await.expect("the note is there").value("title").as_text(), Some("B"));
}

/// The same within one commit.
pub async fn a_retry_in_the_same_submission_gets_the_stored_result<S: Store>(fixture: Fixture<S>) {
    let head = fixture.head().await;
    let twice = vec![submission("d", 1, vec![insert("n1", "A")]), submission("d", 1, vec![insert("n1", "A")])];

    let answers = fixture.submit(twice).await;

    assert_eq!(answers[0], answers[1]);
    assert_eq!(fixture.head().await, Pos(head.0 + 1));
}

/// A refusal is a decision too, even when the reason has gone.
pub async fn a_refusal_is_retried_with_the_same_answer<S: Store>(fixture: Fixture<S>) {
    let wrong = || vec![update("n1", Row::default().with("title", "B"))];
    let first = fixture.decide("d", 1, wrong()).await;
    fixture.decide("e", 1, vec![insert("n1", "A")]).await;

    let again = fixture.decide("d", 1, wrong()).await;

    assert_eq!(first.outcome, Outcome::Refused);
    assert_eq!(first.problem.as_ref().map(|problem| problem.code), Some(Code::RowGone));
    assert_eq!(again, first);
}

/// Neither a number too high nor zero.
pub async fn a_gap_is_not_attempted<S: Store>(fixture: Fixture<S>) {
    let head = fixture.head().await;
    for n in [0, 2] {
        let answer = fixture.answer(submission("d", n, vec![insert("n1", "A")])).await;
        assert_eq!(code_of(&answer), Some(Code::MutationGap));
    }
    assert_eq!(fixture.head().await, head);
    assert_eq!(fixture.note("n1").await, None);
}

/// A cloned device is noticed.
pub async fn other_content_under_the_same_number_is_a_mismatch<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;

    let answer = fixture.answer(submission("d", 1, vec![insert("n2", "B")])).await;

    assert_eq!(code_of(&answer), Some(Code::MutationMismatch));
    assert_eq!(fixture.note("n2").await, None);
}

/// Neither by another user nor by a visitor.
pub async fn a_device_of_another_user_is_not_yours<S: Store>(fixture: Fixture<S>) {
    let mine = signed_in("u1", submission("d", 1, vec![insert("n1", "A")]));
    decided(fixture.answer(mine).await);

    let theirs = submission("d", 2, vec![insert("n2", "B")]);
    for theirs in [signed_in("u2", theirs.clone()), theirs] {
        let answer = fixture.answer(theirs).await;
        assert_eq!(code_of(&answer), Some(Code::DeviceNotYours));
    }
    assert_eq!(fixture.note("n2").await, None);
}

/// The order within a device holds; other devices go on.
pub async fn what_follows_a_mutation_that_was_not_attempted_is_not_attempted<S: Store>(fixture: Fixture<S>) {
    let submissions = vec![
        submission("d", 2, vec![insert("n2", "too early")]),
        submission("d", 1, vec![insert("n1", "would be right, but is behind it")]),
        submission("e", 1, vec![insert_with("n3", "C", Row::default())]),
    ];

    let answers = fixture.submit(submissions).await;

    assert!(matches!(answers[0], Answer::NotAttempted(_)));
    assert!(matches!(answers[1], Answer::NotAttempted(_)));
    assert!(matches!(answers[2], Answer::Decided(_)));
    assert_eq!(fixture.table("notes").await.len(), 1);
}

fn code_of(answer: &Answer) -> Option<Code> {
    match answer {
        Answer::NotAttempted(problem) => Some(problem.code),
        Answer::Decided(_) => None,
    }
}
