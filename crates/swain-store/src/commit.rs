//! One mutation inside the writer's transaction: the order of steps is the same in every store (spec S5, P14).

use std::future::Future;

use swain_core::protocol::{MutationResult, Outcome, Unreadable};
use swain_core::rule::Auth;
use swain_core::{Code, DeviceId, Millis, Mutation, MutationNumber, Name, Problem, Who};

use crate::contract::{LedgerRow, Transaction, WriteTransaction};
use crate::error::{StoreError, WriteError};

/// A mutation on its way to the database.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Who wants it.
    pub auth: Auth,
    /// From which device.
    pub device: DeviceId,
    /// The server's time.
    pub now: Millis,
    /// What is wanted; one that cannot be read is refused.
    pub mutation: Result<Mutation, Unreadable>,
}

/// What the arbiter says of a mutation that it could apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Columns that a strategy decided against, or that a person has to decide on.
    pub lost: Vec<Name>,
    /// True when a person has to decide on one of them.
    pub asks: bool,
    /// True when a row stays that should have gone.
    pub kept: bool,
    /// True when at least one column was written, or nothing was disputed.
    pub won_any: bool,
}

/// Decides what a mutation does: rules, merge, writes.
pub trait Arbiter: Send + Sync + 'static {
    /// Applies a mutation through `tx`. [`WriteError::Refused`] undoes all of it.
    fn apply<T: Transaction>(
        &self,
        tx: &mut T,
        submission: &Submission,
        mutation: &Mutation,
    ) -> impl Future<Output = Result<Verdict, WriteError>> + Send;

    /// Notes a refused mutation, of which everything is undone, for the person whose it is. Nothing, by default.
    fn note_refusal<T: Transaction>(
        &self,
        _tx: &mut T,
        _submission: &Submission,
        _mutation: &Mutation,
        _problem: &Problem,
    ) -> impl Future<Output = Result<(), WriteError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is decided, now or by an earlier attempt.
    Decided(MutationResult),
    /// It is not, and nothing was recorded.
    NotAttempted(Problem),
}

impl Submission {
    /// The mutation's number.
    pub fn n(&self) -> MutationNumber {
        match &self.mutation {
            Ok(mutation) => mutation.n,
            Err(unreadable) => unreadable.n,
        }
    }

    fn content_hash(&self) -> String {
        match &self.mutation {
            Ok(mutation) => mutation.content_hash(),
            Err(unreadable) => unreadable.content_hash.clone(),
        }
    }
}

/// Decides one submission inside an open transaction. A [`StoreError`] means that the transaction is lost.
pub async fn commit_one<T: WriteTransaction, A: Arbiter>(
    tx: &mut T,
    arbiter: &A,
    submission: &Submission,
) -> Result<Answer, StoreError> {
    let n = submission.n();
    let content_hash = submission.content_hash();
    if let Some(answer) = seen_before(tx, submission, n, &content_hash).await? {
        return Ok(answer);
    }

    tx.begin().await?;
    let decided = match &submission.mutation {
        Err(unreadable) => Err(WriteError::Refused(unreadable.problem.clone())),
        Ok(mutation) => match arbiter.apply(tx, submission, mutation).await {
            Ok(verdict) => tx.check_deferred().await.map(|()| verdict),
            Err(error) => Err(error),
        },
    };
    let result = match decided {
        Ok(verdict) => verdict.result(n),
        Err(WriteError::Store(error)) => return Err(error),
        Err(WriteError::Refused(problem)) => {
            tx.undo().await?;
            note_refusal(tx, arbiter, submission, &problem).await?;
            MutationResult { n, outcome: Outcome::Refused, lost: Vec::new(), problem: Some(problem) }
        }
    };

    let who = Who::Device { user: submission.auth.user.clone(), device: submission.device.clone(), n };
    let row = LedgerRow { content_hash, result: result.clone() };
    tx.decide(&who, submission.now, row).await?;
    Ok(Answer::Decided(result))
}

/// What cannot be noted stays on the device, where it is anyway.
async fn note_refusal<T: WriteTransaction, A: Arbiter>(
    tx: &mut T,
    arbiter: &A,
    submission: &Submission,
    problem: &Problem,
) -> Result<(), StoreError> {
    let Ok(mutation) = &submission.mutation else { return Ok(()) };
    match arbiter.note_refusal(tx, submission, mutation, problem).await {
        Ok(()) => Ok(()),
        Err(WriteError::Refused(_)) => tx.undo().await,
        Err(WriteError::Store(error)) => Err(error),
    }
}

/// Exactly once (spec P14): an n that was decided gets its stored result, one too high is a gap.
async fn seen_before<T: WriteTransaction>(
    tx: &mut T,
    submission: &Submission,
    n: MutationNumber,
    content_hash: &str,
) -> Result<Option<Answer>, StoreError> {
    let refuse = |code, detail: String| Ok(Some(Answer::NotAttempted(Problem::new(code, detail))));
    let device = tx.device(&submission.device).await?;
    let last = device.as_ref().map_or(MutationNumber(0), |device| device.last);
    if device.is_some_and(|device| device.user != submission.auth.user) {
        return refuse(Code::DeviceNotYours, "this device belongs to another user".into());
    }
    if n > last.next() || n == MutationNumber(0) {
        return refuse(Code::MutationGap, format!("the next mutation of this device is {}", last.next()));
    }
    if n == last.next() {
        return Ok(None);
    }
    match tx.decided(&submission.device, n).await? {
        Some(row) if row.content_hash == content_hash => Ok(Some(Answer::Decided(row.result))),
        Some(_) => refuse(Code::MutationMismatch, format!("mutation {n} was another one")),
        // Too old to be kept: it was decided, and that is all that is known.
        None => {
            Ok(Some(Answer::Decided(MutationResult { n, outcome: Outcome::Applied, lost: Vec::new(), problem: None })))
        }
    }
}

impl Verdict {
    fn result(self, n: MutationNumber) -> MutationResult {
        let is_whole = self.lost.is_empty() && !self.kept;
        let outcome = match (is_whole, self.won_any) {
            _ if self.asks => Outcome::Conflict,
            (true, _) => Outcome::Applied,
            (false, true) => Outcome::Merged,
            (false, false) => Outcome::Overruled,
        };
        MutationResult { n, outcome, lost: self.lost, problem: None }
    }
}
