//! Mutations that are applied.

use std::collections::BTreeMap;

use swain_core::protocol::Outcome;
use swain_core::{ChangeKind, Key, Pos, Row, Tag, Who};

use super::fixture::{Fixture, decided, delete, insert, submission, update, with_role};
use crate::contract::Store;

/// The row is there, and the position holds it with who and when.
pub async fn an_applied_mutation_is_in_the_table_and_in_the_log<S: Store>(fixture: Fixture<S>) {
    let before = fixture.head().await;

    let result = fixture.decide("d", 1, vec![insert("n1", "A")]).await;

    assert_eq!((result.n.0, result.outcome), (1, Outcome::Applied));
    let note = fixture.note("n1").await.expect("the note is there");
    assert_eq!(note.value("title").as_text(), Some("A"));
    let log = fixture.log_after(before).await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].pos, before.next());
    assert_eq!(log[0].at.0, 2_001);
    assert_eq!(log[0].who.mutation().map(|(device, n)| (device.as_str(), n.0)), Some(("d", 1)));
    assert_eq!(log[0].changes[0].after.as_ref(), Some(&note));
    assert_eq!(log[0].changes[0].kind(), ChangeKind::Insert);
}

/// All or nothing, in one place of the log.
pub async fn a_mutation_of_several_operations_is_one_position<S: Store>(fixture: Fixture<S>) {
    let before = fixture.head().await;

    fixture.decide("d", 1, vec![insert("n1", "A"), insert("n2", "B"), insert("n3", "C")]).await;

    let log = fixture.log_after(before).await;
    assert_eq!(log.iter().map(|position| position.changes.len()).collect::<Vec<_>>(), [3]);
}

/// From the first before to the last after.
pub async fn several_changes_of_one_row_are_one_change<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    let before = fixture.head().await;

    let titles = ["B", "C"].map(|title| update("n1", Row::default().with("title", title)));
    fixture.decide("d", 2, titles.to_vec()).await;

    let log = fixture.log_after(before).await;
    assert_eq!(log[0].changes.len(), 1);
    let title = |row: &Option<Row>| row.as_ref().and_then(|row| row.value("title").as_text().map(String::from));
    assert_eq!(title(&log[0].changes[0].before).as_deref(), Some("A"));
    assert_eq!(title(&log[0].changes[0].after).as_deref(), Some("C"));
}

/// Nobody saw it.
pub async fn a_row_that_comes_and_goes_in_one_mutation_is_not_in_the_log<S: Store>(fixture: Fixture<S>) {
    let before = fixture.head().await;

    let result = fixture.decide("d", 1, vec![insert("n1", "A"), delete("n1")]).await;

    assert_eq!(result.outcome, Outcome::Applied);
    let log = fixture.log_after(before).await;
    assert_eq!(log.len(), 1, "the mutation has its position");
    assert!(log[0].changes.is_empty());
}

/// Answers come in the order of the submissions, and each device's numbers rise with the positions.
pub async fn devices_interleave_and_each_keeps_its_order<S: Store>(fixture: Fixture<S>) {
    let before = fixture.head().await;
    let order = [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("b", 2), ("a", 3)];
    let submissions = order.map(|(device, n)| submission(device, n, vec![insert(&format!("{device}{n}"), "T")]));

    let answers = fixture.submit(submissions.to_vec()).await;

    let numbers: Vec<_> = answers.into_iter().map(|answer| decided(answer).n.0).collect();
    assert_eq!(numbers, order.map(|(_, n)| n));
    let log = fixture.log_after(before).await;
    let logged: Vec<_> = log.iter().filter_map(|position| position.who.mutation()).collect();
    assert_eq!(logged.iter().map(|(device, n)| (device.as_str(), n.0)).collect::<Vec<_>>(), order);
}

/// The groups of a large submission keep its order.
pub async fn more_mutations_than_one_commit_holds_are_all_decided<S: Store>(fixture: Fixture<S>) {
    const COUNT: u64 = 600;
    let before = fixture.head().await;
    let submissions = (1..=COUNT).map(|n| submission("d", n, vec![insert(&format!("n{n}"), "T")]));

    let answers = fixture.submit(submissions.collect()).await;

    assert!(answers.into_iter().map(decided).map(|result| result.n.0).eq(1..=COUNT));
    assert_eq!(fixture.head().await, Pos(before.0 + COUNT));
}

/// No position is left out, and a tag tells that a position is what it was.
pub async fn positions_are_dense_and_tags_belong_to_them<S: Store>(fixture: Fixture<S>) {
    for n in 1..=20 {
        fixture.decide("d", n, vec![insert(&format!("n{n}"), "T")]).await;
    }

    let log = fixture.log_after(Pos(0)).await;
    assert!(log.iter().map(|position| position.pos.0).eq(1..=log.len() as u64));
    for position in &log {
        let tag = fixture.store.tag(position.pos).await.expect("a tag can be read");
        assert_eq!(tag, Some(position.tag));
    }
    let head = fixture.store.head().await.expect("the head can be read");
    assert_eq!((head.pos, head.tag), log.last().map(|position| (position.pos, position.tag)).unwrap_or_default());
    assert_eq!(fixture.store.tag(Pos(0)).await.expect("a tag can be read"), Some(Tag(0)));
    assert_eq!(fixture.store.tag(head.pos.next()).await.expect("a tag can be read"), None);
    let distinct: BTreeMap<Tag, Pos> = log.iter().map(|position| (position.tag, position.pos)).collect();
    assert_eq!(distinct.len(), log.len(), "tags are drawn for each position");
}

/// What was lost is named; it is a decision like any other.
pub async fn the_arbiter_is_told_what_a_strategy_decided<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;

    let loses = submission("d", 2, vec![update("n1", Row::default().with("title", "B"))]);
    let result = decided(fixture.answer(with_role("loser", loses)).await);

    assert_eq!((result.outcome, result.lost), (Outcome::Overruled, vec!["title".into()]));
    let log = fixture.log_after(Pos(0)).await;
    assert!(
        log.last().is_some_and(|position| position.changes.is_empty() && matches!(position.who, Who::Device { .. }))
    );
    assert!(fixture.table("notes").await.contains_key(&Key::of("n1")));
}
