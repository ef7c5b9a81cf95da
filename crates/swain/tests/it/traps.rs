//! What other programs do to a database that a server has open, and devices that equal the table after each of it.
//!
//! A real server over each database, real clients, and another program. Every trap here is one in which a plain design of
//! triggers loses or invents a change.

use std::collections::BTreeMap;

use swain_client::{Client, ClientConfig, Key, Patch, Row, Shape, Written};
use swain_core::Value;
use swain_core::strict_json::parse;
use swain_engine::TableConfig;
use swain_testkit::{PATIENCE, soon, spec, wait_for};

use crate::support::stage::{On, Outside, Stage, everybodys};

const TABLES: &str = "
    CREATE TABLE touched (id INTEGER PRIMARY KEY, a TEXT, updates INTEGER DEFAULT 0);
    CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT);
    CREATE TABLE codes (id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER);
    CREATE TABLE parents (id INTEGER PRIMARY KEY);
    CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE moving (id INTEGER PRIMARY KEY, team INTEGER, a TEXT, b TEXT);
    INSERT INTO touched (id, a) VALUES (1, 'x'), (2, 'y');
    INSERT INTO codes VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
    INSERT INTO moving VALUES (1, 1, 'a', 'b'), (2, 2, 'a', 'b'), (3, 1, 'a', 'b');";

const TABLES_SQLITE: &str = "
    CREATE TRIGGER touch AFTER UPDATE ON touched BEGIN UPDATE touched SET updates = updates + 1 WHERE id = NEW.id; END;
    CREATE TRIGGER lowers AFTER INSERT ON people BEGIN UPDATE people SET email = lower(NEW.email) WHERE id = NEW.id; END;
    CREATE TABLE strict_codes (id INTEGER PRIMARY KEY, code TEXT UNIQUE ON CONFLICT ROLLBACK);
    CREATE TABLE made (id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) STORED,
        thrice INTEGER AS (a * 3));
    CREATE TABLE flat (a TEXT, b INTEGER, v TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE odd (id INTEGER PRIMARY KEY, t TEXT, f REAL, b BLOB);";

/// A trigger that writes its own row again would call itself for ever here, unless it says how deep.
const TABLES_POSTGRES: &str = "
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE touched SET updates = updates + 1 WHERE id = NEW.id; RETURN NULL; END $$;
    CREATE TRIGGER touch AFTER UPDATE ON touched FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION touch();
    CREATE FUNCTION lowers() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE people SET email = lower(NEW.email) WHERE id = NEW.id; RETURN NULL; END $$;
    CREATE TRIGGER lowers AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION lowers();
    CREATE TABLE strict_codes (id int PRIMARY KEY, code text UNIQUE DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE made (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED,
        thrice int GENERATED ALWAYS AS (a * 3) STORED);
    CREATE TABLE flat (a text, b int, v text, PRIMARY KEY (a, b));
    CREATE TABLE odd (id int PRIMARY KEY, t text, f double precision, b bytea);";

const NAMES: [&str; 10] =
    ["touched", "people", "codes", "parents", "children", "strict_codes", "made", "flat", "odd", "moving"];

/// A server, two devices with everything, one with a team's part, and another program.
struct Cast {
    stage: Stage,
    devices: Vec<Client>,
    team: Client,
    outside: Outside,
}

impl Cast {
    async fn assemble(on: On) -> Self {
        let tables: Vec<(&str, &[&str])> =
            NAMES.iter().map(|name| (*name, if *name == "moving" { &["team"][..] } else { &[] })).collect();
        let own = if on == On::Sqlite { TABLES_SQLITE } else { TABLES_POSTGRES };
        let tables = tables.iter().map(everybodys).collect();
        let stage = Stage::start_on(on, &format!("{TABLES}{own}"), tables, |_| {}).await;
        let everything: Vec<Shape> = NAMES.iter().map(|name| Shape::table(name)).collect();
        let devices = vec![connect(&stage, everything.clone()).await, connect(&stage, everything).await];
        let ours = parse(r#"{"eq":["team",1]}"#).unwrap();
        let team = connect(&stage, vec![Shape { filter: Some(ours), ..Shape::table("moving") }]).await;
        let outside = stage.outside();
        Self { stage, devices, team, outside }
    }

    /// What the other program does; then every device equals the table.
    async fn does(&self, what: &str, sql: &str) {
        self.outside.run(sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        self.agree(what).await;
    }

    /// The same for something that the database refuses, wholly or in part.
    async fn tries(&self, what: &str, sql: &str) {
        assert!(self.outside.run(sql).is_err(), "{what}: it should fail");
        self.agree(what).await;
    }

    /// Waits until every device shows what is in the database.
    async fn agree(&self, what: &str) {
        for name in NAMES {
            for device in &self.devices {
                // The columns are those that the server knows by then.
                let is_equal = || async { (rows(device, name) == self.stage.rows(name, None).await).then_some(()) };
                wait_for(&format!("{what}: {name}"), is_equal).await;
            }
        }
        let ours = || async { self.stage.rows("moving", Some(("team", 1))).await };
        wait_for(&format!("{what}: the team"), || async { (rows(&self.team, "moving") == ours().await).then_some(()) })
            .await;
    }
}

async fn connect(stage: &Stage, shapes: Vec<Shape>) -> Client {
    let config = ClientConfig::new(format!("http://{}", stage.address()), shapes);
    let config = config.with_first_delay(std::time::Duration::from_millis(5));
    let client = Client::connect(config).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

fn rows(device: &Client, table: &str) -> Vec<Row> {
    device.rows(table).into_iter().map(|(_, row)| Row::clone(&row)).collect()
}

fn set(device: &Client, table: &str, key: i64, column: &str, value: &str) -> Written {
    let patch = Patch { set: Row::default().with(column, value), ..Patch::default() };
    device.update(table, Key::of(key), patch).unwrap()
}

async fn synced(written: Written) {
    soon("the acknowledgement", written.synced()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_programs_write_is_on_every_device() {
    what_they_write(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_postgresql() {
    what_they_write(On::Postgres).await;
}

async fn what_they_write(on: On) {
    spec!("S1", "S3");
    let cast = Cast::assemble(on).await;
    cast.agree("at first").await;
    cast.does("an unguarded trigger", "UPDATE touched SET a = 'z'").await;
    synced(set(&cast.devices[0], "touched", 1, "a", "by a device")).await;
    cast.agree("the trigger behind a device's edit").await;
    cast.does("a trigger that lowers", "INSERT INTO people VALUES (1, 'ADA@EXAMPLE.COM')").await;
    let ben = Row::default().with("email", "BEN@EXAMPLE.COM");
    synced(cast.devices[0].insert("people", Key::of(2), ben).unwrap()).await;
    cast.agree("the trigger behind a device's insert").await;

    cast.does(
        "a deferred foreign key",
        "BEGIN; INSERT INTO children VALUES (1, 7); INSERT INTO parents VALUES (7); COMMIT",
    )
    .await;
    cast.tries("a deferred foreign key that is broken", "BEGIN; INSERT INTO children VALUES (2, 8); COMMIT").await;
    cast.does("codes before", "INSERT INTO strict_codes VALUES (1, 'a')").await;
    let rolled_back = "BEGIN; INSERT INTO strict_codes VALUES (2, 'b'); UPDATE codes SET n = 0; INSERT INTO strict_codes VALUES (3, 'a'); COMMIT";
    cast.tries("a transaction that the database rolls back", rolled_back).await;
    let clash = Row::default().with("code", "a");
    assert!(
        soon("the refusal", cast.devices[0].insert("strict_codes", Key::of(4), clash).unwrap().synced()).await.is_err()
    );
    cast.agree("the same of a device's insert").await;

    cast.does("generated columns", "INSERT INTO made (id, a) VALUES (1, 2); UPDATE made SET a = 5").await;
    cast.does("a composite key", "INSERT INTO flat VALUES ('a', 1, 'v'), ('a', 2, 'w'); UPDATE flat SET b = 3 WHERE b = 2; DELETE FROM flat WHERE b = 1").await;
    match on {
        On::Sqlite => of_sqlite_alone(&cast).await,
        On::Postgres => of_postgresql_alone(&cast).await,
    }
    cast.does("a row that moves between teams", "UPDATE moving SET team = 3 - team").await;
}

async fn of_sqlite_alone(cast: &Cast) {
    cast.does("REPLACE over another row's unique value", "REPLACE INTO codes VALUES (9, 'one', 9)").await;
    cast.does("UPDATE OR REPLACE over it", "UPDATE OR REPLACE codes SET code = 'two' WHERE id = 3").await;
    cast.does("REPLACE over key and unique value", "REPLACE INTO codes VALUES (9, 'two', 10)").await;
    let odd = "INSERT INTO odd VALUES (1, x'00ff', 9e999, x'0102'), (2, CAST(x'610062' AS TEXT), -9e999, NULL);
        UPDATE odd SET b = 'text in a blob column', f = 'text in a real column' WHERE id = 2";
    cast.does("BLOB, infinity and NUL in a text", odd).await;
}

async fn of_postgresql_alone(cast: &Cast) {
    let upsert = "INSERT INTO codes VALUES (9, 'one', 9) ON CONFLICT (code) DO UPDATE SET id = excluded.id, n = 7";
    cast.does("an upsert that changes the key", upsert).await;
    cast.does("keys that change places", "UPDATE codes SET id = 20 - id").await;
    let odd = "INSERT INTO odd VALUES (1, E'\\\\ \\u0001', 'Infinity', '\\x0001ff'), (2, '', '-Infinity', ''), (3, NULL, 'NaN', NULL)";
    cast.does("bytes, infinity and no number", odd).await;
    cast.does("a row that comes and goes", "BEGIN; INSERT INTO odd VALUES (4); SAVEPOINT a; DELETE FROM odd; ROLLBACK TO a; DELETE FROM odd WHERE id > 2; COMMIT").await;
    cast.does("a replica's session", "SET session_replication_role = replica; UPDATE people SET email = 'APPLIED'")
        .await;
    cast.does("TRUNCATE", "TRUNCATE odd; INSERT INTO odd VALUES (7, 'behind it')").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_change_are_what_every_device_has() {
    tables_that_change(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_change_on_postgresql_are_too() {
    tables_that_change(On::Postgres).await;
}

async fn tables_that_change(on: On) {
    spec!("S14", "P13");
    let cast = Cast::assemble(on).await;
    cast.does("ADD COLUMN", "ALTER TABLE moving ADD COLUMN c TEXT DEFAULT 'c'; UPDATE moving SET a = 'after it'").await;
    wait_for("the new column", || async {
        (cast.devices[0].row("moving", Key::of(1))?.value("c") == &Value::text("c")).then_some(())
    })
    .await;
    synced(set(&cast.devices[0], "moving", 2, "c", "by a device")).await;
    cast.agree("an edit of the new column").await;
    cast.does("RENAME COLUMN", "ALTER TABLE moving RENAME COLUMN c TO d").await;

    let rebuild = "BEGIN; CREATE TABLE n (id INTEGER PRIMARY KEY, team INTEGER, a TEXT, b TEXT, d TEXT);
        INSERT INTO n SELECT id, team, upper(a), b, d FROM moving; DROP TABLE moving; ALTER TABLE n RENAME TO moving; COMMIT;
        UPDATE moving SET b = 'with nobody looking' WHERE id = 1; DELETE FROM moving WHERE id = 3";
    cast.does("a rebuilt table with the same columns", rebuild).await;
    cast.does("what comes behind it", "INSERT INTO moving (id, team, a) VALUES (10, 1, 'new')").await;
    cast.does("a new unique key", "UPDATE moving SET b = id; CREATE UNIQUE INDEX single ON moving (b)").await;
    match on {
        On::Sqlite => {
            cast.does("REPLACE over the new key", "REPLACE INTO moving (id, team, b) VALUES (11, 1, '10')").await;
        }
        On::Postgres => {
            let upsert = "INSERT INTO moving (id, team, b) VALUES (11, 1, '10') ON CONFLICT (b) DO UPDATE SET id = 12";
            cast.does("an upsert over the new key", upsert).await;
            cast.does("DROP COLUMN", "ALTER TABLE moving DROP COLUMN d; UPDATE moving SET a = 'after it'").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_table_may_lose_a_column_while_edits_of_it_wait() {
    paused(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_table_on_postgresql_may_too() {
    paused(On::Postgres).await;
}

async fn paused(on: On) {
    spec!("S14");
    let cast = Cast::assemble(on).await;
    if on == On::Sqlite {
        let refused = cast.outside.run("ALTER TABLE moving DROP COLUMN b").unwrap_err();
        assert!(refused.contains("swain_moving"), "while it is captured SQLite says: {refused}");
    }

    assert!(cast.stage.pause("moving").await);
    cast.outside.run("UPDATE moving SET a = 'paused' WHERE id > 1; ALTER TABLE moving DROP COLUMN b").unwrap();
    let waiting = set(&cast.devices[0], "moving", 1, "a", "by a device");
    // Other devices and tables go on.
    synced(set(&cast.devices[1], "codes", 1, "code", "meanwhile")).await;
    wait_for("the other table", || async {
        let row = cast.devices[0].row("codes", Key::of(1))?;
        (row.value("code").as_text() == Some("meanwhile")).then_some(())
    })
    .await;
    assert_eq!(cast.devices[0].status().pending, 1, "the edit waits");

    assert!(cast.stage.resume("moving").await);
    synced(waiting).await;
    cast.agree("resumed").await;
    let row = cast.devices[1].row("moving", Key::of(1)).unwrap();
    assert_eq!((row.value("a").as_text(), row.0.contains_key("b")), (Some("by a device"), false));
    cast.does("noted again", "UPDATE moving SET a = 'noted'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_its_rule_no_longer_fits_is_closed_until_it_does() {
    closed(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_on_postgresql_that_its_rule_no_longer_fits_is_closed_too() {
    closed(On::Postgres).await;
}

async fn closed(on: On) {
    spec!("S14");
    let sql = "CREATE TABLE ruled (id INTEGER PRIMARY KEY, kind TEXT, a TEXT); CREATE TABLE free (id INTEGER PRIMARY KEY, a TEXT);
        INSERT INTO ruled VALUES (1, 'open', 'x'), (2, 'secret', 'y'); INSERT INTO free VALUES (1, 'x')";
    let ruled =
        TableConfig { read: Some("kind = 'open'".into()), write: Some("true".into()), ..TableConfig::default() };
    let tables: BTreeMap<String, TableConfig> = [("ruled".to_owned(), ruled), everybodys(&("free", &[]))].into();
    let stage = Stage::start_on(on, sql, tables, |_| {}).await;
    let device = connect(&stage, vec![Shape::table("ruled"), Shape::table("free")]).await;
    let outside = stage.outside();
    assert_eq!(device.rows("ruled").len(), 1);

    outside.run("ALTER TABLE ruled RENAME COLUMN kind TO sort").unwrap();
    wait_for("nothing to be read", || async { device.rows("ruled").is_empty().then_some(()) }).await;
    let free = set(&device, "free", 1, "a", "goes on");
    synced(free).await;
    let waiting = device.insert("ruled", Key::of(3), Row::default().with("a", "waits")).unwrap();
    wait_for("the server's answer", || async { (device.status().pending == 1).then_some(()) }).await;

    outside.run("ALTER TABLE ruled RENAME COLUMN sort TO kind").unwrap();
    wait_for("the row that may be read", || async { device.row("ruled", Key::of(1)) }).await;
    synced(waiting).await;
    let kept = stage.rows("ruled", None).await;
    assert_eq!(kept[2].value("a").as_text(), Some("waits"));
}
