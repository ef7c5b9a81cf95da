//! How connections begin and end.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use swain_core::protocol::Down;
use swain_core::{Code, Millis};
use swain_engine::limits::{MESSAGES_BURST, USER_SESSIONS_MAX};
use swain_server::Transport;
use swain_server::limits::DRAIN_MS_MAX;
use swain_store::Store;
use swain_testkit::{soon, spec, wait_for};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tokio::time::Instant;

use crate::socket::{Heard, Hello, Socket, insert, request};
use crate::stage::Stage;

/// How long a device may read nothing.
const STALL: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    spec!("P1", "P15");
    let stage = Stage::new().await;

    let end = stage.socket().await.end_code().await;

    assert_eq!(end, (Some(Code::HelloExpected), 4408));
}

#[tokio::test]
async fn the_same_device_elsewhere_supersedes_the_first() {
    spec!("P15");
    for transport in [Transport::WebSocket, Transport::Sse] {
        let stage = Stage::new().await;
        let mut first = stage.device_over(transport, None, "d1").await;

        let mut second = stage.device(None, "d1").await;

        assert_eq!(first.end_code().await, (Some(Code::Superseded), 4409), "{transport:?}");
        second.insert(1, "g1").await;
    }
}

#[tokio::test]
async fn a_device_belongs_to_one_user() {
    spec!("P14", "P15");
    let stage = Stage::new().await;
    let (ada, ben) = (stage.signup("ada").await, stage.signup("ben").await);
    stage.device(Some(&ada.access), "d1").await;

    for transport in Transport::ALL {
        let mut socket = stage.line(*transport).await;
        socket.send(Hello::new(Some(&ben.access), "d1").text()).await;

        assert_eq!(socket.end_code().await, (Some(Code::DeviceNotYours), 4403), "{transport:?}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    spec!("P18", "P15");
    let stage = Stage::with(|config| config.tokens.access = Millis(2000)).await;
    for (transport, name) in Transport::ALL.iter().zip(["ada", "ben", "cleo"]) {
        let account = stage.signup(name).await;
        let mut socket = stage.device_over(*transport, Some(&account.access), name).await;

        assert_eq!(socket.end_code().await, (Some(Code::TokenExpired), 4401), "{transport:?}");
        assert!(swain_server::now() >= Millis(account.expires));

        let mut again = stage.line(*transport).await;
        again.send(Hello::new(Some(&account.access), name).text()).await;
        assert_eq!(again.end_code().await, (Some(Code::TokenExpired), 4401), "{transport:?}");
    }
}

#[tokio::test]
async fn a_stream_is_renewed_in_band_for_the_same_user_only() {
    spec!("P3", "P8");
    let stage = Stage::with(|config| config.tokens.access = Millis(3000)).await;
    let ada = stage.signup("ada").await;
    let ben = stage.signup("ben").await;
    let mut socket = stage.device(Some(&ada.access), "d1").await;
    let newer = wait_for("a token that lives longer", || async {
        let newer = stage.login("ada").await;
        (newer.expires > ada.expires).then_some(newer)
    });
    let newer = newer.await;

    socket.send(auth(&newer.access)).await;
    socket.until("heartbeat", |frame| matches!(frame, Down::Heartbeat(_)).then_some(())).await;
    wait_for("the end of the first token", || async { (swain_server::now() > Millis(ada.expires)).then_some(()) })
        .await;
    socket.insert(1, "g1").await;

    let ben = stage.login("ben").await.access.min(ben.access);
    socket.send(auth(&ben)).await;
    let (code, close) = socket.end_code().await;
    // Whichever comes first on a slow machine: the token of ben is refused, or ada's has ended.
    assert!(matches!((code, close), (Some(Code::UserChanged), 4403) | (Some(Code::TokenExpired), 4401)));
}

fn auth(token: &str) -> String {
    format!(r#"{{"auth":{{"token":"{token}"}}}}"#)
}

#[tokio::test]
async fn a_drain_answers_pushes_and_says_when_to_come_back() {
    spec!("P11", "S10", "P15");
    for transport in [Transport::WebSocket, Transport::Sse] {
        drain(Stage::sqlite().await, transport).await;
    }
}

/// What stands on the store: an answer to what is decided, and rows that wait for who does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_postgresql() {
    drain(Stage::postgres().await.0, Transport::WebSocket).await;
    drop(reads_nothing(Stage::postgres_with(|config| config.write_stall = STALL).await.0).await);
}

async fn drain<S: Store>(stage: Stage<S>, transport: Transport) {
    let mut sockets = Vec::new();
    for n in 0..20 {
        sockets.push(stage.device_over(transport, None, &format!("d{n}")).await);
    }
    let pushes = sockets.iter_mut().enumerate();
    join_all(pushes.map(|(n, socket)| async move {
        socket.push(1, &insert(&format!("g{n}"), "x")).await;
    }))
    .await;

    let address = stage.running.address;
    let started = Instant::now();
    let drain = tokio::spawn(stage.running.drain());
    let heard = join_all(sockets.iter_mut().map(goodbye)).await;
    soon("the end of the drain", drain).await.unwrap();

    assert!(started.elapsed() < Duration::from_millis(DRAIN_MS_MAX));
    let store = stage.engine.store();
    for (n, (answered, retry, close)) in heard.into_iter().enumerate() {
        assert_eq!(close, 1012, "{transport:?}");
        assert!(retry.unwrap() <= Millis(1000), "20 devices come back within the shortest spread");
        let device = store.device_row(format!("d{n}").as_str().into()).await.unwrap();
        let is_decided = device.is_some_and(|device| device.last.0 == 1);
        assert_eq!(answered, is_decided, "what is decided is answered");
    }
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

/// Whether results came, when to come back, and the close code.
async fn goodbye(socket: &mut Socket) -> (bool, Option<Millis>, u16) {
    let (mut answered, mut retry) = (false, None);
    loop {
        match socket.next().await {
            Heard::Frame(Down::Results(_)) => answered = true,
            Heard::Frame(Down::Goaway(goaway)) => {
                assert_eq!(goaway.reason, "draining");
                retry = Some(goaway.retry);
            }
            Heard::Frame(_) => {}
            Heard::Closed(code) => return (answered, retry, code),
        }
    }
}

#[tokio::test]
async fn a_device_that_reads_nothing_is_given_up() {
    let (_stage, mut slow) = reads_nothing(Stage::with(|config| config.write_stall = STALL).await).await;

    // When it reads again soon, it reads why.
    let (_, close) = slow.end().await;
    assert_eq!(close, 4410);
}

/// The stage, and the socket that was given up.
async fn reads_nothing<S: Store>(stage: Stage<S>) -> (Stage<S>, Socket) {
    spec!("P15", "S7");
    let mut slow = Socket::narrow(stage.running.address).await;
    slow.greet(Hello::new(None, "slow")).await;
    slow.caught_up().await;
    let mut fast = stage.device(None, "fast").await;
    let large = "x".repeat(400_000);

    let mut n = 0;
    while stage.engine.sessions() == 2 {
        n += 1;
        fast.push(n, &insert(&format!("g{n}"), &large)).await;
        fast.result().await;
        assert!(n < 400, "it was not given up");
    }
    (stage, slow)
}

#[tokio::test]
async fn an_event_stream_that_nobody_reads_is_given_up() {
    spec!("P20", "S7");
    let stage = Stage::with(|config| config.write_stall = STALL).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(stage.running.address).await.unwrap();
    let hash = stage.post("/api/sync/shapes", &json!({"shapes": [{"table": "t"}]}), &[]).await;
    let query = format!("protocol=1&device=slow&shapes={}", hash.body["hash"].as_str().unwrap());
    let request = format!("GET /api/sync/events?{query} HTTP/1.1\r\nhost: {}\r\n\r\n", stage.running.address);
    slow.write_all(request.as_bytes()).await.unwrap();
    wait_for("the stream", || async { (stage.engine.sessions() == 1).then_some(()) }).await;
    let mut fast = stage.device(None, "fast").await;
    let large = "x".repeat(400_000);

    let mut n = 0;
    while stage.engine.sessions() == 2 {
        n += 1;
        fast.push(n, &insert(&format!("g{n}"), &large)).await;
        fast.result().await;
        assert!(n < 400, "it was not given up");
    }
}

#[tokio::test]
async fn a_stream_whose_device_is_gone_is_over() {
    spec!("P20", "P21");
    let stage = Stage::new().await;
    for transport in [Transport::Sse, Transport::Poll] {
        let mut gone = stage.device_over(transport, None, "d1").await;
        let waits = wait_for("the stream", || async { (stage.engine.sessions() == 1).then_some(()) });
        tokio::select! {
            _ = gone.next() => panic!("{transport:?} has nothing to say"),
            () = waits => {}
        }
        drop(gone);

        wait_for("its end", || async { (stage.engine.sessions() == 0).then_some(()) }).await;
    }
}

#[tokio::test]
async fn messages_beyond_the_burst_end_the_connection() {
    spec!("P16", "P15");
    let stage = Stage::new().await;
    let mut socket = stage.device(None, "d1").await;

    for _ in 0..MESSAGES_BURST * 2 {
        socket.send(r#"{"push":{"mutations":[]}}"#).await;
    }

    let end = socket.end_code().await;
    assert_eq!(end, (Some(Code::LimitMessageRate), 1008));
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_no_more() {
    spec!("P16");
    let stage = Stage::new().await;
    let ada = stage.signup("ada").await;
    let mut sockets = Vec::new();
    for n in 0..USER_SESSIONS_MAX {
        sockets.push(stage.device(Some(&ada.access), &format!("d{n}")).await);
    }

    // Over HTTP it is a status, and what goes with 429 is 1013: come back later.
    for (transport, close) in Transport::ALL.iter().zip([1008, 1013, 1013]) {
        let mut one_more = stage.line(*transport).await;
        one_more.send(Hello::new(Some(&ada.access), "more").text()).await;
        assert_eq!(one_more.end_code().await, (Some(Code::LimitUserSessions), close), "{transport:?}");
    }

    sockets.pop();
    wait_for("the place to be free", || async { (stage.engine.sessions() < USER_SESSIONS_MAX).then_some(()) }).await;
    stage.device(Some(&ada.access), "more").await;
}

#[tokio::test]
async fn pages_of_other_origins_do_not_get_in() {
    spec!("P17");
    let listed = |config: &mut swain_server::ServerConfig| {
        config.allowed_origins = vec!["https://app.example".into()];
    };
    let stage = Stage::with(listed).await;
    let own = format!("http://{}", stage.running.address);

    for (origin, gets_in) in
        [(own.as_str(), true), ("https://app.example", true), ("https://evil.example", false), ("null", false)]
    {
        let mut request = request(stage.running.address);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match Socket::try_open(request).await {
            Ok(_) => assert!(gets_in, "{origin}"),
            Err((status, body)) => {
                assert!(!gets_in, "{origin}");
                assert_eq!(status, 403);
                assert!(body.contains("origin_not_allowed"), "{body}");
            }
        }
    }
}
