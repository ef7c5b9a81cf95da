//! Problems: what goes wrong, with a code that never changes, and a place.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::ids::Name;
use crate::limits::{PROBLEM_DETAIL_BYTES_MAX, PROBLEM_PLACE_BYTES_MAX};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal;)*) => {
        /// The stable code of a problem. The text is the contract; the variant is for Rust.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, for documentation and tests.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The code as it travels.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Code::$variant => $status,)* }
            }

            /// The code of this text, if it is one of ours.
            pub fn from_text(text: &str) -> Option<Code> {
                match text { $($text => Some(Code::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// The bytes are not JSON.
    MalformedJson = "malformed_json", 400;
    /// An object names a member twice.
    DuplicateName = "duplicate_name", 400;
    /// A string holds U+0000.
    NulInText = "nul_in_text", 400;
    /// A string holds half of a surrogate pair.
    LoneSurrogate = "lone_surrogate", 400;
    /// Nested deeper than 64.
    TooDeep = "too_deep", 400;
    /// A number outside what the place takes.
    NumberOutOfRange = "number_out_of_range", 400;
    /// A member that has to be there is not.
    MissingMember = "missing_member", 400;
    /// A member has the wrong JSON type, or a value is not of its column's type.
    WrongType = "wrong_type", 400;
    /// A message that is no object with exactly one member.
    MalformedMessage = "malformed_message", 400;
    /// A message kind that this server does not know.
    UnknownMessage = "unknown_message", 400;
    /// A protocol version that this server does not speak.
    UnknownProtocol = "unknown_protocol", 426;
    /// The first message has to be a hello, and only the first.
    HelloExpected = "hello_expected", 400;
    /// A table that is not synced.
    UnknownTable = "unknown_table", 400;
    /// A column that the table does not have.
    UnknownColumn = "unknown_column", 400;
    /// A filter that is not of the allowed form.
    BadFilter = "bad_filter", 400;
    /// A shape with a filter that names no scope column.
    ShapeNeedsScope = "shape_needs_scope", 400;
    /// A key with the wrong number or type of values.
    BadKey = "bad_key", 400;
    /// A column appears twice in one operation.
    ColumnTwice = "column_twice", 400;
    /// A column that only the server fills.
    ColumnReadonly = "column_readonly", 403;
    /// No, or no valid, access token.
    Unauthenticated = "unauthenticated", 401;
    /// The access token has expired.
    TokenExpired = "token_expired", 401;
    /// A refresh token was used twice; its family is revoked.
    RefreshReused = "refresh_reused", 401;
    /// E-mail or password is wrong.
    WrongCredentials = "wrong_credentials", 401;
    /// The e-mail address has an account.
    EmailTaken = "email_taken", 409;
    /// Not an e-mail address.
    BadEmail = "bad_email", 400;
    /// The account's address has to be verified first.
    EmailUnverified = "email_unverified", 403;
    /// The link of a mail was used, is too old, or is none of ours.
    LinkEnded = "link_ended", 410;
    /// The server is configured without mails.
    MailOff = "mail_off", 404;
    /// A password too short or too long.
    BadPassword = "bad_password", 400;
    /// Another origin than the server's own.
    OriginNotAllowed = "origin_not_allowed", 403;
    /// The device belongs to another user.
    DeviceNotYours = "device_not_yours", 403;
    /// The stream's user cannot change.
    UserChanged = "user_changed", 403;
    /// The mutation's number is not the next one.
    MutationGap = "mutation_gap", 409;
    /// The same number with other content: the device was cloned.
    MutationMismatch = "mutation_mismatch", 409;
    /// The same device connected elsewhere.
    Superseded = "superseded", 409;
    /// Try the same again after a pause.
    Transient = "transient", 503;
    /// The database's table no longer fits what the configuration says of it; edits wait until it does.
    TableClosed = "table_closed", 503;
    /// The disk is full.
    StorageFull = "storage_full", 503;
    /// Too many connections.
    Overloaded = "overloaded", 503;
    /// The server is going down.
    Draining = "draining", 503;
    /// The rules do not allow it.
    NotAllowed = "not_allowed", 403;
    /// The row is not there (or not for this user).
    RowGone = "row_gone", 404;
    /// A temporary id stands for nothing: the row that it would have named was never made.
    ParentMissing = "parent_missing", 409;
    /// An upsert on columns that are no unique key of the table.
    NotUnique = "not_unique", 400;
    /// The row was changed by somebody else since the person saw it, and nobody but a person may decide.
    Conflict = "conflict", 409;
    /// Somebody has decided this already.
    AlreadyResolved = "already_resolved", 409;
    /// A row with this key is there.
    IdTaken = "id_taken", 409;
    /// A NOT NULL column has no value.
    NotNull = "not_null", 422;
    /// A CHECK constraint says no.
    CheckFailed = "check_failed", 422;
    /// A text or bytes longer than their column takes.
    TooLong = "too_long", 422;
    /// A UNIQUE constraint says no.
    Duplicate = "duplicate", 409;
    /// A referenced row is not there, or a row is still referenced.
    ForeignKey = "foreign_key", 409;
    /// Another rule of the database says no.
    ConstraintFailed = "constraint_failed", 422;
    /// Nothing is at this address.
    NotFound = "not_found", 404;
    /// The server does not have this list of shapes any more: send it again.
    UnknownShapes = "unknown_shapes", 404;
    /// The server is configured without this transport.
    TransportOff = "transport_off", 404;
    /// The address takes another method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The body has another media type.
    UnsupportedMedia = "unsupported_media", 415;
    /// The message is larger than the limit.
    LimitMessageBytes = "limit_message_bytes", 413;
    /// More shapes than the limit.
    LimitShapes = "limit_shapes", 400;
    /// More mutations in a push than the limit.
    LimitPushMutations = "limit_push_mutations", 400;
    /// More operations in a mutation than the limit.
    LimitMutationOperations = "limit_mutation_operations", 400;
    /// More mutations without acknowledgement on a device than the limit.
    LimitPendingMutations = "limit_pending_mutations", 429;
    /// A row larger than the limit.
    LimitRowBytes = "limit_row_bytes", 413;
    /// A filter deeper or larger than the limit.
    LimitFilter = "limit_filter", 400;
    /// Messages come faster than the limit.
    LimitMessageRate = "limit_message_rate", 429;
    /// More requests or mutations of one person than the limit.
    LimitRate = "limit_rate", 429;
    /// More sessions of one user than the limit.
    LimitUserSessions = "limit_user_sessions", 429;
    /// What a tab says of itself is larger than the limit.
    LimitPresenceBytes = "limit_presence_bytes", 413;
    /// More rooms of one connection than the limit.
    LimitPresenceRooms = "limit_presence_rooms", 429;
    /// More in one room than the limit.
    LimitPresenceMembers = "limit_presence_members", 429;
    /// Something is wrong inside the server.
    Internal = "internal", 500;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A problem as it goes to the other side (spec P12).
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What happened; stable.
    pub code: Code,
    /// For people: what happened and what to do.
    pub detail: String,
    /// Where in the input.
    pub at: Option<String>,
    /// Which rule of the data was broken, if it was one (spec S17).
    pub constraint: Option<Box<Constraint>>,
}

/// A rule of the data: of the database's schema, or declared in the configuration (spec S17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// The table that has the rule.
    pub table: Name,
    /// The columns that it is about; none when the database does not say.
    pub columns: Vec<Name>,
    /// The rule: a name or an expression of the schema, `NOT NULL`, `UNIQUE`, `REFERENCES owners (id)`.
    pub rule: String,
}

impl Constraint {
    /// A rule of some columns of a table.
    pub fn new(table: &Name, columns: Vec<Name>, rule: impl Into<String>) -> Self {
        Self { table: table.clone(), columns, rule: clipped(rule.into(), PROBLEM_PLACE_BYTES_MAX) }
    }
}

impl Problem {
    /// A problem with a sentence for people.
    ///
    /// Names from outside end up in it, and it is stored and sent again: it is clipped.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: clipped(detail.into(), PROBLEM_DETAIL_BYTES_MAX), at: None, constraint: None }
    }

    /// The same problem with the place where it was found.
    pub fn at(mut self, place: impl ToString) -> Self {
        self.at = Some(clipped(place.to_string(), PROBLEM_PLACE_BYTES_MAX));
        self
    }

    /// The same problem with the rule that was broken.
    pub fn breaks(mut self, constraint: Constraint) -> Self {
        self.constraint = Some(Box::new(constraint));
        self
    }
}

fn clipped(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        match &self.at {
            Some(at) => write!(f, " (at {at})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Problem {}
