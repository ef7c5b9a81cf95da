//! Lists of shapes.

use swain_core::Millis;

use super::fixture::Fixture;
use crate::contract::Store;
use crate::shape_lists::SHAPE_LIST_USE_MS;

const LISTS_MAX: usize = 4;

/// Twice is once.
pub async fn a_list_of_shapes_is_found_by_its_hash<S: Store>(fixture: Fixture<S>) {
    for now in [1, 2] {
        keep(&fixture, "h1", now).await;
    }

    assert_eq!(find(&fixture, "h1", 3).await, Some("list h1".to_owned()));
    assert_eq!(find(&fixture, "h2", 3).await, None);
}

/// A use counts, whichever it was.
pub async fn of_too_many_lists_the_longest_unused_goes<S: Store>(fixture: Fixture<S>) {
    let later = SHAPE_LIST_USE_MS * 2;
    for n in 0..LISTS_MAX {
        keep(&fixture, &format!("h{n}"), n as u64).await;
    }
    assert!(find(&fixture, "h0", later).await.is_some(), "as many as there may be");
    keep(&fixture, "h1", later).await;

    keep(&fixture, "one more", later).await;

    assert_eq!(find(&fixture, "h2", later).await, None);
    for hash in ["h0", "h1", "h3", "one more"] {
        assert!(find(&fixture, hash, later).await.is_some(), "{hash}");
    }
}

async fn keep<S: Store>(fixture: &Fixture<S>, hash: &str, now: u64) {
    let kept = fixture.store.keep_shapes(hash.into(), format!("list {hash}"), Millis(now), LISTS_MAX).await;
    kept.expect("a list can be kept");
}

async fn find<S: Store>(fixture: &Fixture<S>, hash: &str, now: u64) -> Option<String> {
    fixture.store.kept_shapes(hash.into(), Millis(now)).await.expect("a list can be read")
}
