//! The log: what it holds, and what of it is given.

use std::collections::BTreeMap;

use swain_core::{Change, ChangeKind, Key, Pos, Position, Row, RowKey, Value};

use super::fixture::{Fixture, delete, insert, insert_owner, insert_with, of_owner, submission, update, whole};
use crate::contract::{Interest, Store};

/// After every position the replayed rows are those that were in the table then.
pub async fn replaying_the_log_gives_the_table<S: Store>(fixture: Fixture<S>) {
    let steps = [
        vec![insert("a", "1"), insert("b", "1")],
        vec![update("a", Row::default().with("title", "2").with("score", 5))],
        vec![delete("b"), insert("c", "1")],
        vec![delete("a"), insert("a", "3")],
        vec![insert("a", "taken")],
        vec![update("c", Row::default().with("score", Value::Null))],
    ];
    let mut tables = BTreeMap::from([(fixture.head().await, fixture.table("notes").await)]);
    for (n, step) in (1..).zip(steps) {
        fixture.decide("d", n, step).await;
        tables.insert(fixture.head().await, fixture.table("notes").await);
    }

    let mut replayed = BTreeMap::new();
    for position in fixture.log_after(Pos(0)).await {
        replay(&mut replayed, &position);
        if let Some(table) = tables.get(&position.pos) {
            assert_eq!(&notes_of(&replayed), table, "at position {}", position.pos);
        }
    }
}

/// The mutation has its position, without changes.
pub async fn an_update_that_changes_nothing_is_not_logged<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    let before = fixture.head().await;

    fixture.decide("d", 2, vec![update("n1", Row::default().with("title", "A"))]).await;

    let log = fixture.log_after(before).await;
    assert_eq!(log.len(), 1);
    assert!(log[0].changes.is_empty());
}

/// Every column, also those that did not change.
pub async fn changes_carry_whole_rows_before_and_after<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert_with("n1", "A", Row::default().with("score", 1))]).await;
    let inserted = fixture.note("n1").await.expect("the note is there");
    let before = fixture.head().await;

    fixture.decide("d", 2, vec![update("n1", Row::default().with("score", 2))]).await;
    let updated = fixture.note("n1").await.expect("the note is there");
    fixture.decide("d", 3, vec![delete("n1")]).await;

    let changes: Vec<Change> =
        fixture.log_after(before).await.into_iter().flat_map(|position| position.changes).collect();
    assert_eq!(changes.iter().map(Change::kind).collect::<Vec<_>>(), [ChangeKind::Update, ChangeKind::Delete]);
    assert_eq!((&changes[0].before, &changes[0].after), (&Some(inserted), &Some(updated.clone())));
    assert_eq!((&changes[1].before, &changes[1].after), (&Some(updated), &None));
}

/// By scope values, and by table.
pub async fn a_scope_gives_only_its_rows<S: Store>(fixture: Fixture<S>) {
    let before = with_notes_of_two_owners(&fixture).await;

    assert_eq!(keys(&fixture, before, vec![of_owner(&[Value::Int(1)])]).await, ["a", "c"]);
    assert_eq!(keys(&fixture, before, vec![of_owner(&[Value::Int(1), Value::Int(2)])]).await, ["a", "b", "c"]);
    assert_eq!(keys(&fixture, before, vec![of_owner(&[Value::Int(3)])]).await, [""; 0]);
    assert_eq!(keys(&fixture, before, vec![whole("notes")]).await, ["a", "b", "c", "d"]);
    assert_eq!(keys(&fixture, before, vec![whole("owners")]).await, [""; 0]);
    assert_eq!(keys(&fixture, before, Vec::new()).await, [""; 0]);
}

/// Who watches the old scope has to learn that the row left.
pub async fn a_row_that_leaves_a_scope_is_in_both<S: Store>(fixture: Fixture<S>) {
    with_notes_of_two_owners(&fixture).await;
    let before = fixture.head().await;

    fixture.decide("d", 5, vec![update("a", Row::default().with("owner", 2))]).await;

    for owner in [1, 2] {
        assert_eq!(keys(&fixture, before, vec![of_owner(&[Value::Int(owner)])]).await, ["a"]);
    }
    let gone = fixture.head().await;
    fixture.decide("d", 6, vec![delete("b")]).await;
    assert_eq!(keys(&fixture, gone, vec![of_owner(&[Value::Int(2)])]).await, ["b"]);
}

/// Interests that overlap do not double anything.
pub async fn several_interests_give_each_change_once<S: Store>(fixture: Fixture<S>) {
    let before = with_notes_of_two_owners(&fixture).await;

    let interests = vec![of_owner(&[Value::Int(1)]), whole("notes"), of_owner(&[Value::Int(1), Value::Int(2)])];

    assert_eq!(keys(&fixture, before, interests).await, ["a", "b", "c", "d"]);
}

/// Rows of nobody.
pub async fn a_scope_of_null_is_a_scope<S: Store>(fixture: Fixture<S>) {
    let before = with_notes_of_two_owners(&fixture).await;

    assert_eq!(keys(&fixture, before, vec![of_owner(&[Value::Null])]).await, ["d"]);
}

/// An acknowledgement needs the position even if nothing in it concerns the device.
pub async fn positions_of_the_asking_device_are_included<S: Store>(fixture: Fixture<S>) {
    let before = fixture.head().await;
    fixture.decide("d", 1, vec![insert("a", "A")]).await;
    fixture.decide("e", 1, vec![insert("b", "B")]).await;
    fixture.decide("d", 2, vec![insert("a", "taken")]).await;

    let page = fixture.page(before, Some(vec![whole("owners")]), Some("d"), usize::MAX).await;

    let numbers: Vec<_> = page.positions.iter().filter_map(|position| position.who.mutation()).collect();
    assert_eq!(numbers.iter().map(|(device, n)| (device.as_str(), n.0)).collect::<Vec<_>>(), [("d", 1), ("d", 2)]);
    assert_eq!(page.through, fixture.head().await);
}

/// Whatever the size of the pages, together they are the log.
pub async fn pages_hold_whole_positions_and_lose_none<S: Store>(fixture: Fixture<S>) {
    with_notes_of_two_owners(&fixture).await;
    for n in 5..=20 {
        let operations = (0..n % 4).map(|index| insert(&format!("n{n}-{index}"), "T"));
        fixture.decide("d", n, operations.chain([insert_owner(100 + n.cast_signed(), "O")]).collect()).await;
    }
    let interests = [None, Some(vec![whole("notes")]), Some(vec![of_owner(&[Value::Int(1), Value::Null])])];
    for interests in interests {
        for device in [None, Some("d"), Some("e")] {
            let all = fixture.page(Pos(0), interests.clone(), device, usize::MAX).await.positions;
            for size in 1..=7 {
                assert_eq!(paged(&fixture, &interests, device, size).await, all, "pages of {size}");
            }
        }
    }
}

/// Otherwise nobody could go on.
pub async fn a_position_larger_than_the_page_is_given_whole<S: Store>(fixture: Fixture<S>) {
    let before = fixture.head().await;
    fixture.decide("d", 1, (0..10).map(|index| insert(&format!("n{index}"), "T")).collect()).await;
    fixture.decide("d", 2, vec![insert("m", "T")]).await;

    for interests in [None, Some(vec![whole("notes")])] {
        let page = fixture.page(before, interests, None, 3).await;

        assert_eq!(page.positions.len(), 1);
        assert_eq!(page.positions[0].changes.len(), 10);
        assert_eq!(page.through, before.next());
        assert_eq!(page.tag, page.positions[0].tag);
    }
}

/// A page never promises what is not there yet.
pub async fn a_page_ends_at_the_head<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    let head = fixture.store.head().await.expect("the head can be read");

    let page = fixture.store.log(head.pos, Pos(head.pos.0 + 10), None, None, 100).await.expect("the log can be read");

    assert!(page.positions.is_empty());
    assert_eq!((page.through, page.tag), (head.pos, head.tag));
}

/// Enough to decide between catching up and loading.
pub async fn relevant_changes_are_counted_up_to_a_limit<S: Store>(fixture: Fixture<S>) {
    let before = with_notes_of_two_owners(&fixture).await;
    let head = fixture.head().await;
    let counted = async |interest: Interest, max| {
        fixture.store.log_count(before, head, vec![interest], max).await.expect("the log can be read")
    };

    assert_eq!(counted(whole("notes"), 100).await, 4);
    assert_eq!(counted(whole("notes"), 3).await, 3);
    assert_eq!(counted(of_owner(&[Value::Int(1)]), 100).await, 2);
    assert_eq!(counted(whole("owners"), 100).await, 0);
}

/// Notes a and c of owner 1, b of owner 2, d of nobody; gives the head before them.
async fn with_notes_of_two_owners<S: Store>(fixture: &Fixture<S>) -> Pos {
    fixture.decide("owners", 1, vec![insert_owner(1, "One"), insert_owner(2, "Two")]).await;
    let before = fixture.head().await;
    let notes = [("a", Value::Int(1)), ("b", Value::Int(2)), ("c", Value::Int(1)), ("d", Value::Null)];
    let submissions = (1..)
        .zip(notes)
        .map(|(n, (id, owner))| submission("d", n, vec![insert_with(id, "T", Row::default().with("owner", owner))]));
    fixture.submit(submissions.collect()).await;
    before
}

async fn keys<S: Store>(fixture: &Fixture<S>, after: Pos, interests: Vec<Interest>) -> Vec<String> {
    let page = fixture.page(after, Some(interests), None, usize::MAX).await;
    let changes = page.positions.into_iter().flat_map(|position| position.changes);
    changes.filter_map(|change| change.row.key.0[0].as_text().map(String::from)).collect()
}

async fn paged<S: Store>(
    fixture: &Fixture<S>,
    interests: &Option<Vec<Interest>>,
    device: Option<&str>,
    size: usize,
) -> Vec<Position> {
    let (mut all, mut after) = (Vec::new(), Pos(0));
    let head = fixture.head().await;
    while after < head {
        let page = fixture.page(after, interests.clone(), device, size).await;
        assert!(page.through > after, "a page goes on");
        let changes: usize = page.positions.iter().map(|position| position.changes.len()).sum();
        assert!(changes <= size || page.positions.len() == 1, "a page is not larger than asked for");
        assert_eq!(fixture.store.tag(page.through).await.expect("a tag can be read"), Some(page.tag));
        after = page.through;
        all.extend(page.positions);
    }
    all
}

fn replay(rows: &mut BTreeMap<RowKey, Row>, position: &Position) {
    for change in &position.changes {
        assert_eq!(rows.get(&change.row), change.before.as_ref(), "before, at {}", position.pos);
        match &change.after {
            Some(after) => rows.insert(change.row.clone(), after.clone()),
            None => rows.remove(&change.row),
        };
    }
}

fn notes_of(rows: &BTreeMap<RowKey, Row>) -> BTreeMap<Key, Row> {
    let notes = rows.iter().filter(|(place, _)| &*place.table == "notes");
    notes.map(|(place, row)| (place.key.clone(), row.clone())).collect()
}
