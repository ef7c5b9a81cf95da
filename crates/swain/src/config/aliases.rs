//! Variables of other set-ups: which of them Swain takes as its own, and what becomes of the rest.
//! `docs/configuration.md` shows this table; a test holds the two together.

/// A variable that somebody may bring along.
#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) name: &'static str,
    pub(crate) meaning: Meaning,
}

/// What a variable is for Swain.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// The same as this key. Weaker than `SWAIN_…`.
    Key(&'static str),
    /// An option of the browser client, given to `createClient`.
    Client(&'static str),
    /// Has no counterpart, and why.
    Nothing(&'static str),
}

use Meaning::{Client, Key, Nothing};

/// What there is to say about variables that are set and are no setting of the server.
pub(crate) fn notes(is_set: impl Fn(&str) -> bool) -> Vec<String> {
    let told = ALIASES.iter().filter(|alias| is_set(alias.name)).filter_map(|alias| match alias.meaning {
        Key(_) => None,
        Client(option) => {
            Some(format!("{} is no setting of the server; give it to createClient as `{option}`", alias.name))
        }
        Nothing(why) => Some(format!("{} does nothing here: {why}", alias.name)),
    });
    told.collect()
}

pub(crate) const ALIASES: &[Alias] = &[
    Alias { name: "SSE_HEARTBEAT_INTERVAL", meaning: Key("server.heartbeat_ms") },
    Alias { name: "MAX_SSE_CONNECTIONS", meaning: Key("server.max_connections") },
    Alias { name: "CHANGE_LOG_RETENTION_DAYS", meaning: Key("sync.retention_days") },
    Alias {
        name: "SSE_ENABLED",
        meaning: Nothing("events are one of several transports; clients choose with `transports`"),
    },
    Alias { name: "VITE_SSE_ENABLED", meaning: Client("transports") },
    Alias { name: "VITE_SSE_RECONNECT_ATTEMPTS", meaning: Client("attempts") },
    Alias { name: "VITE_SSE_RECONNECT_DELAY", meaning: Client("firstDelayMs") },
    Alias { name: "VITE_SYNC_DEBUG", meaning: Client("debug") },
    Alias { name: "VITE_SUPABASE_URL", meaning: Client("url") },
    Alias { name: "VITE_SUPABASE_ANON_KEY", meaning: Nothing("visitors need no key; rules say what they may read") },
    Alias { name: "DATABASE_URL", meaning: Key("database.url") },
    Alias { name: "POSTGRES_PASSWORD", meaning: Nothing("belongs to the database's own set-up") },
    Alias { name: "GOTRUE_DB_DRIVER", meaning: Nothing("accounts are in the same database") },
    Alias { name: "KONG_DATABASE", meaning: Nothing("no gateway is needed in front") },
    Alias { name: "KONG_DECLARATIVE_CONFIG", meaning: Nothing("no gateway is needed in front") },
    Alias { name: "USE_BACKEND_SYNC", meaning: Nothing("the application decides whether it calls `client.start()`") },
];
