//! Outside programs name themselves (spec S13), and write as much as they like.

use rusqlite::Connection;
use swain_core::{Actor, Change, ChangeKind, Key, Position, Row, Who};
use swain_testkit::spec;

use crate::bed::{Bed, insert, is_outside};

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)";

/// More records than are merged in memory.
const MANY: i64 = 60_000;

fn who(position: &Position) -> Option<&str> {
    match &position.who {
        Who::Outside { actor } => actor.as_ref().map(Actor::as_str),
        Who::Device { .. } | Who::Server => Some("not outside"),
    }
}

fn authors(position: &Position) -> Vec<Option<&str>> {
    position.changes.iter().map(|change: &Change| change.actor.as_ref().map(Actor::as_str)).collect()
}

#[test]
fn a_program_that_names_itself_is_named_in_the_log() {
    spec!("S13");
    let bed = Bed::new(TABLE);

    bed.write(
        "BEGIN; INSERT INTO swain_actor (actor) VALUES ('importer'); INSERT INTO t VALUES (1, 'x'), (2, 'y'); COMMIT",
    );
    let named = bed.newest();
    bed.write("UPDATE t SET a = 'z' WHERE id = 1");
    let unnamed = bed.newest();

    assert_eq!((who(&named), authors(&named)), (Some("importer"), vec![None, None]));
    assert_eq!((who(&unnamed), authors(&unnamed)), (None, vec![None]), "a name holds for its own transaction");
    bed.assert_log_tells_the_truth();
}

#[test]
fn several_programs_at_one_look_are_told_apart_by_change() {
    spec!("S13", "S1");
    let bed = Bed::new(TABLE);
    let other = Connection::open(bed.path()).unwrap();
    let third = Connection::open(bed.path()).unwrap();
    let before = bed.head();

    bed.outside
        .execute_batch(
            "BEGIN; INSERT INTO swain_actor (actor) VALUES ('importer'); INSERT INTO t VALUES (1, 'x'); COMMIT",
        )
        .unwrap();
    other
        .execute_batch(
            "BEGIN; INSERT INTO swain_actor (actor) VALUES ('cleaner'); INSERT INTO t VALUES (2, 'y'); COMMIT",
        )
        .unwrap();
    // A program that has just come has changed less than the one before: it is another one.
    third.execute_batch("INSERT INTO t VALUES (3, 'z')").unwrap();
    bed.write("");

    let newest = bed.newest();
    assert_eq!(newest.pos, before.next(), "one look is one position");
    assert_eq!((who(&newest), authors(&newest)), (None, vec![Some("importer"), Some("cleaner"), None]));
}

#[test]
fn a_name_that_is_taken_back_holds_no_longer() {
    spec!("S13");
    let bed = Bed::new(TABLE);

    bed.write(
        "INSERT INTO t VALUES (1, 'before');
         INSERT INTO swain_actor (actor) VALUES ('importer'); INSERT INTO t VALUES (2, 'named');
         DELETE FROM swain_actor; INSERT INTO t VALUES (3, 'behind');",
    );

    assert_eq!(authors(&bed.newest()), [None, Some("importer"), None]);
}

#[test]
fn a_blank_name_names_nobody_and_a_long_one_is_cut() {
    spec!("S13");
    let bed = Bed::new(TABLE);

    bed.write("INSERT INTO swain_actor (actor) VALUES ('  '); INSERT INTO t VALUES (1, 'x')");
    assert_eq!(who(&bed.newest()), None);
    bed.write("INSERT INTO swain_actor (actor) VALUES (x'00ff'); INSERT INTO t VALUES (2, 'x')");
    assert_eq!(who(&bed.newest()), None);
    bed.write("INSERT INTO swain_actor (actor) VALUES (printf('%0300d', 0)); INSERT INTO t VALUES (3, 'x')");
    assert_eq!(who(&bed.newest()).map(str::len), Some(256));
}

#[test]
fn an_own_mutation_is_its_devices_whatever_name_waits() {
    spec!("S13");
    let bed = Bed::new(TABLE);
    bed.outside.execute_batch("INSERT INTO swain_actor (actor) VALUES ('importer')").unwrap();

    bed.submit(1, vec![insert("t", Key::of(1), Row::default().with("a", "mine"))]);

    let newest = bed.newest();
    assert!(!is_outside(&newest));
    assert_eq!(authors(&newest), [None]);
}

#[test]
fn a_large_transaction_is_one_position_with_each_row_once() {
    spec!("S1", "S3", "S13");
    let bed = Bed::new(
        "CREATE TABLE t (a TEXT, b INTEGER, c TEXT UNIQUE, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE u (id INTEGER PRIMARY KEY, n INTEGER)",
    );
    bed.write("INSERT INTO u VALUES (1, 0), (2, 0)");
    let before = bed.head();

    bed.write(&format!(
        "BEGIN; INSERT INTO swain_actor (actor) VALUES ('importer');
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
         INSERT INTO t SELECT 'k' || (i % 7), i, 'c' || i FROM n;
         UPDATE t SET c = c || '!' WHERE b % 3 = 0; DELETE FROM t WHERE b % 5 = 0;
         REPLACE INTO t VALUES ('new', -1, 'c1'); UPDATE u SET n = 1 WHERE id = 2; UPDATE u SET n = n WHERE id = 1; COMMIT"
    ));

    let newest = bed.newest();
    assert_eq!((newest.pos, who(&newest)), (before.next(), Some("importer")));
    let inserted = newest.changes.iter().filter(|change| change.kind() == ChangeKind::Insert).count();
    // Four of five stay, one of them is replaced by another; and a row of u.
    assert_eq!((inserted, newest.changes.len()), (48_000, 48_001));
    bed.assert_log_tells_the_truth();
}
