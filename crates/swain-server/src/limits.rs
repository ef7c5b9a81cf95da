//! Limits of the server, each with its name (spec P16). Those of the protocol and the engine stand in their crates.

/// Connections of one server, whatever they carry, when the operator says nothing else.
pub const CONNECTIONS_MAX: usize = 12_000;
/// Milliseconds that a request's headers may take, from the first byte of the connection or the end of the last request.
pub const HEADERS_MS_MAX: u64 = 10_000;
/// Milliseconds that a request's body may take.
pub const BODY_MS_MAX: u64 = 10_000;
/// Bytes of a request body under `/api/auth`.
pub const AUTH_BODY_BYTES_MAX: usize = 16 * 1024;
/// Milliseconds without write progress after which a connection is given up (spec P15, 4410).
pub const WRITE_STALL_MS_MAX: u64 = 30_000;
/// Milliseconds for the last words of a connection.
pub const FAREWELL_MS_MAX: u64 = 2_000;
/// Bytes that are read and thrown away at the end of a connection, so that the other side reads what was said to it.
pub const FAREWELL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes that may wait for a connection inside the HTTP library, and of a request's headers.
pub const HTTP_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Bytes above which a frame, an answer or a file is compressed (spec P23).
pub const COMPRESS_BYTES_MIN: usize = 1024;
/// Bytes of events that are sent at once; more frames go in more batches.
pub const EVENTS_BATCH_BYTES: usize = 64 * 1024;
/// Bytes of frames after which the answer to a poll ends; the device asks again at once (spec P21).
pub const POLL_ANSWER_BYTES: usize = 1024 * 1024;
/// The longest that a poll may wait for news, in seconds.
pub const POLL_WAIT_S_MAX: u64 = 25;
/// Lists of shapes that are kept; of more, the longest unused goes (spec P20).
pub const SHAPE_LISTS_MAX: usize = 10_000;
/// Polls and batches of one device at once.
pub const REQUESTS_BURST: u64 = 200;
/// Milliseconds after which one more is allowed.
pub const REQUEST_INTERVAL_MS: u64 = 10;
/// Requests under `/api/auth` in a minute, of one user or of one address of visitors.
pub const AUTH_REQUESTS_PER_MINUTE: u64 = 600;
/// Other requests under `/api` in a minute, of one user or of one address of visitors.
pub const REQUESTS_PER_MINUTE: u64 = 6_000;
/// Mutations in a minute, of one user or of one address of visitors.
pub const WRITES_PER_MINUTE: u64 = 60_000;
/// Seconds for which a browser remembers what pages of other origins may do.
pub const PREFLIGHT_S_MAX: u64 = 600;

/// Bytes of a user's id that another identity provider gives.
pub const USER_ID_BYTES_MAX: usize = 256;
/// Bytes of an e-mail address.
pub const EMAIL_BYTES_MAX: usize = 254;
/// Characters of a person's name.
pub const NAME_CHARS_MAX: usize = 100;
/// Bytes of the shortest password.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Bytes of the longest password.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Sign-ins that wait for a core to hash on.
pub const HASHES_WAITING_MAX: usize = 64;
/// Failed sign-ins at once, of one address or for one account.
pub const FAILED_LOGINS_BURST: u64 = 20;
/// Milliseconds after which one more failed sign-in is allowed.
pub const FAILED_LOGIN_INTERVAL_MS: u64 = 3_000;
/// Mails to one address at once.
pub const MAILS_BURST: u64 = 3;
/// Milliseconds after which it may get one more.
pub const MAIL_INTERVAL_MS: u64 = 300_000;
/// Milliseconds that handing a mail over may take.
pub const MAIL_MS_MAX: u64 = 30_000;
/// Milliseconds for which a link to a new password is good: one hour.
pub const RESET_MS_MAX: u64 = 60 * 60 * 1000;
/// Milliseconds for which a link that shows an address is good: three days.
pub const VERIFY_MS_MAX: u64 = 3 * 24 * 60 * 60 * 1000;
/// Accounts that one address may make at once.
pub const SIGNUPS_BURST: u64 = 100;
/// Milliseconds after which it may make one more.
pub const SIGNUP_INTERVAL_MS: u64 = 10_000;
/// Characters that are kept of what a browser calls itself.
pub const AGENT_CHARS_MAX: usize = 200;
/// Users and sign-ins whose access tokens a server knows to have ended before their time; beyond it the longest ago is forgotten.
pub const REVOKED_MAX: usize = 100_000;
/// Addresses, users, accounts and devices that a throttle remembers, each kind of attempt by itself.
pub const THROTTLED_KEYS_MAX: usize = 10_000;

/// Bytes of one served file.
pub const ASSET_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Milliseconds between two looks at the log when nobody says that there is something new.
pub const FOLLOW_INTERVAL_MS: u64 = 1_000;
/// Milliseconds since the last good look at the log beyond which the server is not ready.
pub const FOLLOWER_AGE_MS_MAX: u64 = 5_000;

/// Milliseconds that the log is kept (spec S16): 30 days.
pub const RETENTION_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Milliseconds between the end of a clean-up of the log and the next.
pub const TRIM_INTERVAL_MS: u64 = 60_000;
/// Rows of the log that one step of a clean-up touches: what a write may have to wait for.
pub const TRIM_STEP_ROWS: usize = 32;
/// A clean-up rests for at most so many times as long as its last step took, the wait for the writer included.
pub const TRIM_REST_FACTOR_MAX: u32 = 200;
/// And for at least so many times, when the log grows faster than it is cleaned up.
pub const TRIM_REST_FACTOR_MIN: u32 = 2;
/// The shortest rest, in milliseconds.
pub const TRIM_REST_MS_MIN: u64 = 10;
/// Milliseconds between two lines in the log of a clean-up that goes on.
pub const TRIM_PROGRESS_MS: u64 = 60_000;

/// Milliseconds from the signal to the end (spec S10).
pub const DRAIN_MS_MAX: u64 = 10_000;
/// Devices that come back in one second after a drain (spec S10).
pub const RETURNS_PER_SECOND: u64 = 500;
/// The shortest spread of their return, in milliseconds.
pub const RETURN_SPREAD_MS_MIN: u64 = 1_000;

/// Milliseconds of silence after which a page of a developer hears a line that says nothing.
pub const DEV_SILENCE_MS_MAX: u64 = 15_000;
