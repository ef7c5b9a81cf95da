//! What happened to one row.

use swain_core::{Pos, Position, Row, Value, Who};

use super::fixture::{Fixture, delete, insert, place, update};
use crate::contract::Store;

/// Newest first, page by page, this row's changes and nobody else's.
pub async fn a_rows_history_is_read_backwards_in_pages<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A"), insert("other", "x")]).await;
    for (n, title) in [(2, "B"), (3, "C"), (4, "D")] {
        let operations = vec![
            update("n1", Row::default().with("title", format!("{title} at first").as_str())),
            update("other", Row::default().with("title", title)),
            update("n1", Row::default().with("title", title)),
        ];
        fixture.decide("d", n, operations).await;
    }
    fixture.decide("d", 5, vec![delete("n1")]).await;
    fixture.decide("d", 6, vec![insert("n1", "E")]).await;

    for size in 1..=7 {
        let mut found: Vec<Position> = Vec::new();
        loop {
            let before = found.last().map(|position| position.pos);
            let page = history(&fixture, "n1", before, size).await;
            assert!(page.len() <= size);
            found.extend(page.iter().cloned());
            if page.len() < size {
                break;
            }
        }
        let steps: Vec<_> = found.iter().map(step).collect();
        let expected = [("", "E"), ("D", ""), ("C", "D"), ("B", "C"), ("A", "B"), ("", "A")];
        assert_eq!(steps, expected.map(|(a, b)| (a.to_owned(), b.to_owned())), "in pages of {size}");
        assert!(found.windows(2).all(|pair| pair[0].pos > pair[1].pos));
        let by = |position: &Position| matches!(&position.who, Who::Device { device, .. } if device.as_str() == "d");
        assert!(found.iter().all(by));
    }
}

/// A position at which the row was not changed is a place in its history all the same.
pub async fn a_history_begins_below_any_position<S: Store>(fixture: Fixture<S>) {
    fixture.decide("d", 1, vec![insert("n1", "A")]).await;
    fixture.decide("d", 2, vec![insert("other", "x")]).await;
    fixture.decide("d", 3, vec![update("n1", Row::default().with("title", "B"))]).await;
    let all = history(&fixture, "n1", None, 9).await;

    let between = Pos(all[0].pos.0 - 1);
    assert_eq!(history(&fixture, "n1", Some(between), 9).await, all[1..]);
    assert_eq!(history(&fixture, "n1", Some(all[1].pos), 9).await, []);
    assert_eq!(history(&fixture, "nobody", None, 9).await, []);
}

async fn history<S: Store>(fixture: &Fixture<S>, id: &str, before: Option<Pos>, max: usize) -> Vec<Position> {
    let row = place("notes", id);
    fixture.store.history(row.table, row.key, before, max).await.expect("a history can be read")
}

/// The title before and after.
fn step(position: &Position) -> (String, String) {
    assert_eq!(position.changes.len(), 1, "one change of one row");
    let title = |row: &Option<Row>| {
        let value = row.as_ref().map_or(Value::Null, |row| row.value("title").clone());
        value.as_text().unwrap_or_default().to_owned()
    };
    (title(&position.changes[0].before), title(&position.changes[0].after))
}
