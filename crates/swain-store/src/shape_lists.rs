//! Lists of shapes that devices name by a hash (spec P20).

use std::future::Future;

use swain_core::Millis;

use crate::error::StoreError;

/// Milliseconds for which a use counts, so that reading seldom writes.
pub const SHAPE_LIST_USE_MS: u64 = 60 * 60 * 1000;

/// Lists of shapes, in the same database, so that every node has them.
pub trait ShapeLists: Send + Sync {
    /// Keeps a list under its hash; of more than `lists_max` the longest unused go.
    fn keep_shapes(
        &self,
        hash: String,
        list: String,
        now: Millis,
        lists_max: usize,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The list under a hash, and a use of it.
    fn kept_shapes(&self, hash: String, now: Millis)
    -> impl Future<Output = Result<Option<String>, StoreError>> + Send;
}
