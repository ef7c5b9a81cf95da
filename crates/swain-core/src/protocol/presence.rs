//! Who else is here: what a device says of itself, and what it hears of others (spec P28).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::decode::Node;
use crate::ids::UserId;
use crate::limits::{PRESENCE_STATE_BYTES_MAX, PRESENCE_TAB_CHARS_MAX};
use crate::mutation::{count, object};
use crate::problem::{Code, Problem};
use crate::row::Key;
use crate::shape::Shape;
use crate::value::Value;

/// Which part of a device speaks: a browser has one connection for all its tabs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tab(Arc<str>);

/// A message of a device about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    /// Who speaks.
    pub tab: Tab,
    /// What it says.
    pub said: Said,
}

/// What a tab says of itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// It is still there.
    Here,
    /// It is in a room, and this is how.
    In {
        /// The room.
        room: Shape,
        /// The row that it is on.
        row: Option<Key>,
        /// An object with whatever else the others shall know.
        state: Value,
    },
    /// It is no longer in the room; none: in any.
    Left(Option<Shape>),
}

/// A message of the server about others.
#[derive(Clone, Debug, PartialEq)]
pub enum Nearby {
    /// Every tab that is somewhere shall say that it is still there.
    Ask,
    /// The tab is in no room of the server: it says again where it is.
    Again(Tab),
    /// The tab is not in the room.
    Refused {
        /// Who asked.
        tab: Tab,
        /// For which room.
        room: Shape,
        /// Why not.
        problem: Problem,
    },
    /// Who is in the room with the tab.
    Room {
        /// Who is told.
        tab: Tab,
        /// Of which room.
        room: Shape,
        /// Nobody else is there: what was known before is over.
        is_whole: bool,
        /// Who came, or is otherwise than before.
        here: Vec<Other>,
        /// Who has left.
        left: Vec<u64>,
    },
}

/// Somebody else in a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// The number in this room; another connection of the same person has another.
    pub id: u64,
    /// Who it is, as the server knows; none for a visitor.
    pub user: Option<UserId>,
    /// What the person is called, if the server knows.
    pub name: Option<String>,
    /// The row, and what else was said; none when it was said on a row that the reader may not read.
    pub said: Option<(Option<Key>, Value)>,
}

impl Tab {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let Some(tab) = node.member("tab")? else { return Ok(Self::default()) };
        let name = tab.text()?;
        if name.chars().count() > PRESENCE_TAB_CHARS_MAX {
            return Err(tab.problem(Code::WrongType, format!("at most {PRESENCE_TAB_CHARS_MAX} characters")));
        }
        Ok(Self::from(name))
    }
}

impl From<&str> for Tab {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl Presence {
    /// Reads one message; every problem names its place.
    pub fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let tab = Tab::read(node)?;
        let room = node.member("room")?.as_ref().map(Shape::read).transpose()?;
        let leaves = node.member("leave")?.is_some_and(|leave| leave.value() == &Value::Bool(true));
        let said = match room {
            room if leaves => Said::Left(room),
            None => Said::Here,
            Some(room) => {
                let (row, state) = read_state(node)?;
                Said::In { room, row, state }
            }
        };
        Ok(Self { tab, said })
    }

    /// The wire form.
    pub fn to_value(&self) -> Value {
        let tab = (!self.tab.0.is_empty()).then(|| ("tab", Value::text(self.tab.as_str())));
        let said = match &self.said {
            Said::Here => Vec::new(),
            Said::Left(room) => {
                let room = room.as_ref().map(|room| ("room", room.to_value()));
                room.into_iter().chain([("leave", Value::Bool(true))]).collect()
            }
            Said::In { room, row, state } => {
                alloc::vec![("room", room.to_value()), ("row", key_value(row.as_ref())), ("state", state.clone())]
            }
        };
        object(tab.into_iter().chain(said))
    }

    /// The frame.
    pub fn to_text(&self) -> String {
        object([("presence", self.to_value())]).canonical()
    }
}

fn read_state(node: &Node<'_>) -> Result<(Option<Key>, Value), Problem> {
    let row = node.member("row")?.map(|row| row.key()).transpose()?;
    let state = node.member("state")?;
    let value = match &state {
        None => Value::Object(BTreeMap::new()),
        Some(node) => match node.value() {
            Value::Object(_) => node.value().clone(),
            _ => return Err(node.wrong("an object")),
        },
    };
    let bytes = value.canonical().len() + key_value(row.as_ref()).canonical().len();
    if bytes > PRESENCE_STATE_BYTES_MAX {
        let detail = format!("row and state are {bytes} bytes together, and at most {PRESENCE_STATE_BYTES_MAX}");
        return Err(state.as_ref().unwrap_or(node).problem(Code::LimitPresenceBytes, detail));
    }
    Ok((row, value))
}

fn key_value(key: Option<&Key>) -> Value {
    key.map_or(Value::Null, |key| Value::List(key.0.clone()))
}

impl Nearby {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let is = |name| Ok::<_, Problem>(node.member(name)?.is_some_and(|flag| flag.value() == &Value::Bool(true)));
        let tab = Tab::read(node)?;
        if is("ask")? {
            return Ok(Self::Ask);
        }
        if is("again")? {
            return Ok(Self::Again(tab));
        }
        let room = Shape::read(&node.required("room")?)?;
        if let Some(problem) = node.member("problem")? {
            return Ok(Self::Refused { tab, room, problem: Problem::read(&problem)? });
        }
        let (here, left) = (node.required("here")?, node.member("left")?);
        let here = here.items()?.iter().map(Other::read).collect::<Result<_, _>>()?;
        let left = left.as_ref().map(Node::items).transpose()?.unwrap_or_default();
        let left = left.iter().map(Node::count).collect::<Result<_, _>>()?;
        Ok(Self::Room { tab, room, is_whole: is("all")?, here, left })
    }

    /// The frame that asks.
    pub fn ask() -> String {
        "{\"presence\":{\"ask\":true}}".into()
    }

    /// The frame that tells a tab to say again where it is.
    pub fn again(tab: &Tab) -> String {
        let body = [("again", Value::Bool(true)), ("tab", Value::text(tab.as_str()))];
        object([("presence", object(body))]).canonical()
    }

    /// The frame that refuses a room.
    pub fn refused(tab: &Tab, room: &Shape, problem: &Problem) -> String {
        let body = [("tab", Value::text(tab.as_str())), ("room", room.to_value()), ("problem", problem.to_value())];
        object([("presence", object(body))]).canonical()
    }

    /// The frame that tells of a room: `here` from [`Other::to_text`], with commas between.
    pub fn room(tab: &Tab, room: &Shape, is_whole: bool, here: &str, left: &[u64]) -> String {
        let (tab, room) = (Value::text(tab.as_str()).canonical(), room.to_value().canonical());
        let all = if is_whole { "\"all\":true," } else { "" };
        format!("{{\"presence\":{{{all}\"here\":[{here}],\"left\":{left:?},\"room\":{room},\"tab\":{tab}}}}}")
    }
}

impl Other {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let state = node.member("state")?.map(|state| state.value().clone());
        let row = node.member("row")?.map(|row| row.key()).transpose()?;
        Ok(Self {
            id: node.required("id")?.count()?,
            user: node.member("user")?.map(|user| user.text().map(UserId::from)).transpose()?,
            name: node.member("name")?.map(|name| name.text().map(String::from)).transpose()?,
            said: state.map(|state| (row, state)),
        })
    }

    /// What a frame says of it.
    pub fn to_text(&self) -> String {
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::text);
        let said = self.said.as_ref().map(|(row, state)| [("row", key_value(row.as_ref())), ("state", state.clone())]);
        let body = [
            ("id", count(self.id)),
            ("user", text(self.user.as_ref().map(UserId::as_str))),
            ("name", text(self.name.as_deref())),
        ];
        object(body.into_iter().chain(said.into_iter().flatten())).canonical()
    }
}
