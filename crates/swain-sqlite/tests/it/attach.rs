//! Coming to a database that lives already, and leaving it as it was found (spec S15).

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use swain_core::{Key, Millis, Row};
use swain_sqlite::{LeftOut, Remark, SqliteOptions, SqliteStore, detach, survey};
use swain_store::conformance::PlainArbiter;
use swain_store::{Store as _, ready};
use swain_testkit::spec;
use tempfile::TempDir;

use crate::bed::{insert, outcomes, submission};

/// The shape of Chinook: drawn ids that are never used twice, a key of two columns, references.
const MUSIC: &str = "
    PRAGMA user_version = 12; PRAGMA application_id = 77;
    CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, Name NVARCHAR(120));
    CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, Title NVARCHAR(160) NOT NULL,
        ArtistId INTEGER NOT NULL REFERENCES Artist (ArtistId));
    CREATE TABLE Playlist (PlaylistId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, Name NVARCHAR(120));
    CREATE TABLE PlaylistTrack (PlaylistId INTEGER NOT NULL, TrackId INTEGER NOT NULL, PRIMARY KEY (PlaylistId, TrackId));
    CREATE INDEX IFK_Album ON Album (ArtistId);
    CREATE VIEW Titles AS SELECT Title FROM Album;
    CREATE TRIGGER trim_name AFTER INSERT ON Artist BEGIN UPDATE Artist SET Name = trim(Name) WHERE ArtistId = NEW.ArtistId; END;
    INSERT INTO Artist (Name) VALUES (' AC/DC'), ('Accept'), ('gone'); DELETE FROM Artist WHERE Name = 'gone';
    INSERT INTO Album (Title, ArtistId) VALUES ('Let There Be Rock', 1);
    INSERT INTO Playlist (Name) VALUES ('Music');
    INSERT INTO PlaylistTrack VALUES (1, 1), (1, 2);";

/// Every database to be tried: one of our own, and Chinook itself where it lies beside the repository.
fn databases() -> Vec<(TempDir, PathBuf)> {
    let place = || {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("app.db");
        (folder, path)
    };
    let own = place();
    Connection::open(&own.1).unwrap().execute_batch(MUSIC).unwrap();
    let chinook = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/chinook/Chinook_Sqlite_AutoIncrementPKs.sqlite");
    let mut all = vec![own];
    if chinook.exists() {
        let copy = place();
        // Its bytes, not its rights: the original may be read-only.
        std::fs::write(&copy.1, std::fs::read(chinook).unwrap()).unwrap();
        all.push(copy);
    }
    all
}

/// What its owner set: schema in its order, and what is in the file's header.
fn settings(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut settings = rows(&conn, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid");
    for pragma in ["journal_mode", "user_version", "application_id", "encoding", "auto_vacuum", "page_size"] {
        settings.extend(rows(&conn, &format!("PRAGMA {pragma}")));
    }
    settings
}

fn data(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'swain_*' ORDER BY name";
    let mut statement = conn.prepare(sql).unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    tables.iter().flat_map(|table| rows(&conn, &format!("SELECT '{table}', * FROM \"{table}\""))).collect()
}

fn rows(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let text = |value: ValueRef<'_>| format!("{value:?}");
    let rows = statement
        .query_map([], |row| (0..columns).map(|place| row.get_ref(place).map(text)).collect::<Result<Vec<_>, _>>());
    rows.unwrap().map(|row| row.unwrap().join("|")).collect()
}

#[test]
fn a_database_is_left_as_it_was_found() {
    spec!("S15");
    for (_folder, path) in databases() {
        let (found, found_data) = (settings(&path), data(&path));
        let store = SqliteStore::open_stepped(&path, SqliteOptions::seeded(7)).unwrap();
        let schema = ready(store.introspect(None)).unwrap();
        let schema = ready(store.adopt(schema, Millis(1))).unwrap();
        assert_eq!(survey(&path).unwrap().journal_mode, "wal");
        assert_eq!(data(&path), found_data);

        // A device inserts, and another program changes a row.
        let operations = vec![
            insert("Artist", Key::of(9_001), Row::default().with("Name", "Swain")),
            insert("PlaylistTrack", Key(vec![2.into(), 1.into()]), Row::default()),
        ];
        let arbiter = std::sync::Arc::new(PlainArbiter { schema: schema.clone() });
        let answers = ready(store.submit(arbiter, vec![submission("d", 1, operations)]));
        assert_eq!(outcomes(&answers), [swain_core::protocol::Outcome::Applied]);
        let outside = Connection::open(&path).unwrap();
        outside.execute_batch("UPDATE Artist SET Name = 'Accept!' WHERE ArtistId = 2").unwrap();
        ready(store.look_outside(Millis(2))).unwrap();

        // Neither a server nor anybody else may have it open meanwhile.
        assert!(detach(&path).unwrap_err().to_string().contains("open"));
        drop((store, outside));
        let written = data(&path);
        let detached = detach(&path).unwrap();

        assert!(detached.mode_was_known);
        assert_eq!(settings(&path), found);
        assert_eq!(data(&path), written);
        assert_ne!(written, found_data, "what was written stays");
        assert!(!survey(&path).unwrap().is_attached);
        assert!(detach(&path).is_err(), "there is nothing to detach any more");
    }
}

#[test]
fn a_survey_names_what_is_left_out_and_why() {
    spec!("S15");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("app.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "CREATE TABLE keyless (a TEXT); CREATE VIEW seen AS SELECT a FROM keyless;
         CREATE TABLE t (id INTEGER PRIMARY KEY, place GEOMETRY, twice INTEGER AS (id * 2) VIRTUAL, any);
         CREATE VIRTUAL TABLE words USING fts5(word)",
    )
    .unwrap();

    let found = survey(&path).unwrap();

    let left_out: Vec<_> = found.tables.iter().map(|table| (table.name.as_str(), table.left_out)).collect();
    let shadow = Some(LeftOut::Shadow);
    assert_eq!(left_out[..3], [("keyless", Some(LeftOut::NoKey)), ("seen", Some(LeftOut::View)), ("t", None)]);
    assert_eq!(left_out[3], ("words", Some(LeftOut::Virtual)));
    assert!(left_out[4..].iter().all(|(_, why)| *why == shadow) && left_out.len() > 4);
    let remarks = &found.tables[2].remarks;
    assert_eq!(remarks[0], Remark::UnknownType { column: "place".into(), declared: "GEOMETRY".into() });
    assert_eq!(remarks[1], Remark::Generated("twice".into()));
    assert_eq!(remarks[2], Remark::UnknownType { column: "any".into(), declared: String::new() });
    assert_eq!((found.journal_mode.as_str(), found.is_attached), ("delete", false));
}
