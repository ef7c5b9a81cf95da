//! Reading frames, on the device.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Checkpoint, Down, Goaway, LoadChunk, LoadEnd, MutationResult, Outcome, Results, RowOperation, ShapeState, Welcome,
};
use crate::alias::Alias;
use crate::decode::Node;
use crate::ids::{DeviceId, Epoch, Millis, MutationNumber, Pos, Tag, UserId};
use crate::problem::{Code, Constraint, Problem};
use crate::protocol::Nearby;
use crate::row::RowKey;
use crate::schema::Schema;
use crate::strict_json::parse;
use crate::value::Value;

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
            "changes" => Ok(Self::Changes {
                checkpoint: Checkpoint::read(body)?,
                rows: read_operations(body)?,
                aliases: Alias::read_all(body)?,
            }),
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
            "presence" => Nearby::read(body).map(Self::Presence),
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
        let read_schema = |node: Node<'_>| Schema::from_value(node.value()).ok_or_else(|| node.wrong("a schema"));
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
            aliases: Alias::read_all(node)?,
            schema: node.member("schema")?.map(read_schema).transpose()?,
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
                let constraint = detail.as_ref().and_then(|detail| constraint(detail.value()));
                Some(Problem { code, detail: part("message").unwrap_or_default(), at: part("at"), constraint })
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

fn constraint(value: &Value) -> Option<Box<Constraint>> {
    match value {
        Value::Object(members) => Constraint::from_members(members).map(Box::new),
        _ => None,
    }
}

impl Problem {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Problem> {
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
        Ok(Self { code, detail, at, constraint: constraint(node.value()) })
    }
}
