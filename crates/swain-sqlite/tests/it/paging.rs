//! Tables whose keys SQLite keeps in another storage class than their column says.

use std::collections::BTreeSet;

use swain_core::Key;
use swain_core::rule::Expression;
use swain_store::{Store as _, ready};
use swain_testkit::spec;

use crate::bed::Bed;

/// What a load gives, chunk by chunk; stops when it goes on for ever.
fn load_all(bed: &Bed, rows_max: usize) -> Vec<String> {
    let (mut ids, mut after): (Vec<String>, Option<Key>) = (Vec::new(), None);
    for _ in 0..100 {
        let chunk = ready(bed.store.load("t".into(), Expression::Constant(true), after, rows_max)).unwrap();
        ids.extend(chunk.rows.iter().map(|row| row.value("id").canonical()));
        after = chunk.more;
        if after.is_none() {
            return ids;
        }
    }
    panic!("the load does not end");
}

#[test]
fn blobs_in_a_text_key_are_paged_to_their_end() {
    spec!("P5");
    let bed = Bed::new("CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a TEXT)");
    bed.write(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
         INSERT INTO t SELECT CAST(printf('%016d', i) AS BLOB), 'x' FROM n;
         INSERT INTO t VALUES ('plain', 'x'), ('plain too', 'x');",
    );

    let ids = load_all(&bed, 4);

    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (27, 27));
}

#[test]
fn text_that_looks_like_base64_in_a_blob_key_is_not_skipped() {
    spec!("P5");
    let bed = Bed::new("CREATE TABLE t (id BLOB PRIMARY KEY NOT NULL, a TEXT)");
    bed.write("INSERT INTO t VALUES ('abcd', 'x'), ('abce', 'x'), ('zzzz', 'x'), (x'00', 'x'), (7, 'x'), (x'ff', 'x')");

    assert_eq!(load_all(&bed, 1).len(), 6);
}

#[test]
fn large_rows_make_small_chunks() {
    spec!("P5");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
    bed.write(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
         INSERT INTO t SELECT i, hex(zeroblob(100000)) FROM n;",
    );

    let chunk = ready(bed.store.load("t".into(), Expression::Constant(true), None, 1000)).unwrap();

    assert!(chunk.rows.len() < 5, "{} rows of 200 kB", chunk.rows.len());
    assert_eq!(load_all(&bed, 1000).len(), 20);
}
