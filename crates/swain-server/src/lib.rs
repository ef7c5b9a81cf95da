//! HTTP around the engine: routes, streams, accounts, static files, drain.
//!
//! [`Server::start`] binds an address and serves an [`Engine`](swain_engine::Engine) over any store. It is generic over the
//! store; only the command line names one. All routes stand in `router.rs`, all limits in [`limits`].
//!
//! The way of a connection: `router` → `sync` (origin, upgrade or query) → `sync::connection`, which drives one
//! [`Session`](swain_engine::Session) over one `Wire` until it ends or the server drains.
#![forbid(unsafe_code)]

mod app;
mod assets;
mod auth;
mod body;
mod clock;
mod config;
mod cors;
mod dev;
mod door;
mod entity_tag;
mod follower;
mod gzip;
mod headers;
mod health;
mod lifecycle;
pub mod limits;
mod mail;
mod metrics;
mod origin;
mod proxies;
mod quota;
mod random;
mod refusal;
mod retention;
mod router;
mod rows;
mod server;
mod stream;
mod sync;
mod throttle;
mod tls;

pub use assets::Assets;
pub use auth::{ExternalTokens, KeysError, NewAccount, add_account, set_password};
pub use clock::now;
pub use config::{Devtools, Secret, ServerConfig, SignUp, TokenTimes};
pub use dev::Reloads;
pub use mail::{Mail, MailAbout, MailCommand, Mailer, Mails};
pub use proxies::Proxies;
pub use quota::{Rate, Rates};
pub use random::random_bytes;
pub use server::{Running, Server, StartError};
pub use swain_core::protocol::Transport;
pub use tls::TlsFiles;
