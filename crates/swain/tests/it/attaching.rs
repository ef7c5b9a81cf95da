//! A database that lives already: attached, live in both directions, and left as it was found.

use std::path::{Path, PathBuf};

use crate::support::shell::{swain, well, wrong};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use swain_client::{Client, ClientConfig, Key, Row, Shape, Value};
use swain_testkit::{PATIENCE, Program, spec, wait_for};

/// The shape of Chinook, for where it does not lie beside the repository.
const MUSIC: &str = "
    CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, Name NVARCHAR(120));
    CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, Title NVARCHAR(160) NOT NULL,
        ArtistId INTEGER NOT NULL, FOREIGN KEY (ArtistId) REFERENCES Artist (ArtistId));
    CREATE TABLE Track (TrackId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, Name NVARCHAR(200) NOT NULL,
        UnitPrice NUMERIC(10, 2) NOT NULL);
    CREATE TABLE Playlist (PlaylistId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, Name NVARCHAR(120));
    CREATE TABLE PlaylistTrack (PlaylistId INTEGER NOT NULL, TrackId INTEGER NOT NULL, PRIMARY KEY (PlaylistId, TrackId));
    INSERT INTO Artist (Name) VALUES ('AC/DC'), ('Accept');
    INSERT INTO Album (Title, ArtistId) VALUES ('Let There Be Rock', 1);
    INSERT INTO Track (Name, UnitPrice) VALUES ('Go Down', 0.99), ('Dog Eat Dog', 0.99);
    INSERT INTO Playlist (Name) VALUES ('Music');
    INSERT INTO PlaylistTrack VALUES (1, 2);";

/// Writes into an empty folder: Chinook where it is, else its like.
fn music(path: &Path) {
    let chinook = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/chinook/Chinook_Sqlite_AutoIncrementPKs.sqlite");
    match std::fs::read(&chinook) {
        Ok(bytes) => {
            println!("with Chinook");
            std::fs::write(path, bytes).unwrap();
        }
        Err(_) => {
            println!("with a fixture in Chinook's place");
            Connection::open(path).unwrap().execute_batch(MUSIC).unwrap();
        }
    }
}

fn rows(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let text = |value: ValueRef<'_>| format!("{value:?}");
    let read = statement
        .query_map([], |row| (0..columns).map(|place| row.get_ref(place).map(text)).collect::<Result<Vec<_>, _>>());
    read.unwrap().map(|row| row.unwrap().join("|")).collect()
}

fn tables(conn: &Connection) -> Vec<String> {
    let sql =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'swain_*'
               ORDER BY name";
    let mut statement = conn.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Everything that is in a file: schema, settings, rows, and which ids were given.
fn dump(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut dump = rows(&conn, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid");
    for pragma in ["journal_mode", "user_version", "application_id"] {
        dump.extend(rows(&conn, &format!("PRAGMA {pragma}")));
    }
    let with_sequence = tables(&conn).into_iter().chain(["sqlite_sequence".to_owned()]);
    dump.extend(
        with_sequence.flat_map(|table| rows(&conn, &format!("SELECT '{table}', * FROM \"{table}\" ORDER BY 2, 3"))),
    );
    dump
}

async fn device(url: &str, tables: &[String]) -> Client {
    let shapes = tables.iter().map(|table| Shape::table(table.as_str())).collect();
    let client = Client::connect(ClientConfig::new(url, shapes)).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

fn copy_of(path: &Path, name: &str) -> PathBuf {
    let copy = path.with_file_name(name);
    std::fs::copy(path, &copy).unwrap();
    copy
}

#[tokio::test]
async fn a_database_that_lives_is_live_and_is_left_as_it_was_found() {
    spec!("S15");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("music.db");
    music(&path);
    let expected = copy_of(&path, "expected.db");
    let names = tables(&Connection::open(&path).unwrap());

    let said = well(folder.path(), &["attach", "music.db", "--open"]).await;
    assert!(said.contains("music.db is attached") && said.contains("PlaylistTrack"), "{said}");
    let config = folder.path().join("swain.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert_eq!(text.matches("read = \"true\"").count(), names.len(), "{text}");
    std::fs::write(&config, text.replace("read = \"true\"", "read = \"true\"\nwrite = \"true\"")).unwrap();
    let mut server = Program::start(&mut swain(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);
    let client = device(&url, &names).await;

    let outside = Connection::open(&path).unwrap();
    for table in &names {
        let count: i64 = outside.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get(0)).unwrap();
        assert_eq!(client.rows(table).len(), usize::try_from(count).unwrap(), "{table}");
    }
    let proposed = client.new_key("Artist").unwrap();
    client.insert("Artist", proposed.clone(), Row::default().with("Name", "Nina")).unwrap().synced().await.unwrap();
    let given = client.resolve("Artist", proposed);
    let id = given.0[0].as_int().unwrap();
    assert!(id > 0, "{given:?}");
    let pair = Key(vec![Value::Int(1), Value::Int(1)]);
    client.delete("PlaylistTrack", pair.clone()).ok();
    client.sync(PATIENCE).await.unwrap();
    client.insert("PlaylistTrack", pair, Row::default()).unwrap().synced().await.unwrap();
    outside.execute_batch("UPDATE Artist SET Name = 'changed by another program' WHERE ArtistId = 2").unwrap();
    wait_for("the other program's change", || async {
        client.row("Artist", Key::of(2)).filter(|row| row.value("Name").as_text() == Some("changed by another program"))
    })
    .await;
    drop(outside);
    drop(client);
    server.signal("TERM").await;
    assert!(server.end().await.success());

    let said = well(folder.path(), &["detach"]).await;
    assert!(said.contains("as it was found"), "{said}");
    let plain = Connection::open(&expected).unwrap();
    plain.execute("INSERT INTO Artist (Name) VALUES ('Nina')", []).unwrap();
    assert_eq!(plain.last_insert_rowid(), id);
    let sql = "INSERT OR REPLACE INTO PlaylistTrack VALUES (1, 1);
               UPDATE Artist SET Name = 'changed by another program' WHERE ArtistId = 2";
    plain.execute_batch(sql).unwrap();
    drop(plain);
    assert_eq!(dump(&path), dump(&expected));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("music.db-")), "{left:?}");
}

#[tokio::test]
async fn attaching_says_what_is_left_out_and_keeps_what_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL, title TEXT); CREATE TABLE lines (text TEXT);
        CREATE VIEW titles AS SELECT title FROM notes;",
    )
    .unwrap();

    let said = well(folder.path(), &["attach", "app.db"]).await;
    assert!(said.contains("lines: left out, it has no PRIMARY KEY"), "{said}");
    assert!(said.contains("titles: left out, it is a view"), "{said}");
    assert!(well(folder.path(), &["check"]).await.contains("nobody can read it"));

    let config = folder.path().join("swain.toml");
    let text =
        std::fs::read_to_string(&config).unwrap().replace("[tables.notes]", "# mine\n[tables.notes]\nread = \"false\"");
    std::fs::write(&config, &text).unwrap();
    conn.execute_batch("CREATE TABLE later (id INTEGER PRIMARY KEY, title TEXT)").unwrap();
    well(folder.path(), &["attach", "--open"]).await;
    let now = std::fs::read_to_string(&config).unwrap();
    assert!(now.starts_with(text.trim_end()), "{now}");
    assert!(now.contains("[tables.later]\nread = \"true\""), "{now}");
}

#[tokio::test]
async fn what_cannot_be_attached_or_detached_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let said = wrong(folder.path(), &["attach", "nowhere.db"]).await;
    assert!(said.contains("there is no database nowhere.db") && said.contains("swain init"), "{said}");
    assert!(!folder.path().join("swain.toml").exists());

    let conn = Connection::open(folder.path().join("app.db")).unwrap();
    conn.execute_batch("CREATE TABLE lines (text TEXT)").unwrap();
    assert!(wrong(folder.path(), &["attach", "app.db"]).await.contains("no table that can be synced"));
    conn.execute_batch("CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL)").unwrap();
    assert!(wrong(folder.path(), &["detach", "app.db"]).await.contains("nothing of Swain"));

    std::fs::write(folder.path().join("swain.toml"), "[server]\nlisten = \"0.0.0.0:80\"\n").unwrap();
    assert!(wrong(folder.path(), &["attach", "app.db", "--open"]).await.contains("not this machine alone"));
    well(folder.path(), &["attach", "app.db"]).await;
    // Another program that has looked at it since.
    let notes: i64 = conn.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).unwrap();
    assert_eq!(notes, 0);
    assert!(wrong(folder.path(), &["detach"]).await.contains("stop it first"));
    drop(conn);
    std::fs::write(folder.path().join("word"), "long enough\n").unwrap();
    well(folder.path(), &["user", "add", "ada@example.com", "--password-file", "word"]).await;
    assert!(wrong(folder.path(), &["detach"]).await.contains("--yes"));
    well(folder.path(), &["detach", "--yes"]).await;
}
