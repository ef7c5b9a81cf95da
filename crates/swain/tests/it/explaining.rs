//! `swain explain`, as the operator asks why somebody does not see a row.

use std::path::Path;

use rusqlite::Connection;
use swain_testkit::{Program, spec, wait_for};

use crate::support::shell::{swain, well, wrong};

const CONFIG: &str = r#"
[tables.members]
read = "user_id = auth.id"
[tables.games]
read = "club IN (SELECT club FROM members WHERE user_id = auth.id)"
write = "auth.role = 'coach'"
hidden = { phone = "auth.role <> 'coach'" }
"#;

const TABLES: &str = "
CREATE TABLE members (club TEXT, user_id TEXT, PRIMARY KEY (club, user_id));
CREATE TABLE games (id TEXT PRIMARY KEY, club TEXT, phone TEXT);
INSERT INTO members VALUES ('c1', 'ada');
INSERT INTO games VALUES ('g1', 'c1', '123');
";

fn club(folder: &Path) -> Connection {
    std::fs::write(folder.join("swain.toml"), CONFIG).unwrap();
    let database = Connection::open(folder.join("swain.db")).unwrap();
    database.execute_batch(TABLES).unwrap();
    database
}

#[tokio::test]
async fn the_clause_that_decides_is_named_and_how_the_row_left() {
    spec!("R16");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let database = club(path);
    let server = Program::start(&mut swain(path, &["serve", "--listen", "127.0.0.1:0"]));
    server.address().await;

    let seen = well(path, &["explain", "ada", "games", "g1", "--role", "player"]).await;
    let clause =
        "  + club IN (SELECT club FROM members WHERE user_id = auth.id)      [club = \"c1\"; the SELECT gives \"c1\"]";
    assert!(seen.contains("read: granted\n") && seen.contains(clause), "{seen}");
    let refused = "update: refused\n  - auth.role = 'coach'      [auth.role = \"player\"]";
    assert!(seen.contains(refused) && seen.contains("hidden from them: phone"), "{seen}");

    database.execute("DELETE FROM members", []).unwrap();
    wait_for("the departure", || async {
        let gone = well(path, &["explain", "ada", "games", "g1"]).await;
        gone.contains("members [\"c1\",\"ada\"], which gave the right, deleted or changed by another program")
            .then_some(())
    })
    .await;
    let report = well(path, &["explain", "visitor", "games", "g1", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["user"], &report["rights"]["read"]["granted"]), (&serde_json::Value::Null, &false.into()));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_said_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    club(path);

    for (arguments, said) in [
        (["explain", "ada", "game", "g1"], "did you mean games?"),
        (["explain", "ada", "members", "c1"], "the key of 'members' is (club, user_id): write it as a JSON array of 2"),
        (["explain", "ada@example.com", "games", "g1"], "swain user list"),
        (["explain", "ada", "games", "g1"], "swain serve"),
    ] {
        let error = wrong(path, &arguments).await;
        assert!(error.contains(said), "{arguments:?}\n{error}");
    }
}
