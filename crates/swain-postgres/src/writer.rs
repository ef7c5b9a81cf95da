//! Writers: each takes what is queued for it, decides it in one transaction, a savepoint each, and answers when it has
//! its positions. A device always has the same writer, so that its mutations keep their order.
//!
//! ```text
//! queued ──▶ BEGIN ─▶ savepoint · decide · mark, for each ─▶ COMMIT ─▶ a pass of the sequencer ─▶ answers
//!               │ no connection, no disk: nobody was attempted   │ a deadlock, or a constraint at the commit
//!               ▼                                                ▼
//!            answers                                       each one by itself
//! ```

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use swain_core::{Code, DeviceId, Name, Operation, Problem};
use swain_store::{Answer, Arbiter, Refuse, Stopped, StoreError, StoreErrorKind, Submission, commit_one};
use tokio::sync::mpsc;

use crate::adopted::{has_drifted, has_paused};
use crate::connection::Connections;
use crate::failure::{Failure, is_retryable, not_attempted};
use crate::layout::Layout;
use crate::sequence::Sequencer;
use crate::transaction::{PostgresTransaction, commit_refused};

/// Mutations in one commit. Each has a subtransaction, and from 64 of one transaction on every snapshot of the whole
/// server becomes slower.
pub(crate) const GROUP_MUTATIONS_MAX: usize = 50;

/// Mutations that wait for the writers; beyond it callers are asked to come back.
const QUEUED_MUTATIONS_MAX: usize = 16_384;

/// How often a mutation that met a deadlock is tried again at once.
const DEADLOCKS_MAX: usize = 5;

/// How often an upsert looks again for the row that somebody else made meanwhile.
const RACES_MAX: usize = 2;

/// Mutations of one call.
struct Submitted {
    arbiter: Arc<dyn Decide>,
    submissions: Vec<Submission>,
    reply: oneshot::Sender<Vec<Answer>>,
    /// Given back when this is done with.
    _place: QueuePlace,
}

/// An arbiter, whatever its type.
pub(crate) trait Decide: Send + Sync {
    fn decide<'a>(
        &'a self,
        tx: &'a mut PostgresTransaction,
        submission: &'a Submission,
    ) -> BoxFuture<'a, Result<Answer, StoreError>>;
}

impl<A: Arbiter> Decide for A {
    fn decide<'a>(
        &'a self,
        tx: &'a mut PostgresTransaction,
        submission: &'a Submission,
    ) -> BoxFuture<'a, Result<Answer, StoreError>> {
        Box::pin(commit_one(tx, self, submission))
    }
}

/// What writers share.
pub(crate) struct Shared {
    pub(crate) connections: Connections,
    pub(crate) layout: Arc<RwLock<Arc<Layout>>>,
    pub(crate) sequencer: Sequencer,
    /// Tables are no longer as they were adopted.
    pub(crate) drift: AtomicBool,
}

/// The queues of the writers.
pub(crate) struct Writers {
    queues: Vec<mpsc::UnboundedSender<Submitted>>,
    queued: Arc<AtomicUsize>,
}

impl Writers {
    /// The tasks run until this is dropped.
    pub(crate) fn start(count: usize, shared: &Arc<Shared>) -> Self {
        let queues = (0..count.max(1)).map(|_| {
            // Bounded by the places that callers take.
            let (queue, queued) = mpsc::unbounded_channel();
            tokio::spawn(run(Arc::clone(shared), queued));
            queue
        });
        Self { queues: queues.collect(), queued: Arc::default() }
    }

    /// At most [`GROUP_MUTATIONS_MAX`] submissions.
    pub(crate) async fn submit(&self, arbiter: Arc<dyn Decide>, submissions: Vec<Submission>) -> Vec<Answer> {
        let count = submissions.len();
        let Some(first) = submissions.first() else { return Vec::new() };
        let place = QueuePlace::take(&self.queued, count);
        if place.queued_before + count > QUEUED_MUTATIONS_MAX {
            let problem = Problem::new(Code::Transient, "too many mutations wait; try again");
            return vec![Answer::NotAttempted(problem); count];
        }
        let queue = &self.queues[queue_of(&first.device, self.queues.len())];
        let (reply, answers) = oneshot::channel();
        // When the writer has gone so has the reply, and that is seen below.
        let _ = queue.send(Submitted { arbiter, submissions, reply, _place: place });
        answers.await.unwrap_or_else(|_| {
            let problem = Problem::new(Code::Internal, "something went wrong in the server's writer");
            vec![Answer::NotAttempted(problem); count]
        })
    }
}

fn queue_of(device: &DeviceId, queues: usize) -> usize {
    let sum = device.as_str().bytes().fold(5381_usize, |sum, byte| sum.wrapping_mul(33) ^ usize::from(byte));
    sum % queues
}

/// A place in the queue. It goes with the mutations, so that a caller who goes away does not free what still waits.
struct QueuePlace {
    queued: Arc<AtomicUsize>,
    count: usize,
    queued_before: usize,
}

impl QueuePlace {
    fn take(queued: &Arc<AtomicUsize>, count: usize) -> Self {
        Self { queued: Arc::clone(queued), count, queued_before: queued.fetch_add(count, Ordering::Relaxed) }
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        self.queued.fetch_sub(self.count, Ordering::Relaxed);
    }
}

async fn run(shared: Arc<Shared>, mut queue: mpsc::UnboundedReceiver<Submitted>) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match queue.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut count = first.submissions.len();
        let mut group = vec![first];
        // What is queued behind it as well, in order, as far as one commit goes. Nothing waits for more.
        while let Ok(more) = queue.try_recv() {
            count += more.submissions.len();
            if count > GROUP_MUTATIONS_MAX {
                next = Some(more);
                break;
            }
            group.push(more);
        }
        let shared = Arc::clone(&shared);
        // A panic of an arbiter ends this task; its callers hear that something went wrong, and the writer goes on.
        let _ = tokio::spawn(async move { commit_group(&shared, group).await }).await;
    }
}

async fn commit_group(shared: &Shared, group: Vec<Submitted>) {
    let items: Vec<Item<'_>> = group.iter().enumerate().flat_map(|(call, submitted)| items(call, submitted)).collect();
    let answers = decide_all(shared, &items).await;
    if answers.iter().any(|answer| matches!(answer, Answer::Decided(_))) {
        // They are durable; if this fails they get their positions later.
        if let Err(failure) = shared.sequencer.pass().await {
            tracing::warn!(error = ?failure, "decided mutations wait for their positions");
        }
    }
    let mut answers = answers.into_iter();
    for submitted in group {
        let answers = answers.by_ref().take(submitted.submissions.len()).collect();
        // Who asked may be gone; the mutations are decided all the same.
        let _ = submitted.reply.send(answers);
    }
}

async fn decide_all(shared: &Shared, items: &[Item<'_>]) -> Vec<Answer> {
    match attempt(shared, items, &mut Stopped::default(), Races::LookAgain).await {
        Ok(answers) => answers,
        Err(Lost::ByAll(problem)) => vec![Answer::NotAttempted(problem); items.len()],
        Err(Lost::ByOne(_) | Lost::Deadlock | Lost::Race | Lost::Held) => {
            let mut stopped = Stopped::default();
            let mut answers = Vec::with_capacity(items.len());
            for item in items {
                answers.push(decide_alone(shared, item, &mut stopped).await);
            }
            answers
        }
    }
}

/// One mutation in a transaction of its own. If its commit fails again, it is refused for it.
async fn decide_alone(shared: &Shared, item: &Item<'_>, stopped: &mut Stopped) -> Answer {
    let one = std::slice::from_ref(item);
    let (mut deadlocks, mut races) = (0, 0);
    let mut answers = loop {
        let look = if races < RACES_MAX { Races::LookAgain } else { Races::Refuse };
        match attempt(shared, one, stopped, look).await {
            Err(Lost::Deadlock) if deadlocks < DEADLOCKS_MAX => deadlocks += 1,
            Err(Lost::Race) => races += 1,
            answers => break answers,
        }
    };
    if let Err(Lost::ByOne(End::Refused(problem))) = answers {
        let refuse = Refuse(problem);
        answers = attempt(shared, &[Item { arbiter: &refuse, ..*item }], stopped, Races::Refuse).await;
    }
    let answer = match answers.map(|mut answers| answers.pop()) {
        Ok(Some(answer)) => answer,
        Ok(None) => Answer::NotAttempted(Problem::new(Code::Internal, "no answer")),
        Err(Lost::Held) => {
            let text = "a table is paused, or its schema is changing";
            Answer::NotAttempted(Problem::new(Code::Transient, text))
        }
        Err(Lost::Deadlock | Lost::Race) => {
            Answer::NotAttempted(Problem::new(Code::Transient, "the database is busy; try again"))
        }
        Err(Lost::ByOne(End::Refused(problem) | End::Broken(problem)) | Lost::ByAll(problem)) => {
            Answer::NotAttempted(problem)
        }
    };
    stopped.note(item.call, item.submission, &answer);
    answer
}

/// All of them in one transaction. Durable when this returns answers.
async fn attempt(
    shared: &Shared,
    items: &[Item<'_>],
    stopped: &mut Stopped,
    races: Races,
) -> Result<Vec<Answer>, Lost> {
    let layout = Arc::clone(&shared.layout.read().unwrap_or_else(PoisonError::into_inner));
    let mut tx = PostgresTransaction::open(shared.connections.get().await?, Arc::clone(&layout)).await?;
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        let answer = match stopped.problem(item.call, item.submission) {
            Some(problem) => Ok(Answer::NotAttempted(problem.clone())),
            None => decide(&mut tx, item, races).await,
        };
        match answer {
            Ok(answer) => {
                stopped.note(item.call, item.submission, &answer);
                answers.push(answer);
            }
            Err(lost) => {
                let touched = tx.touched().clone();
                tx.rollback().await;
                return Err(explained(shared, &layout, &touched, lost).await);
            }
        }
    }
    match tx.has_drifted().await {
        Ok(false) if tx.has_paused() => {
            tx.rollback().await;
            return Err(Lost::Held);
        }
        Ok(false) => {}
        Ok(true) => {
            tx.rollback().await;
            shared.drift.store(true, Ordering::Relaxed);
            return Err(Lost::Held);
        }
        Err(failure) => {
            tx.rollback().await;
            return Err(failure.into());
        }
    }
    match tx.commit().await {
        Ok(()) => Ok(answers),
        Err(failure) if is_retryable(failure.code()) => Err(Lost::Deadlock),
        Err(failure) => Err(match commit_refused(&layout, failure) {
            Ok(problem) => Lost::ByOne(End::Refused(problem)),
            Err(failure) => failure.into(),
        }),
    }
}

/// What cannot be decided may not be at fault: its table may have another column than the one that was asked for.
async fn explained(shared: &Shared, layout: &Layout, touched: &BTreeSet<Name>, lost: Lost) -> Lost {
    if !matches!(lost, Lost::ByOne(End::Broken(_))) {
        return lost;
    }
    let Ok(session) = shared.connections.get().await else { return lost };
    match has_drifted(&session, layout, touched.iter()).await {
        Ok(true) => {
            shared.drift.store(true, Ordering::Relaxed);
            Lost::Held
        }
        Ok(false) if has_paused(layout, touched.iter()) => Lost::Held,
        Ok(false) | Err(_) => lost,
    }
}

async fn decide(tx: &mut PostgresTransaction, item: &Item<'_>, races: Races) -> Result<Answer, Lost> {
    match item.arbiter.decide(tx, item.submission).await {
        Ok(answer) if races == Races::LookAgain && has_raced(&answer, item.submission) => Err(Lost::Race),
        Ok(answer) => Ok(answer),
        Err(_) if is_retryable(tx.lost()) => Err(Lost::Deadlock),
        Err(error) if error.kind() == StoreErrorKind::Internal => {
            tracing::error!(error = %error, device = %item.submission.device, "a mutation could not be decided");
            Err(Lost::ByOne(End::Broken(not_attempted(&error))))
        }
        Err(error) => {
            tracing::warn!(error = %error, "a group of mutations could not be decided");
            Err(Lost::ByAll(not_attempted(&error)))
        }
    }
}

/// An upsert that found no row and met one when it made its own: it waited for who made that, and would find it now.
fn has_raced(answer: &Answer, submission: &Submission) -> bool {
    let (Answer::Decided(result), Ok(mutation)) = (answer, &submission.mutation) else { return false };
    let is_duplicate = result.problem.as_ref().is_some_and(|problem| problem.code == Code::Duplicate);
    is_duplicate && mutation.operations.iter().any(|operation| matches!(operation, Operation::Upsert { .. }))
}

/// What becomes of an upsert that met a row which it had not found.
#[derive(Clone, Copy, PartialEq)]
enum Races {
    LookAgain,
    /// There may be another row that it may not see, or that another of its values is equal to.
    Refuse,
}

/// One mutation of a group.
#[derive(Clone, Copy)]
struct Item<'a> {
    /// Of which call.
    call: usize,
    arbiter: &'a dyn Decide,
    submission: &'a Submission,
}

fn items(call: usize, submitted: &Submitted) -> impl Iterator<Item = Item<'_>> {
    submitted.submissions.iter().map(move |submission| Item { call, arbiter: &*submitted.arbiter, submission })
}

/// Why a group's transaction did not commit.
enum Lost {
    /// One mutation is at fault; the others are not.
    ByOne(End),
    /// A table is no longer as it was adopted, or it is paused.
    Held,
    /// Two transactions waited for each other, and PostgreSQL ended this one.
    Deadlock,
    /// Somebody else made the row of an upsert at the same time.
    Race,
    /// The database could not do it now.
    ByAll(Problem),
}

enum End {
    /// A constraint said no at the commit.
    Refused(Problem),
    /// The mutation cannot be decided.
    Broken(Problem),
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        let error = StoreError::from(failure);
        tracing::warn!(error = %error, "a group of mutations could not be committed");
        Self::ByAll(not_attempted(&error))
    }
}
