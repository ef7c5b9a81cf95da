//! Cursor and load token: opaque to the device (spec P13).

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::{Epoch, Pos, Tag};
use crate::mutation::count;
use crate::row::Key;
use crate::strict_json::parse;
use crate::value::Value;

/// How far a device has got.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// Of which history.
    pub epoch: Epoch,
    /// The position it confirmed.
    pub pos: Pos,
    /// That position's tag.
    pub tag: Tag,
    /// The views of the shapes that are live up to there.
    pub views: Vec<String>,
}

/// Where a cut load goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadToken {
    /// The position at which the load began.
    pub from: Cursor,
    /// The shape, by its place in `from.views`, that the next chunk is of.
    pub shape: usize,
    /// The last key that was sent of it.
    pub after: Option<Key>,
}

impl Cursor {
    /// The opaque text.
    pub fn encode(&self) -> String {
        seal(&self.to_value())
    }

    /// The cursor in an opaque text; none if nobody here wrote it.
    pub fn decode(text: &str) -> Option<Self> {
        Self::from_value(&open(text)?)
    }

    fn to_value(&self) -> Value {
        let views = self.views.iter().map(|view| Value::text(view.as_str())).collect();
        let epoch = Value::text(self.epoch.as_str());
        Value::List(alloc::vec![epoch, count(self.pos.0), count(self.tag.0.into()), Value::List(views)])
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::List(parts) = value else {
            return None;
        };
        let [epoch, pos, tag, Value::List(views)] = parts.as_slice() else {
            return None;
        };
        Some(Self {
            epoch: Epoch::from(epoch.as_text()?),
            pos: Pos(pos.as_int()?.try_into().ok()?),
            tag: Tag(tag.as_int()?.try_into().ok()?),
            views: views.iter().map(|view| view.as_text().map(String::from)).collect::<Option<_>>()?,
        })
    }
}

impl LoadToken {
    /// The opaque text.
    pub fn encode(&self) -> String {
        let after = self.after.as_ref().map_or(Value::Null, |key| Value::List(key.0.clone()));
        seal(&Value::List(alloc::vec![self.from.to_value(), count(self.shape as u64), after]))
    }

    /// The token in an opaque text; none if nobody here wrote it.
    pub fn decode(text: &str) -> Option<Self> {
        let Value::List(parts) = open(text)? else {
            return None;
        };
        let [from, shape, after] = parts.as_slice() else {
            return None;
        };
        let after = match after {
            Value::Null => None,
            Value::List(values) => Some(Key(values.clone())),
            _ => return None,
        };
        Some(Self { from: Cursor::from_value(from)?, shape: shape.as_int()?.try_into().ok()?, after })
    }
}

fn seal(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.canonical())
}

fn open(text: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    parse(core::str::from_utf8(&bytes).ok()?).ok()
}
