//! What a device hears, from hello on.

use futures::future::join;
use swain_core::protocol::{Cursor, Down, Outcome, ShapeState};
use swain_core::{Code, Key, Millis, Pos, Tag};
use swain_server::Transport;
use swain_store::Store;
use swain_testkit::{postgres, spec};

use crate::socket::{Hello, insert, mutation};
use crate::stage::Stage;

#[tokio::test]
async fn a_device_loads_pushes_and_hears_what_another_pushes() {
    for transport in Transport::ALL {
        whole_story(Stage::new().await, *transport).await;
    }
}

#[tokio::test]
async fn the_same_story_on_sqlite() {
    for transport in Transport::ALL {
        whole_story(Stage::sqlite().await, *transport).await;
    }
}

/// The stories of this file, where the database is PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_stories_on_postgresql() {
    for transport in Transport::ALL {
        whole_story(Stage::postgres().await.0, *transport).await;
    }
    what_is_no_cursor(Stage::postgres().await.0).await;
    decided_before(Stage::postgres().await.0).await;
    several_in_one_push(Stage::postgres().await.0).await;
    let (stage, url) = Stage::postgres().await;
    postgres::run_sql(&url, "INSERT INTO t SELECT 'g' || to_char(i, 'FM0000'), 'x' FROM generate_series(0, 2499) i");
    // The load begins behind them.
    stage.engine.store().look_outside().await.unwrap();
    cut_load(stage).await;
}

async fn whole_story<S: Store>(stage: Stage<S>, transport: Transport) {
    spec!("P1", "P2", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P19", "P20", "P21", "P22", "S2", "S12");
    let ada = stage.signup("ada").await;
    let mut first = stage.line(transport).await;

    // hello → welcome → load → load_end → caught_up
    let welcome = first.greet(Hello::new(Some(&ada.access), "d1")).await;
    assert_eq!(welcome.user.unwrap().as_str(), ada.id);
    assert_eq!(welcome.shapes, [ShapeState::Load]);
    assert_eq!(welcome.expires, Some(Millis(ada.expires)));
    assert_eq!(welcome.last.0, 0);
    let end = first.until("load_end", |frame| match frame {
        Down::LoadEnd(end) => Some(end.clone()),
        _ => None,
    });
    assert_eq!(end.await.shapes, [0]);
    first.caught_up().await;

    // push → results, and the changes with acked
    first.push(1, &insert("g1", "A")).await;
    let (mut outcome, mut acked) = (None, None);
    while outcome.is_none() || acked.is_none() {
        let (is, at) = first
            .until("results and changes", |frame| match frame {
                Down::Results(results) => Some((Some(results.results[0].outcome), None)),
                Down::Changes { checkpoint, .. } => Some((None, Some(checkpoint.acked))),
                _ => None,
            })
            .await;
        (outcome, acked) = (outcome.or(is), acked.or(at));
    }
    assert_eq!((outcome.unwrap(), acked.unwrap().0), (Outcome::Applied, 1));
    // S2: what was acknowledged is in the log.
    assert!(stage.engine.store().head().await.unwrap().pos >= first.checkpoint.as_ref().unwrap().pos);

    // Another device loads it, and hears the next change.
    let mut second = stage.device_over(transport, None, "d2").await;
    assert_eq!(second.rows, first.rows);
    first.insert(2, "g2").await;
    second.until_rows("g2", |rows| rows.len() == 2).await;

    // It comes back with its cursor and gets only what it missed.
    let cursor = second.cursor();
    drop(second);
    first.insert(3, "g3").await;
    let mut again = stage.line(transport).await;
    let welcome = again.greet(Hello::new(None, "d2").at(&cursor)).await;
    assert_eq!(welcome.shapes, [ShapeState::Live]);
    again.caught_up().await;
    // It has caught up with what the server has read of the log, which may be a moment behind the commit.
    again.until_rows("g3", |rows| !rows.is_empty()).await;
    assert_eq!(again.rows.keys().collect::<Vec<_>>(), [&Key::of("g3")]);
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats() {
    spec!("P8");
    let stage = Stage::with(|config| config.heartbeat = Millis(50)).await;
    let mut socket = stage.device(None, "d1").await;

    for _ in 0..2 {
        socket.until("heartbeat", |frame| matches!(frame, Down::Heartbeat(_)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_cursor_that_is_not_this_devices_truth_is_a_load() {
    what_is_no_cursor(Stage::new().await).await;
}

async fn what_is_no_cursor<S: Store>(stage: Stage<S>) {
    spec!("P13", "S9");
    let ada = stage.signup("ada").await;
    let mut socket = stage.device(Some(&ada.access), "d1").await;
    socket.insert(1, "g1").await;
    socket.until_rows("g1", |rows| rows.len() == 1).await;
    let good = Cursor::decode(&socket.cursor()).unwrap();
    let other_view = stage.socket().await.greet(Hello::new(None, "d2").at(&socket.cursor())).await;
    assert_eq!(other_view.shapes, [ShapeState::Load], "of another user");

    let forged = [
        ("no base64", "!!".to_owned()),
        ("no JSON", "AAAA".to_owned()),
        ("another epoch", Cursor { epoch: "e2".into(), ..good.clone() }.encode()),
        ("the future", Cursor { pos: Pos(999), ..good.clone() }.encode()),
        ("a reused position", Cursor { tag: Tag(good.tag.0 ^ 1), ..good.clone() }.encode()),
        ("another view", Cursor { views: vec!["0".repeat(16)], ..good.clone() }.encode()),
    ];
    for (what, cursor) in forged {
        let mut socket = stage.socket().await;
        let hello = Hello::new(Some(&ada.access), "d3").at(&cursor);
        assert_eq!(socket.greet(hello).await.shapes, [ShapeState::Load], "{what}");
        socket.caught_up().await;
        assert_eq!(socket.rows.len(), 1, "{what}");
    }
    let mut socket = stage.socket().await;
    let hello = Hello::new(Some(&ada.access), "d3").at(&good.encode());
    assert_eq!(socket.greet(hello).await.shapes, [ShapeState::Live]);
}

#[tokio::test]
async fn a_cut_load_goes_on_behind_its_token() {
    let stage = Stage::new().await;
    stage.engine.store().write_outside(swain_server::now(), "t", |rows| {
        for n in 0..2500 {
            let key = format!("g{n:04}");
            let row =
                swain_core::Row::default().with("id", key.as_str()).with("a", "x").with("n", swain_core::Value::Null);
            rows.insert(Key::of(key.as_str()), row);
        }
    });
    cut_load(stage).await;
}

async fn cut_load<S: Store>(stage: Stage<S>) {
    spec!("P5");
    let mut socket = stage.socket().await;
    socket.greet(Hello::new(None, "d1")).await;
    let (rows, token) = socket
        .until("a chunk", |frame| match frame {
            Down::Load(chunk) => Some((chunk.rows.len(), chunk.token.clone())),
            _ => None,
        })
        .await;
    drop(socket);

    let mut socket = stage.socket().await;
    let mut hello = Hello::new(None, "d1");
    hello.load = Some(token);
    let welcome = socket.greet(hello).await;
    socket.caught_up().await;

    assert_eq!(welcome.load_resumes, Some(true));
    assert_eq!(socket.rows.len(), 2500 - rows);
}

#[tokio::test]
async fn a_mutation_that_was_decided_gets_its_result_again() {
    decided_before(Stage::new().await).await;
}

async fn decided_before<S: Store>(stage: Stage<S>) {
    spec!("P14", "S4", "S11");
    let mut socket = stage.device(None, "d1").await;
    socket.insert(1, "g1").await;
    let head = positions(&stage).await;

    let again = socket.insert(1, "g1").await;
    assert_eq!(again.outcome, Outcome::Applied);
    assert_eq!(positions(&stage).await, head);

    let mut problem_of = async |n, key: &str| {
        socket.push(n, &insert(key, "x")).await;
        let problem = socket.until("results", |frame| match frame {
            Down::Results(results) => Some(results.problem.clone()),
            _ => None,
        });
        problem.await.map(|problem| problem.code)
    };
    assert_eq!(problem_of(1, "other").await, Some(Code::MutationMismatch));
    assert_eq!(problem_of(3, "g3").await, Some(Code::MutationGap));
    assert_eq!(problem_of(2, "g2").await, None);

    // After a lost answer the welcome has what the device does not know yet.
    drop(socket);
    let mut socket = stage.socket().await;
    let mut hello = Hello::new(None, "d1");
    hello.acked = 1;
    let welcome = socket.greet(hello).await;
    assert_eq!(welcome.last.0, 2);
    assert_eq!(welcome.results.iter().map(|result| result.n.0).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn mutations_of_one_push_are_answered_in_order_and_a_refusal_blocks_nothing() {
    several_in_one_push(Stage::new().await).await;
}

async fn several_in_one_push<S: Store>(stage: Stage<S>) {
    spec!("P10", "S1", "S11");
    let mut socket = stage.device(None, "d1").await;
    let bad = r#"{"update":{"table":"t","key":["nowhere"],"set":{"a":"B"},"was":{"a":{"value":"A"}}}}"#;
    let all = [mutation(1, &insert("g1", "A")), mutation(2, bad), mutation(3, &insert("g3", "A"))];

    socket.send(format!(r#"{{"push":{{"mutations":[{}]}}}}"#, all.join(","))).await;
    let results = socket.until("results", |frame| match frame {
        Down::Results(results) => Some(results.results.clone()),
        _ => None,
    });
    let results = results.await;

    let outcomes: Vec<_> = results.iter().map(|result| (result.n.0, result.outcome)).collect();
    assert_eq!(outcomes, [(1, Outcome::Applied), (2, Outcome::Refused), (3, Outcome::Applied)]);
    assert_eq!(results[1].problem.as_ref().unwrap().code, Code::RowGone);
    // S1: a refusal has its position too, and they are dense.
    let numbers = positions(&stage).await;
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

async fn positions<S: Store>(stage: &Stage<S>) -> Vec<u64> {
    let page = stage.engine.store().log(Pos(0), Pos(u64::MAX), None, None, 10_000).await.unwrap();
    page.positions.iter().map(|position| position.pos.0).collect()
}

#[tokio::test]
async fn a_slow_consumer_falls_behind_and_ends_equal() {
    spec!("S7");
    let stage = Stage::new().await;
    let mut slow = crate::socket::Socket::narrow(stage.running.address).await;
    slow.greet(Hello::new(None, "slow")).await;
    slow.caught_up().await;
    let mut fast = stage.device(None, "fast").await;
    // Three bytes a character, so that fragments end inside one.
    let large = "€".repeat(33_000);

    // More than the sockets and the queue hold together, while the slow one reads nothing.
    for n in 1..=200 {
        fast.push(n, &insert(&format!("g{n}"), &large)).await;
        fast.result().await;
    }

    let done = |rows: &std::collections::BTreeMap<_, _>| rows.len() == 200;
    join(slow.until_rows("all rows", done), fast.until_rows("all rows", done)).await;
    assert_eq!(slow.rows, fast.rows);
    assert_eq!(slow.rows, stage.engine.store().rows("t"));
}
