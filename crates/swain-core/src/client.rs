//! The device as a machine (spec/client.md).
