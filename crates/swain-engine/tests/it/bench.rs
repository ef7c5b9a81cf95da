//! A store, an engine and sessions on a bench: every answer comes at once, every frame is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use swain_core::protocol::{Close, Down, MutationResult};
use swain_core::rule::{Auth, Expression};
use swain_core::{Column, ColumnType, Epoch, Millis, Pos, Row, Schema, Table, UserId, Value};
use swain_engine::{Ask, ColumnConfig, Engine, Identity, Input, Output, Session, SessionId, TableConfig, Told};
use swain_store::memory::{MemoryOptions, MemoryStore};
use swain_store::ready;

pub(crate) struct Bench {
    pub(crate) engine: Engine<MemoryStore>,
    pub(crate) now: Millis,
    sessions: u64,
}

pub(crate) struct Connection {
    pub(crate) id: SessionId,
    session: Session,
    pub(crate) frames: Vec<Down>,
    pub(crate) closed: Option<Close>,
    /// How many questions its session has asked the engine.
    pub(crate) asks: usize,
}

impl Bench {
    /// Tables t (a, b, n, tags; everybody's) and u (a, owner; each user's own), keyed by id.
    pub(crate) fn new() -> Self {
        let tables = BTreeMap::from([
            ("t".to_owned(), everybody()),
            ("u".to_owned(), TableConfig { read: Some("owner = auth.id".into()), ..owned() }),
        ]);
        Self::with(tables)
    }

    pub(crate) fn with(tables: BTreeMap<String, TableConfig>) -> Self {
        Self::of(schema(), tables)
    }

    pub(crate) fn of(schema: Schema, tables: BTreeMap<String, TableConfig>) -> Self {
        let options = MemoryOptions {
            epoch: Epoch::from("e1"),
            schema,
            checks: BTreeMap::from([("t".into(), vec![("n_small".into(), n_is_not(100))])]),
            seed: 7,
            planted: None,
        };
        let store = Arc::new(MemoryStore::new(options));
        let now = Millis(1_000_000);
        let engine = ready(Engine::open(store, &tables, now)).expect("the configuration is right");
        Self { engine, now, sessions: 0 }
    }

    pub(crate) fn connect(&mut self, user: &str, device: &str, more: &str) -> Connection {
        let mut connection = self.open(user, device, more);
        self.run(&mut connection);
        connection
    }

    /// A connection that has said hello and has heard nothing yet.
    pub(crate) fn open(&mut self, user: &str, device: &str, more: &str) -> Connection {
        self.sessions += 1;
        let mut connection = Connection {
            id: SessionId(self.sessions),
            session: Session::new(self.now),
            frames: Vec::new(),
            closed: None,
            asks: 0,
        };
        let hello = format!(r#"{{"hello":{{"protocol":1,"token":"{user}","device":"{device}",{more}}}}}"#);
        connection.session.handle(self.now, Input::Frame(hello));
        connection
    }

    pub(crate) fn send(&mut self, connection: &mut Connection, frame: &str) {
        self.input(connection, Input::Frame(frame.to_owned()));
    }

    pub(crate) fn input(&mut self, connection: &mut Connection, input: Input) {
        connection.session.handle(self.now, input);
        self.run(connection);
    }

    /// Lets the session do everything it can.
    pub(crate) fn run(&mut self, connection: &mut Connection) {
        loop {
            ready(self.engine.follow()).expect("memory does not fail");
            if !self.step(connection) {
                return;
            }
        }
    }

    /// One output of the session; false when it has nothing to do.
    pub(crate) fn step(&mut self, connection: &mut Connection) -> bool {
        let (taken, said, has_news) = self.engine.take_turn(connection.id);
        connection.session.handle(self.now, Input::Taken(taken));
        connection.session.handle(self.now, Input::Presence(said, has_news));
        match connection.session.poll(self.now) {
            None => return false,
            Some(Output::Send(frame)) => connection.frames.push(Down::read(&frame).expect("the server writes frames")),
            Some(Output::Close(close)) => {
                connection.closed = Some(close);
                self.engine.close(connection.id);
            }
            Some(Output::Ask(ask)) => {
                connection.asks += 1;
                let told = self.answer(connection.id, ask);
                connection.session.handle(self.now, Input::Told(told));
            }
        }
        true
    }

    fn answer(&self, id: SessionId, ask: Ask) -> Told {
        if let Ask::Authenticate { token } = ask {
            let auth = read_token(&token.unwrap_or_default());
            return Told::Identity(Ok(Identity { auth, expires: None }));
        }
        ready(self.engine.answer(id, Waker::noop(), ask))
    }

    /// Pushes operations as mutation n and gives its result.
    pub(crate) fn push(&mut self, connection: &mut Connection, n: u64, ops: &str) -> MutationResult {
        let at = self.now.plus(Millis(10));
        self.push_at(connection, n, at, Pos(0), ops)
    }

    pub(crate) fn push_at(
        &mut self,
        connection: &mut Connection,
        n: u64,
        at: Millis,
        base: Pos,
        ops: &str,
    ) -> MutationResult {
        self.now = self.now.plus(Millis(10));
        let mutation = format!(r#"{{"n":{n},"base":{base},"at":{at},"schema":1,"ops":[{ops}]}}"#);
        self.send(connection, &format!(r#"{{"push":{{"mutations":[{mutation}]}}}}"#));
        let results = connection.results();
        results.last().cloned().unwrap_or_else(|| panic!("no result; frames: {:?}", connection.frames))
    }

    pub(crate) fn row(&self, table: &str, key: &str) -> Option<Row> {
        self.engine.store().rows(table).remove(&swain_core::Key::of(key))
    }
}

impl Connection {
    /// The results that came, in order.
    pub(crate) fn results(&self) -> Vec<MutationResult> {
        let results = self.frames.iter().filter_map(|frame| match frame {
            Down::Results(results) => Some(results.results.clone()),
            _ => None,
        });
        results.flatten().collect()
    }

    /// The cursor that the last frame moved to.
    pub(crate) fn cursor(&self) -> String {
        let checkpoint = self.frames.iter().rev().find_map(|frame| match frame {
            Down::LoadEnd(end) => Some(&end.checkpoint),
            Down::Changes { checkpoint, .. } | Down::CaughtUp(checkpoint) | Down::Heartbeat(checkpoint) => {
                Some(checkpoint)
            }
            _ => None,
        });
        checkpoint.expect("the session has moved the cursor").cursor.clone()
    }

    /// A word for each frame: what kind, and the rows it has.
    pub(crate) fn story(&mut self) -> Vec<String> {
        self.frames.drain(..).map(|frame| tell(&frame)).collect()
    }
}

/// A token is the user's name; behind a slash each a role and a team, which may be empty.
pub(crate) fn read_token(token: &str) -> Auth {
    let mut parts = token.split('/');
    let user = parts.next().map(UserId::from);
    let mut word = || parts.next().filter(|word| !word.is_empty());
    let (role, team) = (word().map(str::to_owned), word());
    let claims = team.map(|team| ("team".into(), Value::text(team))).into_iter().collect();
    Auth { user, role, claims }
}

fn tell(frame: &Down) -> String {
    use swain_core::protocol::RowOperation::{Patch, Put, Remove};
    let rows = |rows: &[swain_core::protocol::RowOperation]| {
        let words = rows.iter().map(|operation| match operation {
            Put { row, values, .. } => {
                format!(" put {} {}", row.key.canonical(), values.canonical())
            }
            Patch { row, set, .. } => format!(" patch {} {}", row.key.canonical(), set.canonical()),
            Remove { row } => format!(" remove {}", row.key.canonical()),
        });
        words.collect::<String>()
    };
    match frame {
        Down::Welcome(welcome) => format!("welcome last={} load={:?}", welcome.last, welcome.load_resumes),
        Down::Load(chunk) => format!("load {} rows={}", chunk.shape, chunk.rows.len()),
        Down::LoadChanges(operations) => format!("load_changes{}", rows(operations)),
        Down::LoadEnd(end) => format!("load_end p{} acked={}", end.checkpoint.pos, end.checkpoint.acked),
        Down::Changes { checkpoint, rows: operations, .. } => {
            format!("p{} acked={}{}", checkpoint.pos, checkpoint.acked, rows(operations))
        }
        Down::CaughtUp(checkpoint) => {
            format!("caught_up p{} acked={}", checkpoint.pos, checkpoint.acked)
        }
        Down::Heartbeat(checkpoint) => format!("heartbeat p{}", checkpoint.pos),
        Down::Results(results) => {
            let outcomes = results.results.iter().map(|result| format!(" {}={}", result.n, result.outcome.as_str()));
            let problem = results.problem.as_ref().map(|problem| format!(" {}", problem.code)).unwrap_or_default();
            format!("results{}{problem}", outcomes.collect::<String>())
        }
        Down::Goaway(goaway) => format!("goaway {}", goaway.retry),
        Down::Problem(problem) => format!("problem {}", problem.code),
        Down::Presence(nearby) => format!("presence {nearby:?}"),
        Down::Unknown(kind) => format!("unknown {kind}"),
    }
}

pub(crate) fn everybody() -> TableConfig {
    let arrival = ColumnConfig { strategy: Some("server-wins".into()), ..ColumnConfig::default() };
    TableConfig {
        read: Some("true".into()),
        write: Some("true".into()),
        scopes: vec!["b".into()],
        columns: BTreeMap::from([("kept".to_owned(), arrival)]),
        ..TableConfig::default()
    }
}

pub(crate) fn owned() -> TableConfig {
    TableConfig {
        write: Some("owner = auth.id".into()),
        fill: BTreeMap::from([("owner".to_owned(), "auth.id".to_owned())]),
        ..TableConfig::default()
    }
}

fn n_is_not(number: i64) -> Expression {
    use swain_core::rule::Operand::{Column, Literal};
    Expression::Differs(Column("n".into()), Literal(Value::Int(number)))
}

pub(crate) fn schema() -> Schema {
    let table = |name: &str, columns: &[(&str, ColumnType)]| {
        let column = |(name, kind): &(&str, ColumnType)| {
            let nullable = *name != "id" && *name != "a";
            ((*name).into(), Column { kind: *kind, nullable, has_default: false, generated: false })
        };
        let table = Table::new(name.into(), columns.iter().map(column).collect(), vec!["id".into()]);
        (table.name.clone(), table)
    };
    use ColumnType::{Int64, Json, Text};
    let t = [("id", Text), ("a", Text), ("b", Text), ("kept", Text), ("n", Int64), ("tags", Json)];
    let u = [("id", Text), ("a", Text), ("owner", Text)];
    Schema { version: 0, tables: BTreeMap::from([table("t", &t), table("u", &u)]) }
}

pub(crate) const SHAPE_T: &str = r#""shapes":[{"table":"t"}]"#;

pub(crate) fn insert(key: &str, a: &str) -> String {
    format!(r#"{{"insert":{{"table":"t","key":["{key}"],"set":{{"a":"{a}"}}}}}}"#)
}

pub(crate) fn update(key: &str, column: &str, was: &str, new: &str) -> String {
    format!(
        r#"{{"update":{{"table":"t","key":["{key}"],"set":{{"{column}":{new}}},"was":{{"{column}":{{"value":{was}}}}}}}}}"#
    )
}
