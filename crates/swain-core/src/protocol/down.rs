//! Messages from the server (spec P4 to P12).
//!
//! The server writes the hot ones (changes, load) from fragments that sessions share; the device reads all of them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::decode::Node;
use crate::ids::{DeviceId, Epoch, Millis, MutationNumber, Name, Pos, Tag, UserId};
use crate::mutation::{count, object};
use crate::problem::{Code, Problem};
use crate::row::{Row, RowKey};
use crate::schema::Schema;
use crate::strict_json::parse;
use crate::value::{Value, write_text};

/// A message from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Down {
    /// Answer to hello.
    Welcome(Welcome),
    /// Rows for staging.
    Load(LoadChunk),
    /// Changes since the load began, for staging.
    LoadChanges(Vec<RowOperation>),
    /// Staging becomes confirmed.
    LoadEnd(LoadEnd),
    /// One position.
    Changes {
        /// The cursor that it moves to.
        checkpoint: Checkpoint,
        /// What changed.
        rows: Vec<RowOperation>,
    },
    /// Everything up to the head was sent.
    CaughtUp(Checkpoint),
    /// Nothing else was sent for a while.
    Heartbeat(Checkpoint),
    /// Answer to a push.
    Results(Results),
    /// Come back later.
    Goaway(Goaway),
    /// Something was wrong.
    Problem(Problem),
    /// A kind of a newer server; ignored.
    Unknown(String),
}

/// What every frame carries that moves a cursor (spec P8, P9).
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// To give back on reconnect.
    pub cursor: String,
    /// The position.
    pub pos: Pos,
    /// Its tag.
    pub tag: Tag,
    /// The highest n of this device at that position.
    pub acked: MutationNumber,
    /// The server's time.
    pub now: Millis,
}

/// Whether a shape is under the cursor's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeState {
    /// It is.
    Live,
    /// It will be loaded.
    Load,
}

/// The session begins (spec P4).
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome {
    /// The database's history.
    pub epoch: Epoch,
    /// Who the server takes the device's user for.
    pub user: Option<UserId>,
    /// The device.
    pub device: DeviceId,
    /// The server's time.
    pub now: Millis,
    /// The longest silence of the server.
    pub heartbeat: Millis,
    /// When the right to the stream ends.
    pub expires: Option<Millis>,
    /// By index of the hello's shapes.
    pub shapes: Vec<ShapeState>,
    /// The highest n of this device in the ledger.
    pub last: MutationNumber,
    /// Stored results that the device may have missed.
    pub results: Vec<MutationResult>,
    /// The synced tables.
    pub schema: Schema,
    /// Whether a cut load goes on (true) or starts over (false); none: no load.
    pub load_resumes: Option<bool>,
}

/// A chunk of a load (spec P5).
#[derive(Clone, Debug, PartialEq)]
pub struct LoadChunk {
    /// The shape, by index of the hello.
    pub shape: usize,
    /// Rows in key order.
    pub rows: Vec<Row>,
    /// An estimate of all rows of the load.
    pub total: u64,
    /// Where the load goes on after a cut.
    pub token: String,
}

/// The end of a load (spec P6).
#[derive(Clone, Debug, PartialEq)]
pub struct LoadEnd {
    /// Where the device is now.
    pub checkpoint: Checkpoint,
    /// The shapes that became live.
    pub shapes: Vec<usize>,
}

/// What happens to a row of the device.
#[derive(Clone, Debug, PartialEq)]
pub enum RowOperation {
    /// The whole row.
    Put {
        /// Which row.
        row: RowKey,
        /// The shapes that hold it now.
        shapes: Vec<usize>,
        /// All its columns.
        values: Row,
    },
    /// Columns that changed.
    Patch {
        /// Which row.
        row: RowKey,
        /// The shapes that hold it now.
        shapes: Vec<usize>,
        /// The columns that changed.
        set: Row,
    },
    /// The row leaves the device.
    Remove {
        /// Which row.
        row: RowKey,
    },
}

/// What became of a mutation (spec P10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As wished.
    Applied,
    /// In part: a strategy decided against some columns.
    Merged,
    /// Not at all: a strategy decided against all of it.
    Overruled,
    /// Against the rules of the database or of Swain.
    Refused,
}

/// The result of one mutation.
#[derive(Clone, Debug, PartialEq)]
pub struct MutationResult {
    /// Its number.
    pub n: MutationNumber,
    /// What became of it.
    pub outcome: Outcome,
    /// Columns that a strategy decided against.
    pub lost: Vec<Name>,
    /// Why it was refused.
    pub problem: Option<Problem>,
}

/// The answer to a push.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// In the order of the push.
    pub results: Vec<MutationResult>,
    /// Why the rest was not attempted.
    pub problem: Option<Problem>,
}

/// The server asks the device to come back later (spec P11).
#[derive(Clone, Debug, PartialEq)]
pub struct Goaway {
    /// Why.
    pub reason: String,
    /// After how long.
    pub retry: Millis,
}

impl Outcome {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Merged => "merged",
            Self::Overruled => "overruled",
            Self::Refused => "refused",
        }
    }

    /// The outcome of this text.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Applied, Self::Merged, Self::Overruled, Self::Refused]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

// ---- writing, on the server ----

/// Puts a frame's number on the connection into it (spec P19).
pub fn number_frame(frame: &mut String, number: u64) {
    // A frame is `{"kind":{…}}`: the number becomes the first member of the inner object.
    if let Some(inner) = frame.find(":{") {
        frame.insert_str(inner + 2, &format!("\"i\":{number},"));
    }
}

/// `"table":…,"key":…`: the part of an operation that names the row, shared by all sessions.
pub fn place_fragment(row: &RowKey) -> String {
    let mut out = String::from("\"table\":");
    write_text(&row.table, &mut out);
    out.push_str(",\"key\":");
    row.key.write_canonical(&mut out);
    out
}

/// Appends a put: `place` from [`place_fragment`], `row` the canonical row.
pub fn write_put(out: &mut String, place: &str, shapes: &[usize], row: &str) {
    write!(out, "{{\"put\":{{{place},\"in\":{shapes:?},\"row\":{row}}}}}").expect("writing to a string cannot fail");
}

/// Appends a patch: `set` the canonical object of changed columns.
pub fn write_patch(out: &mut String, place: &str, shapes: &[usize], set: &str) {
    write!(out, "{{\"patch\":{{{place},\"in\":{shapes:?},\"set\":{set}}}}}").expect("writing to a string cannot fail");
}

/// Appends a removal.
pub fn write_remove(out: &mut String, place: &str) {
    write!(out, "{{\"remove\":{{{place}}}}}").expect("writing to a string cannot fail");
}

/// A changes frame: `rows` the operations, already written, with commas between.
pub fn write_changes(checkpoint: &Checkpoint, rows: &str) -> String {
    let mut out = String::with_capacity(rows.len() + checkpoint.cursor.len() + 96);
    out.push_str("{\"changes\":{");
    checkpoint.write(&mut out);
    out.push_str(",\"rows\":[");
    out.push_str(rows);
    out.push_str("]}}");
    out
}

/// A load frame: `rows` canonical rows with commas between.
pub fn write_load(shape: usize, rows: &str, total: u64, token: &str) -> String {
    format!("{{\"load\":{{\"shape\":{shape},\"total\":{total},\"token\":\"{token}\",\"rows\":[{rows}]}}}}")
}

/// A load_changes frame: `rows` operations with commas between.
pub fn write_load_changes(rows: &str) -> String {
    format!("{{\"load_changes\":{{\"rows\":[{rows}]}}}}")
}

impl Checkpoint {
    fn write(&self, out: &mut String) {
        let Checkpoint { cursor, pos, tag, acked, now } = self;
        write!(out, "\"cursor\":\"{cursor}\",\"pos\":{pos},\"tag\":{tag},\"acked\":{acked},\"now\":{now}")
            .expect("writing to a string cannot fail");
    }

    fn frame(&self, kind: &str, more: &str) -> String {
        let mut out = format!("{{\"{kind}\":{{");
        self.write(&mut out);
        out.push_str(more);
        out.push_str("}}");
        out
    }

    /// A caught_up frame.
    pub fn caught_up(&self) -> String {
        self.frame("caught_up", "")
    }

    /// A heartbeat frame.
    pub fn heartbeat(&self, expires: Option<Millis>) -> String {
        let expires = expires.map(|expires| format!(",\"expires\":{expires}")).unwrap_or_default();
        self.frame("heartbeat", &expires)
    }
}

impl LoadEnd {
    /// The frame.
    pub fn to_text(&self) -> String {
        self.checkpoint.frame("load_end", &format!(",\"shapes\":{:?}", self.shapes))
    }
}

impl Welcome {
    /// The frame.
    pub fn to_text(&self) -> String {
        let shapes = self.shapes.iter().map(|state| {
            let state = match state {
                ShapeState::Live => "live",
                ShapeState::Load => "load",
            };
            object([("state", Value::text(state))])
        });
        let user = self.user.as_ref().map_or(Value::Null, |user| Value::text(user.as_str()));
        let load = match self.load_resumes {
            None => Value::Null,
            Some(true) => Value::text("resume"),
            Some(false) => Value::text("start"),
        };
        let body = object([
            ("protocol", count(super::PROTOCOL)),
            ("epoch", Value::text(self.epoch.as_str())),
            ("user", user),
            ("device", Value::text(self.device.as_str())),
            ("now", count(self.now.0)),
            ("heartbeat", count(self.heartbeat.0)),
            ("expires", self.expires.map_or(Value::Null, |expires| count(expires.0))),
            ("shapes", Value::List(shapes.collect())),
            ("last", count(self.last.0)),
            ("results", Value::List(self.results.iter().map(MutationResult::to_value).collect())),
            ("schema", self.schema.to_value()),
            ("load", load),
        ]);
        object([("welcome", body)]).canonical()
    }
}

impl MutationResult {
    fn to_value(&self) -> Value {
        let mut members = alloc::vec![("n", count(self.n.0)), ("status", Value::text(self.outcome.as_str()))];
        if !self.lost.is_empty() {
            members.push(("lost", Value::List(self.lost.iter().map(|name| Value::text(name.as_str())).collect())));
        }
        if let Some(problem) = &self.problem {
            members.push(("code", Value::text(problem.code.as_str())));
            let mut detail = alloc::vec![("message", Value::text(problem.detail.as_str()))];
            detail.extend(problem.at.iter().map(|at| ("at", Value::text(at.as_str()))));
            members.push(("detail", object(detail)));
        }
        object(members)
    }
}

impl Results {
    /// The frame.
    pub fn to_text(&self) -> String {
        let results = Value::List(self.results.iter().map(MutationResult::to_value).collect());
        let problem = self.problem.as_ref().map(|problem| ("problem", problem.to_value()));
        object([("results", object([("results", results)].into_iter().chain(problem)))]).canonical()
    }
}

impl Goaway {
    /// The frame.
    pub fn to_text(&self) -> String {
        let body = object([("reason", Value::text(self.reason.as_str())), ("retry", count(self.retry.0))]);
        object([("goaway", body)]).canonical()
    }
}

impl Problem {
    /// RFC 9457 members.
    pub fn to_value(&self) -> Value {
        let at = self.at.as_ref().map(|at| ("at", Value::text(at.as_str())));
        object(
            [
                ("type", Value::text("about:blank")),
                ("code", Value::text(self.code.as_str())),
                ("title", Value::text(self.code.as_str().replace('_', " "))),
                ("status", count(self.code.status().into())),
                ("detail", Value::text(self.detail.as_str())),
            ]
            .into_iter()
            .chain(at),
        )
    }

    /// The frame (spec P12).
    pub fn to_text(&self) -> String {
        object([("problem", self.to_value())]).canonical()
    }

    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let text = |name| Ok::<_, Problem>(node.member(name)?.map(|node| node.text()).transpose()?.unwrap_or_default());
        // A code of a newer server is kept as an internal one with its text.
        let code = Code::from_text(text("code")?).unwrap_or(Code::Internal);
        // A detail that is more than a sentence is kept as its JSON text.
        let detail = match node.member("detail")? {
            None => String::new(),
            Some(detail) => match detail.value() {
                Value::Text(text) => String::from(&**text),
                other => other.canonical(),
            },
        };
        let at = node.member("at")?.map(|at| at.text().map(String::from)).transpose()?;
        Ok(Self { code, detail, at })
    }
}

// ---- reading, on the device ----

impl Down {
    /// Reads a frame.
    pub fn read(text: &str) -> Result<Self, Problem> {
        Self::read_numbered(text).map(|(_, frame)| frame)
    }

    /// Reads a frame and its number on the connection (spec P19).
    pub fn read_numbered(text: &str) -> Result<(Option<u64>, Self), Problem> {
        let value = parse(text)?;
        let root = Node::root("frame", &value);
        let members = root.members()?;
        let [(kind, body)] = members.as_slice() else {
            return Err(Problem::new(Code::MalformedMessage, "a message is an object with exactly one member"));
        };
        let number = body.member("i")?.map(|number| number.count()).transpose()?;
        Ok((number, Self::read_body(kind, body)?))
    }

    fn read_body(kind: &str, body: &Node<'_>) -> Result<Self, Problem> {
        match kind {
            "welcome" => Welcome::read(body).map(Self::Welcome),
            "load" => LoadChunk::read(body).map(Self::Load),
            "load_changes" => read_operations(body).map(Self::LoadChanges),
            "load_end" => {
                let shapes = read_indexes(&body.required("shapes")?)?;
                Ok(Self::LoadEnd(LoadEnd { checkpoint: Checkpoint::read(body)?, shapes }))
            }
            "changes" => Ok(Self::Changes { checkpoint: Checkpoint::read(body)?, rows: read_operations(body)? }),
            "caught_up" => Checkpoint::read(body).map(Self::CaughtUp),
            "heartbeat" => Checkpoint::read(body).map(Self::Heartbeat),
            "results" => {
                let results = body.required("results")?;
                let results = results.items()?.iter().map(MutationResult::read).collect::<Result<_, _>>()?;
                let problem = body.member("problem")?.map(|node| Problem::read(&node)).transpose()?;
                Ok(Self::Results(Results { results, problem }))
            }
            "goaway" => {
                let reason = body.required("reason")?.text()?.into();
                Ok(Self::Goaway(Goaway { reason, retry: Millis(body.required("retry")?.count()?) }))
            }
            "problem" => Problem::read(body).map(Self::Problem),
            other => Ok(Self::Unknown(other.into())),
        }
    }
}

impl Checkpoint {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let tag = node.required("tag")?;
        // A change and the end of a load call their time `at` (spec P6, P7).
        let now = match node.member("at")? {
            Some(at) => at,
            None => node.required("now")?,
        };
        Ok(Self {
            cursor: node.required("cursor")?.text()?.into(),
            pos: Pos(node.required("pos")?.count()?),
            tag: Tag(u32::try_from(tag.count()?).map_err(|_| tag.wrong("a 32-bit tag"))?),
            acked: MutationNumber(node.required("acked")?.count()?),
            now: Millis(now.count()?),
        })
    }
}

impl Welcome {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let shapes = node.required("shapes")?;
        let state = |node: &Node<'_>| match node.required("state")?.text()? {
            "live" => Ok(ShapeState::Live),
            _ => Ok(ShapeState::Load),
        };
        let schema = node.required("schema")?;
        let results = node.required("results")?;
        Ok(Self {
            epoch: Epoch::from(node.required("epoch")?.text()?),
            user: node.member("user")?.map(|user| user.text().map(UserId::from)).transpose()?,
            device: DeviceId::from(node.required("device")?.text()?),
            now: Millis(node.required("now")?.count()?),
            heartbeat: Millis(node.required("heartbeat")?.count()?),
            expires: node.member("expires")?.map(|expires| expires.count().map(Millis)).transpose()?,
            shapes: shapes.items()?.iter().map(state).collect::<Result<_, Problem>>()?,
            last: MutationNumber(node.required("last")?.count()?),
            results: results.items()?.iter().map(MutationResult::read).collect::<Result<_, _>>()?,
            schema: Schema::from_value(schema.value()).ok_or_else(|| schema.wrong("a schema"))?,
            load_resumes: node.member("load")?.map(|load| load.text().map(|text| text == "resume")).transpose()?,
        })
    }
}

impl LoadChunk {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let rows = node.required("rows")?;
        Ok(Self {
            shape: read_index(&node.required("shape")?)?,
            rows: rows.items()?.iter().map(Node::row).collect::<Result<_, _>>()?,
            total: node.required("total")?.count()?,
            token: node.required("token")?.text()?.into(),
        })
    }
}

impl RowOperation {
    /// The row that it is about.
    pub fn row(&self) -> &RowKey {
        match self {
            Self::Put { row, .. } | Self::Patch { row, .. } | Self::Remove { row } => row,
        }
    }

    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let members = node.members()?;
        let [(kind, body)] = members.as_slice() else {
            return Err(node.wrong("put, patch or remove"));
        };
        let row = RowKey { table: body.required("table")?.name()?, key: body.required("key")?.key()? };
        match &***kind {
            "put" => {
                let shapes = read_indexes(&body.required("in")?)?;
                Ok(Self::Put { row, shapes, values: body.required("row")?.row()? })
            }
            "patch" => {
                let shapes = read_indexes(&body.required("in")?)?;
                Ok(Self::Patch { row, shapes, set: body.required("set")?.row()? })
            }
            "remove" => Ok(Self::Remove { row }),
            _ => Err(node.wrong("put, patch or remove")),
        }
    }
}

impl MutationResult {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let status = node.required("status")?;
        let outcome = Outcome::from_text(status.text()?).ok_or_else(|| status.wrong("a status"))?;
        let lost = node.member("lost")?;
        let lost = lost.as_ref().map(Node::items).transpose()?.unwrap_or_default();
        let problem = match node.member("code")? {
            None => None,
            Some(code) => {
                let detail = node.member("detail")?;
                let part = |name| {
                    let text = detail
                        .as_ref()
                        .and_then(|detail| detail.member(name).ok().flatten())
                        .map(|node| node.value().clone());
                    text.and_then(|text| text.as_text().map(String::from))
                };
                let code = Code::from_text(code.text()?).unwrap_or(Code::Internal);
                Some(Problem { code, detail: part("message").unwrap_or_default(), at: part("at") })
            }
        };
        let n = MutationNumber(node.required("n")?.count()?);
        Ok(Self { n, outcome, lost: lost.iter().map(Node::name).collect::<Result<_, _>>()?, problem })
    }
}

fn read_operations(node: &Node<'_>) -> Result<Vec<RowOperation>, Problem> {
    let rows = node.required("rows")?;
    rows.items()?.iter().map(RowOperation::read).collect()
}

fn read_indexes(node: &Node<'_>) -> Result<Vec<usize>, Problem> {
    node.items()?.iter().map(read_index).collect()
}

fn read_index(node: &Node<'_>) -> Result<usize, Problem> {
    usize::try_from(node.count()?).map_err(|_| node.wrong("an index"))
}
