//! `swain rules diff`, before other rules are deployed.

use rusqlite::Connection;
use swain_testkit::{Program, spec};

use crate::support::shell::{swain, well, wrong};

const OLD: &str = r#"
[tables.members]
read = "user_id = auth.id"
[tables.games]
read = "club IN (SELECT club FROM members WHERE user_id = auth.id)"
hidden = { phone = "auth.role <> 'coach'" }
"#;

const NEW: &str = r#"
[tables.members]
read = "user_id = auth.id"
[tables.games]
read = "club IN (SELECT club FROM members WHERE user_id = auth.id) AND phone IS NOT NULL OR club = 'open'"
write = "auth.role = 'coach'"
"#;

const TABLES: &str = "
CREATE TABLE members (club TEXT, user_id TEXT, PRIMARY KEY (club, user_id));
CREATE TABLE games (id TEXT PRIMARY KEY, club TEXT, phone TEXT);
INSERT INTO members VALUES ('c1', 'ada');
INSERT INTO games VALUES ('g1', 'c1', '123'), ('g2', 'c1', NULL), ('g3', 'open', '1'), ('g4', 'open', NULL), ('g5', 'c2', '5');
";

#[tokio::test]
async fn who_gains_and_who_loses_is_told_before_it_happens() {
    spec!("R19");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("swain.toml"), OLD).unwrap();
    Connection::open(path.join("swain.db")).unwrap().execute_batch(TABLES).unwrap();
    let server = Program::start(&mut swain(path, &["serve", "--listen", "127.0.0.1:0"]));
    server.address().await;

    std::fs::write(path.join("old.toml"), OLD).unwrap();
    let same = well(path, &["rules", "diff", "old.toml"]).await;
    assert!(same.starts_with("No rule differs"), "{same}");

    std::fs::write(path.join("swain.toml"), NEW).unwrap();
    let text = well(path, &["rules", "diff", "old.toml", "--user", "ada", "--user", "visitor"]).await;
    for said in [
        "games\n  read: club IN (SELECT club FROM members WHERE user_id = auth.id)\n    now: ",
        "  update: nobody\n    now: auth.role = 'coach'\n",
        "  ada gains 2 (first [\"g3\"]), loses 1 (first [\"g2\"]), sees column phone\n",
        "  visitors gains 2 (first [\"g3\"]), sees column phone\n",
        "  2 of 2 asked for see a difference",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(!text.contains("members\n"), "its rules are the same: {text}");
    let report = well(path, &["rules", "diff", "old.toml", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["games"]["people"]["visitors"]["gained"], 2);

    let error = wrong(path, &["rules", "diff", "older.toml"]).await;
    assert!(error.contains("older.toml cannot be read"), "{error}");
}
