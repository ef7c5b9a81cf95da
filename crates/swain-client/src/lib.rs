//! The native Swain client: a local copy of the rows that a user may see, edited at once, online or not.
//!
//! [`Client`] is the handle; [`ClientConfig`] says where to connect and what to hold; [`auth`] signs in.
//! The device itself is `swain_core::client::Device`; this crate gives it a clock, a socket and a storage,
//! in one task a client, so that a process can run thousands.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use swain_client::{Client, ClientConfig, Row, Shape};
//!
//! let config = ClientConfig::new("http://127.0.0.1:8090", vec![Shape::table("games")]);
//! let client = Client::connect(config).await?;
//! client.sync(std::time::Duration::from_secs(5)).await?;
//! let written = client.insert("games", swain_client::Key::of("g1"), Row::default().with("title", "A"))?;
//! written.saved().await?;
//! # Ok(())
//! # }
//! ```

pub mod auth;
mod client;
mod clock;
mod config;
mod driver;
mod error;
mod limits;
mod shared;
mod store;
mod token;
mod transport;
mod written;

pub use client::Client;
pub use config::{ClientConfig, OnChange};
pub use error::{ClientError, TokenError};
pub use shared::{Changes, Patch};
pub use store::{MemoryStore, Store, StoreError};
pub use token::TokenProvider;
pub use written::{Saved, Synced, Written};

pub use swain_core::client::{
    Batch, ChangeSet, Config as DeviceConfig, Device, Entry, EntryId, Faults, Origin, RowChange, Settled, State,
    Status, Stop, StoredDevice,
};
pub use swain_core::protocol::{MutationResult, Outcome, Transport};
pub use swain_core::shape::Shape;
pub use swain_core::{Code, DeviceId, Key, Millis, Operation, Problem, Row, RowKey, Value};
