//! Files, health, headers.

use std::time::Duration;

use swain_server::{Assets, Devtools};
use swain_testkit::{soon, spec};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::Stage;

#[tokio::test]
async fn files_of_the_folder_are_served_and_nothing_else() {
    spec!("P17");
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("public");
    std::fs::create_dir(&public).unwrap();
    std::fs::write(public.join("index.html"), "<p>hello").unwrap();
    std::fs::write(public.join(".hidden"), "no").unwrap();
    std::fs::write(folder.path().join("secret"), "no").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), public.join("link")).unwrap();
    let stage = Stage::with(|config| config.public = Assets::Folder(public)).await;

    let page = stage.get("/", &[]).await;
    assert_eq!((page.status, page.body.as_str()), (200, Some("<p>hello")));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"));
    let known = stage.get("/", &[("if-none-match", page.header("etag"))]).await;
    assert_eq!((known.status, known.body.as_str()), (304, Some("")));

    for path in ["/.hidden", "/link", "/../secret", "/%2e%2e/secret", "/nothing", "/a/"] {
        let answer = stage.get(path, &[]).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}");
    }
}

#[tokio::test]
async fn the_client_library_is_served() {
    spec!("P17");
    let stage = Stage::new().await;

    let library = stage.get("/swain.js", &[]).await;
    assert_eq!(library.status, 200);
    assert!(library.header("content-type").starts_with("text/javascript"));
    assert_eq!(library.header("cache-control"), "no-cache");

    let known = stage.get("/swain.js", &[("if-none-match", library.header("etag"))]).await;
    assert_eq!(known.status, 304);
}

#[tokio::test]
async fn the_panel_of_developers_is_in_every_page_and_only_for_them() {
    spec!("P17");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<p>hello").unwrap();
    std::fs::write(folder.path().join("app.js"), "let a;").unwrap();
    let public = Assets::Folder(folder.path().to_owned());
    let theirs = Stage::with(|config| config.public = public.clone()).await;
    let ours = Stage::with(|config| {
        config.public = public.clone();
        config.devtools = Devtools::On;
    });
    let ours = ours.await;

    let page = ours.get("/", &[]).await;
    let text = page.body.as_str().unwrap();
    assert!(text.starts_with("<p>hello") && text.contains(r#"src="/swain-devtools.js""#), "{text}");
    let panel = ours.get("/swain-devtools.js", &[]).await;
    assert_eq!((panel.status, panel.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(ours.get("/app.js", &[]).await.body.as_str(), Some("let a;"));
    // A browser that has the page without the panel gets the one with it.
    let plain = theirs.get("/", &[]).await;
    assert_eq!(plain.body.as_str(), Some("<p>hello"));
    assert_eq!(ours.get("/", &[("if-none-match", plain.header("etag"))]).await.status, 200);
    assert_eq!(theirs.get("/swain-devtools.js", &[]).await.status, 404);
}

#[tokio::test]
async fn health_is_told() {
    spec!("P17");
    let stage = Stage::new().await;

    assert_eq!(stage.get("/healthz", &[]).await.status, 200);
    assert_eq!(stage.get("/readyz", &[]).await.status, 200);
}

#[tokio::test]
async fn silent_and_slow_requests_are_closed() {
    let stage = Stage::with(|config| config.headers = Duration::from_millis(200)).await;

    for start in ["", "P", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(stage.running.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let _ = soon("the end", stream.read_to_end(&mut rest)).await;
    }
}
