//! The load of a session: chunks of rows, then the log over them, then the end (spec P5, P6).
//!
//! ```text
//! Chunks ──last chunk──► Following ──stream at the target──► Reading ──► Ended
//! ```

use swain_core::protocol::{Checkpoint, Cursor, LoadEnd, LoadToken, write_load, write_load_changes};
use swain_core::{Epoch, Key, Pos, Tag};

use crate::engine::{Ask, OpenedLoad};
use crate::matching::LiveShape;

#[derive(Debug)]
pub(super) struct Load {
    epoch: Epoch,
    /// The shapes that are loading, in order, and their views.
    shapes: Vec<LiveShape>,
    views: Vec<String>,
    from: (Pos, Tag),
    resumes: bool,
    total: u64,
    /// The newest position that a chunk may have seen.
    seen: Pos,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// The next chunk is of this shape, behind this key.
    Chunks { shape: usize, after: Option<Key>, asked: bool },
    /// All rows are sent; the stream has to get to `seen` before the log over them can be read.
    Following { asked: bool },
    /// The log up to `through` is being read, from `after` on; the stream waits there.
    Reading { after: Pos, through: Pos, asked: bool },
}

/// What the load wants next.
pub(super) enum Next {
    /// An answer to this.
    Ask(Ask),
    /// Everything is read: the staged rows become the device's.
    End,
}

impl Load {
    pub(super) fn new(epoch: Epoch, opened: OpenedLoad, shapes: Vec<LiveShape>, views: Vec<String>) -> Self {
        let OpenedLoad { from, resumes, next: (shape, after), total } = opened;
        let step = Step::Chunks { shape, after, asked: false };
        Self { epoch, shapes, views, from, resumes, total, seen: from.0, step }
    }

    pub(super) fn resumes(&self) -> bool {
        self.resumes
    }

    pub(super) fn shapes(&self) -> &[LiveShape] {
        &self.shapes
    }

    /// True while rows are being sent.
    pub(super) fn reads_rows(&self) -> bool {
        matches!(&self.step, Step::Chunks { shape, .. } if *shape < self.shapes.len())
    }

    /// True while the stream has to stay where it is.
    pub(super) fn holds_stream(&self) -> bool {
        matches!(self.step, Step::Reading { .. })
    }

    /// What is next, when the stream stands at `at` with nothing before it unread; none: an answer is on its way, or
    /// the stream has to get further.
    pub(super) fn poll(&mut self, at: Option<(Pos, Tag)>) -> Option<Next> {
        if let Step::Chunks { shape, .. } = &self.step
            && *shape == self.shapes.len()
        {
            self.step = Step::Following { asked: false };
        }
        if let (Step::Following { .. }, Some(at)) = (&self.step, at)
            && at.0 >= self.seen
        {
            self.step = Step::Reading { after: self.from.0, through: at.0, asked: false };
        }
        match &mut self.step {
            Step::Chunks { shape, after, asked } if !*asked => {
                *asked = true;
                Some(Next::Ask(Ask::ReadRows { shape: self.shapes[*shape].clone(), after: after.clone() }))
            }
            Step::Following { asked } if !*asked => {
                *asked = true;
                Some(Next::Ask(Ask::Follow))
            }
            Step::Reading { after, through, asked } if !*asked && *after < *through => {
                *asked = true;
                Some(Next::Ask(Ask::ReadLoadLog { after: *after, through: *through, shapes: self.shapes.clone() }))
            }
            Step::Reading { asked, .. } if !*asked => Some(Next::End),
            Step::Chunks { .. } | Step::Following { .. } | Step::Reading { .. } => None,
        }
    }

    /// Rows were read: their frame.
    pub(super) fn handle_rows(&mut self, rows: &str, more: Option<Key>, head: Pos) -> Option<String> {
        let Step::Chunks { shape, .. } = &self.step else {
            return None;
        };
        let sent = *shape;
        let (shape, after) = if more.is_some() { (sent, more) } else { (sent + 1, None) };
        self.seen = self.seen.max(head);
        let from = Cursor { epoch: self.epoch.clone(), pos: self.from.0, tag: self.from.1, views: self.views.clone() };
        let token = LoadToken { from, shape, after: after.clone() }.encode();
        self.step = Step::Chunks { shape, after, asked: false };
        Some(write_load(self.shapes[sent].index, rows, self.total, &token))
    }

    /// A page of the log was read: its frame, if it has anything.
    pub(super) fn handle_log(&mut self, changes: &str, reached: Pos) -> Option<String> {
        let Step::Reading { after, asked, .. } = &mut self.step else { return None };
        *after = reached;
        *asked = false;
        (!changes.is_empty()).then(|| write_load_changes(changes))
    }

    /// The frame that ends the load; the checkpoint is that of the stream, which stands where the log was read to.
    pub(super) fn end(&self, checkpoint: Checkpoint) -> String {
        let shapes = self.shapes.iter().map(|shape| shape.index).collect();
        LoadEnd { checkpoint, shapes }.to_text()
    }
}
