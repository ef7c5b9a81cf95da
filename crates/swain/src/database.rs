//! The database of a command.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use swain_postgres::{PostgresOptions, PostgresStore};
use swain_sqlite::{ServerLock, SqliteOptions, SqliteStore};

use crate::any_store::AnyStore;

/// Where a database is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL server's, with the certificates that are trusted for it.
    Server {
        /// May hold a password: it is never shown.
        url: String,
        root_certificate: Option<PathBuf>,
    },
}

#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) store: Arc<AnyStore>,
}

impl Location {
    /// The file; none of a server's.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server { .. } => None,
        }
    }

    /// Keeps other servers away from a file; on PostgreSQL servers are equal, and any number may be there.
    pub(crate) fn lock(&self) -> anyhow::Result<Option<ServerLock>> {
        Ok(self.file().map(ServerLock::take).transpose()?)
    }

    pub(crate) fn postgres_options(&self) -> Option<PostgresOptions> {
        let Self::Server { url, root_certificate } = self else { return None };
        let root_certificate = root_certificate.clone();
        Some(PostgresOptions { root_certificate, ..PostgresOptions::new(url) })
    }
}

/// True of an address of a PostgreSQL database, where a file could be meant.
pub(crate) fn is_address(text: &Path) -> bool {
    let text = text.to_string_lossy();
    ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
}

/// True when an address holds a password.
pub(crate) fn has_password(url: &str) -> bool {
    let (place, options) = url.split_once('?').unwrap_or((url, ""));
    let who = place.split_once("://").map_or("", |(_, rest)| rest.rsplit_once('@').map_or("", |(who, _)| who));
    who.contains(':') || options.split('&').any(|option| option.starts_with("password="))
}

/// For people and logs, so without user and password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server { url, .. } => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let (place, _options) = rest.split_once('?').unwrap_or((rest, ""));
                let (_who, place) = place.rsplit_once('@').unwrap_or(("", place));
                write!(f, "{scheme}://{place}")
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

impl Database {
    /// The database at this place, which has to be there: its tables are the application's.
    pub(crate) async fn open(location: &Location) -> anyhow::Result<Self> {
        match location {
            Location::File(path) if !path.exists() => bail!(
                "there is no database {}; make it with your tables first; `swain init` makes one to begin with",
                path.display()
            ),
            location => Self::open_or_create(location).await,
        }
    }

    pub(crate) async fn open_or_create(location: &Location) -> anyhow::Result<Self> {
        let unusable = || format!("the database {location} cannot be used");
        let store = match (location, location.postgres_options()) {
            (_, Some(options)) => AnyStore::Postgres(PostgresStore::open(options).await.with_context(unusable)?),
            (Location::File(path), None) => {
                AnyStore::Sqlite(SqliteStore::open(path, SqliteOptions::system()).with_context(unusable)?)
            }
            (Location::Server { .. }, None) => bail!("{location} is no place of a database"),
        };
        Ok(Self { store: Arc::new(store) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_known() {
        for url in ["postgres://ada:secret@db/club", "postgres:///club?host=/run&password=secret"] {
            assert!(has_password(url), "{url}");
        }
        for url in ["postgres://ada@db:5432/club", "postgresql://localhost:1/club", "postgres:///club?host=/run"] {
            assert!(!has_password(url), "{url}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://ada:se/cr@et@db.example:5432/club?sslmode=require", "postgres://db.example:5432/club"),
            ("postgresql://localhost/club", "postgresql://localhost/club"),
            ("postgres://ada:secret@/club?host=/run/postgresql&password=secret", "postgres:///club"),
        ] {
            let location = Location::Server { url: url.to_owned(), root_certificate: None };
            assert_eq!(
                (location.to_string(), format!("{location:?}")),
                (shown.to_owned(), format!("Location({shown})"))
            );
        }
    }
}
