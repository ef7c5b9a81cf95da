//! The client against a small server on a real socket.

#![allow(missing_docs, clippy::unwrap_used)]

mod fake_server;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_server::FakeServer;
use swain_client::{
    Client, ClientConfig, ClientError, Code, Key, MemoryStore, Origin, Patch, Row, Shape, State, Stop, TokenProvider,
    Transport, Value,
};
use swain_testkit::spec;

const LIMIT: Duration = Duration::from_secs(10);

fn config(server: &FakeServer) -> ClientConfig {
    ClientConfig::new(server.url(), vec![Shape::table("t")])
        .with_first_delay(Duration::from_millis(5))
        // The fake server speaks nothing else.
        .with_transports([Transport::WebSocket])
}

fn a(value: i64) -> Row {
    Row::default().with("a", value)
}

#[tokio::test]
async fn an_edit_is_visible_at_once_then_saved_then_synced_and_seen_by_others() {
    spec!("C2", "C4");
    let server = FakeServer::start().await;
    let (one, two) = (Client::connect(config(&server)).await.unwrap(), Client::connect(config(&server)).await.unwrap());
    one.sync(LIMIT).await.unwrap();

    let written = one.insert("t", Key::of("k"), a(1)).unwrap();
    assert_eq!(one.row("t", Key::of("k")).unwrap().value("a"), &Value::Int(1));
    let (saved, synced) = written.into_parts();
    saved.await.unwrap();
    synced.await.unwrap();

    two.wait_for(LIMIT, |device| device.visible_rows("t").len() == 1).await.unwrap();
    assert_eq!(two.rows("t")[0].1.value("a"), &Value::Int(1));
}

#[tokio::test]
async fn edits_made_without_a_connection_arrive_after_it() {
    spec!("C9");
    let server = FakeServer::start().await;
    let client = Client::connect(config(&server)).await.unwrap();
    client.sync(LIMIT).await.unwrap();
    client.pause();
    client.wait_for(LIMIT, |device| device.status().stop == Some(Stop::Paused)).await.unwrap();

    client.insert("t", Key::of("k"), a(1)).unwrap().saved().await.unwrap();
    let inc = Patch { inc: a(4), ..Patch::default() };
    let counted = client.update("t", Key::of("k"), inc).unwrap();
    client.resume();

    counted.synced().await.unwrap();
    assert_eq!(server.value("k"), Some(Value::Int(5)));
}

#[tokio::test]
async fn a_refusal_is_told_and_rolled_back() {
    spec!("C15");
    let server = FakeServer::start().await;
    server.refuse("bad");
    let client = Client::connect(config(&server)).await.unwrap();
    client.sync(LIMIT).await.unwrap();

    let refused = client.insert("t", Key::of("bad"), a(1)).unwrap().synced().await;

    assert!(matches!(refused, Err(ClientError::Refused(problem)) if problem.code == Code::CheckFailed));
    assert!(client.row("t", Key::of("bad")).is_none());
    let letter = client.read(|device| device.dead_letters().next().unwrap().id);
    client.discard(letter);
    client.wait_for(LIMIT, |device| device.status().refused == 0).await.unwrap();
}

#[tokio::test]
async fn a_cut_connection_comes_back_by_itself() {
    spec!("C8");
    let server = FakeServer::start().await;
    let client = Client::connect(config(&server)).await.unwrap();
    client.sync(LIMIT).await.unwrap();

    for round in 0..5 {
        server.cut();
        let written = client.insert("t", Key::of(round.to_string().as_str()), a(round)).unwrap();
        written.synced().await.unwrap();
    }

    assert_eq!(client.rows("t").len(), 5);
}

#[tokio::test]
async fn each_position_calls_once_and_in_order() {
    spec!("C13");
    let server = FakeServer::start().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let config = config(&server).on_change(move |changes| sink.lock().unwrap().push((changes.origin, changes.pos.0)));
    let client = Client::connect(config).await.unwrap();
    client.sync(LIMIT).await.unwrap();
    told.lock().unwrap().clear();
    let mut changes = client.changes();

    for key in ["k", "l", "m"] {
        client.insert("t", Key::of(key), a(1)).unwrap().synced().await.unwrap();
    }

    let told = told.lock().unwrap().clone();
    let from_server: Vec<u64> =
        told.iter().filter(|(origin, _)| *origin == Origin::Server).map(|(_, pos)| *pos).collect();
    assert_eq!(from_server, [1, 2, 3]);
    assert_eq!(told.len(), 6);
    let first = changes.next().await.unwrap();
    assert!(matches!(first.origin, Origin::Local(_)));
}

#[tokio::test]
async fn a_store_is_gone_on_from() {
    spec!("C3", "C12");
    let server = FakeServer::start().await;
    let store = MemoryStore::kept();
    let client = Client::open(config(&server), store.clone()).await.unwrap();
    client.sync(LIMIT).await.unwrap();
    client.insert("t", Key::of("k"), a(1)).unwrap().synced().await.unwrap();
    client.pause();
    client.insert("t", Key::of("l"), a(2)).unwrap();
    client.close().await;

    let mut paused = config(&server);
    paused.paused = true;
    let client = Client::open(paused, store.clone()).await.unwrap();
    assert_eq!(client.rows("t").len(), 2);
    assert!(client.status().cached);
    assert_eq!(client.status().pending, 1);
    client.resume();
    client.sync(LIMIT).await.unwrap();

    assert_eq!(server.value("l"), Some(Value::Int(2)));
    assert!(!client.status().cached);
}

#[tokio::test]
async fn a_token_is_renewed_when_it_was_not_accepted() {
    spec!("C8", "P1");
    let server = FakeServer::start().await;
    server.accept_only("fresh");
    let mut config = config(&server);
    config.token =
        TokenProvider::new(|renew| async move { Ok(Some(if renew { "fresh" } else { "stale" }.to_owned())) });
    let client = Client::connect(config).await.unwrap();

    client.sync(LIMIT).await.unwrap();

    assert_eq!(client.status().state, State::Live);
}

#[tokio::test]
async fn waiting_has_a_limit_and_says_where_the_device_is() {
    let config = ClientConfig::new("http://127.0.0.1:1", vec![Shape::table("t")]);
    let client = Client::connect(config).await.unwrap();

    let waited = client.sync(Duration::from_millis(50)).await;

    assert!(matches!(waited, Err(ClientError::TimedOut { .. })));
    let unknown = client.insert("t", Key::of("k"), a(1)).unwrap_err();
    assert_eq!(unknown.code, Code::UnknownTable);
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_by_name() {
    let config = ClientConfig::new("ftp://host", Vec::new());

    assert!(matches!(Client::connect(config).await, Err(ClientError::BadUrl { .. })));
}

#[tokio::test]
async fn promises_end_with_the_client() {
    let server = FakeServer::start().await;
    let client = Client::connect(config(&server)).await.unwrap();
    client.sync(LIMIT).await.unwrap();
    client.pause();
    let synced = client.insert("t", Key::of("k"), a(1)).unwrap().synced();
    let mut changes = client.changes();

    client.close().await;

    assert!(matches!(synced.await, Err(ClientError::Closed)));
    while changes.next().await.is_some() {}
}
