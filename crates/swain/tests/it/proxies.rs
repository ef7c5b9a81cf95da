//! Behind proxies that do not let everything through, a client finds the transport that works.

use std::time::{Duration, Instant};

use crate::support::rude_proxy::{Manner, RudeProxy};
use crate::support::stage::Stage;
use crate::support::witness::Witness;
use swain_client::{Key, Row, Shape, Transport};
use swain_testkit::{soon, spec, wait_for};

const TABLES: &str = "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL)";
/// All of a proxy's stories, side by side.
const TIME_MAX: Duration = Duration::from_secs(60);

use Transport::{Poll, Sse, WebSocket};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_that_buffers_polls_are_left() {
    spec!("C17", "P21");
    let began = Instant::now();

    tokio::join!(
        story(Manner::Buffers, [WebSocket, Sse, Poll], Poll, 0),
        story(Manner::Buffers, [Sse, Poll, WebSocket], Poll, 0),
        story(Manner::Buffers, [Poll, WebSocket, Sse], Poll, 0),
    );

    assert!(began.elapsed() < TIME_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_that_refuses_upgrades_events_are_next() {
    spec!("C17", "P20");
    let began = Instant::now();

    tokio::join!(
        story(Manner::RefusesUpgrade, [WebSocket, Sse, Poll], Sse, 0),
        story(Manner::RefusesUpgrade, [Sse, Poll, WebSocket], Sse, 0),
        story(Manner::RefusesUpgrade, [Poll, WebSocket, Sse], Poll, 0),
    );

    assert!(began.elapsed() < TIME_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_cuts_after_ten_seconds_is_found_out_by_three_cuts() {
    spec!("C17", "C8");
    let began = Instant::now();
    let cuts = Manner::CutsAfter(Duration::from_secs(10));

    tokio::join!(
        story(cuts, [WebSocket, Sse, Poll], Sse, 3),
        story(cuts, [Sse, Poll, WebSocket], Poll, 3),
        // It is the wait that is cut; it gets shorter, and polls stay what works.
        story(cuts, [Poll, WebSocket, Sse], Poll, 2),
    );

    assert!(began.elapsed() < TIME_MAX);
}

/// A client behind a proxy hears everything that somebody writes, and ends on a transport after so many cuts.
async fn story(manner: Manner, transports: [Transport; 3], wanted: Transport, cuts: usize) {
    let stage = Stage::start(TABLES, &[("t", &[])], |_| {}).await;
    let proxy = RudeProxy::start(stage.address(), manner).await;
    let theirs = Witness::open(stage.address(), vec![Shape::table("t")]).await;
    soon("the other", theirs.client.sync(Duration::from_secs(30))).await.unwrap();
    let mut ours = Witness::open_over(proxy.address, vec![Shape::table("t")], &transports, true).await;

    for n in 0..=cuts {
        wait_for("the next cut", || async { (proxy.cuts() >= n).then_some(()) }).await;
        let key = format!("t{n}");
        theirs.client.insert("t", Key::of(key.as_str()), Row::default().with("n", 1)).unwrap();
        wait_for("what the other wrote", || async { ours.client.row("t", Key::of(key.as_str())) }).await;
    }
    let is_there = || async { (ours.client.transport() == Some(wanted)).then_some(()) };
    wait_for(&format!("{wanted:?} behind {manner:?}"), is_there).await;
    let own = ours.client.insert("t", Key::of("own"), Row::default().with("n", 1)).unwrap();
    soon("its own write", own.synced()).await.unwrap();

    assert_eq!(ours.client.transport(), Some(wanted));
    ours.hear_until(stage.head().await.pos).await;
    assert_eq!(ours.rows("t"), stage.rows("t", None).await);
    assert_eq!(ours.rows("t").len(), cuts + 2);
}
