//! Bad input on every route: a stable code each, nothing stored, and others converge meanwhile.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;
use swain_core::limits::{MESSAGE_BYTES_MAX, MUTATION_OPERATIONS_MAX, PUSH_MUTATIONS_MAX, SHAPES_MAX};
use swain_core::protocol::{Down, Outcome};
use swain_core::rule::Expression;
use swain_core::{Code, Key, Pos, Position, Row};
use swain_store::Store;
use swain_store::memory::MemoryStore;
use swain_testkit::spec;
use tokio_tungstenite::tungstenite::Message;

use crate::socket::{Hello, Socket, insert, mutation};
use crate::stage::Stage;

/// Two devices that go on while others send nonsense.
struct Pair {
    writer: Socket,
    reader: Socket,
    n: u64,
}

impl Pair {
    async fn new<S: Store>(stage: &Stage<S>) -> Self {
        Self { writer: stage.device(None, "writer").await, reader: stage.device(None, "reader").await, n: 0 }
    }

    async fn write(&mut self) {
        self.n += 1;
        let result = self.writer.insert(self.n, &format!("w{}", self.n)).await;
        assert_eq!(result.outcome, Outcome::Applied);
    }

    async fn converge<S: Store>(mut self, stage: &Stage<S>) {
        self.write().await;
        let rows = rows(stage, "t").await;
        self.reader.until_rows("all rows", |held| held.len() == rows.len()).await;
        self.writer.until_rows("all rows", |held| held.len() == rows.len()).await;
        assert_eq!(self.reader.rows, rows);
        assert_eq!(self.writer.rows, rows);
    }
}

/// What the store holds, without what the pair wrote.
async fn stored<S: Store>(stage: &Stage<S>) -> (Vec<Position>, usize) {
    let log = stage.engine.store().log(Pos(0), Pos(u64::MAX), None, None, usize::MAX).await.unwrap();
    let mut positions = log.positions;
    positions.retain(|position| {
        let device = position.who.mutation().map(|(device, _)| device.as_str());
        device != Some("writer")
    });
    (positions, rows(stage, "u").await.len())
}

async fn rows<S: Store>(stage: &Stage<S>, table: &str) -> BTreeMap<Key, Row> {
    let everything = Expression::Constant(true);
    let chunk = stage.engine.store().load(table.into(), everything, None, usize::MAX).await.unwrap();
    chunk.rows.into_iter().map(|row| (Key(vec![row.value("id").clone()]), row)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_postgresql() {
    send_bad_requests(Stage::postgres().await.0).await;
    send_bad_frames(Stage::postgres().await.0).await;
    push_bad_mutations(Stage::postgres().await.0).await;
}

// ---- HTTP ----

#[tokio::test]
async fn over_http() {
    send_bad_requests(Stage::new().await).await;
}

async fn send_bad_requests<S: Store>(stage: Stage<S>) {
    spec!("P12", "P16", "P17", "V2");
    stage.signup("ada").await;
    let mut pair = Pair::new(&stage).await;
    let before = stored(&stage).await;

    for path in ["signup", "login", "refresh", "logout"] {
        for (what, media, body, status, code) in bad_bodies() {
            let request = stage.http.post(stage.url(&format!("/api/auth/{path}")));
            let request = request.header("content-type", media).body(body);
            let answer = Stage::<MemoryStore>::send(request, &[]).await;
            let got = (answer.status, answer.code());
            assert_eq!(got, (status, code), "{what} to {path}: {:?}", answer.body);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        pair.write().await;
    }
    for (method, path, status, code) in bad_addresses() {
        let request = stage.http.request(method.clone(), stage.url(path));
        let answer = Stage::<MemoryStore>::send(request, &[]).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{method} {path}");
        if status == 405 {
            assert_ne!(answer.header("allow"), "", "{method} {path}");
        }
    }

    assert_eq!(stored(&stage).await, before);
    pair.converge(&stage).await;
}

type BadBody = (&'static str, &'static str, String, u16, &'static str);

fn bad_bodies() -> Vec<BadBody> {
    let json = "application/json";
    let body = |member: &str| format!(r#"{{"email":"eve@example.com",{member}}}"#);
    vec![
        ("malformed JSON", json, "{\"email\":".into(), 400, "malformed_json"),
        ("a form", "application/x-www-form-urlencoded", "email=e".into(), 415, "unsupported_media"),
        ("plain text", "text/plain", "{}".into(), 415, "unsupported_media"),
        ("a name twice", json, body(r#""a":1,"a":2"#), 400, "duplicate_name"),
        ("NUL", json, body(r#""a":"\u0000""#), 400, "nul_in_text"),
        ("half a pair", json, body(r#""a":"\ud800""#), 400, "lone_surrogate"),
        ("an endless number", json, body(r#""a":1e999"#), 400, "number_out_of_range"),
        ("65 levels", json, nested(65), 400, "too_deep"),
        ("an array", json, "[]".into(), 400, "wrong_type"),
        ("10 MB", json, body(&format!("\"a\":\"{}\"", "x".repeat(10_000_000))), 413, "limit_message_bytes"),
    ]
}

fn bad_addresses() -> Vec<(Method, &'static str, u16, &'static str)> {
    vec![
        (Method::GET, "/api/auth/login", 405, "method_not_allowed"),
        (Method::DELETE, "/api/auth/signup", 405, "method_not_allowed"),
        (Method::PUT, "/api/auth/refresh", 405, "method_not_allowed"),
        (Method::GET, "/api/auth/logout", 405, "method_not_allowed"),
        (Method::POST, "/api/auth/me", 405, "method_not_allowed"),
        (Method::POST, "/api/sync/ws", 405, "method_not_allowed"),
        (Method::POST, "/healthz", 405, "method_not_allowed"),
        (Method::POST, "/readyz", 405, "method_not_allowed"),
        (Method::POST, "/swain.js", 405, "method_not_allowed"),
        (Method::GET, "/api/sync/ws", 426, "unknown_protocol"),
        (Method::GET, "/api/auth/me", 401, "unauthenticated"),
        (Method::GET, "/api", 404, "not_found"),
        (Method::GET, "/api/nothing", 404, "not_found"),
        (Method::POST, "/api/auth/nothing", 404, "not_found"),
        (Method::PATCH, "/nothing", 404, "not_found"),
    ]
}

#[tokio::test]
async fn tokens_that_are_not_good_are_told_apart() {
    spec!("P17", "P18");
    let stage = Stage::with(|config| config.tokens.access = swain_core::Millis(1000)).await;
    let ada = stage.signup("ada").await;
    let me = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let answer = stage.get("/api/auth/me", &[("authorization", &bearer)]).await;
        (answer.status, answer.code().to_owned())
    };

    assert_eq!(me("nonsense").await, (401, "unauthenticated".into()));
    let (head, tail) = ada.access.split_at(ada.access.len() - 4);
    let forged = format!("{head}{}", if tail == "AAAA" { "BBBB" } else { "AAAA" });
    assert_eq!(me(&forged).await, (401, "unauthenticated".into()));
    swain_testkit::wait_for("the end of the token", || async {
        (swain_server::now() >= swain_core::Millis(ada.expires)).then_some(())
    })
    .await;
    assert_eq!(me(&ada.access).await, (401, "token_expired".into()));
    let unsigned = stage.post("/api/auth/refresh", &json!({}), &[]).await;
    assert_eq!((unsigned.status, unsigned.code()), (401, "unauthenticated"));
}

// ---- WebSocket ----

/// Messages that end the connection.
struct Ending {
    what: &'static str,
    greeted: bool,
    message: Message,
    code: Code,
    close: u16,
}

#[tokio::test]
async fn over_websocket() {
    send_bad_frames(Stage::new().await).await;
}

async fn send_bad_frames<S: Store>(stage: Stage<S>) {
    spec!("P1", "P2", "P12", "P15", "P16", "V2");
    let mut pair = Pair::new(&stage).await;
    let ben = stage.signup("ben").await;
    stage.device(Some(&ben.access), "bens").await;
    let before = stored(&stage).await;

    for ending in bad_hellos().into_iter().chain(bad_messages()) {
        let mut socket = stage.socket().await;
        if ending.greeted {
            socket.greet(Hello::new(None, "bad")).await;
        }
        socket.send_message(ending.message).await;
        let end = socket.end_code().await;
        assert_eq!(end, (Some(ending.code), ending.close), "{}", ending.what);
        pair.write().await;
    }

    assert_eq!(stored(&stage).await, before);
    pair.converge(&stage).await;
}

fn bad_hellos() -> Vec<Ending> {
    let ending =
        |what, text: String, code, close| Ending { what, greeted: false, message: Message::text(text), code, close };
    let hello = || Hello::new(None, "bad");
    let shapes = |count: usize| format!("[{}]", vec![r#"{"table":"t"}"#; count].join(","));
    let with = |from: &str, to: &str| hello().text().replace(from, to);
    vec![
        ending("a push before hello", push(&insert("x", "x")), Code::HelloExpected, 4400),
        ending("text before hello", "hello".into(), Code::MalformedJson, 4400),
        ending("another protocol", with("\"protocol\":1", "\"protocol\":2"), Code::UnknownProtocol, 4400),
        ending("no device", with("\"device\":\"bad\",", ""), Code::MissingMember, 4400),
        ending("a device with spaces", with("\"bad\"", "\"b a d\""), Code::WrongType, 4400),
        ending("a number beyond", with("\"acked\":0", "\"acked\":9007199254740993"), Code::NumberOutOfRange, 4400),
        ending("a bad token", Hello::new(Some("nonsense"), "bad").text(), Code::Unauthenticated, 4401),
        ending("another's device", Hello::new(None, "bens").text(), Code::DeviceNotYours, 4403),
        ending("65 shapes", hello().shapes(&shapes(SHAPES_MAX + 1)).text(), Code::LimitShapes, 4400),
        ending("10 000 shapes", hello().shapes(&shapes(10_000)).text(), Code::LimitShapes, 4400),
        ending("an unknown table", hello().shapes(r#"[{"table":"v"}]"#).text(), Code::UnknownTable, 4400),
        ending(
            "an unknown column",
            hello().shapes(r#"[{"table":"t","where":{"eq":["zzz",1]}}]"#).text(),
            Code::UnknownColumn,
            4400,
        ),
    ]
}

fn bad_messages() -> Vec<Ending> {
    let ending = |what, message, code, close| Ending { what, greeted: true, message, code, close };
    let text = |text: &str| Message::text(text.to_owned());
    let bad = Code::MalformedMessage;
    let too_many = vec![mutation(1, &insert("x", "x")); PUSH_MUTATIONS_MAX + 1].join(",");
    let too_many = format!(r#"{{"push":{{"mutations":[{too_many}]}}}}"#);
    vec![
        ending("malformed JSON", text("{\"push\":"), Code::MalformedJson, 4400),
        ending("a name twice", text(r#"{"push":{"mutations":[],"mutations":[]}}"#), Code::DuplicateName, 4400),
        ending("NUL", text(r#"{"push":{"a":"\u0000"}}"#), Code::NulInText, 4400),
        ending("half a pair", text(r#"{"push":{"a":"\udc00"}}"#), Code::LoneSurrogate, 4400),
        ending("an endless number", text(r#"{"push":{"a":-1e999}}"#), Code::NumberOutOfRange, 4400),
        ending("65 levels", Message::text(nested(65)), Code::TooDeep, 4400),
        ending("no object", text("[]"), bad, 4400),
        ending("two members", text(r#"{"push":{"mutations":[]},"auth":{"token":"x"}}"#), bad, 4400),
        ending("an unknown kind", text(r#"{"pull":{}}"#), Code::UnknownMessage, 4400),
        ending("a second hello", Message::text(Hello::new(None, "bad").text()), Code::HelloExpected, 4400),
        ending("no n", text(r#"{"push":{"mutations":[{"ops":[]}]}}"#), Code::MissingMember, 4400),
        ending("51 mutations", Message::text(too_many), Code::LimitPushMutations, 4400),
        ending("a binary message", Message::binary(vec![1, 2, 3]), bad, 4400),
        ending("too large", Message::text("x".repeat(MESSAGE_BYTES_MAX + 1)), Code::LimitMessageBytes, 1009),
        ending("10 MB", Message::text("x".repeat(10_000_000)), Code::LimitMessageBytes, 1009),
        ending("a bad token", text(r#"{"auth":{"token":"nonsense"}}"#), Code::Unauthenticated, 4401),
    ]
}

#[tokio::test]
async fn in_mutations() {
    push_bad_mutations(Stage::new().await).await;
}

/// A mutation that cannot be right is refused by name; the connection goes on.
async fn push_bad_mutations<S: Store>(stage: Stage<S>) {
    spec!("P2", "P10", "P12", "P16", "V1");
    let mut pair = Pair::new(&stage).await;
    let ada = stage.signup("ada").await;
    let mut socket = stage.device(Some(&ada.access), "adas").await;

    for (n, (what, operations, code)) in (1..).zip(bad_operations()) {
        socket.push(n, &operations).await;
        let result = socket.result().await;
        let got = (result.outcome, result.problem.map(|problem| problem.code));
        assert_eq!(got, (Outcome::Refused, Some(code)), "{what}");
        pair.write().await;
    }

    let (positions, rows) = stored(&stage).await;
    let own = positions.iter().filter(|position| position.who.mutation().is_some());
    assert!(own.clone().all(|position| position.changes.is_empty()));
    assert_eq!((own.count(), rows), (bad_operations().len(), 0));
    pair.converge(&stage).await;
}

fn bad_operations() -> Vec<(&'static str, String, Code)> {
    let t = |set: &str| format!(r#"{{"insert":{{"table":"t","key":["x"],"set":{set}}}}}"#);
    let many = vec![insert("x", "x"); MUTATION_OPERATIONS_MAX + 1].join(",");
    vec![
        ("an unknown table", insert("x", "x").replace("\"t\"", "\"v\""), Code::UnknownTable),
        ("an unknown column", t(r#"{"zzz":1}"#), Code::UnknownColumn),
        ("a wrong type", t(r#"{"a":7}"#), Code::WrongType),
        ("a number beyond 2^53", t(r#"{"n":9007199254740993}"#), Code::NumberOutOfRange),
        ("half a number", t(r#"{"n":0.5}"#), Code::WrongType),
        ("a key too long", t("{}").replace("[\"x\"]", "[\"x\",\"y\"]"), Code::BadKey),
        ("a row too large", t(&format!(r#"{{"a":"{}"}}"#, "x".repeat(600_000))), Code::LimitRowBytes),
        ("501 operations", many, Code::LimitMutationOperations),
        ("no operation", String::new(), Code::MissingMember),
        (
            "a filled column",
            r#"{"insert":{"table":"u","key":["x"],"set":{"owner":"ben"}}}"#.into(),
            Code::ColumnReadonly,
        ),
    ]
}

/// n is taken where n + 1 is not.
#[tokio::test]
async fn at_the_limits() {
    spec!("P16");
    let stage = Stage::new().await;

    let mut socket = stage.socket().await;
    let shapes = format!("[{}]", vec![r#"{"table":"t"}"#; SHAPES_MAX].join(","));
    socket.greet(Hello::new(None, "d1").shapes(&shapes)).await;
    socket.caught_up().await;
    drop(socket);

    let mut socket = stage.device(None, "d2").await;
    let most = u64::try_from(PUSH_MUTATIONS_MAX).unwrap();
    let all: Vec<String> = (1..=most).map(|n| mutation(n, &insert(&format!("a{n}"), "x"))).collect();
    socket.send(format!(r#"{{"push":{{"mutations":[{}]}}}}"#, all.join(","))).await;
    assert_eq!(results(&mut socket).await, PUSH_MUTATIONS_MAX);

    let operations: Vec<String> = (0..MUTATION_OPERATIONS_MAX).map(|n| insert(&format!("b{n}"), "x")).collect();
    socket.push(most + 1, &operations.join(",")).await;
    assert_eq!(socket.result().await.outcome, Outcome::Applied);

    // A message of exactly the limit is read: padded with spaces.
    let mut text = format!(r#"{{"push":{{"mutations":[{}]}}}}"#, mutation(most + 2, &insert("c", "x")));
    text.push_str(&" ".repeat(MESSAGE_BYTES_MAX - text.len()));
    socket.send(text).await;
    assert_eq!(socket.result().await.outcome, Outcome::Applied);

    let deep: Message = Message::text(nested(64));
    socket.send_message(deep).await;
    assert_eq!(socket.end_code().await.0, Some(Code::UnknownMessage), "64 levels are read");
}

async fn results(socket: &mut Socket) -> usize {
    let count = socket.until("results", |frame| match frame {
        Down::Results(results) => Some(results.results.len()),
        _ => None,
    });
    count.await
}

fn push(operations: &str) -> String {
    format!(r#"{{"push":{{"mutations":[{}]}}}}"#, mutation(1, operations))
}

/// An object in which arrays nest, so many levels in all.
fn nested(levels: usize) -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
}
