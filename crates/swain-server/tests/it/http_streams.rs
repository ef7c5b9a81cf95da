//! Streams over plain HTTP: what they say beyond the frames that every transport has.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;
use futures::future::{join, join_all};
use serde_json::{Value as Json, json};
use swain_core::limits::{MESSAGE_BYTES_MAX, PUSH_MUTATIONS_MAX};
use swain_core::{Key, Millis, Row};
use swain_server::limits::{COMPRESS_BYTES_MIN, DRAIN_MS_MAX, POLL_ANSWER_BYTES, REQUESTS_BURST};
use swain_server::{Running, Transport};
use swain_store::Store;
use swain_store::memory::MemoryStore;
use swain_testkit::{soon, spec, wait_for};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::line::Line;
use crate::socket::{Hello, insert, mutation};
use crate::stage::{Account, Answer, Stage};

type MemoryStage = Stage<MemoryStore>;

/// What both transports share in a query.
pub(crate) async fn query<S: Store>(stage: &Stage<S>, device: &str) -> String {
    query_of(stage, device, json!([{"table": "t"}])).await
}

pub(crate) async fn query_of<S: Store>(stage: &Stage<S>, device: &str, shapes: Json) -> String {
    let answer = stage.post("/api/sync/shapes", &json!({"shapes": shapes}), &[]).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    format!("protocol=1&device={device}&acked=0&shapes={}", answer.body["hash"].as_str().unwrap())
}

pub(crate) async fn poll<S: Store>(stage: &Stage<S>, query: &str, headers: &[(&str, &str)]) -> Answer {
    stage.get(&format!("/api/sync/changes?{query}"), headers).await
}

pub(crate) async fn push<S: Store>(
    stage: &Stage<S>,
    device: &str,
    n: u64,
    operations: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mutations: Json = serde_json::from_str(&format!("[{}]", mutation(n, operations))).unwrap();
    stage.post("/api/sync/batch", &json!({"device": device, "mutations": mutations}), headers).await
}

pub(crate) fn bearer(account: &Account) -> String {
    format!("Bearer {}", account.access)
}

fn kinds(answer: &Answer) -> Vec<&str> {
    let frames = answer.body["frames"].as_array().unwrap();
    frames.iter().map(|frame| frame.as_object().unwrap().keys().next().unwrap().as_str()).collect()
}

/// The cursor that the last frame of an answer moved to.
fn cursor(answer: &Answer) -> String {
    let frames = answer.body["frames"].as_array().unwrap().iter();
    let bodies = frames.flat_map(|frame| frame.as_object().unwrap().values());
    bodies.filter_map(|body| body["cursor"].as_str()).next_back().unwrap().to_owned()
}

/// The place of a problem.
pub(crate) fn at(answer: &Answer) -> &str {
    answer.body["at"].as_str().unwrap_or("nowhere")
}

// ---- shapes ----

#[tokio::test]
async fn a_list_of_shapes_has_one_hash_wherever_it_is_asked_for() {
    spec!("P20");
    let stage = Stage::sqlite().await;

    let one = query_of(&stage, "d1", json!([{"table": "t"}])).await;
    let spaced = r#"{ "shapes" : [ { "table" : "t" } ], "more": 1 }"#;
    let request = stage.http.post(stage.url("/api/sync/shapes")).header("content-type", "application/json");
    let again = Stage::<MemoryStore>::send(request.body(spaced), &[]).await;

    let hash = again.body["hash"].as_str().unwrap();
    assert!(hash.len() == 32 && hash.chars().all(|char| char.is_ascii_hexdigit()), "{hash}");
    assert!(one.ends_with(hash));
    assert_ne!(query_of(&stage, "d1", json!([{"table": "u"}])).await, one);
}

#[tokio::test]
async fn an_unknown_hash_is_told_apart() {
    spec!("P20", "P21");
    let stage = Stage::new().await;

    for route in ["events", "changes"] {
        let answer = stage.get(&format!("/api/sync/{route}?protocol=1&device=d1&shapes=00"), &[]).await;
        assert_eq!((answer.status, answer.code(), at(&answer)), (404, "unknown_shapes", "query.shapes"));
    }
}

// ---- events ----

#[tokio::test]
async fn events_are_never_stored_nor_held_back_and_end_with_a_code() {
    spec!("P20", "P11", "P15");
    let stage = Stage::new().await;
    let url = stage.url(&format!("/api/sync/events?{}", query(&stage, "d1").await));
    let mut answer = soon("an answer", stage.http.get(url).header("accept-encoding", "gzip").send()).await.unwrap();
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("content-encoding", "gzip"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    let mut came = Vec::new();
    read_until(&mut answer, &mut came, "\"caught_up\"").await;

    // Whatever has come can be read: nothing waits in the compressor.
    push(&stage, "d2", 1, &insert("g1", &"x".repeat(5000)), &[]).await;
    read_until(&mut answer, &mut came, "\"g1\"").await;
    push(&stage, "d2", 2, &insert("g2", "x"), &[]).await;
    read_until(&mut answer, &mut came, "\"g2\"").await;
    let drain = tokio::spawn(stage.running.drain());
    read_until(&mut answer, &mut came, "event: close\ndata: 1012\n\n").await;
    while let Some(chunk) = soon("the end", answer.chunk()).await.unwrap() {
        came.extend(chunk);
    }

    let mut whole = String::new();
    GzDecoder::new(&*came).read_to_string(&mut whole).unwrap();
    assert!(whole.contains("data: {\"goaway\":{\"i\":"), "{whole}");
    soon("the drain", drain).await.unwrap();
}

async fn read_until(answer: &mut reqwest::Response, came: &mut Vec<u8>, wanted: &str) {
    loop {
        let mut text = Vec::new();
        // What has not come yet is no end of the stream.
        let _ = GzDecoder::new(&**came).read_to_end(&mut text);
        if String::from_utf8_lossy(&text).contains(wanted) {
            return;
        }
        let chunk = soon(wanted, answer.chunk()).await.unwrap();
        came.extend(chunk.unwrap_or_else(|| panic!("it ended before {wanted}")));
    }
}

#[tokio::test]
async fn compression_is_asked_for_and_can_be_off() {
    spec!("P23");
    let stage = Stage::new().await;
    let plain = Stage::with(|config| config.compression = false).await;
    stage.device(None, "d0").await.insert(1, "g1").await;
    push(&stage, "d1", 1, &insert("g2", &"x".repeat(COMPRESS_BYTES_MIN * 2)), &[]).await;
    let gzip = ("accept-encoding", "gzip");
    let encoding = async |stage: &MemoryStage, path: String, headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(stage.http.get(stage.url(&path)), |request, (name, value)| request.header(*name, *value));
        let answer = soon("an answer", request.send()).await.unwrap();
        answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned())
    };

    for route in ["events", "changes"] {
        let path = format!("/api/sync/{route}?{}", query(&stage, "d9").await);
        assert_eq!(encoding(&stage, path.clone(), &[gzip]).await.as_deref(), Some("gzip"), "{route}");
        assert_eq!(encoding(&stage, path.clone(), &[]).await, None, "{route}");
        assert_eq!(encoding(&stage, path.clone() + "&compress=0", &[gzip]).await, None, "{route}");
        let path = format!("/api/sync/{route}?{}", query(&plain, "d9").await);
        assert_eq!(encoding(&plain, path, &[gzip]).await, None, "{route}");
    }
    assert_eq!(encoding(&stage, "/swain.js".into(), &[gzip]).await.as_deref(), Some("gzip"));
    assert_eq!(encoding(&plain, "/swain.js".into(), &[gzip]).await, None);
}

#[tokio::test]
async fn a_packed_file_has_a_tag_of_its_own() {
    spec!("P23", "P17");
    let stage = Stage::new().await;
    let gzip = ("accept-encoding", "gzip");

    let packed = stage.http.get(stage.url("/swain.js")).header(gzip.0, gzip.1).send().await.unwrap();
    let tag = packed.headers()["etag"].to_str().unwrap().to_owned();
    let mut text = String::new();
    GzDecoder::new(&*packed.bytes().await.unwrap()).read_to_string(&mut text).unwrap();
    let plain = stage.get("/swain.js", &[]).await;

    assert_eq!(plain.body.as_str(), Some(text.as_str()));
    assert_ne!(plain.header("etag"), tag);
    assert_eq!(stage.get("/swain.js", &[gzip, ("if-none-match", &tag)]).await.status, 304);
    assert_eq!(stage.get("/swain.js", &[("if-none-match", &tag)]).await.status, 200);
}

#[tokio::test]
async fn large_frames_of_a_websocket_are_packed_for_who_takes_it() {
    spec!("P23", "P1");
    for compression in [true, false] {
        let stage = Stage::with(|config| config.compression = compression).await;
        let (mut small, mut packed) = (0, 0);
        let hello = Hello::new(None, "d1").text().replace("\"schema\":1", "\"gzip\":true");
        let mut socket = stage.socket().await;
        socket.send(hello).await;
        push(&stage, "d2", 1, &insert("g1", &"x".repeat(70_000)), &[]).await;
        push(&stage, "d2", 2, &insert("g2", "x"), &[]).await;

        let Line::WebSocket(stream) = &mut socket.line else { panic!("a WebSocket") };
        let (mut number, mut last) = (0, String::new());
        while !last.contains("\"g2\"") {
            last = match soon("a frame", futures::StreamExt::next(stream)).await.unwrap().unwrap() {
                Message::Text(text) => {
                    small += 1;
                    assert!(text.len() <= COMPRESS_BYTES_MIN || !compression);
                    text.to_string()
                }
                Message::Binary(bytes) => {
                    packed += 1;
                    let mut text = String::new();
                    GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
                    assert!(text.len() > COMPRESS_BYTES_MIN);
                    text
                }
                other => panic!("{other:?}"),
            };
            number += 1;
            assert!(last.contains(&format!("{{\"i\":{number},")), "in order: {last}");
        }
        assert_eq!(packed > 0, compression);
        assert!(small > 0);
    }
}

// ---- polls ----

#[tokio::test]
async fn a_poll_is_one_short_session() {
    spec!("P21", "P4", "P19");
    let stage = Stage::new().await;
    let mut other = stage.device(None, "d2").await;
    other.insert(1, "g1").await;
    let query = query(&stage, "d1").await;

    let first = poll(&stage, &query, &[]).await;
    assert_eq!(kinds(&first), ["welcome", "load", "load_end", "caught_up"]);
    assert!(first.body["frames"][0]["welcome"].get("i").is_none(), "it comes whole or not at all");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let (at, tag) = (cursor(&first), first.header("etag").to_owned());

    // Nothing new: by the tag, or by a welcome without the schema that the device has.
    let next = format!("{query}&since={at}&schema=1");
    let same = poll(&stage, &next, &[("if-none-match", &tag)]).await;
    assert_eq!((same.status, same.header("etag")), (304, tag.as_str()));
    let same = poll(&stage, &next, &[]).await;
    assert_eq!(kinds(&same), ["welcome", "caught_up"]);
    assert!(same.body["frames"][0]["welcome"].get("schema").is_none());
    let other_history = poll(&stage, &format!("{query}&schema=1"), &[]).await;
    assert!(other_history.body["frames"][0]["welcome"].get("schema").is_some(), "without a cursor nothing is known");

    // Held until something comes.
    let news = async {
        wait_for("the poll", || async { (stage.engine.sessions() == 2).then_some(()) }).await;
        other.insert(2, "g2").await
    };
    let (held, _) = join(poll(&stage, &format!("{next}&wait=25"), &[("if-none-match", &tag)]), news).await;
    assert_eq!((held.status, kinds(&held)), (200, vec!["welcome", "caught_up", "changes"]));
    assert_ne!(held.header("etag"), tag);

    // Or until the time is over.
    let next = format!("{query}&since={}&schema=1&wait=1", cursor(&held));
    let began = Instant::now();
    let over = poll(&stage, &next, &[("if-none-match", held.header("etag"))]).await;
    assert_eq!(over.status, 304);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_long_load_goes_on_over_polls() {
    spec!("P21", "P5");
    let stage = Stage::new().await;
    let large = "x".repeat(2000);
    stage.engine.store().write_outside(swain_server::now(), "t", |rows| {
        for n in 0..2000 {
            let key = format!("g{n:04}");
            let row = Row::default().with("id", key.as_str()).with("a", large.as_str());
            rows.insert(Key::of(key.as_str()), row.with("n", swain_core::Value::Null));
        }
    });
    let first = poll(&stage, &query(&stage, "d1").await, &[]).await;
    assert_eq!(kinds(&first).last(), Some(&"load"), "it ends between two chunks");
    assert!(first.body.to_string().len() < POLL_ANSWER_BYTES * 2);
    assert_eq!(first.header("etag"), "", "it has not come to a place");

    let mut device = stage.device_over(Transport::Poll, None, "d1").await;

    device.until_rows("all rows", |rows| rows.len() == 2000).await;
    assert_eq!(device.rows, stage.engine.store().rows("t"));
}

#[tokio::test]
async fn two_polls_of_one_device_and_an_ended_token_close_the_first() {
    spec!("P21", "P15", "P18");
    let stage = Stage::with(|config| config.tokens.access = Millis(2000)).await;
    let ada = stage.signup("ada").await;
    let bearer = bearer(&ada);
    let auth = [("authorization", bearer.as_str())];
    let query = query(&stage, "d1").await;
    let at = cursor(&poll(&stage, &query, &auth).await);
    let next = format!("{query}&since={at}&wait=25");

    let (first, second) = join(poll(&stage, &next, &auth), async {
        wait_for("the first", || async { (stage.engine.sessions() == 1).then_some(()) }).await;
        poll(&stage, &next, &auth).await
    })
    .await;

    assert_eq!((first.status, first.body["close"].as_u64()), (200, Some(4409)));
    assert_eq!((second.status, second.body["close"].as_u64()), (200, Some(4401)), "{:?}", second.body);
    let ended = poll(&stage, &next, &auth).await;
    assert_eq!((ended.status, ended.code()), (401, "token_expired"));
}

#[tokio::test]
async fn a_right_that_is_lost_ends_a_held_poll_with_a_removal() {
    spec!("P21", "R7");
    let stage = Stage::new().await;
    let ada = stage.signup("ada").await;
    let bearer = bearer(&ada);
    let auth = [("authorization", bearer.as_str())];
    let query = query_of(&stage, "d1", json!([{"table": "u"}])).await;
    let row = insert("mine", "x").replace("\"t\"", "\"u\"");
    let answer = push(&stage, "d1", 1, &row, &auth).await;
    assert_eq!(answer.body["results"]["results"][0]["status"], "applied", "{:?}", answer.body);
    let first = poll(&stage, &query, &auth).await;
    assert_eq!(first.body["frames"][1]["load"]["rows"][0]["id"], "mine");

    // The result is known, so it is no news.
    let next = format!("{}&since={}&wait=25", query.replace("acked=0", "acked=1"), cursor(&first));
    let (held, ()) = join(poll(&stage, &next, &auth), async {
        wait_for("the poll", || async { (stage.engine.sessions() == 1).then_some(()) }).await;
        stage.engine.store().write_outside(swain_server::now(), "u", |rows| {
            rows.get_mut(&Key::of("mine")).unwrap().set("owner", "ben");
        });
    })
    .await;

    let last = held.body["frames"].as_array().unwrap().last().unwrap();
    assert_eq!(last["changes"]["rows"][0]["remove"]["key"], json!(["mine"]), "{last}");
}

#[tokio::test]
async fn a_drain_answers_a_thousand_held_polls() {
    spec!("P21", "S10", "P11");
    let stage = Stage::new().await;
    let query = query(&stage, "d").await;
    let at = cursor(&poll(&stage, &query, &[]).await);
    let polls = (0..1000).map(|n| {
        let query = query.replace("device=d&", &format!("device=d{n}&"));
        let url = stage.url(&format!("/api/sync/changes?{query}&since={at}&wait=25"));
        tokio::spawn(stage.http.get(url).send())
    });
    let polls: Vec<_> = polls.collect();
    wait_for("all of them", || async { (stage.engine.sessions() == 1000).then_some(()) }).await;

    let began = Instant::now();
    let drain = tokio::spawn(Running::drain(stage.running));
    let answers = soon("all answers", join_all(polls)).await;
    soon("the drain", drain).await.unwrap();

    assert!(began.elapsed() < Duration::from_millis(DRAIN_MS_MAX));
    for answer in answers {
        let answer = answer.unwrap().unwrap();
        let body: Json = answer.json().await.unwrap();
        assert_eq!(body["close"].as_u64(), Some(1012));
        assert_eq!(body["frames"][2]["goaway"]["reason"], "draining");
    }
}

// ---- batches ----

#[tokio::test]
async fn an_answer_that_was_lost_comes_again() {
    spec!("P22", "P14");
    let stage = Stage::new().await;

    let first = push(&stage, "d1", 1, &insert("g1", "x"), &[]).await;
    let again = push(&stage, "d1", 1, &insert("g1", "x"), &[]).await;

    assert_eq!(first.body, again.body);
    assert_eq!(again.body["results"]["results"][0]["status"], "applied");
    assert_eq!(stage.engine.store().rows("t").len(), 1);
    let problem_of = async |n, key: &str| {
        let answer = push(&stage, "d1", n, &insert(key, "x"), &[]).await;
        assert_eq!(answer.status, 200);
        answer.body["results"]["problem"]["code"].as_str().map(str::to_owned)
    };
    assert_eq!(problem_of(1, "other").await.as_deref(), Some("mutation_mismatch"));
    assert_eq!(problem_of(3, "g3").await.as_deref(), Some("mutation_gap"));
    assert_eq!(problem_of(2, "g2").await, None);
}

#[tokio::test]
async fn a_batch_has_the_limits_of_a_push() {
    spec!("P22", "P16");
    let stage = Stage::new().await;
    let most: Vec<Json> = (1..=PUSH_MUTATIONS_MAX + 1)
        .map(|n| serde_json::from_str(&mutation(n as u64, &insert(&format!("g{n}"), "x"))).unwrap())
        .collect();
    let batch = |device: &str, mutations: &[Json]| json!({"device": device, "mutations": mutations});

    let answer = stage.post("/api/sync/batch", &batch("d1", &most), &[]).await;
    assert_eq!((answer.status, answer.code(), at(&answer)), (400, "limit_push_mutations", "body.mutations"));
    let answer = stage.post("/api/sync/batch", &batch("d1", &most[..PUSH_MUTATIONS_MAX]), &[]).await;
    assert_eq!(answer.body["results"]["results"].as_array().unwrap().len(), PUSH_MUTATIONS_MAX);

    let mut text = batch("d2", &most[..1]).to_string();
    text.push_str(&" ".repeat(MESSAGE_BYTES_MAX - text.len()));
    let send = async |text: String| {
        let request = stage.http.post(stage.url("/api/sync/batch")).header("content-type", "application/json");
        MemoryStage::send(request.body(text), &[]).await
    };
    assert_eq!(send(text.clone()).await.status, 200);
    let answer = send(text + " ").await;
    assert_eq!((answer.status, answer.code()), (413, "limit_message_bytes"));
}

#[tokio::test]
async fn requests_of_one_device_come_no_faster_than_messages() {
    spec!("P16", "P22");
    let stage = Stage::new().await;
    let empty = json!({"device": "d1", "mutations": []});

    let requests = (0..REQUESTS_BURST * 2).map(|_| stage.post("/api/sync/batch", &empty, &[]));
    let answers = join_all(requests).await;

    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(!refused.is_empty() && refused.len() < answers.len());
    for answer in refused {
        assert_eq!((answer.status, answer.code()), (429, "limit_message_rate"));
        assert_eq!(answer.header("retry-after"), "1");
    }
    let other = stage.post("/api/sync/batch", &json!({"device": "d2", "mutations": []}), &[]).await;
    assert_eq!(other.status, 200);
}
