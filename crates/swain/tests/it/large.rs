//! A million rows in one transaction of another program: nobody reads them as one, and every device has what is its own.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use swain_client::{Client, ClientConfig, Key, Shape};
use swain_core::strict_json::parse;
use swain_testkit::{PATIENCE, Program, spec, wait_for};

use crate::support::shell::{swain, well};

const ROWS: u64 = 1_000_000;
/// Of a thousand teams, so a thousand rows are a team's.
const TEAMS: u64 = 1000;
/// What the server may hold at its peak. The changes alone are about 700 MB when they are read as one.
const MEMORY_MAX: u64 = 128 * 1024 * 1024;
/// The transaction, its position, and two loads.
const LIMIT: Duration = Duration::from_secs(180);

const TABLES: &str = "
    CREATE TABLE plays (id INTEGER PRIMARY KEY, team INTEGER, points INTEGER, note TEXT);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
    INSERT INTO plays VALUES (1, 1, 0, 'first'); INSERT INTO notes VALUES (1, 'x');";

const CONFIG: &str = "
[database]
path = \"app.db\"
[tables.plays]
read = \"true\"
scopes = [\"team\"]
[tables.notes]
read = \"true\"
write = \"true\"
";

async fn connect(url: &str, shapes: Vec<Shape>) -> Client {
    let config = ClientConfig::new(url, shapes).with_first_delay(Duration::from_millis(5));
    let client = Client::connect(config).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

/// Waits longer than for anything else.
async fn comes(what: &str, began: Instant, mut is_there: impl FnMut() -> bool) {
    let mut last = 0;
    while !is_there() {
        assert!(began.elapsed() < LIMIT, "{what} does not come");
        // sleep: a million rows are waited for, longer than the kit waits
        tokio::time::sleep(Duration::from_millis(100)).await;
        last += 1;
    }
    println!("{what} after {:.1} s, {last} looks", began.elapsed().as_secs_f64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_rows_in_one_transaction() {
    spec!("P27", "S3");
    let folder = tempfile::tempdir().unwrap();
    let outside = Connection::open(folder.path().join("app.db")).unwrap();
    outside.execute_batch(TABLES).unwrap();
    std::fs::write(folder.path().join("swain.toml"), CONFIG).unwrap();
    well(folder.path(), &["check"]).await;
    let server = Program::start(&mut swain(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);
    let ours = parse(r#"{"eq":["team",1]}"#).unwrap();
    let team = connect(&url, vec![Shape { filter: Some(ours), ..Shape::table("plays") }]).await;
    let notes = connect(&url, vec![Shape::table("notes")]).await;
    let everything = connect(&url, vec![Shape::table("plays"), Shape::table("notes")]).await;

    let began = Instant::now();
    outside
        .execute_batch(&format!(
            "BEGIN; DELETE FROM plays;
             INSERT INTO plays WITH RECURSIVE n(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM n LIMIT {ROWS})
                 SELECT x, x % {TEAMS}, x, 'a note of about as many bytes as a note has' FROM n;
             COMMIT"
        ))
        .unwrap();
    println!("written after {:.1} s", began.elapsed().as_secs_f64());
    let rows = |client: &Client| client.rows("plays").len() as u64;
    comes("the team's part", began, || rows(&team) == ROWS / TEAMS && team.row("plays", Key::of(1)).is_none()).await;
    comes("everything", began, || rows(&everything) == ROWS && everything.status().loading.is_none()).await;

    // Whom it does not concern goes on, and so does everybody else.
    outside.execute_batch("UPDATE notes SET text = 'behind it'; UPDATE plays SET points = -1 WHERE id = 1001").unwrap();
    for device in [&notes, &everything] {
        wait_for("the note", || async {
            (device.row("notes", Key::of(1))?.value("text").as_text() == Some("behind it")).then_some(())
        })
        .await;
    }
    for device in [&team, &everything] {
        wait_for("the points", || async {
            (device.row("plays", Key::of(1001))?.value("points").as_int() == Some(-1)).then_some(())
        })
        .await;
    }
    let mut stored = outside.prepare("SELECT id, points FROM plays ORDER BY id").unwrap();
    let stored: Vec<(i64, i64)> =
        stored.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let held = everything.rows("plays").into_iter().map(|(_, row)| {
        let whole = |column| row.value(column).as_int().unwrap();
        (whole("id"), whole("points"))
    });
    assert!(held.eq(stored), "the device with everything equals the table");

    let peak = server.memory_peak();
    println!("the server held {} MB at most", peak / 1_000_000);
    assert!(peak < MEMORY_MAX, "the server held {peak} bytes");
}
