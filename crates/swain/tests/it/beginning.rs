//! `swain init`, `types`, `user` and `completions`, as somebody begins a project with them.

use std::path::Path;

use crate::support::shell::{run, swain, well, wrong};
use swain_client::{Client, ClientConfig, Key, Row, Shape, auth};
use swain_testkit::{PATIENCE, Program, wait_for};

async fn device(url: &str, email: &str, tables: &[&str]) -> Client {
    let person = auth::login(url, email, "long enough").await.unwrap();
    let shapes = tables.iter().map(|table| Shape::table(table)).collect();
    let client = Client::connect(ClientConfig::new(url, shapes).with_token(person.access)).await.unwrap();
    client.sync(PATIENCE).await.unwrap();
    client
}

async fn add_person(folder: &Path, email: &str) {
    std::fs::write(folder.join("word"), "long enough\n").unwrap();
    well(folder, &["user", "add", email, "--password-file", "word"]).await;
}

#[tokio::test]
async fn init_makes_two_tables_that_are_live_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let said = well(folder.path(), &["init"]).await;
    assert!(said.contains("swain.toml") && said.contains("Next: swain "), "{said}");
    let checked = well(folder.path(), &["check"]).await;
    assert!(checked.contains("lists: read auth.id IS NOT NULL"), "{checked}");
    add_person(folder.path(), "ada@example.com").await;
    add_person(folder.path(), "ben@example.com").await;

    let server = Program::start(&mut swain(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);
    let page = reqwest::get(format!("{url}/")).await.unwrap().text().await.unwrap();
    assert!(page.contains("/app.js"), "{page}");
    let (ada, ben) =
        (device(&url, "ada@example.com", &["lists", "items"]).await, device(&url, "ben@example.com", &["lists"]).await);
    let list = Row::default().with("title", "Shopping");
    ada.insert("lists", Key::of("l1"), list).unwrap().synced().await.unwrap();

    wait_for("ada's list on ben's device", || async { ben.row("lists", Key::of("l1")) }).await;
}

#[tokio::test]
async fn init_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::create_dir(path.join("public")).unwrap();
    std::fs::write(path.join("public/app.js"), "mine").unwrap();

    let said = wrong(path, &["init"]).await;
    assert!(said.contains("app.js is there already and is something else; nothing was written"), "{said}");
    assert!(!path.join("swain.toml").exists() && !path.join("app.db").exists());
    assert_eq!(std::fs::read_to_string(path.join("public/app.js")).unwrap(), "mine");

    std::fs::remove_file(path.join("public/app.js")).unwrap();
    well(path, &["init"]).await;
    let said = wrong(path, &["init"]).await;
    assert!(said.contains("swain.toml is there already") && said.contains("swain check"), "{said}");
    std::fs::remove_file(path.join("swain.toml")).unwrap();
    let said = wrong(path, &["init"]).await;
    assert!(said.contains("app.db is there already") && said.contains("swain attach app.db"), "{said}");
}

const EXPORT: &str = r#"{
  "projects": [
    {"id": 7, "name": "Hull", "started": "2026-01-02", "open": true, "tags": ["a", "b"], "budget": 12.5},
    {"id": 9, "name": "O'Hara x", "started": "2026-02-03", "open": false, "tags": [], "budget": 9007199254740993}
  ],
  "tasks": [
    {"id": "t1", "project_id": 7, "due": "2026-01-02T10:00:00Z", "note": null},
    {"id": "t2", "project_id": 9, "due": "2026-01-03T10:00:00+01:00", "note": null}
  ],
  "log": [{"text": "one"}, {"text": "one"}]
}"#;

#[tokio::test]
async fn an_export_becomes_tables_with_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("export.json"), EXPORT).unwrap();

    let said = well(path, &["init", "--from", "export.json", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["rows"], serde_json::json!({ "projects": 2, "tasks": 2, "log": 2 }));
    let guesses = report["guesses"].to_string();
    for words in
        ["tasks.note is null in every row", "tasks.project_id names a row of projects", "log: no column names a row"]
    {
        assert!(guesses.contains(words), "{guesses}");
    }
    let schema = std::fs::read_to_string(path.join("schema.sql")).unwrap();
    for line in [
        "id INTEGER PRIMARY KEY",
        "started DATE NOT NULL",
        "open BOOLEAN NOT NULL",
        "tags JSON NOT NULL",
        "budget REAL NOT NULL",
        "due TIMESTAMP NOT NULL",
        "note TEXT\n",
        "CREATE INDEX tasks_project_id",
    ] {
        assert!(schema.contains(line.trim_end()), "{line} is missing in\n{schema}");
    }
    add_person(path, "ada@example.com").await;

    let server = Program::start(&mut swain(path, &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);
    let ada = device(&url, "ada@example.com", &["projects", "tasks", "log"]).await;
    let hull = ada.row("projects", Key::of(7)).unwrap();
    assert_eq!(hull.0.get("name").unwrap().as_text(), Some("Hull"));
    assert_eq!(ada.row("projects", Key::of(9)).unwrap().0.get("name").unwrap().as_text(), Some("O'Hara x"));
    assert!(ada.row("tasks", Key::of("t2")).is_some() && ada.row("log", Key::of(2)).is_some());
}

const DEXIE: &str = r#"
import Dexie, { type EntityTable } from "dexie";
interface Friend { id: number; name: string; email?: string; tags: string[]; bestAt: Date; score: number | null }
export class Db extends Dexie {
  friends!: EntityTable<Friend, "id">;
  constructor() {
    super("friends");
    this.version(1).stores({ friends: "++id, name", old: "id", notes: "&uuid, [owner+page]" });
    // this.version(9).stores({ never: "id" });
    this.version(2).stores({
      friends: '++id, &email, *tags, [name+score]',
      old: null,
    });
  }
}
"#;

#[tokio::test]
async fn a_dexie_schema_becomes_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("db.ts"), DEXIE).unwrap();

    let said = well(path, &["init", "--from", "db.ts"]).await;
    assert!(said.contains("notes: only the columns that Dexie indexes are known"), "{said}");
    let schema = std::fs::read_to_string(path.join("schema.sql")).unwrap();
    for line in [
        "CREATE TABLE friends",
        "id INTEGER PRIMARY KEY",
        "email TEXT,",
        "tags JSON NOT NULL",
        "bestAt TIMESTAMP NOT NULL",
        "UNIQUE (email)",
        "CREATE INDEX friends_name_score ON friends (name, score)",
        "CREATE TABLE notes",
        "PRIMARY KEY (uuid)",
        "CREATE INDEX notes_owner_page",
    ] {
        assert!(schema.contains(line), "{line} is missing in\n{schema}");
    }
    assert!(!schema.contains("old") && !schema.contains("never"), "{schema}");
    let checked = well(path, &["check"]).await;
    assert!(checked.contains("friends: read"), "{checked}");
}

/// The ids that Dexie counted are temporary for the server; a column that names such a row has to follow.
#[tokio::test]
async fn columns_of_a_dexie_schema_that_name_counted_rows_are_references() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let schema = r#"interface Boat { id: number; clubId: number; name: string; ownerId: string }
        db.version(1).stores({ clubs: "++id, name", owners: "&id", boats: "++id, clubId" });
        boats: EntityTable<Boat, "id">;"#;
    std::fs::write(path.join("db.ts"), schema).unwrap();

    let said = well(path, &["init", "--from", "db.ts"]).await;
    assert!(said.contains("boats.clubId names a row of clubs"), "{said}");
    let config = std::fs::read_to_string(path.join("swain.toml")).unwrap();
    assert!(config.contains("references = { clubId = \"clubs\" }"), "{config}");
    assert!(!config.contains("ownerId"), "{config}");
    well(path, &["check"]).await;
}

#[tokio::test]
async fn tables_of_ones_own_sql_are_served_with_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let sql = "CREATE TABLE boats (id TEXT PRIMARY KEY, name TEXT NOT NULL);
               CREATE TABLE outings (id TEXT PRIMARY KEY, boat_id TEXT REFERENCES boats (id), upper AS (upper(id)));";
    std::fs::write(path.join("schema.sql"), sql).unwrap();

    well(path, &["init", "--from", "schema.sql"]).await;

    assert_eq!(std::fs::read_to_string(path.join("schema.sql")).unwrap(), sql);
    assert!(well(path, &["check"]).await.contains("outings: read auth.id IS NOT NULL"));
    let page = std::fs::read_to_string(path.join("public/tables.js")).unwrap();
    let tables = page.split_once("TABLES = ").unwrap().1.trim().trim_end_matches(';');
    let tables: serde_json::Value = tables.parse().unwrap();
    assert_eq!(tables["boats"]["key"], serde_json::json!(["id"]));
    let column = |name: &str| {
        let columns = tables["outings"]["columns"].as_array().unwrap();
        columns.iter().find(|column| column["name"] == name).unwrap().clone()
    };
    assert_eq!(column("upper")["readonly"], true);
    assert_eq!(column("id")["drawn"], true);
}

#[tokio::test]
async fn what_cannot_become_tables_is_refused_with_its_place() {
    for (name, text, words) in [
        ("a.json", "[1]", "an export is an object of tables"),
        ("a.json", "{\"t\": 1}", "'t' is no list of rows"),
        ("a.json", "{\"t\": [{\"id\": 1}, 2]}", "t[1] is no object"),
        ("a.json", "{\"t\": [{\"a\": 1, \"A\": 2}]}", "one name in SQL"),
        ("a.json", "{nonsense", "this is not JSON"),
        ("a.json", "{}", "there is no table in it"),
        ("a.ts", "const x = 1;", "there is no db.version(1).stores"),
        ("a.ts", "db.version(1).stores({ t: `${key}` })", "write it out"),
        ("a.ts", "db.version(1).stores({ t: 'id, a.b' })", "'a.b' is inside another value"),
        ("a.sql", "CREATE TABLE t (", "SQLite does not take it"),
        ("a.sql", "CREATE TABLE t (a TEXT)", "table 't' has no PRIMARY KEY"),
        ("a.sql", "-- nothing", "there is no CREATE TABLE in it"),
        ("a.csv", "x", "neither SQL"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        let said = wrong(folder.path(), &["init", "--from", name]).await;
        assert!(said.contains(words), "{words} is missing in\n{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name} left something behind");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(wrong(folder.path(), &["init", "--from", "none.json"]).await.contains("none.json cannot be read"));
}

#[tokio::test]
async fn accounts_are_listed_changed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init"]).await;
    assert!(well(path, &["user", "list"]).await.contains("nobody has an account"));
    add_person(path, "ada@example.com").await;
    add_person(path, "ben@example.com").await;

    let said = well(path, &["user", "role", "Ada@example.com", "coach"]).await;
    assert!(said.contains("ada@example.com is coach"), "{said}");
    let list: serde_json::Value = serde_json::from_str(&well(path, &["user", "list", "--json"]).await).unwrap();
    assert_eq!((&list[0]["role"], &list[1]["email"]), (&"coach".into(), &"ben@example.com".into()));

    let server = Program::start(&mut swain(path, &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);
    device(&url, "ada@example.com", &["lists"]).await;
    let said = well(path, &["user", "sign-out", "ada@example.com"]).await;
    assert!(said.contains("signed out of 1 devices"), "{said}");
    let said = well(path, &["user", "password", "ada@example.com"]).await;
    let password = said.split("password: ").nth(1).unwrap().trim().to_owned();
    assert!(auth::login(&url, "ada@example.com", "long enough").await.is_err());
    assert!(auth::login(&url, "ada@example.com", &password).await.is_ok());

    well(path, &["user", "remove", "ada@example.com"]).await;
    assert!(auth::login(&url, "ada@example.com", &password).await.is_err());
    let said = wrong(path, &["user", "remove", "ada@example.com"]).await;
    assert!(said.contains("nobody has an account") && said.contains("swain user list"), "{said}");
}

#[tokio::test]
async fn every_shell_gets_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = well(folder.path(), &["completions", shell]).await;
        assert!(text.contains("swain") && text.contains("completions"), "{shell}");
    }
}

/// Every command, with those below it.
async fn commands(folder: &Path) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(command) = open.pop() {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = well(folder, &arguments).await;
        let section = help.split("Commands:\n").nth(1).unwrap_or_default();
        let names = section.lines().take_while(|line| line.starts_with("  "));
        let names: Vec<String> = names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
        for name in names.into_iter().filter(|name| name != "help") {
            open.push(command.iter().cloned().chain([name]).collect());
        }
        if !command.is_empty() {
            found.push(command);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn every_command_has_an_example_in_its_help_and_a_line_on_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = include_str!("../../../../docs/command-line.md");
    let commands = commands(folder.path()).await;
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = well(folder.path(), &arguments).await;
        let called = format!("swain {}", command.join(" "));
        let has_commands = help.contains("Commands:\n");
        assert!(
            has_commands || (help.contains("Example") && help.contains(&format!("  {called}"))),
            "{called}:\n{help}"
        );
        assert!(page.contains(&format!("`{called}")), "docs/command-line.md has no {called}");
    }
}

#[tokio::test]
async fn colours_are_for_terminals_and_json_is_one_value() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["check", "--json"]).await;
    assert_eq!(said.code, 1);
    assert!(!said.err.contains('\u{1b}') && !said.out.contains('\u{1b}'));
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(report["error"].as_str().unwrap().contains("swain init"), "{report}");

    let version = well(folder.path(), &["--version"]).await;
    assert!(version.contains(env!("CARGO_PKG_VERSION")) && version.contains("SQLite 3."), "{version}");
}

// ---- types: the file is checked by the type check of packages/swain, with code that uses it ----

const TYPES: &str = include_str!("../../../../packages/swain/test/generated/tables.ts");

const TYPES_SCHEMA: &str = "
CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, owner TEXT, at TIMESTAMP, done BOOLEAN NOT NULL DEFAULT 0,
  size REAL, price DECIMAL(9,2), body BLOB, extra JSON, loud TEXT GENERATED ALWAYS AS (upper(title)));
CREATE TABLE project_members (project INTEGER NOT NULL, \"user\" TEXT NOT NULL, \"joined on\" DATE NOT NULL, PRIMARY KEY (project, \"user\"));
CREATE TABLE \"2nd table\" (nr INTEGER PRIMARY KEY, json JSON NOT NULL);
CREATE TABLE json (id INTEGER PRIMARY KEY);
";

const TYPES_CONFIG: &str = "
[tables.notes]
read = \"true\"
fill = { owner = \"auth.id\" }
[tables.project_members]
[tables.\"2nd table\"]
[tables.json]
";

async fn typed_project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("swain.toml"), TYPES_CONFIG).unwrap();
    let options = swain_sqlite::SqliteOptions::system();
    let store = swain_sqlite::SqliteStore::open(folder.path().join("swain.db"), options).unwrap();
    store.execute_outside(TYPES_SCHEMA).await.unwrap();
    folder
}

#[tokio::test]
async fn types_are_those_that_the_type_check_sees() {
    let folder = typed_project().await;
    let printed = well(folder.path(), &["types"]).await;
    assert_eq!(printed, TYPES, "what `swain types` writes now:\n{printed}");

    well(folder.path(), &["types", "--out", "src/tables.ts"]).await;
    assert_eq!(std::fs::read_to_string(folder.path().join("src/tables.ts")).unwrap(), TYPES);

    let exact = well(folder.path(), &["types", "--exact"]).await;
    assert!(exact.contains("at: number | string | null;"), "{exact}");
}
