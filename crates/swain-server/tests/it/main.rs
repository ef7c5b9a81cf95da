//! Stories of the server over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod account;
mod bad_input;
mod external;
mod http;
mod http_access;
mod http_streams;
mod life;
mod line;
mod mail;
mod metrics;
mod presence;
mod quota;
mod rows;
mod socket;
mod stage;
mod stream;
mod taint;
mod tls;
