//! The way of a bare device to the server: a WebSocket, or requests that amount to one.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::Response;
use serde_json::{Value as Json, json};
use swain_server::Transport;
use swain_testkit::soon;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

#[expect(clippy::large_enum_variant, reason = "a test has few of them")]
pub(crate) enum Line {
    WebSocket(WebSocketStream<TcpStream>),
    Http(Box<HttpLine>),
}

/// What came.
pub(crate) enum Came {
    /// A frame, and whether it has a number.
    Frame(String, Numbered),
    /// By the code of the close frame; 1006 when there was none.
    Closed(u16),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Numbered {
    Yes,
    No,
}

impl Line {
    pub(crate) async fn send(&mut self, message: Message) {
        match self {
            // A server that has closed meanwhile does not listen.
            Self::WebSocket(stream) => drop(soon("the server to read", stream.send(message)).await),
            Self::Http(line) => line.send(message.to_text().unwrap()).await,
        }
    }

    pub(crate) async fn next(&mut self) -> Came {
        match self {
            Self::WebSocket(stream) => loop {
                match soon("a frame", stream.next()).await {
                    Some(Ok(Message::Text(text))) => return Came::Frame(text.to_string(), Numbered::Yes),
                    Some(Ok(Message::Close(frame))) => {
                        return Came::Closed(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    None | Some(Err(_)) => return Came::Closed(1006),
                }
            },
            Self::Http(line) => line.next().await,
        }
    }
}

/// Requests that amount to a connection.
pub(crate) struct HttpLine {
    http: reqwest::Client,
    base: String,
    transport: Transport,
    /// Of the hello; null before it.
    hello: Json,
    came: VecDeque<Came>,
    events: Option<Response>,
    /// The part of an event that has come.
    part: String,
    cursor: Option<String>,
    load: Option<String>,
    is_welcomed: bool,
    /// How many seconds a poll waits for news.
    pub(crate) wait: u32,
}

impl HttpLine {
    pub(crate) fn new(address: SocketAddr, transport: Transport) -> Self {
        Self {
            http: reqwest::Client::builder().no_gzip().build().unwrap(),
            base: format!("http://{address}/api/sync"),
            transport,
            hello: Json::Null,
            came: VecDeque::new(),
            events: None,
            part: String::new(),
            cursor: None,
            load: None,
            is_welcomed: false,
            wait: 25,
        }
    }

    async fn send(&mut self, text: &str) {
        let message: Json = serde_json::from_str(text).unwrap();
        if let Some(hello) = message.get("hello") {
            self.hello = hello.clone();
            let text = |name: &str| hello[name].as_str().map(str::to_owned);
            (self.cursor, self.load) = (text("cursor"), text("load"));
            if self.transport == Transport::Sse {
                self.open().await;
            }
            return;
        }
        let device = &self.hello["device"];
        let (is_presence, body) = match message.get("presence") {
            Some(presence) => (true, json!({"device": device, "presence": [presence]})),
            None => (false, json!({"device": device, "mutations": message["push"]["mutations"]})),
        };
        let answer = self.ask(self.http.post(format!("{}/batch", self.base)).json(&body)).await;
        match answer {
            // Its answer comes by the stream.
            Ok(_) if is_presence => {}
            Ok(answer) => self.came.push_back(Came::Frame(answer.text().await.unwrap(), Numbered::No)),
            Err(ended) => self.came.extend(ended),
        }
    }

    async fn next(&mut self) -> Came {
        loop {
            if let Some(came) = self.came.pop_front() {
                return came;
            }
            match self.transport {
                Transport::Sse => self.read_events().await,
                _ => self.poll().await,
            }
        }
    }

    async fn open(&mut self) {
        match self.stream("events", "cursor", &[]).await {
            Ok(answer) => {
                assert_eq!(answer.headers()["content-type"], "text/event-stream");
                self.events = Some(answer);
            }
            Err(ended) => self.came.extend(ended),
        }
    }

    async fn read_events(&mut self) {
        let Some(events) = &mut self.events else { return self.came.push_back(Came::Closed(1006)) };
        match soon("an event", events.chunk()).await {
            Ok(Some(chunk)) => self.part.push_str(std::str::from_utf8(&chunk).unwrap()),
            Ok(None) | Err(_) => self.events = None,
        }
        while let Some((event, rest)) = self.part.split_once("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            let data = field("data: ").unwrap();
            self.came.push_back(match field("event: ").as_deref() {
                Some("close") => Came::Closed(data.parse().unwrap()),
                _ => {
                    let frame: Json = serde_json::from_str(&data).unwrap();
                    let body = frame.as_object().unwrap().values().next().unwrap();
                    assert_eq!(field("id: "), body["cursor"].as_str().map(str::to_owned), "{data}");
                    Came::Frame(data, Numbered::Yes)
                }
            });
            self.part = rest.to_owned();
        }
    }

    async fn poll(&mut self) {
        let answer = match self.stream("changes", "since", &[("wait", &self.wait.to_string())]).await {
            Ok(answer) => answer,
            Err(ended) => return self.came.extend(ended),
        };
        let body: Json = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        for frame in body["frames"].as_array().unwrap() {
            let (kind, inner) = frame.as_object().unwrap().iter().next().unwrap();
            let text = |name: &str| inner[name].as_str().map(str::to_owned);
            match kind.as_str() {
                "welcome" if std::mem::replace(&mut self.is_welcomed, true) => continue,
                "load" => self.load = text("token"),
                "load_end" => self.load = None,
                _ => {}
            }
            self.cursor = text("cursor").or(self.cursor.take());
            self.came.push_back(Came::Frame(frame.to_string(), Numbered::No));
        }
        self.came.extend(body["close"].as_u64().map(|code| Came::Closed(u16::try_from(code).unwrap())));
    }

    async fn stream(&self, route: &str, cursor: &str, more: &[(&str, &str)]) -> Result<Response, [Came; 2]> {
        let shapes = json!({"shapes": self.hello["shapes"]});
        let answer = self.ask(self.http.post(format!("{}/shapes", self.base)).json(&shapes)).await?;
        let answer: Json = answer.json().await.unwrap();
        let text = |value: &Json| value.as_str().map_or(value.to_string(), str::to_owned);
        let mut query = vec![("shapes", text(&answer["hash"]))];
        for name in ["protocol", "device", "acked", "schema"] {
            query.push((name, text(&self.hello[name])));
        }
        query.extend(self.cursor.clone().map(|at| (cursor, at)));
        query.extend(self.load.clone().map(|token| ("load", token)));
        query.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.ask(self.http.get(format!("{}/{route}?{}", self.base, query.join("&")))).await
    }

    /// A refusal is the end, by the code that goes with its status.
    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Response, [Came; 2]> {
        let request = match self.hello["token"].as_str() {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let Ok(answer) = soon("an answer", request.send()).await else {
            return Err([Came::Closed(1006), Came::Closed(1006)]);
        };
        let status = answer.status().as_u16();
        if status == 200 {
            return Ok(answer);
        }
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem = answer.text().await.unwrap();
        let close = swain_core::protocol::Close::of_status(status).map_or(1006, swain_core::protocol::Close::code);
        Err([Came::Frame(format!("{{\"problem\":{problem}}}"), Numbered::No), Came::Closed(close)])
    }
}
