//! `swain dev` and `swain check`, as somebody works with them.

use std::path::Path;

use crate::support::shell::{swain, well, wrong};
use futures::StreamExt as _;
use swain_testkit::{Program, soon, wait_for};

/// What `/api/dev/reload` says, event by event.
struct Events {
    body: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    text: String,
}

impl Events {
    async fn open(url: &str, last: Option<&str>) -> Self {
        let request = reqwest::Client::new().get(format!("{url}/api/dev/reload"));
        let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let body = futures::stream::unfold(answer, |mut answer| async {
            let chunk = answer.chunk().await.transpose()?;
            Some((chunk.map(|chunk| chunk.to_vec()), answer))
        });
        let mut events = Self { body: Box::pin(body), text: String::new() };
        events.has("id: ").await;
        events
    }

    /// Waits until it has said this, and gives all that it said.
    async fn has(&mut self, words: &str) -> String {
        while !self.text.contains(words) {
            let chunk = soon(words, self.body.next()).await.unwrap().unwrap();
            self.text.push_str(&String::from_utf8(chunk).unwrap());
        }
        self.text.clone()
    }
}

async fn get(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn rewrite(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

#[tokio::test]
async fn dev_brings_what_was_saved_to_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init"]).await;
    let arguments = ["dev", "--listen", "127.0.0.1:0", "--types", "tables.ts"];
    let mut dev = Program::start(&mut swain(path, &arguments));
    let url = format!("http://{}", dev.address().await);
    assert!(get(&url).await.1.contains("/swain-devtools.js"));
    assert!(std::fs::read_to_string(path.join("tables.ts")).unwrap().contains("interface Items"));

    let mut events = Events::open(&url, None).await;
    rewrite(&path.join("public/app.js"), |text| text + "\n// saved\n");
    let said = events.has("event: reload").await;
    assert!(said.contains("app.js"), "{said}");

    // What is wrong is told, to pages that come later, too, and what was before goes on.
    rewrite(&path.join("swain.toml"), |text| text.replace("auth.id IS NOT NULL", "auth.idd IS NOT NULL"));
    let said = events.has("event: problem").await;
    assert!(said.contains("data: swain.toml is not right"), "{said}");
    dev.says("The server of before goes on").await;
    assert_eq!(get(&url).await.0, 200);
    Events::open(&url, None).await.has("event: problem").await;

    let mended =
        |text: String| text.replace("auth.idd IS NOT NULL", "created_by = auth.id") + "\n[sync]\nretention_days = 3\n";
    rewrite(&path.join("swain.toml"), mended);
    dev.says("swain.toml: reloaded").await;
    // A page whose connection went with the old server hears of it when it is back.
    let mut events = Events::open(&url, Some("1")).await;
    events.has("event: reload").await;

    // A table that changes under it.
    let store = swain_sqlite::SqliteStore::open(path.join("app.db"), swain_sqlite::SqliteOptions::system()).unwrap();
    store.execute_outside("ALTER TABLE items ADD COLUMN due DATE").await.unwrap();
    wait_for("the new column in the types", || async {
        std::fs::read_to_string(path.join("tables.ts")).unwrap().contains("due: string | null").then_some(())
    })
    .await;

    dev.signal("INT").await;
    assert!(dev.end().await.success(), "{}", dev.output());
}

#[tokio::test]
async fn serve_has_nothing_for_developers() {
    let folder = tempfile::tempdir().unwrap();
    well(folder.path(), &["init"]).await;
    let server = Program::start(&mut swain(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let url = format!("http://{}", server.address().await);

    assert!(!get(&url).await.1.contains("devtools"));
    for path in ["/api/dev/reload", "/swain-devtools.js"] {
        let (status, body) = get(&format!("{url}{path}")).await;
        assert_eq!((status, body.contains("not_found")), (404, true), "{path}: {body}");
    }
}

#[tokio::test]
async fn check_names_missing_indexes_with_their_sql_and_tables_that_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(
        path.join("swain.toml"),
        "[tables.notes]\nread = \"owner = auth.id\"\nscopes = [\"room\"]\n[tables.audit]\nread = \"false\"\n",
    )
    .unwrap();
    let store = swain_sqlite::SqliteStore::open(path.join("swain.db"), swain_sqlite::SqliteOptions::system()).unwrap();
    let sql = "CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL, owner TEXT, room TEXT, slug TEXT UNIQUE);
               CREATE INDEX notes_room ON notes (room);
               CREATE TABLE audit (id INTEGER PRIMARY KEY); CREATE TABLE other (id INTEGER PRIMARY KEY);";
    store.execute_outside(sql).await.unwrap();

    let said = well(path, &["check"]).await;
    let missing = "CREATE INDEX notes_owner ON notes (owner, id);";
    for words in [missing, "unique: slug", "audit: read false", "nobody can read it", "does not name them: other"] {
        assert!(said.contains(words), "{words} is missing in\n{said}");
    }
    assert!(!said.contains("notes_room"), "{said}");

    // Ready to paste.
    store.execute_outside(missing).await.unwrap();
    let report: serde_json::Value = serde_json::from_str(&well(path, &["check", "--json"]).await).unwrap();
    assert_eq!(report["tables"]["notes"]["missing_indexes"], serde_json::json!([]));
    assert_eq!(report["tables"]["audit"]["nobody_reads"], true);
    assert_eq!(report["not_synced"], serde_json::json!(["other"]));
}

#[tokio::test]
async fn dev_says_what_is_missing_like_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let said = wrong(folder.path(), &["dev"]).await;
    assert!(said.contains("there is no swain.toml; `swain init` makes one"), "{said}");
}
