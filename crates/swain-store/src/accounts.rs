//! Accounts and their refresh tokens (spec P17, P18).

use std::future::Future;

use swain_core::{Millis, UserId};

use crate::error::StoreError;

/// A person with an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The id that application tables hold.
    pub id: UserId,
    /// Lower case, unique.
    pub email: String,
    /// For display.
    pub name: String,
    /// What rules call `auth.role`.
    pub role: String,
    /// argon2id, PHC string.
    pub password_hash: String,
    /// True when the person has shown to read what is sent to the address.
    pub verified: bool,
}

/// A refresh token, kept only as a hash.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshToken {
    /// SHA-256 of the token, hex.
    pub hash: String,
    /// All tokens that descend from one sign-in.
    pub family: String,
    /// Whose.
    pub user: UserId,
    /// When it ends.
    pub expires: Millis,
    /// When the sign-in began.
    pub begun: Millis,
    /// What signed in, as it called itself: a browser's own words.
    pub agent: String,
}

/// What became of an attempt to use a refresh token.
#[derive(Clone, Debug, PartialEq)]
pub enum Rotation {
    /// It was good; its successor is stored (or was stored by a twin of this request a moment ago).
    Rotated {
        /// Whose.
        user: UserId,
        /// Of which sign-in.
        family: String,
    },
    /// It was used before, longer ago than the grace: its family is revoked.
    Reused,
    /// Nobody has it, or it has ended.
    Unknown,
}

/// Accounts, in the same database.
pub trait Accounts: Send + Sync {
    /// Adds a person; false when the e-mail address is taken.
    fn add_person(&self, person: Person) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The person with this e-mail address.
    fn person_by_email(&self, email: String) -> impl Future<Output = Result<Option<Person>, StoreError>> + Send;

    /// The person with this id.
    fn person(&self, id: UserId) -> impl Future<Output = Result<Option<Person>, StoreError>> + Send;

    /// Stores the first token of a sign-in.
    fn add_refresh(&self, token: RefreshToken) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Uses the token `hash` and stores its successor, in one step: of two at once, one rotates and the other falls into
    /// the grace of `grace` ms. The successor must be the same for the same token, so both get the same.
    fn rotate_refresh(
        &self,
        hash: String,
        successor: String,
        expires: Millis,
        now: Millis,
        grace: Millis,
    ) -> impl Future<Output = Result<Rotation, StoreError>> + Send;

    /// Ends the sign-in that `hash` belongs to. Unknown hashes are nothing to do.
    fn revoke_refresh(&self, hash: String) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// At most `max` people in order of their addresses, behind the address `after`.
    fn persons(
        &self,
        after: Option<String>,
        max: usize,
    ) -> impl Future<Output = Result<Vec<Person>, StoreError>> + Send;

    /// Sets name, role, password and whether the address is verified, if the person is still as it `was`; else false, and
    /// nothing is done: of two who change it at once, one has to look again.
    fn change_person(&self, was: Person, person: Person) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes the account and all its sign-ins; false when there is none. Rows that name the id stay as they are.
    fn remove_person(&self, id: UserId) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The sign-ins of a person that have not ended, each by the token that is its next one, the newest first.
    fn sign_ins(&self, user: UserId, now: Millis)
    -> impl Future<Output = Result<Vec<RefreshToken>, StoreError>> + Send;

    /// Ends one sign-in of a person; false when it is none of theirs.
    fn revoke_sign_in(&self, user: UserId, family: String) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends all sign-ins of a person; gives how many there were.
    fn revoke_person(&self, id: UserId) -> impl Future<Output = Result<u64, StoreError>> + Send;
}
