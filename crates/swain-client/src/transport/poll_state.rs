//! What makes many polls one connection (spec C18): reads what comes, and says hello for the next.

use swain_core::protocol::Hello;
use swain_core::{MutationNumber, Value};

/// What all welcomes of one connection agree in; another one is for the device to judge.
#[derive(Debug, PartialEq)]
struct Greeting {
    /// Epoch, user, role and device.
    who: String,
    /// By index; a load that ends makes them live.
    live: Vec<bool>,
}

#[derive(Debug)]
pub(super) struct PollState {
    pub(super) hello: Hello,
    greeting: Option<Greeting>,
    /// Everything up to the head had come with the last answer, and perhaps what it waited for.
    pub(super) is_current: bool,
}

/// What to do with a frame.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Tell,
    /// The device knows it.
    Swallow,
    /// The device has to say hello itself.
    Changed,
}

impl PollState {
    pub(super) fn new(hello: Hello) -> Self {
        Self { hello, greeting: None, is_current: false }
    }

    /// How long the device stays without a word, at most, once it is current.
    pub(super) fn handle(&mut self, frame: &Value) -> Verdict {
        let Value::Object(members) = frame else { return Verdict::Tell };
        let Some((kind, body)) = members.iter().next() else { return Verdict::Tell };
        match &**kind {
            "welcome" => return self.handle_welcome(body),
            "load" => self.hello.load = text(body, "token").or(self.hello.load.take()),
            "load_end" => self.end_load(body),
            "caught_up" => self.is_current = true,
            _ => {}
        }
        if let Some(cursor) = text(body, "cursor") {
            self.hello.cursor = Some(cursor);
            let acked = member(body, "acked").and_then(Value::as_int).unwrap_or(0);
            self.hello.acked = self.hello.acked.max(MutationNumber(acked.cast_unsigned()));
        }
        Verdict::Tell
    }

    fn handle_welcome(&mut self, body: &Value) -> Verdict {
        self.is_current = false;
        let part = |name| member(body, name).map(Value::canonical).unwrap_or_default();
        let who = ["epoch", "user", "role", "device"].map(part).join(",");
        let is_live = |shape: &Value| text(shape, "state").as_deref() == Some("live");
        let live = match member(body, "shapes") {
            Some(Value::List(shapes)) => shapes.iter().map(is_live).collect(),
            Some(_) | None => Vec::new(),
        };
        let (now, load) = (Greeting { who, live }, text(body, "load"));
        if let Some(before) = &self.greeting {
            let is_loading = before.live.contains(&false);
            let goes_on = load.as_deref() == is_loading.then_some("resume");
            let is_same = goes_on && *before == now && member(body, "schema").is_none();
            return if is_same { Verdict::Swallow } else { Verdict::Changed };
        }
        self.greeting = Some(now);
        if load.as_deref() != Some("resume") {
            self.hello.load = None;
        }
        if let Some(schema) = member(body, "schema") {
            self.hello.schema = member(schema, "version").and_then(Value::as_int).map(i64::cast_unsigned);
        }
        Verdict::Tell
    }

    fn end_load(&mut self, body: &Value) {
        let (Some(greeting), Some(Value::List(ended))) = (&mut self.greeting, member(body, "shapes")) else { return };
        for index in ended.iter().filter_map(|index| usize::try_from(index.as_int()?).ok()) {
            if let Some(live) = greeting.live.get_mut(index) {
                *live = true;
            }
        }
        if !greeting.live.contains(&false) {
            self.hello.load = None;
        }
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Object(members) = value else { return None };
    members.get(name).filter(|value| **value != Value::Null)
}

fn text(value: &Value, name: &str) -> Option<String> {
    member(value, name).and_then(Value::as_text).map(str::to_owned)
}
