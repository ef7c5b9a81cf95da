//! What every route can reach.

use std::sync::Arc;

use swain_core::Millis;
use swain_engine::Engine;

use crate::assets::Assets;
use crate::auth::Auth;
use crate::config::{Devtools, ServerConfig};
use crate::dev::Reloads;
use crate::follower::Pulse;
use crate::lifecycle::Lifecycle;
use crate::origin::Origins;

pub(crate) struct App<S> {
    pub(crate) engine: Arc<Engine<S>>,
    pub(crate) auth: Auth,
    pub(crate) origins: Origins,
    pub(crate) public: Assets,
    pub(crate) devtools: Devtools,
    pub(crate) reloads: Option<Reloads>,
    pub(crate) heartbeat: Millis,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) lifecycle: Arc<Lifecycle>,
}

impl<S> App<S> {
    pub(crate) fn new(config: &ServerConfig, engine: Arc<Engine<S>>) -> Self {
        Self {
            engine,
            auth: Auth::new(config),
            origins: Origins::new(config.allowed_origins.clone()),
            public: config.public.clone(),
            devtools: config.devtools,
            reloads: config.reloads.clone(),
            heartbeat: config.heartbeat,
            pulse: Arc::new(Pulse::new()),
            lifecycle: Arc::default(),
        }
    }
}
