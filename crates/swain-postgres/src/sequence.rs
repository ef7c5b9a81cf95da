//! Driving the sequencer: one task a node runs passes, for those who wait and, every now and then, for other programs.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::oneshot;
use swain_core::Pos;
use swain_store::{Bus as _, LocalBus};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::connection::Connections;
use crate::failure::{Failure, RESTORED};
use crate::log;

/// The other node's pass may be older than what is waited for; its end is near.
const RETRY: Duration = Duration::from_millis(2);

/// Unless it is about a transaction of millions.
const RETRY_MAX: Duration = Duration::from_millis(64);

/// After an error of the database.
const PAUSE: Duration = Duration::from_millis(500);

/// Those who wait for one pass; beyond it they wait for their place here.
const WAITING_MAX: usize = 1024;

type Waiter = oneshot::Sender<Result<(), Failure>>;

/// Asks for passes.
#[derive(Clone)]
pub(crate) struct Sequencer {
    waiters: mpsc::Sender<Waiter>,
}

impl Sequencer {
    /// The task runs until the last handle is gone.
    pub(crate) fn start(connections: Connections, bus: Arc<LocalBus>, look_every: Duration) -> Self {
        let (waiters, asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(connections, bus, look_every, asked));
        Self { waiters }
    }

    /// Waits for a pass that began after this was called: what is committed now has its position then.
    pub(crate) async fn pass(&self) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        let stopped = || Failure::internal("the store has stopped");
        self.waiters.send(reply).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

async fn run(connections: Connections, bus: Arc<LocalBus>, look_every: Duration, mut asked: mpsc::Receiver<Waiter>) {
    loop {
        let mut waiting = Vec::new();
        match timeout(look_every, asked.recv()).await {
            Ok(None) => return,
            Ok(Some(first)) => waiting.push(first),
            // Nobody asks: this pass is for other programs.
            Err(_) => {}
        }
        while let Ok(next) = asked.try_recv() {
            waiting.push(next);
        }
        let result = pass(&connections, &bus).await;
        let failed = result.is_err();
        if let Err(failure) = &result {
            tracing::warn!(error = ?failure, "a pass of the sequencer failed");
        }
        for waiter in waiting {
            // Who asked may be gone.
            let _ = waiter.send(match failed {
                false => Ok(()),
                true => Err(Failure::transient("the changes could not be put in order now")),
            });
        }
        if failed {
            sleep(PAUSE).await;
        }
    }
}

/// One pass of this node, when the others let it.
async fn pass(connections: &Connections, bus: &LocalBus) -> Result<(), Failure> {
    let mut retry = RETRY;
    loop {
        let session = connections.get_for_passes().await?;
        let given = match session.query_one("SELECT swain.sequence()", &[]).await {
            Ok(row) => row.get::<_, i64>(0),
            Err(failure) if failure.code().is_some_and(|code| code.code() == RESTORED) => {
                adopt_identity(&session).await?;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if given < 0 {
            drop(session);
            sleep(retry).await;
            retry = (retry * 2).min(RETRY_MAX);
            continue;
        }
        announce(bus, log::head(&session).await?.pos);
        return Ok(());
    }
}

pub(crate) fn announce(bus: &LocalBus, head: Pos) {
    if head > Pos(0) {
        bus.announce(head);
    }
}

/// The database is another one than it was: a restored one. Its history has another name from here on.
pub(crate) async fn adopt_identity(session: &crate::connection::Session) -> Result<(), Failure> {
    let sql = "
        SELECT swain.adopt_identity(replace(gen_random_uuid()::text, '-', ''), system_identifier)
        FROM pg_control_system()";
    session.query_one(sql, &[]).await?;
    tracing::warn!("the database was restored: its history has a new epoch, and devices load anew");
    Ok(())
}
