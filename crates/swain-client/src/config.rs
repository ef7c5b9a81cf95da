//! What a client is told at its start.

use std::sync::Arc;

use swain_core::client::{ChangeSet, Config};
use swain_core::protocol::Transport;
use swain_core::shape::Shape;
use swain_core::{DeviceId, Millis};

use crate::token::TokenProvider;

/// Called once for each step of the visible rows, in order (spec C13), on the client's task: it must be quick.
pub type OnChange = Arc<dyn Fn(&ChangeSet) + Send + Sync>;

/// Where to connect, as whom, and what to hold.
#[derive(Clone)]
pub struct ClientConfig {
    /// The server: `http://host:port`, or the whole address of its WebSocket, `ws://…`.
    pub url: String,
    /// Access tokens; signed out by default.
    pub token: TokenProvider,
    /// The id of a new store; drawn at random when none is given. A store that was used has its own.
    pub device: Option<DeviceId>,
    /// Shapes, first reconnect delay, limits.
    pub device_config: Config,
    /// Told of every step.
    pub on_change: Option<OnChange>,
    /// Start without connecting; `resume` connects.
    pub paused: bool,
    /// In order of preference; one alone means no fallback (spec C17).
    pub transports: Vec<Transport>,
}

impl ClientConfig {
    /// A signed-out client with the defaults.
    pub fn new(url: impl Into<String>, shapes: Vec<Shape>) -> Self {
        Self {
            url: url.into(),
            token: TokenProvider::fixed(None),
            device: None,
            device_config: Config { compression: true, ..Config::new(shapes) },
            on_change: None,
            paused: false,
            transports: Transport::ALL.to_vec(),
        }
    }

    /// The same with one access token for the whole run.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = TokenProvider::fixed(Some(token.into()));
        self
    }

    /// The same with a range for the first reconnect delay (spec C8).
    #[must_use]
    pub fn with_first_delay(mut self, delay: std::time::Duration) -> Self {
        self.device_config.first_delay = Millis(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// The same with these transports, in order of preference.
    #[must_use]
    pub fn with_transports(mut self, transports: impl Into<Vec<Transport>>) -> Self {
        self.transports = transports.into();
        self
    }

    /// The same with or without compression of what comes (spec P23).
    #[must_use]
    pub fn with_compression(mut self, compression: bool) -> Self {
        self.device_config.compression = compression;
        self
    }

    /// The same with a call for each step.
    #[must_use]
    pub fn on_change(mut self, call: impl Fn(&ChangeSet) + Send + Sync + 'static) -> Self {
        self.on_change = Some(Arc::new(call));
        self
    }
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { url, device, device_config, paused, .. } = self;
        f.debug_struct("ClientConfig")
            .field("url", url)
            .field("device", device)
            .field("device_config", device_config)
            .field("paused", paused)
            .finish_non_exhaustive()
    }
}
