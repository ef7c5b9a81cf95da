//! `xtask/tidy-exceptions.txt`: what is longer than it may be, until somebody shortens it.
//!
//! One line each, `path 640` or `path::function 85`; `#` begins a remark. The list may only
//! shrink: an entry that is not needed any more, or says more lines than there are, is wrong.

use super::{Complaint, repository::Repository};

pub(crate) const PATH: &str = "xtask/tidy-exceptions.txt";

pub(crate) struct Exception {
    pub(crate) name: String,
    pub(crate) lines_max: usize,
    /// Where it stands in the list.
    pub(crate) line: usize,
}

impl Exception {
    pub(crate) fn complaint(&self, text: impl Into<String>) -> Complaint {
        Complaint::new(PATH, self.line, text)
    }

    pub(crate) fn is_over(&self) -> Complaint {
        self.complaint(format!("{} is not too long any more: delete this line", self.name))
    }
}

pub(crate) fn read(repository: &Repository) -> (Vec<Exception>, Vec<Complaint>) {
    let mut exceptions = Vec::new();
    let mut complaints = Vec::new();
    let text = repository.file(PATH).map_or("", |file| file.text.as_str());
    for (index, content) in text.lines().enumerate() {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match parse(content, index + 1) {
            Some(exception) => exceptions.push(exception),
            None => complaints.push(Complaint::new(
                PATH,
                index + 1,
                "expected `path` or `path::function` and a number of lines",
            )),
        }
    }
    (exceptions, complaints)
}

fn parse(content: &str, line: usize) -> Option<Exception> {
    let (name, lines) = content.rsplit_once(' ')?;
    Some(Exception { name: name.trim().to_owned(), lines_max: lines.parse().ok()?, line })
}
