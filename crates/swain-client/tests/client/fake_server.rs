//! A server of one table in memory, on a real socket: it applies what comes and tells everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::{SinkExt as _, StreamExt as _};
use swain_core::merge::apply;
use swain_core::protocol::{
    Checkpoint, Hello, LoadEnd, MutationResult, Outcome, Results, ShapeState, Up, Welcome, place_fragment,
    write_changes, write_load, write_put, write_remove,
};
use swain_core::{
    Code, Column, ColumnType, DeviceId, Epoch, Key, Millis, Mutation, MutationNumber, Pos, Problem, Row, RowKey,
    Schema, Table, Tag, Value,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

pub(crate) struct FakeServer {
    address: String,
    state: Arc<State>,
}

struct State {
    data: Mutex<Data>,
    /// The head of the log.
    head: watch::Sender<usize>,
    cut: Notify,
}

#[derive(Default)]
struct Data {
    rows: BTreeMap<RowKey, Row>,
    log: Vec<(DeviceId, MutationNumber, Vec<RowKey>)>,
    ledgers: BTreeMap<DeviceId, Vec<Outcome>>,
    refused: BTreeSet<String>,
    token: Option<String>,
}

impl FakeServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { data: Mutex::default(), head: watch::Sender::new(0), cut: Notify::new() });
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&accepting)));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn refuse(&self, key: &str) {
        let key = Key::of(key).canonical();
        self.state.data.lock().unwrap().refused.insert(key);
    }

    pub(crate) fn accept_only(&self, token: &str) {
        self.state.data.lock().unwrap().token = Some(token.to_owned());
    }

    /// Ends all connections without a word.
    pub(crate) fn cut(&self) {
        self.state.cut.notify_waiters();
    }

    pub(crate) fn value(&self, key: &str) -> Option<Value> {
        let place = RowKey { table: "t".into(), key: Key::of(key) };
        let data = self.state.data.lock().unwrap();
        data.rows.get(&place).map(|row| row.value("a").clone())
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut socket = accept_async(stream).await.unwrap();
    let mut head = state.head.subscribe();
    let mut session: Option<(DeviceId, usize)> = None;
    loop {
        let message = tokio::select! {
            () = state.cut.notified() => return,
            changed = head.changed() => changed.ok().map(|()| None),
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => Some(Some(Up::read(text.as_str()).unwrap())),
                _ => None,
            },
        };
        let mut frames = Vec::new();
        match message {
            None => return,
            Some(None) => {}
            Some(Some(Up::Hello(hello))) => {
                let Some(greeting) = state.greet(&hello) else {
                    let close = CloseFrame { code: 4401.into(), reason: "".into() };
                    let _ = socket.send(Message::Close(Some(close))).await;
                    return;
                };
                session = Some((hello.device, greeting.1));
                frames = greeting.0;
            }
            Some(Some(Up::Push(mutations))) => {
                let device = session.as_ref().unwrap().0.clone();
                frames.push(state.decide(&device, mutations.into_iter().map(Result::unwrap).collect()));
            }
            Some(Some(Up::Auth(_) | Up::Presence(_))) => {}
        }
        if let Some((device, sent)) = &mut session {
            frames.extend(state.changes_from(device, *sent));
            *sent = state.data.lock().unwrap().log.len().max(*sent);
        }
        for frame in frames {
            if socket.send(Message::text(frame)).await.is_err() {
                return;
            }
        }
    }
}

impl State {
    fn greet(&self, hello: &Hello) -> Option<(Vec<String>, usize)> {
        let data = self.data.lock().unwrap();
        if data.token.is_some() && data.token != hello.token {
            return None;
        }
        let from: Option<usize> = hello.cursor.as_ref().map(|cursor| cursor.parse().unwrap());
        let mut frames = vec![data.welcome(hello, from.is_some()).to_text()];
        let head = data.log.len();
        let at = from.unwrap_or(head);
        if from.is_none() {
            let rows: Vec<String> = data.rows.values().map(Row::canonical).collect();
            frames.push(write_load(0, &rows.join(","), rows.len() as u64, "token"));
            let checkpoint = data.checkpoint(&hello.device, head);
            frames.push(LoadEnd { checkpoint, shapes: vec![0] }.to_text());
        }
        frames.extend(data.changes(&hello.device, at));
        frames.push(data.checkpoint(&hello.device, head).caught_up());
        Some((frames, head))
    }

    fn decide(&self, device: &DeviceId, mutations: Vec<Mutation>) -> String {
        let mut data = self.data.lock().unwrap();
        let results = mutations.into_iter().map(|mutation| data.decide(device, mutation)).collect();
        self.head.send_replace(data.log.len());
        Results { results, problem: None }.to_text()
    }

    fn changes_from(&self, device: &DeviceId, from: usize) -> Vec<String> {
        self.data.lock().unwrap().changes(device, from)
    }
}

impl Data {
    fn decide(&mut self, device: &DeviceId, mutation: Mutation) -> MutationResult {
        let ledger = self.ledgers.entry(device.clone()).or_default();
        let index = usize::try_from(mutation.n.0 - 1).unwrap();
        if let Some(known) = ledger.get(index) {
            return result(mutation.n, *known);
        }
        assert_eq!(index, ledger.len(), "no gap");
        let is_refused =
            mutation.operations.iter().any(|operation| self.refused.contains(&operation.row().key.canonical()));
        let outcome = if is_refused { Outcome::Refused } else { Outcome::Applied };
        ledger.push(outcome);
        let operations = if is_refused { Vec::new() } else { mutation.operations };
        let mut changed = Vec::new();
        for operation in operations {
            match apply(&table(), self.rows.get(operation.row()), &operation) {
                Some(row) => drop(self.rows.insert(operation.row().clone(), row)),
                None => drop(self.rows.remove(operation.row())),
            }
            changed.push(operation.row().clone());
        }
        self.log.push((device.clone(), mutation.n, changed));
        result(mutation.n, outcome)
    }

    fn changes(&self, device: &DeviceId, from: usize) -> Vec<String> {
        let positions = (from..self.log.len()).map(|index| {
            let rows = self.log[index].2.iter().map(|row| self.operation(row));
            let rows: Vec<String> = rows.collect();
            write_changes(&self.checkpoint(device, index + 1), &rows.join(","))
        });
        positions.collect()
    }

    fn operation(&self, row: &RowKey) -> String {
        let mut out = String::new();
        match self.rows.get(row) {
            Some(values) => write_put(&mut out, &place_fragment(row), &[0], &values.canonical()),
            None => write_remove(&mut out, &place_fragment(row)),
        }
        out
    }

    fn checkpoint(&self, device: &DeviceId, pos: usize) -> Checkpoint {
        let own = self.log[..pos].iter().filter(|(who, _, _)| who == device);
        Checkpoint {
            cursor: pos.to_string(),
            pos: Pos(pos as u64),
            tag: Tag(0),
            acked: own.map(|(_, n, _)| *n).max().unwrap_or_default(),
            now: Millis(1_700_000_000_000),
        }
    }

    fn welcome(&self, hello: &Hello, is_live: bool) -> Welcome {
        let ledger = self.ledgers.get(&hello.device).cloned().unwrap_or_default();
        let numbered = (1..).map(MutationNumber).zip(&ledger);
        let results = numbered.filter(|(n, _)| *n > hello.acked).map(|(n, outcome)| result(n, *outcome));
        Welcome {
            epoch: Epoch::from("e1"),
            user: None,
            device: hello.device.clone(),
            now: Millis(1_700_000_000_000),
            heartbeat: Millis(15_000),
            expires: None,
            shapes: vec![if is_live { ShapeState::Live } else { ShapeState::Load }],
            last: MutationNumber(ledger.len() as u64),
            results: results.collect(),
            aliases: Vec::new(),
            schema: Some(Schema { version: 1, tables: BTreeMap::from([("t".into(), table())]) }),
            load_resumes: (!is_live).then_some(false),
        }
    }
}

fn result(n: MutationNumber, outcome: Outcome) -> MutationResult {
    let problem = (outcome == Outcome::Refused).then(|| Problem::new(Code::CheckFailed, "no"));
    MutationResult { n, outcome, lost: Vec::new(), problem }
}

fn table() -> Table {
    let column = |kind, nullable| Column { kind, nullable, has_default: nullable, generated: false };
    Table::new(
        "t".into(),
        BTreeMap::from([("id".into(), column(ColumnType::Text, false)), ("a".into(), column(ColumnType::Int64, true))]),
        vec!["id".into()],
    )
}
