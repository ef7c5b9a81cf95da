//! Mutations that are refused.

use swain_core::protocol::{MutationResult, Outcome, Unreadable};
use swain_core::{Code, MutationNumber, Operation, Problem, Row, Value};

use super::fixture::{
    Enforces, Fixture, decided, delete, insert, insert_owner, insert_with, submission, update, with_role,
};
use crate::contract::Store;

/// What came before and after it in the same commit stands.
pub async fn a_refusal_takes_a_position_and_undoes_only_itself<S: Store>(fixture: Fixture<S>) {
    let before = fixture.head().await;
    let submissions = vec![
        submission("d", 1, vec![insert("n1", "A")]),
        submission("d", 2, vec![insert("n2", "B"), insert("n1", "taken")]),
        submission("d", 3, vec![insert("n3", "C")]),
    ];

    let results: Vec<_> = fixture.submit(submissions).await.into_iter().map(decided).collect();

    let outcomes: Vec<_> = results.iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Refused, Outcome::Applied]);
    let notes = fixture.table("notes").await;
    assert_eq!(notes.values().filter_map(|row| row.value("title").as_text()).collect::<Vec<_>>(), ["A", "C"]);
    let log = fixture.log_after(before).await;
    assert_eq!(log.iter().map(|position| position.changes.len()).collect::<Vec<_>>(), [1, 0, 1]);
}

/// Also what was written before the arbiter said no, updates and deletes included.
pub async fn a_refusal_by_the_arbiter_undoes_what_it_wrote<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A"), insert("n2", "B")]).await;
    let before = fixture.table("notes").await;

    let all = vec![update("n1", Row::default().with("title", "X")), delete("n2"), insert("n3", "C")];
    let result = decided(fixture.answer(with_role("forbidden", submission("d", 2, all))).await);

    assert_refused(&result, Code::NotAllowed);
    assert_eq!(fixture.table("notes").await, before);
}

/// Its problem comes back, and the next number is free.
pub async fn an_unreadable_mutation_is_refused_and_takes_its_number<S: Store>(fixture: Fixture<S>) {
    let problem = Problem::new(Code::UnknownColumn, "there is no such column").at("push.mutations[0]");
    let mut unreadable = submission("d", 1, Vec::new());
    unreadable.mutation =
        Err(Unreadable { n: MutationNumber(1), content_hash: "0123456789abcdef".into(), problem: problem.clone() });

    let result = decided(fixture.answer(unreadable).await);

    assert_eq!((result.outcome, result.problem), (Outcome::Refused, Some(problem)));
    let next = fixture.decide("d", 2, vec![insert("n1", "A")]).await;
    assert_eq!(next.outcome, Outcome::Applied);
}

/// NOT NULL.
pub async fn a_column_without_a_value_is_refused<S: Store>(fixture: Fixture<S>) {
    let problem = refused(&fixture, 1, insert_with("n1", "A", Row::default().with("title", Value::Null))).await;

    assert_eq!(problem.code, Code::NotNull);
    assert!(problem.detail.contains("notes") && problem.detail.contains("title"), "{problem}");
    assert_eq!(fixture.note("n1").await, None);
}

/// CHECK, on insert and on update.
pub async fn a_check_is_refused_with_its_rule<S: Store>(fixture: Fixture<S>) {
    let unknown = || Row::default().with("state", "unknown");
    let problem = refused(&fixture, 1, insert_with("n1", "A", unknown())).await;
    assert_eq!(problem.code, Code::CheckFailed);
    assert!(problem.detail.contains("notes") && problem.detail.contains("known_state"), "{problem}");

    fixture.decide("d", 2, vec![insert("n2", "B")]).await;
    let problem = refused(&fixture, 3, update("n2", unknown())).await;
    assert_eq!(problem.code, Code::CheckFailed);
}

/// UNIQUE. The other row's other values are not named.
pub async fn a_second_row_with_a_unique_value_is_refused<S: Store>(fixture: Fixture<S>) {
    if fixture.enforces != Enforces::UniqueAndForeignKeys {
        return;
    }
    let slug = || Row::default().with("slug", "s");
    fixture.decide("d", 1, vec![insert_with("n1", "secret title", slug())]).await;

    let problem = refused(&fixture, 2, insert_with("n2", "B", slug())).await;

    assert_eq!(problem.code, Code::Duplicate);
    assert!(problem.detail.contains("slug") && !problem.detail.contains("secret"), "{problem}");
}

/// A deferred foreign key refuses one mutation, not the commit of all.
pub async fn a_missing_parent_is_refused<S: Store>(fixture: Fixture<S>) {
    if fixture.enforces != Enforces::UniqueAndForeignKeys {
        return;
    }
    let orphan = insert_with("n2", "B", Row::default().with("owner", 7));
    let submissions = vec![
        submission("d", 1, vec![insert("n1", "A")]),
        submission("d", 2, vec![orphan]),
        submission("d", 3, vec![insert("n3", "C")]),
    ];

    let results: Vec<_> = fixture.submit(submissions).await.into_iter().map(decided).collect();

    assert_refused(&results[1], Code::ForeignKey);
    assert_eq!(fixture.table("notes").await.len(), 2);
}

/// That is what deferred means.
pub async fn a_parent_may_come_after_its_child_in_one_mutation<S: Store>(fixture: Fixture<S>) {
    let child = insert_with("n1", "A", Row::default().with("owner", 7));

    let result = fixture.decide("d", 1, vec![child, insert_owner(7, "O")]).await;

    assert_eq!(result.outcome, Outcome::Applied);
}

async fn refused<S: Store>(fixture: &Fixture<S>, n: u64, operation: Operation) -> Problem {
    let result = fixture.decide("d", n, vec![operation]).await;
    assert_eq!(result.outcome, Outcome::Refused);
    result.problem.expect("a refusal has a problem")
}

fn assert_refused(result: &MutationResult, code: Code) {
    assert_eq!(result.outcome, Outcome::Refused);
    assert_eq!(result.problem.as_ref().map(|problem| problem.code), Some(code));
}
