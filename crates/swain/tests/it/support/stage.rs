//! A server in this process, over either database.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use swain_core::rule::{Expression, Operand};
use swain_core::{Name, Row, Value};
use swain_engine::{Engine, TableConfig};
use swain_postgres::{PostgresOptions, PostgresStore};
use swain_server::{Running, Secret, Server, ServerConfig, now};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::{Head, Store as _};
use swain_testkit::{PATIENCE, postgres, wait_for};
use tempfile::TempDir;

use crate::support::any_store::AnyStore;

/// Which database a story is told on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

pub(crate) struct Stage {
    running: Running,
    engine: Arc<Engine<AnyStore>>,
    /// Goes with the stage.
    place: Place,
}

enum Place {
    Folder(TempDir),
    /// The address of a database of its own.
    Server(String),
}

/// Another program that writes to the database.
pub(crate) enum Outside {
    Sqlite(Connection),
    /// A session for each piece of SQL.
    Postgres(String),
}

impl Stage {
    /// Over SQLite. The tables are everybody's, visitors' too; shapes may select by these columns.
    pub(crate) async fn start(
        sql: &str,
        tables: &[(&str, &[&str])],
        configure: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        Self::start_on(On::Sqlite, sql, tables.iter().map(everybodys).collect(), configure).await
    }

    /// Over either, with settings for each table.
    pub(crate) async fn start_on(
        on: On,
        sql: &str,
        tables: BTreeMap<String, TableConfig>,
        configure: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let (store, place) = match on {
            On::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let store = SqliteStore::open(folder.path().join("test.db"), SqliteOptions::system()).unwrap();
                store.execute_outside(sql).await.unwrap();
                (AnyStore::Sqlite(store), Place::Folder(folder))
            }
            On::Postgres => {
                let url = postgres::database();
                postgres::run_sql(&url, sql);
                let store = PostgresStore::open(PostgresOptions::new(&url)).await.unwrap();
                (AnyStore::Postgres(store), Place::Server(url))
            }
        };
        let engine = Arc::new(Engine::open(Arc::new(store), &tables, now()).await.unwrap());
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut config = ServerConfig::new(listen, Secret::new([7; 32]).unwrap());
        configure(&mut config);
        let running = Server::start(config, Arc::clone(&engine)).await.unwrap();
        Self { running, engine, place }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// The file of a database that has one.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.place {
            Place::Folder(folder) => folder.path().join("test.db"),
            Place::Server(_) => panic!("this database is in a server"),
        }
    }

    pub(crate) fn outside(&self) -> Outside {
        match &self.place {
            Place::Folder(_) => {
                let outside = Connection::open(self.path()).unwrap();
                outside.busy_timeout(PATIENCE).unwrap();
                outside.execute_batch("PRAGMA foreign_keys = ON").unwrap();
                Outside::Sqlite(outside)
            }
            Place::Server(url) => Outside::Postgres(url.clone()),
        }
    }

    /// True when that was news.
    pub(crate) async fn pause(&self, table: &str) -> bool {
        let paused = match &self.place {
            Place::Folder(_) => swain_sqlite::pause(self.path(), table),
            Place::Server(url) => swain_postgres::pause(PostgresOptions::new(url), table).await,
        };
        paused.unwrap()
    }

    /// True when that was news.
    pub(crate) async fn resume(&self, table: &str) -> bool {
        let resumed = match &self.place {
            Place::Folder(_) => swain_sqlite::resume(self.path(), table),
            Place::Server(url) => swain_postgres::resume(PostgresOptions::new(url), table).await,
        };
        resumed.unwrap()
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

impl Outside {
    /// Statements; what the database says to them if it refuses. Nothing stays open then.
    pub(crate) fn run(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => {
                let done = connection.execute_batch(sql).map_err(|error| error.to_string());
                if !connection.is_autocommit() {
                    connection.execute_batch("ROLLBACK").unwrap();
                }
                done
            }
            Self::Postgres(url) => postgres::try_sql(url, sql).map(drop),
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
