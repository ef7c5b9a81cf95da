//! Every limit of the protocol, with its name (spec P16). Each has a test at n and n + 1.

/// Bytes in one message from a device.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Nesting of JSON from outside.
pub const JSON_DEPTH_MAX: usize = 64;
/// Shapes of one device.
pub const SHAPES_MAX: usize = 64;
/// Mutations in one push.
pub const PUSH_MUTATIONS_MAX: usize = 50;
/// Operations in one mutation.
pub const MUTATION_OPERATIONS_MAX: usize = 500;
/// Canonical bytes of one row.
pub const ROW_BYTES_MAX: usize = 512 * 1024;
/// Depth of a filter.
pub const FILTER_DEPTH_MAX: usize = 8;
/// Nodes of a filter.
pub const FILTER_NODES_MAX: usize = 64;
/// Values in one `in` of a filter.
pub const FILTER_VALUES_MAX: usize = 500;
/// Canonical bytes of what a tab says of itself in a room (spec P28).
pub const PRESENCE_STATE_BYTES_MAX: usize = 2048;
/// Characters of a tab's name.
pub const PRESENCE_TAB_CHARS_MAX: usize = 64;
/// Rooms of one connection; a room counts for each tab that is in it.
pub const PRESENCE_ROOMS_MAX: usize = 16;
/// Characters of a device id.
pub const DEVICE_ID_CHARS_MAX: usize = 64;
/// Bytes of the name that an outside program gives itself.
pub const ACTOR_BYTES_MAX: usize = 256;
/// Rows that a refused mutation names and that are looked up among what was refused before it (spec M16).
pub const INBOX_PARENTS_MAX: usize = 8;
/// Comparisons of lines or words that merging two texts may take; longer ones are left to a person (spec M14).
pub const TEXT_MERGE_STEPS_MAX: usize = 1_000_000;
/// Canonical bytes above which `was` carries a hash instead of the value (spec M3).
pub const WAS_VALUE_BYTES_MAX: usize = 256;
/// Acknowledged mutations that a device keeps (spec C16).
pub const RETAINED_MUTATIONS_MAX: usize = 1000;
/// How long a device keeps acknowledged mutations, in milliseconds (spec C16).
pub const RETAINED_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// Stored results kept per device (spec S4).
pub const LEDGER_RESULTS_MAX: u64 = 1000;
/// The longest pause between two attempts to connect, in milliseconds (spec C8).
pub const RECONNECT_DELAY_MS_MAX: u64 = 30_000;
/// A stream this old counts as healthy and resets the attempts, in milliseconds (spec C8).
pub const RECONNECT_HEALTHY_MS: u64 = 30_000;
/// Mutations of a device that wait for their acknowledgement; one more is rejected.
pub const PENDING_MUTATIONS_MAX: usize = 10_000;
/// How long a connection may take to open, and the welcome to come, in milliseconds each.
pub const CONNECT_MS_MAX: u64 = 15_000;
/// How long before its end the right to a stream is renewed, in milliseconds; half of it when it is shorter.
pub const RENEW_BEFORE_MS: u64 = 60_000;
/// The shortest pause before mutations are pushed again after a transient problem, in milliseconds.
pub const PUSH_PAUSE_MS_MIN: u64 = 100;
/// Milliseconds from a push to its results; beyond it the stream is dead (spec P19).
pub const RESULTS_MS_MAX: u64 = 30_000;
/// Bytes of a problem's sentence.
pub const PROBLEM_DETAIL_BYTES_MAX: usize = 1024;
/// Bytes of a problem's place.
pub const PROBLEM_PLACE_BYTES_MAX: usize = 256;
/// How often an alias may stand for a key that is itself an alias.
pub const ALIAS_STEPS_MAX: usize = 8;
/// Aliases that a device remembers; beyond it the oldest are forgotten (spec C19).
pub const ALIASES_MAX: usize = 10_000;
/// A connection that lived shorter, in milliseconds, was cut by something in between (spec C17).
pub const TRANSPORT_LIFE_SHORT_MS: u64 = 30_000;
/// So many in a row, and the next transport is tried.
pub const TRANSPORT_CUTS_MAX: u32 = 3;
/// How long a lower choice is kept before the better one is tried again, in milliseconds; it doubles each time in vain.
pub const TRANSPORT_RETURN_MS_FIRST: u64 = 600_000;
/// See above.
pub const TRANSPORT_RETURN_MS_MAX: u64 = 3_600_000;
/// The same when the network was away and nothing speaks against the better one.
pub const TRANSPORT_RETURN_SOON_MS: u64 = 30_000;
