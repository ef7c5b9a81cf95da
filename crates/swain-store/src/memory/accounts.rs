//! Accounts in memory.

use std::future::{Future, ready};

use swain_core::{Millis, UserId};

use super::MemoryStore;
use crate::accounts::{Accounts, Person, RefreshToken, Rotation};
use crate::error::StoreError;

impl Accounts for MemoryStore {
    fn add_person(&self, person: Person) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let mut state = self.state();
        let taken = state.persons.values().any(|other| other.email == person.email);
        if !taken {
            state.persons.insert(person.id.clone(), person);
        }
        ready(Ok(!taken))
    }

    fn person_by_email(&self, email: String) -> impl Future<Output = Result<Option<Person>, StoreError>> + Send {
        ready(Ok(self.state().persons.values().find(|person| person.email == email).cloned()))
    }

    fn person(&self, id: UserId) -> impl Future<Output = Result<Option<Person>, StoreError>> + Send {
        ready(Ok(self.state().persons.get(&id).cloned()))
    }

    fn add_refresh(&self, token: RefreshToken) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.state().refresh.insert(token.hash.clone(), (token, None));
        ready(Ok(()))
    }

    fn rotate_refresh(
        &self,
        hash: String,
        successor: String,
        expires: Millis,
        now: Millis,
        grace: Millis,
    ) -> impl Future<Output = Result<Rotation, StoreError>> + Send {
        let mut state = self.state();
        let Some((token, used)) = state.refresh.get_mut(&hash).filter(|(token, _)| token.expires > now) else {
            return ready(Ok(Rotation::Unknown));
        };
        let (RefreshToken { family, user, .. }, last) = (token.clone(), token.clone());
        match *used {
            Some(used) if now.since(used) > grace => {
                state.refresh.retain(|_, (token, _)| token.family != family);
                return ready(Ok(Rotation::Reused));
            }
            Some(_) => {}
            None => {
                *used = Some(now);
                let token = RefreshToken { hash: successor.clone(), expires, ..last };
                state.refresh.insert(successor, (token, None));
            }
        }
        ready(Ok(Rotation::Rotated { user, family }))
    }

    fn revoke_refresh(&self, hash: String) -> impl Future<Output = Result<(), StoreError>> + Send {
        let mut state = self.state();
        if let Some(family) = state.refresh.get(&hash).map(|(token, _)| token.family.clone()) {
            state.refresh.retain(|_, (token, _)| token.family != family);
        }
        ready(Ok(()))
    }

    fn persons(
        &self,
        after: Option<String>,
        max: usize,
    ) -> impl Future<Output = Result<Vec<Person>, StoreError>> + Send {
        let mut persons: Vec<Person> = self.state().persons.values().cloned().collect();
        persons.sort_by(|a, b| a.email.cmp(&b.email));
        persons.retain(|person| after.as_ref().is_none_or(|after| person.email > *after));
        persons.truncate(max);
        ready(Ok(persons))
    }

    fn change_person(&self, was: Person, person: Person) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let mut state = self.state();
        let known = state.persons.get_mut(&was.id).filter(|known| **known == was);
        let changed = known.map(|known| *known = Person { id: was.id, email: was.email, ..person });
        ready(Ok(changed.is_some()))
    }

    fn remove_person(&self, id: UserId) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let mut state = self.state();
        state.refresh.retain(|_, (token, _)| token.user != id);
        ready(Ok(state.persons.remove(&id).is_some()))
    }

    fn sign_ins(
        &self,
        user: UserId,
        now: Millis,
    ) -> impl Future<Output = Result<Vec<RefreshToken>, StoreError>> + Send {
        let state = self.state();
        let next = state.refresh.values().filter(|(token, used)| used.is_none() && token.user == user);
        let mut found: Vec<RefreshToken> = next.map(|(token, _)| token.clone()).collect();
        found.retain(|token| token.expires > now);
        found.sort_by(|a, b| b.expires.cmp(&a.expires).then_with(|| a.family.cmp(&b.family)));
        ready(Ok(found))
    }

    fn revoke_sign_in(&self, user: UserId, family: String) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let mut state = self.state();
        let before = state.refresh.len();
        state.refresh.retain(|_, (token, _)| token.user != user || token.family != family);
        ready(Ok(state.refresh.len() < before))
    }

    fn revoke_person(&self, id: UserId) -> impl Future<Output = Result<u64, StoreError>> + Send {
        let mut state = self.state();
        let families: std::collections::BTreeSet<String> = state
            .refresh
            .values()
            .filter(|(token, _)| token.user == id)
            .map(|(token, _)| token.family.clone())
            .collect();
        state.refresh.retain(|_, (token, _)| token.user != id);
        ready(Ok(families.len() as u64))
    }
}
