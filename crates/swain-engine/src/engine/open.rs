//! Opening a session: who it is, which shapes, from where (spec P13, R7).

use std::task::Waker;

use swain_core::decode::Node;
use swain_core::protocol::{Cursor, Hello, LoadToken};
use swain_core::rule::{Auth, Expression};
use swain_core::shape::Shape;
use swain_core::{Code, Pos, Problem, Schema, Tag};
use swain_store::{Head, Store, StoreError};

use super::{Channel, Engine, OpenRequest, Opened, OpenedLoad, PlantedLeak, SessionLimits, not_yours};
use crate::catalog::Catalog;
use crate::hub::{Joining, SessionId, interests_of};
use crate::limits::CATCH_UP_CHANGES_MAX;
use crate::matching::LiveShape;
use crate::rights::{Rights, RightsError};

/// The shapes of a hello, checked.
struct Wanted {
    shapes: Vec<LiveShape>,
    views: Vec<String>,
    /// What each shape depends on.
    rights: Vec<Rights>,
}

impl<S: Store> Engine<S> {
    pub(super) async fn open_session(
        &self,
        session: SessionId,
        waker: &Waker,
        request: OpenRequest,
    ) -> Result<Result<Box<Opened>, Problem>, StoreError> {
        let OpenRequest { hello, auth, now } = request;
        let catalog = self.catalog();
        let mut wanted = match self.admit(&catalog, &hello, &auth) {
            Ok(wanted) => wanted,
            Err(problem) => return Ok(Err(problem)),
        };
        let device = self.store.claim_device(hello.device.clone(), auth.user.clone(), now).await?;
        if device.user != auth.user {
            return Ok(Err(not_yours()));
        }

        let head = match self.settle(&mut wanted).await {
            Ok(head) => head,
            Err(RightsError::Store(error)) => return Err(error),
            Err(error) => return Ok(Err(Problem::new(Code::LimitFilter, error.to_string()))),
        };
        let (at, live) = self.resume(&hello, &wanted, head).await?;
        let loading: Vec<usize> = (0..wanted.shapes.len()).filter(|index| !live.contains(index)).collect();
        let load = self.begin_load(&hello, &wanted, &loading, head).await?;
        // Without a live shape the device's rows are those of before, and so is what they contain of its mutations.
        let acked = self.store.acked(hello.device.clone(), at.0).await?;
        let told_acked = if live.is_empty() && load.is_some() { hello.acked.min(acked) } else { acked };
        let results = self.store.results(hello.device.clone(), hello.acked).await?;
        let aliases = self.store.aliases(hello.device.clone(), hello.acked).await?;

        let live_shapes: Vec<LiveShape> = live.iter().map(|index| wanted.shapes[*index].clone()).collect();
        let joining = Joining {
            device: hello.device.clone(),
            user: auth.user.clone(),
            shapes: self.shapes_on(Channel::Live, &live_shapes).into(),
            rights: wanted.rights.iter().flat_map(Clone::clone).collect(),
            since: head.pos,
            schema: catalog.schema.version,
            waker: waker.clone(),
        };
        self.join(session, joining).await?;
        Ok(Ok(Box::new(Opened {
            epoch: self.store.epoch(),
            schema: (!self.knows_schema(&catalog, &hello)).then(|| catalog.schema_for(&auth).into_owned()),
            device: hello.device,
            auth,
            shapes: wanted.shapes,
            views: wanted.views,
            live,
            at,
            acked,
            told_acked,
            last: device.last,
            results,
            aliases,
            load,
        })))
    }

    /// The hub follows the rights from here; what it passed since they were read is looked at once.
    async fn join(&self, session: SessionId, joining: Joining) -> Result<(), StoreError> {
        let (rights, since) = (joining.rights.clone(), joining.since);
        let followed = {
            let mut hub = self.hub();
            hub.join(session, joining, &self.catalog().schema);
            hub.head().0
        };
        if self.have_moved(rights.keys(), since, followed).await? {
            self.hub().move_rights(session);
        }
        Ok(())
    }

    fn admit(&self, catalog: &Catalog, hello: &Hello, auth: &Auth) -> Result<Wanted, Problem> {
        let hub = self.hub();
        let SessionLimits { sessions, user_sessions } = self.session_limits;
        if hub.sessions() >= sessions {
            return Err(Problem::new(Code::Overloaded, "the server has as many connections as it takes"));
        }
        if auth.user.as_ref().is_some_and(|user| hub.sessions_of(user, &hello.device) >= user_sessions) {
            let detail = format!("a user has at most {user_sessions} connections");
            return Err(Problem::new(Code::LimitUserSessions, detail));
        }
        drop(hub);
        let mut wanted = Wanted { shapes: Vec::new(), views: Vec::new(), rights: Vec::new() };
        let seen = catalog.schema_for(auth);
        for (index, shape) in hello.shapes.iter().enumerate() {
            let filter = filter(&seen, &format!("hello.shapes[{index}]"), shape)?;
            let readable = catalog.readable(&shape.table, auth);
            let (table, hidden) = (shape.table.clone(), catalog.hidden(&shape.table, auth));
            let predicate = readable.and(filter);
            wanted.shapes.push(LiveShape { index, table, loading: predicate.clone(), predicate, hidden });
            wanted.views.push(catalog.view(shape, auth));
        }
        Ok(wanted)
    }

    /// Puts into the shapes what their selections give; the position at which they do is where the session may begin.
    async fn settle(&self, wanted: &mut Wanted) -> Result<Head, RightsError> {
        let bound: Vec<Expression> = wanted.shapes.iter().map(|shape| shape.predicate.clone()).collect();
        let resolved = self.resolve_all(&bound.iter().collect::<Vec<_>>()).await?;
        for (shape, (predicate, rights)) in wanted.shapes.iter_mut().zip(resolved.predicates) {
            if !rights.is_empty() {
                // The values find the rows by an index, the selections grant them at the moment of reading.
                shape.loading = predicate.clone().and(shape.loading.clone());
            }
            shape.predicate = predicate;
            wanted.rights.push(rights);
        }
        Ok(resolved.head)
    }

    /// Whether shapes are of tables and columns that this user sees, and may be filtered so; a problem names the place
    /// below `place`.
    pub fn check_shapes(&self, auth: &Auth, shapes: &[Shape], place: &str) -> Result<(), Problem> {
        let catalog = self.catalog();
        let seen = catalog.schema_for(auth);
        let mut shapes = shapes.iter().enumerate();
        shapes.try_for_each(|(index, shape)| filter(&seen, &format!("{place}[{index}]"), shape).map(drop))
    }

    /// A version counts in one history only, which the cursor names, or the token of a load. Where columns are hidden, it
    /// says nothing of what the device's user sees now.
    fn knows_schema(&self, catalog: &Catalog, hello: &Hello) -> bool {
        let cursor = hello.cursor.as_deref().and_then(Cursor::decode);
        let load = hello.load.as_deref().and_then(LoadToken::decode).map(|token| token.from);
        let known = cursor.or(load).map(|place| place.epoch);
        !catalog.has_masks() && hello.schema == Some(catalog.schema.version) && known == Some(self.store.epoch())
    }

    /// Where the session stands and which shapes are live there (spec P13, R7). A cursor that is not ours covers nothing.
    async fn resume(&self, hello: &Hello, wanted: &Wanted, head: Head) -> Result<((Pos, Tag), Vec<usize>), StoreError> {
        let nothing = ((head.pos, head.tag), Vec::new());
        let Some(cursor) = hello.cursor.as_deref().and_then(Cursor::decode) else {
            return Ok(nothing);
        };
        if !self.is_honoured(&cursor, head).await? {
            return Ok(nothing);
        }
        let covered = |index: &usize| cursor.views.contains(&wanted.views[*index]);
        let mut live: Vec<usize> = Vec::new();
        for index in (0..wanted.shapes.len()).filter(covered) {
            // What was missed under other rights is not told change by change: the shape is loaded anew.
            let is_planted = self.planted == Some(PlantedLeak::ResumeIgnoresRights);
            if is_planted || !self.have_moved(wanted.rights[index].keys(), cursor.pos, head.pos).await? {
                live.push(index);
            }
        }
        let interests =
            live.iter().flat_map(|index| interests_of(&wanted.shapes[*index], &self.catalog().schema)).collect();
        let max = CATCH_UP_CHANGES_MAX + 1;
        if self.store.log_count(cursor.pos, head.pos, interests, max).await? > CATCH_UP_CHANGES_MAX {
            return Ok(nothing);
        }
        Ok(((cursor.pos, cursor.tag), live))
    }

    async fn is_honoured(&self, cursor: &Cursor, head: Head) -> Result<bool, StoreError> {
        let in_range = cursor.epoch == self.store.epoch() && cursor.pos >= head.floor && cursor.pos <= head.pos;
        Ok(in_range && self.store.tag(cursor.pos).await? == Some(cursor.tag))
    }

    /// The token's key is one of the table that comes next.
    fn is_readable(&self, token: &LoadToken, wanted: &Wanted, loading: &[usize]) -> bool {
        let catalog = self.catalog();
        let table = loading.get(token.shape).map(|index| &wanted.shapes[*index].table);
        match (table.and_then(|table| catalog.schema.tables.get(table)), &token.after) {
            (Some(table), Some(after)) => after.0.len() == table.key.len(),
            (Some(_), None) => true,
            (None, after) => token.shape == loading.len() && after.is_none(),
        }
    }

    /// More changes since the load began than rows in it: it is shorter to begin anew.
    async fn is_worth_resuming(
        &self,
        token: &LoadToken,
        wanted: &Wanted,
        loading: &[usize],
        head: Head,
        total: u64,
    ) -> Result<bool, StoreError> {
        let rights = loading.iter().flat_map(|index| wanted.rights[*index].keys());
        if self.have_moved(rights, token.from.pos, head.pos).await? {
            return Ok(false);
        }
        let interests =
            loading.iter().flat_map(|index| interests_of(&wanted.shapes[*index], &self.catalog().schema)).collect();
        let max = CATCH_UP_CHANGES_MAX.max(usize::try_from(total).unwrap_or(usize::MAX - 1));
        Ok(self.store.log_count(token.from.pos, head.pos, interests, max + 1).await? <= max)
    }

    async fn begin_load(
        &self,
        hello: &Hello,
        wanted: &Wanted,
        loading: &[usize],
        head: Head,
    ) -> Result<Option<OpenedLoad>, StoreError> {
        if loading.is_empty() {
            return Ok(None);
        }
        let mut total = 0;
        for index in loading {
            let shape = &wanted.shapes[*index];
            total += self.store.estimate(shape.table.clone(), shape.loading.clone()).await?;
        }
        let views: Vec<String> = loading.iter().map(|index| wanted.views[*index].clone()).collect();
        if let Some(token) = hello.load.as_deref().and_then(LoadToken::decode)
            && token.from.views == views
            && self.is_readable(&token, wanted, loading)
            && self.is_honoured(&token.from, head).await?
            && self.is_worth_resuming(&token, wanted, loading, head, total).await?
        {
            let from = (token.from.pos, token.from.tag);
            return Ok(Some(OpenedLoad { from, resumes: true, next: (token.shape, token.after), total }));
        }
        Ok(Some(OpenedLoad { from: (head.pos, head.tag), resumes: false, next: (0, None), total }))
    }
}

/// The filter of a shape, by the schema as its user sees it.
fn filter(seen: &Schema, place: &str, shape: &Shape) -> Result<Expression, Problem> {
    let value = shape.to_value();
    shape.predicate(seen, &Node::root(place, &value))
}
