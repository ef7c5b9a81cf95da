//! Somebody in a room: what the others are told of him, and what he has been told of them.

use std::collections::BTreeSet;

use swain_core::protocol::Other;
use swain_core::shape::Shape;
use swain_core::{RowKey, Value};

use super::NewGuest;
use crate::hub::SessionId;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) session: SessionId,
    id: u64,
    shape: Shape,
    row: Option<RowKey>,
    /// As it is told to those who may read the row, and to the others.
    whole: String,
    bare: String,
    knows: Knows,
}

/// What he knows of the others.
#[derive(Debug)]
enum Knows {
    Nothing,
    /// These, of whom the latter are otherwise now.
    These(BTreeSet<u64>, BTreeSet<u64>),
}

/// What he is told.
pub(super) enum Outlook {
    Nothing,
    All(Vec<u64>),
    News { here: Vec<u64>, left: Vec<u64> },
}

impl Outlook {
    pub(super) fn here(&self) -> &[u64] {
        match self {
            Self::Nothing => &[],
            Self::All(here) | Self::News { here, .. } => here,
        }
    }
}

impl Entry {
    pub(super) fn new(id: u64, session: SessionId, shape: Shape) -> Self {
        let (whole, bare) = (String::new(), String::new());
        Self { session, id, shape, row: None, whole, bare, knows: Knows::Nothing }
    }

    /// The room as the device named it.
    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(super) fn row(&self) -> Option<&RowKey> {
        self.row.as_ref()
    }

    /// What somebody hears of him who may hear all of it, or not.
    pub(super) fn told(&self, hears_all: bool) -> &str {
        if hears_all { &self.whole } else { &self.bare }
    }

    /// Takes in what he says of himself; gives the row that he was on.
    pub(super) fn say(&mut self, who: &NewGuest, row: Option<RowKey>, state: Value) -> Option<RowKey> {
        let said = Some((row.as_ref().map(|row| row.key.clone()), state));
        let whole = Other { id: self.id, user: who.user.clone(), name: who.name.clone(), said };
        self.whole = whole.to_text();
        self.bare = Other { said: None, ..whole }.to_text();
        std::mem::replace(&mut self.row, row)
    }

    /// Another has come, or gone, or is otherwise.
    pub(super) fn note(&mut self, id: u64) {
        if let Knows::These(_, news) = &mut self.knows {
            news.insert(id);
        }
    }

    /// What he has to be told, of those who are there besides him.
    pub(super) fn look(&mut self, others: &BTreeSet<u64>) -> Outlook {
        match &mut self.knows {
            Knows::Nothing => {
                self.knows = Knows::These(others.clone(), BTreeSet::new());
                Outlook::All(others.iter().copied().collect())
            }
            Knows::These(_, news) if news.is_empty() => Outlook::Nothing,
            Knows::These(known, news) => {
                let (here, gone): (Vec<u64>, Vec<u64>) =
                    std::mem::take(news).into_iter().partition(|id| others.contains(id));
                let left: Vec<u64> = gone.into_iter().filter(|id| known.remove(id)).collect();
                known.extend(&here);
                if here.is_empty() && left.is_empty() { Outlook::Nothing } else { Outlook::News { here, left } }
            }
        }
    }
}
