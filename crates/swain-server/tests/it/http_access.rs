//! Who gets in over plain HTTP, and what is refused there.

use reqwest::Method;
use serde_json::json;
use swain_core::limits::SHAPES_MAX;
use swain_server::{ServerConfig, Transport};
use swain_store::memory::MemoryStore;
use swain_testkit::spec;

use crate::http_streams::{at, bearer, poll, push, query};
use crate::socket::{Socket, insert};
use crate::stage::Stage;

type MemoryStage = Stage<MemoryStore>;

// ---- who may ----

#[tokio::test]
async fn the_cookie_stands_for_the_token_on_own_pages_only() {
    spec!("P20", "P17", "P22");
    let stage = Stage::new().await;
    let body = json!({"email": "ada@example.com", "password": crate::stage::PASSWORD});
    let ada = stage.post("/api/auth/signup", &body, &[]).await;
    let cookies: Vec<_> = ada.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let access = cookies.iter().find(|cookie| cookie.starts_with("swain_access=")).unwrap();
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/api;", "; Max-Age="] {
        assert!(access.contains(part), "{access}");
    }
    let cookie = ("cookie", access.split(';').next().unwrap());
    let query = query(&stage, "d1").await;

    let answer = poll(&stage, &query, &[cookie]).await;
    assert_eq!(answer.body["frames"][0]["welcome"]["user"], ada.body["user"]["id"]);
    let own = format!("http://{}", stage.running.address);
    assert_eq!(poll(&stage, &query, &[cookie, ("origin", &own)]).await.status, 200);
    assert_eq!(push(&stage, "d1", 1, &insert("g1", "x"), &[cookie, ("origin", &own)]).await.status, 200);
    for headers in [("origin", "https://evil.example"), ("origin", "null")] {
        for answer in [
            poll(&stage, &query, &[cookie, headers]).await,
            push(&stage, "d1", 2, &insert("g2", "x"), &[cookie, headers]).await,
            stage.get(&format!("/api/sync/events?{query}"), &[cookie, headers]).await,
        ] {
            assert_eq!((answer.status, answer.code()), (403, "origin_not_allowed"));
        }
    }
    let cross = push(&stage, "d1", 2, &insert("g2", "x"), &[cookie, ("sec-fetch-site", "cross-site")]).await;
    assert_eq!((cross.status, cross.code()), (403, "origin_not_allowed"));
    let out = stage.post("/api/auth/logout", &json!({}), &[]).await;
    assert!(
        out.headers
            .get_all("set-cookie")
            .iter()
            .any(|cookie| { cookie.to_str().unwrap().starts_with("swain_access=; Max-Age=0; Path=/api;") })
    );
}

#[tokio::test]
async fn another_ones_device_takes_nothing() {
    spec!("P14", "P20", "P21", "P22");
    let stage = Stage::new().await;
    let (ada, ben) = (stage.signup("ada").await, stage.signup("ben").await);
    let (ada, ben) = (bearer(&ada), bearer(&ben));
    let query = query(&stage, "d1").await;
    assert_eq!(push(&stage, "d1", 1, &insert("g1", "x"), &[("authorization", &ada)]).await.status, 200);

    for answer in [
        push(&stage, "d1", 2, &insert("g2", "x"), &[("authorization", &ben)]).await,
        poll(&stage, &query, &[("authorization", &ben)]).await,
        stage.get(&format!("/api/sync/events?{query}"), &[("authorization", &ben)]).await,
        push(&stage, "d1", 2, &insert("g2", "x"), &[]).await,
    ] {
        assert_eq!((answer.status, answer.code()), (403, "device_not_yours"));
    }
    assert_eq!(stage.engine.store().rows("t").len(), 1);
}

#[tokio::test]
async fn pages_of_listed_origins_may_read_answers_and_errors() {
    spec!("P17", "P20");
    let listed = |config: &mut ServerConfig| config.allowed_origins = vec!["https://app.example".into()];
    let stage = Stage::with(listed).await;
    let app = ("origin", "https://app.example");
    let preflight = |origin: &'static str| {
        let request = stage.http.request(Method::OPTIONS, stage.url("/api/sync/batch"));
        let asks = [("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
        let request = asks.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        MemoryStage::send(request.header("origin", origin), &[])
    };

    let may = preflight("https://app.example").await;
    assert_eq!(may.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(may.header("access-control-allow-credentials"), "true");
    assert!(may.header("access-control-allow-headers").contains("authorization"));
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), "");
    for path in ["/api/sync/changes", "/api/nothing", "/api/sync/batch"] {
        let answer = stage.get(path, &[app]).await;
        assert!(answer.status >= 400);
        assert_eq!(answer.header("access-control-allow-origin"), "https://app.example", "{path}");
        let evil = stage.get(path, &[("origin", "https://evil.example")]).await;
        assert_eq!(evil.header("access-control-allow-origin"), "", "{path}");
    }
    assert_eq!(push(&stage, "d1", 1, &insert("g1", "x"), &[app]).await.status, 200);
}

#[tokio::test]
async fn a_transport_that_is_off_says_so() {
    spec!("P24");
    for on in Transport::ALL {
        let stage = Stage::with(|config| config.transports = vec![*on]).await;
        for (transport, path) in [
            (Transport::WebSocket, "/api/sync/ws"),
            (Transport::Sse, "/api/sync/events"),
            (Transport::Poll, "/api/sync/changes"),
        ] {
            let answer = stage.get(path, &[]).await;
            assert_eq!(answer.code() == "transport_off", transport != *on, "{path}: {:?}", answer.body);
            assert!(transport == *on || answer.status == 404);
        }
        let batch = push(&stage, "d1", 1, &insert("g1", "x"), &[]).await;
        assert_eq!(batch.code() == "transport_off", *on == Transport::WebSocket);
        let upgrade = Socket::try_open(crate::socket::request(stage.running.address)).await;
        assert_eq!(upgrade.is_ok(), *on == Transport::WebSocket);
    }
}

// ---- bad input ----

#[tokio::test]
async fn bad_queries_and_bodies_are_refused_with_their_place() {
    spec!("P12", "P20", "P21", "P22");
    let stage = Stage::new().await;
    let good = query(&stage, "d1").await;
    let with = |old: &str, new: &str| good.replace(old, new);
    let hash = good.rsplit_once('=').unwrap().1.to_owned();
    let queries = [
        ("nothing".into(), "", 400, "missing_member", "query"),
        ("no device".into(), &*with("&device=d1", ""), 400, "missing_member", "query"),
        ("a bad device".into(), &with("device=d1", "device=d%201"), 400, "wrong_type", "query.device"),
        ("no protocol".into(), &with("protocol=1&", ""), 400, "missing_member", "query"),
        ("another protocol".into(), &with("protocol=1", "protocol=2"), 426, "unknown_protocol", "query.protocol"),
        ("no number".into(), &with("acked=0", "acked=-1"), 400, "wrong_type", "query.acked"),
        ("a name twice".into(), &with("acked=0", "acked=0&acked=0"), 400, "duplicate_name", "query.acked"),
        (format!("not {hash}"), &with(&hash, "zz"), 404, "unknown_shapes", "query.shapes"),
    ];
    for (what, query, status, code, place) in queries {
        for route in ["events", "changes"] {
            let answer = stage.get(&format!("/api/sync/{route}?{query}"), &[]).await;
            assert_eq!((answer.status, answer.code(), at(&answer)), (status, code, place), "{what}, {route}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    let wait = poll(&stage, &format!("{good}&wait=long"), &[]).await;
    assert_eq!((wait.status, wait.code(), at(&wait)), (400, "wrong_type", "query.wait"));
    for token in ["nonsense", "Bearer nonsense", "Basic YTpi"] {
        let answer = poll(&stage, &good, &[("authorization", token)]).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{token}");
    }
    let bodies = [
        ("shapes", json!({}), "missing_member", "body"),
        ("shapes", json!({"shapes": vec![json!({"table": "t"}); SHAPES_MAX + 1]}), "limit_shapes", "body.shapes"),
        ("shapes", json!({"shapes": [{"table": "v"}]}), "unknown_table", "body.shapes[0]"),
        ("batch", json!({"mutations": []}), "missing_member", "body"),
        ("batch", json!({"device": "d1"}), "missing_member", "body"),
        ("batch", json!({"device": "d1", "mutations": [{}]}), "missing_member", "body.mutations[0]"),
    ];
    for (route, body, code, place) in bodies {
        let answer = stage.post(&format!("/api/sync/{route}"), &body, &[]).await;
        assert_eq!((answer.status, answer.code(), at(&answer)), (400, code, place), "{body}");
    }
    for (method, route, allowed) in [
        (Method::POST, "events", "GET"),
        (Method::HEAD, "events", "GET"),
        (Method::HEAD, "changes", "GET"),
        (Method::OPTIONS, "changes", "GET"),
        (Method::GET, "batch", "POST"),
        (Method::PUT, "shapes", "POST"),
        (Method::OPTIONS, "batch", "POST"),
    ] {
        let request = stage.http.request(method.clone(), stage.url(&format!("/api/sync/{route}?{good}")));
        let answer = MemoryStage::send(request, &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allowed), "{method} {route}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {route}");
    }
    assert_eq!(stage.engine.store().positions().len(), 1, "only the schema");
}
