//! The two promises of an edit.

use std::pin::Pin;
use std::task::{Context, Poll};

use swain_core::client::EntryId;
use swain_core::protocol::{MutationResult, Outcome};
use swain_core::{Code, Problem};
use tokio::sync::oneshot;

use crate::error::ClientError;

/// An edit that is visible already. Its promises may be awaited, or dropped.
#[derive(Debug)]
pub struct Written {
    /// Names the edit in the outbox.
    pub id: EntryId,
    saved: Saved,
    synced: Synced,
}

impl Written {
    /// Resolves when the edit is durable on this device (spec C2).
    pub fn saved(self) -> Saved {
        self.saved
    }

    /// Resolves when the server has acknowledged it and its result is known (spec C4); an error when it was refused.
    pub fn synced(self) -> Synced {
        self.synced
    }

    /// Both promises.
    pub fn into_parts(self) -> (Saved, Synced) {
        (self.saved, self.synced)
    }
}

/// Resolves when an edit is durable.
#[derive(Debug)]
pub struct Saved(oneshot::Receiver<()>);

/// Resolves when an edit is acknowledged.
#[derive(Debug)]
pub struct Synced(oneshot::Receiver<MutationResult>);

impl Future for Saved {
    type Output = Result<(), ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|_| ClientError::Closed)
    }
}

impl Future for Synced {
    type Output = Result<MutationResult, ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|result| match result {
            Ok(result) if result.outcome == Outcome::Refused => {
                let unnamed = || Problem::new(Code::Internal, "the server gave no reason");
                Err(ClientError::Refused(result.problem.unwrap_or_else(unnamed)))
            }
            Ok(result) => Ok(result),
            Err(_) => Err(ClientError::Closed),
        })
    }
}

/// The other end of a [`Written`].
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) saved: Option<oneshot::Sender<()>>,
    pub(crate) synced: oneshot::Sender<MutationResult>,
}

pub(crate) fn promise(id: EntryId) -> (Waiter, Written) {
    let (saved, is_saved) = oneshot::channel();
    let (synced, is_synced) = oneshot::channel();
    let written = Written { id, saved: Saved(is_saved), synced: Synced(is_synced) };
    (Waiter { saved: Some(saved), synced }, written)
}
