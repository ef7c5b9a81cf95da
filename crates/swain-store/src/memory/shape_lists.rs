//! Lists of shapes in memory.

use std::future::{Future, ready};

use swain_core::Millis;

use super::MemoryStore;
use crate::error::StoreError;
use crate::shape_lists::{SHAPE_LIST_USE_MS, ShapeLists};

impl ShapeLists for MemoryStore {
    fn keep_shapes(
        &self,
        hash: String,
        list: String,
        now: Millis,
        lists_max: usize,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let lists = &mut self.state().shape_lists;
        lists.insert(hash, (list, now));
        while lists.len() > lists_max {
            let oldest = lists.iter().min_by_key(|(_, (_, used))| *used).map(|(hash, _)| hash.clone());
            oldest.map(|hash| lists.remove(&hash));
        }
        ready(Ok(()))
    }

    fn kept_shapes(
        &self,
        hash: String,
        now: Millis,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send {
        let mut state = self.state();
        let found = state.shape_lists.get_mut(&hash).map(|(list, used)| {
            if now.since(*used).0 > SHAPE_LIST_USE_MS {
                *used = now;
            }
            list.clone()
        });
        ready(Ok(found))
    }
}
