//! Limits of the engine, each with its name (spec P16). Those of the protocol are in `swain_core::limits`.

/// Rows read for one chunk of a load.
pub const LOAD_CHUNK_ROWS_MAX: usize = 1000;
/// Canonical bytes of rows in one chunk of a load.
pub const LOAD_CHUNK_BYTES_MAX: usize = 256 * 1024;
/// Changes read from the log at once.
pub const LOG_PAGE_CHANGES_MAX: usize = 1000;
/// Relevant changes that a device may be behind; beyond it, its shapes are loaded anew.
pub const CATCH_UP_CHANGES_MAX: usize = 10_000;
/// Bytes that wait for one session; beyond it, the session reads the log from its cursor.
pub const SESSION_QUEUE_BYTES_MAX: usize = 256 * 1024;
/// Pushes of one session that wait for an answer.
pub const SESSION_PUSHES_MAX: usize = 8;
/// Messages a second that a session may send in the long run.
pub const MESSAGES_PER_SECOND: u64 = 100;
/// Messages that a session may send at once.
pub const MESSAGES_BURST: u64 = 200;
/// Milliseconds from the opening of a connection to its hello.
pub const HELLO_MS_MAX: u64 = 5_000;
/// Milliseconds of silence after which the server sends a heartbeat.
pub const HEARTBEAT_MS: u64 = 15_000;
/// Sessions of one user, when the operator says nothing else.
pub const USER_SESSIONS_MAX: usize = 20;
/// Sessions of one server, when the operator says nothing else.
pub const SESSIONS_MAX: usize = 10_000;
/// About how many bytes an alias takes in a queue.
pub const ALIAS_BYTES: usize = 128;
/// Rows that an inner SELECT of a read rule may give for one session.
pub const RIGHTS_VALUES_MAX: usize = 10_000;
/// How often the rights of a session are read again because they moved meanwhile.
pub const RIGHTS_TRIES_MAX: usize = 10;
/// Values of one scope by which a session is found; with more, it looks at every change of the table.
pub const WATCH_VALUES_MAX: usize = 500;
/// SELECTs inside one another in a rule.
pub const RULE_DEPTH_MAX: usize = 3;
/// Steps of a row's history in one page.
pub const HISTORY_PAGE_MAX: usize = 100;
/// Changes of a row that are looked at for one page: some of them nobody may see who asks.
pub const HISTORY_LOOKED_MAX: usize = 1_000;
/// Tabs in one room.
pub const PRESENCE_MEMBERS_MAX: usize = 100;
/// Milliseconds between two times that a session hears of others; in between the latest counts (spec P28).
pub const PRESENCE_INTERVAL_MS: u64 = 50;
/// Heartbeats of silence after which a tab is no longer there.
pub const PRESENCE_SILENCES_MAX: u64 = 3;
/// What a session says of itself and waits to be taken in.
pub const PRESENCE_WAITING_MAX: usize = 32;
