//! What the arbiter's transaction does: values, reads of its own writes, the log on a conflict.

use std::sync::{Arc, Mutex, PoisonError};

use swain_core::merge::LastWrite;
use swain_core::protocol::Outcome;
use swain_core::{Key, Millis, Mutation, MutationNumber, Pos, Row, Value};

use super::fixture::{Fixture, decided, insert, insert_with, submission, update};
use super::tables::schema;
use crate::commit::{Arbiter, Submission, Verdict};
use crate::contract::{Store, Transaction};
use crate::error::WriteError;

/// Exactly, in the table and in the log.
pub async fn values_of_every_type_come_back_as_they_went<S: Store>(fixture: Fixture<S>) {
    let rows = [
        ("score", Value::Int(0)),
        ("score", Value::Int(-9_007_199_254_740_991)),
        ("score", Value::text("9223372036854775807")),
        ("score", Value::text("-9223372036854775808")),
        ("ratio", Value::Float(0.1)),
        ("ratio", Value::Int(3)),
        ("ratio", Value::Float(1e300)),
        ("ratio", Value::text("-Infinity")),
        ("done", Value::Bool(true)),
        ("done", Value::Bool(false)),
        ("photo", Value::text("AP8=")),
        ("photo", Value::text("")),
        ("due", Value::text("2024-02-29")),
        ("slug", Value::text("ü € 😀 \" \\ \n")),
        ("slug", Value::text("123")),
        ("slug", Value::Null),
    ];
    for (n, (column, value)) in (1..).zip(rows) {
        let before = fixture.head().await;
        let id = format!("n{n}");
        let result =
            fixture.decide("d", n, vec![insert_with(&id, "T", Row::default().with(column, value.clone()))]).await;

        assert_eq!(result.outcome, Outcome::Applied, "{column} {value:?}");
        let note = fixture.note(&id).await.expect("the note is there");
        assert_eq!(note.value(column), &value, "{column}");
        assert_eq!(fixture.log_after(before).await[0].changes[0].after.as_ref(), Some(&note));
    }
}

/// Whatever JSON it is.
pub async fn json_comes_back_in_canonical_form<S: Store>(fixture: Fixture<S>) {
    let texts =
        ["[]", "{\"b\":1,\"a\":[true,null,\"5\"]}", "5", "1.5", "\"5\"", "\"text\"", "true", "{\"€\":\"\\u0007\"}"];
    for (n, text) in (1..).zip(texts) {
        let value = swain_core::strict_json::parse(text).expect("this is JSON");
        let id = format!("n{n}");

        fixture.decide("d", n, vec![insert_with(&id, "T", Row::default().with("tags", value.clone()))]).await;

        let note = fixture.note(&id).await.expect("the note is there");
        assert_eq!(note.value("tags"), &value, "{text}");
    }
}

/// Within one mutation.
pub async fn a_transaction_reads_what_it_wrote<S: Store>(fixture: Fixture<S>) {
    let operations = vec![insert("n1", "A"), update("n1", Row::default().with("title", "B")), insert("n2", "C")];

    let result = fixture.decide("d", 1, operations).await;

    assert_eq!(result.outcome, Outcome::Applied);
    assert_eq!(fixture.note("n1").await.expect("the note is there").value("title").as_text(), Some("B"));
}

/// Also when it is in the same commit; other columns' changes do not count.
pub async fn the_last_write_of_a_column_is_known<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    fixture.decide("e", 1, vec![update("n1", Row::default().with("title", "B"))]).await;
    fixture.decide("d", 2, vec![update("n1", Row::default().with("score", 1))]).await;

    let seen = ask(&fixture, Pos(0)).await;

    let title = seen.title.expect("the title was written");
    assert_eq!(title.mutation, Some(("e".into(), MutationNumber(1))));
    assert_eq!(title.at, Millis(2_001));
    let score = seen.score.expect("the score was written");
    assert_eq!((score.mutation, score.at), (Some(("d".into(), MutationNumber(2))), Millis(2_002)));
    assert_eq!(seen.ratio, None, "nobody wrote the ratio");
}

/// For the clamp of edit times.
pub async fn the_time_of_a_position_is_known<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 7 - 6, vec![insert("n1", "A")]).await;
    let head = fixture.head().await;

    assert_eq!(ask(&fixture, head).await.time, Some(Millis(2_001)));
    assert_eq!(ask(&fixture, Pos(head.0 + 1_000)).await.time, None);
}

#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) title: Option<LastWrite>,
    pub(super) score: Option<LastWrite>,
    pub(super) ratio: Option<LastWrite>,
    pub(super) time: Option<Millis>,
}

/// An arbiter that only looks: at note n1 and at the time of a position.
struct Look {
    at: Pos,
    seen: Mutex<Seen>,
}

impl Arbiter for Look {
    async fn apply<T: Transaction>(&self, tx: &mut T, _: &Submission, _: &Mutation) -> Result<Verdict, WriteError> {
        let schema = schema();
        let (table, key) = (&schema.tables["notes"], Key::of("n1"));
        let seen = Seen {
            title: tx.last_write(table, &key, &"title".into()).await?,
            score: tx.last_write(table, &key, &"score".into()).await?,
            ratio: tx.last_write(table, &key, &"ratio".into()).await?,
            time: tx.time_of(self.at).await?,
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(Verdict { lost: Vec::new(), won_any: true, ..Verdict::default() })
    }
}

/// Each question is a mutation of a device of its own.
pub(super) async fn ask<S: Store>(fixture: &Fixture<S>, at: Pos) -> Seen {
    let look = Arc::new(Look { at, seen: Mutex::default() });
    let device = format!("looker at {at} from {}", fixture.head().await);
    let answers = fixture.store.submit(Arc::clone(&look), vec![submission(&device, 1, Vec::new())]).await;
    answers.into_iter().for_each(|answer| drop(decided(answer)));
    let seen = look.seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.clone()
}
