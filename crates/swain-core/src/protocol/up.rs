//! Messages from the device (spec P1 to P3).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::decode::Node;
use crate::hash::hash_text;
use crate::ids::{DeviceId, MutationNumber};
use crate::limits::{DEVICE_ID_CHARS_MAX, MESSAGE_BYTES_MAX, PRESENCE_ROOMS_MAX, PUSH_MUTATIONS_MAX, SHAPES_MAX};
use crate::mutation::{Mutation, count, object};
use crate::problem::{Code, Problem};
use crate::protocol::{PROTOCOL, Presence};
use crate::shape::Shape;
use crate::strict_json::parse;
use crate::value::Value;

/// A message from a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Up {
    /// The first one.
    Hello(Hello),
    /// Mutations, in order.
    Push(Vec<Result<Mutation, Unreadable>>),
    /// A new access token.
    Auth(String),
    /// Where the device's user is (spec P28).
    Presence(Presence),
}

/// Who connects, and how far it has got.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// The access token; none for a visitor.
    pub token: Option<String>,
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    pub cursor: Option<String>,
    /// The highest n that it knows to be acknowledged.
    pub acked: MutationNumber,
    /// What it wants to hold.
    pub shapes: Vec<Shape>,
    /// Where a cut load goes on.
    pub load: Option<String>,
    /// The version of the schema that it holds.
    pub schema: Option<u64>,
    /// Whether it takes compressed frames (spec P23).
    pub gzip: bool,
}

/// What a device says outside its stream (spec P22).
#[derive(Clone, Debug, PartialEq)]
pub struct UpBatch {
    /// The device that says it.
    pub device: DeviceId,
    /// Mutations, in order.
    pub mutations: Vec<Result<Mutation, Unreadable>>,
    /// Where its user is, in order.
    pub presence: Vec<Presence>,
}

/// A mutation whose number can be read and whose body cannot: it is refused, and blocks nothing behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// Its number.
    pub n: MutationNumber,
    /// Tells it from another of the same number.
    pub content_hash: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Up {
    /// Reads a message; every problem names its place.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let value = parse_message(text)?;
        let Value::Object(members) = &value else {
            return Err(Problem::new(Code::MalformedMessage, "a message is an object with exactly one member"));
        };
        let mut members = members.iter();
        let (Some((kind, body)), None) = (members.next(), members.next()) else {
            return Err(Problem::new(Code::MalformedMessage, "a message is an object with exactly one member"));
        };
        let node = Node::root(kind, body);
        match &**kind {
            "hello" => Hello::read(&node).map(Self::Hello),
            "push" => read_push(&node).map(Self::Push),
            "presence" => Presence::read(&node).map(Self::Presence),
            "auth" => Ok(Self::Auth(node.required("token")?.text()?.into())),
            other => Err(Problem::new(Code::UnknownMessage, format!("there is no message '{other}'"))),
        }
    }
}

impl Hello {
    /// Reads a hello, whichever way it came: `node` is the body of the message, or a query.
    pub fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let protocol = node.required("protocol")?;
        if protocol.count()? != PROTOCOL {
            return Err(protocol.problem(Code::UnknownProtocol, format!("this server speaks protocol {PROTOCOL}")));
        }
        let device = read_device(node)?;
        let text = |name| Ok::<_, Problem>(node.member(name)?.map(|node| node.text()).transpose()?.map(String::from));
        let acked = node.member("acked")?.map(|node| node.count()).transpose()?.unwrap_or(0);
        Ok(Self {
            token: text("token")?,
            device,
            cursor: text("cursor")?,
            acked: MutationNumber(acked),
            shapes: read_shapes(node)?,
            load: text("load")?,
            schema: node.member("schema")?.map(|node| node.count()).transpose()?,
            gzip: node.member("gzip")?.is_some_and(|node| node.value() == &Value::Bool(true)),
        })
    }

    /// The wire form.
    pub fn to_text(&self) -> String {
        let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::text(text.as_str()));
        let shapes = self.shapes.iter().map(Shape::to_value).collect();
        let body = [
            ("protocol", count(PROTOCOL)),
            ("token", text(&self.token)),
            ("device", Value::text(self.device.as_str())),
            ("cursor", text(&self.cursor)),
            ("acked", count(self.acked.0)),
            ("shapes", Value::List(shapes)),
            ("load", text(&self.load)),
        ];
        let schema = self.schema.map(|schema| ("schema", count(schema)));
        let gzip = self.gzip.then_some(("gzip", Value::Bool(true)));
        let body = object(body.into_iter().chain(schema).chain(gzip));
        object([("hello", body)]).canonical()
    }
}

/// The wire form of a push.
pub(super) fn push_text(mutations: &[Mutation]) -> String {
    let mutations = mutations.iter().map(Mutation::to_value).collect();
    object([("push", object([("mutations", Value::List(mutations))]))]).canonical()
}

impl Up {
    /// The wire form of a push.
    pub fn push(mutations: &[Mutation]) -> String {
        push_text(mutations)
    }

    /// The wire form of a renewal.
    pub fn auth(token: &str) -> String {
        object([("auth", object([("token", Value::text(token))]))]).canonical()
    }
}

impl UpBatch {
    /// Reads the body of a request; every problem names its place.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let value = parse_message(text)?;
        let node = Node::root("body", &value);
        let presence = node.member("presence")?;
        let presence = presence.as_ref().map(read_presence).transpose()?.unwrap_or_default();
        let mutations = match node.member("mutations")? {
            None if !presence.is_empty() => Vec::new(),
            _ => read_push(&node)?,
        };
        Ok(Self { device: read_device(&node)?, mutations, presence })
    }

    /// The body of a request.
    pub fn text(device: &DeviceId, mutations: &[Mutation]) -> String {
        let mutations = mutations.iter().map(Mutation::to_value).collect();
        object([("device", Value::text(device.as_str())), ("mutations", Value::List(mutations))]).canonical()
    }
}

/// Reads the member `shapes`.
pub fn read_shapes(node: &Node<'_>) -> Result<Vec<Shape>, Problem> {
    let shapes = node.required("shapes")?;
    let items = shapes.items()?;
    if items.len() > SHAPES_MAX {
        return Err(shapes.problem(Code::LimitShapes, format!("a device holds at most {SHAPES_MAX} shapes")));
    }
    items.iter().map(Shape::read).collect()
}

fn parse_message(text: &str) -> Result<Value, Problem> {
    if text.len() > MESSAGE_BYTES_MAX {
        let detail = format!("a message is at most {MESSAGE_BYTES_MAX} bytes");
        return Err(Problem::new(Code::LimitMessageBytes, detail));
    }
    parse(text)
}

fn read_device(node: &Node<'_>) -> Result<DeviceId, Problem> {
    let device = node.required("device")?;
    let id = device.text()?;
    let printable = |char: char| char.is_ascii_alphanumeric() || char == '-';
    if id.is_empty() || id.len() > DEVICE_ID_CHARS_MAX || !id.chars().all(printable) {
        return Err(device.problem(Code::WrongType, "a device id is a UUID"));
    }
    Ok(DeviceId::from(id))
}

fn read_push(node: &Node<'_>) -> Result<Vec<Result<Mutation, Unreadable>>, Problem> {
    let mutations = node.required("mutations")?;
    let items = mutations.items()?;
    if items.len() > PUSH_MUTATIONS_MAX {
        let detail = format!("a push has at most {PUSH_MUTATIONS_MAX} mutations");
        return Err(mutations.problem(Code::LimitPushMutations, detail));
    }
    items.iter().map(read_mutation).collect()
}

fn read_presence(node: &Node<'_>) -> Result<Vec<Presence>, Problem> {
    let items = node.items()?;
    if items.len() > PRESENCE_ROOMS_MAX {
        let detail = format!("a batch says at most {PRESENCE_ROOMS_MAX} times where somebody is");
        return Err(node.problem(Code::LimitPresenceRooms, detail));
    }
    items.iter().map(Presence::read).collect()
}

fn read_mutation(node: &Node<'_>) -> Result<Result<Mutation, Unreadable>, Problem> {
    let n = MutationNumber(node.required("n")?.count()?);
    Ok(Mutation::read(node).map_err(|problem| {
        let empty = Value::Object(BTreeMap::new());
        let ops = node.member("ops").ok().flatten().map_or(empty, |ops| ops.value().clone());
        Unreadable { n, content_hash: hash_text(&ops.canonical()), problem }
    }))
}
