//! The store that the configuration names, as one type: everything above is written for any store, and made once.

use std::sync::Arc;

use swain_core::protocol::MutationResult;
use swain_core::rule::Expression;
use swain_core::{Alias, DeviceId, Epoch, Key, Millis, MutationNumber, Name, Pos, Position, Schema, Tag, UserId};
use swain_postgres::PostgresStore;
use swain_sqlite::SqliteStore;
use swain_store::{
    Accounts, Answer, Arbiter, DeviceRow, Head, Interest, LoadChunk, LocalBus, LogPage, Person, RefreshToken,
    Retention, Rotation, ShapeLists, Store, StoreError, Submission, Trimmed,
};

pub(crate) enum AnyStore {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// The same of whichever it is.
macro_rules! each {
    ($any:expr, $store:ident => $work:expr) => {
        match $any {
            AnyStore::Sqlite($store) => $work,
            AnyStore::Postgres($store) => $work,
        }
    };
}

impl Store for AnyStore {
    fn epoch(&self) -> Epoch {
        each!(self, store => store.epoch())
    }

    fn bus(&self) -> &Arc<LocalBus> {
        each!(self, store => store.bus())
    }

    async fn introspect(&self, tables: Option<Vec<Name>>) -> Result<Schema, StoreError> {
        each!(self, store => store.introspect(tables).await)
    }

    fn has_drifted(&self) -> bool {
        each!(self, store => store.has_drifted())
    }

    async fn adopt(&self, schema: Schema, now: Millis) -> Result<Schema, StoreError> {
        each!(self, store => store.adopt(schema, now).await)
    }

    async fn submit<A: Arbiter>(&self, arbiter: Arc<A>, submissions: Vec<Submission>) -> Vec<Answer> {
        each!(self, store => store.submit(arbiter, submissions).await)
    }

    async fn head(&self) -> Result<Head, StoreError> {
        each!(self, store => store.head().await)
    }

    async fn tag(&self, pos: Pos) -> Result<Option<Tag>, StoreError> {
        each!(self, store => store.tag(pos).await)
    }

    async fn log(
        &self,
        after: Pos,
        through: Pos,
        interests: Option<Vec<Interest>>,
        device: Option<DeviceId>,
        changes_max: usize,
    ) -> Result<LogPage, StoreError> {
        each!(self, store => store.log(after, through, interests, device, changes_max).await)
    }

    async fn log_count(
        &self,
        after: Pos,
        through: Pos,
        interests: Vec<Interest>,
        max: usize,
    ) -> Result<usize, StoreError> {
        each!(self, store => store.log_count(after, through, interests, max).await)
    }

    async fn load(
        &self,
        table: Name,
        predicate: Expression,
        after: Option<Key>,
        rows_max: usize,
    ) -> Result<LoadChunk, StoreError> {
        each!(self, store => store.load(table, predicate, after, rows_max).await)
    }

    async fn estimate(&self, table: Name, predicate: Expression) -> Result<u64, StoreError> {
        each!(self, store => store.estimate(table, predicate).await)
    }

    async fn device_row(&self, device: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        each!(self, store => store.device_row(device).await)
    }

    async fn claim_device(&self, device: DeviceId, user: Option<UserId>, now: Millis) -> Result<DeviceRow, StoreError> {
        each!(self, store => store.claim_device(device, user, now).await)
    }

    async fn acked(&self, device: DeviceId, at: Pos) -> Result<MutationNumber, StoreError> {
        each!(self, store => store.acked(device, at).await)
    }

    async fn results(&self, device: DeviceId, after: MutationNumber) -> Result<Vec<MutationResult>, StoreError> {
        each!(self, store => store.results(device, after).await)
    }

    async fn trim(&self, now: Millis, retention: Arc<Retention>, rows_max: usize) -> Result<Trimmed, StoreError> {
        each!(self, store => store.trim(now, retention, rows_max).await)
    }

    async fn history(
        &self,
        table: Name,
        key: Key,
        before: Option<Pos>,
        max: usize,
    ) -> Result<Vec<Position>, StoreError> {
        each!(self, store => store.history(table, key, before, max).await)
    }

    async fn aliases(&self, device: DeviceId, after: MutationNumber) -> Result<Vec<Alias>, StoreError> {
        each!(self, store => store.aliases(device, after).await)
    }
}

impl Accounts for AnyStore {
    async fn add_person(&self, person: Person) -> Result<bool, StoreError> {
        each!(self, store => store.add_person(person).await)
    }

    async fn person_by_email(&self, email: String) -> Result<Option<Person>, StoreError> {
        each!(self, store => store.person_by_email(email).await)
    }

    async fn person(&self, id: UserId) -> Result<Option<Person>, StoreError> {
        each!(self, store => store.person(id).await)
    }

    async fn add_refresh(&self, token: RefreshToken) -> Result<(), StoreError> {
        each!(self, store => store.add_refresh(token).await)
    }

    async fn rotate_refresh(
        &self,
        hash: String,
        successor: String,
        expires: Millis,
        now: Millis,
        grace: Millis,
    ) -> Result<Rotation, StoreError> {
        each!(self, store => store.rotate_refresh(hash, successor, expires, now, grace).await)
    }

    async fn revoke_refresh(&self, hash: String) -> Result<(), StoreError> {
        each!(self, store => store.revoke_refresh(hash).await)
    }

    async fn persons(&self, after: Option<String>, max: usize) -> Result<Vec<Person>, StoreError> {
        each!(self, store => store.persons(after, max).await)
    }

    async fn change_person(&self, was: Person, person: Person) -> Result<bool, StoreError> {
        each!(self, store => store.change_person(was, person).await)
    }

    async fn remove_person(&self, id: UserId) -> Result<bool, StoreError> {
        each!(self, store => store.remove_person(id).await)
    }

    async fn sign_ins(&self, user: UserId, now: Millis) -> Result<Vec<RefreshToken>, StoreError> {
        each!(self, store => store.sign_ins(user, now).await)
    }

    async fn revoke_sign_in(&self, user: UserId, family: String) -> Result<bool, StoreError> {
        each!(self, store => store.revoke_sign_in(user, family).await)
    }

    async fn revoke_person(&self, id: UserId) -> Result<u64, StoreError> {
        each!(self, store => store.revoke_person(id).await)
    }
}

impl ShapeLists for AnyStore {
    async fn keep_shapes(&self, hash: String, list: String, now: Millis, lists_max: usize) -> Result<(), StoreError> {
        each!(self, store => store.keep_shapes(hash, list, now, lists_max).await)
    }

    async fn kept_shapes(&self, hash: String, now: Millis) -> Result<Option<String>, StoreError> {
        each!(self, store => store.kept_shapes(hash, now).await)
    }
}
