//! The task of a client: it does what the device says, and tells the device what happens. It decides nothing.

use std::sync::Arc;

use futures::future::BoxFuture;
use swain_core::DeviceId;
use swain_core::client::{Batch, Cause, Input, Output};
use tokio::time::{Instant, sleep_until};

use crate::client::random_device_id;
use crate::config::OnChange;
use crate::shared::Shared;
use crate::store::Store;
use crate::token::TokenProvider;
use crate::transport::{Heard, Transport};

pub(crate) struct Driver<S> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: S,
    pub(crate) transport: Transport,
    pub(crate) token: TokenProvider,
    pub(crate) on_change: Option<OnChange>,
    pub(crate) asking: Option<BoxFuture<'static, Option<String>>>,
}

impl<S: Store> Driver<S> {
    /// Runs until it is told to end.
    pub(crate) async fn run(mut self, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        loop {
            self.perform().await;
            let input = tokio::select! {
                () = &mut end => break,
                input = self.next_input() => input,
            };
            if let Some(input) = input {
                self.shared.handle(input);
            }
        }
        // What was saved before the end stays saved; edits that nobody wrote yet are written now.
        self.perform().await;
        self.transport.close(Cause::Left).await;
        self.shared.end();
    }

    /// The next thing that happens; none when only the handle did something.
    async fn next_input(&mut self) -> Option<Input> {
        let due = self.shared.read(|device| device.poll_timeout());
        let due = due.map(|(time, _)| self.shared.clock.moment(time));
        tokio::select! {
            () = self.shared.work.notified() => None,
            () = self.shared.online.notified() => {
                self.transport.handle_online();
                None
            }
            heard = self.transport.hear() => Some(match heard {
                Heard::Opened => Input::TransportOpened,
                Heard::Frame(text) => Input::FrameReceived(text),
                Heard::Closed(code) => Input::TransportClosed { code },
                Heard::Restart => Input::TransportRestarts,
            }),
            token = answer(&mut self.asking) => Some(Input::Token(token)),
            () = until(due) => Some(Input::Tick),
        }
    }

    /// Does everything that the device wants, until it wants nothing more.
    async fn perform(&mut self) {
        loop {
            let outputs = self.shared.outputs();
            if outputs.is_empty() {
                return;
            }
            let mut batches = Vec::new();
            for output in outputs {
                self.do_one(output, &mut batches).await;
            }
            self.write(batches).await;
            self.shared.transport.send_replace(self.transport.kind());
            self.shared.stepped();
        }
    }

    async fn do_one(&mut self, output: Output, batches: &mut Vec<Batch>) {
        match output {
            Output::NeedToken { renew } => self.asking = Some(Box::pin(self.token.clone().find(renew))),
            Output::NeedDeviceId => self.new_device(),
            Output::Connect => self.transport.open(),
            Output::Close(cause) => self.transport.close(cause).await,
            Output::Send(text) => self.transport.send(text).await,
            Output::Persist(batch) => batches.push(batch),
            Output::Saved(id) => self.shared.saved(id),
            Output::Changed(changes) => self.shared.changed(changes, self.on_change.as_ref()),
            Output::Settled(settled) => self.shared.settled(settled),
            Output::Status(status) => drop(self.shared.status.send_replace(status)),
            Output::Rejected(problem) | Output::Problem(problem) => {
                tracing::debug!(error = %problem, "the server or the device complains");
            }
        }
    }

    /// All batches of a round in one go: a storage makes them durable together.
    async fn write(&mut self, batches: Vec<Batch>) {
        let Some(last) = batches.last().map(|batch| batch.id) else {
            return;
        };
        match self.store.write(batches).await {
            Ok(()) => self.shared.handle(Input::Persisted(last)),
            Err(error) => {
                tracing::error!(error = %error, "the storage failed");
                self.shared.handle(Input::StorageFailed);
            }
        }
    }

    fn new_device(&self) {
        match random_device_id() {
            Ok(id) => self.shared.handle(Input::DeviceId(DeviceId::from(id.as_str()))),
            Err(error) => {
                tracing::error!(error = %error, "no new device id");
                self.shared.handle(Input::StorageFailed);
            }
        }
    }
}

/// The token that was asked for; for ever nothing when none was.
async fn answer(asking: &mut Option<BoxFuture<'static, Option<String>>>) -> Option<String> {
    let Some(future) = asking else {
        return std::future::pending().await;
    };
    let token = future.await;
    *asking = None;
    token
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
