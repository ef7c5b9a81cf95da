//! How much one person may use (spec P16).

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use swain_server::{Rates, ServerConfig, Transport};
use swain_testkit::spec;

use crate::http_streams::bearer;
use crate::socket::{insert, mutation};
use crate::stage::{Answer, Stage};

fn limits(change: impl FnOnce(&mut Rates)) -> impl FnOnce(&mut ServerConfig) {
    move |config| {
        change(&mut config.rates);
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
    }
}

fn batch(device: &str, first: u64, count: u64) -> Json {
    let mutations = (first..first + count).map(|n| mutation(n, &insert(&format!("{device}{n}"), "x")));
    let mutations: Vec<Json> = mutations.map(|text| serde_json::from_str(&text).unwrap()).collect();
    json!({"device": device, "mutations": mutations})
}

fn is_too_many(answer: &Answer) -> bool {
    let waits = answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1);
    (answer.status, answer.code(), waits) == (429, "limit_rate", true)
}

#[tokio::test]
async fn an_answer_says_where_one_stands_and_one_request_more_is_refused() {
    spec!("P16");
    let stage = Stage::with(limits(|rates| rates.auth = Some("3/h".parse().unwrap()))).await;
    let me = async |address: &str| stage.get("/api/auth/me", &[("x-forwarded-for", address)]).await;

    for left in ["2", "1", "0"] {
        let answer = me("192.0.2.1").await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (401, left));
        assert_eq!(answer.header("ratelimit-policy"), "\"auth\";q=3;w=3600");
        assert!(answer.header("ratelimit").starts_with(&format!("\"auth\";r={left};t=")));
        assert_eq!(answer.header("x-ratelimit-limit"), "3");
    }
    assert!(is_too_many(&me("192.0.2.1").await));

    assert_eq!(me("192.0.2.2").await.status, 401, "another address has its own");
    for (host, good) in [(1, true), (2, true), (3, true), (4, false)] {
        let answer = me(&format!("2001:db8::{host}")).await;
        assert_eq!(!is_too_many(&answer), good, "a household of IPv6 is one");
    }
    assert!(stage.get("/healthz", &[]).await.header("ratelimit").is_empty());
}

#[tokio::test]
async fn who_is_signed_in_is_counted_wherever_they_are() {
    spec!("P16");
    let stage = Stage::with(limits(|rates| rates.requests = Some("2/h".parse().unwrap()))).await;
    let (ada, ben) = (bearer(&stage.signup("ada").await), bearer(&stage.signup("ben").await));
    let ask = async |token: &str, address: &str| {
        stage.get("/api/nothing", &[("authorization", token), ("x-forwarded-for", address)]).await
    };

    assert_eq!(ask(&ada, "192.0.2.1").await.status, 404);
    assert_eq!(ask(&ada, "192.0.2.2").await.status, 404);
    assert!(is_too_many(&ask(&ada, "192.0.2.3").await));
    assert_eq!(ask(&ben, "192.0.2.1").await.status, 404);
    assert_eq!(ask("Bearer made-up", "192.0.2.3").await.status, 404, "which speaks for nobody");
    for n in 0..3 {
        stage.device_over(Transport::WebSocket, None, &format!("d{n}")).await;
    }
}

#[tokio::test]
async fn a_batch_is_as_many_writes_as_it_has_and_none_of_it_is_done_when_they_are_too_many() {
    spec!("P16", "P22");
    let stage = Stage::with(limits(|rates| rates.writes = Some("8/h".parse().unwrap()))).await;
    let token = bearer(&stage.signup("ada").await);
    let push = async |body: Json| stage.post("/api/sync/batch", &body, &[("authorization", &token)]).await;

    assert_eq!(push(batch("d", 1, 5)).await.status, 200);
    assert!(is_too_many(&push(batch("d", 6, 5)).await));
    let rest = push(batch("d", 6, 3)).await;
    assert_eq!(rest.body["results"]["results"].as_array().map(Vec::len), Some(3), "{:?}", rest.body);
    assert!(is_too_many(&push(batch("other", 1, 1)).await), "another device is the same person");
}

#[tokio::test]
async fn a_push_on_a_websocket_waits_instead() {
    spec!("P16");
    let stage = Stage::with(limits(|rates| rates.writes = Some("2/s".parse().unwrap()))).await;
    let mut device = stage.device_over(Transport::WebSocket, None, "d").await;
    let begun = Instant::now();

    for n in 1..=4 {
        device.insert(n, &format!("k{n}")).await;
    }

    assert!(begun.elapsed() >= Duration::from_millis(990), "two at once, and two at their pace");
}
