//! Server-sent events (WHATWG HTML §9.2.6), as far as the server uses them.

use crate::limits::FRAME_BYTES_MAX;

/// Puts events together from what comes.
#[derive(Debug, Default)]
pub(super) struct EventParser {
    /// Behind the last whole event.
    rest: Vec<u8>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// A frame.
    Frame(String),
    /// The end, by the code of the close.
    Close(u16),
}

/// What came is no stream of events, or an event without an end.
#[derive(Debug, PartialEq)]
pub(super) struct Garbled;

impl EventParser {
    /// The events that are whole now. One that was cut off is never given.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Garbled> {
        let looked = self.rest.len().saturating_sub(1);
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        let (mut start, mut from) = (0, looked);
        while let Some(at) = find_end(&self.rest[from..]) {
            let end = from + at;
            let text = std::str::from_utf8(&self.rest[start..end]).map_err(|_| Garbled)?;
            events.extend(read_event(text)?);
            start = end + 2;
            from = start;
        }
        self.rest.drain(..start);
        if self.rest.len() > FRAME_BYTES_MAX { Err(Garbled) } else { Ok(events) }
    }
}

fn find_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\n\n")
}

fn read_event(text: &str) -> Result<Option<Event>, Garbled> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let Some(data) = field("data: ") else { return Ok(None) };
    match field("event: ") {
        None => Ok(Some(Event::Frame(data.to_owned()))),
        Some("close") => data.parse().map(|code| Some(Event::Close(code))).map_err(|_| Garbled),
        // Of a newer server.
        Some(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_however_they_are_cut() {
        let text = "id: c1\ndata: {\"a\":\"ä\"}\n\n: comment\n\nevent: later\ndata: x\n\nevent: close\ndata: 4401\n\n";
        let wanted = [Event::Frame("{\"a\":\"ä\"}".into()), Event::Close(4401)];

        for size in 1..=text.len() {
            let mut parser = EventParser::default();
            let events: Vec<Event> = text.as_bytes().chunks(size).flat_map(|part| parser.push(part).unwrap()).collect();
            assert_eq!(events, wanted, "in parts of {size}");
        }
        let mut parser = EventParser::default();
        assert_eq!(parser.push(&text.as_bytes()[..text.len() - 1]).unwrap().len(), 1, "what was cut is not given");
        assert_eq!(parser.push(b"\xff\n\n"), Err(Garbled));
    }
}
