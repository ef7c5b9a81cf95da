//! Tables that change while a store is open.

use swain_core::{Code, Key, Millis, Name, Row, Schema, Value};
use swain_postgres::PostgresOptions;
use swain_store::{Answer, Store as _};
use swain_testkit::{Psql, postgres, spec};

use crate::bed::{Bed, insert, runtime, submission, submit_all, update};

const TABLES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE, b text, m mood DEFAULT 'ok');
    CREATE TABLE u (id int PRIMARY KEY);
    CREATE TABLE events (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (10);
    INSERT INTO t VALUES (1, 'x', 'y'); INSERT INTO u VALUES (1); INSERT INTO events VALUES (1, 1)";

/// What everybody does who notices the drift.
fn adopt_again(bed: &Bed, names: Option<&[&str]>) -> Schema {
    runtime().block_on(async {
        let names = names.map(|names| names.iter().map(|name| Name::from(*name)).collect());
        let schema = bed.store.introspect(names).await.unwrap();
        bed.store.adopt(schema, Millis(3)).await.unwrap()
    })
}

fn generations(schema: &Schema) -> [u64; 3] {
    ["t", "u", "events"].map(|table| schema.tables.get(table).map_or(99, |table| table.generation))
}

/// Whether an edit of the row has to wait.
fn waits(bed: &Bed, n: u64) -> bool {
    let operation = update("t", Key::of(1), Row::default().with("a", Value::text("mine")));
    let answer = submit_all(bed, vec![submission(n, vec![operation])]).remove(0);
    match answer {
        Answer::NotAttempted(problem) if problem.code == Code::Transient => true,
        Answer::Decided(result) if result.problem.is_none() => false,
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn a_table_that_is_changed_is_held_until_it_is_adopted_again() {
    spec!("S14");
    for change in [
        "ALTER TABLE t ADD COLUMN c text DEFAULT 'new'",
        "ALTER TABLE t RENAME COLUMN b TO c",
        "ALTER TABLE t DROP COLUMN b",
        "ALTER TABLE t ALTER COLUMN b TYPE text USING b || '!'",
        "ALTER TABLE t ALTER COLUMN b TYPE int USING length(b)",
        "ALTER TYPE mood RENAME VALUE 'ok' TO 'good'",
        "CREATE UNIQUE INDEX more ON t (b)",
        "CREATE TABLE n (LIKE t INCLUDING ALL); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
        "ALTER TABLE t DISABLE TRIGGER ALL; UPDATE t SET b = 'seen by nobody'; ALTER TABLE t ENABLE TRIGGER ALL",
        "ALTER TABLE t DISABLE TRIGGER \"!swain_row\"; UPDATE t SET b = 'seen by nobody';
         ALTER TABLE t ENABLE ALWAYS TRIGGER \"!swain_row\"",
        "DROP TRIGGER \"!swain_row\" ON t",
    ] {
        let bed = Bed::new(TABLES);
        assert!(!bed.store.has_drifted(), "{change}");
        postgres::run_sql(&bed.url, change);
        // Nobody has looked yet.
        assert!(waits(&bed, 1), "{change}");
        assert!(bed.store.has_drifted(), "{change}");
        // Others go on.
        bed.submit(other_device(insert("u", Key::of(7), Row::default())));

        let schema = adopt_again(&bed, None);

        assert!(!bed.store.has_drifted(), "{change}");
        assert_eq!((schema.version, generations(&schema)), (2, [1, 0, 0]), "{change}");
        bed.write("UPDATE t SET a = 'noted'");
        assert_eq!(bed.newest()[0].after.as_ref().unwrap().value("a"), &Value::text("noted"), "{change}");
        assert!(!waits(&bed, 1), "{change}");
    }
}

fn other_device(operation: swain_core::Operation) -> swain_store::Submission {
    swain_store::Submission { device: "other".into(), ..submission(1, vec![operation]) }
}

#[test]
fn partitions_that_come_with_rows_or_go_are_loaded_anew() {
    spec!("S14");
    for change in [
        "CREATE TABLE p (id int, day int, PRIMARY KEY (id, day)); INSERT INTO p VALUES (2, 11);
         ALTER TABLE events ATTACH PARTITION p FOR VALUES FROM (10) TO (20)",
        "ALTER TABLE events DETACH PARTITION events_1",
        "DROP TABLE events_1",
    ] {
        let bed = Bed::new(TABLES);
        bed.write(change);
        assert!(bed.store.has_drifted(), "{change}");

        let schema = adopt_again(&bed, without_new());

        assert_eq!(generations(&schema), [0, 0, 1], "{change}");
        assert!(!bed.store.has_drifted(), "{change}");
    }
}

/// A partition that was detached is a table of its own, which nobody asked for.
fn without_new() -> Option<&'static [&'static str]> {
    Some(&["t", "u", "events"])
}

#[test]
fn what_touches_no_synced_table_is_no_change() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    bed.write(
        "CREATE TABLE other (id int PRIMARY KEY); CREATE INDEX t_b ON t (b); CREATE VIEW v AS SELECT * FROM t;
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER young BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
         ANALYZE t; TRUNCATE events; INSERT INTO events VALUES (3, 3);",
    );
    postgres::run_sql(&bed.url, "VACUUM FULL t");
    bed.look();

    assert!(!bed.store.has_drifted());
    let schema = adopt_again(&bed, Some(&["t", "u", "events"]));
    assert_eq!((schema.version, generations(&schema)), (1, [0, 0, 0]));
}

#[test]
fn what_happens_while_nobody_runs_or_the_table_is_left_out_is_noticed() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    let url = bed.url.clone();
    drop(bed);
    postgres::run_sql(&url, "ALTER TABLE t ALTER COLUMN b TYPE text USING b || '!'");
    let bed = Bed::open(url);
    assert_eq!(generations(&bed.schema), [1, 0, 0]);

    adopt_again(&bed, Some(&["t"]));
    bed.write("UPDATE u SET id = 8");
    let schema = adopt_again(&bed, None);

    assert_eq!(generations(&schema), [1, 1, 1]);
}

#[test]
fn a_paused_table_is_noted_nowhere_and_waits_for_its_end() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    let options = || PostgresOptions::new(&bed.url);
    let [pause, resume] = [true, false].map(|is_pause| {
        move |table: &str| match is_pause {
            true => runtime().block_on(swain_postgres::pause(options(), table)),
            false => runtime().block_on(swain_postgres::resume(options(), table)),
        }
    });

    // A server that has not looked yet holds the table, too.
    assert!(pause("t").unwrap());
    assert!(waits(&bed, 1));
    assert!(!pause("t").unwrap(), "it is paused already");
    bed.look();
    assert!(bed.store.has_drifted());
    let paused = adopt_again(&bed, None);
    assert!(!bed.store.has_drifted(), "a pause lasts");
    assert_eq!(generations(&paused), [0, 0, 0]);
    assert!(waits(&bed, 1));
    assert!(!bed.store.has_drifted(), "and is no news to who knows of it");
    bed.submit(other_device(insert("u", Key::of(7), Row::default())));
    let head = bed.head();
    bed.write("UPDATE t SET a = 'seen by nobody'; ALTER TABLE t DROP COLUMN b");
    assert_eq!(bed.head(), head);
    assert_eq!(generations(&adopt_again(&bed, None)), [0, 0, 0]);

    assert!(resume("t").unwrap());
    assert!(!resume("t").unwrap(), "it is not paused any more");
    bed.look();
    assert!(bed.store.has_drifted());
    let schema = adopt_again(&bed, None);

    assert_eq!(generations(&schema), [1, 0, 0]);
    bed.write("UPDATE t SET a = 'noted'");
    assert_eq!(bed.newest()[0].after.as_ref().unwrap().value("a"), &Value::text("noted"));
    assert!(!waits(&bed, 1));
    // A partitioned table has triggers in every part.
    assert!(pause("events").unwrap());
    bed.write("INSERT INTO events VALUES (2, 2)");
    assert!(!bed.newest().iter().any(|change| &*change.row.table == "events"));
    assert!(resume("events").unwrap());
    assert_eq!(generations(&adopt_again(&bed, None)), [1, 0, 1]);
    bed.write("INSERT INTO events VALUES (3, 3)");
    assert_eq!(&*bed.newest()[0].row.table, "events");
    let error = pause("users").unwrap_err().to_string();
    assert!(error.contains("'users' is not a synced table; there are `events`, `t`, `u`"), "{error}");
}

/// Whoever wants to change a table waits for the transactions that touched it, ours among them: so the look before the
/// commit is the last word.
#[test]
fn a_change_that_waits_for_an_edit_comes_after_it_and_one_that_is_waited_for_holds_it() {
    spec!("S14");
    let bed = Bed::new(TABLES);
    let mut psql = Psql::open(&bed.url);
    psql.say("BEGIN; ALTER TABLE t RENAME COLUMN a TO z");
    let arbiter = std::sync::Arc::new(swain_store::conformance::PlainArbiter { schema: bed.schema.clone() });
    let operation = update("t", Key::of(1), Row::default().with("b", Value::text("mine")));
    let answers = std::thread::scope(|scope| {
        let edit = scope.spawn(|| runtime().block_on(bed.store.submit(arbiter, vec![submission(1, vec![operation])])));
        let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass";
        runtime().block_on(swain_testkit::wait_for("the edit waits", || async {
            (postgres::run_sql(&bed.url, sql) != "0").then_some(())
        }));
        psql.say("COMMIT");
        edit.join().unwrap()
    });

    assert!(matches!(&answers[0], Answer::NotAttempted(problem) if problem.code == Code::Transient), "{answers:?}");
    assert_eq!(postgres::run_sql(&bed.url, "SELECT b FROM t"), "y");
}
