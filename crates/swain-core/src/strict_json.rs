//! The one parser for everything that comes from outside (spec V2).
//!
//! Tokens are read by `serde_json`; what JSON leaves open (a name twice, NUL, depth, numbers that no double holds)
//! is refused here, so that no two parts of the system can read one text in two ways.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::limits::JSON_DEPTH_MAX;
use crate::problem::{Code, Problem};
use crate::value::{SAFE_INTEGER_MAX, Value};

/// Reads one JSON text.
pub fn parse(text: &str) -> Result<Value, Problem> {
    let refusal = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = Strict { depth: 0, refusal: &refusal }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| {
        let code = refusal.get().unwrap_or_else(|| diagnose(text));
        let place = format!("line {} column {}", error.line(), error.column());
        Problem::new(code, explain(code)).at(place)
    })
}

fn explain(code: Code) -> String {
    let text = match code {
        Code::DuplicateName => "an object names the same member twice",
        Code::NulInText => "text cannot hold U+0000",
        Code::LoneSurrogate => "text holds half of a surrogate pair",
        Code::TooDeep => "nested deeper than 64",
        Code::NumberOutOfRange => "a number is larger than any double",
        _ => "this is not JSON",
    };
    String::from(text)
}

#[derive(Clone, Copy)]
struct Strict<'r> {
    depth: usize,
    refusal: &'r Cell<Option<Code>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(&self, code: Code) -> E {
        self.refusal.set(Some(code));
        E::custom(code.as_str())
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(self.refuse(Code::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn text<E: serde::de::Error>(&self, text: &str) -> Result<Arc<str>, E> {
        if text.contains('\0') {
            return Err(self.refuse(Code::NulInText));
        }
        Ok(Arc::from(text))
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(whole(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.text(text).map(Value::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut object = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            let name = self.text(&name)?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(self.refuse::<A::Error>(Code::DuplicateName)));
            }
            object.insert(name, members.next_value_seed(deeper)?);
        }
        Ok(Value::Object(object))
    }
}

/// Whole numbers beyond 2^53 − 1 become floats here; an integer column refuses them (spec V1), a float column takes them.
fn whole(number: i128) -> Value {
    if number.unsigned_abs() <= SAFE_INTEGER_MAX.unsigned_abs().into() {
        return Value::Int(i64::try_from(number).expect("a safe integer fits 64 bits"));
    }
    #[expect(clippy::cast_precision_loss, reason = "the loss is what makes it a float")]
    Value::Float(number as f64)
}

/// `serde_json` refuses lone surrogates and endless numbers as plain syntax errors; this finds out which it was.
fn diagnose(text: &str) -> Code {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'"' => match skip_string(text, index + 1) {
                Ok(end) => index = end,
                Err(code) => return code,
            },
            b'-' | b'0'..=b'9' => {
                let end = bytes[index + 1..]
                    .iter()
                    .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
                    .map_or(bytes.len(), |offset| index + 1 + offset);
                if text[index..end].parse::<f64>().is_ok_and(f64::is_infinite) {
                    return Code::NumberOutOfRange;
                }
                index = end;
            }
            _ => index += 1,
        }
    }
    Code::MalformedJson
}

fn skip_string(text: &str, start: usize) -> Result<usize, Code> {
    let bytes = text.as_bytes();
    let mut index = start;
    let mut high = false;
    while index < bytes.len() {
        let unit = match bytes[index] {
            b'"' if high => return Err(Code::LoneSurrogate),
            b'"' => return Ok(index + 1),
            b'\\' if bytes.get(index + 1) == Some(&b'u') => {
                let digits = text.get(index + 2..index + 6).ok_or(Code::MalformedJson)?;
                index += 6;
                u16::from_str_radix(digits, 16).map_err(|_| Code::MalformedJson)?
            }
            b'\\' => {
                index += 2;
                0
            }
            _ => {
                index += 1;
                0
            }
        };
        let low = (0xdc00..0xe000).contains(&unit);
        if high != low {
            return Err(Code::LoneSurrogate);
        }
        high = (0xd800..0xdc00).contains(&unit);
    }
    Err(Code::MalformedJson)
}
