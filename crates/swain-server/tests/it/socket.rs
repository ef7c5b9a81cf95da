//! A device as a bare connection: what it says is written by hand, what it hears is kept.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use swain_core::protocol::{Checkpoint, Down, MutationResult, RowOperation, Welcome};
use swain_core::{Code, Key, Problem, Row};
use swain_server::Transport;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::line::{Came, HttpLine, Line, Numbered};

pub(crate) struct Socket {
    pub(crate) line: Line,
    frames: u64,
    /// The rows of table t that the frames amount to.
    pub(crate) rows: BTreeMap<Key, Row>,
    staged: BTreeMap<Key, Row>,
    /// The newest place that a frame moved to.
    pub(crate) checkpoint: Option<Checkpoint>,
}

#[expect(clippy::large_enum_variant, reason = "a test has few of them")]
pub(crate) enum Heard {
    Frame(Down),
    /// By the close frame's code; 1006 when there was none.
    Closed(u16),
}

/// The parts of a hello.
pub(crate) struct Hello {
    pub(crate) token: Option<String>,
    pub(crate) device: String,
    pub(crate) cursor: Option<String>,
    pub(crate) acked: u64,
    pub(crate) shapes: String,
    pub(crate) load: Option<String>,
}

impl Hello {
    pub(crate) fn new(token: Option<&str>, device: &str) -> Self {
        Self {
            token: token.map(str::to_owned),
            device: device.to_owned(),
            cursor: None,
            acked: 0,
            shapes: r#"[{"table":"t"}]"#.to_owned(),
            load: None,
        }
    }

    pub(crate) fn at(self, cursor: &str) -> Self {
        Self { cursor: Some(cursor.to_owned()), ..self }
    }

    pub(crate) fn shapes(self, shapes: &str) -> Self {
        Self { shapes: shapes.to_owned(), ..self }
    }

    pub(crate) fn text(&self) -> String {
        let text = |text: &Option<String>| match text {
            Some(text) => format!("\"{text}\""),
            None => "null".to_owned(),
        };
        format!(
            r#"{{"hello":{{"protocol":1,"token":{},"device":"{}","cursor":{},"acked":{},"shapes":{},"load":{},"schema":1}}}}"#,
            text(&self.token),
            self.device,
            text(&self.cursor),
            self.acked,
            self.shapes,
            text(&self.load)
        )
    }
}

impl Socket {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::try_open(request(address)).await.unwrap()
    }

    /// Over any transport.
    pub(crate) async fn over_transport(address: SocketAddr, transport: Transport) -> Self {
        match transport {
            Transport::WebSocket => Self::open(address).await,
            Transport::Sse | Transport::Poll => Self::new(Line::Http(Box::new(HttpLine::new(address, transport)))),
        }
    }

    fn new(line: Line) -> Self {
        Self { line, frames: 0, rows: BTreeMap::new(), staged: BTreeMap::new(), checkpoint: None }
    }

    /// Opens with headers of its own; a refusal gives the status.
    pub(crate) async fn try_open(request: Request) -> Result<Self, (u16, String)> {
        let host = request.uri().authority().unwrap().to_string();
        let stream = TcpStream::connect(host).await.unwrap();
        Self::over(stream, request).await
    }

    /// A device that can take in little before it reads.
    pub(crate) async fn narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Self::over(stream, request(address)).await.unwrap()
    }

    async fn over(stream: TcpStream, request: Request) -> Result<Self, (u16, String)> {
        match client_async(request, stream).await {
            Ok((stream, _)) => Ok(Self::new(Line::WebSocket(stream))),
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                Err((response.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    // ---- up ----

    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    /// Says it; a server that has closed meanwhile does not listen.
    pub(crate) async fn send_message(&mut self, message: Message) {
        self.line.send(message).await;
    }

    /// Says hello and gives the welcome.
    pub(crate) async fn greet(&mut self, hello: Hello) -> Welcome {
        self.send(hello.text()).await;
        self.until("welcome", |frame| match frame {
            Down::Welcome(welcome) => Some(welcome.clone()),
            _ => None,
        })
        .await
    }

    /// Pushes operations as mutation n, without waiting.
    pub(crate) async fn push(&mut self, n: u64, operations: &str) {
        self.send(format!(r#"{{"push":{{"mutations":[{}]}}}}"#, mutation(n, operations))).await;
    }

    pub(crate) async fn insert(&mut self, n: u64, key: &str) -> MutationResult {
        self.push(n, &insert(key, "x")).await;
        self.result().await
    }

    // ---- down ----

    pub(crate) async fn next(&mut self) -> Heard {
        match self.line.next().await {
            Came::Frame(text, numbered) => {
                let (number, frame) = Down::read_numbered(&text).unwrap();
                self.frames += u64::from(numbered == Numbered::Yes);
                assert_eq!(number, (numbered == Numbered::Yes).then_some(self.frames), "P19: {text}");
                self.keep(&frame);
                Heard::Frame(frame)
            }
            Came::Closed(code) => Heard::Closed(code),
        }
    }

    pub(crate) async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Down) -> Option<T>) -> T {
        loop {
            match self.next().await {
                Heard::Frame(Down::Problem(problem)) => panic!("{what} expected, not {problem}"),
                Heard::Frame(frame) => {
                    if let Some(found) = look(&frame) {
                        return found;
                    }
                }
                Heard::Closed(code) => panic!("closed with {code} before {what}"),
            }
        }
    }

    pub(crate) async fn caught_up(&mut self) -> Checkpoint {
        self.until("caught_up", |frame| match frame {
            Down::CaughtUp(checkpoint) => Some(checkpoint.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn result(&mut self) -> MutationResult {
        self.until("results", |frame| match frame {
            Down::Results(results) => Some(results.results.last().cloned().expect("a result")),
            _ => None,
        })
        .await
    }

    /// Until the rows of t are so.
    pub(crate) async fn until_rows(&mut self, what: &str, good: impl Fn(&BTreeMap<Key, Row>) -> bool) {
        while !good(&self.rows) {
            match self.next().await {
                Heard::Frame(_) => {}
                Heard::Closed(code) => panic!("closed with {code} before {what}"),
            }
        }
    }

    /// Until the end: the problem, if one was named, and the close code.
    pub(crate) async fn end(&mut self) -> (Option<Problem>, u16) {
        let mut problem = None;
        loop {
            match self.next().await {
                Heard::Frame(Down::Problem(named)) => problem = Some(named),
                Heard::Frame(_) => {}
                Heard::Closed(code) => return (problem, code),
            }
        }
    }

    /// The end, by code.
    pub(crate) async fn end_code(&mut self) -> (Option<Code>, u16) {
        let (problem, close) = self.end().await;
        (problem.map(|problem| problem.code), close)
    }

    pub(crate) fn cursor(&self) -> String {
        self.checkpoint.as_ref().expect("a frame moved the cursor").cursor.clone()
    }

    // ---- the device ----

    fn keep(&mut self, frame: &Down) {
        match frame {
            Down::Load(chunk) => {
                let rows = chunk.rows.iter().map(|row| (key_of(row), row.clone()));
                self.staged.extend(rows);
            }
            Down::LoadChanges(operations) => apply(&mut self.staged, operations),
            Down::LoadEnd(end) => {
                self.rows = std::mem::take(&mut self.staged);
                self.checkpoint = Some(end.checkpoint.clone());
            }
            Down::Changes { checkpoint, rows, .. } => {
                let before = self.checkpoint.as_ref().map(|checkpoint| checkpoint.pos);
                assert!(before.is_none_or(|before| before < checkpoint.pos), "S12");
                apply(&mut self.rows, rows);
                self.checkpoint = Some(checkpoint.clone());
            }
            Down::CaughtUp(checkpoint) | Down::Heartbeat(checkpoint) => {
                self.checkpoint = Some(checkpoint.clone());
            }
            Down::Welcome(_)
            | Down::Results(_)
            | Down::Goaway(_)
            | Down::Problem(_)
            | Down::Presence(_)
            | Down::Unknown(_) => {}
        }
    }
}

pub(crate) fn request(address: SocketAddr) -> Request {
    format!("ws://{address}/api/sync/ws").into_client_request().unwrap()
}

pub(crate) fn insert(key: &str, a: &str) -> String {
    format!(r#"{{"insert":{{"table":"t","key":["{key}"],"set":{{"a":"{a}"}}}}}}"#)
}

pub(crate) fn mutation(n: u64, operations: &str) -> String {
    format!(r#"{{"n":{n},"base":0,"at":1700000000000,"schema":1,"ops":[{operations}]}}"#)
}

fn apply(rows: &mut BTreeMap<Key, Row>, operations: &[RowOperation]) {
    for operation in operations.iter().filter(|operation| &*operation.row().table == "t") {
        match operation {
            RowOperation::Put { row, values, .. } => {
                rows.insert(row.key.clone(), values.clone());
            }
            RowOperation::Patch { row, set, .. } => {
                let held = rows.get_mut(&row.key).expect("a patch is of a row that is held");
                for (column, value) in &set.0 {
                    held.set(column.clone(), value.clone());
                }
            }
            RowOperation::Remove { row } => {
                rows.remove(&row.key);
            }
        }
    }
}

fn key_of(row: &Row) -> Key {
    Key(vec![row.value("id").clone()])
}
