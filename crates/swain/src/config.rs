//! `swain.toml`, and the environment over it.

mod aliases;
mod environment;
mod external;
mod keys;
mod limits;
mod mail;
mod retention;
mod source;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use swain_core::Millis;
use swain_engine::limits::{HEARTBEAT_MS, SESSIONS_MAX, USER_SESSIONS_MAX};
use swain_engine::{SessionLimits, TableConfig};
use swain_server::limits::CONNECTIONS_MAX;
use swain_server::{Proxies, ServerConfig, SignUp, TlsFiles, Transport};
use toml::{Table, Value};

pub(crate) use aliases::notes;
use external::ExternalSection;
use limits::LimitsSection;
use mail::MailSection;
pub(crate) use source::Source;

use crate::database::Location;
use crate::secret;

/// The pause between two looks at whether the certificate was renewed.
const TLS_LOOK: Duration = Duration::from_secs(60);

/// The whole file. An unknown key is an error with its place.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) server: ServerSection,
    pub(crate) database: DatabaseSection,
    pub(crate) sync: SyncSection,
    pub(crate) auth: AuthSection,
    pub(crate) limits: LimitsSection,
    pub(crate) mail: Option<MailSection>,
    pub(crate) tables: BTreeMap<String, TableConfig>,
}

/// `[server]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSection {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// The certificate, with its chain, of a server that speaks TLS itself.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its key.
    pub(crate) tls_key: Option<PathBuf>,
    /// The folder that is served outside `/api`.
    pub(crate) public: PathBuf,
    /// Origins besides its own whose pages may connect.
    pub(crate) allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` says where a request comes from: addresses and networks.
    pub(crate) trusted_proxies: Vec<String>,
    /// The longest silence on a stream.
    pub(crate) heartbeat_ms: NonZeroU64,
    /// Devices that may be connected at once.
    pub(crate) max_connections: NonZeroUsize,
    /// Devices of one user that may be connected at once.
    pub(crate) max_user_connections: NonZeroUsize,
    /// The ways to a stream that are open: websocket, sse, poll.
    pub(crate) transports: Vec<String>,
    /// Whether what is sent may be compressed.
    pub(crate) compression: bool,
    /// Who shows it may read `/metrics`; without it, only this machine may.
    pub(crate) metrics_token: Option<String>,
}

/// `[database]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DatabaseSection {
    /// The SQLite file.
    pub(crate) path: PathBuf,
    /// A PostgreSQL database instead of the file.
    pub(crate) url: Option<String>,
    /// Certificates that are trusted for it instead of the operating system's.
    pub(crate) root_certificate: Option<PathBuf>,
}

/// `[sync]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SyncSection {
    /// How long the log is kept: a device that was away for longer loads anew.
    pub(crate) retention_days: NonZeroU32,
}

/// `[auth]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuthSection {
    /// What signs the tokens. Better in a file or in the environment.
    pub(crate) jwt_secret: Option<String>,
    /// A file with it; made when it is missing.
    pub(crate) jwt_secret_file: Option<PathBuf>,
    /// Whether everybody may make an account.
    pub(crate) sign_up: bool,
    /// Tokens of the application's own identity provider.
    pub(crate) external: Option<ExternalSection>,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            tls_certificate: None,
            tls_key: None,
            public: "public".into(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            heartbeat_ms: const { NonZeroU64::new(HEARTBEAT_MS).expect("it is not 0") },
            max_connections: const { NonZeroUsize::new(SESSIONS_MAX).expect("it is not 0") },
            max_user_connections: const { NonZeroUsize::new(USER_SESSIONS_MAX).expect("it is not 0") },
            transports: Transport::ALL.iter().map(|transport| transport.as_str().to_owned()).collect(),
            compression: true,
            metrics_token: None,
        }
    }
}

impl Default for DatabaseSection {
    fn default() -> Self {
        Self { path: "swain.db".into(), url: None, root_certificate: None }
    }
}

impl Default for SyncSection {
    fn default() -> Self {
        Self { retention_days: const { NonZeroU32::new(30).expect("it is not 0") } }
    }
}

impl Default for AuthSection {
    fn default() -> Self {
        Self { jwt_secret: None, jwt_secret_file: None, sign_up: true, external: None }
    }
}

impl ServerSection {
    fn tls(&self, place: &Place) -> anyhow::Result<Option<TlsFiles>> {
        match (&self.tls_certificate, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (place.resolve(certificate), place.resolve(key));
                Ok(Some(TlsFiles { certificate, key, look: TLS_LOOK }))
            }
            _ => bail!("[server] tls_certificate and tls_key go together"),
        }
    }

    fn transports(&self) -> anyhow::Result<Vec<Transport>> {
        let read = |name: &String| {
            let unknown = || anyhow::anyhow!("[server] transports has '{name}'; there are websocket, sse and poll");
            Transport::from_text(name).ok_or_else(unknown)
        };
        let transports: Vec<Transport> = self.transports.iter().map(read).collect::<anyhow::Result<_>>()?;
        if transports.is_empty() {
            bail!("[server] transports is empty; name at least one of websocket, sse and poll");
        }
        Ok(transports)
    }
}

/// The folder that relative paths of a configuration start from.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn of_file(path: &Path) -> Self {
        Self(path.parent().unwrap_or(Path::new("")).to_owned())
    }

    pub(crate) fn of_folder(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.0.join(path)
    }
}

impl Config {
    pub(crate) fn read_file(path: &Path) -> anyhow::Result<(Self, Source)> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!(
                    "there is no {}; `swain init` makes one, --config names another, and `swain demo` needs none",
                    path.display()
                )
            }
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        Self::read(&text, &source::name_of(path))
    }

    /// The text of a file, and the environment over it.
    pub(crate) fn read(text: &str, name: &str) -> anyhow::Result<(Self, Source)> {
        let source = Source::new(name, text);
        // The file alone first: only there an error has a place.
        if let Err(error) = toml::from_str::<Self>(text) {
            return Err(source.wrong(&error));
        }
        let mut tree: Table = text.parse().map_err(|error| source.wrong(&error))?;
        // Names that do not exist and text that is not Unicode cannot be settings.
        let variables =
            std::env::vars_os().filter_map(|(name, text)| name.into_string().ok().zip(text.into_string().ok()));
        let origins = environment::apply(&mut tree, variables)?;
        let config = Self::deserialize(Value::Table(tree)).map_err(|error| source.wrong(&error))?;
        Ok((config, source.with_origins(origins)))
    }

    pub(crate) fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            sessions: self.server.max_connections.get(),
            user_sessions: self.server.max_user_connections.get(),
        }
    }

    /// Where the database is: as configured, or a file by the same name in another folder.
    pub(crate) fn location(&self, place: &Place, data: Option<&Path>) -> anyhow::Result<Location> {
        let DatabaseSection { path, url, root_certificate } = &self.database;
        if let Some(url) = url {
            if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
                bail!("[database] url is postgres://user@host/database; an SQLite file is named by [database] path");
            }
            let root_certificate = root_certificate.as_ref().map(|path| place.resolve(path));
            return Ok(Location::Server { url: url.clone(), root_certificate });
        }
        Ok(Location::File(match (data, path.file_name()) {
            (Some(data), Some(name)) => data.join(name),
            (Some(_), None) | (None, _) => place.resolve(path),
        }))
    }

    /// The server's part, with its secret: as configured, or kept beside the database's file, or beside the configuration.
    pub(crate) fn server_config(&self, place: &Place, database: &Location) -> anyhow::Result<ServerConfig> {
        let secret = match (&self.auth.jwt_secret, &self.auth.jwt_secret_file) {
            (Some(_), Some(_)) => bail!("give [auth] jwt_secret or jwt_secret_file, not both"),
            (Some(text), None) => secret::read(text, "[auth] jwt_secret")?,
            (None, Some(path)) => secret::read_or_make(&place.resolve(path))?,
            (None, None) => secret::read_or_make(&match database.file() {
                Some(file) => file.with_file_name("jwt.secret"),
                None => place.resolve(Path::new("jwt.secret")),
            })?,
        };
        let mut config = ServerConfig::new(self.server.listen, secret);
        config.tls = self.server.tls(place)?;
        config.retention = self.retention()?;
        config.allowed_origins = self.server.allowed_origins.clone();
        let proxies = self.server.trusted_proxies.iter().map(|text| text.parse::<Proxies>());
        let proxies: Result<Proxies, String> = proxies.collect();
        config.trusted_proxies = proxies.map_err(|error| anyhow::anyhow!("[server] trusted_proxies: {error}"))?;
        config.rates = self.limits.rates()?;
        config.heartbeat = Millis(self.server.heartbeat_ms.get());
        // Pages and sign-ins need connections, too.
        config.connections = self.server.max_connections.get().saturating_add(CONNECTIONS_MAX - SESSIONS_MAX);
        config.transports = self.server.transports()?;
        config.compression = self.server.compression;
        let token = self.server.metrics_token.as_deref().map(|text| secret::read(text, "[server] metrics_token"));
        config.metrics_token = token.transpose()?;
        config.external = self.auth.external.as_ref().map(|external| external.read(place)).transpose()?;
        config.mails = self.mail.as_ref().map(MailSection::mails).transpose()?;
        config.sign_up = match self.auth.sign_up {
            true => SignUp::Open,
            false => SignUp::Closed,
        };
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::aliases::{ALIASES, Meaning};
    use super::environment::variable;
    use super::keys::{ANY, keys};

    const PAGE: &str = include_str!("../../../docs/configuration.md");

    #[test]
    fn the_page_lists_every_key_with_its_variable_and_no_other() {
        for key in keys() {
            let row = format!("| `{}` | `{}` |", key.to_string().replace(ANY, "NAME"), variable(&key));
            assert!(PAGE.contains(&row), "docs/configuration.md has no row that begins with\n{row}");
        }
        let rows = PAGE.lines().filter(|line| line.contains("| `SWAIN_"));
        assert_eq!(rows.count(), keys().len(), "docs/configuration.md has a row of a key that there is not");
    }

    #[test]
    fn the_page_lists_every_variable_of_other_set_ups() {
        for alias in ALIASES {
            let row = PAGE.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{}`", alias.name)));
            let row = row.unwrap_or_else(|| panic!("docs/configuration.md has no row of {}", alias.name));
            let meaning = match alias.meaning {
                Meaning::Key(key) => {
                    assert!(keys().iter().any(|known| known.to_string() == key), "{key} is no key");
                    format!("`{key}`")
                }
                Meaning::Client(option) => format!("client option `{option}`"),
                Meaning::Nothing(why) => format!("nothing: {why}"),
            };
            assert!(row.contains(&meaning), "{row} does not say {meaning}");
        }
    }
}
