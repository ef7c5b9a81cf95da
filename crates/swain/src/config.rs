//! `swain.toml`, and the environment over it.

mod environment;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use swain_core::Millis;
use swain_engine::{TableConfig, limits::HEARTBEAT_MS};
use swain_server::{ServerConfig, SignUp};

use crate::secret;

/// The whole file. An unknown key is an error with its place.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) server: ServerSection,
    pub(crate) database: DatabaseSection,
    pub(crate) auth: AuthSection,
    pub(crate) tables: BTreeMap<String, TableConfig>,
}

/// `[server]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSection {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// The folder that is served outside `/api`.
    pub(crate) public: PathBuf,
    /// Origins besides its own whose pages may connect.
    pub(crate) allowed_origins: Vec<String>,
    /// The longest silence on a stream.
    pub(crate) heartbeat_ms: u64,
}

/// `[database]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DatabaseSection {
    /// The SQLite file.
    pub(crate) path: PathBuf,
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
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public: "public".into(),
            allowed_origins: Vec::new(),
            heartbeat_ms: HEARTBEAT_MS,
        }
    }
}

impl Default for DatabaseSection {
    fn default() -> Self {
        Self { path: "swain.db".into() }
    }
}

impl Default for AuthSection {
    fn default() -> Self {
        Self { jwt_secret: None, jwt_secret_file: None, sign_up: true }
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
    pub(crate) fn read_file(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("there is no {}; write one, name another with --config, or see `swain demo`", path.display())
            }
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        Self::read(&text, &path.display().to_string())
    }

    pub(crate) fn read(text: &str, name: &str) -> anyhow::Result<Self> {
        let config: Self = match toml::from_str(text) {
            Ok(config) => config,
            // TOML's own text shows the line with a caret under the place.
            Err(error) => bail!("{name} is not right\n{error}"),
        };
        config.with_environment(std::env::vars())
    }

    /// Where the database is: as configured, or by the same name in another folder.
    pub(crate) fn database_path(&self, place: &Place, data: Option<&Path>) -> PathBuf {
        let path = &self.database.path;
        match (data, path.file_name()) {
            (Some(data), Some(name)) => data.join(name),
            (Some(_), None) | (None, _) => place.resolve(path),
        }
    }

    /// The server's part, with its secret: as configured, or kept beside the database.
    pub(crate) fn server_config(&self, place: &Place, database: &Path) -> anyhow::Result<ServerConfig> {
        let secret = match (&self.auth.jwt_secret, &self.auth.jwt_secret_file) {
            (Some(_), Some(_)) => bail!("give [auth] jwt_secret or jwt_secret_file, not both"),
            (Some(text), None) => secret::read(text, "[auth] jwt_secret")?,
            (None, Some(path)) => secret::read_or_make(&place.resolve(path))?,
            (None, None) => secret::read_or_make(&database.with_file_name("jwt.secret"))?,
        };
        let mut config = ServerConfig::new(self.server.listen, secret);
        config.allowed_origins = self.server.allowed_origins.clone();
        config.heartbeat = Millis(self.server.heartbeat_ms.max(1));
        config.sign_up = match self.auth.sign_up {
            true => SignUp::Open,
            false => SignUp::Closed,
        };
        Ok(config)
    }
}
