//! What every route can reach.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use swain_core::protocol::Transport;
use swain_core::{Code, Millis, Problem};
use swain_engine::{Engine, Identity};
use swain_store::Store;

use crate::assets::Assets;
use crate::auth::Auth;
use crate::config::{Devtools, ServerConfig};
use crate::dev::Reloads;
use crate::follower::Pulse;
use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::proxies::Proxies;
use crate::quota::Quotas;
use crate::refusal::Refusal;

pub(crate) struct App<S> {
    pub(crate) engine: Arc<Engine<S>>,
    pub(crate) auth: Auth,
    pub(crate) origins: Origins,
    proxies: Proxies,
    pub(crate) quotas: Quotas,
    has_tls: bool,
    pub(crate) public: Assets,
    pub(crate) devtools: Devtools,
    pub(crate) reloads: Option<Reloads>,
    pub(crate) heartbeat: Millis,
    pub(crate) compression: bool,
    transports: Vec<Transport>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) metrics_token: Option<Vec<u8>>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) lifecycle: Arc<Lifecycle>,
}

impl<S> App<S> {
    pub(crate) fn new(config: &ServerConfig, engine: Arc<Engine<S>>) -> Self {
        Self {
            engine,
            auth: Auth::new(config),
            origins: Origins::new(config.allowed_origins.clone()),
            proxies: config.trusted_proxies.clone(),
            quotas: Quotas::new(config.rates),
            has_tls: config.tls.is_some(),
            public: config.public.clone(),
            devtools: config.devtools,
            reloads: config.reloads.clone(),
            heartbeat: config.heartbeat,
            compression: config.compression,
            transports: config.transports.clone(),
            metrics: Arc::new(Metrics::new()),
            metrics_token: config.metrics_token.as_ref().map(|token| token.bytes().to_vec()),
            pulse: Arc::new(Pulse::new()),
            lifecycle: Arc::default(),
        }
    }

    /// Lets a transport through that the configuration has.
    pub(crate) fn admit(&self, transport: Transport) -> Result<(), Refusal> {
        self.admit_any(&[transport])
    }

    /// Lets through what belongs to both transports without messages upward.
    pub(crate) fn admit_http_transport(&self) -> Result<(), Refusal> {
        self.admit_any(&[Transport::Sse, Transport::Poll])
    }

    /// The address that limits count by.
    pub(crate) fn address_of(&self, parts: &Parts) -> IpAddr {
        self.proxies.client(peer_of(parts), &parts.headers)
    }

    /// True when the browser came over TLS, to this server or to a proxy of ours.
    pub(crate) fn is_over_tls(&self, parts: &Parts) -> bool {
        self.has_tls || self.proxies.is_over_tls(peer_of(parts), &parts.headers)
    }

    fn admit_any(&self, wanted: &[Transport]) -> Result<(), Refusal> {
        if wanted.iter().any(|transport| self.transports.contains(transport)) {
            return Ok(());
        }
        let detail = format!("this server is configured without {}", wanted[0].as_str());
        Err(Refusal::new(Code::TransportOff, detail))
    }
}

impl<S: Store> App<S> {
    /// Whose access token this is; no token is a visitor. Of its claims only those count that a rule asks for (spec R14).
    pub(crate) fn identify(&self, token: Option<&str>) -> Result<Identity, Problem> {
        let mut identity = self.auth.identify(token)?;
        if !identity.auth.claims.is_empty() {
            let asked = self.engine.catalog().claims();
            identity.auth.claims.retain(|name, _| asked.contains(name));
        }
        Ok(identity)
    }
}

/// The address at the other end of the connection.
fn peer_of(parts: &Parts) -> IpAddr {
    let peer: Option<&ConnectInfo<SocketAddr>> = parts.extensions.get();
    peer.expect("the server is started with connect info").0.ip()
}
