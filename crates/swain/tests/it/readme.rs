//! What README.md says under "Your own tables", command for command, as it stands there.

use std::path::Path;

use rusqlite::Connection;
use swain_client::{Client, ClientConfig, Key, Row, Shape, auth};
use swain_testkit::{PATIENCE, Program, wait_for};

use crate::support::shell::{swain, well};

const README: &str = include_str!("../../../../README.md");

/// The fenced block that holds this, without its fences.
fn block(word: &str) -> &'static str {
    let mut blocks = README.split("```").skip(1).step_by(2);
    let block = blocks.find(|block| block.contains(word));
    let (_language, lines) = block.and_then(|block| block.split_once('\n')).unwrap_or_else(|| panic!("{word} is gone"));
    lines
}

/// Runs a command of README; the one that serves gets a free port and goes on.
async fn run_line(folder: &Path, line: &str, said: &mut String) -> Option<Program> {
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words.first(), Some(&"swain"), "{line}");
    if words.get(1) == Some(&"dev") {
        let mut words = words[1..].to_vec();
        words.extend(["--listen", "127.0.0.1:0"]);
        return Some(Program::start(&mut swain(folder, &words)));
    }
    said.push_str(&well(folder, &words[1..]).await);
    None
}

async fn sign_in(url: &str, email: &str, said: &str, shape: &str) -> Client {
    let shown = said.split(&format!("{email} can sign in")).nth(1).unwrap();
    let password = shown.split("password: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    let person = auth::login(url, email, password).await.unwrap();
    let config = ClientConfig::new(url, vec![Shape::table(shape)]).with_token(person.access);
    let client = Client::connect(config).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

#[tokio::test]
async fn two_tables_of_ones_own_are_live_for_two_people() {
    let folder = tempfile::tempdir().unwrap();
    let (mut said, mut serving) = (String::new(), None);
    for line in block("swain init\n").lines() {
        serving = run_line(folder.path(), line, &mut said).await.or(serving);
    }
    let server = serving.expect("the last command serves");
    let url = format!("http://{}", server.address().await);
    let page = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(page.contains("swain-devtools.js"), "the panel is in the page:\n{page}");

    let ada = sign_in(&url, "ada@example.com", &said, "lists").await;
    let ben = sign_in(&url, "ben@example.com", &said, "lists").await;
    ada.insert("lists", Key::of("l1"), Row::default().with("title", "Shopping")).unwrap().synced().await.unwrap();
    wait_for("Ada's list on Ben's device", || async { ben.row("lists", Key::of("l1")) }).await;
}

#[tokio::test]
async fn a_database_that_lives_already_is_attached_and_detached() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("app.db");
    let tables =
        "CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL, title TEXT); INSERT INTO notes VALUES ('n', 'Old');";
    Connection::open(&live).unwrap().execute_batch(tables).unwrap();

    let mut said = String::new();
    for line in block("swain attach").lines() {
        let Some(mut server) = run_line(folder.path(), line, &mut said).await else { continue };
        let url = format!("http://{}", server.address().await);
        let visitor = Client::connect(ClientConfig::new(&url, vec![Shape::table("notes")])).await.unwrap();
        wait_for("what was there", || async { visitor.row("notes", Key::of("n")) }).await;
        Connection::open(&live).unwrap().execute_batch("INSERT INTO notes VALUES ('m', 'New')").unwrap();
        wait_for("what another program writes", || async { visitor.row("notes", Key::of("m")) }).await;
        server.signal("INT").await;
        server.end().await;
    }

    let left: Vec<String> = {
        let conn = Connection::open(&live).unwrap();
        let mut names = conn.prepare("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").unwrap();
        names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(left, ["notes"], "{said}");
}

#[tokio::test]
async fn the_table_with_its_rules_is_one_that_swain_takes() {
    let folder = tempfile::tempdir().unwrap();
    let tables = "CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL, title TEXT, owner TEXT, project_id TEXT);
        CREATE TABLE project_members (project_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (project_id, user_id));";
    Connection::open(folder.path().join("app.db")).unwrap().execute_batch(tables).unwrap();
    let config = format!("[database]\npath = \"app.db\"\n\n{}", block("[tables.notes]"));
    std::fs::write(folder.path().join("swain.toml"), config).unwrap();

    let said = well(folder.path(), &["check"]).await;
    assert!(said.contains("notes: read project_id IN (SELECT project_id"), "{said}");
}
