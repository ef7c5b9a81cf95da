//! A device that only listens and keeps what every position held.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use swain_core::protocol::{Down, RowOperation, ShapeState};
use swain_core::{Key, Pos, Row, Tag};
use swain_testkit::soon;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Positions that are compared again in every round; beyond it, the recording begins anew from where it is.
const POSITIONS_MAX: usize = 2000;

/// What a position held: its tag, and what it did to the rows.
type Content = (Tag, Vec<RowOperation>);

#[derive(Default)]
pub(crate) struct Recorder {
    /// Where the recording begins, and the rows there.
    cursor: Option<String>,
    rows: BTreeMap<Key, Row>,
    positions: BTreeMap<Pos, Content>,
    /// Where it is.
    newest: Option<String>,
    compared: usize,
}

/// A recorder with a live connection.
pub(crate) struct Watch {
    recorder: Recorder,
    socket: Socket,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Recorder {
    /// Begins before anybody writes.
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let mut recorder = Self::default();
        recorder.catch_up(address).await;
        recorder.cursor = recorder.newest.clone();
        recorder
    }

    /// Is live when this returns, and stays so.
    pub(crate) async fn watch(mut self, address: SocketAddr) -> Watch {
        let socket = self.catch_up(address).await;
        Watch { recorder: self, socket }
    }

    /// Reads everything since the start again: what was heard before has to be heard again, the same.
    pub(crate) async fn compare(&mut self, address: SocketAddr) {
        let before = std::mem::take(&mut self.positions);
        self.newest = self.cursor.clone();
        self.catch_up(address).await;
        for (pos, content) in &before {
            let now = self.positions.get(pos);
            assert_eq!(now, Some(content), "position {pos} is another one now");
        }
        self.compared += before.len();
        if self.positions.len() > POSITIONS_MAX {
            self.rows = self.rows();
            self.positions.clear();
            self.cursor = self.newest.clone();
        }
    }

    /// How many positions were compared.
    pub(crate) fn compared(&self) -> usize {
        self.compared
    }

    /// The rows after all positions.
    pub(crate) fn rows(&self) -> BTreeMap<Key, Row> {
        let mut rows = self.rows.clone();
        let contents = self.positions.values();
        for operation in contents.flat_map(|(_, operations)| operations) {
            match operation {
                RowOperation::Put { row, values, .. } => {
                    let twice = rows.insert(row.key.clone(), values.clone());
                    assert!(twice.is_none() || row.key == Key::of("counter"), "{row:?} twice");
                }
                RowOperation::Patch { row, set, .. } => {
                    let held = rows.get_mut(&row.key).unwrap();
                    held.0.extend(set.0.clone());
                }
                RowOperation::Remove { row } => {
                    rows.remove(&row.key);
                }
            }
        }
        rows
    }

    /// Connects and goes on from the newest cursor.
    async fn catch_up(&mut self, address: SocketAddr) -> Socket {
        let mut socket = greet(address, self.newest.as_deref()).await;
        loop {
            let frame = next(&mut socket).await.expect("the server is there");
            let is_caught_up = matches!(frame, Down::CaughtUp(_));
            self.hear(frame);
            if is_caught_up {
                return socket;
            }
        }
    }

    fn hear(&mut self, frame: Down) {
        match frame {
            Down::Welcome(welcome) if self.newest.is_some() => {
                assert_eq!(welcome.shapes, [ShapeState::Live], "the cursor of before is good");
            }
            Down::Load(chunk) => {
                let keyed = |row: Row| (Key(vec![row.value("id").clone()]), row);
                self.rows.extend(chunk.rows.into_iter().map(keyed));
            }
            Down::LoadEnd(end) => self.newest = Some(end.checkpoint.cursor),
            Down::Changes { checkpoint, rows, .. } => {
                self.newest = Some(checkpoint.cursor);
                let content = (checkpoint.tag, rows);
                let before = self.positions.insert(checkpoint.pos, content);
                assert!(before.is_none(), "{} came twice", checkpoint.pos);
            }
            Down::Problem(problem) => panic!("{problem}"),
            _ => {}
        }
    }
}

impl Watch {
    /// Listens until the server is gone.
    pub(crate) async fn until_end(mut self) -> Recorder {
        while let Some(frame) = next(&mut self.socket).await {
            self.recorder.hear(frame);
        }
        self.recorder
    }
}

/// The next frame; none when the connection is gone.
async fn next(socket: &mut Socket) -> Option<Down> {
    loop {
        match soon("a frame", socket.next()).await? {
            Ok(Message::Text(text)) => return Some(Down::read(&text).unwrap()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

async fn greet(address: SocketAddr, cursor: Option<&str>) -> Socket {
    let url = format!("ws://{address}/api/sync/ws");
    let (mut socket, _) = soon("a connection", connect_async(url)).await.unwrap();
    let cursor = cursor.map_or("null".to_owned(), |cursor| format!("\"{cursor}\""));
    let hello = format!(
        r#"{{"hello":{{"protocol":1,"token":null,"device":"recorder","cursor":{cursor},"acked":0,"shapes":[{{"table":"notes"}}],"load":null,"schema":1}}}}"#
    );
    socket.send(Message::text(hello)).await.unwrap();
    socket
}
