//! The writer: a queue and a step. A thread steps it in production, the caller in simulation.
//!
//! ```text
//! queued ──step──▶ BEGIN IMMEDIATE ─▶ outside writes get a position ─▶ savepoint · decide · position, for each ─▶ COMMIT ─▶ answers, announce
//!                        │ busy, full: nobody was attempted                  │ the database ended the transaction
//!                        ▼                                                   ▼
//!                     answers                                          each one by itself
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use futures::channel::oneshot;
use swain_core::{Code, Millis, Pos, Problem};
use swain_store::{
    Answer, Arbiter, Bus as _, LocalBus, Refuse, Stopped, StoreError, StoreErrorKind, Submission, commit_one, ready,
};

use crate::database::Database;
use crate::failure::{Failure, not_attempted};
use crate::sequence::Captured;
use crate::store::QueuePlace;
use crate::transaction::SqliteTransaction;

/// Mutations in one commit (spec S6).
pub(crate) const GROUP_MUTATIONS_MAX: usize = 256;

/// What the writer is asked to do.
pub(crate) enum Job {
    /// Mutations, at most [`GROUP_MUTATIONS_MAX`].
    Submit(Submitted),
    /// Anything else; it makes its own transaction.
    Task(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// Mutations of one call.
pub(crate) struct Submitted {
    pub(crate) arbiter: Arc<dyn Decide>,
    pub(crate) submissions: Vec<Submission>,
    pub(crate) reply: oneshot::Sender<Vec<Answer>>,
    /// Given back when this is done with.
    pub(crate) _place: QueuePlace,
}

/// An arbiter, whatever its type.
pub(crate) trait Decide: Send + Sync {
    fn decide(&self, tx: &mut SqliteTransaction<'_>, submission: &Submission) -> Result<Answer, StoreError>;
}

impl<A: Arbiter> Decide for A {
    fn decide(&self, tx: &mut SqliteTransaction<'_>, submission: &Submission) -> Result<Answer, StoreError> {
        ready(commit_one(tx, self, submission))
    }
}

/// Owns the connection that writes.
pub(crate) struct Writer {
    pub(crate) db: Database,
    bus: Arc<LocalBus>,
    queue: VecDeque<Job>,
    data_version: i64,
}

impl Writer {
    pub(crate) fn new(db: Database, bus: Arc<LocalBus>) -> Self {
        Self { db, bus, queue: VecDeque::new(), data_version: -1 }
    }

    pub(crate) fn push(&mut self, job: Job) {
        self.queue.push_back(job);
    }

    /// Does the next thing; false when there is none.
    pub(crate) fn step(&mut self) -> bool {
        match self.queue.pop_front() {
            None => return false,
            Some(Job::Task(task)) => task(self),
            Some(Job::Submit(first)) => {
                let group = self.gather(first);
                self.commit_group(group);
            }
        }
        true
    }

    /// Gives a position to what other programs wrote since the last look.
    pub(crate) fn look(&mut self, now: Millis) -> Result<(), Failure> {
        if Captured::look(&self.db.conn)?.is_some() || self.db.adopted.has_news(&self.db.conn)? {
            self.transaction(|db| db.sequence_outside(now))?;
        }
        Ok(())
    }

    /// The same, if another connection has committed since this was last asked.
    pub(crate) fn look_if_changed(&mut self, now: Millis) -> Result<(), Failure> {
        let version = self.db.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version != self.data_version {
            self.look(now)?;
            self.data_version = version;
        }
        Ok(())
    }

    /// Runs `work` in a write transaction; announces what it gave positions to.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Database) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let result = self.db.begin().and_then(|()| work(&mut self.db));
        let result = result.and_then(|value| self.db.commit().map(|()| value));
        match &result {
            Ok(_) => self.bus.announce(self.db.head),
            Err(_) => self.db.rollback(),
        }
        result
    }

    /// Runs `work` in a write transaction that need not be durable: whoever does it again after a crash comes to the same.
    ///
    /// The commit does not wait for the disk; the next one that does takes this one with it, never the other way round.
    pub(crate) fn tidy<T>(&mut self, work: impl FnOnce(&mut Database) -> Result<T, Failure>) -> Result<T, Failure> {
        // Not from the cache: this pragma works when it is prepared, not when it is executed.
        self.db.conn.execute_batch("PRAGMA synchronous = NORMAL")?;
        let result = self.transaction(work);
        self.db.conn.execute_batch("PRAGMA synchronous = FULL")?;
        result
    }

    /// What is queued behind it as well, in order, as far as one commit goes. Nothing waits for more.
    fn gather(&mut self, first: Submitted) -> Vec<Submitted> {
        let mut mutations = first.submissions.len();
        let mut group = vec![first];
        while let Some(Job::Submit(next)) = self.queue.front()
            && mutations + next.submissions.len() <= GROUP_MUTATIONS_MAX
            && let Some(Job::Submit(next)) = self.queue.pop_front()
        {
            mutations += next.submissions.len();
            group.push(next);
        }
        group
    }

    fn commit_group(&mut self, group: Vec<Submitted>) {
        let items: Vec<Item<'_>> =
            group.iter().enumerate().flat_map(|(call, submitted)| items(call, submitted)).collect();
        let mut answers = self.decide_all(&items).into_iter();
        for submitted in group {
            let answers = answers.by_ref().take(submitted.submissions.len()).collect();
            // Who asked may be gone; the mutations are decided all the same.
            let _ = submitted.reply.send(answers);
        }
    }

    fn decide_all(&mut self, items: &[Item<'_>]) -> Vec<Answer> {
        match self.attempt(items, &mut Stopped::default()) {
            Ok(answers) => answers,
            Err(Lost::ByAll(problem)) => vec![Answer::NotAttempted(problem); items.len()],
            Err(Lost::ByOne(_)) => {
                let mut stopped = Stopped::default();
                items.iter().map(|item| self.decide_alone(item, &mut stopped)).collect()
            }
        }
    }

    /// One mutation in a transaction of its own. If that ends the transaction again, it is refused for it.
    fn decide_alone(&mut self, item: &Item<'_>, stopped: &mut Stopped) -> Answer {
        let mut answers = self.attempt(std::slice::from_ref(item), stopped);
        if let Err(Lost::ByOne(End::Refused(problem))) = answers {
            let refuse = Refuse(problem);
            answers = self.attempt(&[Item { arbiter: &refuse, ..*item }], stopped);
        }
        let answer = match answers.map(|mut answers| answers.pop()) {
            Ok(Some(answer)) => answer,
            Ok(None) => Answer::NotAttempted(Problem::new(Code::Internal, "no answer")),
            Err(Lost::ByOne(End::Refused(problem) | End::Broken(problem)) | Lost::ByAll(problem)) => {
                Answer::NotAttempted(problem)
            }
        };
        stopped.note(item.call, item.submission, &answer);
        answer
    }

    /// All of them in one transaction. Durable when this returns answers.
    fn attempt(&mut self, items: &[Item<'_>], stopped: &mut Stopped) -> Result<Vec<Answer>, Lost> {
        let announced = self.db.head;
        let result = self.decide_in_transaction(items, stopped);
        match &result {
            Ok(_) if self.db.head > announced => self.bus.announce(self.db.head),
            Ok(_) => {}
            Err(_) => self.db.rollback(),
        }
        result
    }

    fn decide_in_transaction(&mut self, items: &[Item<'_>], stopped: &mut Stopped) -> Result<Vec<Answer>, Lost> {
        self.db.begin()?;
        self.db.sequence_outside(items.first().map_or(Millis(0), |item| item.submission.now))?;
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let stopped_by = stopped.problem(item.call, item.submission).cloned();
            let answer = match stopped_by.or_else(|| self.held(item.submission)) {
                Some(problem) => Answer::NotAttempted(problem),
                None => self.decide(item)?,
            };
            stopped.note(item.call, item.submission, &answer);
            answers.push(answer);
        }
        self.db.commit()?;
        Ok(answers)
    }

    /// Why a mutation has to wait: one of its tables is paused, or not adopted as it is now.
    fn held(&self, submission: &Submission) -> Option<Problem> {
        let operations = &submission.mutation.as_ref().ok()?.operations;
        let mut tables = operations.iter().map(|operation| &operation.row().table);
        let held = tables.find(|table| self.db.adopted.held.contains(*table))?;
        Some(Problem::new(Code::Transient, format!("the table '{held}' is paused, or its schema is changing")))
    }

    fn decide(&mut self, item: &Item<'_>) -> Result<Answer, Lost> {
        let mut tx = SqliteTransaction::new(&mut self.db);
        let decided = item.arbiter.decide(&mut tx, item.submission);
        match (decided, tx.into_ended()) {
            (_, Some(problem)) => Err(Lost::ByOne(End::Refused(problem))),
            (Ok(answer), None) => Ok(answer),
            (Err(error), None) if error.kind() == StoreErrorKind::Internal => {
                tracing::error!(error = %error, device = %item.submission.device, "a mutation could not be decided");
                Err(Lost::ByOne(End::Broken(not_attempted(&error))))
            }
            (Err(error), None) => Err(Lost::ByAll(not_attempted(&error))),
        }
    }

    /// After a panic: what was begun is undone, so that the next step starts clean.
    pub(crate) fn recover(&mut self) {
        self.db.rollback();
    }

    /// Tells readers how far the log has got, at start.
    pub(crate) fn announce_head(&self) {
        if self.db.head > Pos(0) {
            self.bus.announce(self.db.head);
        }
    }
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
    /// The database could not do it now.
    ByAll(Problem),
}

enum End {
    /// A constraint ended the transaction.
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

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: i64 = 1;
    const FULL: i64 = 2;

    fn synchronous(db: &Database) -> Result<i64, Failure> {
        Ok(db.conn.query_row("PRAGMA synchronous", [], |row| row.get(0))?)
    }

    #[test]
    fn only_tidying_does_not_wait_for_the_disk() {
        let db = Database::open(None, Box::new(|| 7)).expect("SQLite opens a database in memory");
        let mut writer = Writer::new(db, Arc::default());
        for _ in 0..3 {
            assert_eq!(writer.tidy(|db| synchronous(db)).expect("it can be asked"), NORMAL);
            assert_eq!(writer.transaction(|db| synchronous(db)).expect("it can be asked"), FULL);
            let failed: Result<(), Failure> = writer.tidy(|_| Err(Failure::internal("on purpose")));
            assert!(failed.is_err());
            assert_eq!(writer.transaction(|db| synchronous(db)).expect("it can be asked"), FULL);
        }
    }
}
