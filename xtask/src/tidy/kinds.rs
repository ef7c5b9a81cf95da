//! Which bytes of a source are code, text (inside a string) or comment.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    /// The content of a string, character or regular expression; its quotes are code.
    Text,
    Comment,
}

/// The text with everything of another kind blanked, newlines kept, so that offsets stay.
pub(crate) fn only(text: &str, kinds: &[Kind], wanted: &[Kind]) -> String {
    let bytes =
        text.bytes().zip(kinds).map(|(byte, kind)| if byte == b'\n' || wanted.contains(kind) { byte } else { b' ' });
    String::from_utf8(bytes.collect()).expect("a character has one kind, so none is cut")
}

/// Goes through a source and gives each byte its kind.
pub(super) struct Marker<'a> {
    bytes: &'a [u8],
    pub(super) kinds: Vec<Kind>,
}

/// Whether `/*` inside a block comment opens another one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    Nested,
    Flat,
}

/// Whether a string may go on in the next line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    Many,
    One,
}

impl<'a> Marker<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), kinds: Vec::with_capacity(text.len()) }
    }

    pub(super) fn mark(&mut self, kind: Kind, count: usize) {
        let end = (self.at() + count).min(self.bytes.len());
        self.kinds.resize(end, kind);
    }

    pub(super) fn line_comment(&mut self) {
        let length = self.rest().iter().position(|byte| *byte == b'\n');
        self.mark(Kind::Comment, length.unwrap_or(self.rest().len()));
    }

    pub(super) fn block_comment(&mut self, nesting: Nesting) {
        self.mark(Kind::Comment, 2);
        let mut depth = 1;
        while depth > 0 && self.peek().is_some() {
            if self.starts_with(b"*/") {
                depth -= 1;
                self.mark(Kind::Comment, 2);
            } else if nesting == Nesting::Nested && self.starts_with(b"/*") {
                depth += 1;
                self.mark(Kind::Comment, 2);
            } else {
                self.mark(Kind::Comment, 1);
            }
        }
    }

    /// A string with backslash escapes, from its opening quote to its closing one.
    pub(super) fn quoted(&mut self, lines: Lines) {
        let Some(quote) = self.peek() else { return };
        self.mark(Kind::Code, 1);
        while let Some(byte) = self.peek() {
            if byte == b'\\' {
                self.mark(Kind::Text, 2);
            } else if byte == quote {
                self.mark(Kind::Code, 1);
                return;
            } else if byte == b'\n' && lines == Lines::One {
                return;
            } else {
                self.mark(Kind::Text, 1);
            }
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(super) fn starts_with(&self, prefix: &[u8]) -> bool {
        self.rest().starts_with(prefix)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at()..]
    }

    /// Does the byte before belong to a word?
    pub(super) fn is_after_word(&self) -> bool {
        let before = self.at().checked_sub(1).map(|at| self.bytes[at]);
        before.is_some_and(is_word_byte)
    }

    pub(super) fn before(&self) -> &'a [u8] {
        &self.bytes[..self.at()]
    }

    fn at(&self) -> usize {
        self.kinds.len()
    }
}

pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
