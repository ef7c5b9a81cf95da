//! The device as a machine (spec/client.md): inputs go in, outputs come out, nothing else happens.
//!
//! A driver owns the clock, the socket, the storage and the random numbers. Its whole work is:
//!
//! 1. `device.handle(now, input)` for whatever happened;
//! 2. `device.poll()` until it gives nothing, doing what each [`Output`] says, in order;
//! 3. wait for the socket, the storage, the application, or [`Device::poll_timeout`], which becomes [`Input::Tick`].
//!
//! The connection of a device:
//!
//! ```text
//!             token                opened               welcome
//! NeedsToken ───────► Connecting ─────────► Greeting ─────────────► Running
//!     ▲                  ▲   │                  │                      │
//!     │ 4401, once       │   └──────── closed, silent, broken ─────────┤
//!     │                  │ delay over or wake   ▼                      │
//!     └───────────────── Waiting ◄─────────────────────────────────────┤
//!                                                                      │
//!     NeedsDevice ◄── forgotten or cloned (C10) ───────────────────────┤
//!     Stopped     ◄── 4403, 4401 twice, storage failed ────────────────┤
//!     Paused      ◄── pause ───────────────────────────────────────────┘
//! ```

mod backoff;
mod batch;
mod config;
mod confirmed;
mod edit;
mod input;
mod machine;
mod outbox;
mod output;
mod overlay;
mod picker;
mod random;
mod replica;
mod session;
mod staging;
mod status;

pub use batch::{AliasWrite, Batch, BatchId, Meta, OutboxWrite, RowWrite, StagingWrite, StoredDevice, Writes};
pub use config::{Config, Faults, Identity, PlantedBug};
pub use confirmed::{Held, Membership};
pub use input::Input;
pub use machine::Device;
pub use outbox::{Entry, EntryId, EntryState};
pub use output::{Cause, ChangeSet, Origin, Output, RowChange, Settled};
pub use picker::{Ending, Picker};
pub use status::{Loading, State, Status, Stop};
