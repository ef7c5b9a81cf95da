//! A server in this process, over SQLite.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use swain_core::rule::{Expression, Operand};
use swain_core::{Name, Row, Value};
use swain_engine::{Engine, TableConfig};
use swain_server::{Running, Secret, Server, ServerConfig, now};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::{Head, Store as _};
use swain_testkit::wait_for;
use tempfile::TempDir;

pub(crate) struct Stage {
    running: Running,
    engine: Arc<Engine<SqliteStore>>,
    /// Goes with the stage.
    folder: TempDir,
}

impl Stage {
    /// The tables are everybody's, visitors' too; shapes may select by these columns.
    pub(crate) async fn start(
        sql: &str,
        tables: &[(&str, &[&str])],
        configure: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        Self::start_with(sql, tables.iter().map(everybodys).collect(), configure).await
    }

    /// The same, with settings of its own for each table.
    pub(crate) async fn start_with(
        sql: &str,
        tables: BTreeMap<String, TableConfig>,
        configure: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("test.db"), SqliteOptions::system()).unwrap();
        store.execute_outside(sql).await.unwrap();
        let engine = Arc::new(Engine::open(Arc::new(store), &tables, now()).await.unwrap());
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut config = ServerConfig::new(listen, Secret::new([7; 32]).unwrap());
        configure(&mut config);
        let running = Server::start(config, Arc::clone(&engine)).await.unwrap();
        Self { running, engine, folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// The database, for other programs.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    pub(crate) async fn head(&self) -> Head {
        self.engine.store().head().await.unwrap()
    }

    /// The rows of a table that are in the database, in order of key.
    pub(crate) async fn rows(&self, table: &str, only: Option<(&str, i64)>) -> Vec<Row> {
        let predicate = match only {
            None => Expression::Constant(true),
            Some((column, value)) => {
                Expression::Equal(Operand::Column(Name::from(column)), Operand::Literal(Value::Int(value)))
            }
        };
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let load = || self.engine.store().load(Name::from(table), predicate.clone(), after.clone(), 1000);
            // While a table is being changed it cannot be read for a moment.
            let chunk = wait_for("rows", || async { load().await.ok() }).await;
            rows.extend(chunk.rows);
            after = chunk.more;
            if after.is_none() {
                return rows;
            }
        }
    }
}

pub(crate) fn everybodys((name, scopes): &(&str, &[&str])) -> (String, TableConfig) {
    let config = TableConfig {
        read: Some("true".into()),
        write: Some("true".into()),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..TableConfig::default()
    };
    ((*name).to_owned(), config)
}
