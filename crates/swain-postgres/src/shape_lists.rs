//! Lists of shapes (spec P20).

use swain_core::Millis;
use swain_store::{SHAPE_LIST_USE_MS, ShapeLists, StoreError};

use crate::log::{limit, signed};
use crate::store::PostgresStore;

impl ShapeLists for PostgresStore {
    async fn keep_shapes(&self, hash: String, list: String, now: Millis, lists_max: usize) -> Result<(), StoreError> {
        if self.kept_shapes(hash.clone(), now).await?.is_some() {
            return Ok(());
        }
        self.with_session(async move |session| {
            let sql = "
                INSERT INTO swain.shapes (hash, list, used) VALUES ($1, $2, $3)
                ON CONFLICT (hash) DO UPDATE SET used = greatest(shapes.used, excluded.used)";
            session.execute(sql, &[&hash, &list, &signed(now.0)]).await?;
            let sql = "
                DELETE FROM swain.shapes WHERE hash IN (
                    SELECT hash FROM swain.shapes ORDER BY used
                    LIMIT greatest(0, (SELECT count(*) FROM swain.shapes) - $1))";
            session.execute(sql, &[&limit(lists_max)]).await.map(drop)
        })
        .await
    }

    async fn kept_shapes(&self, hash: String, now: Millis) -> Result<Option<String>, StoreError> {
        self.with_session(async move |session| {
            let sql = "SELECT list, used FROM swain.shapes WHERE hash = $1";
            let Some(row) = session.query_opt(sql, &[&hash]).await? else { return Ok(None) };
            let (list, used): (String, i64) = (row.get(0), row.get(1));
            if signed(now.0).saturating_sub(used) > signed(SHAPE_LIST_USE_MS) {
                let sql = "UPDATE swain.shapes SET used = greatest(used, $2) WHERE hash = $1";
                session.execute(sql, &[&hash, &signed(now.0)]).await?;
            }
            Ok(Some(list))
        })
        .await
    }
}
