//! A device that keeps everything it ever heard, with the token under which it did.

use std::collections::{BTreeMap, BTreeSet};

use swain_core::protocol::{Down, RowOperation};
use swain_core::{Key, Millis, Pos, Row, RowKey, Value};
use swain_engine::limits::PRESENCE_INTERVAL_MS;
use swain_store::ready;
use swain_testkit::audit::Remark;

use crate::bench::{Bench, Connection, SHAPE_T, read_token};
use crate::random::Random;

pub(super) struct Device {
    user: &'static str,
    /// What the next token will say beside the user.
    pub(super) standing: &'static str,
    connection: Option<Connection>,
    cursor: Option<String>,
    pub(super) rows: BTreeMap<Key, Row>,
    staged: BTreeMap<Key, Row>,
    /// Everything that ever came, as text, by token.
    pub(super) heard: Vec<(String, String)>,
    /// The markers that it made itself.
    pub(super) said: BTreeSet<String>,
    /// What it said of itself in rooms, and in what it still is there.
    pub(super) remarks: Vec<Remark>,
    decided: u64,
}

impl Device {
    pub(super) fn new(user: &'static str) -> Self {
        Self {
            user,
            standing: "",
            connection: None,
            cursor: None,
            rows: BTreeMap::new(),
            staged: BTreeMap::new(),
            heard: Vec::new(),
            said: BTreeSet::new(),
            remarks: Vec::new(),
            decided: 0,
        }
    }

    pub(super) fn token(&self) -> String {
        format!("{}{}", self.user, self.standing)
    }

    pub(super) fn connect(&mut self, bench: &mut Bench, with_cursor: bool) {
        self.disconnect(bench);
        if !with_cursor {
            self.cursor = None;
        }
        let cursor = self.cursor.as_ref().map_or("null".into(), |cursor| format!("\"{cursor}\""));
        let hello = format!(r#"{SHAPE_T},"cursor":{cursor}"#);
        self.heard.push((self.token(), String::new()));
        self.connection = Some(bench.open(&self.token(), &format!("d-{}", self.user), &hello));
    }

    /// Connects if it is not connected.
    pub(super) fn come(&mut self, bench: &mut Bench) {
        if self.connection.is_none() {
            self.connect(bench, true);
        }
    }

    pub(super) fn disconnect(&mut self, bench: &Bench) {
        if let Some(connection) = self.connection.take() {
            bench.engine.close(connection.id);
        }
    }

    /// The stream gets a new token; another standing ends it.
    pub(super) fn renew(&mut self, bench: &mut Bench) {
        let frame = format!(r#"{{"auth":{{"token":"{}"}}}}"#, self.token());
        self.say(bench, &frame);
    }

    /// Mutations that are taken, disputed and refused, of rows that its user sees and of others.
    pub(super) fn push(&mut self, bench: &mut Bench, random: &mut Random, key: &str, action: usize) {
        let marker = format!("<{}{action}>", self.user);
        self.said.insert(marker.clone());
        let place = format!(r#""table":"t","key":["{key}"]"#);
        let operation = match random.below(6) {
            0 => format!(r#"{{"update":{{{place},"set":{{"a":"{marker}"}},"was":{{"a":{{"value":"x"}}}}}}}}"#),
            1 => format!(r#"{{"insert":{{{place},"set":{{"a":"{marker}","b":"p"}}}}}}"#),
            2 => format!(r#"{{"update":{{{place},"set":{{"n":100}},"was":{{"n":{{"value":null}}}}}}}}"#),
            3 => format!(r#"{{"update":{{{place},"inc":{{"n":1}}}}}}"#),
            4 => format!(
                r#"{{"upsert":{{"table":"t","key":["x{action}"],"on":["kept"],"set":{{"a":"{marker}","kept":"ada"}}}}}}"#
            ),
            _ => format!(r#"{{"delete":{{{place}}}}}"#),
        };
        let (n, now) = (self.decided + 1, bench.now);
        let mutation = format!(r#"{{"n":{n},"base":0,"at":{now},"schema":1,"ops":[{operation}]}}"#);
        self.say(bench, &format!(r#"{{"push":{{"mutations":[{mutation}]}}}}"#));
    }

    /// Where its user is: in a project, on a row of it or not.
    pub(super) fn announce(&mut self, bench: &mut Bench, random: &mut Random, project: &str, action: usize) {
        if self.connection.is_none() {
            return;
        }
        let marker = format!("@{}{action}@", self.user);
        let row = (random.below(2) == 0).then(|| format!("k{}", random.below(4)));
        let on = row.as_ref().map_or(String::new(), |key| format!(r#""row":["{key}"],"#));
        let room = format!(r#"{{"table":"t","where":{{"eq":["b","{project}"]}}}}"#);
        let since = bench.engine.position();
        bench.now = bench.now.plus(Millis(PRESENCE_INTERVAL_MS));
        self.say(bench, &format!(r#"{{"presence":{{"room":{room},{on}"state":{{"marker":"{marker}"}}}}}}"#));
        let scope = ("b".into(), Value::text(project));
        // What it said there before is over.
        let until = bench.engine.position();
        let before = self.remarks.iter_mut().filter(|remark| remark.scope == scope);
        before.for_each(|remark| remark.until = remark.until.min(until));
        let (speaker, row) = (read_token(&self.heard.last().expect("it is connected").0), row.as_deref().map(Key::of));
        self.remarks.push(Remark { marker, speaker, scope, row, since, until: Pos(u64::MAX) });
    }

    fn say(&mut self, bench: &mut Bench, frame: &str) {
        let Some(connection) = &mut self.connection else { return };
        bench.send(connection, frame);
        self.progress(bench, 0);
    }

    /// At most so many outputs of the session; a reader that stops reading is one that is not asked again.
    pub(super) fn progress(&mut self, bench: &mut Bench, outputs: usize) {
        let Some(mut connection) = self.connection.take() else { return };
        for _ in 0..outputs {
            if !bench.step(&mut connection) {
                break;
            }
        }
        for frame in connection.frames.drain(..) {
            self.heard.last_mut().expect("a connection has a token").1.push_str(&format!("{frame:?}\n"));
            self.apply(frame);
        }
        if connection.closed.is_none() {
            self.connection = Some(connection);
        }
    }

    pub(super) fn settle(&mut self, bench: &mut Bench) {
        // Under the token of now.
        self.disconnect(bench);
        for _ in 0..5 {
            if self.connection.is_none() {
                self.connect(bench, true);
            }
            ready(bench.engine.follow()).expect("memory does not fail");
            self.progress(bench, usize::MAX);
        }
    }

    fn apply(&mut self, frame: Down) {
        let key = |row: &RowKey| row.key.clone();
        match frame {
            Down::Welcome(welcome) => {
                self.decided = welcome.last.0;
                if welcome.load_resumes.is_some() {
                    self.staged.clear();
                }
            }
            Down::Results(results) => {
                self.decided = results.results.iter().map(|result| result.n.0).fold(self.decided, u64::max);
            }
            Down::Load(chunk) => {
                self.staged.extend(chunk.rows.into_iter().map(|row| (Key(vec![row.value("id").clone()]), row)));
            }
            Down::LoadChanges(operations) => {
                operations.into_iter().for_each(|change| apply(&mut self.staged, change, key))
            }
            Down::LoadEnd(end) => {
                self.rows = std::mem::take(&mut self.staged);
                self.cursor = Some(end.checkpoint.cursor);
            }
            Down::Changes { checkpoint, rows, .. } => {
                rows.into_iter().for_each(|change| apply(&mut self.rows, change, key));
                self.cursor = Some(checkpoint.cursor);
            }
            Down::CaughtUp(checkpoint) | Down::Heartbeat(checkpoint) => self.cursor = Some(checkpoint.cursor),
            _ => {}
        }
    }
}

fn apply(rows: &mut BTreeMap<Key, Row>, operation: RowOperation, key: impl Fn(&RowKey) -> Key) {
    match operation {
        RowOperation::Put { row, values, .. } => drop(rows.insert(key(&row), values)),
        RowOperation::Patch { row, set, .. } => {
            if let Some(held) = rows.get_mut(&key(&row)) {
                held.0.extend(set.0);
            }
        }
        RowOperation::Remove { row } => drop(rows.remove(&key(&row))),
    }
}
