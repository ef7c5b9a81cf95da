//! What a server is started with.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use swain_core::Millis;
use swain_core::protocol::Transport;
use swain_engine::limits::HEARTBEAT_MS;
use swain_store::Retention;

use crate::assets::Assets;
use crate::auth::ExternalTokens;
use crate::dev::Reloads;
use crate::limits::{CONNECTIONS_MAX, HEADERS_MS_MAX, RETENTION_MS, TRIM_INTERVAL_MS, WRITE_STALL_MS_MAX};
use crate::mail::Mails;
use crate::proxies::Proxies;
use crate::quota::Rates;
use crate::tls::TlsFiles;

/// How a server behaves. [`ServerConfig::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS; without it, a proxy in front may have it.
    pub tls: Option<TlsFiles>,
    /// What it serves outside `/api`.
    pub public: Assets,
    /// Whether pages get the developer's panel.
    pub devtools: Devtools,
    /// What tells open pages that something was saved; without it nobody can ask.
    pub reloads: Option<Reloads>,
    /// Origins besides its own whose pages may connect.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` says where a request comes from.
    pub trusted_proxies: Proxies,
    /// What one person may use.
    pub rates: Rates,
    /// The longest silence on a stream.
    pub heartbeat: Millis,
    /// Connections at once, whatever they carry; more are closed unheard.
    pub connections: usize,
    /// Who shows it may read `/metrics`; without it, this machine may.
    pub metrics_token: Option<Secret>,
    /// The ways to a stream that are open.
    pub transports: Vec<Transport>,
    /// Whether what is sent may be compressed (spec P23).
    pub compression: bool,

    /// What signs the tokens.
    pub secret: Secret,
    /// Tokens of the application's own identity provider, which count as well.
    pub external: Option<ExternalTokens>,
    /// How long they live.
    pub tokens: TokenTimes,
    /// Who may make an account.
    pub sign_up: SignUp,
    /// How mails about accounts leave; without it there are none.
    pub mails: Option<Mails>,

    /// How long the log is kept.
    pub retention: Retention,
    /// The pause between two clean-ups of the log.
    pub trim_interval: Duration,

    /// How long a connection may make no write progress.
    pub write_stall: Duration,
    /// How long a request's headers may take.
    pub headers: Duration,
}

impl ServerConfig {
    /// The defaults.
    pub fn new(listen: SocketAddr, secret: Secret) -> Self {
        Self {
            listen,
            tls: None,
            public: Assets::None,
            devtools: Devtools::Off,
            reloads: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Proxies::default(),
            rates: Rates::default(),
            heartbeat: Millis(HEARTBEAT_MS),
            connections: CONNECTIONS_MAX,
            metrics_token: None,
            transports: Transport::ALL.to_vec(),
            compression: true,
            secret,
            external: None,
            tokens: TokenTimes::default(),
            sign_up: SignUp::Open,
            mails: None,
            retention: Retention { log: Millis(RETENTION_MS), history: BTreeMap::new() },
            trim_interval: Duration::from_millis(TRIM_INTERVAL_MS),
            write_stall: Duration::from_millis(WRITE_STALL_MS_MAX),
            headers: Duration::from_millis(HEADERS_MS_MAX),
        }
    }
}

/// The developer's panel in the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Devtools {
    /// No page gets it, and its script is not there.
    #[default]
    Off,
    /// Every page of the application loads `/swain-devtools.js`.
    On,
}

/// What signs the tokens. Who knows it can be anybody.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Bytes in the shortest secret.
    pub const BYTES_MIN: usize = 32;

    /// A secret; none if it is too short to be one.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() >= Self::BYTES_MIN).then_some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How long tokens live (spec P18).
#[derive(Clone, Copy, Debug)]
pub struct TokenTimes {
    /// Access tokens.
    pub access: Millis,
    /// Refresh tokens, from their last use.
    pub refresh: Millis,
    /// How long a used refresh token gives the same successor again.
    pub grace: Millis,
}

impl Default for TokenTimes {
    fn default() -> Self {
        let days = |days: u64| Millis(days * 24 * 60 * 60 * 1000);
        Self { access: Millis(10 * 60 * 1000), refresh: days(30), grace: Millis(10_000) }
    }
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Nobody; accounts are made by the operator.
    Closed,
}
