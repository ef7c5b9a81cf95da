//! What stores that commit in groups share: whom a mutation that was not attempted stops, and a refusal by itself.

use std::collections::BTreeMap;

use swain_core::{DeviceId, Mutation, Problem};

use crate::commit::{Answer, Arbiter, Submission, Verdict};
use crate::contract::Transaction;
use crate::error::WriteError;

/// Devices of which a mutation was not attempted: the later ones of the same call are not either.
#[derive(Debug, Default)]
pub struct Stopped(BTreeMap<(usize, DeviceId), Problem>);

impl Stopped {
    /// Why the mutation of this call is not attempted, if it is not.
    pub fn problem(&self, call: usize, submission: &Submission) -> Option<&Problem> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(call, submission.device.clone()))
    }

    /// Takes in what a mutation was answered.
    pub fn note(&mut self, call: usize, submission: &Submission, answer: &Answer) {
        if let Answer::NotAttempted(problem) = answer {
            self.0.insert((call, submission.device.clone()), problem.clone());
        }
    }
}

/// Refuses whatever it is asked, with what the database said when it was tried.
#[derive(Clone, Debug)]
pub struct Refuse(pub Problem);

impl Arbiter for Refuse {
    async fn apply<T: Transaction>(&self, _: &mut T, _: &Submission, _: &Mutation) -> Result<Verdict, WriteError> {
        Err(WriteError::Refused(self.0.clone()))
    }
}
