//! The clean-up: what goes, and what must not.

use std::collections::BTreeMap;
use std::sync::Arc;

use swain_core::merge::LastWrite;
use swain_core::protocol::Outcome;
use swain_core::{Millis, MutationNumber, Operation, Pos, Row};

use super::fixture::{Fixture, decided, insert, insert_owner, insert_with, of_owner, submission, update, whole};
use super::writing::ask;
use crate::commit::Submission;
use crate::contract::{Keep, Retention, Store, Trimmed};
use crate::error::StoreErrorKind;

/// All positions of the suite's beginning are older than this.
const LATER: u64 = 10_000;

/// What is as old as the retention is below the floor; the floor itself is still a place to go on from.
pub async fn the_floor_is_the_newest_position_as_old_as_the_retention<S: Store>(fixture: Fixture<S>) {
    let first = write_at(&fixture, 1, LATER, insert("n1", "A")).await;
    let second = write_at(&fixture, 2, LATER + 1_000, insert("n2", "B")).await;
    let third = write_at(&fixture, 3, LATER + 1_500, insert("n3", "C")).await;

    let trimmed = trim(&fixture, LATER + 1_499, keep(1_000), 100).await;
    assert_eq!(trimmed.floor, first);
    let trimmed = trim(&fixture, LATER + 2_000, keep(1_000), 100).await;

    assert_eq!((trimmed.floor, trimmed.raised, trimmed.more), (second, 1, false));
    let head = fixture.store.head().await.expect("the head can be read");
    assert_eq!((head.floor, head.pos), (second, third));
    assert!(fixture.store.tag(second).await.expect("a tag can be read").is_some(), "the floor has its tag");
    let behind = fixture.log_after(second).await;
    assert_eq!(behind.iter().map(|position| position.pos).collect::<Vec<_>>(), [third]);
}

/// A log with holes is never given.
pub async fn behind_a_position_below_the_floor_nothing_is_read<S: Store>(fixture: Fixture<S>) {
    let first = write_at(&fixture, 1, LATER, insert("n1", "A")).await;
    let head = write_at(&fixture, 2, LATER, insert("n2", "B")).await;
    trim(&fixture, LATER + 1_000, keep(1_000), 100).await;

    for interests in [None, Some(vec![whole("notes")])] {
        let page = fixture.store.log(first, head, interests, None, 100).await;
        assert_eq!(page.map_err(|error| error.kind()).err(), Some(StoreErrorKind::BelowFloor));
    }
    let page = fixture.store.log(head, head, None, None, 100).await;
    assert!(page.expect("the floor is a place to read from").positions.is_empty());
}

/// Each touches about as many rows as it may, and together they come to what one large step does.
pub async fn small_steps_come_to_the_same<S: Store>(fixture: Fixture<S>) {
    with_owners(&fixture).await;
    for n in 1..=40_u64 {
        write_at(
            &fixture,
            n,
            LATER + n,
            insert_with(&format!("n{n}"), "T", Row::default().with("owner", (n % 3).cast_signed())),
        )
        .await;
    }
    let head = write_at(&fixture, 41, LATER + 900, insert("last", "T")).await;

    let mut steps = 0;
    let mut changes = 0;
    loop {
        let trimmed = trim(&fixture, LATER + 1_000 + 40, keep(1_000), 3).await;
        assert!(trimmed.changes <= 3 && trimmed.raised <= 3, "{trimmed:?}");
        steps += 1;
        changes += trimmed.changes;
        if !trimmed.more {
            break;
        }
        assert!(steps < 1_000, "the clean-up comes to an end");
    }

    // The row of the schema, those of the owners, and those of the notes.
    assert_eq!(changes, 44);
    assert!(steps > 13, "{steps} steps are not small");
    let floor = fixture.store.head().await.expect("the head can be read").floor;
    assert_eq!(floor, Pos(head.0 - 1));
    let again = trim(&fixture, LATER + 1_000 + 40, keep(1_000), 100).await;
    assert_eq!(again, Trimmed { floor, ..Trimmed::default() }, "nothing is left to do");
    assert_eq!(fixture.log_after(floor).await.len(), 1);
    assert_eq!(fixture.table("notes").await.len(), 41, "the table is not the log");
}

/// By table and by scope, as before.
pub async fn the_log_above_the_floor_is_untouched<S: Store>(fixture: Fixture<S>) {
    with_owners(&fixture).await;
    for n in 1..=6_u64 {
        write_at(
            &fixture,
            n,
            LATER,
            insert_with(&format!("n{n}"), "T", Row::default().with("owner", (n % 3).cast_signed())),
        )
        .await;
    }
    let floor = fixture.head().await;
    for n in 7..=12_u64 {
        let set = Row::default().with("owner", (n % 3).cast_signed());
        write_at(&fixture, n, LATER + 500, update(&format!("n{}", n - 6), set)).await;
    }
    let interests = [None, Some(vec![whole("notes")]), Some(vec![of_owner(&[1.into()])])];
    let read = async || {
        let mut pages = Vec::new();
        for interests in interests.clone() {
            pages.push(fixture.page(floor, interests, Some("d"), usize::MAX).await);
        }
        pages
    };
    let before = read().await;

    trim(&fixture, LATER + 1_000, keep(1_000), 100).await;

    assert_eq!(fixture.store.head().await.expect("the head can be read").floor, floor);
    assert_eq!(read().await, before);
}

/// Some clock was wrong once: what comes behind it tells the time.
pub async fn a_time_in_the_future_does_not_hold_the_floor<S: Store>(fixture: Fixture<S>) {
    write_at(&fixture, 1, 1_000_000_000, insert("n1", "A")).await;
    let head = write_at(&fixture, 2, LATER, insert("n2", "B")).await;

    let trimmed = trim(&fixture, LATER + 1_000, keep(1_000), 100).await;

    assert_eq!(trimmed.floor, head);
}

/// The floor moves on regardless.
pub async fn a_table_keeps_its_history_as_long_as_it_says<S: Store>(fixture: Fixture<S>) {
    write_at(&fixture, 1, LATER, insert("n1", "A")).await;
    write_at(&fixture, 2, LATER + 1, insert_owner(1, "O")).await;
    let head = write_at(&fixture, 3, LATER + 2, insert("n2", "B")).await;
    let history = |keep| Retention { log: Millis(1_000), history: BTreeMap::from([("notes".into(), keep)]) };
    let mutation = Some(("d".into(), MutationNumber(1)));
    let written = Some(LastWrite { mutation, ..LastWrite::unknown(Millis(LATER)) });

    let trimmed = trim(&fixture, LATER + 2_000, history(Keep::Forever), 100).await;
    // The row of the schema and the owner.
    assert_eq!((trimmed.floor, trimmed.changes), (head, 2));
    assert_eq!(ask(&fixture, Pos(0)).await.title, written);
    let trimmed = trim(&fixture, LATER + 4_999, history(Keep::For(Millis(5_000))), 100).await;
    assert_eq!(trimmed.changes, 0);
    assert_eq!(ask(&fixture, Pos(0)).await.title, written);
    let trimmed = trim(&fixture, LATER + 5_001, history(Keep::For(Millis(5_000))), 100).await;
    assert_eq!(trimmed.changes, 1);
    assert_ne!(ask(&fixture, Pos(0)).await.title, written);
}

/// Who wrote a column last is not known any more; it was at the floor at the latest.
pub async fn a_last_write_below_the_floor_is_at_the_floor<S: Store>(fixture: Fixture<S>) {
    let first = write_at(&fixture, 1, LATER, insert("n1", "A")).await;
    let floor = write_at(&fixture, 2, LATER + 7, insert("n2", "B")).await;
    let above = write_at(&fixture, 3, LATER + 900, insert("n3", "C")).await;
    assert_eq!(ask(&fixture, first).await.time, Some(Millis(LATER)));
    write_at(&fixture, 4, LATER + 950, update("n1", Row::default().with("score", 1))).await;

    trim(&fixture, LATER + 1_007, keep(1_000), 100).await;

    let seen = ask(&fixture, first).await;
    assert_eq!(seen.time, None, "a time below the floor is unknown");
    assert_eq!(seen.title, Some(LastWrite::unknown(Millis(LATER + 7))));
    let score = seen.score.expect("it was written above the floor");
    assert_eq!((score.at, score.mutation), (Millis(LATER + 950), Some(("d".into(), MutationNumber(4)))));
    assert_eq!(ask(&fixture, floor).await.time, Some(Millis(LATER + 7)));
    assert_eq!(ask(&fixture, above).await.time, Some(Millis(LATER + 900)));
}

/// A device that is still seen loses nothing of its ledger.
pub async fn results_of_a_living_device_survive_the_floor<S: Store>(fixture: Fixture<S>) {
    let first = refused_and_applied(&fixture, "d", LATER).await;
    fixture.store.claim_device("d".into(), None, Millis(LATER + LATER * 1_000)).await.expect("a device can be claimed");
    let results = fixture.store.results("d".into(), MutationNumber(0)).await.expect("the ledger can be read");

    trim(&fixture, LATER + LATER * 1_000, keep(LATER), 100).await;

    let after = fixture.store.results("d".into(), MutationNumber(0)).await.expect("the ledger can be read");
    assert_eq!(after, results);
    assert_again(&fixture, "d", first).await;
    let mut other = at(LATER, submission("d", 1, vec![insert("other", "content")]));
    other.now = Millis(LATER * 2_000);
    assert!(matches!(fixture.answer(other).await, crate::Answer::NotAttempted(_)), "its content is remembered");
}

/// It comes back after years and sends again what it never heard of: nothing is applied twice, no refusal is taken back.
pub async fn a_retired_device_keeps_its_number_and_its_refusals<S: Store>(fixture: Fixture<S>) {
    let first = refused_and_applied(&fixture, "d", LATER).await;
    write_by(&fixture, "e", 1, LATER + 900, insert("newer", "A")).await;

    let trimmed = trim(&fixture, LATER + 1_500, keep(1_000), 100).await;

    assert_eq!(trimmed.devices, 1);
    let device = fixture.store.device_row("d".into()).await.expect("a device can be read");
    assert_eq!(device.map(|device| device.last), Some(MutationNumber(4)));
    let results = fixture.store.results("d".into(), MutationNumber(0)).await.expect("the ledger can be read");
    let outcomes: Vec<_> = results.iter().map(|result| (result.n.0, result.outcome)).collect();
    let (applied, refused) = (Outcome::Applied, Outcome::Refused);
    assert_eq!(outcomes, [(1, applied), (2, refused), (3, applied), (4, applied)]);
    assert!(results[1].problem.is_some(), "the refusal has its reason");
    assert_again(&fixture, "d", first).await;
    let next = decided(fixture.answer(at(LATER + 1_600, submission("d", 5, vec![insert("n5", "next")]))).await);
    assert_eq!(next.outcome, Outcome::Applied);
}

/// A visitor who never wrote is forgotten as a whole; one who was seen lately is not.
pub async fn a_device_that_never_wrote_is_forgotten<S: Store>(fixture: Fixture<S>) {
    let claim = async |device: &str, now| {
        fixture
            .store
            .claim_device(device.into(), Some("u".into()), Millis(now))
            .await
            .expect("a device can be claimed");
    };
    claim("reader", LATER).await;
    claim("faithful", LATER).await;
    claim("faithful", LATER + 100_000_000).await;

    let trimmed = trim(&fixture, LATER + 100_000_500, keep(1_000), 100).await;

    assert_eq!(trimmed.devices, 1);
    assert_eq!(fixture.store.device_row("reader".into()).await.expect("a device can be read"), None);
    assert!(fixture.store.device_row("faithful".into()).await.expect("a device can be read").is_some());
}

/// Also when positions below the floor are gone here and there.
pub async fn acknowledged_is_known_from_the_floor_on<S: Store>(fixture: Fixture<S>) {
    refused_and_applied(&fixture, "d", LATER).await;
    let floor = write_by(&fixture, "e", 1, LATER + 10, insert("e1", "A")).await;
    let own = decided(fixture.answer(at(LATER + 900, submission("d", 5, vec![insert("n5", "E")]))).await);
    assert_eq!(own.outcome, Outcome::Applied);
    let head = fixture.head().await;

    for retired in [1_010, 50_000_000] {
        trim(&fixture, LATER + retired, keep(1_000), 100).await;
        let acked = async |at| fixture.store.acked("d".into(), at).await.expect("the ledger can be read").0;
        if retired == 1_010 {
            assert_eq!(fixture.store.head().await.expect("the head can be read").floor, floor);
            assert_eq!(acked(floor).await, 4);
        }
        assert_eq!(acked(head).await, 5);
    }
}

/// Owners 0 to 2.
async fn with_owners<S: Store>(fixture: &Fixture<S>) {
    let owners = (0..3).map(|id| insert_owner(id, "O")).collect();
    let result = fixture.decide("owners", 1, owners).await;
    assert_eq!(result.outcome, Outcome::Applied);
}

/// Mutations of d: applied, refused, applied, applied; gives the first.
async fn refused_and_applied<S: Store>(fixture: &Fixture<S>, device: &str, now: u64) -> Submission {
    let submissions = [
        vec![insert("n1", "A")],
        vec![insert("n1", "taken")],
        vec![update("n1", Row::default().with("title", "B"))],
        vec![update("n1", Row::default().with("title", "C"))],
    ];
    let submissions = (1..).zip(submissions).map(|(n, operations)| at(now, submission(device, n, operations)));
    let submissions: Vec<_> = submissions.collect();
    let first = submissions[0].clone();
    fixture.submit(submissions).await.into_iter().for_each(|answer| drop(decided(answer)));
    first
}

/// The mutation comes once more and changes nothing.
async fn assert_again<S: Store>(fixture: &Fixture<S>, device: &str, first: Submission) {
    let (notes, head) = (fixture.table("notes").await, fixture.head().await);
    let again = decided(fixture.answer(first).await);
    assert_eq!((again.n.0, again.outcome), (1, Outcome::Applied));
    let refused = decided(fixture.answer(submission(device, 2, vec![insert("n1", "taken")])).await);
    assert_eq!(refused.outcome, Outcome::Refused);
    assert_eq!((fixture.table("notes").await, fixture.head().await), (notes, head));
}

/// One operation of device d at a time; gives its position.
async fn write_at<S: Store>(fixture: &Fixture<S>, n: u64, now: u64, operation: Operation) -> Pos {
    write_by(fixture, "d", n, now, operation).await
}

async fn write_by<S: Store>(fixture: &Fixture<S>, device: &str, n: u64, now: u64, operation: Operation) -> Pos {
    let result = decided(fixture.answer(at(now, submission(device, n, vec![operation]))).await);
    assert_eq!(result.outcome, Outcome::Applied);
    fixture.head().await
}

fn at(now: u64, mut submission: Submission) -> Submission {
    submission.now = Millis(now);
    submission
}

fn keep(log: u64) -> Retention {
    Retention { log: Millis(log), history: BTreeMap::new() }
}

async fn trim<S: Store>(fixture: &Fixture<S>, now: u64, retention: Retention, rows_max: usize) -> Trimmed {
    fixture.store.trim(Millis(now), Arc::new(retention), rows_max).await.expect("the store cleans up")
}
