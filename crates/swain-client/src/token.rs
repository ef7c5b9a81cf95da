//! Where access tokens come from.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::error::TokenError;
use crate::limits::{TOKEN_PAUSE_MAX, TOKEN_PAUSE_MIN};

/// Finds the access token. `renew`: the one given before was not accepted, or is about to expire.
///
/// None means that the visitor is signed out. An error is for what passes (no network): it is asked for again.
#[derive(Clone)]
pub struct TokenProvider(Arc<Provide>);

type Provide = dyn Fn(bool) -> BoxFuture<'static, Result<Option<String>, TokenError>> + Send + Sync;

impl TokenProvider {
    /// Always the same token; none: signed out.
    pub fn fixed(token: Option<String>) -> Self {
        Self::new(move |_| {
            let token = token.clone();
            async move { Ok(token) }
        })
    }

    /// Tokens from a function.
    pub fn new<F, T>(provide: F) -> Self
    where
        F: Fn(bool) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Option<String>, TokenError>> + Send + 'static,
    {
        Self(Arc::new(move |renew| Box::pin(provide(renew))))
    }

    /// Asks until there is an answer.
    pub(crate) async fn find(self, renew: bool) -> Option<String> {
        let mut pause = TOKEN_PAUSE_MIN;
        loop {
            match (self.0)(renew).await {
                Ok(token) => return token,
                Err(error) => {
                    tracing::warn!(error = %error, "no access token; asking again in {pause:?}")
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(TOKEN_PAUSE_MAX);
        }
    }
}

impl std::fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenProvider")
    }
}
