//! Every key that a configuration may have, read from the types themselves: what is deserialised is what there is.

use std::fmt;

use serde::de::value::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::Config;

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPath {
    /// From the top; names that the user chooses are [`ANY`].
    pub(crate) parts: Vec<String>,
    pub(crate) kind: Kind,
}

/// Stands for a name that the user chooses.
pub(crate) const ANY: &str = "*";

/// What a key holds; decides how a variable's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    List,
    /// A number, a truth value, or one of several.
    Other,
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// Every key, in the order of the types.
pub(crate) fn keys() -> Vec<KeyPath> {
    let mut found = Vec::new();
    explore(&mut Vec::new(), &mut found);
    found
}

fn explore(parts: &mut Vec<String>, found: &mut Vec<KeyPath>) {
    match probe(parts) {
        Shape::Struct(fields) => {
            for field in fields {
                parts.push((*field).to_owned());
                explore(parts, found);
                parts.pop();
            }
        }
        Shape::Map => {
            parts.push(ANY.to_owned());
            explore(parts, found);
            parts.pop();
        }
        Shape::Leaf(kind) => found.push(KeyPath { parts: parts.clone(), kind }),
    }
}

/// What stands at a place of the configuration.
#[derive(Clone, Copy)]
enum Shape {
    Struct(&'static [&'static str]),
    Map,
    Leaf(Kind),
}

fn probe(parts: &[String]) -> Shape {
    let mut shape = Shape::Leaf(Kind::Other);
    let outcome = Config::deserialize(Probe { rest: parts, shape: &mut shape });
    debug_assert!(outcome.is_err(), "a probe ends where it looks");
    shape
}

/// Walks to a place and notes which form is asked for there. It never gives a value.
struct Probe<'a> {
    rest: &'a [String],
    shape: &'a mut Shape,
}

impl Probe<'_> {
    fn note<T>(self, shape: Shape) -> Result<T, Error> {
        *self.shape = shape;
        Err(Error::custom("only a look"))
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        self.note(Shape::Leaf(Kind::Other))
    }

    fn deserialize_str<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        self.note(Shape::Leaf(Kind::Text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        self.note(Shape::Leaf(Kind::Text))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.note(Shape::Leaf(Kind::Text))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        self.note(Shape::Leaf(Kind::List))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.rest.is_empty() {
            true => self.note(Shape::Map),
            false => visitor.visit_map(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.rest.is_empty() {
            true => self.note(Shape::Struct(fields)),
            false => visitor.visit_map(self),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}

/// A map with the one entry that leads on.
impl<'de> MapAccess<'de> for Probe<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(key) = self.rest.first() else { return Ok(None) };
        seed.deserialize(serde::de::value::StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Probe { rest: &self.rest[1..], shape: self.shape })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_types() {
        let keys = keys();
        let kind = |path: &str| keys.iter().find(|key| key.to_string() == path).map(|key| key.kind);

        assert_eq!(kind("server.listen"), Some(Kind::Text));
        assert_eq!(kind("server.allowed_origins"), Some(Kind::List));
        assert_eq!(kind("server.heartbeat_ms"), Some(Kind::Other));
        assert_eq!(kind("auth.jwt_secret_file"), Some(Kind::Text));
        assert_eq!(kind("tables.*.read"), Some(Kind::Text));
        assert_eq!(kind("tables.*.fill.*"), Some(Kind::Text));
        assert_eq!(kind("tables.*.columns.*.strategy"), Some(Kind::Text));
        assert_eq!(kind("server"), None);
    }
}
