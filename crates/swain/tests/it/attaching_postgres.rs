//! A PostgreSQL database that lives already: attached by its owner or its administrator, live whatever anybody does to it,
//! and left as it was found.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use swain_client::{Client, ClientConfig, Key, Row, Shape, Value};
use swain_testkit::{PATIENCE, Program, postgres, spec, wait_for};

use crate::support::shell::{swain, well, wrong};

/// The shape of Chinook, and what cannot be synced.
const MUSIC: &str = "
    CREATE TABLE artist (artist_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(120));
    CREATE TABLE album (album_id serial PRIMARY KEY, title varchar(160) NOT NULL,
        artist_id int NOT NULL REFERENCES artist, added timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON album (artist_id);
    CREATE TABLE track (track_id int PRIMARY KEY, name varchar(200) NOT NULL, unit_price numeric(10, 2) NOT NULL,
        cents int GENERATED ALWAYS AS (unit_price * 100) STORED);
    CREATE TABLE playlist_track (playlist_id int, track_id int REFERENCES track, PRIMARY KEY (playlist_id, track_id));
    CREATE SCHEMA crm; CREATE TABLE crm.customer (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text UNIQUE);
    CREATE TABLE lines (what text); CREATE VIEW titles AS SELECT title FROM album;
    CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY);
    CREATE TYPE pair AS (a int, b int); CREATE TABLE odd (id int PRIMARY KEY, p pair);
    INSERT INTO artist (name) VALUES ('AC/DC'), ('Accept');
    INSERT INTO album (title, artist_id) VALUES ('Let There Be Rock', 1);
    INSERT INTO track VALUES (1, 'Go Down', 0.99), (2, 'Dog Eat Dog', 0.99); INSERT INTO playlist_track VALUES (1, 2);";

/// Rows that one transaction writes: more than are told change by change.
fn many() -> i64 {
    std::env::var("SWAIN_ATTACH_ROWS").map_or(20_000, |text| text.parse().unwrap())
}

/// For as many: the transaction, its position, and a load.
const LIMIT: Duration = Duration::from_secs(120);

/// What the server may hold at its peak.
const MEMORY_MAX: u64 = 128 * 1024 * 1024;

/// A database, and a role that is no superuser, as the administrator and as the role reach it.
fn database_with_role(name: &str) -> (String, String, String) {
    let administrator = postgres::database();
    let role = format!("{name}_{}", std::process::id());
    postgres::run_sql(&administrator, &format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN"));
    let (scheme, rest) = administrator.split_once("://").unwrap();
    let place = rest.split_once('@').unwrap().1;
    let url = format!("{scheme}://{role}@{place}");
    (administrator, url, role)
}

fn dump(url: &str) -> String {
    let output = postgres::program("pg_dump").args(["-s", "-d", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Newer versions write a random word into their dumps.
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with('\\')).fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").unwrap();
        text
    })
}

async fn serve(folder: &Path) -> (Program, String) {
    let server = Program::start(&mut swain(folder, &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);
    (server, url)
}

async fn device(url: &str, tables: &[&str]) -> Client {
    let shapes = tables.iter().map(|table| Shape::table(table)).collect();
    let client = Client::connect(ClientConfig::new(url, shapes)).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

async fn shows(client: &Client, table: &str, key: i64, column: &str, value: &Value) {
    let probe = || async { (client.row(table, Key::of(key))?.value(column) == value).then_some(()) };
    wait_for(&format!("{table} {key}: {column} = {value:?}"), probe).await;
}

/// Waits longer than for anything else, and looks less often: each look is at all of them.
async fn has_many(client: &Client, mood: &Value) {
    let (rows, last) = (10_002 + usize::try_from(many()).unwrap(), 19_999 + many());
    let began = Instant::now();
    let is_there = || client.row("track", Key::of(last)).is_some_and(|row| row.value("mood") == mood);
    while !(is_there() && client.status().loading.is_none() && client.rows("track").len() == rows) {
        assert!(began.elapsed() < LIMIT, "{rows} rows do not come");
        // sleep: many rows are waited for, longer than the kit waits
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("{rows} rows after {:.1} s", began.elapsed().as_secs_f64());
}

async fn has(client: &Client, table: &str, rows: usize) {
    let probe = || async { (client.rows(table).len() == rows && client.status().loading.is_none()).then_some(()) };
    wait_for(&format!("{rows} rows of {table}"), probe).await;
}

/// Everybody may read and write what can be synced; the rest is named.
async fn attach_all(folder: &Path, owner: &str) {
    let said = well(folder, &["attach", owner, "--open"]).await;
    for words in [
        "is attached: every change",
        "playlist_track\n",
        "crm.customer\n",
        "cents is computed by the database",
        "lines: left out, it has no PRIMARY KEY",
        "titles: left out, it is a view",
        "scratch: left out, it is unlogged",
        "odd: left out, column 'p' has the type pair",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let config = folder.join("swain.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("[tables.\"crm.customer\"]") && !text.contains("[tables.odd]"), "{text}");
    std::fs::write(&config, text.replace("read = \"true\"", "read = \"true\"\nwrite = \"true\"")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_database_that_lives_is_live_and_is_left_as_it_was_found() {
    spec!("S15", "S3", "S14", "P27");
    let (administrator, owner, role) = database_with_role("owner");
    let name = postgres::run_sql(&administrator, "SELECT current_database()");
    postgres::run_sql(
        &administrator,
        &format!("ALTER DATABASE {name} OWNER TO {role}; ALTER SCHEMA public OWNER TO {role}"),
    );
    postgres::run_sql(&owner, MUSIC);
    let before = dump(&owner);
    let folder = tempfile::tempdir().unwrap();

    attach_all(folder.path(), &owner).await;
    let (server, url) = serve(folder.path()).await;
    let client = device(&url, &["artist", "album", "track", "playlist_track", "crm.customer"]).await;
    assert_eq!((client.rows("artist").len(), client.rows("playlist_track").len()), (2, 1));

    // Both ways; the database gives the id.
    let proposed = client.new_key("artist").unwrap();
    client.insert("artist", proposed.clone(), Row::default().with("name", "Nina")).unwrap().synced().await.unwrap();
    assert_eq!(client.resolve("artist", proposed), Key::of(3));
    postgres::run_sql(&owner, "UPDATE track SET unit_price = 1.10 WHERE track_id = 2");
    shows(&client, "track", 2, "unit_price", &Value::text("1.10")).await;
    shows(&client, "track", 2, "cents", &Value::Int(110)).await;
    // A program with no rights but to add an artist is seen as well.
    let guest = format!("guest_{}", std::process::id());
    postgres::run_sql(
        &administrator,
        &format!("DROP ROLE IF EXISTS {guest}; CREATE ROLE {guest}; GRANT INSERT ON artist TO {guest};
            SET ROLE {guest}; INSERT INTO artist (name) VALUES ('by a guest'); RESET ROLE; DROP OWNED BY {guest}; DROP ROLE {guest}"),
    );
    shows(&client, "artist", 4, "name", &Value::text("by a guest")).await;

    let csv = folder.path().join("tracks.csv");
    std::fs::write(&csv, (100..10_100).map(|id| format!("{id},copied,0.50\n")).collect::<String>()).unwrap();
    postgres::run_sql(&owner, &format!("\\copy track (track_id, name, unit_price) FROM '{}' CSV", csv.display()));
    has(&client, "track", 10_002).await;
    postgres::run_sql(&owner, "TRUNCATE playlist_track");
    has(&client, "playlist_track", 0).await;
    // Of this there is no change by change: the table is noticed and loaded anew.
    postgres::run_sql(&owner, "ALTER TABLE track ADD COLUMN mood text DEFAULT 'calm'");
    shows(&client, "track", 2, "mood", &Value::text("calm")).await;
    client.update("track", Key::of(2), patch("mood", "wild")).unwrap().synced().await.unwrap();
    assert_eq!(postgres::run_sql(&owner, "SELECT mood FROM track WHERE track_id = 2"), "wild");
    postgres::run_sql(
        &owner,
        &format!("INSERT INTO track SELECT 19999 + i, 'many', 1 FROM generate_series(1, {}) i", many()),
    );
    has_many(&client, &Value::text("calm")).await;
    postgres::run_sql(&owner, "UPDATE track SET mood = 'new'");
    has_many(&client, &Value::text("new")).await;
    assert!(client.rows("track").iter().all(|(_, row)| row.value("mood") == &Value::text("new")));
    let peak = server.memory_peak();
    println!("the server held {} MB at most", peak / 1_000_000);
    assert!(peak < MEMORY_MAX, "the server held {peak} bytes");
    drop(client);
    server.kill().await;

    let said = well(folder.path(), &["detach"]).await;
    assert!(said.contains("is as it was found"), "{said}");
    assert!(wrong(folder.path(), &["detach"]).await.contains("nothing of Swain"));
    postgres::run_sql(&owner, "ALTER TABLE track DROP COLUMN mood");
    assert_eq!(dump(&owner), before);
    postgres::run_sql(&owner, "UPDATE track SET name = 'free'");
}

fn patch(column: &str, value: &str) -> swain_client::Patch {
    swain_client::Patch { set: Row::default().with(column, value), ..swain_client::Patch::default() }
}

#[tokio::test]
async fn what_a_role_may_not_its_administrator_does() {
    spec!("S15");
    let (administrator, url, role) = database_with_role("app");
    postgres::run_sql(
        &administrator,
        &format!(
            "CREATE TABLE notes (id int PRIMARY KEY, title text); INSERT INTO notes VALUES (1, 'first');
             CREATE TABLE hidden (id int PRIMARY KEY); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
             GRANT SELECT, INSERT, UPDATE, DELETE ON notes, hidden TO {role}"
        ),
    );
    let folder = tempfile::tempdir().unwrap();

    let said = wrong(folder.path(), &["attach", &url]).await;
    assert!(said.contains("permission denied") && said.contains("swain attach --sql"), "{said}");
    assert!(!folder.path().join("swain.toml").exists());
    let sql = well(folder.path(), &["attach", &url, "--sql"]).await;
    assert!(!folder.path().join("swain.toml").exists(), "it only prints");
    postgres::run_sql(&administrator, &sql);
    let with_password = url.replace('@', ":secret@");
    let said = well(folder.path(), &["attach", &with_password, "--open"]).await;

    assert!(said.contains("it belongs to postgres") && said.contains("hidden: left out, row security"), "{said}");
    assert!(said.contains("DATABASE_URL"), "{said}");
    let config = folder.path().join("swain.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("[tables.notes]") && !text.contains("secret"), "{text}");
    std::fs::write(&config, format!("{text}\n[database]\nurl = \"{url}\"\n")).unwrap();
    let (_server, address) = serve(folder.path()).await;
    let client = device(&address, &["notes"]).await;
    postgres::run_sql(&administrator, "UPDATE notes SET title = 'by the administrator'");
    shows(&client, "notes", 1, "title", &Value::text("by the administrator")).await;
}
