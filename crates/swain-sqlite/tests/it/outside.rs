//! Writes by other programs, and what schemas do behind a writer's back (spec S1, S3).

use crate::bed::{Bed, delete, insert, is_outside, submission, update};
use rusqlite::Connection;
use swain_core::{ChangeKind, Ids, Key, Millis, Pos, Row, Value};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::{Store, ready};
use swain_testkit::spec;

#[test]
fn outside_writes_found_at_one_look_share_a_position() {
    spec!("S1", "S3");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");

    bed.write(
        "INSERT INTO t VALUES (1, 'x'), (2, 'y'); UPDATE t SET a = 'z' WHERE id = 1; DELETE FROM t WHERE id = 2;",
    );

    let newest = bed.newest();
    assert!(is_outside(&newest));
    assert_eq!(newest.at, Millis(2));
    assert_eq!(newest.changes.len(), 1, "what came and went is not in it");
    bed.assert_log_tells_the_truth();
}

#[test]
fn outside_writes_get_their_position_before_own_mutations() {
    spec!("S1");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
    let before = bed.head();
    bed.outside.execute_batch("INSERT INTO t VALUES (1, 'x')").unwrap();

    bed.submit(1, vec![update("t", Key::of(1), Row::default().with("a", "mine"))]);

    let log = bed.log_after(before);
    assert_eq!(log.iter().map(is_outside).collect::<Vec<_>>(), [true, false]);
    assert_eq!(log[1].changes[0].kind(), ChangeKind::Update);
    bed.assert_log_tells_the_truth();
}

#[test]
fn a_row_replaced_through_a_secondary_unique_is_logged_as_deleted() {
    spec!("S3");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT)");
    bed.write("INSERT INTO t VALUES (1, 'x', 'one'), (2, 'y', 'two')");

    bed.write("INSERT OR REPLACE INTO t VALUES (3, 'x', 'three')");
    let newest = bed.newest();
    let kinds: Vec<_> = newest.changes.iter().map(|change| (change.row.key.canonical(), change.kind())).collect();
    assert_eq!(kinds, [("[1]".into(), ChangeKind::Delete), ("[3]".into(), ChangeKind::Insert)]);

    bed.write("UPDATE OR REPLACE t SET a = 'y' WHERE id = 3");
    bed.write("REPLACE INTO t VALUES (3, 'q', 'three')");
    bed.assert_log_tells_the_truth();
    assert_eq!(bed.rows().len(), 1);
}

#[test]
fn an_unguarded_updated_at_trigger_works_and_its_value_is_logged() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, changed INTEGER NOT NULL DEFAULT 0);
         CREATE TRIGGER touch AFTER UPDATE ON t BEGIN UPDATE t SET changed = changed + 1 WHERE id = NEW.id; END",
    );
    bed.write("INSERT INTO t (id, a) VALUES (1, 'x')");

    bed.write("UPDATE t SET a = 'y'");
    bed.submit(1, vec![update("t", Key::of(1), Row::default().with("a", "z"))]);

    let after = bed.newest().changes.remove(0).after.unwrap();
    assert_eq!(after, Row::default().with("id", 1).with("a", "z").with("changed", 2));
    bed.assert_log_tells_the_truth();
}

#[test]
fn triggers_that_are_younger_than_swains_cannot_make_the_log_lie() {
    spec!("S3");
    let bed =
        Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY, n INTEGER)");
    // SQLite runs the youngest trigger first.
    bed.outside
        .execute_batch(
            "CREATE TRIGGER lower_insert AFTER INSERT ON t BEGIN UPDATE t SET a = lower(a) WHERE id = NEW.id; END;
             CREATE TRIGGER lower_update AFTER UPDATE ON t BEGIN UPDATE t SET a = lower(a) WHERE id = NEW.id; END;
             CREATE TRIGGER count_t AFTER INSERT ON t BEGIN
               INSERT INTO u (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1; END;
             CREATE TRIGGER before_t BEFORE UPDATE ON t BEGIN UPDATE u SET n = n + 10; END",
        )
        .unwrap();

    bed.write("INSERT INTO t (a) VALUES ('ABC'), ('DEF')");
    assert!(bed.newest().changes.iter().all(|change| change.kind() == ChangeKind::Insert));
    bed.write("UPDATE t SET a = 'GHI' WHERE id = 1");
    bed.submit(1, vec![insert("t", Key::of(9), Row::default().with("a", "JKL"))]);
    bed.write("DELETE FROM t WHERE id = 1; INSERT INTO t (id, a) VALUES (1, 'MNO')");

    bed.assert_log_tells_the_truth();
    assert_eq!(bed.table("t")[&Key::of(9)].value("a").as_text(), Some("jkl"));
}

#[test]
fn a_key_that_changes_is_a_delete_and_an_insert() {
    spec!("S3");
    let bed = Bed::new("CREATE TABLE t (a TEXT COLLATE NOCASE, b INTEGER, c TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID");
    bed.write("INSERT INTO t VALUES ('x', 1, 'one'), ('y', 1, 'two')");

    bed.write("UPDATE t SET b = 2 WHERE a = 'x'");
    assert_eq!(
        bed.newest().changes.iter().map(swain_core::Change::kind).collect::<Vec<_>>(),
        [ChangeKind::Delete, ChangeKind::Insert]
    );

    bed.write("UPDATE t SET a = 'X' WHERE a = 'x'; UPDATE OR REPLACE t SET a = 'Y', b = 1 WHERE a = 'x'");
    bed.write("UPDATE t SET b = 5; INSERT INTO t VALUES ('y', 1, 'three')");
    bed.write("UPDATE t SET b = b + 1 WHERE b = 5; UPDATE t SET b = 5 WHERE b = 1");
    bed.assert_log_tells_the_truth();
}

#[test]
fn a_key_that_is_vacated_and_taken_again_keeps_what_was_before() {
    spec!("S3");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
    bed.write("INSERT INTO t VALUES (1, 'x')");

    bed.write("UPDATE t SET a = 'y'; UPDATE t SET id = 2; INSERT INTO t VALUES (1, 'z')");

    bed.assert_log_tells_the_truth();
}

#[test]
fn blobs_and_values_of_the_wrong_type_are_captured_as_they_are() {
    spec!("S3", "V1");
    let bed = Bed::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a BLOB, b INTEGER, c JSON, d, e REAL, f DECIMAL(10, 2), g BOOLEAN)",
    );

    bed.write(
        "INSERT INTO t VALUES (1, x'00ff', 'text', '{bad', x'01', 9e999, 1.50, 7),
           (2, 'text', 1.5, '{\"b\": 1, \"a\": 2}', 5, -9e999, 5, 1), (3, 5, 9223372036854775807, 'null', 'x', 3, 'abc', 'yes');
         UPDATE t SET b = x'00' WHERE id = 2",
    );

    bed.assert_log_tells_the_truth();
    let row = |id: i64| bed.table("t")[&Key::of(id)].clone();
    let one = row(1);
    assert_eq!(
        ["a", "b", "c", "d", "e", "f"].map(|name| one.value(name).as_text().map(String::from)),
        [
            Some("AP8=".into()),
            Some("text".into()),
            Some("{bad".into()),
            Some("AQ==".into()),
            Some("Infinity".into()),
            Some("1.5".into())
        ]
    );
    assert_eq!(one.value("g"), &Value::Int(7));
    let two = row(2);
    assert_eq!(two.value("c").canonical(), r#"{"a":2,"b":1}"#);
    assert_eq!(
        (two.value("d"), two.value("f"), two.value("g")),
        (&Value::Int(5), &Value::text("5"), &Value::Bool(true))
    );
    let three = row(3);
    assert_eq!((three.value("b"), three.value("c")), (&Value::text("9223372036854775807"), &Value::Null));
}

#[test]
fn generated_columns_are_in_the_rows_and_nobody_sets_them() {
    spec!("S3", "V8");
    let bed = Bed::new(
        "CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, b INTEGER AS (a * 2) STORED, c TEXT AS (id || '!') VIRTUAL);
         CREATE UNIQUE INDEX t_b ON t (b)",
    );
    assert!(bed.schema.tables["t"].is_readonly("b") && bed.schema.tables["t"].is_readonly("c"));

    bed.submit(1, vec![insert("t", Key::of("k"), Row::default().with("a", 2))]);
    let after = bed.newest().changes.remove(0).after.unwrap();
    assert_eq!((after.value("b"), after.value("c")), (&Value::Int(4), &Value::text("k!")));

    bed.write("REPLACE INTO t (id, a) VALUES ('l', 2)");
    bed.assert_log_tells_the_truth();
    assert_eq!(bed.rows().len(), 1);
}

#[test]
fn unique_expressions_and_partial_indexes_are_probed() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER);
         CREATE UNIQUE INDEX \"t lower\" ON t (lower(a), b DESC);
         CREATE UNIQUE INDEX t_c ON t (c) WHERE c > 10;
         CREATE UNIQUE INDEX t_nocase ON t (b COLLATE NOCASE) WHERE b <> ''",
    );
    bed.write("INSERT INTO t VALUES (1, 'A', '', 1), (2, 'B', '', 1), (3, 'C', 'x', 20)");

    bed.write("REPLACE INTO t VALUES (4, 'a', '', 1)");
    bed.write("REPLACE INTO t VALUES (5, 'q', '', 20)");
    bed.write("UPDATE OR REPLACE t SET a = 'b' WHERE id = 5");
    bed.write("INSERT INTO t VALUES (6, 'x', 'Q', 1); REPLACE INTO t VALUES (7, 'y', 'q', 1)");

    bed.assert_log_tells_the_truth();
    assert_eq!(bed.table("t").keys().map(Key::canonical).collect::<Vec<_>>(), ["[4]", "[5]", "[7]"]);
}

#[test]
fn rows_without_a_key_are_not_there() {
    spec!("V5");
    let bed = Bed::new("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)");

    bed.write("INSERT INTO t VALUES (NULL, 'x'), (NULL, 'y'), ('k', 'z')");
    assert_eq!(bed.newest().changes.len(), 1);
    bed.write("UPDATE t SET id = 'l' WHERE a = 'x'; UPDATE t SET id = NULL WHERE id = 'k'");

    bed.assert_log_tells_the_truth();
    assert_eq!(bed.rows().len(), 1);
}

#[test]
fn text_that_is_no_text_travels_as_bytes() {
    spec!("V1");
    let bed = Bed::new("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)");

    bed.write(
        "INSERT INTO t VALUES (CAST(x'ff00' AS TEXT), CAST(x'6100' AS TEXT)); UPDATE t SET a = CAST(x'fe' AS TEXT)",
    );
    bed.write("UPDATE t SET a = 'b'");

    bed.assert_log_tells_the_truth();
    assert_eq!(bed.newest().changes[0].before.as_ref().map(|row| row.value("a").clone()), Some(Value::text("/g==")));
}

#[test]
fn foreign_keys_that_cascade_are_logged() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE p (id INTEGER PRIMARY KEY);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE)",
    );
    let parent = |n, operations| bed.submit(n, operations);
    parent(1, vec![insert("p", Key::of(1), Row::default()), insert("c", Key::of(1), Row::default().with("p", 1))]);
    parent(2, vec![delete("p", Key::of(1))]);

    assert_eq!(bed.newest().changes.len(), 2);
    bed.outside.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    bed.write("INSERT INTO p VALUES (2); INSERT INTO c VALUES (5, 2); UPDATE p SET id = 3; REPLACE INTO p VALUES (3)");
    bed.assert_log_tells_the_truth();
}

#[test]
fn adopting_again_puts_swains_triggers_in_front() {
    spec!("S3");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE)");
    bed.outside
        .execute_batch(
            "CREATE TABLE seen (a TEXT PRIMARY KEY);
             CREATE TRIGGER young AFTER INSERT ON t BEGIN INSERT INTO seen VALUES (NEW.a || '!'); END;
             INSERT INTO seen VALUES ('x!')",
        )
        .unwrap();
    ready(bed.store.adopt(bed.schema.clone(), Millis(3))).unwrap();

    // The trigger fails, OR FAIL keeps the row, and no trigger that comes later runs.
    assert!(bed.outside.execute_batch("INSERT OR FAIL INTO t (a) VALUES ('x')").is_err());
    bed.write("");

    assert_eq!(bed.table("t").len(), 1);
    bed.assert_log_tells_the_truth();
}

#[test]
fn what_was_written_while_nobody_ran_is_found_at_open() {
    spec!("S1");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
    let (path, head, epoch) = (bed.path(), bed.head(), bed.store.epoch());
    let Bed { store, outside, directory, .. } = bed;
    drop(store);
    outside.execute_batch("INSERT INTO t VALUES (1, 'x')").unwrap();

    let store = SqliteStore::open_stepped(path, SqliteOptions::seeded(8)).unwrap();

    let page = ready(store.log(head, Pos(100), None, None, 100)).unwrap();
    assert_eq!(page.positions.len(), 1);
    assert!(is_outside(&page.positions[0]));
    assert_eq!(store.epoch(), epoch);
    drop(directory);
}

#[test]
fn what_was_answered_is_there_after_a_crash() {
    spec!("S2");
    let bed = Bed::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
    bed.submit(1, vec![insert("t", Key::of(1), Row::default().with("a", "x"))]);
    let (path, log) = (bed.path(), bed.log_after(Pos(0)));
    let retry = submission("d", 1, vec![insert("t", Key::of(1), Row::default().with("a", "x"))]);
    let schema = bed.schema.clone();
    // Neither closed nor checkpointed: the WAL is all there is.
    let directory = {
        let Bed { store, outside, directory, .. } = bed;
        std::mem::forget((store, outside));
        directory
    };
    let copy = directory.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();

    let store = SqliteStore::open_stepped(&copy, SqliteOptions::seeded(9)).unwrap();

    assert_eq!(ready(store.log(Pos(0), Pos(100), None, None, 100)).unwrap().positions, log);
    let arbiter = swain_store::conformance::PlainArbiter { schema };
    let answers = ready(store.submit(std::sync::Arc::new(arbiter), vec![retry]));
    assert_eq!(crate::bed::outcomes(&answers), [swain_core::protocol::Outcome::Applied]);
    assert_eq!(ready(store.head()).unwrap().pos, log.last().unwrap().pos);
}

#[test]
fn an_idle_writer_finds_and_announces_what_another_program_wrote() {
    spec!("S1");
    use swain_store::Bus as _;
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("app.db");
    let outside = Connection::open(&path).unwrap();
    outside.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)").unwrap();
    let store = SqliteStore::open(&path, SqliteOptions::system()).unwrap();

    futures::executor::block_on(async {
        let schema = store.introspect(None).await.unwrap();
        store.adopt(schema, Millis(1)).await.unwrap();
        let head = store.head().await.unwrap().pos;
        outside.execute_batch("INSERT INTO t VALUES (1, 'x')").unwrap();

        assert_eq!(store.bus().beyond(head).await, head.next());

        let page = store.log(head, head.next(), None, None, 10).await.unwrap();
        assert!(is_outside(&page.positions[0]));
    });
}

/// With the rows that follow it by a cascade.
#[test]
fn a_changed_key_is_a_delete_and_an_insert_at_one_position() {
    spec!("M12", "S3");
    let bed = Bed::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
         CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, t INTEGER REFERENCES t (id) ON UPDATE CASCADE)",
    );
    bed.write("PRAGMA foreign_keys = ON; INSERT INTO t VALUES (1, 'x'); INSERT INTO u VALUES ('u1', 1)");

    bed.write("UPDATE t SET id = 7, a = 'y' WHERE id = 1");

    let newest = bed.newest();
    let told: Vec<_> = newest
        .changes
        .iter()
        .map(|change| (change.row.table.to_string(), change.row.key.canonical(), change.kind()))
        .collect();
    let row = |table: &str, key: &str, kind| (table.to_owned(), key.to_owned(), kind);
    assert_eq!(told.len(), 3);
    assert!(told.contains(&row("t", "[1]", ChangeKind::Delete)), "{told:?}");
    assert!(told.contains(&row("t", "[7]", ChangeKind::Insert)), "{told:?}");
    assert!(told.contains(&row("u", "[\"u1\"]", ChangeKind::Update)), "{told:?}");
    bed.assert_log_tells_the_truth();
}

#[test]
fn the_database_says_who_gives_ids_what_is_unique_and_what_names_what() {
    spec!("V8", "M10");
    let bed = Bed::new(
        "CREATE TABLE serial (id INTEGER PRIMARY KEY, club INTEGER, no INTEGER, note TEXT, UNIQUE (club, no));
         CREATE TABLE chosen (id INT PRIMARY KEY NOT NULL, serial_id INTEGER REFERENCES serial, note TEXT);
         CREATE TABLE words (id TEXT PRIMARY KEY NOT NULL, part INTEGER, of INTEGER, a TEXT, b TEXT,
             FOREIGN KEY (part, of) REFERENCES serial (club, no));
         CREATE TABLE pairs (serial_id INTEGER NOT NULL, who TEXT NOT NULL,
             PRIMARY KEY (serial_id, who), FOREIGN KEY (serial_id) REFERENCES SERIAL (ID));
         CREATE TABLE marks (id TEXT PRIMARY KEY NOT NULL, s INTEGER, w TEXT,
             FOREIGN KEY (w, s) REFERENCES pairs (who, serial_id));
         CREATE UNIQUE INDEX words_a ON words (a);
         CREATE UNIQUE INDEX words_lower ON words (lower(b));
         CREATE UNIQUE INDEX words_some ON words (b) WHERE a IS NULL;",
    );

    let schema = &bed.schema;
    let ids = |table: &str| schema.tables[table].ids;
    let names = |list: &[swain_core::Name]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let uniques = |table: &str| schema.tables[table].uniques.iter().map(|unique| names(unique)).collect::<Vec<_>>();
    let references = |table: &str| {
        let references = schema.tables[table].references.iter();
        references.map(|reference| format!("{}({})", reference.table, names(&reference.columns))).collect::<Vec<_>>()
    };

    assert_eq!(["serial", "chosen", "words", "pairs"].map(ids), [Ids::Server, Ids::Device, Ids::Device, Ids::Device]);
    assert_eq!(uniques("serial"), ["club no"]);
    assert_eq!(uniques("words"), ["a"], "neither an expression nor a part of the rows is a key of the table");
    assert_eq!(references("chosen"), ["serial(serial_id)"], "the primary key, when none is named");
    assert_eq!(references("pairs"), ["serial(serial_id)"], "SQLite finds names whatever their case");
    assert_eq!(references("marks"), ["pairs(s w)"], "in the order of that table's key");
    assert_eq!(references("words"), [""; 0], "another unique key is not the key");
}
