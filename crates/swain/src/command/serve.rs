//! `swain serve`

use std::net::SocketAddr;

use swain_server::Assets;

use crate::common::Common;
use crate::project::Project;
use crate::run::run;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  swain serve
  swain serve --listen 0.0.0.0:8080
  SWAIN_DATABASE_PATH=/srv/app.db swain serve --config /etc/swain.toml

Ctrl-C drains: everybody is told when to come back, nothing is lost. A second Ctrl-C ends it at once.")]
pub(crate) struct Serve {
    /// Where to listen; overrides [server] listen. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let project = Project::read(common)?;
        let location = project.location()?;
        let database = project.open().await?;
        let _lock = location.lock()?;
        let engine = project.engine(&database).await?;
        let mut server = project.server_config()?;
        server.listen = self.listen.unwrap_or(server.listen);
        server.public = Assets::Folder(project.place.resolve(&project.config.server.public));
        run(server, engine, |address| {
            let text = format!("Swain serves {location} at http://{address}");
            common.report(
                &text,
                &serde_json::json!({ "database": location.to_string(), "address": format!("http://{address}") }),
            );
        })
        .await
    }
}
