//! Tables that change while a store is open, and tables that are paused.

use swain_core::{Code, Key, Millis, Row, Schema, Value};
use swain_sqlite::{SqliteOptions, SqliteStore, pause, resume};
use swain_store::{Answer, POSITION_CHANGES_MAX, Store, ready};
use swain_testkit::spec;

use crate::bed::{Bed, insert, submission, update};

const TABLES: &str =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY);
    INSERT INTO t VALUES (1, 'x', 'y'); INSERT INTO u VALUES (1)";

/// What everybody does who notices the drift.
fn adopt_again(bed: &Bed) -> Schema {
    let schema = ready(bed.store.introspect(None)).unwrap();
    ready(bed.store.adopt(schema, Millis(3))).unwrap()
}

fn generation(schema: &Schema, table: &str) -> u64 {
    schema.tables[table].generation
}

fn waits(bed: &Bed, n: u64) -> bool {
    let operation = update("t", Key::of(1), Row::default().with("a", "mine"));
    let answer = bed.submit_all(vec![submission("d", n, vec![operation])]).remove(0);
    matches!(answer, Answer::NotAttempted(problem) if problem.code == Code::Transient)
}

/// A row of t in the newest position.
fn newest_of_t(bed: &Bed) -> Option<Row> {
    bed.newest().changes.into_iter().find(|change| &*change.row.table == "t").and_then(|change| change.after)
}

#[test]
fn a_table_that_is_changed_is_held_until_it_is_adopted_again() {
    spec!("S14");
    for change in [
        "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'new'",
        "ALTER TABLE t RENAME COLUMN b TO c",
        "CREATE UNIQUE INDEX more ON t (b)",
        "DROP INDEX IF EXISTS more; CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT);
         INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
        "DROP TRIGGER swain_t_before_update",
    ] {
        let bed = Bed::new(TABLES);
        let head = bed.head();
        bed.write(&format!("UPDATE t SET a = 'seen by nobody'; {change}; UPDATE t SET a = 'z'"));
        assert!(bed.store.has_drifted(), "{change}");
        assert_eq!(bed.head(), head, "nothing of it gets a position: {change}");
        assert!(waits(&bed, 1), "{change}");
        // Others go on.
        bed.submit(1, vec![insert("u", Key::of(7), Row::default())]);

        let schema = adopt_again(&bed);

        assert!(!bed.store.has_drifted(), "{change}");
        assert_eq!((schema.version, generation(&schema, "t"), generation(&schema, "u")), (2, 1, 0), "{change}");
        bed.write("UPDATE t SET a = 'noted'");
        assert_eq!(newest_of_t(&bed).unwrap().value("a"), &Value::text("noted"), "{change}");
        assert!(!waits(&bed, 2), "{change}");
    }
}

#[test]
fn what_touches_no_synced_table_is_no_change() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    bed.write(
        "CREATE TABLE other (x); CREATE INDEX t_b ON t (b); CREATE VIEW v AS SELECT * FROM t; UPDATE t SET a = 'z'",
    );

    assert!(!bed.store.has_drifted());
    assert_eq!(newest_of_t(&bed).unwrap().value("a"), &Value::text("z"));
    assert_eq!(adopt_again_of(&bed, &["t", "u"]).version, 1);
}

fn adopt_again_of(bed: &Bed, names: &[&str]) -> Schema {
    let names = names.iter().map(|name| (*name).into()).collect();
    let schema = ready(bed.store.introspect(Some(names))).unwrap();
    ready(bed.store.adopt(schema, Millis(3))).unwrap()
}

#[test]
fn a_trigger_of_the_application_wants_ours_made_anew_and_no_load() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    bed.write("CREATE TRIGGER young AFTER INSERT ON t BEGIN SELECT 1; END");
    assert!(bed.store.has_drifted());

    let schema = adopt_again(&bed);

    assert_eq!((schema.version, generation(&schema, "t")), (1, 0));
    assert!(!bed.store.has_drifted());
}

#[test]
fn what_happens_while_nobody_runs_is_noticed_at_the_next_start() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    let path = bed.path();
    let Bed { store, outside, directory, .. } = bed;
    drop(store);
    let rebuild = "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT); INSERT INTO n SELECT * FROM t;
        DROP TABLE t; ALTER TABLE n RENAME TO t; UPDATE t SET a = 'seen by nobody'";
    outside.execute_batch(rebuild).unwrap();

    let store = SqliteStore::open_stepped(path, SqliteOptions::seeded(8)).unwrap();
    let schema = ready(store.introspect(None)).unwrap();
    let schema = ready(store.adopt(schema, Millis(3))).unwrap();

    assert_eq!((generation(&schema, "t"), generation(&schema, "u")), (1, 0));
    drop(directory);
}

#[test]
fn a_table_that_was_left_out_for_a_while_is_loaded_anew() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    adopt_again_of(&bed, &["u"]);
    bed.write("UPDATE t SET a = 'seen by nobody'");

    let schema = adopt_again_of(&bed, &["t", "u"]);

    assert_eq!((generation(&schema, "t"), generation(&schema, "u")), (1, 0));
}

#[test]
fn a_paused_table_can_lose_a_column_and_waits_for_its_end() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    assert!(bed.outside.execute_batch("ALTER TABLE t DROP COLUMN b").is_err(), "our triggers name the column");

    assert!(pause(bed.path(), "t").unwrap());
    assert!(!pause(bed.path(), "t").unwrap(), "it is paused already");
    bed.write("ALTER TABLE t DROP COLUMN b; UPDATE t SET a = 'seen by nobody'");
    assert!(bed.store.has_drifted());
    let paused = adopt_again(&bed);
    assert!(!bed.store.has_drifted(), "a pause lasts");
    assert_eq!((paused.tables["t"].columns.len(), generation(&paused, "t")), (2, 0));
    assert!(waits(&bed, 1));
    let head = bed.head();
    bed.write("UPDATE t SET a = 'nor this'");
    assert_eq!(bed.head(), head);

    assert!(resume(bed.path(), "t").unwrap());
    assert!(!resume(bed.path(), "t").unwrap(), "it is not paused any more");
    bed.write("");
    assert!(bed.store.has_drifted());
    let schema = adopt_again(&bed);

    assert_eq!(generation(&schema, "t"), 1);
    bed.write("UPDATE t SET a = 'noted'");
    assert_eq!(newest_of_t(&bed).unwrap().value("a"), &Value::text("noted"));
    assert!(!waits(&bed, 1));
}

#[test]
fn only_what_is_synced_can_be_paused() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    let error = pause(bed.path(), "users").unwrap_err().to_string();
    assert!(error.contains("'users' is not a synced table; there are `t`, `u`"), "{error}");
    let error = pause(bed.directory.path().join("no.db"), "t").unwrap_err().to_string();
    assert!(error.contains("there is no database"), "{error}");
    assert!(!resume(bed.path(), "t").unwrap());
}

#[test]
fn a_position_that_is_too_large_is_named_and_not_read() {
    spec!("P27");
    let bed = Bed::new(TABLES);
    let head = bed.head();
    let many = POSITION_CHANGES_MAX + 1;
    bed.write(&format!(
        "INSERT INTO u WITH RECURSIVE n(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM n LIMIT {many}) SELECT x FROM n"
    ));
    bed.write("UPDATE t SET a = 'behind it'");

    let page = ready(bed.store.log(head, bed.head(), None, None, 1000)).unwrap();
    let large = page.large.unwrap();
    assert_eq!((large.pos, page.through, page.positions.len()), (head.next(), head.next(), 0));
    assert_eq!(large.tables, ["u".into()].into());
    let behind = ready(bed.store.log(large.pos, bed.head(), None, None, 1000)).unwrap();
    assert_eq!((behind.positions.len(), behind.large), (1, None));

    // Who has nothing to do with its table goes past it.
    let interest = |table: &str| vec![swain_store::Interest { table: table.into(), scope: None }];
    let page = ready(bed.store.log(head, bed.head(), Some(interest("t")), None, 1000)).unwrap();
    assert_eq!((page.positions.len(), page.large, page.through), (1, None, bed.head()));
    let count = |table, max| ready(bed.store.log_count(head, bed.head(), interest(table), max)).unwrap();
    assert_eq!((count("u", usize::MAX), count("t", usize::MAX)), (usize::MAX, 1));
}
