//! Writing frames, on the server. The hot ones are put together from fragments that sessions share.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::{Checkpoint, Goaway, LoadEnd, MutationResult, Results, ShapeState, Welcome};
use crate::alias::Alias;
use crate::ids::{Millis, Name};
use crate::mutation::{count, object};
use crate::problem::{Constraint, Problem};
use crate::protocol::PROTOCOL;
use crate::row::RowKey;
use crate::value::{Value, write_text};

/// Puts a frame's number on the connection into it (spec P19).
pub fn number_frame(frame: &mut String, number: u64) {
    // A frame is `{"kind":{…}}`: the number becomes the first member of the inner object.
    if let Some(inner) = frame.find(":{") {
        frame.insert_str(inner + 2, &format!("\"i\":{number},"));
    }
}

/// The kind of a frame.
pub fn kind_of_frame(frame: &str) -> &str {
    frame.strip_prefix("{\"").and_then(|rest| rest.split_once('"')).map_or("", |(kind, _)| kind)
}

/// The cursor that a frame moves to, if it moves one: the first member beside the frame's number.
pub fn cursor_of_frame(frame: &str) -> Option<&str> {
    let (_, body) = frame.split_once(":{")?;
    let body = match body.strip_prefix("\"i\":") {
        Some(numbered) => numbered.split_once(',')?.1,
        None => body,
    };
    body.strip_prefix("\"cursor\":\"")?.split_once('"').map(|(cursor, _)| cursor)
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
    write_own_changes(checkpoint, rows, &[])
}

/// The same for the device whose mutation it was, with what its keys stand for (spec P25).
pub fn write_own_changes(checkpoint: &Checkpoint, rows: &str, aliases: &[Alias]) -> String {
    let mut out = String::with_capacity(rows.len() + checkpoint.cursor.len() + 96);
    out.push_str("{\"changes\":{");
    checkpoint.write(&mut out);
    if !aliases.is_empty() {
        out.push_str(",\"alias\":");
        alias_list(aliases).write_canonical(&mut out);
    }
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

fn alias_list(aliases: &[Alias]) -> Value {
    Value::List(aliases.iter().map(Alias::to_value).collect())
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
        let aliases = (!self.aliases.is_empty()).then(|| ("alias", alias_list(&self.aliases)));
        let schema = self.schema.as_ref().map(|schema| ("schema", schema.to_value()));
        let body = [
            ("protocol", count(PROTOCOL)),
            ("epoch", Value::text(self.epoch.as_str())),
            ("user", user),
            ("device", Value::text(self.device.as_str())),
            ("now", count(self.now.0)),
            ("heartbeat", count(self.heartbeat.0)),
            ("expires", self.expires.map_or(Value::Null, |expires| count(expires.0))),
            ("shapes", Value::List(shapes.collect())),
            ("last", count(self.last.0)),
            ("results", Value::List(self.results.iter().map(MutationResult::to_value).collect())),
            ("load", load),
        ];
        object([("welcome", object(body.into_iter().chain(schema).chain(aliases)))]).canonical()
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
            detail.extend(problem.constraint.iter().flat_map(|constraint| constraint.members()));
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

impl Constraint {
    /// The members that it adds to a problem's detail (spec S17).
    pub fn members(&self) -> [(&'static str, Value); 3] {
        let columns = self.columns.iter().map(|column| Value::text(column.as_str()));
        [
            ("table", Value::text(self.table.as_str())),
            ("columns", Value::List(columns.collect())),
            ("rule", Value::text(self.rule.as_str())),
        ]
    }

    /// The rule in the members of a problem's detail, if there is one.
    pub fn from_members(members: &BTreeMap<Arc<str>, Value>) -> Option<Self> {
        let table = Name::from(members.get("table")?.as_text()?);
        let columns = match members.get("columns") {
            Some(Value::List(columns)) => columns.iter().filter_map(Value::as_text).map(Name::from).collect(),
            _ => Vec::new(),
        };
        Some(Self::new(&table, columns, members.get("rule")?.as_text()?))
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
            .chain(at)
            .chain(self.constraint.iter().flat_map(|constraint| constraint.members())),
        )
    }

    /// The frame (spec P12).
    pub fn to_text(&self) -> String {
        object([("problem", self.to_value())]).canonical()
    }
}
