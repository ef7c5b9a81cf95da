//! Mutations that are refused.

use swain_core::protocol::{MutationResult, Outcome, Unreadable};
use swain_core::{Code, Constraint, Key, MutationNumber, Name, Operation, Problem, Row, RowKey, Value};

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

/// A refusal, as every store says it.
struct Expected {
    what: &'static str,
    operations: Vec<Operation>,
    code: Code,
    /// Table, columns, rule.
    names: (&'static str, &'static [&'static str], &'static str),
    needs: Enforces,
}

/// The database has note n1 with a secret title and slug "s" of owner 1.
fn expected() -> Vec<Expected> {
    let row = Row::default;
    let note = |more: Row| vec![insert_with("n2", "B", more)];
    let owner = RowKey { table: "owners".into(), key: Key::of(1) };
    let (no_more, more) = (Enforces::NoMore, Enforces::UniqueAndForeignKeys);
    let case = |what, operations, code, names, needs| Expected { what, operations, code, names, needs };
    let title = ("notes", ["title"].as_slice(), "NOT NULL");
    let state = ("notes", ["state"].as_slice(), "known_state");
    let slug = ("notes", ["slug"].as_slice(), "UNIQUE");
    let parent = ("notes", ["owner"].as_slice(), "REFERENCES owners (id)");
    let set = |column, value: Value| vec![update("n1", row().with(column, value))];
    vec![
        case("insert of null", note(row().with("title", Value::Null)), Code::NotNull, title, no_more),
        case("update to null", set("title", Value::Null), Code::NotNull, title, no_more),
        case("insert against a check", note(row().with("state", "unknown")), Code::CheckFailed, state, no_more),
        case("update against a check", set("state", "unknown".into()), Code::CheckFailed, state, no_more),
        case("second row with a value", note(row().with("slug", "s")), Code::Duplicate, slug, more),
        case("insert without a parent", note(row().with("owner", 7)), Code::ForeignKey, parent, more),
        case("update away from the parent", set("owner", 7.into()), Code::ForeignKey, parent, more),
        case("delete of a parent", vec![Operation::Delete { row: owner, seen: None }], Code::ForeignKey, parent, more),
    ]
}

/// Code, table, columns and rule; and nothing of any row, also after it was stored.
pub async fn a_refusal_names_code_table_columns_and_rule<S: Store>(fixture: Fixture<S>) {
    let first = insert_with("n1", "secret title", Row::default().with("slug", "s").with("owner", 1));
    assert_eq!(fixture.decide("d", 1, vec![insert_owner(1, "secret owner"), first]).await.outcome, Outcome::Applied);
    let before = fixture.table("notes").await;
    let expected = expected()
        .into_iter()
        .filter(|case| case.needs == Enforces::NoMore || fixture.enforces == Enforces::UniqueAndForeignKeys);

    for (n, Expected { what, operations, code, names: (table, columns, rule), .. }) in (2..).zip(expected) {
        let result = fixture.decide("d", n, operations).await;

        assert_refused(&result, code);
        let problem = result.problem.clone().expect("a refusal has a problem");
        let columns = columns.iter().map(|column| Name::from(*column)).collect();
        let constraint = Constraint::new(&table.into(), columns, rule);
        assert_eq!(problem.constraint.as_deref(), Some(&constraint), "{what}: {problem}");
        assert!(!format!("{problem:?}").contains("secret"), "{what}: {problem:?}");
        let stored = fixture.store.results("d".into(), MutationNumber(n - 1)).await.expect("the ledger can be read");
        assert_eq!(stored, [result], "{what}");
    }
    assert_eq!(fixture.table("notes").await, before);
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

fn assert_refused(result: &MutationResult, code: Code) {
    assert_eq!(result.outcome, Outcome::Refused);
    assert_eq!(result.problem.as_ref().map(|problem| problem.code), Some(code));
}
