//! A server over a store, and people who sign in.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::{Value as Json, json};
use swain_core::{Column, ColumnType, Epoch, Schema, Table};
use swain_engine::{Engine, TableConfig};
use swain_postgres::{PostgresOptions, PostgresStore};
use swain_server::{Running, Secret, Server, ServerConfig, StartError, Transport, now};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::Store;
use swain_store::memory::{MemoryOptions, MemoryStore};
use swain_testkit::postgres;
use tempfile::TempDir;

use crate::socket::{Hello, Socket};

pub(crate) const PASSWORD: &str = "pickup-game";

pub(crate) struct Stage<S> {
    pub(crate) engine: Arc<Engine<S>>,
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
    /// Goes with the stage.
    _folder: Option<TempDir>,
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) access: String,
    pub(crate) expires: u64,
    pub(crate) cookie: String,
}

/// What came back over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
}

impl Stage<MemoryStore> {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let options = MemoryOptions {
            epoch: Epoch::from("e1"),
            schema: schema(),
            checks: BTreeMap::new(),
            seed: 7,
            planted: None,
        };
        Self::over(MemoryStore::new(options), None, change).await
    }

    /// With an engine of one's own.
    pub(crate) async fn of(engine: Engine<MemoryStore>, change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start(engine, None, change).await
    }
}

impl Stage<SqliteStore> {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let store = SqliteStore::open(&path, SqliteOptions::system()).unwrap();
        let tables = "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, a TEXT NOT NULL, n INTEGER);
            CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, a TEXT, owner TEXT);";
        store.execute_outside(tables).await.unwrap();
        Self::over(store, Some(folder), |_| {}).await
    }
}

impl Stage<PostgresStore> {
    /// With the address of its database.
    pub(crate) async fn postgres() -> (Self, String) {
        Self::postgres_with(|_| {}).await
    }

    pub(crate) async fn postgres_with(change: impl FnOnce(&mut ServerConfig)) -> (Self, String) {
        let url = postgres::database();
        let tables = "CREATE TABLE t (id text PRIMARY KEY, a text NOT NULL, n bigint);
            CREATE TABLE u (id text PRIMARY KEY, a text, owner text);";
        postgres::run_sql(&url, tables);
        let store = PostgresStore::open(PostgresOptions::new(&url)).await.unwrap();
        (Self::over(store, None, change).await, url)
    }
}

impl<S: Store> Stage<S> {
    async fn over(store: S, folder: Option<TempDir>, change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start(Engine::open(Arc::new(store), &tables(), now()).await.unwrap(), folder, change).await
    }

    async fn start(engine: Engine<S>, folder: Option<TempDir>, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let engine = Arc::new(engine);
        Self::try_start(config(change), engine, folder).await.unwrap()
    }

    async fn try_start(
        config: ServerConfig,
        engine: Arc<Engine<S>>,
        folder: Option<TempDir>,
    ) -> Result<Self, StartError> {
        let running = Server::start(config, Arc::clone(&engine)).await?;
        Ok(Self { engine, running, http: reqwest::Client::builder().no_gzip().build().unwrap(), _folder: folder })
    }

    /// Why it does not start so.
    pub(crate) async fn start_error(self, change: impl FnOnce(&mut ServerConfig)) -> StartError {
        let started = Self::try_start(config(change), Arc::clone(&self.engine), None).await;
        started.err().expect("it is not to start")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// A new person, by the name in front of the @.
    pub(crate) async fn signup(&self, name: &str) -> Account {
        let body = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
        self.post("/api/auth/signup", &body, &[]).await.account()
    }

    pub(crate) async fn login(&self, name: &str) -> Account {
        let body = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
        self.post("/api/auth/login", &body, &[]).await.account()
    }

    pub(crate) async fn post(&self, path: &str, body: &Json, headers: &[(&str, &str)]) -> Answer {
        let request = self.http.post(self.url(path)).body(body.to_string());
        let request = request.header("content-type", "application/json");
        Self::send(request, headers).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        Self::send(self.http.get(self.url(path)), headers).await
    }

    pub(crate) async fn send(request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Answer {
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Json::String(text));
        Answer { status, headers, body }
    }

    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(self.running.address).await
    }

    /// The same over any transport.
    pub(crate) async fn line(&self, transport: Transport) -> Socket {
        Socket::over_transport(self.running.address, transport).await
    }

    /// A device that holds all of t, and has caught up.
    pub(crate) async fn device(&self, token: Option<&str>, device: &str) -> Socket {
        self.device_over(Transport::WebSocket, token, device).await
    }

    /// The same over any transport.
    pub(crate) async fn device_over(&self, transport: Transport, token: Option<&str>, device: &str) -> Socket {
        let mut socket = self.line(transport).await;
        socket.greet(Hello::new(token, device)).await;
        socket.caught_up().await;
        socket
    }
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("no code")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn account(&self) -> Account {
        assert_eq!(self.status, 200, "{:?}", self.body);
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let cookie = self.headers.get(SET_COOKIE).map(|value| value.to_str().unwrap());
        Account {
            id: text(&self.body["user"]["id"]),
            access: text(&self.body["access"]),
            expires: self.body["expires"].as_u64().unwrap(),
            cookie: cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or("").to_owned(),
        }
    }
}

fn config(change: impl FnOnce(&mut ServerConfig)) -> ServerConfig {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut config = ServerConfig::new(listen, Secret::new([7; 32]).unwrap());
    change(&mut config);
    config
}

/// t is everybody's, visitors' too; of u everybody has their own.
fn tables() -> BTreeMap<String, TableConfig> {
    let everybody = TableConfig { read: Some("true".into()), write: Some("true".into()), ..TableConfig::default() };
    let own = TableConfig {
        read: Some("owner = auth.id".into()),
        write: Some("owner = auth.id".into()),
        fill: BTreeMap::from([("owner".into(), "auth.id".into())]),
        ..TableConfig::default()
    };
    BTreeMap::from([("t".into(), everybody), ("u".into(), own)])
}

pub(crate) fn schema() -> Schema {
    let table = |name: &str, columns: &[(&str, ColumnType)]| {
        let column = |(name, kind): &(&str, ColumnType)| {
            let column = Column { kind: *kind, nullable: *name != "id", has_default: false, generated: false };
            ((*name).into(), column)
        };
        let table = Table::new(name.into(), columns.iter().map(column).collect(), vec!["id".into()]);
        (table.name.clone(), table)
    };
    use ColumnType::{Int64, Text};
    let t = [("id", Text), ("a", Text), ("n", Int64)];
    let u = [("id", Text), ("a", Text), ("owner", Text)];
    Schema { version: 0, tables: BTreeMap::from([table("t", &t), table("u", &u)]) }
}
