//! Whatever another program does, the log tells it.

use swain_core::{Key, Pos, Value};
use swain_store::{Interest, POSITION_CHANGES_MAX, Store as _};
use swain_testkit::{Psql, postgres, spec};

use crate::bed::{Bed, is_outside, runtime};

const NOTES: &str = "CREATE TABLE notes (id int PRIMARY KEY, title text, n int NOT NULL DEFAULT 0);";

#[test]
fn a_transaction_is_one_position_with_each_row_once() {
    spec!("S1", "S3");
    let bed = Bed::new(NOTES);
    let before = bed.head();

    bed.write(
        "BEGIN; INSERT INTO notes VALUES (1, 'a'), (2, 'b'), (3, 'gone'); UPDATE notes SET title = 'A' WHERE id = 1;
         SAVEPOINT s; DELETE FROM notes; ROLLBACK TO s; DELETE FROM notes WHERE id = 3; COMMIT;
         BEGIN; DELETE FROM notes; ROLLBACK;",
    );

    let log = bed.log_after(before);
    assert_eq!(log.len(), 1);
    assert!(is_outside(&log[0]));
    let told: Vec<_> = log[0].changes.iter().map(|change| change.row.key.canonical()).collect();
    assert_eq!(told, ["[1]", "[2]"], "the row that came and went is not in it");
    bed.assert_log_tells_the_truth();
}

#[test]
fn a_program_that_names_itself_is_named() {
    use swain_core::{Actor, Who};
    spec!("S13");
    let bed = Bed::new(NOTES);
    let who = |bed: &Bed| bed.log_after(Pos(bed.head().0 - 1)).pop().unwrap().who;

    bed.write("BEGIN; SET LOCAL swain.actor = 'importer'; INSERT INTO notes VALUES (1, 'a'); COMMIT");
    assert_eq!(who(&bed), Who::Outside { actor: Actor::named("importer") });
    bed.write("INSERT INTO notes VALUES (2, 'b')");
    assert_eq!(who(&bed), Who::Outside { actor: None });
    bed.write(
        "BEGIN; SET LOCAL swain.actor = 'one'; INSERT INTO notes VALUES (3, 'c');
         SET LOCAL swain.actor = 'two'; INSERT INTO notes VALUES (4, 'd'); COMMIT",
    );

    assert_eq!(who(&bed), Who::Outside { actor: None });
    let actors: Vec<_> = bed.newest().into_iter().map(|change| change.actor).collect();
    assert_eq!(actors, [Actor::named("one"), Actor::named("two")]);
}

#[test]
fn truncate_and_copy_are_told_row_by_row() {
    spec!("S3");
    let bed = Bed::new(NOTES);
    bed.write("INSERT INTO notes SELECT i, 'n' || i FROM generate_series(1, 3000) i");
    let csv: String = (4000..5000).map(|id| format!("{id},copied\n")).collect();
    let script = std::env::temp_dir().join(format!("swain-copy-{}.csv", std::process::id()));
    std::fs::write(&script, csv).unwrap();
    bed.write(&format!("\\copy notes (id, title) FROM '{}' CSV", script.display()));
    std::fs::remove_file(&script).unwrap();
    assert_eq!(bed.newest().len(), 1000);

    bed.write("TRUNCATE notes");

    assert_eq!(bed.newest().len(), 4000);
    assert!(bed.newest().iter().all(|change| change.after.is_none()));
    bed.assert_log_tells_the_truth();
}

#[test]
fn cascades_key_changes_and_replication_roles_are_told() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE owners (id int PRIMARY KEY);
         CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES owners ON DELETE CASCADE ON UPDATE CASCADE);",
    );
    bed.write("INSERT INTO owners VALUES (1), (2); INSERT INTO pets VALUES (10, 1), (11, 1), (20, 2)");

    bed.write("BEGIN; DELETE FROM owners WHERE id = 1; UPDATE owners SET id = 3 WHERE id = 2; COMMIT");
    assert_eq!(bed.newest().len(), 6, "an owner and two pets go, an owner moves, a pet follows");
    bed.assert_log_tells_the_truth();

    bed.write("SET session_replication_role = replica; INSERT INTO pets VALUES (30, 99)");
    assert_eq!(bed.newest()[0].row.key, Key::of(30));
    bed.assert_log_tells_the_truth();
}

#[test]
fn partitions_are_one_table_also_those_that_come_later() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE events (id int, day int, what text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (10);
         CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);",
    );
    bed.write("INSERT INTO events VALUES (1, 1, 'a'), (2, 11, 'b')");

    bed.write("UPDATE events SET day = 12 WHERE id = 1");
    assert_eq!(bed.newest().len(), 2, "the key holds the day: one row goes, one comes");
    bed.write(
        "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (20) TO (30);
         SET session_replication_role = replica; INSERT INTO events VALUES (3, 25, 'c')",
    );
    assert_eq!(bed.newest().len(), 1);
    bed.write("TRUNCATE events_2");
    assert_eq!(bed.newest().len(), 2);
    bed.write("INSERT INTO events VALUES (4, 2, 'd'); TRUNCATE events_1, events_2");
    bed.assert_log_tells_the_truth();
}

#[test]
fn application_triggers_that_write_the_row_again_are_told_in_their_order() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE notes (id int PRIMARY KEY, title text, n int NOT NULL DEFAULT 0);
         CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF pg_trigger_depth() = 1 THEN UPDATE notes SET n = n + 1, title = upper(title); END IF; RETURN NULL; END $$;
         CREATE TRIGGER touch AFTER INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION other();
         CREATE FUNCTION low() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             NEW.title := lower(NEW.title); RETURN NEW; END $$;
         CREATE TRIGGER low BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION low();",
    );

    // Each of the three rows is written again for each of the three, before our trigger sees the later ones.
    bed.write("INSERT INTO notes VALUES (1, 'A'), (2, 'B'), (3, 'C')");
    bed.assert_log_tells_the_truth();
    bed.write("UPDATE notes SET title = 'x' || id");
    bed.assert_log_tells_the_truth();
    bed.write("BEGIN; UPDATE notes SET title = 'y'; DELETE FROM notes WHERE id = 2; INSERT INTO notes VALUES (2, 'Z'); COMMIT");
    bed.assert_log_tells_the_truth();
}

#[test]
fn a_migration_never_makes_a_write_fail_and_never_hides_one() {
    spec!("S3");
    let bed = Bed::new(NOTES);
    bed.write("INSERT INTO notes VALUES (1, 'a')");

    bed.write(
        "ALTER TABLE notes ADD COLUMN colour text NOT NULL DEFAULT 'red'; ALTER TABLE notes DROP COLUMN n;
         ALTER TABLE notes RENAME COLUMN title TO name; INSERT INTO notes VALUES (2, 'b', 'blue')",
    );
    assert_eq!(bed.newest()[0].row.key, Key::of(2));

    let again = Bed::open(bed.url.clone());
    assert_eq!(again.schema.version, 2);
    again.write("UPDATE notes SET name = 'c' WHERE id = 2");
    assert_eq!(again.newest()[0].after.as_ref().unwrap().value("colour"), &Value::text("blue"));
}

#[test]
fn a_long_transaction_holds_nobody_up_and_comes_when_it_commits() {
    spec!("S1");
    let bed = Bed::new(NOTES);
    bed.write("INSERT INTO notes VALUES (1, 'a'), (2, 'b')");
    let mut long = Psql::open(&bed.url);
    long.say("BEGIN; UPDATE notes SET title = 'long' WHERE id = 1;");
    let before = bed.head();

    bed.write("UPDATE notes SET title = 'short' WHERE id = 2");
    assert_eq!(bed.head(), Pos(before.0 + 1), "the short one has its position");
    assert_eq!(bed.newest()[0].row.key, Key::of(2));
    long.say("UPDATE notes SET title = 'long, too' WHERE id = 2; COMMIT;");
    bed.look();

    assert_eq!(bed.newest().len(), 2);
    bed.assert_log_tells_the_truth();
}

#[test]
fn detach_leaves_the_schema_as_it_was() {
    spec!("S8");
    let url = postgres::database();
    postgres::run_sql(
        &url,
        "CREATE SCHEMA crm; CREATE TABLE crm.people (id uuid PRIMARY KEY, name text);
         CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title varchar(20));
         CREATE TABLE events (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (10);
         INSERT INTO notes (title) VALUES ('a')",
    );
    let before = dump(&url);

    let bed = Bed::open(url.clone());
    bed.write("INSERT INTO notes (title) VALUES ('b')");
    assert!(bed.schema.tables.contains_key("crm.people"));
    drop(bed);
    runtime().block_on(swain_postgres::detach(swain_postgres::PostgresOptions::new(&url))).unwrap();

    assert_eq!(dump(&url), before);
    postgres::run_sql(&url, "INSERT INTO notes (title) VALUES ('c')");
}

fn dump(url: &str) -> String {
    let output = postgres::program("pg_dump").args(["-s", "-d", url]).output().unwrap();
    assert!(output.status.success());
    // Newer versions write a random word into their dumps.
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with("\\")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_position_that_is_too_large_is_named_and_not_read() {
    spec!("P27");
    let bed = Bed::new("CREATE TABLE notes (id int PRIMARY KEY, title text); CREATE TABLE u (id int PRIMARY KEY);");
    let head = bed.head();
    bed.write(&format!("INSERT INTO u SELECT generate_series(1, {})", POSITION_CHANGES_MAX + 1));
    bed.write("INSERT INTO notes VALUES (1, 'behind it')");
    let read = |after, interests| runtime().block_on(bed.store.log(after, bed.head(), interests, None, 1000)).unwrap();

    let page = read(head, None);
    let large = page.large.unwrap();
    assert_eq!((large.pos, page.through, page.positions.len()), (head.next(), head.next(), 0));
    assert_eq!(large.tables, ["u".into()].into());
    let behind = read(large.pos, None);
    assert_eq!((behind.positions.len(), behind.large), (1, None));

    // Who has nothing to do with its table goes past it.
    let interest = |table: &str| vec![Interest { table: table.into(), scope: None }];
    let page = read(head, Some(interest("notes")));
    assert_eq!((page.positions.len(), page.large, page.through), (1, None, bed.head()));
    let count = |table, max| runtime().block_on(bed.store.log_count(head, bed.head(), interest(table), max)).unwrap();
    assert_eq!((count("u", usize::MAX), count("notes", usize::MAX)), (usize::MAX, 1));
    // One as large as can be is read whole.
    bed.write(&format!("DELETE FROM u WHERE id <= {POSITION_CHANGES_MAX}"));
    assert_eq!(bed.newest().len(), POSITION_CHANGES_MAX);
}

#[test]
fn whatever_a_writer_prefers_its_values_are_written_down_alike() {
    spec!("S3");
    let bed = Bed::new(
        "CREATE TABLE plain (id int PRIMARY KEY, t text, b bool, u uuid, n numeric, j jsonb, l int[]);
         CREATE TABLE zoned (id int PRIMARY KEY, at timestamptz, day date, clock time, ats timestamptz[]);
         CREATE TABLE pinned (id int PRIMARY KEY, f float8, y bytea, i interval, r tstzrange, m money)",
    );
    let functions =
        "SELECT string_agg(tgrelid::regclass || ' ' || tgfoid::regproc, ', ' ORDER BY tgrelid::regclass::text)
        FROM pg_trigger WHERE tgname = '!swain_row'";
    assert_eq!(
        postgres::run_sql(&bed.url, functions),
        "pinned swain.capture, plain swain.capture_plain, zoned swain.capture_zoned"
    );
    bed.write(
        "SET timezone = 'Asia/Kolkata'; SET datestyle = 'German'; SET intervalstyle = 'sql_standard';
         SET extra_float_digits = -3; SET bytea_output = 'escape';
         INSERT INTO plain VALUES (1, 'x', true, gen_random_uuid(), 1.50, '{\"a\": 1.10}', '{1,2}');
         INSERT INTO zoned VALUES (1, '2026-07-01 12:00+02', '2026-07-01', '12:30', '{2026-07-01 12:00+02}');
         INSERT INTO pinned VALUES (1, 0.1 + 0.2::float8, '\\x00ff', '1 day 2 hours', '[2026-07-01, 2026-07-02)', 1.5);
         UPDATE plain SET t = 'y'; UPDATE zoned SET day = '2026-07-02'; UPDATE pinned SET f = f * 3",
    );

    bed.assert_log_tells_the_truth();
}
