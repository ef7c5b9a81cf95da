//! The table of the inbox, which a store makes itself (spec S19).

use std::sync::Arc;

use swain_core::inbox;
use swain_core::{Key, Millis, Mutation, Name, Pos, Problem, Row, Schema, Value};

use super::fixture::{Fixture, decided, insert, submission, with_role};
use super::tables::schema;
use crate::commit::{Arbiter, Submission, Verdict};
use crate::contract::{Store, Transaction};
use crate::error::WriteError;

/// Notes every mutation in the inbox: one that is applied while it is, and one that is refused behind it.
struct Noting {
    schema: Schema,
}

/// Values of every kind in the columns that have them.
fn item(mutation: &Mutation, kind: &str) -> Row {
    let value = swain_core::strict_json::parse(r#"{"text":"ü\"x\"","list":[1,2.5,null,"9007199254740993"]}"#);
    Row::default()
        .with("id", format!("{kind}-{}", mutation.n).as_str())
        .with("item", "i")
        .with("kind", kind)
        .with("state", inbox::OPEN)
        .with("opened_at", 7)
        .with("seat_place", "here")
        .with("mine", value.expect("it is JSON"))
        .with("theirs", Value::text("only text"))
        .with("seat_bool_0", true)
        .with("seat_int_1", Value::int64(i64::MAX))
}

impl Arbiter for Noting {
    async fn apply<T: Transaction>(
        &self,
        tx: &mut T,
        submission: &Submission,
        mutation: &Mutation,
    ) -> Result<Verdict, WriteError> {
        let table = &self.schema.tables[inbox::TABLE];
        tx.insert(table, &item(mutation, inbox::CONFLICT)).await?;
        let found = tx.find(table, &Row::default().with("seat_place", "here").with("state", inbox::OPEN)).await?;
        assert!(found.is_some(), "a row is found by what it is about");
        match submission.auth.role.as_deref() {
            Some("forbidden") => Err(Problem::new(swain_core::Code::NotAllowed, "this role may not write").into()),
            _ => Ok(Verdict { won_any: true, ..Verdict::default() }),
        }
    }

    async fn note_refusal<T: Transaction>(
        &self,
        tx: &mut T,
        _: &Submission,
        mutation: &Mutation,
        _: &Problem,
    ) -> Result<(), WriteError> {
        tx.insert(&self.schema.tables[inbox::TABLE], &item(mutation, inbox::REFUSAL)).await
    }
}

async fn with_inbox<S: Store>(fixture: &Fixture<S>) -> Arc<Noting> {
    let mut wanted = schema();
    wanted.tables.insert(inbox::TABLE.into(), inbox::table());
    let schema = fixture.store.adopt(wanted, Millis(1_500)).await.expect("the store makes the inbox");
    Arc::new(Noting { schema })
}

/// In the position of the mutation, or of its refusal, and with values as they went.
pub async fn a_row_of_the_inbox_is_logged_with_what_it_is_about<S: Store>(fixture: Fixture<S>) {
    let noting = with_inbox(&fixture).await;
    let head = fixture.head().await;
    let forbidden = with_role("forbidden", submission("d", 2, vec![insert("n2", "B")]));
    let submissions = vec![submission("d", 1, vec![insert("n1", "A")]), forbidden];

    let answers = fixture.store.submit(noting, submissions).await;

    assert_eq!(
        answers.into_iter().map(|answer| decided(answer).outcome.as_str()).collect::<Vec<_>>(),
        ["applied", "refused"]
    );
    let rows = fixture.table_of(inbox::TABLE, &inbox::table()).await;
    let ids: Vec<&Key> = rows.keys().collect();
    assert_eq!(
        ids,
        [&Key::of("conflict-1"), &Key::of("refusal-2")],
        "what a refusal wrote is gone, what notes it is there"
    );
    let log = fixture.log_after(head).await;
    assert_eq!(log.len(), 2);
    for (position, row) in log.iter().zip(rows.values()) {
        assert_eq!(position.changes.len(), 1);
        assert_eq!(position.changes[0].after.as_ref(), Some(row), "the log and the table say the same");
        assert_eq!(row.value("theirs").as_text(), Some("only text"));
        assert_eq!(row.value("mine").canonical(), r#"{"list":[1,2.5,null,"9007199254740993"],"text":"ü\"x\""}"#);
        assert_eq!((row.value("seat_bool_0"), row.value("merged")), (&Value::Bool(true), &Value::Null));
    }
}

/// It is asked for by its name alone, and adopting it again changes nothing.
pub async fn the_inbox_is_no_table_of_the_application<S: Store>(fixture: Fixture<S>) {
    with_inbox(&fixture).await;
    let head = fixture.head().await;
    with_inbox(&fixture).await;
    assert_eq!(fixture.head().await, head, "the same again is nothing new");

    let known = fixture.store.introspect(None).await.expect("it can be asked");

    assert!(!known.tables.contains_key(inbox::TABLE));
    let named = fixture.store.introspect(Some(vec![Name::from(inbox::TABLE)])).await.expect("by its name it is there");
    let (found, made) = (&named.tables[inbox::TABLE], inbox::table());
    let kinds = |table: &swain_core::Table| -> Vec<_> {
        table.columns.iter().map(|(name, column)| (name.clone(), column.kind)).collect()
    };
    assert_eq!((kinds(found), &found.key), (kinds(&made), &made.key));
    assert!(fixture.log_after(Pos(0)).await.iter().all(|position| !position.changes.is_empty()));
}
