//! `swain serve`

use std::net::SocketAddr;
use std::path::PathBuf;

use swain_server::Assets;

use crate::config::{Config, Place};
use crate::database::Database;
use crate::lock::Lock;
use crate::run::run;

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The configuration file.
    #[arg(long, default_value = "swain.toml")]
    config: PathBuf,
    /// Where to listen; overrides [server] listen. Port 0 takes a free one.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// The folder of database and secret; overrides where [database] path puts them.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Serve {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let place = Place::of_file(&self.config);
        let mut config = Config::read_file(&self.config)?;
        config.server.listen = self.listen.unwrap_or(config.server.listen);
        let path = config.database_path(&place, self.data.as_deref());
        let database = Database::open(&path)?;
        let _lock = Lock::take(&path)?;
        let engine = database.engine(&config.tables).await?;
        let mut server = config.server_config(&place, &path)?;
        server.public = Assets::Folder(place.resolve(&config.server.public));
        run(server, engine, |address| {
            println!("Swain serves {} at http://{address}", path.display());
        })
        .await
    }
}
