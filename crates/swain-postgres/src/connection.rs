//! Connections: a bounded pool, TLS, and the settings that every connection has.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::failure::Failure;
use crate::options::PostgresOptions;

/// How long a caller waits for a free connection, and a new connection for the server.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Prepared statements of one connection; what comes beyond is parsed each time.
const STATEMENTS_MAX: usize = 256;

/// A statement's parameter with its type.
pub(crate) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// One connection of the pool.
pub(crate) struct Session {
    client: Object,
}

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool,
    /// One connection, whose statements may take longer.
    passes: Pool,
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
}

impl Connections {
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self, Failure> {
        let mut config = Config::from_str(&options.url)
            .map_err(|error| Failure::unusable(format!("the address of the database cannot be read: {error}")))?;
        config.application_name("swain").connect_timeout(WAIT_MAX).keepalives_idle(Duration::from_secs(30));
        if !options.url.contains("sslmode") {
            config.ssl_mode(if is_near(&config) { SslMode::Disable } else { SslMode::Require });
        }
        let tls = MakeRustlsConnect::new(tls(options.root_certificate.as_deref())?);
        let pool_of = |connections, statement_timeout| {
            pool(&config, &tls, connections, settings(statement_timeout, options.lock_timeout))
        };
        let pool = pool_of(options.connections.max(2), options.statement_timeout)?;
        let passes = pool_of(1, options.pass_timeout)?;
        Ok(Self { pool, passes, config, tls })
    }

    pub(crate) async fn get(&self) -> Result<Session, Failure> {
        Ok(Session { client: self.pool.get().await? })
    }

    /// For the sequencer: a statement may take as long as a pass.
    pub(crate) async fn get_for_passes(&self) -> Result<Session, Failure> {
        Ok(Session { client: self.passes.get().await? })
    }

    pub(crate) fn close(&self) {
        self.pool.close();
        self.passes.close();
    }
}

fn pool(config: &Config, tls: &MakeRustlsConnect, connections: usize, settings: String) -> Result<Pool, Failure> {
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config.clone(), tls.clone(), manager);
    let settings: Arc<str> = settings.into();
    let hook = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        let settings = Arc::clone(&settings);
        Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
    });
    let timeouts = Timeouts { wait: Some(WAIT_MAX), create: Some(WAIT_MAX), recycle: Some(WAIT_MAX) };
    let pool = Pool::builder(manager).max_size(connections).runtime(Runtime::Tokio1);
    let pool = pool.timeouts(timeouts).post_create(hook).build();
    pool.map_err(|error| Failure::internal(format!("the pool cannot be made: {error}")))
}

/// The text form of every value is pinned, as in the capture function. Whatever the role or the database is set to,
/// what Swain commits is on disk before it is answered. No statement of ours is worth compiling: one that steers the
/// planner away from whole tables looks dear to it, and would be compiled for a tenth of a second to run for none.
fn settings(statement_timeout: Duration, lock_timeout: Duration) -> String {
    let (statement, lock) = (statement_timeout.as_millis(), lock_timeout.as_millis());
    format!(
        "SET client_encoding = 'UTF8'; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';
         SET intervalstyle = 'iso_8601'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C';
         SET synchronous_commit = 'on'; SET standard_conforming_strings = on; SET jit = off;
         SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off;
         SET statement_timeout = {statement}; SET lock_timeout = {lock};
         SET idle_in_transaction_session_timeout = {statement}"
    )
}

fn is_near(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
    })
}

fn tls(root_certificate: Option<&Path>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    match root_certificate {
        Some(path) => {
            let unreadable = |error| Failure::unusable(format!("{} cannot be read: {error}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                let added = certificate.map(|certificate| roots.add(certificate).is_ok()).map_err(unreadable)?;
                if !added {
                    return Err(Failure::unusable(format!("{} holds what is no certificate", path.display())));
                }
            }
        }
        // A machine without any may still have its database on a socket.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Failure::internal(format!("TLS cannot be set up: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl Session {
    /// Statements of the hot path: prepared once a connection. `sql` is one of a few.
    pub(crate) async fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        let statement = self.client.prepare_cached(sql).await?;
        Ok(self.client.query(&statement, parameters).await?)
    }

    pub(crate) async fn query_opt(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Failure> {
        let statement = self.client.prepare_cached(sql).await?;
        Ok(self.client.query_opt(&statement, parameters).await?)
    }

    pub(crate) async fn query_one(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row, Failure> {
        let statement = self.client.prepare_cached(sql).await?;
        Ok(self.client.query_one(&statement, parameters).await?)
    }

    pub(crate) async fn execute(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, Failure> {
        let statement = self.client.prepare_cached(sql).await?;
        Ok(self.client.execute(&statement, parameters).await?)
    }

    /// Statements of which there may be many, with text parameters: prepared while there is room.
    pub(crate) async fn execute_texts(&self, sql: &str, texts: &[Option<String>]) -> Result<u64, Failure> {
        if self.client.statement_cache.size() < STATEMENTS_MAX {
            let parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as _).collect();
            return self.execute(sql, &parameters).await;
        }
        let parameters: Vec<Parameter<'_>> = texts.iter().map(|text| (text as _, Type::TEXT)).collect();
        Ok(self.client.execute_typed(sql, &parameters).await?)
    }

    /// The same, for what gives rows.
    pub(crate) async fn query_texts(&self, sql: &str, texts: &[Option<String>]) -> Result<Vec<Row>, Failure> {
        let parameters: Vec<Parameter<'_>> = texts.iter().map(|text| (text as _, Type::TEXT)).collect();
        self.query_typed(sql, &parameters).await
    }

    /// Statements that are written for one question.
    pub(crate) async fn query_typed(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Failure> {
        Ok(self.client.query_typed(sql, parameters).await?)
    }

    pub(crate) async fn batch(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Ends a transaction that failed. A connection that cannot even do that is not used again.
    pub(crate) async fn rollback(self) {
        if self.client.batch_execute("ROLLBACK").await.is_err() {
            drop(Object::take(self.client));
        }
    }

    /// Ends the transaction that `result` came from, one way or the other.
    pub(crate) async fn end<T>(self, result: Result<T, Failure>) -> Result<T, Failure> {
        let result = match result {
            Ok(value) => self.batch("COMMIT").await.map(|()| value),
            Err(failure) => Err(failure),
        };
        if result.is_err() {
            self.rollback().await;
        }
        result
    }
}
