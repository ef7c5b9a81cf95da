//! `[database] url`: the same commands over PostgreSQL, and two equal servers over one database.

use std::path::Path;

use swain_client::{Client, ClientConfig, Key, Patch, Row, Shape, auth};
use swain_testkit::{PATIENCE, Program, postgres, spec, wait_for};

use crate::support::shell::{swain, well, wrong};

const TABLES: &str = "
    CREATE TABLE games (id text PRIMARY KEY, title text NOT NULL, points bigint NOT NULL DEFAULT 0, owner text);
    CREATE TABLE secrets (id text PRIMARY KEY, owner text NOT NULL);
    INSERT INTO games (id, title) VALUES ('g1', 'First');";

fn config(url: &str) -> String {
    format!(
        "[database]\nurl = \"{url}\"\n
[tables.games]\nread = \"true\"\nwrite = \"auth.id IS NOT NULL\"\nfill = {{ owner = \"auth.id\" }}\n
[tables.secrets]\nread = \"owner = auth.id\"\nwrite = \"owner = auth.id\"\nfill = {{ owner = \"auth.id\" }}\n"
    )
}

async fn serve(folder: &Path) -> (Program, String) {
    let server = Program::start(&mut swain(folder, &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);
    (server, url)
}

async fn device(url: &str, email: &str) -> Client {
    let person = auth::login(url, email, "long enough").await.unwrap();
    let shapes = vec![Shape::table("games"), Shape::table("secrets")];
    let client = Client::connect(ClientConfig::new(url, shapes).with_token(person.access)).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

async fn shows(client: &Client, key: &str, column: &str, value: &str) {
    let probe = || async {
        let row = client.row("games", Key::of(key))?;
        (row.value(column).as_text() == Some(value)).then_some(())
    };
    wait_for(&format!("{key}.{column} = {value}"), probe).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_and_another_program_share_one_database() {
    spec!("S1", "S5");
    let database = postgres::database();
    postgres::run_sql(&database, TABLES);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("swain.toml"), config(&database)).unwrap();
    std::fs::write(folder.path().join("word"), "long enough\n").unwrap();

    let said = well(folder.path(), &["check"]).await;
    assert!(said.contains("games: read true") && said.contains("fit together"), "{said}");
    for email in ["ada@example.com", "ben@example.com"] {
        well(folder.path(), &["user", "add", email, "--password-file", "word"]).await;
    }
    let types = well(folder.path(), &["types"]).await;
    assert!(types.contains("points"), "{types}");

    let ((first, first_url), (_second, second_url)) = (serve(folder.path()).await, serve(folder.path()).await);
    let (ada, ben) = (device(&first_url, "ada@example.com").await, device(&second_url, "ben@example.com").await);
    assert_eq!((ada.rows("games").len(), ben.rows("games").len()), (1, 1));
    ada.insert("games", Key::of("g2"), Row::default().with("title", "By Ada")).unwrap().synced().await.unwrap();
    shows(&ben, "g2", "title", "By Ada").await;
    let secret = ben.insert("secrets", Key::of("s"), Row::default()).unwrap();
    secret.synced().await.unwrap();
    postgres::run_sql(&database, "UPDATE games SET title = 'By psql' WHERE id = 'g1'");
    shows(&ada, "g1", "title", "By psql").await;
    shows(&ben, "g1", "title", "By psql").await;
    assert!(ada.rows("secrets").is_empty());

    // A server that dies takes nothing with it.
    first.kill().await;
    let offline = Patch { set: Row::default().with("title", "Without a server"), ..Patch::default() };
    let waiting = ada.update("games", Key::of("g1"), offline).unwrap();
    let port = first_url.rsplit(':').next().unwrap().to_owned();
    let again = format!("127.0.0.1:{port}");
    let _first = Program::start(&mut swain(folder.path(), &["serve", "--listen", &again]));
    waiting.synced().await.unwrap();
    shows(&ben, "g1", "title", "Without a server").await;
}

#[tokio::test]
async fn a_database_is_left_without_a_trace() {
    spec!("S15");
    let database = postgres::database();
    postgres::run_sql(&database, TABLES);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("swain.toml"), config(&database)).unwrap();
    std::fs::write(folder.path().join("word"), "long enough\n").unwrap();
    let ours = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'swain')
        + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%swain%')";
    let (server, _) = serve(folder.path()).await;
    let installed = postgres::run_sql(&database, ours);
    assert_ne!(installed.trim(), "0");
    let said = well(folder.path(), &["pause", "games"]).await;
    assert!(said.contains("When you are done: swain resume games"), "{said}");
    assert_ne!(postgres::run_sql(&database, ours), installed, "its triggers are gone");
    assert!(well(folder.path(), &["resume", "games"]).await.contains("live again"));
    wait_for("the triggers", || async { (postgres::run_sql(&database, ours) == installed).then_some(()) }).await;
    server.kill().await;
    well(folder.path(), &["user", "add", "ada@example.com", "--password-file", "word"]).await;

    let said = wrong(folder.path(), &["detach"]).await;
    assert!(said.contains("--yes"), "{said}");
    let said = well(folder.path(), &["detach", "--yes"]).await;

    assert!(said.contains("is as it was found"), "{said}");
    assert_eq!(postgres::run_sql(&database, ours).trim(), "0");
    assert_eq!(postgres::run_sql(&database, "SELECT count(*) FROM games").trim(), "1");
}

#[tokio::test]
async fn mistakes_are_told_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    for (url, words) in [
        ("mysql://ada:hidden@localhost/club", "[database] url is postgres://user@host/database"),
        ("postgres://ada:hidden@127.0.0.1:1/club", "postgres://127.0.0.1:1/club cannot be used"),
    ] {
        std::fs::write(folder.path().join("swain.toml"), config(url)).unwrap();
        for command in ["check", "serve"] {
            let said = wrong(folder.path(), &[command]).await;
            assert!(said.contains(words) && !said.contains("hidden"), "{said}");
        }
        assert!(!wrong(folder.path(), &["pause", "games"]).await.contains("hidden"));
    }
}
